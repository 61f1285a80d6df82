"""Which demands of a schema exclude each other, for the message that says that nothing meets it.

In comes a schema that no value meets and the question whether another one is such; out come JSON Pointers of
keywords that together cannot be met, none of which can be left out. Parts are taken away one after the other,
a whole sub-schema first, and stay away if nothing is met without them either: what is left is a minimal
conflict (a deletion filter, Chinneck and Dravnieks 1991; members of long lists go by halves). Only what makes
a schema weaker is taken away, so the search stays out of `not`, `oneOf` and `if`, and keeps the names that
`additionalProperties` depends on. One question costs what reading a schema costs, mostly below a millisecond;
`MOST_QUESTIONS` bounds them, and fewer are asked of a large schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .json_data import Pointer, written

MOST_QUESTIONS = 300
MOST_VALUES = 100_000  # of all schemas that are read, together
MOST_PLACES = 12  # that a message can name and still help

# What a keyword means with others: these go together.
_TOGETHER = {"if": ("if", "then", "else"), "contains": ("contains", "minContains", "maxContains")}
# And these are what other keywords leave out: where one is there, names and places are kept.
_COMPLEMENTS = {
    "properties": ("additionalProperties", "unevaluatedProperties"),
    "patternProperties": ("additionalProperties", "unevaluatedProperties"),
    "prefixItems": ("items", "unevaluatedItems"),
}
_OF_SCHEMAS = frozenset(("allOf", "anyOf", *_COMPLEMENTS))
_OF_ONE_SCHEMA = frozenset(("items", "additionalProperties"))
_NO_DEMANDS = frozenset(
    (
        *("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$defs", "definitions"),
        *("$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *(word for words in _TOGETHER.values() for word in words[1:]),
    )
)


def find_conflict(schema: Any, is_met: Callable[[Any], bool]) -> tuple[str, ...]:
    """JSON Pointers of demands that exclude each other; none where that takes too long or would be too many.

    schema: of JSON data, not changed. is_met: whether some value meets a schema, or it cannot be read.
    """
    try:
        search = _Search(_copy(schema), is_met)
        search.look_at((), search.schema)
    except RecursionError:
        return ()
    found = tuple(map(written, search.places))
    return found if len(found) <= MOST_PLACES and search.questions_left > 0 else ()


class _Search:
    """A schema that is taken apart, and the places found so far."""

    def __init__(self, schema: Any, is_met: Callable[[Any], bool]) -> None:
        self.schema = schema
        self.places: list[Pointer] = []
        self.questions_left = min(MOST_QUESTIONS, MOST_VALUES // _size(schema))
        self._is_met = is_met

    def look_at(self, place: Pointer, schema: Any) -> None:
        """The keywords of a schema that cannot be taken away as a whole."""
        if not isinstance(schema, dict):
            self.places.append(place)
            return
        words = [word for word in schema if word not in _NO_DEMANDS]
        kept = [word for word in words if any(other in schema for other in _COMPLEMENTS.get(word, ()))]
        needed = {*kept, *self._needed(schema, [word for word in words if word not in kept])}
        for word in [word for word in words if word in needed]:
            value = schema[word]
            if word in _OF_SCHEMAS and isinstance(value, (dict, list)):
                keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
                keys = [key for key in keys if value[key] is not True]
                for key in self._needed(value, keys, instead=True):
                    self.look_at(((place, word), key), value[key])
            elif word in _OF_ONE_SCHEMA and isinstance(value, dict):
                self.look_at((place, word), value)
            else:
                self.places.append((place, word))

    def _needed(self, within: Any, keys: list[Any], instead: bool | None = None) -> list[Any]:
        """Those of the keys without which something meets the whole; the others are taken away.

        instead: what stands there then, of schemas in a list or under names.
        """
        if not keys or self._can_do_without(within, keys, instead):
            return []
        if len(keys) == 1:
            return keys
        half = len(keys) // 2
        needed = self._needed(within, keys[:half], instead)
        return [*needed, *self._needed(within, keys[half:], instead)]

    def _can_do_without(self, within: Any, keys: list[Any], instead: bool | None) -> bool:
        if self.questions_left <= 0:
            return False
        self.questions_left -= 1
        before = within.copy()
        for key in keys:
            if instead is not None:
                within[key] = instead
                continue
            for word in _TOGETHER.get(key, (key,)):
                within.pop(word, None)
        if not self._is_met(self.schema):
            return True
        if isinstance(within, list):
            within[:] = before
        else:
            within.clear()
            within.update(before)
        return False


def _size(schema: Any) -> int:
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return 1 + sum(map(_size, inner))


def _copy(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _copy(value) for key, value in schema.items()}
    return list(map(_copy, schema)) if isinstance(schema, list) else schema
