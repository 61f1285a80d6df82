"""Values that several keys have: what tokens read of them and beyond their end, after each of these keys.

All grammars here have one vocabulary, so that what it knows of scalars and of any value serves them all.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tokentrellis import Matcher, Vocabulary, compile_grammar, from_json_schema
from tokentrellis.grammars.grammar import Expansion, LiteralTable, OthersEdge, StringEdge
from tokentrellis.grammars.json_schema.grammar import JsonSchemaGrammar
from tokentrellis.grammars.json_schema.layout import Whitespace

from tests.masks import allowed_tokens
from tests.oracles.brute_force_mask import allowed_tokens as tried_tokens

VALUES = [b'""', b'"x"', b'"yes"', b"1", b"-", b"12", b"null", b"true", b"[]", b"[1", b"{}"]
VALUES += [b'{"c":1}', b'["x"]', b"1.0", b" 1"]
AFTER = [b"", b",", b',"', b',"b":', b',"z":1', b"}", b"},", b'},"b', b"}]", b"]}", b"}}", b"\n"]
CROSSING = [quote + b":" + value + after for quote in (b'"', b'a"') for value in VALUES for after in AFTER]
CROSSING += [value + after for value in VALUES for after in AFTER if after]
CROSSING += [b'"' + after for after in AFTER if after] + [b'":', b'":"', b'":[', b'":{"', b'":["', b'":[{"']
TOKENS = [bytes([byte]) for byte in range(256)] + sorted(set(CROSSING)) + [b""]
EOS = len(TOKENS) - 1
VOCABULARY = Vocabulary(TOKENS, eos_token_ids=[EOS])

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
INNER = {"type": "object", "properties": {"c": NUMBER, "b": TEXT}, "required": ["c"]}
CLOSED = {"additionalProperties": False}
MEMBERS: dict[str, dict[str, Any]] = {
    "scalars": {"a": TEXT, "aa": TEXT, "b": NUMBER, "ab": NUMBER},
    "lists of words": {name: {"enum": ["", "x", "yes"]} for name in ("a", "b", "aa")},
    "short texts": {name: {"type": "string", "maxLength": 1} for name in ("a", "b", "aa")},
    "all but some": {name: {"type": "string", "not": {"enum": ["x", ""]}} for name in ("a", "b", "aa")},
    "multiples": {name: {"type": "integer", "multipleOf": 6} for name in ("a", "b", "aa")},
    "composites": {"a": INNER, "b": {"type": "array", "items": INNER}, "aa": INNER, "ab": INNER},
    "anything": {"a": True, "b": True, "aa": True},
}
DOCUMENTS = [
    {"a": "x", "b": "yes", "aa": "x"},
    {"b": 12, "ab": 1, "a": "x", "aa": "yes"},
    {"a": 6, "aa": 12, "b": 36},
    {"a": {"c": 1, "b": "x"}, "b": [{"c": 1}, {"c": 2}], "ab": {"c": 12}, "z": {"c": 1}, "aa": {"c": 1}},
    {"z": 1, "y": "x", "a": "x", "x": [1, "x"], "b": None, "aa": {}},
]


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("others", [{}, CLOSED, {"additionalProperties": TEXT}], ids=["any", "none", "texts"])
def test_tokens_that_read_a_value_and_more(kind: str, others: dict[str, Any]) -> None:
    member = {"type": "object", "properties": MEMBERS[kind], **others}
    schema = {"type": "array", "items": member}
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, VOCABULARY)
    n_compared = 0
    for document in DOCUMENTS:
        text = json.dumps([document, document], separators=(",", ":")).encode()
        matcher = compiled.matcher()
        for end in range(len(text)):
            if end and not matcher.read_bytes(text[end - 1 : end]):
                break  # what this schema forbids
            if is_telling(text, end):
                expected = sorted(tried_tokens(grammar, text[:end], TOKENS))
                assert allowed_tokens(matcher) == expected, text[:end]
                n_compared += 1
    assert n_compared > 10


def is_telling(text: bytes, end: int) -> bool:
    """Within a key, before a value and in one: where tokens go on into what follows."""
    return text[end - 1 : end] in (b":", b'"', b"a", b"b", b"x", b"1", b"{")


def test_one_value_at_several_depths_of_one_stack() -> None:
    """The end of a value is followed by what is on its own stack, though its rule is the same on all."""
    members = {"a": TEXT, "n": {"$ref": "#"}, "b": TEXT}
    node: dict[str, Any] = {"type": "object", "properties": members, **CLOSED}
    grammar = from_json_schema(node, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, VOCABULARY)

    def compare(matcher: Matcher, text: bytes) -> None:
        assert matcher.read_bytes(text)
        assert allowed_tokens(matcher) == sorted(tried_tokens(grammar, text, TOKENS)), text

    deeper = (b'{"n":{"n":{"a', b'{"n":{"a":"x","b', b'{"a":"x","n":{"b":"yes","a')
    for text in (b'{"a', b'{"n":{"a', *deeper, b'{"b'):
        compare(compiled.matcher(), text)


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#"]
)
@pytest.mark.parametrize("whitespace", ["compact", "natural", "any"])
def test_one_value_in_several_drafts_and_layouts(draft: str, whitespace: Whitespace) -> None:
    """In draft 4 1.0 is no integer; what stands before a value belongs to the layout."""
    schema = {"$schema": draft, "type": "object", "properties": {"a": NUMBER, "b": NUMBER, "aa": {}}}
    grammar = from_json_schema(schema, whitespace=whitespace, property_order="any")
    compiled = compile_grammar(grammar, VOCABULARY)
    n_compared = 0
    for text in (b'{"', b'{"a', b'{"a":1,"b', b'{"a": 1, "b":', b'{"z":[{"a', b'{"aa":{"a', b'{"z":1,"y'):
        matcher = compiled.matcher()
        if matcher.read_bytes(text):  # else its white space is not that of the layout
            assert allowed_tokens(matcher) == sorted(tried_tokens(grammar, text, TOKENS)), text
            n_compared += 1
    assert n_compared >= 3


class ExcludingGrammar(JsonSchemaGrammar):
    """A JSON Schema whose strings of limited length must not be "x" or "yes" instead.

    The front end itself has no such values.
    """

    schema_parts = None  # type: ignore[assignment]

    def expand(self, state: int) -> Expansion:
        expansion = super().expand(state)
        edges = [
            OthersEdge(edge.terminal, LiteralTable(["x", "yes"]), edge.next)
            if isinstance(edge, StringEdge)
            else edge
            for edge in expansion.edges
        ]
        return expansion._replace(edges=edges)


def test_values_that_must_not_be_some_words() -> None:
    """Tokens that close on one of these are no exits of the value, though what is left of them is one."""
    short = {"type": "string", "maxLength": 9}
    schema = {"type": "object", "properties": {"a": short, "b": short, "aa": short}, **CLOSED}
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    grammar.__class__ = ExcludingGrammar
    compiled = compile_grammar(grammar, VOCABULARY)
    text = b'{"a":"no","b":"y","aa":"yess"}'
    matcher = compiled.matcher()
    for end in range(len(text)):
        if end:
            assert matcher.read_bytes(text[end - 1 : end])
        expected = sorted(tried_tokens(grammar, text[:end], TOKENS))
        assert allowed_tokens(matcher) == expected, text[:end]


@pytest.mark.parametrize("closed", [True, False])
def test_readings_that_meet_again_do_not_multiply(closed: bool) -> None:
    """Each item of a token can be read in three ways, after which all is the same: 3 ** 40 would not end."""
    items = b"{}," * 40
    tokens = [bytes([byte]) for byte in range(256)] + [b'":[' + items + b"{}]!", b'":[' + items, b""]
    item = {"anyOf": [{"type": "object", "properties": {name: NUMBER}} for name in "xyz"]}
    array = {"type": "array", "items": item}
    schema = {"type": "object", "properties": {"a": array, "b": array}, "additionalProperties": not closed}
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, Vocabulary(tokens, eos_token_ids=[len(tokens) - 1]))
    for text in (b'{"a', b'{"b'):
        matcher = compiled.matcher()
        assert matcher.read_bytes(text)
        allowed = allowed_tokens(matcher)
        assert 257 in allowed
        assert 256 not in allowed
