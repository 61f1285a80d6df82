"""Finished rows of allowed tokens on a device: a step sends the number of a row there, not the row.

In: for each sequence of a step a key that says what its row is (`Matcher.row_id` and the grammar), or None,
and a way to fill the row. Out: masked logits. A row with a key is sent when it is first met and kept; later
steps that meet it send its place, four bytes in place of 16 KB for 128,000 tokens, and do not fill it on the
host either. A row without a key is sent each time: near a budget, and where an object may have keys of any
text, which must not repeat. What is new in a step goes over in one copy, from memory that the device reads by
itself.

The store is bounded: places are given out in turn, and the row that had the place is forgotten. A place that
is overwritten was read by earlier steps only, and a device does the work of one stream in its order.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
import torch

from .bitmask import allocate_bitmask, apply_on_device

MOST_BYTES = 32 << 20
"""Of the rows that a device keeps; more only where one step needs more."""


class DeviceRows:
    """The rows of one vocabulary on one device.

    words: of a row. most_bytes: of all that are kept.
    """

    def __init__(self, device: torch.device, words: int, *, most_bytes: int = MOST_BYTES) -> None:
        self._device = device
        self._words = words
        self._least_places = max(1, most_bytes // (4 * max(words, 1)))
        self._next = 0  # the place that is given out next
        self._new = allocate_bitmask(0, 32 * words)
        self._begin_again(0)
        self._step(0)

    def begin(self, n_rows: int) -> npt.NDArray[np.int32]:
        """Begin a step of at most so many sequences. Returns where the host fills new rows, int32, shape [at
        least n_rows, words]: number i is the i-th one that `find` did not know.
        """
        if self._rows.shape[0] < 2 * n_rows or not self._rows.shape[0]:
            self._begin_again(max(self._least_places, 2 * n_rows))
        if len(self._new) < n_rows:
            self._new = allocate_bitmask(n_rows, 32 * self._words, is_pinned=self._device.type == "cuda")
        self._step(n_rows)
        return self._new

    def find(self, key: Hashable | None, row: int) -> bool:
        """Whether the row with this key is here; then it is applied to row `row` of the logits."""
        place = None if key is None else self._places.get(key, self._new_places.get(key))
        if place is None:
            return False
        self._use(row, place)
        return True

    def keep(self, key: Hashable | None, row: int) -> None:
        """Send the new row that was just filled, for row `row` of the logits, and keep it if it has a key."""
        while self._next in self._used:
            self._next = (self._next + 1) % len(self._keys)
        place, self._next = self._next, (self._next + 1) % len(self._keys)
        before, self._keys[place] = self._keys[place], None
        if before is not None:
            del self._places[before]
        if key is not None:
            self._new_places[key] = place
        self._sent.append(place)
        self._use(row, place)

    @property
    def n_new(self) -> int:
        """How many rows were filled in this step."""
        return len(self._sent)

    def apply(self, logits: torch.Tensor) -> list[int]:
        """End the step: forbid what the rows forbid, in place. Returns the rows of the logits that it was
        for.

        logits: floating point, shape [rows, columns], on the device.
        """
        n_new, n_rows = len(self._sent), len(self._masked)
        numbers = torch.tensor(self._masked + self._used_in_order + self._sent)
        if self._device.type == "cuda":
            numbers = numbers.pin_memory()
        numbers = numbers.to(self._device, non_blocking=True)
        if n_new:
            new = torch.from_numpy(self._new[:n_new]).to(self._device, non_blocking=True)
            self._rows.index_copy_(0, numbers[2 * n_rows :], new)
            # Only now: a step that ended in an error before has sent nothing.
            self._places |= self._new_places
            for key, place in self._new_places.items():
                self._keys[place] = key
        if n_rows:
            apply_on_device(logits, self._rows, numbers[:n_rows], numbers[n_rows : 2 * n_rows])
        return self._masked

    def _use(self, row: int, place: int) -> None:
        self._masked.append(row)
        self._used_in_order.append(place)
        self._used.add(place)

    def _step(self, n_rows: int) -> None:
        self._masked: list[int] = []
        self._used_in_order: list[int] = []
        self._used: set[int] = set()
        self._sent: list[int] = []
        self._new_places: dict[Hashable, int] = {}

    def _begin_again(self, n_places: int) -> None:
        """With so many places, all of them empty."""
        self._rows = torch.zeros((n_places, self._words), dtype=torch.int32, device=self._device)
        self._keys: list[Hashable | None] = [None] * n_places
        self._places: dict[Hashable, int] = {}
        self._next = 0
