"""Grammars of one vocabulary share what scalar schemas and layouts allow (`_ext/plain_schemas.pxi`): none
gets what another one says, in whatever order they are used."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest
from tokentrellis import TokenRejectedError, Vocabulary, compile_grammar, from_json_schema
from tokentrellis.grammars.json_schema import JsonSchemaGrammar

from tests.masks import allowed_tokens

from .test_outlines import OneByOne

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
OLD = {"$schema": DRAFT_4, "type": "object", "properties": {"c": {"type": "integer"}}}
OLD_INTEGER = {"$schema": DRAFT_4, "id": "urn:old-integer", "type": "integer"}
STANDARD: dict[str, Any] = {
    "numbers": "standard",
    "whitespace": "compact",
    "registry": {"urn:old": OLD, "urn:old-integer": OLD_INTEGER},
}


@pytest.fixture
def vocabulary() -> Vocabulary:
    """One that no other grammar has been compiled for."""
    return Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])


def reads(grammar: JsonSchemaGrammar | OneByOne, text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text is a document, by masks and by tokens."""
    matcher = compile_grammar(grammar, vocabulary).matcher()
    for byte in text.encode():
        is_allowed = byte in allowed_tokens(matcher)
        try:
            matcher.accept_token(byte)
        except TokenRejectedError:
            assert not is_allowed
            return False
        assert is_allowed
    return matcher.is_accepting


def test_drafts_in_one_grammar_do_not_meet(vocabulary: Vocabulary) -> None:
    """1.0 is an integer, but not in draft 4, whichever draft is read first."""
    members = {"a": {"type": "integer"}, "b": {"$ref": "urn:old"}, "d": {"$ref": "urn:old-integer"}}
    mixed = {"type": "object", "properties": members}
    verdicts = {
        '{"a":1.0,"b":{"c":1}}': True,
        '{"a":1.0,"b":{"c":1.0}}': False,
        '{"b":{"c":1.0}}': False,
        '{"a":1.0,"d":1.0}': False,
        '{"d":1.0}': False,
        '{"d":1}': True,
    }
    for text, is_valid in verdicts.items():
        assert reads(from_json_schema(mixed, **STANDARD), text, vocabulary) == is_valid, text
        assert reads(OneByOne(from_json_schema(mixed, **STANDARD)), text, vocabulary) == is_valid, text
    assert not reads(from_json_schema(OLD, **STANDARD), '{"c":1.0}', vocabulary)
    new = {**OLD, "$schema": "http://json-schema.org/draft-07/schema#"}
    assert reads(from_json_schema(new, **STANDARD), '{"c":1.0}', vocabulary)


def test_a_resource_within_a_document_has_its_own_draft(vocabulary: Vocabulary) -> None:
    within = {"$id": "urn:within", "$schema": DRAFT_4, "type": "integer"}
    for member in (within, {"allOf": [within]}):
        schema = {"type": "object", "properties": {"d": member}}
        assert not reads(from_json_schema(schema, **STANDARD), '{"d":1.0}', vocabulary)
        assert not reads(OneByOne(from_json_schema(schema, **STANDARD)), '{"d":1.0}', vocabulary)


def test_a_schema_that_changes_while_it_is_read_spoils_no_other(vocabulary: Vocabulary) -> None:
    short = {"type": "string", "maxLength": 1}
    members = {"a": short, "b": {"type": "array", "items": short}}
    grammar = from_json_schema({"type": "object", "properties": members}, whitespace="compact")
    matcher = compile_grammar(grammar, vocabulary).matcher()
    for byte in b'{"a":"x","b":[':
        allowed_tokens(matcher)
        if byte == ord("["):
            short["maxLength"] = 3
        matcher.accept_token(byte)
    allowed_tokens(matcher)
    other = {"type": "array", "items": {"type": "string", "maxLength": 3}}
    assert reads(from_json_schema(other, whitespace="compact"), '["xyz"]', vocabulary)
    assert not reads(from_json_schema(other, whitespace="compact"), '["wxyz"]', vocabulary)


def test_options_that_change_later_change_nothing(vocabulary: Vocabulary) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    whitespace = {"indent": 2}
    grammar = from_json_schema(schema, whitespace=whitespace)  # type: ignore[arg-type]
    whitespace["indent"] = 4
    for mine in (grammar, pickle.loads(pickle.dumps(grammar))):
        assert mine.whitespace == {"indent": 2}
        assert reads(mine, '{\n  "a": 1\n}', vocabulary)
    later = from_json_schema(schema, whitespace=whitespace)  # type: ignore[arg-type]
    assert reads(later, '{\n    "a": 1\n}', vocabulary)
    assert not reads(later, '{\n  "a": 1\n}', vocabulary)


@pytest.mark.parametrize("written", [{"minimum": 1, "maximum": 1}, {"enum": [1]}])
def test_numbers_that_are_written_otherwise(vocabulary: Vocabulary, written: dict[str, Any]) -> None:
    """True, 1, 1.0 and Decimal(1) are equal keys of a dict."""
    grammars = [
        from_json_schema({"type": "integer", "multipleOf": value, **written}, whitespace="compact")
        for value in (1, 1.0, Decimal(1))
    ]
    assert [reads(grammar, "1", vocabulary) for grammar in grammars] == [True] * 3
    draft_4 = {"$schema": DRAFT_4, "type": "number", "minimum": 1, "maximum": 2}
    for is_exclusive in (True, False):
        grammar = from_json_schema({**draft_4, "exclusiveMinimum": is_exclusive}, whitespace="compact")
        assert reads(grammar, "1", vocabulary) != is_exclusive
    grammar = from_json_schema({"type": "number", "exclusiveMinimum": 1, "minimum": 1}, whitespace="compact")
    assert not reads(grammar, "1", vocabulary)
