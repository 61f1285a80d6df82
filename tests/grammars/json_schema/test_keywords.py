"""Each keyword, wanted and not wanted: a table of schemas with what is valid and what is not.

The texts are read by the slow recogniser in the layout `any` and in any order of properties.
`test_against_validator.py` does the same with random schemas; here each line can be understood.
"""

from __future__ import annotations

import json

import pytest
from tokentrellis.grammars.json_schema import from_json_schema

TREE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value"],
    "additionalProperties": False,
}
# name: (schema, valid values, invalid values)
CASES: dict[str, tuple[object, list[object], list[object]]] = {
    "true": (True, [None, 1, "a", [], {}], []),
    "empty": ({}, [None, 1, "a", [1, "b"], {"a": {"b": []}}], []),
    "type": ({"type": "string"}, ["", "a\n\u00e9\U0001f600"], [1, None, [], {}]),
    "types": ({"type": ["null", "boolean"]}, [None, True, False], [0, "true"]),
    "integer": ({"type": "integer"}, [0, -12], [1.5, "1"]),
    "not type": ({"not": {"type": ["string", "object"]}}, [1, None, [1]], ["a", {}]),
    "not integer": ({"not": {"type": "integer"}}, [1.5, "a"], [1, -3]),
    "enum": ({"enum": ["a", 1, None, True]}, ["a", 1, None, True], ["b", 2, False]),
    "enum of composites": ({"enum": [{"a": [1]}, [1, "x"]]}, [{"a": [1]}, [1, "x"]], [{}, [1], {"a": [2]}]),
    "const": ({"const": {"a": 1, "b": [None]}}, [{"a": 1, "b": [None]}, {"b": [None], "a": 1}], [{"a": 1}]),
    "not const": ({"not": {"const": {"a": 1}}}, [{}, {"a": 2}, {"a": 1, "b": 1}, 1], [{"a": 1}]),
    "not enum": ({"not": {"enum": ["a", 1, [1]]}}, ["b", 2, [2], [], [1, 1]], ["a", 1, [1]]),
    "false is not 0": ({"enum": [0, True]}, [0, True], [False, 1]),
    "properties": ({"properties": {"a": {"type": "string"}}}, [{}, {"a": "x"}, {"b": 1}, 1], [{"a": 1}]),
    "not properties": ({"not": {"properties": {"a": {"const": 1}}}}, [{"a": 2}], [{}, {"a": 1}, 1]),
    "required": ({"required": ["a", "b"]}, [{"a": 1, "b": 2, "c": 3}, []], [{}, {"a": 1}]),
    "not required": ({"not": {"required": ["a"]}, "type": "object"}, [{}, {"b": 1}], [{"a": 1}]),
    "additionalProperties": (
        {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": {"type": "null"}},
        [{"a": 1, "x1": 1, "b": None}],
        [{"b": 1}],
    ),
    "not additionalProperties": (
        {"type": "object", "not": {"properties": {"a": {}}, "additionalProperties": {"type": "null"}}},
        [{"b": 1}, {"b": None, "c": 1}],
        [{}, {"a": 1}, {"b": None}],
    ),
    "overlapping patternProperties": (
        {"patternProperties": {"^a": {"minimum": 2}, "b$": {"maximum": 3}}, "additionalProperties": False},
        [{"a": 9, "b": 1, "ab": 2}, {}],
        [{"a": 1}, {"b": 4}, {"ab": 9}, {"c": 1}],
    ),
    "not patternProperties": (
        {"type": "object", "not": {"patternProperties": {"^a": {"type": "null"}}}},
        [{"ab": 1}, {"ab": None, "aa": 1}],
        [{}, {"b": 1}, {"ab": None}],
    ),
    "propertyNames": ({"propertyNames": {"maxLength": 2}}, [{}, {"ab": 1}], [{"abc": 1}]),
    "not propertyNames": (
        {"type": "object", "not": {"propertyNames": {"pattern": "^a"}}},
        [{"b": 1}, {"a": 1, "b": 1}],
        [{}, {"a": 1}],
    ),
    "minProperties": ({"minProperties": 2}, [{"a": 1, "b": 2}, []], [{}, {"a": 1}]),
    "maxProperties": ({"maxProperties": 1}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
    "minProperties of declared ones": (
        {"properties": {"a": {}, "b": {}, "c": False}, "additionalProperties": False, "minProperties": 2},
        [{"a": 1, "b": 1}],
        [{"a": 1}, {"a": 1, "c": 1}],
    ),
    "not minProperties": (
        {"type": "object", "not": {"minProperties": 2}},
        [{}, {"a": 1}],
        [{"a": 1, "b": 1}],
    ),
    "dependentRequired": (
        {"dependentRequired": {"a": ["b"], "b": ["c"]}},
        [{}, {"c": 1}, {"b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}],
        [{"a": 1}, {"a": 1, "b": 1}, {"b": 1}],
    ),
    "dependencies": (
        {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
        [{}, {"a": 1, "b": 1}, {"c": 1, "d": 1}],
        [{"a": 1}, {"c": 1}],
    ),
    "dependentSchemas": (
        {"dependentSchemas": {"a": {"properties": {"b": {"const": 1}}}}},
        [{"b": 2}, {"a": 1, "b": 1}, {"a": 1}],
        [{"a": 1, "b": 2}],
    ),
    "items": ({"items": {"type": "integer"}}, [[], [1, 2]], [["a"], [1, "a"]]),
    "not items": ({"type": "array", "not": {"items": {"type": "null"}}}, [[1], [None, 1]], [[], [None]]),
    "prefixItems": (
        {"prefixItems": [{"type": "null"}, {"type": "string"}], "items": False},
        [[], [None], [None, "a"]],
        [["a"], [None, 1], [None, "a", 1]],
    ),
    "draft 7 items": (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "items": [{"type": "null"}],
            "additionalItems": {"type": "string"},
        },
        [[], [None, "a", "b"]],
        [["a"], [None, None]],
    ),
    "lengths of arrays": ({"type": "array", "minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]]),
    "contains": ({"type": "array", "contains": {"const": 1}}, [[1], [2, 1], [1, 1]], [[], [2]]),
    "counted contains": (
        {"type": "array", "contains": {"const": 1}, "minContains": 2, "maxContains": 3},
        [[1, 1], [1, 2, 1, 1]],
        [[], [1], [1, 2], [1, 1, 1, 1]],
    ),
    "not contains": ({"type": "array", "not": {"contains": {"const": 1}}}, [[], [2]], [[1], [2, 1]]),
    "uniqueItems": (
        {"items": {"enum": ["a", "b", 1]}, "uniqueItems": True},
        [[], ["b", "a", 1]],
        [["a", "a"], [1, 1], ["c"]],
    ),
    "lengths of strings": (
        {"type": "string", "minLength": 1, "maxLength": 2},
        ["a", "\U0001f600b"],
        ["", "abc"],
    ),
    "not lengths": (
        {"type": "string", "not": {"minLength": 2, "maxLength": 3}},
        ["", "a", "abcd"],
        ["ab", "abc"],
    ),
    "pattern": ({"type": "string", "pattern": "b+"}, ["b", "abbc"], ["", "a"]),
    "not pattern": ({"type": "string", "not": {"pattern": "^a"}}, ["", "ba"], ["a", "ab"]),
    "pattern with length": ({"type": "string", "pattern": "^a*$", "minLength": 3}, ["aaa"], ["aa", "aab"]),
    "format": ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "x"]),
    "bounds": ({"type": "integer", "minimum": -3, "exclusiveMaximum": 11}, [-3, 0, 10], [-4, 11, 100]),
    "draft 4 bounds": (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "integer",
            "minimum": 3,
            "exclusiveMinimum": True,
        },
        [4],
        [3, 2],
    ),
    "not bounds": ({"type": "number", "not": {"minimum": 1, "maximum": 2}}, [0.5, 3], [1, 1.5, 2]),
    "multipleOf": ({"type": "number", "multipleOf": 0.5}, [0.5, 2, -1.5], [0.3, 1.25]),
    "not multipleOf": ({"type": "integer", "not": {"multipleOf": 3}}, [1, -2, 10], [0, 3, -9]),
    "allOf": ({"allOf": [{"minimum": 1}, {"maximum": 2}], "type": "integer"}, [1, 2], [0, 3]),
    "anyOf": ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, ["a", 5, None], [4]),
    "not anyOf": ({"not": {"anyOf": [{"type": "string"}, {"minimum": 5}]}}, [4], ["a", 5, None]),
    "oneOf": (
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
        [{"a": 1}, {"b": 1, "c": 1}],
        [{}, {"a": 1, "b": 1}],
    ),
    "oneOf of numbers": (
        {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}], "type": "integer"},
        [2, 9],
        [6, 1],
    ),
    "not oneOf": (
        {"type": "object", "not": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}},
        [{}, {"a": 1, "b": 1}],
        [{"a": 1}, {"b": 1}],
    ),
    "if": (
        {"if": {"properties": {"k": {"const": 1}}}, "then": {"required": ["a"]}, "else": {"required": ["b"]}},
        [{"k": 1, "a": 1}, {"k": 2, "b": 1}, {"a": 1}],
        [{"k": 1}, {"k": 2, "a": 1}, {}],
    ),
    "recursion": (
        TREE,
        [{"value": 1}, {"value": 1, "children": [{"value": 2, "children": []}]}],
        [{}, {"value": 1, "children": [{}]}],
    ),
    "siblings of $ref": (
        {"$ref": "#/$defs/a", "maximum": 3, "$defs": {"a": {"type": "integer"}}},
        [3],
        [4, "a"],
    ),
    "draft 7 hides siblings of $ref": (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": "#/definitions/a",
            "maximum": 3,
            "definitions": {"a": {"type": "integer"}},
        },
        [3, 4],
        ["a"],
    ),
    "anchor": ({"$ref": "#x", "$defs": {"a": {"$anchor": "x", "type": "null"}}}, [None], [1]),
    "nested $id": (
        {
            "$id": "http://example.com/root",
            "$ref": "item",
            "$defs": {"a": {"$id": "item", "$ref": "#/$defs/b", "$defs": {"b": {"type": "null"}}}},
        },
        [None],
        [1],
    ),
    "escaped pointer": ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "null"}}}, [None], [1]),
}


