"""Sets of characters as languages of UTF-8 bytes.

In come ranges of code points, out comes the `Expression` of exactly their UTF-8 encodings. A set is split
by the length of the encoding, then by the lead byte; lead bytes with the same continuation share one byte
class (table 3-7 of the Unicode standard is the case of all characters). Then equal last bytes are drawn
out to the right, which makes the expression a third smaller where whole blocks of characters belong to the
set: what the core repeats in `.{0,500}` is 15 byte classes, not 24. Surrogates have no encoding and are
dropped.

Cost: linear in the number of ranges; results are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from .expressions import EMPTY, EPSILON, Expression, byte_class, concatenate, repeat, union
from .unicode_classes import EVERYTHING, Ranges, merge_ranges, overlap

ByteTree: TypeAlias = "tuple[tuple[int, ByteTree], ...]"
"""Alternatives (byte set as a 256-bit integer, tree of the bytes after it); the empty tree is the end.

The byte sets of one tree are disjoint.
"""

# Code points by the length of their encoding: first, last, marker bits of the lead byte.
_LENGTHS = (
    (0x00, 0x7F, 0x00),
    (0x80, 0x7FF, 0xC0),
    (0x800, 0xFFFF, 0xE0),
    (0x10000, 0x10FFFF, 0xF0),
)
SCALAR_VALUES: Ranges = ((0, 0xD7FF), (0xE000, 0x10FFFF))
"""All code points that have an encoding: all but the surrogates."""

_MOST_ROWS = 64  # beyond, the lead bytes say more than the last ones


def character_class(ranges: Iterable[tuple[int, int]]) -> Expression:
    """One character out of the ranges (first, last) of code points, both included, in any order."""
    return _character_class(merge_ranges(ranges))


@lru_cache(maxsize=4096)
def _character_class(ranges: Ranges) -> Expression:
    return _tree_expression(byte_tree(ranges)) if overlap(ranges, SCALAR_VALUES) else EMPTY


@lru_cache(maxsize=4096)
def byte_tree(ranges: Ranges) -> ByteTree:
    """The encodings of a set of characters as a tree of byte sets; some member is no surrogate."""
    ranges = overlap(ranges, SCALAR_VALUES)
    tree: list[tuple[int, ByteTree]] = []
    for n_continuations, (first, last, marker) in enumerate(_LENGTHS):
        members = overlap(ranges, ((first, last),))
        if members:
            tree.extend(_split(members, n_continuations, marker))
    return tuple(tree)


def _split(ranges: Ranges, n_continuations: int, marker: int) -> ByteTree:
    """The tree of `ranges`, whose lead byte is `marker` plus the bits above 6 * n_continuations."""
    if not n_continuations:
        return ((sum((2 << last) - (1 << first) for first, last in ranges) << marker, ()),)
    shift = 6 * n_continuations
    low_bits = (1 << shift) - 1
    after: dict[int, list[tuple[int, int]]] = {}  # lead -> what its continuation bytes may be
    whole = 0  # leads that every continuation may follow
    for first, last in ranges:
        first_lead, last_lead = first >> shift, last >> shift
        if first_lead == last_lead:
            after.setdefault(first_lead, []).append((first & low_bits, last & low_bits))
            continue
        if first & low_bits:
            after.setdefault(first_lead, []).append((first & low_bits, low_bits))
            first_lead += 1
        if last & low_bits != low_bits:
            after.setdefault(last_lead, []).append((0, last & low_bits))
            last_lead -= 1
        if first_lead <= last_lead:
            whole |= (2 << last_lead) - (1 << first_lead)
    leads_of: dict[Ranges, int] = {((0, low_bits),): whole} if whole else {}
    for lead, rest in after.items():
        leads_of[tuple(rest)] = leads_of.get(tuple(rest), 0) | 1 << lead
    return tuple(
        (leads << marker, _split(rest, n_continuations - 1, 0x80)) for rest, leads in leads_of.items()
    )


def _tree_expression(tree: ByteTree) -> Expression:
    rows = list(_rows(tree, ()))
    return _left_factored(tree) if len(rows) > _MOST_ROWS else _right_factored(rows)


def _rows(tree: ByteTree, before: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The byte sequences of a tree, each a tuple of byte sets."""
    for members, rest in tree:
        if rest:
            yield from _rows(rest, (*before, members))
        else:
            yield (*before, members)


def _left_factored(tree: ByteTree) -> Expression:
    """The tree as it is, deterministic: for sets like all letters, where last bytes are rarely equal."""
    return (
        union(*[concatenate(byte_class(members), _left_factored(rest)) for members, rest in tree])
        if tree
        else EPSILON
    )


def _right_factored(rows: list[tuple[int, ...]]) -> Expression:
    """The rows with equal last byte sets drawn out."""
    before: dict[int, list[tuple[int, ...]]] = {}
    for *first, last in rows:
        before.setdefault(last, []).append(tuple(first))
    options = []
    for last, starts in before.items():
        if () in starts:
            options.append(byte_class(last))
        longer = [start for start in starts if start]
        if longer:
            options.append(concatenate(_right_factored(longer), byte_class(last)))
    return union(*options)


ANY_CHARACTER = character_class(EVERYTHING)
"""One character, of one to four bytes."""

ANY_TEXT = repeat(ANY_CHARACTER)
"""Every text: valid UTF-8 of any length."""
