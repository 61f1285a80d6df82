"""`bench.exact_lengths requests` with few requests: none is wrong."""

from __future__ import annotations

from bench.exact_lengths import run_requests


def test_no_request_is_missed() -> None:
    ends = run_requests(12, None, seed=1)
    assert sum(ends.values()) == 12
    assert not any(end == "wrong" for _, end in ends)
    assert sum(count for (_, end), count in ends.items() if end == "exact") > 6
