"""From a schema on which two readers disagree to a small one on which they still do.

In: a schema and a document, as text, and a test that says whether a pair still shows the disagreement. Out: a
pair that none of the steps below makes smaller: a member of an object or an array is left out, or a part is
replaced by one of its own parts or by a simple value. The steps are tried greedily, largest parts first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

MOST_TRIALS = 3000
SIMPLE: tuple[Any, ...] = (True, False, {}, 0, "")


def shrink(schema: Any, document: Any, disagrees: Callable[[Any, Any], bool]) -> tuple[Any, Any]:
    """A small pair on which `disagrees(schema, document)` is true, as it is on the given one."""
    trials = 0
    shrunk = True
    while shrunk:
        shrunk = False
        for pair in _smaller_pairs(schema, document):
            trials += 1
            if trials > MOST_TRIALS:
                return schema, document
            if disagrees(*pair):
                schema, document = pair
                shrunk = True
                break
    return schema, document


def _smaller_pairs(schema: Any, document: Any) -> Iterator[tuple[Any, Any]]:
    for smaller in sorted(_smaller(schema), key=_size):
        yield smaller, document
    for smaller in sorted(_smaller(document), key=_size):
        yield schema, smaller


def _smaller(value: Any) -> Iterator[Any]:
    """Values with one part less."""
    size = _size(value)
    yield from (simple for simple in SIMPLE if _size(simple) < size)
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: value[other] for other in value if other != name}
            if isinstance(member, (dict, list)):
                yield member
            for smaller in _smaller(member):
                yield {other: smaller if other == name else value[other] for other in value}
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield value[:index] + value[index + 1 :]
            if isinstance(member, (dict, list)):
                yield member
            for smaller in _smaller(member):
                yield [*value[:index], smaller, *value[index + 1 :]]
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[1:]


def _size(value: Any) -> int:
    return len(json.dumps(value))
