"""Rows of a model that keeps no cache that could be re-ordered: each step runs every row from its beginning.

Some recurrent models keep their state inside themselves, or in a form of their own. What they say of a whole
text is right all the same, so that is asked: one pass for all rows of one length. Slow, and never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .language_model import ModelRows, TokenIds


class WholeRows(ModelRows):
    """run: takes rows with the same number of tokens, gives the law after each, shape [rows, logits]."""

    def __init__(self, run: Callable[[Sequence[TokenIds]], Tensor], prefixes: Sequence[TokenIds]) -> None:
        self._run = run
        self._move([tuple(prefix) for prefix in prefixes])

    @property
    def log_probs(self) -> Tensor:
        return self._log_probs

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        self._move([(*self._prefixes[i], token) for i, token in zip(parents, token_ids, strict=True)])

    def _move(self, prefixes: list[tuple[int, ...]]) -> None:
        self._prefixes = prefixes
        by_length: dict[int, list[int]] = {}
        for row, prefix in enumerate(prefixes):
            by_length.setdefault(len(prefix), []).append(row)
        found = torch.cat([self._run([prefixes[row] for row in rows]) for rows in by_length.values()])
        order = torch.tensor([row for rows in by_length.values() for row in rows])
        self._log_probs = found[order.argsort().to(found.device)]
