"""Rows of allowed tokens as packed bits: making them, filling them for a batch, applying them to logits.

A bitmask is int32 of shape [rows, ceil(vocab_size / 32)]; token id i is bit i % 32 of word i // 32, set =
allowed (the format of llguidance, xgrammar, vLLM and SGLang). Logits may have more columns than the mask has
bits: those are masked. torch is imported only when tensors come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._ext import core
from .arguments import checked_integer, checked_list
from .errors import ArgumentIndexError, ArgumentTypeError, ArgumentValueError
from .matcher import Matcher
from .tokenizer_bytes import MOST_TOKENS

if TYPE_CHECKING:
    import torch


MOST_ROWS = 2**20


def allocate_bitmask(rows: int, vocab_size: int, *, is_pinned: bool = False) -> npt.NDArray[np.int32]:
    """A bitmask of zeros (nothing allowed), int32, shape [rows, ceil(vocab_size / 32)].

    is_pinned: in memory that a GPU can read while it computes; needs torch with CUDA.

    Raises:
        ArgumentTypeError, ArgumentValueError: a size is no integer, negative, or larger than `MOST_ROWS` or
            `MOST_TOKENS`.
    """
    rows = checked_integer("rows", rows, least=0, most=MOST_ROWS)
    vocab_size = checked_integer("vocab_size", vocab_size, least=0, most=MOST_TOKENS)
    shape = (rows, (vocab_size + 31) // 32)
    if is_pinned:
        import torch

        return torch.zeros(shape, dtype=torch.int32, pin_memory=True).numpy()
    return np.zeros(shape, dtype=np.int32)


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
        ArgumentIndexError, ArgumentValueError, ArgumentTypeError: the bitmask has no such row, or not this
            shape and type, or an argument is of the wrong kind (IndexErrors, ValueErrors, TypeErrors too).
    """
    matchers = checked_list("matchers", matchers, Matcher, "a Matcher", "call compiled.matcher()")
    for name, values in (("rows", rows), ("budgets", budgets)):
        if values is not None and (isinstance(values, (str, bytes)) or not isinstance(values, Sequence)):
            raise ArgumentTypeError(f"{name} must be a list of integers, or None", got=values)
        if values is not None and len(values) != len(matchers):
            raise ArgumentValueError(
                f"{name}: must have one entry for each of the {len(matchers)} matchers", got=values
            )
    core.fill_bitmasks(matchers, bitmask, rows, budgets)


def unpack_bitmask(bitmask: npt.NDArray[np.int32], columns: int) -> npt.NDArray[np.bool_]:
    """The bits of a bitmask one by one: bool, shape [..., columns], for int32 [..., words].

    Columns from 32 * words on are False. For what looks at single tokens; a mask is applied without it.
    """
    little = np.ascontiguousarray(bitmask, dtype="<i4")
    bits = np.unpackbits(little.view(np.uint8), axis=-1, bitorder="little", count=columns)
    return bits.view(np.bool_)


