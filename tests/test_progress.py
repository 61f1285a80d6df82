"""How far a long run is, where nobody looks on: a line for each tenth."""

from __future__ import annotations

import pytest
from tokentrellis.progress import shown_progress


def test_lines_where_nobody_looks_on(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress("bench", 25, 4) as advance:
        for _ in range(21):
            advance("engine")
    captured = capsys.readouterr()
    counts = [5, 8, 10, 13, 15, 18, 20, 23, 25]
    assert captured.err.splitlines() == [f"bench: {count} of 25" for count in counts]
    assert not captured.out


def test_silent_where_nothing_is_to_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress("generating", 2, is_said=False) as advance:
        advance("")
    assert capsys.readouterr().err == ""
