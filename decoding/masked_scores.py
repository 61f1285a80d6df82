"""Scores with -inf at the forbidden tokens: what a logits processor gives back.

In: scores of a step, a bitmask, the rows that it is for. Out: a tensor, and the rows in which nothing but
-inf is left. By default it is a new tensor, because transformers hands in the same one twice (prompt
look-up), and keeps it where `output_logits` is asked for; where neither is so, to mask in place costs less.

On a CPU one compiled loop copies and masks. What costs more than this loop is what surrounds it: the model's
step has just emptied the caches, so that each call into torch takes some 10 us, and a new tensor at every
step, wherever the heap has room, is memory that no cache holds (for 8 rows of 128,000 scores a millisecond).
So the memory of earlier copies is used again as soon as nobody holds a tensor that lies in it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from .._ext import core
from .bitmask import apply_bitmask, word_of
from .device_rows import DeviceRows

MOST_BLOCKS = 2
"""The copy of the last step is still in transformers' hands when the next one is made."""

_NUMPY_TYPES: dict[torch.dtype, npt.DTypeLike] = {
    torch.float16: np.float16,
    torch.float32: np.float32,
    torch.float64: np.float64,
}  # of the others the words are used


class ScoreMasker:
    """Masks the scores of one step after the other.

    is_in_place: write into the scores themselves.
    """

    def __init__(self, *, is_in_place: bool = False) -> None:
        self.is_in_place = is_in_place
        self._memory = _Memory()

    def mask(
        self, scores: torch.Tensor, bitmask: npt.NDArray[np.int32], rows: Sequence[int]
    ) -> tuple[torch.Tensor, list[int]]:
        """The scores with -inf at the forbidden tokens of some rows, and those of these rows where nothing
        but -inf is left.

        scores: floating point, shape [rows, columns], any device. bitmask: shape [at least rows, words].
        """
        if scores.is_cpu and scores.stride(-1) == 1 and scores.itemsize >= 2 and not scores.is_neg():
            return self._mask_on_cpu(scores, bitmask, rows)
        masked = self._own(scores)
        if rows:
            apply_bitmask(masked, bitmask[: len(masked)], None if len(rows) == len(masked) else rows)
        return masked, _empty_rows(masked, rows)

    def mask_on_device(self, scores: torch.Tensor, device_rows: DeviceRows) -> tuple[torch.Tensor, list[int]]:
        """The same with the rows that a step gathered on the device of the scores."""
        masked = self._own(scores)
        return masked, _empty_rows(masked, device_rows.apply(masked))

    def _own(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.detach() if self.is_in_place else scores.detach().clone()

    def _mask_on_cpu(
        self, scores: torch.Tensor, bitmask: npt.NDArray[np.int32], rows: Sequence[int]
    ) -> tuple[torch.Tensor, list[int]]:
        n_rows, columns = scores.shape
        dtype = scores.dtype
        masked, address = scores, 0
        if not self.is_in_place:
            masked = self._memory.tensor(n_rows, columns, dtype)
            address = masked.data_ptr()
        empty = core.mask_scores(
            *(scores.data_ptr(), scores.stride(0), address, n_rows, columns, dtype.itemsize),
            *(bitmask, word_of(dtype)[1], rows),
        )
        return masked, empty


def _empty_rows(scores: torch.Tensor, rows: Sequence[int]) -> list[int]:
    if not rows:
        return []
    best = scores.amax(dim=-1)[list(rows)].tolist()
    return [row for row, value in zip(rows, best, strict=True) if value == -np.inf]


class _Memory:
    """Blocks of memory for tensors. A tensor made of a numpy array holds a reference to it until the last
    tensor that shares its memory is gone, so the array's count of references tells whether it is free.
    """

    def __init__(self) -> None:
        self._blocks: list[npt.NDArray[np.generic]] = [np.empty(0)]
        self._references_of_free = self._references(0)
        self._blocks.clear()

    def _references(self, index: int) -> int:
        return sys.getrefcount(self._blocks[index])

    def tensor(self, rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
        """An uninitialised tensor of this shape."""
        shape = (rows, columns)
        kind = _NUMPY_TYPES.get(dtype) or f"i{dtype.itemsize}"
        for index, block in enumerate(self._blocks):
            if block.shape == shape and block.dtype == kind:
                del block
                if self._references(index) == self._references_of_free:
                    return self._view(index, dtype)
        if len(self._blocks) == MOST_BLOCKS:
            del self._blocks[0]
        self._blocks.append(np.empty(shape, kind))
        return self._view(-1, dtype)

    def _view(self, index: int, dtype: torch.dtype) -> torch.Tensor:
        tensor = torch.from_numpy(self._blocks[index])
        return tensor if tensor.dtype == dtype else tensor.view(dtype)
