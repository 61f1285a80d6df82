"""The keys of an object beside its names: what kinds of them there are, and which of them count as names.

In come what an `ObjectRecord` says of keys and the languages of its patterns; out come the classes with which
`objects.py` tells undeclared keys apart. Cost: one look at each thing that the record says, and for a finite
language its texts.
"""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from typing import NamedTuple

from ..emptiness import count_up_to, texts
from ..expressions import EMPTY, UNLIMITED, Expression
from ..lengths import length_range
from ..utf8 import ANY_TEXT
from .nodes import Demand
from .records import ObjectRecord, Rest

MOST_ENUMERATED = 32  # undeclared keys of a finite language that are treated as names
_LONGEST_ENUMERATED = 200


class Signature(NamedTuple):
    """The undeclared keys that match the same monitors.

    bits: the monitors. content: the language of these keys. demand: what their values have to meet. classes:
    the existentials that such a key can meet (bit set).
    """

    bits: int
    content: Expression
    demand: Demand
    classes: int


class Others(NamedTuple):
    """The undeclared keys of a state.

    content: the language of the keys (the table of names is excluded elsewhere). monitors: what the core
    reports. by_label: what the core reports -> the kind of key.
    """

    content: Expression
    monitors: tuple[Expression, ...]
    by_label: dict[int, Signature]


NO_OTHERS = Others(EMPTY, (), {})
ANY_OTHERS = Others(ANY_TEXT, (), {0: Signature(0, ANY_TEXT, (), 0)})


@lru_cache(4096)
def few_texts(language: Expression) -> tuple[str, ...]:
    """All texts of a language if there are but a few, and short ones."""
    lengths = length_range(language) if language.regular else None
    if lengths is None or lengths.most == UNLIMITED or lengths.most > _LONGEST_ENUMERATED:
        return ()
    if count_up_to(language, MOST_ENUMERATED + 1) > MOST_ENUMERATED:
        return ()
    return tuple(text.decode() for text in texts(language, MOST_ENUMERATED))


def listed_names(record: ObjectRecord) -> Set[str] | None:
    """The names about which the record says no more than `names` does; None where there are patterns or
    demands on keys, so that it cannot be told at sight."""
    listed: Set[str] = set(record.names) - record.forbidden.keys()
    for keys, _ in record.alls:
        if isinstance(keys, str) or keys.patterns or keys.matching:
            return None
        listed &= keys.names
    return None if record.keys else listed


def belongs_to(keys: str | Rest, matched: frozenset[str | int]) -> bool:
    """Whether an undeclared key that matches just these monitors belongs to a class."""
    if isinstance(keys, str):
        return keys in matched
    return matched.isdisjoint(keys.patterns) and matched.issuperset(keys.matching)