def apply_bitmask(
    logits: torch.Tensor,
    bitmask: npt.NDArray[np.int32] | torch.Tensor,
    indices: Sequence[int] | None = None,
) -> torch.Tensor:
    """Set the logits of forbidden tokens to -inf, in place, and return them.

    On a CPU a compiled loop does it, on a GPU a Triton kernel where Triton is installed, elsewhere torch.

    Args:
        logits: floating point, shape [rows, columns] or [columns], any device; columns from 32 * words on are
            forbidden. Fewer columns are fine as long as no token of a word beyond them is allowed.
        bitmask: int32, shape [rows, words] or [words], numpy or torch, on any device.
        indices: rows of both to apply; by default all.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of another kind, or the bitmask has fewer rows
            than the logits, or allows tokens that have no logits. ArgumentIndexError: there is no such row.
    """
    import torch

    is_numpy = isinstance(bitmask, np.ndarray) and bitmask.dtype == np.int32
    bits = torch.from_numpy(np.ascontiguousarray(bitmask)) if is_numpy else bitmask
    if not (torch.is_tensor(logits) and logits.is_floating_point() and logits.ndim in (1, 2)):
        raise ArgumentTypeError(
            "logits must be a tensor of floats of shape [rows, columns]", got=_kind(logits)
        )
    if logits.element_size() < 2 or (logits.ndim == 2 and logits.stride(0) == 0 < logits.shape[0] - 1):
        raise ArgumentTypeError(
            "logits must have at least 16 bits each, and rows of their own", got=_kind(logits)
        )
    if not (torch.is_tensor(bits) and bits.dtype == torch.int32 and bits.ndim in (1, 2)):
        raise ArgumentValueError(
            "bitmask: must be int32 of shape [rows, words]",
            got=_kind(bitmask),
            advice="use allocate_bitmask()",
        )
    if bits.ndim == 1:
        bits = bits.unsqueeze(0)
    if logits.ndim == 1:
        apply_bitmask(logits.unsqueeze(0), bits, indices)
        return logits
    if indices is None and bits.shape[0] < logits.shape[0]:
        raise ArgumentValueError(
            f"bitmask: must be int32 of shape [at least {logits.shape[0]}, words]",
            got=_kind(bits),
            advice="use allocate_bitmask()",
        )
    if indices is not None:
        indices = _checked_rows(indices, min(logits.shape[0], bits.shape[0]))
        if not indices:
            return logits
    if logits.shape[1] <= 32 * (bits.shape[1] - 1):
        _check_width(logits, bits if indices is None else bits[indices])
    is_plain = logits.stride(-1) == 1 and not logits.is_neg()  # the words of its memory are its numbers
    if logits.device.type == "cpu" and not logits.requires_grad and is_plain:
        _apply_on_cpu(logits, bits.cpu().contiguous(), indices)
        return logits
    bits = bits.to(logits.device, non_blocking=True)
    chosen = None if indices is None else torch.tensor(indices, dtype=torch.long, device=logits.device)
    apply_on_device(logits, bits, chosen, chosen)
    return logits


def apply_on_device(
    logits: torch.Tensor,
    bits: torch.Tensor,
    rows: torch.Tensor | None = None,
    bit_rows: torch.Tensor | None = None,
) -> None:
    """The same where all lies on one device: logits, shape [rows, columns]; bits, int32, shape [any, words];
    rows and bit_rows, int64, shape [n]: which row of the bits is for which of the logits, each of these once.
    Without both: the first rows of the bits for all logits.
    """
    is_plain = logits.stride(-1) == 1 and not logits.is_neg()
    kernel = _kernel() if logits.is_cuda and is_plain else None
    if kernel is not None:
        kernel(logits, bits.contiguous(), rows, bit_rows)
    elif rows is None or bit_rows is None:
        _apply_by_torch(logits, bits[: logits.shape[0]])
    else:
        logits[rows] = _apply_by_torch(logits[rows], bits[bit_rows])


def _apply_on_cpu(logits: torch.Tensor, bits: torch.Tensor, indices: Sequence[int] | None) -> None:
    word, pattern = word_of(logits.dtype)
    core.forbid_tokens(logits.detach().view(word).numpy(), bits.numpy(), pattern, indices)


@cache
def word_of(dtype: torch.dtype) -> tuple[torch.dtype, int]:
    """Scores as words of their size, and minus infinity as such a word: nothing else is written."""
    import torch

    word = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    return word, int(torch.tensor(float("-inf"), dtype=dtype).view(word).item())


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


def _checked_rows(indices: Sequence[int], n_rows: int) -> list[int]:
    if isinstance(indices, (str, bytes)) or not isinstance(indices, Iterable):
        raise ArgumentTypeError("indices must be a list of rows, or None", got=indices)
    checked = [checked_integer("indices", index) for index in indices]
    for index in checked:
        if not 0 <= index < n_rows:
            raise ArgumentIndexError(f"indices: a row must be from 0 to {n_rows - 1}", got=index)
    return checked


def _check_width(logits: torch.Tensor, bits: torch.Tensor) -> None:
    """Raise if a whole word of the bits has no logits, and allows a token there, which would be lost."""
    columns = logits.shape[1]
    if bool((bits[: logits.shape[0], (columns + 31) // 32 :] != 0).any()):
        raise ArgumentValueError(
            f"logits: {columns} columns are too few, since the bitmask allows tokens beyond them (it has "
            f"{bits.shape[1]} words of 32 bits)",
            got=_kind(logits),
            advice="use the vocabulary of the model that made the logits",
        )


def _kind(value: object) -> object:
    """What an error shows of a tensor: not its contents."""
    kind = getattr(value, "dtype", None)
    return value if kind is None else f"{kind} of shape {tuple(getattr(value, 'shape', ()))}"
