"""Rules whose terminals are languages of bytes -> the same rules over characters, as people write them.

In come rules as trees (`rules.py`), out come trees of `Text`, `Characters` and the operators: what any
notation can write. The byte sequences of a set of characters are found in an expression by reading it as a
list of rows, each a sequence of byte sets that together encode one character (`utf8.py` backwards). What no
notation of rules has, an intersection, a complement, an automaton, is refused by name.

Cost: linear in the expressions, but for sets of characters: MOST_ROWS bounds their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import TypeAlias

from .errors import LimitExceededError, UnsupportedFeatureError
from .expressions import (
    BYTE_CLASS,
    CONCATENATION,
    EPSILON,
    KIND_NAMES,
    REPEAT,
    UNION,
    Expression,
)
from .nullable import bounds
from .rules import Choice, Repetition, RuleCall, Sequence, SpecialToken, Tree
from .unicode_classes import Ranges, merge_ranges

MOST_ROWS = 20_000
"""Byte sequences of one set of characters."""

_Row: TypeAlias = "tuple[int, ...]"  # byte sets, as 256-bit integers


@dataclass(frozen=True)
class Text:
    """These characters; none: the empty text."""

    text: str


@dataclass(frozen=True)
class Characters:
    """One character out of ranges of code points, both ends included; at least two characters."""

    ranges: Ranges


@dataclass(frozen=True)
class Row:
    """The items one after the other, at least two."""

    items: tuple[CharacterTree, ...]


@dataclass(frozen=True)
class Options:
    """Any of the options, at least two."""

    options: tuple[CharacterTree, ...]


@dataclass(frozen=True)
class Repeated:
    """`item` from `least` to `most` times; most = UNLIMITED: no bound."""

    item: CharacterTree
    least: int
    most: int


CharacterTree: TypeAlias = "Text | Characters | Row | Options | Repeated | RuleCall | SpecialToken"


def character_trees(rules: Mapping[str, Tree]) -> dict[str, CharacterTree | None]:
    """The rules over characters; None: the rule derives no text, whatever it calls.

    Raises:
        UnsupportedFeatureError: a terminal is no text, set of characters, concatenation, choice or
            repetition of them. LimitExceededError: a set of characters has too many byte sequences.
    """
    return {name: _of_tree(tree) for name, tree in rules.items()}


def _of_tree(tree: Tree) -> CharacterTree | None:
    if isinstance(tree, (RuleCall, SpecialToken)):
        return tree
    if isinstance(tree, Sequence):
        return row(_of_tree(item) for item in tree.items)
    if isinstance(tree, Choice):
        return options(_of_tree(option) for option in tree.options)
    if isinstance(tree, Repetition):
        return repeated(_of_tree(tree.item), tree.least, tree.most)
    return of_expression(tree)


def row(items: Iterator[CharacterTree | None]) -> CharacterTree | None:
    """One after the other, neighbouring texts as one."""
    found: list[CharacterTree] = []
    for item in items:
        if item is None:
            return None
        for part in item.items if isinstance(item, Row) else (item,):
            last = found[-1] if found else None
            if isinstance(part, Text) and isinstance(last, Text):
                found[-1] = Text(last.text + part.text)
            else:
                found.append(part)
    found = [part for part in found if part != Text("")]
    return (found[0] if found else Text("")) if len(found) < 2 else Row(tuple(found))


def options(found: Iterator[CharacterTree | None]) -> CharacterTree | None:
    """Any of them; those that derive nothing are left out."""
    flat: dict[CharacterTree, None] = {}
    for option in found:
        if option is not None:
            flat.update(dict.fromkeys(option.options if isinstance(option, Options) else (option,)))
    if not flat:
        return None
    return next(iter(flat)) if len(flat) == 1 else Options(tuple(flat))


def repeated(item: CharacterTree | None, least: int, most: int) -> CharacterTree | None:
    """So many times."""
    if item is None:
        return Text("") if least == 0 else None
    if item == Text("") or most == 0:
        return Text("")
    return item if least == most == 1 else Repeated(item, least, most)


@lru_cache(maxsize=10_000)
def of_expression(expression: Expression) -> CharacterTree | None:
    """One terminal over characters; None: it is empty."""
    ranges = _characters(expression)
    if ranges is not None:
        return _class(ranges)
    if expression is EPSILON:
        return Text("")
    if expression.kind == REPEAT:
        return repeated(of_expression(expression.children[0]), *bounds(expression))
    if expression.kind == CONCATENATION:
        return row(_concatenation(expression.children))
    if expression.kind == UNION:
        return options(_union(expression.children))
    if expression.kind == BYTE_CLASS:
        raise UnsupportedFeatureError("writing a part of a character", got=expression)
    raise UnsupportedFeatureError(
        f"writing an expression of the kind {KIND_NAMES[expression.kind]} as rules",
        got=expression,
        advice="such conditions (exceptions, look-around, multiples) have no counterpart in rules",
    )


def _class(ranges: Ranges) -> CharacterTree:
    first, last = ranges[0]
    return Text(chr(first)) if len(ranges) == 1 and first == last else Characters(ranges)


def _concatenation(parts: tuple[Expression, ...]) -> Iterator[CharacterTree | None]:
    """The parts in order; bytes that encode one character together are one part."""
    start = 0
    while start < len(parts):
        for end in range(start + 1, min(start + 5, len(parts) + 1)):
            ranges = _ranges_of_rows(_rows_of_sequence(parts[start:end]))
            if ranges is not None:
                yield _class(ranges)
                start = end
                break
        else:
            yield of_expression(parts[start])
            start += 1


def _union(parts: tuple[Expression, ...]) -> Iterator[CharacterTree | None]:
    """The options, those of one character as one set."""
    single: list[tuple[int, int]] = []
    for part in parts:
        ranges = _characters(part)
        if ranges is None:
            yield of_expression(part)
        else:
            single += ranges
    if single:
        yield _class(merge_ranges(single))


def _characters(expression: Expression) -> Ranges | None:
    """The characters of a set; None: the expression is something else."""
    return _ranges_of_rows(_rows(expression))


@lru_cache(maxsize=10_000)
def _rows(expression: Expression) -> tuple[_Row, ...] | None:
    """The byte sequences of a language of short texts; None: it is none, or the texts are longer than a
    character.
    """
    if expression.kind == BYTE_CLASS:
        members: int = expression.payload  # type: ignore[assignment]
        return ((members,),)
    if expression.kind == CONCATENATION and 2 <= len(expression.children) <= 4:
        return _rows_of_sequence(expression.children)
    if expression.kind == UNION and expression.children:
        found: list[_Row] = []
        for child in expression.children:
            rows = _rows(child)
            if rows is None:
                return None
            found += rows
        _check_number(len(found))
        return tuple(found)
    return None


def _rows_of_sequence(parts: tuple[Expression, ...]) -> tuple[_Row, ...] | None:
    rows = [_rows(part) for part in parts]
    if any(found is None for found in rows):
        return None
    known = [found for found in rows if found is not None]
    if any(len(found) > 1 for found in known) and sum(max(map(len, found)) for found in known) > 4:
        return None
    _check_number(prod(map(len, known)))
    return tuple(sum(choice, ()) for choice in product(*known))


def _check_number(n_rows: int) -> None:
    if n_rows > MOST_ROWS:
        raise LimitExceededError("byte sequences of a set of characters", given=n_rows, limit=MOST_ROWS)


def _ranges_of_rows(rows: tuple[_Row, ...] | None) -> Ranges | None:
    """The code points whose encodings these are; None: some row does not encode single characters."""
    if not rows:
        return None
    ranges: list[tuple[int, int]] = []
    for encoded in rows:
        found = _ranges_of_row(encoded)
        if found is None:
            return None
        ranges += found
    return merge_ranges(ranges)


def _ranges_of_row(encoded: _Row) -> list[tuple[int, int]] | None:
    n_bytes = len(encoded)
    if n_bytes > 4:
        return None
    first_lead, last_lead, marker = (
        (0, 0x7F, 0),
        (0xC2, 0xDF, 0xC0),
        (0xE0, 0xEF, 0xE0),
        (0xF0, 0xF4, 0xF0),
    )[n_bytes - 1]
    lead, *continuations = encoded
    is_encoding = _within(lead, first_lead, last_lead) and all(
        _within(members, 0x80, 0xBF) for members in continuations
    )
    if not is_encoding:
        return None
    ranges = [(first - marker, last - marker) for first, last in _runs(lead)]
    for members in continuations:
        runs = [(first - 0x80, last - 0x80) for first, last in _runs(members)]
        if runs == [(0, 63)]:
            ranges = [(first << 6, last << 6 | 63) for first, last in ranges]
            continue
        ranges = [
            (value << 6 | first, value << 6 | last)
            for low, high in ranges
            for value in range(low, high + 1)
            for first, last in runs
        ]
        if len(ranges) > MOST_ROWS:
            raise LimitExceededError("ranges of a set of characters", given=len(ranges), limit=MOST_ROWS)
    return ranges


def _within(members: int, first: int, last: int) -> bool:
    return members != 0 and members >> (last + 1) == 0 and members & ((1 << first) - 1) == 0


def _runs(members: int) -> list[tuple[int, int]]:
    """The bytes of a set as ranges."""
    runs: list[tuple[int, int]] = []
    while members:
        first = (members & -members).bit_length() - 1
        length = (~(members >> first) & ((members >> first) + 1)).bit_length() - 1
        runs.append((first, first + length - 1))
        members &= ~(((1 << length) - 1) << first)
    return runs
