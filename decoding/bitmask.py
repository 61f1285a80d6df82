"""Rows of allowed tokens as packed bits: making them, filling them for a batch, applying them to logits.

A bitmask is int32 of shape [rows, ceil(vocab_size / 32)]; token id i is bit i % 32 of word i // 32, set =
allowed (the format of llguidance, xgrammar, vLLM and SGLang). Logits may have more columns than the mask has
bits: those are masked. torch is imported only when tensors come in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
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

    On a CPU a compiled loop does it, on a GPU a Triton kernel where Triton is installed, elsewhere torch.

    Args:
        logits: floating point, shape [rows, columns] or [columns], any device; columns from 32 * words on are
            forbidden.
        bitmask: int32, shape [rows, words] or [words], numpy or torch, on any device.
        indices: rows of both to apply; by default all.

    Raises:
        IndexError: there is no such row.
        ValueError: the bitmask has fewer rows than the logits, or another type.
    """
    import torch

    bits = torch.from_numpy(bitmask) if isinstance(bitmask, np.ndarray) else bitmask
    if logits.ndim == 1:
        apply_bitmask(logits.unsqueeze(0), bits.reshape(1, -1), indices)
        return logits
    if bits.ndim == 1:
        bits = bits.unsqueeze(0)
    if bits.dtype != torch.int32 or (indices is None and bits.shape[0] < logits.shape[0]):
        raise ValueError(
            f"bitmask: must be int32 of shape [at least {logits.shape[0]}, words], "
            f"got {bits.dtype} of shape {tuple(bits.shape)}; use allocate_bitmask()"
        )
    if logits.device.type == "cpu" and not logits.requires_grad and logits.stride(-1) == 1:
        _apply_on_cpu(logits, bits.cpu().contiguous(), indices)
        return logits
    rows = range(logits.shape[0]) if indices is None else list(indices)
    most = min(logits.shape[0], bits.shape[0])
    if any(not 0 <= row < most for row in rows):
        raise IndexError(f"indices: must be rows from 0 to {most - 1}, got {list(rows)}")
    bits = bits.to(logits.device, non_blocking=True)
    chosen = None if indices is None else torch.tensor(rows, dtype=torch.long, device=logits.device)
    kernel = _kernel() if logits.is_cuda and logits.stride(-1) == 1 else None
    if kernel is not None:
        kernel(logits, bits.contiguous(), chosen)
    elif chosen is None:
        _apply_by_torch(logits, bits[: logits.shape[0]])
    else:
        logits[chosen] = _apply_by_torch(logits[chosen], bits[chosen])
    return logits


def _apply_on_cpu(logits: torch.Tensor, bits: torch.Tensor, indices: Sequence[int] | None) -> None:
    """Scores as words of their size: only minus infinity is written, in the bits of their type."""
    import torch

    word = {2: torch.int16, 4: torch.int32, 8: torch.int64}[logits.element_size()]
    pattern = int(torch.tensor(float("-inf"), dtype=logits.dtype).view(word).item())
    core.forbid_tokens(logits.detach().view(word).numpy(), bits.numpy(), pattern, indices)


def _apply_by_torch(logits: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    import torch

    columns = min(logits.shape[-1], bits.shape[-1] * 32)
    shifts = torch.arange(32, device=logits.device, dtype=torch.int32)
    forbidden = ((bits.unsqueeze(-1) >> shifts) & 1).flatten(1)[:, :columns] == 0
    logits[:, :columns].masked_fill_(forbidden, float("-inf"))
    if columns < logits.shape[-1]:
        logits[:, columns:] = float("-inf")
    return logits


@cache
def _kernel() -> Callable[..., None] | None:
    """The Triton kernel, or None where Triton is missing."""
    try:
        from .apply_kernel import forbid_tokens
    except ImportError:
        return None
    return forbid_tokens
