"""Sets of labels as the bits of integers, and the order in which labelled names are written.

An object has a label for each of its names; the names that may come, that must come and that have come are
bit sets. For a handful of names anything is fast. Here are the few operations that need care for a hundred
thousand: to list the members, to make a set, the names that come after one in the order (n sets of n bits are
not kept, but one in each EVERY places), and the first of some names (by bisection).
"""

from __future__ import annotations

from collections.abc import Iterable

EVERY = 64
_FEW = 512  # names; the sets of so many are kept for each name


def labels_of(names: int) -> list[int]:
    """The members of a bit set, in order."""
    found = []
    if names.bit_count() < 8:
        while names:
            bit = names & -names
            found.append(bit.bit_length() - 1)
            names ^= bit
        return found
    written = bin(names)[:1:-1]  # linear, where taking bit after bit from a long integer is not
    place = written.find("1")
    while place >= 0:
        found.append(place)
        place = written.find("1", place + 1)
    return found


def label_set(labels: Iterable[int]) -> int:
    """The bit set of some labels."""
    members = list(labels)
    if len(members) < 16:
        found = 0
        for label in members:
            found |= 1 << label
        return found
    written = bytearray((max(members) >> 3) + 1)
    for label in members:
        written[label >> 3] |= 1 << (label & 7)
    return int.from_bytes(written, "little")


class NameOrder:
    """Labels in the order in which their names are written."""

    __slots__ = ("_after", "_marks", "_rank", "order")

    def __init__(self, order: list[int]) -> None:
        self.order = order
        self._rank: dict[int, int] | None = None
        self._marks: list[int] | None = None
        self._after: dict[int, int] = {}

    @property
    def rank(self) -> dict[int, int]:
        """The place of each label; made when first asked for."""
        if self._rank is None:
            self._rank = {label: place for place, label in enumerate(self.order)}
        return self._rank

    def after(self, label: int) -> int:
        """The names that come after a name."""
        known = self._after.get(label)
        if known is None:
            known = self.since(self.rank[label] + 1)
            if len(self.order) <= _FEW:
                self._after[label] = known
        return known

    def first(self, names: int) -> int:
        """The first of some names; -1 if there is none."""
        if not names & (names - 1):
            return names.bit_length() - 1
        low, high = 0, len(self.order) // EVERY  # the block of the first one
        while low < high:
            middle = (low + high) // 2
            if names & ~self.since((middle + 1) * EVERY):
                high = middle
            else:
                low = middle + 1
        return min(labels_of(names & ~self.since((low + 1) * EVERY)), key=self.rank.__getitem__)

    def since(self, place: int) -> int:
        """The names at a place and after it."""
        marks = self._marks
        if marks is None:
            marks, later = [0], 0
            for start in range((len(self.order) - 1) // EVERY * EVERY, -1, -EVERY):
                later |= label_set(self.order[start : start + EVERY])
                marks.append(later)
            marks.reverse()  # by block: the names from its beginning on, and none after the last
            self._marks = marks
        mark = -(-place // EVERY)
        if mark >= len(marks):
            mark = len(marks) - 1
        return marks[mark] | label_set(self.order[place : mark * EVERY])
