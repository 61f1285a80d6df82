"""What depends on the dialect: vocabularies of a meta-schema, formats as annotations, integers of draft 4."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import jsonschema_rs
import pytest
from jsonschema_specifications import REGISTRY
from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.errors import GrammarSyntaxError, UnsupportedFeatureError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.numbers import number_values

VOCABULARY = "https://json-schema.org/draft/2020-12/vocab/"
NO_VALIDATION = {"core": True, "applicator": True}
ANY: dict[str, Any] = {"whitespace": "any", "property_order": "any", "numbers": "standard"}


def registry(vocabularies: dict[str, bool], **more: bool) -> dict[str, Any]:
    listed = {VOCABULARY + name: required for name, required in vocabularies.items()}
    return {"http://own/meta": {"$id": "http://own/meta", "$vocabulary": {**listed, **more}}}


def test_without_the_validation_vocabulary_its_keywords_assert_nothing() -> None:
    schema = {
        "$schema": "http://own/meta",
        "properties": {"a": {"minimum": 10}, "b": False},
        "required": ["c"],
    }
    grammar = from_json_schema(schema, registry=registry(NO_VALIDATION), **ANY)
    assert grammar.accepts('{"a":1}')
    assert not grammar.accepts('{"b":1}')
    assert not from_json_schema(schema, **ANY).accepts('{"a":1,"c":2}')  # the meta-schema is not known


def test_a_keyword_of_a_wrong_form_is_no_error_if_it_asserts_nothing() -> None:
    schema = {"$schema": "http://own/meta", "minimum": "ten"}
    assert from_json_schema(schema, registry=registry(NO_VALIDATION)).accepts("1")
    with pytest.raises(GrammarSyntaxError):
        from_json_schema(schema, registry=registry({**NO_VALIDATION, "validation": True}))


def test_a_vocabulary_that_is_required_and_not_known_is_refused() -> None:
    schema = {"$schema": "http://own/meta", "type": "null"}
    known = {**NO_VALIDATION, "validation": True}
    with pytest.raises(UnsupportedFeatureError, match="http://own/vocabulary"):
        from_json_schema(schema, registry=registry(known, **{"http://own/vocabulary": True}))
    assert from_json_schema(schema, registry=registry(known, **{"http://own/vocabulary": False})).accepts(
        "null"
    )


def test_formats_as_annotations() -> None:
    schema = {"properties": {"a": {"format": "ipv4"}}}
    assert not from_json_schema(schema, **ANY).accepts('{"a":"x"}')
    lax = from_json_schema(schema, formats="annotation", **ANY)
    assert lax.accepts('{"a":"x"}')
    assert [where for where, _ in lax.annotations] == ["/properties/a/format"]
    asserting = registry({**NO_VALIDATION, "format-assertion": False})
    stated = {"$schema": "http://own/meta", **schema}
    assert not from_json_schema(stated, formats="annotation", registry=asserting, **ANY).accepts('{"a":"x"}')
    with pytest.raises(GrammarSyntaxError, match="formats"):
        from_json_schema(schema, formats="maybe")  # type: ignore[arg-type]


@pytest.mark.parametrize(("draft", "allowed"), [("draft-04", False), ("draft-06", True), ("draft-07", True)])
def test_integers_of_draft_4_are_digits(draft: str, allowed: bool) -> None:
    schema = {"$schema": f"http://json-schema.org/{draft}/schema#", "type": "integer", "multipleOf": 5}
    grammar = from_json_schema(schema, **ANY)
    assert grammar.accepts("10")
    assert [grammar.accepts(text) for text in ("10.0", "1e1", "1.0E+1")] == [allowed] * 3
    assert from_json_schema({**schema, "type": "number"}, **ANY).accepts("10.0")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"not": {"type": "integer"}},
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "number", "maximum": 1}]},
        {"type": "integer", "enum": [1, 2.0, 2.5]},
        {"not": {"type": "integer"}, "enum": [1.0, 2, 2.5]},
        {"not": {"type": "integer"}, "multipleOf": 2},
        {"not": {"type": "integer"}, "minimum": 1, "maximum": 1},
        {"not": {"type": ["integer", "string"]}, "minimum": 1.5},
    ],
)
@pytest.mark.parametrize("numbers", ["plain", "standard"])
def test_numbers_of_draft_4_that_are_no_integers(schema: dict[str, Any], numbers: Any) -> None:
    """In draft 4 it is the spelling that makes an integer: 1.0 is a number and none."""
    stated = {"$schema": "http://json-schema.org/draft-04/schema#", **schema}
    grammar = from_json_schema(stated, numbers=numbers)
    validator = jsonschema_rs.validator_for(stated)
    for text in ("1", "1.0", "2", "2.0", "1e1", "10", "10.0", "1.5", "2.5", "4.0"):
        assert grammar.accepts(text) is validator.is_valid(json.loads(text)), text


TEXTS = (
    *(
        "0",
        "-0",
        "0.0",
        "0e5",
        "-0.00E-3",
        "1",
        "1.0",
        "1e0",
        "10e-1",
        "0.1e1",
        "-1",
        "-1.00",
        "-0.01e+2",
        "100",
    ),
    *(
        "1e2",
        "1E02",
        "1.0e2",
        "0.5",
        "0.50",
        "5e-1",
        "5.0e-01",
        "50e-2",
        "-2.5",
        "-25E-1",
        "0.0001",
        "1e-4",
        "2",
    ),
    *(
        "1e-04",
        "10e-5",
        "1e20",
        "100000000000000000000",
        "1.0e+20",
        "0.1e21",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "--1",
    ),
)


@pytest.mark.parametrize("numbers", ["standard", "plain"])
@pytest.mark.parametrize("integers_plain", [True, False])
def test_few_values_are_spelled_as_many_are(numbers: Any, integers_plain: bool) -> None:
    """Up to 16 values are written down one by one, more become one automaton."""
    few = [Fraction(text) for text in ("0", "1", "-1", "100", "0.5", "-2.5", "0.0001", "1e20")]
    fillers = [Fraction(index, 8) + 1000 for index in range(17)]
    one_by_one = number_values(few, numbers=numbers, integers_plain=integers_plain)
    at_once = number_values([*few, *fillers], numbers=numbers, integers_plain=integers_plain)
    verdicts = {text: matches(one_by_one, text.encode()) for text in TEXTS}
    assert verdicts == {text: matches(at_once, text.encode()) for text in TEXTS}
    assert verdicts["0.50"]
    assert verdicts["1.0"] is (numbers == "standard" or not integers_plain)
    assert not any(verdicts[text] for text in ("2", "01", "1.", ".5", "1e", "+1", "--1"))


META_SCHEMAS = [f"https://json-schema.org/draft/{draft}/schema" for draft in ("2019-09", "2020-12")]


@pytest.mark.parametrize("uri", META_SCHEMAS)
@pytest.mark.parametrize("given", ["nothing", "the first document"])
def test_a_meta_schema_that_comes_with_the_package_is_recursive(uri: str, given: str) -> None:
    """Its anchors (`$recursiveAnchor`, `$dynamicAnchor`) are found among the meta-schemas, wherever the
    document itself comes from: what is wrong is refused at every depth."""
    documents = None if given == "nothing" else {uri: REGISTRY.contents(uri)}
    grammar = from_json_schema({"$schema": uri, "$ref": uri}, registry=documents, **ANY)
    wrong: list[object] = [
        {"type": 5},
        {"allOf": [{"type": 5}]},
        {"properties": {"a": {"minimum": "x"}}},
        {"not": {"minLength": -1}},
        {"items": {"type": 5}},
        {"$defs": {"x": {"items": {"required": "a"}}}},
    ]
    right: list[object] = [
        True,
        {"items": {"type": "null"}},
        {"properties": {"a": {"not": {"minLength": 1}}}},
    ]
    assert [grammar.accepts(json.dumps(value)) for value in wrong] == [False] * len(wrong)
    assert [grammar.accepts(json.dumps(value)) for value in right] == [True] * len(right)


@pytest.mark.parametrize(
    ("uri", "anchor"),
    list(zip(META_SCHEMAS, [{"$recursiveAnchor": True}, {"$dynamicAnchor": "meta"}], strict=True)),
)
def test_a_meta_schema_can_be_extended(uri: str, anchor: dict[str, Any]) -> None:
    """The outermost anchor is that of the user's document, also where a meta-schema refers to itself."""
    own = {"$schema": uri, "$id": "http://own/meta", "$ref": uri, "properties": {"own": {"type": "integer"}}}
    grammar = from_json_schema({**own, **anchor}, **ANY)
    assert grammar.accepts('{"allOf":[{"own":1}]}')
    assert not grammar.accepts('{"allOf":[{"own":"a"}]}')
    assert not grammar.accepts('{"allOf":[{"type":5}]}')
