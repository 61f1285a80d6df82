"""Classes of characters, and how UTF-8 spells them: a function from a character to its kind in, tables out.

What a measure of texts asks of a character (a letter? a full stop?) has few answers. Characters with the same
answer are a *class*. The tables read a text byte by byte: a *node* is what has been read of a character, 0
between two of them. Unassigned and private planes are asked about once, the other 270,000 characters each
(0.2 to 0.5 s). The table has as many nodes as there are different blocks of 64 characters, a few hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROOT = 0
"""The node between two characters."""
INVALID = -1
"""In place of a class or a node: bytes that are not UTF-8."""
N_CHARACTERS = 0x110000
# Where characters may differ from their neighbours; the rest of Unicode is unassigned or private.
_LISTED = ((0, 0xD800), (0xE000, 0x40000), (0xE0000, 0xE1000))
_UNIFORM = ((0x40000, 0xE0000), (0xE1000, 0xF0000), (0xF0000, N_CHARACTERS))


@dataclass(frozen=True, eq=False)
class CharacterClasses:
    """A partition of all characters.

    class_of: int16 [N_CHARACTERS], by code point; INVALID for surrogates.
    kinds: by class, what the function said.
    """

    class_of: npt.NDArray[np.int16]
    kinds: tuple[Hashable, ...]

    @property
    def n_classes(self) -> int:
        return len(self.kinds)


def classify_characters(kind_of: Callable[[str], Hashable]) -> CharacterClasses:
    """Ask a function about every character."""
    class_of = np.full(N_CHARACTERS, INVALID, dtype=np.int16)
    classes: dict[Hashable, int] = {}
    for first, end in _LISTED:
        class_of[first:end] = [
            classes.setdefault(kind_of(chr(code)), len(classes)) for code in range(first, end)
        ]
    for first, end in _UNIFORM:
        class_of[first:end] = classes.setdefault(kind_of(chr(first)), len(classes))
    return CharacterClasses(class_of, tuple(classes))


def join_classes(one: CharacterClasses, other: CharacterClasses) -> CharacterClasses:
    """The coarsest partition finer than both; the kinds are the pairs of the classes."""
    pairs = one.class_of.astype(np.int32) * other.n_classes + other.class_of
    pairs[one.class_of == INVALID] = INVALID
    values, joined = np.unique(pairs, return_inverse=True)
    shift = int(values[0] == INVALID)
    kinds = [divmod(int(value), other.n_classes) for value in values[shift:]]
    return CharacterClasses((joined.reshape(-1) - shift).astype(np.int16), tuple(kinds))


def merge_classes(classes: CharacterClasses, new_class: Sequence[int]) -> CharacterClasses:
    """A coarser partition: class i becomes `new_class[i]`; the kind is that of the first."""
    kinds: dict[int, Hashable] = {}
    for kind, merged in zip(classes.kinds, new_class, strict=True):
        kinds.setdefault(int(merged), kind)
    # The last entry is what INVALID, -1, selects.
    moved = np.array([*new_class, INVALID], dtype=np.int16)
    return CharacterClasses(moved[classes.class_of], tuple(kinds[i] for i in range(len(kinds))))


@dataclass(frozen=True, eq=False)
class ByteTable:
    """Reads UTF-8 byte by byte.

    after: int32 [n_nodes, 256]: a node; below INVALID, a character is complete, of class INVALID - 1 - value;
        INVALID: no UTF-8.
    rests: by node, bytes to the end of the character for each class that it may still become, fewest.
    """

    after: npt.NDArray[np.int32]
    rests: tuple[dict[int, int], ...]


def completed(character_class: int | npt.NDArray[np.int32]) -> int | npt.NDArray[np.int32]:
    """The entry of a `ByteTable` for a complete character, and back."""
    return INVALID - 1 - character_class


def make_byte_table(classes: CharacterClasses, usable: npt.NDArray[np.bool_]) -> ByteTable:
    """usable: bool [256], the bytes that may be counted on for `rests` (all may be read)."""
    after = [np.full(256, INVALID, dtype=np.int32)]
    root = after[ROOT]
    root[:128] = [completed(int(c)) for c in classes.class_of[:128]]
    blocks = classes.class_of.reshape(-1, 64)
    last_bytes = _Nodes(after, lambda row: np.where(row == INVALID, INVALID, completed(row.astype(np.int32))))
    nodes = np.array([last_bytes.node(row) for row in blocks], dtype=np.int32)
    inner = _Nodes(after, lambda row: row)
    root[0xC2:0xE0] = nodes[2:32]
    pages = nodes.reshape(-1, 64).copy()
    short = pages.copy()
    short[0, :32] = INVALID  # what two bytes can say, three may not
    root[0xE0:0xF0] = [inner.node(row) for row in short[:16]]
    planes = np.array([inner.node(row) for row in pages], dtype=np.int32)
    planes = np.concatenate([planes, np.full(5 * 64 - len(planes), INVALID, dtype=np.int32)]).reshape(-1, 64)
    planes[0, :16] = INVALID
    root[0xF0:0xF5] = [inner.node(row) for row in planes]
    return ByteTable(np.stack(after), tuple(_rests(after, usable)))


class _Nodes:
    """Nodes that read a continuation byte, each made once."""

    def __init__(
        self, after: list[npt.NDArray[np.int32]], entries: Callable[[npt.NDArray], npt.NDArray]
    ) -> None:
        self._after = after
        self._entries = entries
        self._known: dict[bytes, int] = {}

    def node(self, row: npt.NDArray) -> int:
        """row: what each of the 64 continuation bytes leads to."""
        if (row == INVALID).all():
            return INVALID
        key = row.tobytes()
        if key not in self._known:
            self._known[key] = len(self._after)
            made = np.full(256, INVALID, dtype=np.int32)
            made[0x80:0xC0] = self._entries(row)
            self._after.append(made)
        return self._known[key]


def _rests(after: list[npt.NDArray[np.int32]], usable: npt.NDArray[np.bool_]) -> list[dict[int, int]]:
    """For each node the classes that a character can still become, and in how many bytes."""
    # A node leads only to nodes that were made before it, but for the root, which was made first.
    rests: list[dict[int, int]] = [{} for _ in after]
    for node in [*range(1, len(after)), ROOT]:
        found = rests[node]
        for entry in np.unique(after[node][usable]).tolist():
            if entry < INVALID:
                found[completed(entry)] = 1
            elif entry > ROOT:
                for character_class, n_bytes in rests[entry].items():
                    found[character_class] = min(found.get(character_class, 9), n_bytes + 1)
    return rests
