"""Python objects as JSON: places in a document, exact numbers, and what is refused because it is no JSON.

A schema may come as Python objects, and these can be what JSON has no word for: a key that is a number, a
value of bytes, a list within itself. In comes an object and where it stands, out comes nothing, or an error
that says where. A pass over values costs some tens of nanoseconds each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import count, pairwise
from typing import Any

from ..errors import ConstraintError, GrammarSyntaxError, LimitExceededError
from .decimal_automaton import n_digits

MOST_VALUES = 500_000
"""Of one constant, strings in lists not counted: those of a file of some megabytes."""
_LONGEST_NUMBER = 1000  # digits; a Decimal such as 1e999999999 must not become a Fraction
_TOO_LARGE = 10**_LONGEST_NUMBER
_PLAIN_INTEGERS = 1 << 64

Pointer = tuple[Any, ...]  # (pointer of the parent, token), or () for the root


def written(pointer: Pointer) -> str:
    """A place as a JSON Pointer."""
    tokens = []
    while pointer:
        pointer, token = pointer
        tokens.append(str(token).replace("~", "~0").replace("/", "~1"))
    return "".join("/" + token for token in reversed(tokens))


def fraction(value: int | float | Decimal | Fraction) -> Fraction:
    """The exact value of a number as written. Raises LimitExceededError beyond 1,000 digits."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int):
        size = n_digits(value) if abs(value) >= _TOO_LARGE else 0
    else:
        exact = Decimal(repr(value)) if isinstance(value, float) else value
        if not exact.is_finite():
            raise GrammarSyntaxError("a number must be finite", got=value)
        value = exact
        _, digits, exponent = exact.as_tuple()
        size = max(len(digits), len(digits) + int(exponent), -int(exponent))
    if size > _LONGEST_NUMBER:
        raise LimitExceededError("digits of a number", given=size, limit=_LONGEST_NUMBER)
    return Fraction(value)


def check_key(key: object, here: Pointer) -> None:
    """Raises GrammarSyntaxError for a key of an object that is no string; `here`: the object."""
    if not isinstance(key, str):
        raise GrammarSyntaxError("every key must be a string", location=written(here), got=key)


def check_value(value: object, here: Pointer) -> None:
    """Raises GrammarSyntaxError for what is no JSON value, LimitExceededError for a number of a size that
    cannot be handled, or more than `MOST_VALUES`: while reading, not while generating."""
    if type(value) is int and -_PLAIN_INTEGERS < value < _PLAIN_INTEGERS:
        return  # as most bounds are
    if type(value) is list and set(map(type, value)) <= {str}:
        return  # as most values of `enum` are
    check_no_circle(value, here)
    waiting, start = [(value, here)], here
    for n_values in count():
        if not waiting:
            return
        if n_values > MOST_VALUES:  # parts may be shared, and unfold to more than any memory holds
            raise LimitExceededError(
                "values in a constant, those that are shared counted at each place",
                given=f"more than {MOST_VALUES}",
                limit=MOST_VALUES,
                location=written(start),
            )
        value, here = waiting.pop()
        if value is None or isinstance(value, (str, bool)):
            continue
        if isinstance(value, (int, float, Decimal)):
            try:
                fraction(value)
            except ConstraintError as error:
                error.location = written(here)
                raise
        elif isinstance(value, list):
            waiting.extend(
                [(member, (here, index)) for index, member in enumerate(value) if type(member) is not str]
            )
        elif isinstance(value, dict):
            for name, member in value.items():
                check_key(name, here)
                waiting.append((member, (here, name)))
        else:
            raise GrammarSyntaxError(
                "must be a JSON value (None, a bool, a number, a str, a list or a dict)",
                location=written(here),
                got=value,
            )


def check_searchable(document: object) -> None:
    """Raises GrammarSyntaxError for a document that contains itself, LimitExceededError for one with parts
    that stand in so many places that who visits all of them would not end."""
    n_parts, n_unfolded = check_no_circle(document)
    if n_unfolded > n_parts + MOST_VALUES:
        raise LimitExceededError(
            "lists and objects in a document, those that are shared counted at each place",
            given=n_unfolded if n_unfolded < _PLAIN_INTEGERS else f"at least {_PLAIN_INTEGERS}",
            limit=n_parts + MOST_VALUES,
            advice="name what is shared in `$defs`, and refer to it",
        )


def check_no_circle(value: object, here: Pointer = ()) -> tuple[int, int]:
    """Raises GrammarSyntaxError if a list or an object contains itself, at whatever depth. Returns how many
    lists and objects there are, and how many if what is shared is counted at each place.

    A depth-first search without recursion; what is shared is entered once.
    """
    is_open: dict[int, bool] = {}  # by identity: entered (in the order of the path), or left for good
    unfolded: dict[int, int] = {}  # of what was left
    waiting = [value]
    while waiting:
        value = waiting[-1]
        if id(value) in is_open:
            if is_open[id(value)]:
                parts = (unfolded.get(id(member), 0) for _, member in _members(value))
                unfolded[id(value)] = min(1 + sum(parts), _PLAIN_INTEGERS)
            is_open[id(value)] = False
            waiting.pop()
            continue
        is_open[id(value)] = True
        for token, member in _members(value):
            if not isinstance(member, (list, Mapping)):
                continue
            state = is_open.get(id(member))
            if state is None:
                waiting.append(member)
            elif state:
                raise GrammarSyntaxError(
                    "a value must not contain itself",
                    location=written((_path(waiting, is_open, here), token)),
                    advice="write a `$ref` where a schema is meant",
                )
    return len(is_open), unfolded[id(value)]


def _members(value: object) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _path(waiting: list[object], is_open: dict[int, bool], here: Pointer) -> Pointer:
    """Where the search is: the place of the value that was entered last."""
    objects = {id(entered): entered for entered in waiting}
    path = [objects[key] for key, inside in is_open.items() if inside]
    for outer, inner in pairwise(path):
        here = (here, next(token for token, member in _members(outer) if member is inner))
    return here
