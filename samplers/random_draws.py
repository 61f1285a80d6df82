"""Random numbers and draws by a law: a `torch.Generator` in, tensors on its device out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.arguments import checked_instance


def draw_uniforms(generator: torch.Generator, *shape: int) -> Tensor:
    """Independent numbers from [0, 1), float64, of this shape, on the device of the generator.

    Raises:
        ArgumentTypeError: it is no generator.
    """
    checked_instance("generator", generator, torch.Generator, "a torch.Generator")
    return torch.rand(shape, generator=generator, dtype=torch.float64, device=generator.device)


def draw_categorical(
    log_probs: Tensor, rows: Sequence[int], count: int, generator: torch.Generator
) -> Tensor:
    """Independent draws from rows of log-probabilities, which need not sum to one.

    Returns int64, shape [draws, count]; any token for a row of -inf alone. (The distribution function is
    inverted: for 128,000 tokens an eleventh of the time of Gumbel variables and their largest.)
    """
    uniforms = draw_uniforms(generator, len(rows), count)
    log_probs = log_probs.double()
    top = log_probs.amax(-1, keepdim=True)
    cumulative = (log_probs - torch.where(top.isfinite(), top, 0.0)).exp().cumsum(-1)
    totals = cumulative[list(rows), -1].unsqueeze(1)
    # Below the total: rounding must not lead beyond the last token that has any mass.
    targets = (uniforms * totals).minimum(torch.nextafter(totals, torch.zeros_like(totals)))
    found = [
        torch.searchsorted(cumulative[row], target, right=True)
        for row, target in zip(rows, targets, strict=True)
    ]
    return torch.stack(found).clamp(max=log_probs.shape[1] - 1)
