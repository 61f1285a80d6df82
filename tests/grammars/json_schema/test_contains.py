"""How arrays with `contains` are finished: against all sets and lists of a few values; that many values cost
little; and what is said where it is too much."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import LimitExceededError, UnsatisfiableError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.algebra import NEVER
from tokentrellis.grammars.json_schema.arrays import ArrayShape

_MOST = 7  # items; the schemas below never need more
_NUMBERS = range(1, 8)
_TESTED: dict[str, Any] = {
    "even": ({"multipleOf": 2}, lambda value: value % 2 == 0),
    "thirds": ({"multipleOf": 3}, lambda value: value % 3 == 0),
    "low": ({"maximum": 4}, lambda value: value <= 4),
    "five": ({"const": 5}, lambda value: value == 5),
    "none": ({"type": "object"}, lambda value: False),
}
_COUNTS = st.lists(
    st.tuples(st.sampled_from(sorted(_TESTED)), st.integers(0, 4), st.sampled_from([None, 0, 1, 2, 3])),
    min_size=1,
    max_size=3,
)
_LENGTHS = st.tuples(st.integers(0, 6), st.sampled_from([None, 3, 5, 6, 7]))


def _schema(counts: list[Any], lengths: Any, unique: bool) -> dict[str, Any]:
    least, most = lengths
    return {
        "type": "array",
        "items": {"enum": list(_NUMBERS)},
        "uniqueItems": unique,
        "minItems": least,
        **({} if most is None else {"maxItems": most}),
        "allOf": [
            {
                "contains": _TESTED[name][0],
                "minContains": at_least,
                **({} if at_most is None else {"maxContains": at_most}),
            }
            for name, at_least, at_most in counts
        ],
    }


def _is_valid(items: tuple[int, ...], counts: list[Any], lengths: Any) -> bool:
    least, most = lengths
    if len(items) < least or (most is not None and len(items) > most):
        return False
    for name, at_least, at_most in counts:
        met = sum(map(_TESTED[name][1], items))
        if met < at_least or (at_most is not None and met > at_most):
            return False
    return True


def _shape(schema: dict[str, Any]) -> ArrayShape:
    values = from_json_schema(schema)._values
    (shape,) = values.value((values.nodes.literal(schema, values.context),)).arrays
    return shape


def _shortest_way(shape: ArrayShape) -> int:
    """The number of items of the array that is made by always taking the cheapest way on."""
    state, n_items = shape.start, 0
    while not shape.may_close(state):
        ways = shape.ways(state)
        assert ways
        _, state = min(ways, key=lambda way: shape.values.cost(way[0]) + shape.completion(way[1]))
        n_items += 1
        assert n_items <= 2000, "no end"
    return n_items


@pytest.mark.parametrize("unique", [True, False])
@settings(deadline=None, max_examples=150)
@given(counts=_COUNTS, lengths=_LENGTHS)
def test_whether_an_array_exists(unique: bool, counts: list[Any], lengths: Any) -> None:
    choose = combinations if unique else combinations_with_replacement
    sizes = [
        size
        for size in range(_MOST + 1)
        if any(_is_valid(items, counts, lengths) for items in choose(_NUMBERS, size))
    ]
    try:
        shape = _shape(_schema(counts, lengths, unique))
    except UnsatisfiableError:
        # Without uniqueItems up to 12 items can be required; then there is no verdict of this oracle.
        assert not sizes
        return
    if sizes:
        assert sizes[0] <= _shortest_way(shape) <= (sizes[-1] if unique else 2000)
    else:
        assert not unique
        assert _shortest_way(shape) > _MOST


@settings(deadline=None, max_examples=60)
@given(counts=_COUNTS, lengths=_LENGTHS, order=st.permutations(_NUMBERS))
def test_no_item_leads_where_there_is_no_end(counts: list[Any], lengths: Any, order: list[int]) -> None:
    """At each place the values that may come are those that begin a valid array."""
    valid = [
        items
        for size in range(_MOST + 1)
        for items in combinations(_NUMBERS, size)
        if _is_valid(items, counts, lengths)
    ]
    if not valid:
        return
    shape = _shape(_schema(counts, lengths, True))
    values = shape.values
    states, taken = [shape.start], set()
    for value in order:
        right = any(taken | {value} <= set(items) for items in valid)
        following = []
        for state in states:
            for asked, after in shape.ways(state):
                joined = values.nodes.demand((*asked, values.constant(value)))
                if joined is not None and values.cost(joined) < NEVER:
                    following.append(after)
        assert bool(following) is right
        if right:
            states = following
            taken.add(value)
        assert any(map(shape.may_close, states)) is (tuple(sorted(taken)) in valid)


_UNIQUE = {"type": "array", "uniqueItems": True}
_IDS = {"enum": [f"id{number}" for number in range(200)]}
_TO_200 = {"type": "integer", "minimum": 1, "maximum": 200}


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"enum": list(range(250))}, "contains": {"type": "object"}},
        {"items": {**_UNIQUE, "items": {"type": ["boolean", "null"]}}, "contains": {"type": "object"}},
        {"items": {"type": "string", "pattern": "^[ab]{1,5}$"}, "contains": {"pattern": "c"}},
        {"items": {"type": "string", "pattern": "^[ab]{1,6}$"}, "contains": {"type": "object"}},
        {"items": _TO_200, "contains": {"minimum": 101}, "minContains": 101},
        {"items": _TO_200, "contains": {"minimum": 101}, "maxContains": 60, "minItems": 161},
        {"prefixItems": [{"type": "string"}] * 60, "items": False, "contains": {"type": "null"}},
    ],
)
def test_contains_that_cannot_be_met_among_many_values(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsatisfiableError):
        from_json_schema({**_UNIQUE, **schema})
    grammar = from_json_schema({"type": "object", "properties": {"a": {**_UNIQUE, **schema}}})
    assert grammar.accepts("{}")
    assert not grammar.accepts('{"a":[1]}')


@pytest.mark.parametrize(
    ("schema", "n_items"),
    [
        ({"items": _IDS, "contains": {"pattern": "7"}, "minContains": 30, "minItems": 100}, 100),
        ({"items": _TO_200, "contains": {"const": 199}, "minItems": 100}, 100),
        ({"items": _TO_200, "contains": {"minimum": 101}, "minContains": 100}, 100),
        ({"items": _TO_200, "contains": {"minimum": 101}, "maxContains": 60, "minItems": 160}, 160),
        ({"items": True, "contains": {"const": 1}, "minContains": 500, "uniqueItems": False}, 500),
        (
            {
                "prefixItems": [{"enum": list(range(place, 2 * place + 3))} for place in range(12)],
                "items": False,
                "contains": {"multipleOf": 7},
                "minContains": 3,
                "maxContains": 3,
                "minItems": 12,
            },
            12,
        ),
    ],
)
def test_contains_among_many_values(schema: dict[str, Any], n_items: int) -> None:
    assert _shortest_way(_shape({**_UNIQUE, **schema})) == n_items


def test_overlapping_contains_among_many_values() -> None:
    schema = {
        **_UNIQUE,
        "items": _TO_200,
        "allOf": [{"contains": {"multipleOf": n}, "minContains": 50} for n in (2, 3)],
    }
    assert _shortest_way(_shape(schema)) >= 67  # 33 multiples of 6, 17 and 17 others


def test_a_search_that_is_too_long_is_refused_with_its_place() -> None:
    bounds = {2: (100, 100), 3: (30, 31), 5: (20, 21), 7: (10, 11)}
    parts = [
        {"contains": {"multipleOf": n}, "minContains": least, "maxContains": most}
        for n, (least, most) in bounds.items()
    ]
    with pytest.raises(LimitExceededError) as caught:
        from_json_schema({**_UNIQUE, "items": _TO_200, "allOf": parts})
    assert caught.value.location is not None
    assert str(caught.value.location).startswith("/allOf/")
    assert str(caught.value.location).endswith("/contains")


@pytest.mark.parametrize(
    "word", ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "minContains", "maxContains"]
)
def test_counts_of_astronomical_size(word: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        from_json_schema(f'{{"contains": true, "{word}": 1e999999999999}}')
    assert caught.value.location == f"/{word}"
    grammar = from_json_schema(f'{{"contains": true, "{word}": 1e999}}')
    assert "s1" in str(grammar)
    assert grammar.accepts("null")
