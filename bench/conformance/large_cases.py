"""Hostile schemas that are large: exponential nests, huge bounds and counts, megabytes, great depth.

A case is a function, because some schemas have megabytes: called in the worker, it gives the schema and pairs
(document as text, its verdict; None: an error while reading is right too, nothing else is asked). Either the
schema is refused by an error of our family, or every verdict must be right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Documents = list[tuple[str, "bool | None"]]
Case = Callable[[], "tuple[Any, Documents]"]


def _nested(word: str, depth: int, leaf: Any) -> Any:
    schema = leaf
    for _ in range(depth):
        schema = {word: [schema, schema]} if word.endswith("Of") else {word: schema}
    return schema


def _all_of_nest() -> tuple[Any, Documents]:
    leaf = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    return _nested("allOf", 16, leaf), [('{"a":1}', True), ('{"a":"x"}', False), ("{}", False)]


def _one_of_nest() -> tuple[Any, Documents]:
    """Exactly one of two equal schemas: nothing."""
    return _nested("oneOf", 12, {"type": "object"}), [("{}", False)]


def _doubling_references(word: str) -> Case:
    """Each definition refers twice to the next one: 2 ** 40 paths."""

    def case() -> tuple[Any, Documents]:
        definitions: dict[str, Any] = {
            f"d{level}": {
                word: [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}", "title": "x"}]
            }
            for level in range(40)
        }
        definitions["d40"] = {"type": "object", "required": ["a"]}
        return {"$ref": "#/$defs/d0", "$defs": definitions}, [('{"a":1}', word != "oneOf"), ("{}", False)]

    return case


def _conditions() -> tuple[Any, Documents]:
    """Sixty conditions on sixty optional keys."""
    clauses = [
        {"if": {"required": [f"k{i}"]}, "then": {"properties": {f"v{i}": {"type": "integer"}}}}
        for i in range(60)
    ]
    return {"type": "object", "allOf": clauses}, [
        ('{"k3":1,"v3":2}', True),
        ('{"k3":1,"v3":"x"}', False),
        ('{"v3":"x"}', True),
    ]


def _overlapping_one_of() -> tuple[Any, Documents]:
    branches = [{"properties": {f"k{i}": {"type": "integer"}}, "required": [f"k{i}"]} for i in range(40)]
    return {"type": "object", "oneOf": branches}, [
        ('{"k1":1}', True),
        ('{"k1":1,"k2":2}', False),
        ("{}", False),
    ]


def _discriminated_one_of(n: int) -> Case:
    def case() -> tuple[Any, Documents]:
        branches = [
            {
                "type": "object",
                "properties": {"kind": {"const": f"k{i}"}, f"p{i}": {"type": "integer"}},
                "required": ["kind", f"p{i}"],
            }
            for i in range(n)
        ]
        return {"oneOf": branches}, [
            ('{"kind":"k7","p7":1}', True),
            ('{"kind":"k7","p8":1}', False),
            (f'{{"kind":"k{n}","p7":1}}', False),
        ]

    return case


def _many_contains() -> tuple[Any, Documents]:
    clauses = [{"contains": {"multipleOf": 2 + i}} for i in range(16)]
    return {"type": "array", "items": {"type": "integer"}, "allOf": clauses}, [("[0]", True), ("[1]", False)]


def _unevaluated_branches() -> tuple[Any, Documents]:
    branches = [{"properties": {f"k{i}": True}, "required": [f"k{i}"]} for i in range(20)]
    return {"type": "object", "anyOf": [*branches, True], "unevaluatedProperties": False}, [
        ('{"k1":1,"k7":2}', True),
        ('{"x":1}', False),
        ("{}", True),
    ]


def _huge_number_bounds() -> tuple[Any, Documents]:
    schema = {"type": "number", "minimum": -(10**300), "exclusiveMaximum": 10**300, "multipleOf": 1e-7}
    return schema, [("1.5", True), ("0.00000001", False)]


def _bounds_of_doubles() -> tuple[Any, Documents]:
    schema = {"type": "number", "minimum": 5e-324, "maximum": 1.7976931348623157e308}
    return schema, [("1", True), ("0", False), ("-1", False)]


def _exponent_bomb() -> tuple[Any, Documents]:
    return '{"type": "number", "minimum": 1e999999999, "multipleOf": 1e-999999999}', [("1", None)]


def _many_digits() -> tuple[Any, Documents]:
    return '{"const": ' + "9" * 100_000 + "}", [("1", None)]


def _big_lengths() -> tuple[Any, Documents]:
    schema = {
        "type": "object",
        "properties": {
            "s": {"type": "string", "minLength": 99_999, "maxLength": 100_000, "pattern": "^[a-z]*$"},
            "a": {"type": "array", "minItems": 1, "maxItems": 100_000, "items": {"type": "integer"}},
        },
        "additionalProperties": False,
    }
    return schema, [
        ('{"a":[1]}', True),
        ('{"a":[]}', False),
        ('{"s":"' + "a" * 100_000 + '"}', True),
        ('{"s":"' + "a" * 100_001 + '"}', False),
        ('{"a":[' + ",".join(["1"] * 100_000) + "]}", True),
        ('{"a":[' + ",".join(["1"] * 100_001) + "]}", False),
    ]


def _huge_counts() -> tuple[Any, Documents]:
    schema = {"minLength": 10**18, "maxItems": 10**18, "minProperties": 10**18, "maxProperties": 10**18 + 1}
    return schema, [("[1]", True), ('"a"', False), ("{}", False), ("1", True)]


def _big_prefix() -> tuple[Any, Documents]:
    items = [{"const": f"v{i}"} if i > 500 else {"const": i} for i in range(20_000)]
    whole = [schema["const"] for schema in items]
    return {"type": "array", "prefixItems": items, "items": False}, [
        ("[0,1,2]", True),
        ("[0,2]", False),
        (json.dumps(whole), True),
        (json.dumps([*whole, 1]), False),
    ]


def _required_many() -> tuple[Any, Documents]:
    names = [f"key{i}" for i in range(2_000)]
    schema = {
        "type": "object",
        "required": names,
        "maxProperties": 2_000,
        "additionalProperties": {"type": "null"},
    }
    return schema, [(json.dumps(dict.fromkeys(names)), True), (json.dumps(dict.fromkeys(names[1:])), False)]


def _big_enum() -> tuple[Any, Documents]:
    values = [f"value {i * 7919}" for i in range(100_000)]
    return {"enum": values}, [(json.dumps(values[77_777]), True), ('"value 1"', False)]


def _big_mixed_enum() -> tuple[Any, Documents]:
    values: list[Any] = [i * 3 for i in range(20_000)]
    values += [{"id": i, "tags": [i]} for i in range(2_000)] + [[i, i + 1] for i in range(2_000)]
    return {"enum": values}, [
        ("30", True),
        ("31", False),
        ('{"tags":[5],"id":5}', True),
        ('{"id":5,"tags":[6]}', False),
        ("[7,8]", True),
        ("[7,9]", False),
    ]


def _four_megabytes() -> tuple[Any, Documents]:
    definitions = {
        f"d{i}": {
            "type": "object",
            "description": "x" * 100,
            "properties": {f"p{j}": {"$ref": f"#/$defs/d{(i * 7 + j) % 5000}"} for j in range(20)},
        }
        for i in range(5_000)
    }
    text = json.dumps({"$ref": "#/$defs/d0", "$defs": definitions})
    return text, [('{"p1":{"p2":{}}}', True), ('{"p1":{"p2":1}}', False)]


def _deep_schema() -> tuple[Any, Documents]:
    return {"type": "array", **_nested("items", 3_000, {"type": "integer"})}, [("[[[]]]", True), ("1", False)]


def _deep_schema_text() -> tuple[Any, Documents]:
    return '{"not":' * 100_000 + "true" + "}" * 100_000, [("1", None)]


def _deep_not() -> tuple[Any, Documents]:
    return _nested("not", 500, {"type": "object"}), [("{}", True), ("1", False)]


def _deep_document() -> tuple[Any, Documents]:
    schema = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}
    depth = 10_000
    return schema, [("[" * depth + "]" * depth, True), ("[" * depth + "1" + "]" * depth, False)]


def _deep_object_document() -> tuple[Any, Documents]:
    schema = {"type": "object", "additionalProperties": {"$ref": "#"}}
    depth = 10_000
    return schema, [
        ('{"a":' * depth + "{}" + "}" * depth, True),
        ('{"a":' * depth + "1" + "}" * depth, False),
    ]


def given(schema: Any, *documents: tuple[str, bool | None]) -> Case:
    return lambda: (schema, list(documents))


LARGE_CASES: list[tuple[str, Case]] = [
    ("allOf nest of 2 ** 16", _all_of_nest),
    ("oneOf nest of 2 ** 12", _one_of_nest),
    *(
        (f"{word} doubling along 40 references", _doubling_references(word))
        for word in ("allOf", "anyOf", "oneOf")
    ),
    ("60 conditions", _conditions),
    ("40 overlapping branches of oneOf", _overlapping_one_of),
    ("300 branches of oneOf told apart by a constant", _discriminated_one_of(300)),
    ("16 contains", _many_contains),
    ("20 branches beside unevaluatedProperties", _unevaluated_branches),
    ("huge bounds with a small multipleOf", _huge_number_bounds),
    ("bounds of doubles", _bounds_of_doubles),
    ("exponents of 999999999", _exponent_bomb),
    ("a number of 100,000 digits", _many_digits),
    (
        "multipleOf with coprime neighbours",
        given(
            {"allOf": [{"multipleOf": p} for p in (7, 11, 13, 17, 19, 23)], "type": "integer"},
            ("0", None),
            ("1", None),
        ),
    ),
    ("maxLength and maxItems of 100,000", _big_lengths),
    ("counts of 10 ** 18", _huge_counts),
    ("20,000 prefixItems", _big_prefix),
    ("2,000 required names", _required_many),
    ("100,000 values of an enum", _big_enum),
    ("24,000 values of an enum, composites among them", _big_mixed_enum),
    ("4 MB", _four_megabytes),
    ("3,000 levels of items", _deep_schema),
    ("text of 100,000 levels", _deep_schema_text),
    ("500 levels of not", _deep_not),
    ("array of 10,000 levels", _deep_document),
    ("object of 10,000 levels", _deep_object_document),
    (
        "131,072 names of properties",
        lambda: ({"properties": {f"k{i}": {} for i in range(1 << 17)}}, [('{"k1":1}', True), ("[]", True)]),
    ),
]
