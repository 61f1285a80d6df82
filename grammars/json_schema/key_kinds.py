"""The kinds of undeclared keys: which patterns a key can match together.

In come languages by name (*monitors*: patterns, or what an existential asks of a key) and the language of all
keys, out come the kinds: sets of monitors that some key matches, no other one, with the language of these
keys. There may be 2 ** n kinds; `MOST_KINDS` bounds them. But patterns of real schemas mostly exclude each
other: that is found for each pair first, and where one pattern is matched, those that exclude it need no
mention, so that the languages stay small.

The core reports one bit for each monitor. With more than `MOST_MONITORS` monitors the kinds are numbered, and
a bit is the language of the kinds whose number has it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from ..emptiness import is_empty
from ..errors import LimitExceededError
from ..expressions import Expression, complement, intersect, union
from ..utf8 import ANY_TEXT

MOST_MONITORS = 20
MOST_KINDS = 256

Name = TypeVar("Name", bound=Hashable)


def kinds_of(
    monitors: Mapping[Name, Expression], keys: Expression
) -> list[tuple[frozenset[Name], Expression]]:
    """The sets of monitors that some key matches together, and the languages of these keys.

    Raises LimitExceededError beyond MOST_KINDS.
    """
    kinds: list[tuple[tuple[Expression, ...], tuple[Expression, ...], frozenset[Name]]] = [
        ((), (), frozenset())
    ]
    if keys is not ANY_TEXT and is_empty(keys):
        return []
    for name, language in monitors.items():
        split = []
        for inside, outside, matched in kinds:
            if any(exclude_each_other(language, other) for other in inside):
                split.append((inside, outside, matched))
                continue
            if not is_empty(_language(keys, (*inside, language), outside)):
                split.append(((*inside, language), outside, matched | {name}))
            if not is_empty(_language(keys, inside, (*outside, language))):
                split.append((inside, (*outside, language), matched))
        kinds = split
        if len(kinds) > MOST_KINDS:
            raise LimitExceededError(
                "sets of overlapping patternProperties", given=len(kinds), limit=MOST_KINDS
            )
    return [(matched, _language(keys, inside, outside)) for inside, outside, matched in kinds]


def _language(
    keys: Expression, inside: tuple[Expression, ...], outside: tuple[Expression, ...]
) -> Expression:
    """The keys that are in some languages and in none of some others."""
    needed = [other for other in outside if not any(exclude_each_other(other, one) for one in inside)]
    within = inside if inside and keys is ANY_TEXT else (keys, *inside)
    return intersect(*within, *map(complement, needed))


@lru_cache(1 << 16)
def exclude_each_other(first: Expression, second: Expression) -> bool:
    """Whether no text is in both languages."""
    return is_empty(intersect(first, second))


def numbers_of(
    kinds: Sequence[tuple[frozenset[Name], Expression]], monitors: Mapping[Name, Expression]
) -> tuple[list[int], tuple[Expression, ...]]:
    """What the core is to report of each kind, and the languages of the bits of that."""
    if len(monitors) <= MOST_MONITORS:
        places = {name: place for place, name in enumerate(monitors)}
        return [sum(1 << places[name] for name in matched) for matched, _ in kinds], tuple(monitors.values())
    bits = [
        union(*[language for number, (_, language) in enumerate(kinds) if number >> bit & 1])
        for bit in range((len(kinds) - 1).bit_length())
    ]
    return list(range(len(kinds))), tuple(bits)
