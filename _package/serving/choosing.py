"""One token for each row of a batch: logits and masks in, token ids out.

In this order, as the OpenAI protocol has them: penalties for tokens that were written before, biases, the
mask of the grammar, temperature, `top_k`, `top_p`; so truncation counts only what is allowed. Each row draws
by its own numbers, so that a seed gives the same text whoever else is in the batch. Cost: a sort for rows
with `top_p`, a cumulative sum for the others that draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

LEAST_TEMPERATURE = 1e-4
"""Below, the likeliest token is taken."""


@dataclass(frozen=True)
class Choosing:
    """How a row chooses. temperature 0: the likeliest token. top_k, top_p: None: not at all.

    frequency_penalty: taken from a logit for each time that the token was written; presence_penalty: once.
    biases: added to the logits of these tokens.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    biases: Mapping[int, float] = field(default_factory=dict)

    @property
    def draws(self) -> bool:
        """Whether chance plays a part."""
        return self.temperature >= LEAST_TEMPERATURE

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters what was written before."""
        return bool(self.frequency_penalty or self.presence_penalty)


def change_logits(row: Tensor, choosing: Choosing, written: Counter[int]) -> None:
    """Penalties and biases, in place. row: shape [logits]."""
    changes = dict(choosing.biases)
    if choosing.counts_tokens:
        for token_id, count in written.items():
            penalty = choosing.frequency_penalty * count + choosing.presence_penalty
            changes[token_id] = changes.get(token_id, 0.0) - penalty
    if changes:
        indices = torch.tensor(list(changes), device=row.device)
        row[indices] += torch.tensor(list(changes.values()), dtype=row.dtype, device=row.device)


def choose_tokens(
    logits: Tensor, choosings: Sequence[Choosing], uniforms: Sequence[float]
) -> list[int | None]:
    """A token for each row; None: the row has no finite logit, or one that is no number.

    logits: after the mask, shape [rows, logits]. uniforms: a number from [0, 1) for each row, of which those
    that do not draw make no use.
    """
    top, likeliest = logits.max(dim=-1)
    chosen: list[int | None] = likeliest.tolist()
    for row, choosing in enumerate(choosings):
        if choosing.draws:
            chosen[row] = _draw(logits[row], choosing, uniforms[row])
    is_finite = top.isfinite().tolist()  # the largest of a row with NaN is NaN
    return [token if finite else None for token, finite in zip(chosen, is_finite, strict=True)]


def _draw(row: Tensor, choosing: Choosing, uniform: float) -> int:
    scores = row.double() / choosing.temperature
    if choosing.top_k is not None and choosing.top_k < len(row):
        least = scores.topk(choosing.top_k).values[-1]
        scores = scores.masked_fill(scores < least, float("-inf"))
    probabilities = torch.softmax(scores, dim=-1)
    if choosing.top_p is not None and choosing.top_p < 1:
        ordered, order = probabilities.sort(descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered  # the first is always kept
        probabilities = probabilities.index_fill(0, order[before >= choosing.top_p], 0.0)
    cumulative = probabilities.cumsum(-1)
    total = cumulative[-1]
    # Below the total: rounding must not lead beyond the last token that has any mass.
    target = torch.minimum(total * uniform, torch.nextafter(total, torch.zeros_like(total)))
    return int(torch.searchsorted(cumulative, target, right=True).clamp(max=len(row) - 1))
