"""The core's pass over plain schemas leaves a survey as it is without it: what it finds, what it refuses."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis import compile_grammar
from tokentrellis.grammars.errors import ConstraintError
from tokentrellis.grammars.json_schema import survey
from tokentrellis.grammars.json_schema.references import References
from tokentrellis.grammars.json_schema.survey import Survey

from .generation import random_schema

assert compile_grammar  # whoever can compile has the core's pass

DRAFTS = (
    None,
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "http://example.com/unknown",
)
JUNK: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        0,
        3,
        1.5,
        200_000,
        2**70,
        float("nan"),
        float("inf"),
        -1e308,
        "",
        "object",
        "email",
    ),
    *(
        [],
        [1],
        ["a"],
        ["string", "string"],
        ["string", 3],
        {},
        {"type": "string"},
        {"type": 3},
        [{}],
        [True, 0],
    ),
    *({"$ref": "#"}, {"$ref": "#/$defs/d0"}, {"$ref": "#/nowhere"}, {"$ref": "#/%24defs/d0"}, {"$ref": 1}),
    *({"id": "http://a/b"}, {"$id": "c", "type": "string"}, {1: True}, {"properties": {2: {}}}, ("a",), b"a"),
    *({"format": "date"}, {"format": "date", "enum": ["x"]}, {"format": "none"}, {"allOf": [{"$ref": "#"}]}),
    *({"type": "string", "pattern": "("}, {"pattern": "^a"}, {"uniqueItems": True}, {"contains": {}}),
)
WORDS = (
    *(
        "type",
        "enum",
        "const",
        "required",
        "properties",
        "items",
        "additionalProperties",
        "minLength",
        "maximum",
    ),
    *(
        "exclusiveMinimum",
        "multipleOf",
        "allOf",
        "anyOf",
        "not",
        "if",
        "$ref",
        "$id",
        "id",
        "format",
        "pattern",
    ),
    *("uniqueItems", "dependencies", "prefixItems", "$defs", "unheard-of", "dependentSchemas", "contains"),
    *("minItems", "maxItems", "minProperties", "maxProperties", "minContains"),
)


def outcome(schema: Any, passes: Any, asserts_formats: bool) -> Any:
    """All that a survey says."""
    kept, survey.faster = survey.faster, passes
    try:
        context = References(schema).root
        found = Survey(schema, context, asserts_formats)
    except ConstraintError as error:
        return type(error), str(error)
    finally:
        survey.faster = kept
    return (
        found.problems,
        found.annotations,
        found.dropped,
        found.distinct_items,
        [(id(inner), context.index, place) for inner, context, place in found.contains],
        [(id(inner), context.index, place, said) for inner, context, place, said in found.chained],
    )


def check(schema: Any, asserts_formats: bool = True) -> None:
    assert survey.faster is not None
    with_passes = outcome(schema, survey.faster, asserts_formats)
    assert with_passes == outcome(schema, None, asserts_formats), schema


def spoil(rng: random.Random, schema: Any, depth: int = 0) -> Any:
    """A schema some of whose values are something else now."""
    if depth and rng.random() < 0.04:
        return rng.choice(JUNK)
    if isinstance(schema, dict):
        spoilt = {word: spoil(rng, value, depth + 1) for word, value in schema.items()}
        if rng.random() < 0.1:
            spoilt[rng.choice(WORDS)] = rng.choice(JUNK)
        return spoilt
    return [spoil(rng, value, depth + 1) for value in schema] if isinstance(schema, list) else schema


@given(st.integers(0, 2**64))
def test_random_schemas(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(5):
        schema = random_schema(rng)
        if isinstance(schema, dict) and (draft := rng.choice(DRAFTS)):
            schema = {"$schema": draft, **schema}
        check(schema, rng.random() < 0.8)
        check(spoil(rng, schema), rng.random() < 0.8)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("word", WORDS)
def test_every_word_with_every_value(word: str, draft: str | None) -> None:
    for value in JUNK:
        for schema in (
            {word: value},
            {"type": "array", word: value},
            {"properties": {"a": {word: value}}},
            {"items": {"anyOf": [{word: value}]}},
        ):
            schema["$defs"] = {"d0": {"type": "string"}}
            check({"$schema": draft, **schema} if draft else schema)


def test_a_reference_to_what_leads_on() -> None:
    definitions = {
        "a": {"$ref": "#/definitions/b"},
        "b": {"allOf": [{"type": "object"}]},
        "c": {"type": "object", "properties": {"again": {"$ref": "#/definitions/c"}}},
        "~/%": {"type": "string"},
    }
    for draft in DRAFTS:
        members = {name: {"$ref": f"#/definitions/{name}"} for name in ("a", "b", "c", "b")}
        members["spelt"] = {"$ref": "#/definitions/~0~1%25"}
        members["beside"] = {"$ref": "#/definitions/c", "minimum": "no number"}
        check({"$schema": draft or "", "properties": members, "definitions": definitions})


def test_what_contains_itself() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["self"] = schema
    check(schema)


def test_collection(shared_data: Path) -> None:
    """Real schemas: each tenth of MaskBench's."""
    with gzip.open(shared_data / "maskbench_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 10 == 0:
                check(json.loads(line)["schema"])


def test_most_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    visited: list[Any] = []
    monkeypatch.setattr(Survey, "_visit", lambda self, *what: visited.append(what))
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"$ref": "#/definitions/d"}, "maxItems": 3}},
        "required": ["a"],
        "definitions": {"d": {"enum": ["x", "y"], "description": "one of two"}},
    }
    Survey(schema, References(schema).root)
    assert visited == []
