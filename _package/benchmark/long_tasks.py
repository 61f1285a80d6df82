"""Long structured output with automatic verifiers, in the manner of LongProc.

In: how many items, a seed. Out: tasks whose right output is long, follows from the prompt alone by a
procedure that takes no knowledge, and is known exactly:

- `table`: sentences about people in, a list of records out (LongProc's HTML to TSV);
- `path`: roads and a route of crossings in, every step of the walk out (path traversal);
- `boxes`: moves of things between boxes in, the state after each move out (tracking of states).

An output is scored by its fields, and by the share of the list before its first mistake (`scoring.py`).
Paper: LongProc (Ye et al. 2025, arXiv:2501.05414); the tasks here are our own, of any size.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from .tasks import Task

_FIRST = ("Ann", "Bo", "Carla", "Dev", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jon", "Kim", "Lena")
_LAST = ("Lee", "Park", "Moreau", "Silva", "Novak", "Berg", "Costa", "Meyer", "Ito", "Khan")
_CITIES = ("Lyon", "Porto", "Bergen", "Graz", "Ghent", "Turin", "Malmo", "Cork")
_THINGS = ("lamp", "key", "book", "coin", "cup", "map")
_BOXES = ("red", "green", "blue")


def _list_of(properties: dict[str, Any], n_items: int) -> dict[str, Any]:
    """An object with one list of exactly so many records."""
    item = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    rows = {"type": "array", "items": item, "minItems": n_items, "maxItems": n_items}
    return {
        "type": "object",
        "properties": {"rows": rows},
        "required": ["rows"],
        "additionalProperties": False,
    }


def _table(n_items: int, rng: random.Random) -> tuple[str, Any, Any]:
    rows = [
        {
            "name": f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
            "age": rng.randint(18, 80),
            "city": rng.choice(_CITIES),
        }
        for _ in range(n_items)
    ]
    text = " ".join(f"{row['name']} is {row['age']} and lives in {row['city']}." for row in rows)
    properties = {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"enum": list(_CITIES)}}
    return text, _list_of(properties, n_items), {"rows": rows}


def _path(n_items: int, rng: random.Random) -> tuple[str, Any, Any]:
    """A walk without repeated crossings; each road is told once, in random order."""
    names = [f"{letter}{number}" for letter in "ABCDEFGHJKLM" for number in range(1, 100)]
    places = rng.sample(names, n_items + 1)
    roads = ("lane", "street", "path", "road")
    rows = [{"from": here, "by": rng.choice(roads), "to": there} for here, there in pairwise(places)]
    told = rng.sample(rows, len(rows))
    facts = " ".join(f"A {row['by']} leads from {row['from']} to {row['to']}." for row in told)
    text = f"{facts} Walk from {places[0]} to {places[-1]}, one row for each step."
    properties = {"from": {"type": "string"}, "by": {"enum": list(roads)}, "to": {"type": "string"}}
    return text, _list_of(properties, n_items), {"rows": rows}


def _boxes(n_items: int, rng: random.Random) -> tuple[str, Any, Any]:
    where = {thing: rng.choice(_BOXES) for thing in _THINGS}
    begin = " ".join(f"The {thing} is in the {box} box." for thing, box in where.items())
    moves, rows = [], []
    for _ in range(n_items):
        thing = rng.choice(_THINGS)
        target = rng.choice([box for box in _BOXES if box != where[thing]])
        moves.append(f"Move the {thing} to the {target} box.")
        row = {"moved": thing, "out_of": where[thing], "into": target}
        where[thing] = target
        rows.append({**row, "in_box_now": sum(box == target for box in where.values())})
    text = f"{begin} {' '.join(moves)} Write one row for each move."
    box = {"enum": list(_BOXES)}
    properties = {
        "moved": {"enum": list(_THINGS)},
        "out_of": box,
        "into": box,
        "in_box_now": {"type": "integer"},
    }
    return text, _list_of(properties, n_items), {"rows": rows}


_MAKERS: dict[str, Callable[[int, random.Random], tuple[str, Any, Any]]] = {
    "table": _table,
    "path": _path,
    "boxes": _boxes,
}


def long_tasks(sizes: list[int], seed: int = 0) -> Iterator[Task]:
    """One task of each kind for each size. sizes: items of the right output."""
    for size in sizes:
        for kind, make in _MAKERS.items():
            text, schema, expected = make(size, random.Random(f"{seed} {size} {kind}"))
            yield Task(
                f"long {kind} {size}", f"long, {size} items", text=text, schema=schema, expected=expected
            )
