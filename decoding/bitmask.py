"""Rows of allowed tokens as packed bits: making them, filling them for a batch, applying them to logits.

A bitmask is int32 of shape [rows, ceil(vocab_size / 32)]; token id i is bit i % 32 of word i // 32, set =
allowed (the format of llguidance, xgrammar, vLLM and SGLang). Logits may have more columns than the mask has
bits: those are masked. torch is imported only when tensors come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._ext import core
from .matcher import Matcher

if TYPE_CHECKING:
    import torch


def allocate_bitmask(rows: int, vocab_size: int) -> npt.NDArray[np.int32]:
    """A bitmask of zeros (nothing allowed), int32, shape [rows, ceil(vocab_size / 32)]."""
    return np.zeros((rows, (vocab_size + 31) // 32), dtype=np.int32)


def fill_bitmasks(
    matchers: Sequence[Matcher],
    bitmask: npt.NDArray[np.int32] | torch.Tensor,
    *,
    rows: Sequence[int] | None = None,
    budgets: Sequence[int | None] | None = None,
) -> None:
    """Fill one row for each matcher, with the interpreter lock released while the rows are computed.

    Args:
        matchers: n of them, of any grammars.
        bitmask: int32, shape [at least n, ceil(vocab_size / 32)], numpy or CPU torch memory.
        rows: the row of each matcher; by default 0 to n - 1.
        budgets: for each matcher the tokens that may still be written, EOS included, or None.

    Raises:
        BudgetTooSmallError, NoAllowedTokenError: as `Matcher.fill_bitmask`.
        IndexError, ValueError: the bitmask has no such row, or not this shape and type.
    """
    core.fill_bitmasks(matchers, bitmask, rows, budgets)


def apply_bitmask(
    logits: torch.Tensor,
    bitmask: npt.NDArray[np.int32] | torch.Tensor,
    indices: Sequence[int] | None = None,
) -> torch.Tensor:
    """Set the logits of forbidden tokens to -inf, in place, and return them.

    Args:
        logits: floating point, shape [rows, columns] or [columns], any device; columns from 32 * words on are
            forbidden.
        bitmask: int32, shape [rows, words] or [words], numpy or torch, on any device.
        indices: rows of both to apply; by default all.
    """
    import torch

    bits = torch.from_numpy(bitmask) if isinstance(bitmask, np.ndarray) else bitmask
    if logits.ndim == 1:
        apply_bitmask(logits.unsqueeze(0), bits.reshape(1, -1))
        return logits
    if bits.ndim == 1:
        bits = bits.unsqueeze(0)
    if indices is not None:
        chosen = torch.as_tensor(list(indices), dtype=torch.long)
        rows = logits[chosen.to(logits.device)]
        logits[chosen.to(logits.device)] = apply_bitmask(rows, bits[chosen.to(bits.device)])
        return logits
    bits = bits.to(logits.device, non_blocking=True)
    columns = min(logits.shape[-1], bits.shape[-1] * 32)
    shifts = torch.arange(32, device=logits.device, dtype=torch.int32)
    forbidden = ((bits.unsqueeze(-1) >> shifts) & 1).reshape(bits.shape[0], -1)[:, :columns] == 0
    logits[:, :columns].masked_fill_(forbidden, float("-inf"))
    if columns < logits.shape[-1]:
        logits[:, columns:] = float("-inf")
    return logits