@pytest.mark.parametrize("name", CASES)
def test_keyword(name: str) -> None:
    schema, valid, invalid = CASES[name]
    grammar = from_json_schema(schema, whitespace="any", property_order="any")
    for value, expected in [*((v, True) for v in valid), *((v, False) for v in invalid)]:
        for text in (json.dumps(value, ensure_ascii=False), json.dumps(value, indent=3)):
            assert grammar.accepts(text) is expected, text


def test_a_registry_holds_other_documents() -> None:
    other = {"$defs": {"x": {"type": "null"}}}
    grammar = from_json_schema({"$ref": "http://a/b#/$defs/x"}, registry={"http://a/b": other})
    assert grammar.accepts("null")
    assert not grammar.accepts("1")


def test_schema_order() -> None:
    schema = {
        "allOf": [{"properties": {"b": {}, "a": {}}}, {"properties": {"c": {}}}],
        "required": ["z", "a"],
    }
    grammar = from_json_schema(schema, whitespace="compact")
    assert grammar.accepts('{"b":1,"a":1,"c":1,"z":1,"x":1}')
    assert grammar.accepts('{"a":1,"z":1}')
    assert not grammar.accepts('{"a":1,"b":1,"z":1}')
    assert not grammar.accepts('{"b":1,"z":1}')
    assert not grammar.accepts('{"a":1,"z":1,"a":1}')


