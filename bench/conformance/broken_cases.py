"""Hostile schemas that are broken or treacherous: patterns, circles, keywords of wrong types, texts that are
no Unicode.

The form of a case is that of `large_cases.py`.
"""

from __future__ import annotations

from typing import Any

from .large_cases import Case, Documents, given


def _pattern(pattern: str, *documents: tuple[str, bool | None]) -> Case:
    return lambda: ({"type": "string", "pattern": pattern}, list(documents))


def _long_chain() -> tuple[Any, Documents]:
    definitions: dict[str, Any] = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(900)}
    definitions["d900"] = {"type": "integer"}
    return {"$ref": "#/$defs/d0", "$defs": definitions}, [("1", True), ('"1"', False)]


def _wrong_types() -> list[tuple[str, Case]]:
    """One schema for each keyword with a value of a wrong type: all must be refused or ignored, not crash."""
    values: tuple[Any, ...] = (
        None,
        1.5,
        -1,
        "x",
        [],
        {},
        [1],
        {"a": 1},
        True,
        ["a", "a"],
        float("1e400"),
        float("nan"),
    )
    listed = """type enum const properties patternProperties additionalProperties required minProperties
        dependencies items prefixItems contains minContains maxItems uniqueItems minLength pattern
        format minimum multipleOf exclusiveMaximum allOf anyOf oneOf not if then $ref $dynamicRef $id $anchor
        $defs $schema $vocabulary dependentRequired dependentSchemas propertyNames unevaluatedItems
        unevaluatedProperties
        additionalItems definitions $comment $recursiveRef $dynamicAnchor id title default readOnly"""
    return [
        (f"{word} of a wrong type, value {place}", given({word: value}, ("1", None), ("{}", None)))
        for word in listed.split()
        for place, value in enumerate(values)
    ]


BROKEN_CASES: list[tuple[str, Case]] = [
    ("pattern (a+)+$", _pattern("^(a+)+$", ('"' + "a" * 5000 + '"', True), ('"' + "a" * 5000 + '!"', False))),
    (
        "pattern (a|aa)*b",
        _pattern("^(a|aa|a?)*b$", ('"' + "a" * 3000 + 'b"', True), ('"' + "a" * 3000 + '"', False)),
    ),
    ("pattern .*.*.*=.*", _pattern("(.*)*(.*)*=(.*)*x", ('"' + "a" * 3000 + '=x"', True), ('"aaa"', False))),
    (
        "pattern (a|b)*a(a|b){18}",
        _pattern("^(a|b)*a(a|b){18}$", ('"a' + "b" * 18 + '"', None), ('"b"', None)),
    ),
    ("pattern a{1000}{1000}", _pattern("^(a{1000}){1000}$", ('"a"', None))),
    ("pattern ((a{0,99}){0,99}){0,99}", _pattern("^((a{0,99}){0,99}){0,99}$", ('"a"', None), ('"b"', None))),
    ("pattern with a back-reference", _pattern(r"^(a*)b\1$", ('"aba"', None))),
    (
        "pattern with look-arounds",
        _pattern(r"^(?=.*a)(?=.*b)(?!.*c)(?<!x)\w{2,9}$", ('"ab"', None), ('"abc"', None)),
    ),
    ("pattern of 10,000 nested groups", _pattern("(" * 10_000 + "a" + ")" * 10_000, ('"a"', None))),
    (
        "pattern of 50,000 alternatives",
        _pattern("^(" + "|".join(f"w{i}" for i in range(50_000)) + ")$", ('"w7"', True)),
    ),
    ("chain of 900 references", _long_chain),
    ("reference to itself", given({"$ref": "#"}, ("1", None))),
    (
        "references in a circle",
        given(
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
            ("1", None),
        ),
    ),
    (
        "circle through allOf",
        given(
            {
                "$ref": "#/$defs/a",
                "$defs": {
                    "a": {"allOf": [{"$ref": "#/$defs/b"}], "type": "object"},
                    "b": {"anyOf": [{"$ref": "#/$defs/a"}, False]},
                },
            },
            ("{}", None),
        ),
    ),
    (
        "circle through not",
        given({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, ("1", None)),
    ),
    (
        "circle through oneOf and if",
        given({"oneOf": [{"$ref": "#"}, {"if": {"$ref": "#"}, "then": False}]}, ("1", None)),
    ),
    (
        "recursion that never ends",
        given({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}, ("{}", False)),
    ),
    ("circle through dynamic references", given({"$dynamicAnchor": "n", "$dynamicRef": "#n"}, ("1", None))),
    (
        "circle through unevaluatedProperties",
        given(
            {"unevaluatedProperties": False, "anyOf": [{"$ref": "#"}, {"properties": {"a": True}}]},
            ('{"a":1}', None),
            ("{}", None),
        ),
    ),
    ("lone surrogate in an enum", given({"enum": ["\ud800", "a"]}, ('"a"', True), ('"b"', False))),
    (
        "lone surrogate in a key",
        given({"type": "object", "properties": {"\udc00": {"type": "integer"}}}, ("{}", True), ("1", False)),
    ),
    ("lone surrogate in a required key", given({"type": "object", "required": ["\udc00"]}, ("{}", False))),
    (
        "lone surrogate in a pattern",
        given({"type": "object", "patternProperties": {"\ud800": False}}, ("{}", None)),
    ),
    (
        "lone surrogate in a reference",
        given({"$ref": "#/$defs/\ud800", "$defs": {"\ud800": True}}, ("1", None)),
    ),
    (
        "lone surrogate in an identifier",
        given(
            {"$id": "http://x/\ud800", "$ref": "#/$defs/a", "$defs": {"a": {"$id": "\ud800"}}}, ("1", None)
        ),
    ),
    ("bytes that are no UTF-8", given(b'{"const": "\xff\xfe"}', ("1", None))),
    ("text that is no JSON", given('{"type": "object"', ("{}", None))),
    ("NaN in the schema", given('{"minimum": NaN}', ("1", None))),
    (
        "a document of broken UTF-8",
        given({"type": "string"}, ('"\ud800"', False), ('"\\ud800"', None), ('"\\ud83d\\ude00"', True)),
    ),
    (
        "identifier that is no URI",
        given({"$id": "http://[", "$defs": {"a": {"$id": "::::"}}, "$ref": "::::"}, ("1", None)),
    ),
    ("reference into a keyword's value", given({"$ref": "#/type", "type": "object"}, ("{}", None))),
    ("reference with broken escapes", given({"$ref": "#/$defs/%zz~9", "$defs": {}}, ("1", None))),
    (
        "keys that are no strings",
        given({"properties": {1: {"type": "integer"}}, "required": [None]}, ("1", None)),
    ),
    *_wrong_types(),
]
