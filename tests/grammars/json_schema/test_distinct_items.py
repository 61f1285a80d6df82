"""`uniqueItems` and its opposite where items have few values, composites among them: against all lists of
values, and never a dead end."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.grammar import ItemRule
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.algebra import NEVER
from tokentrellis.grammars.json_schema.nodes import value_key
from tokentrellis.grammars.json_schema.repeated_items import RepeatingArray

_FLAG = {
    "type": "object",
    "properties": {"a": {"type": "boolean"}},
    "required": ["a"],
    "additionalProperties": False,
}
_PAIR = {"type": "array", "prefixItems": [{"enum": [1, 2]}], "items": False}
_UNIVERSE: list[Any] = [None, True, 1, 2, "x", {"a": True}, {"a": False}, [1], [2]]
_ITEMS = st.sampled_from(
    [
        {"enum": [1, 2]},
        {"const": 1},
        {"type": "integer", "minimum": 1, "maximum": 3},
        {"type": "boolean"},
        {"type": ["boolean", "null"]},
        _FLAG,
        _PAIR,
        {"anyOf": [_PAIR, {"const": "x"}]},
        {"anyOf": [_FLAG, {"enum": [[], 2]}]},
        {"enum": [*_UNIVERSE]},
        False,
    ]
)
_SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("array"), "items": _ITEMS},
    optional={
        "prefixItems": st.lists(_ITEMS, min_size=1, max_size=3),
        "minItems": st.integers(0, 4),
        "maxItems": st.integers(0, 4),
    },
)
_CONTAINS = st.fixed_dictionaries(
    {"contains": _ITEMS}, optional={"minContains": st.integers(0, 2), "maxContains": st.integers(1, 2)}
)
_LONGEST = 4
_LISTS = [list(items) for size in range(_LONGEST + 1) for items in product(_UNIVERSE, repeat=size)]
_TEXTS = [json.dumps(items) for items in _LISTS]


def _agrees(schema: dict[str, Any]) -> None:
    """The states of the arrays allow the valid lists, and begin those that something valid begins with."""
    validator = jsonschema_rs.validator_for(schema)
    verdicts = [validator.is_valid(items) for items in _LISTS]
    try:
        grammar = from_json_schema(schema)
    except UnsatisfiableError:
        assert not any(verdicts)
        return
    whole = _allowed(grammar)
    wrong = [text for text, valid in zip(_TEXTS, verdicts, strict=True) if (text in whole) is not valid]
    assert not wrong


def _allowed(grammar: Any) -> set[str]:
    """The lists of values of the universe that the grammar allows; no state is a dead end."""
    values = grammar._values
    demand = grammar._states[grammar.start][1]
    constants = [(value, values.constant(value)) for value in _UNIVERSE]
    whole = set()
    for shape in values.value(demand).arrays:
        waiting: list[tuple[list[Any], Any]] = [([], shape.start)]
        while waiting:
            items, state = waiting.pop()
            if isinstance(shape, RepeatingArray) and items and shape.recalls(state):  # as the core does
                state = shape.recall(state, [json.dumps(item).encode() for item in items])
            assert shape.completion(state) < NEVER
            assert shape.may_close(state) or shape.ways(state)
            if shape.may_close(state):
                whole.add(json.dumps(items))
            for asked, after in shape.ways(state) if len(items) < _LONGEST else ():
                for value, constant in constants:
                    repeats = value_key(value) in map(value_key, items)
                    dropped = (ItemRule.DISTINCT, ItemRule.AWAITING) if repeats else (ItemRule.REPEATED,)
                    if shape.item_rule(after) in dropped:
                        continue
                    joined = values.nodes.demand((*asked, constant))
                    if joined is not None and values.cost(joined) < NEVER:
                        waiting.append(([*items, value], after))
    return whole


@settings(deadline=None, max_examples=60)
@given(_SCHEMAS)
def test_items_that_differ(schema: dict[str, Any]) -> None:
    _agrees({**schema, "uniqueItems": True})


@settings(deadline=None, max_examples=60)
@given(_SCHEMAS)
def test_items_that_do_not_all_differ(schema: dict[str, Any]) -> None:
    schema = {"items": {"enum": _UNIVERSE}} if schema["items"] is False else schema
    _agrees({**schema, "type": "array", "not": {"uniqueItems": True}})


@settings(deadline=None, max_examples=40)
@given(_SCHEMAS, _CONTAINS)
def test_items_that_do_not_all_differ_beside_contains(
    schema: dict[str, Any], contains: dict[str, Any]
) -> None:
    _agrees({**schema, **contains, "not": {"uniqueItems": True}})


@settings(deadline=None, max_examples=40)
@given(_SCHEMAS, _CONTAINS)
def test_items_that_differ_beside_contains(schema: dict[str, Any], contains: dict[str, Any]) -> None:
    _agrees({**schema, **contains, "uniqueItems": True})


@pytest.mark.parametrize(
    "schema",
    [
        {"items": _FLAG, "minItems": 3},
        {"items": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 4}, "minItems": 3},
        {"items": {"pattern": "^[ab]$", "type": "string"}, "minItems": 3},
        {"prefixItems": [{"enum": [1, 2]}, {"enum": [1, 2]}, {"enum": [1, 2]}], "minItems": 3},
        {"contains": {"const": 1}, "minContains": 2},
        {"items": {"type": "array", "items": {"type": "boolean"}, "maxItems": 1}, "minItems": 4},
        {"items": {"type": "object", "maxProperties": 0}, "minItems": 2},
        {"items": {"type": "array", "items": {"const": 1}, "contains": {}, "maxContains": 1}, "minItems": 2},
        {
            "items": {
                "type": "object",
                "properties": {"a": _FLAG, "b": {"type": "string"}},
                "required": ["a"],
                "maxProperties": 1,
            },
            "minItems": 3,
        },
    ],
)
def test_values_that_run_out_are_found_when_the_schema_is_read(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsatisfiableError):
        from_json_schema({"type": "array", "uniqueItems": True, **schema})


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"prefixItems": [{"enum": [1, 2]}, {"const": 1}], "minItems": 2}, ["[2,1]"], ["[1,1]", "[1,2]"]),
        ({"prefixItems": [True, {"const": 1}], "minItems": 2}, ["[2,1]", '["a",1]'], ["[1,1]", "[1,2]"]),
        ({"items": {"anyOf": [_PAIR, {"type": "string"}]}}, ['[[1],"a",[2]]'], ['[[1],"a",[1]]']),
        ({"items": {"enum": list(range(200))}, "minItems": 199}, [json.dumps(list(range(1, 200)))], ["[1]"]),
    ],
)
def test_texts(schema: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    grammar = from_json_schema({"type": "array", "uniqueItems": True, **schema}, whitespace="any")
    assert [text for text in right if not grammar.accepts(text)] == []
    assert [text for text in wrong if grammar.accepts(text)] == []
