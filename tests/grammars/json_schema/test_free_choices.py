"""Free choices of branches, and scalars that other grammars have asked for: the same as by the long way."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.keywords import ARRAY, OBJECT
from tokentrellis.grammars.json_schema.nodes import SCALARS
from tokentrellis.grammars.json_schema.values import Values


def tagged(constant: Any, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"k": {"const": constant}, **more}, "required": ["k"]}


BRANCHES = [
    *(True, False, {"type": "null"}, {"enum": [1, "a"]}, {"type": ["object", "null"]}),
    *(
        tagged(1),
        tagged(1.0),
        tagged(2),
        tagged("1", b={"type": "null"}),
        {"properties": {"k": {"const": 1}}},
    ),
    *({"type": "array", "items": {"type": "null"}}, {"type": "array", "maxItems": 1}, {"type": "string"}),
    {"properties": {"k": {"enum": [1, 2]}}, "required": ["k"]},
    {"type": "object", "properties": {"k": {"$ref": "#/$defs/one"}}, "required": ["k"]},
    {"anyOf": [{"type": "null"}, tagged(3)]},
]
DOCUMENTS = [
    None,
    1,
    "a",
    {},
    {"k": 1},
    {"k": 2},
    {"k": "1"},
    {"k": "1", "b": 0},
    {"k": 3},
    [],
    [None],
    [1],
    [1, 1],
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["anyOf", "oneOf"]), st.lists(st.sampled_from(BRANCHES), min_size=1, max_size=3))
def test_branches_mean_what_they_say(word: str, branches: list[Any]) -> None:
    schema = {"$defs": {"one": {"const": 1}}, "properties": {"x": {word: branches}}}
    validator = jsonschema_rs.validator_for(schema)
    grammar = from_json_schema(schema, whitespace="compact")
    for document in DOCUMENTS:
        text = json.dumps({"x": document}, separators=(",", ":"))
        assert grammar.accepts(text) == validator.is_valid({"x": document})


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["anyOf", "oneOf"]), st.lists(st.sampled_from(BRANCHES), min_size=1, max_size=3))
def test_branches_are_the_same_by_the_long_way(word: str, branches: list[Any]) -> None:
    schema = {word: branches}
    root = {"$defs": {"one": {"const": 1}}, "properties": {"x": schema}}
    costs = []
    for short in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not short:
                patch.setattr(Values, "_branches", lambda self, node, bits: None)
            try:
                values = from_json_schema(root)._values
                demand = (values.nodes.literal(schema, values.context),)
                value = values.value(demand) if demand > (1,) else None
                costs.append(
                    (values.cost(demand), value and (value.scalars, bool(value.objects), bool(value.arrays)))
                )
            except UnsatisfiableError:
                costs.append(None)
    assert costs[0] == costs[1]


@pytest.mark.parametrize(
    ("schema", "bits", "n_branches"),
    [
        ({"anyOf": [{"type": "array"}, {"type": "null"}]}, ARRAY, 1),
        ({"anyOf": [{"type": "array"}, {"type": "null"}]}, OBJECT, 0),
        ({"anyOf": [{"type": "array"}, {"type": "null"}]}, SCALARS, 1),
        ({"oneOf": [tagged(1), tagged(2)]}, OBJECT, 2),
        ({"oneOf": [tagged(1), tagged(1.0)]}, OBJECT, None),
        ({"oneOf": [tagged(1), {"type": "object"}]}, OBJECT, None),
        ({"oneOf": [{"type": "string"}, {"type": "string", "minLength": 1}]}, SCALARS, None),
        ({"anyOf": [tagged(1), tagged(2)], "type": "object"}, OBJECT, None),
        ({"anyOf": [{"not": {"type": "array"}}, tagged(2)]}, OBJECT, None),
    ],
)
def test_which_choices_are_free(schema: dict[str, Any], bits: int, n_branches: int | None) -> None:
    values = from_json_schema({"properties": {"x": schema}})._values
    node = values.nodes.all[values.nodes.literal(schema, values.context) >> 1]
    branches = values._branches(node, bits)
    assert (None if branches is None else len(branches)) == n_branches


_NUMBERS = st.sampled_from([0, 0.0, 1, 1.0, -2, 2.5])
_SAYING = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "number", "integer", "boolean", "null"]),
        "minimum": _NUMBERS,
        "exclusiveMaximum": _NUMBERS,
        "multipleOf": st.sampled_from([1, 1.0, 2]),
        "enum": st.sampled_from([["a", "b"], ["b"], [1], [1.0], [True], ["a", 1]]),
        "minLength": st.sampled_from([0, 1, 1.0]),
        "pattern": st.sampled_from(["a", "^b"]),
        "format": st.sampled_from(["date", "regex"]),
        "required": st.just(["a"]),
        "properties": st.just({"a": {"type": "string"}}),
        "not": st.just({"const": 1}),
    },
)


@settings(max_examples=60, deadline=None)
@given(_SAYING, st.sampled_from(["plain", "standard"]), st.sampled_from([4, 2020]))
def test_scalars_that_another_grammar_asked_for(schema: dict[str, Any], numbers: Any, draft: int) -> None:
    """What is kept by what a node says is what would be found anew, however equal 1 and 1.0 are."""
    if draft == 4:
        schema.pop("exclusiveMaximum", None)
    uri = (
        "http://json-schema.org/draft-04/schema#"
        if draft == 4
        else "https://json-schema.org/draft/2020-12/schema"
    )
    for _ in range(2):
        values = from_json_schema({"$schema": uri, "properties": {"x": schema}}, numbers=numbers)._values
        scalars = values.scalars
        demand = (values.nodes.literal(schema, values.context),)
        if demand <= (1,):
            return
        types = values.formulas.types(demand) & SCALARS
        assert scalars.of(demand, types) == scalars._make(demand, types)
        assert scalars.cost(demand, types) == scalars._make_cost(demand, types)


def test_that_a_format_is_not_known_exactly_is_remembered() -> None:
    for _ in range(2):
        values = from_json_schema({"properties": {"x": {"type": "string", "format": "regex"}}})._values
        assert not values.scalars.approximates
        values.value((values.nodes.literal({"type": "string", "format": "regex"}, values.context),))
        assert values.scalars.approximates
