"""What the tests of bench/speed share: sizes, peers, what figures must be, and an engine that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from tokentrellis.benchmark.maskbench.engines import Engine

from bench.speed.setting import Setting
from bench.speed.tables import Table

N_TOKENS = 768
PEERS = ("llguidance", "xgrammar")


def check_figures(table: Table, cases: list[str], engines: list[str]) -> None:
    """Every engine has a figure in every case, and all of them make sense."""
    figures = table.figures()
    assert list(figures) == cases
    for row in figures.values():
        assert list(row) == engines
        for summary in row.values():
            assert summary["n"] > 0
            slow, fast = ("p99", "median") if table.unit == "tokens/s" else ("median", "p99")
            assert 0 < summary[slow] <= summary[fast]


class Yes(Engine[Any, Any]):
    """Allows every token, whatever the schema."""

    def __init__(self, opened: Setting) -> None:
        super().__init__(opened.tokenizer, np.zeros((1, (N_TOKENS + 31) // 32), dtype=np.int32))

    def compile(self, schema: Any) -> Any:
        return schema

    def matcher(self, grammar: Any) -> Any:
        return []

    def fill(self, matcher: Any) -> None:
        self.words[:] = 2**32 - 1

    def commit(self, matcher: Any, token_id: int) -> bool:
        return True
