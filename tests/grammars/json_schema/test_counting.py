"""Objects that only count (required names, implications, bounds on the number of keys), against brute force:
the legal next keys are those that begin some valid list of keys, in schema order and in any order."""

from __future__ import annotations

import random
from itertools import combinations, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.grammar import END, CallEdge
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.label_sets import EVERY, NameOrder, label_set, labels_of
from tokentrellis.grammars.json_schema.objects import ObjectShape

_NAMES = "dbac"
_OTHER = "*"  # stands for any undeclared key, and may come again
_MOST_OTHERS = 4
_LISTS = st.lists(st.sampled_from(_NAMES), unique=True, max_size=3)
_SCHEMAS = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.fixed_dictionaries({name: st.sampled_from([True, True, False]) for name in _NAMES}),
        "additionalProperties": st.booleans(),
        "required": _LISTS,
        "dependentRequired": st.dictionaries(st.sampled_from(_NAMES), _LISTS, max_size=4),
    },
    optional={"minProperties": st.integers(0, 4), "maxProperties": st.integers(0, 4)},
)


def _all_keys() -> list[tuple[str, ...]]:
    """All lists of some of the names and up to _MOST_OTHERS undeclared keys, in every order."""
    found = set()
    for n_names in range(len(_NAMES) + 1):
        for names in permutations(_NAMES, n_names):
            for n_others in range(_MOST_OTHERS + 1):
                for places in combinations(range(n_names + n_others), n_names):
                    keys = [_OTHER] * (n_names + n_others)
                    for place, name in zip(places, names, strict=True):
                        keys[place] = name
                    found.add(tuple(keys))
    return sorted(found)


_ALL_KEYS = _all_keys()
_ORDERED_KEYS = [keys for keys in _ALL_KEYS if list(keys) == sorted(keys, key=f"{_NAMES}{_OTHER}".index)]


def _is_valid(schema: dict[str, Any], keys: tuple[str, ...]) -> bool:
    if not all(schema["properties"].get(key, schema["additionalProperties"]) for key in keys):
        return False
    if not schema.get("minProperties", 0) <= len(keys) <= schema.get("maxProperties", 9):
        return False
    implied = {need for key in keys for need in schema["dependentRequired"].get(key, ())}
    return implied | set(schema["required"]) <= set(keys)


def _shape(schema: dict[str, Any], order: Any) -> ObjectShape:
    """The one alternative of a schema of objects."""
    values = from_json_schema(schema, property_order=order)._values
    demand = (values.nodes.literal(schema, values.context),)
    (shape,) = values.value(demand).objects
    return shape


@pytest.mark.parametrize("order", ["schema", "any"])
@settings(deadline=None)
@given(schema=_SCHEMAS)
def test_legal_keys_against_all_lists_of_keys(order: Any, schema: dict[str, Any]) -> None:
    any_order = order == "any"
    schema = {**schema, "properties": {name: schema["properties"][name] for name in _NAMES}}
    whole = {keys for keys in (_ALL_KEYS if any_order else _ORDERED_KEYS) if _is_valid(schema, keys)}
    beginnings = {keys[:size] for keys in whole for size in range(len(keys) + 1)}
    try:
        shape = _shape(schema, order)
    except UnsatisfiableError:
        assert not whole
        return
    waiting: list[tuple[tuple[str, ...], Any]] = [((), shape.start)]
    for keys, state in waiting:
        assert keys in beginnings
        assert shape.may_close(state) is (keys in whole)
        legal = {shape.table.literals[label] for label in labels_of(shape.legal(state))}
        assert legal == {key for key in _NAMES if (*keys, key) in beginnings}
        for name in legal:
            ((_, after),) = shape.after_name(state, shape.table.index[name])
            waiting.append(((*keys, name), after))
        if keys.count(_OTHER) < _MOST_OTHERS:
            has_other = (*keys, _OTHER) in beginnings
            assert (shape.legal_others(state) is not None) is has_other
            if has_other and len(keys) < 4:
                ((_, after),) = shape.after_other(state, 0)
                waiting.append(((*keys, _OTHER), after))
        _check_that_it_ends(shape, state)


