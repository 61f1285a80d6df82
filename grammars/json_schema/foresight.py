"""Whether something that cannot be done waits behind the states that are expanded when a schema is read.

Most of what is not supported is seen in the schema (`survey.py`). Not so the opposite of `uniqueItems` for
items of many values: only the demands tell whether it is asked for. So the demands behind a demand are
expanded in breadth, up to MOST_DEMANDS of them; this is done for the few schemas that have `uniqueItems`
beside a keyword that negates. Limits that are exceeded on the way are left for who gets there.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import LimitExceededError
from .algebra import NEVER
from .label_sets import labels_of
from .nodes import Demand
from .values import Values

MOST_DEMANDS = 60


def look_ahead(values: Values, demand: Demand) -> None:
    """Raises UnsupportedFeatureError if a demand behind this one asks for what cannot be done."""
    waiting = [demand]
    seen = {demand}
    for current in waiting:
        try:
            for following in _behind(values, current):
                if following not in seen and len(seen) < MOST_DEMANDS:
                    seen.add(following)
                    waiting.append(following)
        except LimitExceededError:
            continue


def _behind(values: Values, demand: Demand) -> Iterator[Demand]:
    """What the members of the values of a demand have to meet."""
    value = values.value(demand)
    for _, shape in value.objects:
        for label in labels_of(shape.usable(shape.all)):
            following = shape.demand(label)
            if following is not None:
                yield following
        yield from (kind.demand for kind in shape.others.by_label.values())
    for _, array in value.arrays:
        for place in range(array.special + 1):
            for following in array.joined_demands(place):
                if values.cost(following) < NEVER:
                    yield following