def test_no_declared_key_twice() -> None:
    grammar = from_json_schema({"properties": {"a": {}}}, property_order="any")
    assert not grammar.accepts('{"a":1,"a":1}')
    assert not grammar.accepts('{"a":1,"b":2,"a":1}')


@pytest.mark.parametrize(
    ("whitespace", "accepted", "refused"),
    [
        ("compact", ['{"a":[1,{}]}'], ['{"a": [1,{}]}', ' {"a":[1,{}]}']),
        (
            "natural",
            ['{"a":[1,{}]}', '{"a": [1, {}]}', '{\n  "a": [\n\t\t1,\n    {}\n  ]\n}'],
            ['{  "a":[1,{}]}', '{"a":\n\n[1,{}]}', ' {"a":[1,{}]}', '{"a":[1,{}]} '],
        ),
        ("any", ['\n {\t"a" :  [1 ,\r\n{ } ] } \n'], ['{"a":[1,{}]}x']),
        ({"indent": 2}, ['{\n  "a": [\n    1,\n    {}\n  ]\n}'], ['{"a":[1,{}]}', '{"a": [1, {}]}']),
    ],
)
def test_white_space(whitespace: object, accepted: list[str], refused: list[str]) -> None:
    grammar = from_json_schema({"properties": {"a": {"items": {}}}}, whitespace=whitespace)  # type: ignore[arg-type]
    for text in accepted:
        assert grammar.accepts(text), text
    for text in refused:
        assert not grammar.accepts(text), text


@pytest.mark.parametrize("indent", [0, 1, 4])
def test_indent_is_that_of_json_dumps(indent: int) -> None:
    grammar = from_json_schema(True, whitespace={"indent": indent})
    for value in ([], {}, [[]], {"a": {}, "b": [1, {"c": [None]}]}, [{"x": [[], {}]}, "y"]):
        assert grammar.accepts(json.dumps(value, indent=indent))
    assert not grammar.accepts("[1]")


def test_spelling_of_integers() -> None:
    plain = from_json_schema({"type": "integer"})
    standard = from_json_schema({"type": "integer"}, numbers="standard")
    assert not plain.accepts("1.0")
    assert standard.accepts("1.0")
    assert standard.accepts("1e3")
    assert not standard.accepts("1.5")