def _check_that_it_ends(shape: ObjectShape, state: Any) -> None:
    """The steps of `next_step` are legal and lead to the bracket."""
    for _ in range(12):
        step, label = shape.next_step(state)
        if step == 0:
            assert shape.may_close(state)
            return
        assert step == 2 or shape.legal(state) >> label & 1
        ((_, state),) = (shape.after_name if step == 1 else shape.after_other)(state, label)
    raise AssertionError("no end")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#"}, "b": {"type": "null"}}, "additionalProperties": False},
        {"properties": {"b": {"type": "null"}}, "additionalProperties": {"$ref": "#"}},
        {"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"type": "null"}},
        {
            "properties": {"a": {"$ref": "#"}, "b": {"type": "null"}, "c": {"type": "null"}},
            "dependentRequired": {"b": ["c"]},
            "additionalProperties": False,
        },
    ],
)
def test_keys_that_fill_up_are_those_that_end(schema: dict[str, Any]) -> None:
    """A key whose value nests must not be taken where another would do: that would never end."""
    grammar = from_json_schema({"type": "object", "minProperties": 1, **schema})
    state, waiting = grammar.start, []
    for _ in range(40):  # steps of the shortest document, with a stack of what comes after each value
        expansion = grammar.expand(state)
        edge: Any = expansion.edges[expansion.finish]
        if isinstance(edge, CallEdge):
            waiting.append(edge.next)
            state = edge.start
        elif edge.next is None:
            state = grammar.successor(state, expansion.finish, expansion.finish_label)
        else:
            state = edge.next
        while state == END and waiting:
            state = waiting.pop()
        if state == END or grammar.expand(state).final:
            return
    raise AssertionError("no end")


def test_a_name_that_implies_what_cannot_be_written() -> None:
    grammar = from_json_schema({"type": "object", "dependentRequired": {"a": ["\ud800"], "b": ["a"]}})
    assert grammar.accepts('{"c":1}')
    assert not grammar.accepts('{"a":1}')
    assert not grammar.accepts('{"b":1}')


@pytest.mark.parametrize("order", ["schema", "any"])
@pytest.mark.parametrize(
    "keywords",
    [
        {"required": "all", "maxProperties": 2000, "additionalProperties": {"type": "null"}},
        {"minProperties": 2000, "additionalProperties": False},
        {"dependentRequired": "chain", "required": "first", "maxProperties": 2000},
        {"dependentRequired": "chain", "minProperties": 2000},
    ],
)
def test_thousands_of_names(order: Any, keywords: dict[str, Any]) -> None:
    names = [f"k{(place * 7919) % 2000}" for place in range(2000)]
    chain = {name: [after] for name, after in pairwise(names)}
    told = {"all": names, "chain": chain, "first": names[:1]}
    schema = {
        "type": "object",
        "properties": {name: {"type": "null"} for name in names},
        **{word: told[value] if isinstance(value, str) else value for word, value in keywords.items()},
    }
    shape = _shape(schema, order)
    state = shape.start
    for name in names:
        assert not shape.may_close(state)
        label = shape.table.index[name]
        assert shape.legal(state) >> label & 1
        ((_, state),) = shape.after_name(state, label)
    assert shape.may_close(state)
    assert not shape.legal(state)


@pytest.mark.parametrize("n", [1, 2, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY, 600, 1000])
def test_sets_of_labels(n: int) -> None:
    chance = random.Random(n)
    order = list(range(n))
    chance.shuffle(order)
    names = NameOrder(order)
    for _ in range(40):
        members = chance.getrandbits(n) & chance.getrandbits(n)
        assert labels_of(members) == [label for label in range(n) if members >> label & 1]
        assert label_set(labels_of(members)) == members
        assert names.first(members) == next((label for label in order if members >> label & 1), -1)
        place = chance.randrange(n)
        assert names.after(order[place]) == sum(1 << label for label in order[place + 1 :])
