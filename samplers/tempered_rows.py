"""Rows of a model whose law has, in rules of a grammar with a temperature, that temperature.

Temperature makes another model, and a grammar that has some makes another one with it: what samplers draw
from, weigh and learn is the law of this model. Rows are followed by the grammar token by token, beside the
sampler that draws them; the model's own temperature and truncation come before. Cost: a step of a matcher for
each row and token, and one pass over its scores where a rule has a temperature.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.errors import TokenRejectedError
from ..decoding.rule_temperatures import tempered
from .constraint import Constraint, ConstraintState
from .language_model import ModelRows, TokenIds


class TemperedRows(ModelRows):
    """Rows that were begun with these prefixes. temperature: that of the rows' own law."""

    def __init__(
        self, rows: ModelRows, constraint: Constraint, prefixes: Sequence[TokenIds], temperature: float
    ) -> None:
        self._rows = rows
        self._temperature = temperature
        self._states: list[ConstraintState | None] = []
        for prefix in prefixes:
            state: ConstraintState | None = constraint.start()
            for token_id in prefix:
                state = _after(state, token_id)
            self._states.append(state)
        self._log_probs: Tensor | None = None

    @property
    def log_probs(self) -> Tensor:
        if self._log_probs is None:
            found = self._rows.log_probs
            rules = [None if state is None else state.temperature for state in self._states]
            if any(rule is not None for rule in rules):
                found = found.clone()
                for row, rule in enumerate(rules):
                    if rule is not None:
                        found[row] = torch.log_softmax(tempered(found[row], rule, self._temperature), dim=-1)
            self._log_probs = found
        return self._log_probs

    @property
    def coverage(self) -> Tensor:
        """That of the rows (`CausalLanguageModel`)."""
        found: Tensor = self._rows.coverage  # type: ignore[attr-defined]
        return found

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        self._rows.advance(parents, token_ids)
        pairs = zip(parents, token_ids, strict=True)
        self._states = [_after(self._states[parent], token_id) for parent, token_id in pairs]
        self._log_probs = None


def _after(state: ConstraintState | None, token_id: int) -> ConstraintState | None:
    """The state after a token; None once the text has left the grammar or has ended."""
    if state is None or state.is_finished:
        return None
    try:
        return state.after(token_id)
    except TokenRejectedError:
        return None
