"""No key twice, no item twice: masks, single checks and acceptance agree; walks never get stuck and end in
documents that `jsonschema-rs` accepts and that repeat no key.
"""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis import Vocabulary, compile_grammar, from_json_schema
from tokentrellis.decoding.matcher import Matcher
from tokentrellis.grammars.grammar import Expansion, PlainArray, PlainObject
from tokentrellis.grammars.json_schema.grammar import JsonSchemaGrammar
from tokentrellis.grammars.repetitions import find_repeats

from tests.masks import allowed_tokens

# Tokens that complete, separate and begin items and keys, several at once.
CROSSING = (
    '","|1,1|,1|"a"|"a","a"|": |":|{"a":|"},{"|true,|[[|],[|"b":|","a":|12|""|,""|" ,"|",|,"|}, {|1,|"a":1|'
    'null,null|q"'
)
TOKENS = [bytes([byte]) for byte in range(256)] + [token.encode() for token in CROSSING.split("|")] + [b""]
VOCABULARY = Vocabulary(TOKENS, eos_token_ids=[len(TOKENS) - 1])
NO_BUDGET = 1 << 40
CLOSING = tuple(bytes([byte]) for byte in b'"]},0ab:')
USUAL = set(b'ab12"{}[]:,tfnqxy ')

UNIQUE: dict[str, Any] = {"type": "array", "uniqueItems": True}
REPEATING: dict[str, Any] = {"type": "array", "not": {"uniqueItems": True}}
OBJECTS = {
    "type": "object",
    "properties": {"a": {"enum": [1, 2]}, "b": {"type": "string"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "any items": UNIQUE,
    "any object": {"type": "object"},
    "strings or null": {**UNIQUE, "items": {"type": ["string", "null"]}},
    "objects": {**UNIQUE, "items": OBJECTS},
    "a word or a pattern": {
        **UNIQUE,
        "items": {"anyOf": [{"const": "xy"}, {"type": "string", "pattern": "^q"}]},
    },
    "integers": {**UNIQUE, "items": {"type": "integer"}, "minItems": 3},
    "patterns": {
        "type": "object",
        "patternProperties": {"^[ab]": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "two possible keys": {"type": "object", "propertyNames": {"pattern": "^[ab]$"}},
    "unique or integers": {
        "anyOf": [{**UNIQUE, "maxItems": 3}, {"type": "array", "items": {"type": "integer"}}]
    },
    "few arrays": {**UNIQUE, "items": {"type": "array", "items": {"type": "boolean"}, "maxItems": 1}},
    "contains": {**UNIQUE, "contains": {"const": 1}, "maxContains": 1},
    "a repetition": REPEATING,
    "a repetition among four": {**REPEATING, "items": {"type": ["string", "boolean"]}, "maxItems": 4},
    "two that are equal": {**REPEATING, "maxItems": 2},
    "two strings that are equal": {**REPEATING, "maxItems": 2, "items": {"type": "string"}},
    "three objects, two of them equal": {**REPEATING, "maxItems": 3, "items": OBJECTS},
    "two places in common": {
        **REPEATING,
        "prefixItems": [{"type": ["string", "integer"]}, {"type": "null"}, {"type": ["integer", "array"]}],
        "items": False,
    },
    "a repetition and contains": {
        **REPEATING,
        "contains": {"type": "string"},
        "minContains": 2,
        "maxContains": 2,
        "maxItems": 4,
    },
    "all different, or three": {"oneOf": [{**UNIQUE, "maxItems": 2}, {"type": "array", "minItems": 2}]},
    "repetitions within a repetition": {**REPEATING, "items": {**REPEATING, "items": {"type": "integer"}}},
    "different arrays that repeat": {**UNIQUE, "items": REPEATING, "minItems": 2, "maxItems": 3},
}


def matcher_of(schema: dict[str, Any], **options: Any) -> Matcher:
    options = {"whitespace": "any", "property_order": "any", **options}
    return compile_grammar(from_json_schema(schema, **options), VOCABULARY).matcher()


def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@pytest.mark.parametrize(
    ("schema", "text", "valid"),
    [
        (UNIQUE, '["a","a"]', False),
        (UNIQUE, '["a", "b"]', True),
        (UNIQUE, '["a","\\u0061"]', False),
        (UNIQUE, '["\\ud83d\\ude00","😀"]', False),
        (UNIQUE, "[1,1]", False),
        (UNIQUE, "[1,12, 121]", True),
        (UNIQUE, "[1, 2 ,1 ]", False),
        (UNIQUE, "[-0,0]", False),
        (UNIQUE, "[0.5,0.50]", False),
        (UNIQUE, '[1,true,"1",[1],{"a":1}]', True),
        (UNIQUE, "[true,false,true]", False),
        (UNIQUE, "[null,null]", False),
        (UNIQUE, '[{"a":1,"b":[2]},{"b":[2],"a":1}]', False),
        (UNIQUE, '[{"a":1},{"a":2}]', True),
        (UNIQUE, "[[1],[2],[1,2]]", True),
        (UNIQUE, "[[1],[2],[1]]", False),
        (UNIQUE, "[[1,1],1]", True),
        ({"items": UNIQUE}, "[[1,2],[1,2]]", True),
        ({"type": "object"}, '{"a":1,"a":2}', False),
        ({"type": "object"}, '{"a":1,"\\u0061":2}', False),
        ({"type": "object"}, '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', True),
        ({"properties": {"a": {}}, "type": "object"}, '{"a":1,"b":1,"b":1}', False),
    ],
)
def test_documents(schema: dict[str, Any], text: str, valid: bool) -> None:
    matcher = matcher_of(schema)
    assert (matcher.read_bytes(text.encode()) and matcher.is_accepting) is valid
    assert from_json_schema(schema, whitespace="any", property_order="any").accepts(text) is valid


def test_numbers_are_compared_by_value() -> None:
    for text, valid in (("[1,1.0]", False), ("[100,1e2]", False), ("[10,1e2]", True), ("[1E-1,0.1]", False)):
        matcher = matcher_of(UNIQUE, numbers="standard")
        assert (matcher.read_bytes(text.encode()) and matcher.is_accepting) is valid


@pytest.mark.parametrize("text", ["[0,0e", "[0,-0E", "[0,0.0e", '["a",0.0,0e', "[0e5,0e"])
def test_a_zero_with_an_exponent_stays_zero(text: str) -> None:
    matcher = matcher_of({"type": "array", "uniqueItems": True}, numbers="standard", whitespace="compact")
    assert not matcher.read_bytes(text.encode())
    assert matcher.read_bytes(text.encode()[:-1])
    assert VOCABULARY.token_bytes(allowed_tokens(matcher)[0])


def test_what_a_text_repeats() -> None:
    assert find_repeats(b'{"a":1,"a"').key
    assert not find_repeats(b'{"a":1,"a').key
    assert find_repeats(b"[1,1").item
    assert not find_repeats(b"[1,1,").item
    assert find_repeats(b'[{"a":1},{"a":1.0}').item
    assert not find_repeats(b'[{"a":[1]},{"a":1').item
    assert find_repeats(b'{"a":[1,1]') == (False, False)


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("seed", range(3))
def test_walks(name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    schema = SCHEMAS[name]
    whitespace, order = rng.choice(["compact", "any", {"indent": 1}]), rng.choice(["any", "schema"])
    matcher = matcher_of(schema, whitespace=whitespace, property_order=order)
    tokens: list[int] = []
    for _ in range(50):
        possible = allowed_tokens(matcher)
        if rng.random() < 0.25:
            check_agreement(matcher, set(possible), tokens)
        usual = [token for token in possible if len(TOKENS[token]) > 1 or set(TOKENS[token]) <= USUAL]
        token = rng.choice(usual if usual and rng.random() < 0.95 else possible)
        matcher.accept_token(token)
        if matcher.is_terminated:
            break
        tokens.append(token)
    text = b"".join(TOKENS[token] for token in tokens) + ending(matcher)
    try:
        value = json.loads(text, object_pairs_hook=to_object)
    except UnicodeDecodeError:  # noncharacters of three bytes written one by one
        return
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(value), text


def check_agreement(matcher: Matcher, possible: set[int], tokens: list[int]) -> None:
    """Masks, single checks, acceptance, rollback and copies say the same."""
    for token in range(VOCABULARY.vocab_size):
        assert matcher.allows_token(token) == (token in possible), TOKENS[token]
    copy = matcher.copy()
    for token in random.Random(len(tokens)).sample(sorted(possible), min(12, len(possible))):
        copy.accept_token(token)
        copy.rollback(1)
    back = min(3, len(tokens))
    copy.rollback(back)
    for token in tokens[len(tokens) - back :]:
        copy.accept_token(token)
    assert set(allowed_tokens(copy)) == possible


def ending(matcher: Matcher) -> bytes:
    """Bytes that complete the document: within the smallest budget, or while there is none, at random."""
    at, text, rng = matcher.copy(), b"", random.Random(matcher.n_accepted)
    while not at.is_accepting:
        budget = at.tokens_to_finish
        possible = allowed_tokens(at, budget if budget < NO_BUDGET else None)
        assert possible, "a dead end"
        closing = [token for token in possible if TOKENS[token][:1] in CLOSING]
        token = rng.choice(closing or possible)
        at.accept_token(token)
        text += TOKENS[token]
        assert len(text) < 2000
    return text


STANDARD = {"numbers": "standard"}


@pytest.mark.parametrize(
    ("schema", "text", "options"),
    [
        # White space leads nowhere, however much of it a layout allows.
        (
            {**UNIQUE, "items": {"type": "array", "items": {"type": "string"}, "maxItems": 1}},
            '[["a"],["a"',
            {},
        ),
        ({**UNIQUE, "items": {"type": "object", "maxProperties": 0}, "maxItems": 3}, "[{},", {}),
        # Nor do the other spellings of a number.
        ({**UNIQUE, "items": {"type": "number", "minimum": 0, "maximum": 1}}, "[1,1e0", STANDARD),
        ({**UNIQUE, "items": {"type": "number", "minimum": 0, "maximum": 1}}, "[0,-", STANDARD),
        ({**UNIQUE, "items": {"type": "number", "minimum": 1, "maximum": 1}}, "[1,", STANDARD),
        ({**UNIQUE, "items": {"type": "integer", "minimum": 0, "maximum": 1}}, "[1.0,0,", STANDARD),
    ],
)
@pytest.mark.parametrize("whitespace", ["natural", "any"])
def test_what_can_only_repeat_is_refused(
    schema: dict[str, Any], text: str, options: dict[str, Any], whitespace: str
) -> None:
    matcher = matcher_of(schema, whitespace=whitespace, **options)
    *before, last = text.encode()
    for byte in before:
        matcher.accept_token(byte)
    assert last not in allowed_tokens(matcher)
    assert not matcher.allows_token(last)
    assert not matcher.read_bytes(bytes([last]))
    assert allowed_tokens(matcher)


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        ({**UNIQUE, "items": {"type": "array", "maxItems": 1}}, "[\n[],\n[", b"\n"),
        ({**UNIQUE, "items": {"type": "array", "maxItems": 1}}, "[\n[\n0\n],\n[\n", b"0"),
        ({**UNIQUE, "items": {"type": "number", "minimum": 0, "maximum": 1}, "maxItems": 2}, "[\n1,\n", b"-"),
    ],
)
def test_white_space_that_is_asked_for_leads_on(schema: dict[str, Any], text: str, expected: bytes) -> None:
    matcher = matcher_of(schema, whitespace={"indent": 0}, numbers="standard")
    assert matcher.read_bytes(text.encode())
    assert expected[0] in allowed_tokens(matcher)
    assert ending(matcher)


def test_many_texts_that_branch() -> None:
    """Each item before makes a place where there is a choice; the way to something new passes them all."""
    matcher = matcher_of({**UNIQUE, "items": {"type": "string", "pattern": "^a*b$"}}, whitespace="compact")
    texts = [f'"{"a" * n}b"' for n in range(100)]
    assert matcher.read_bytes(f"[{','.join(texts)},".encode())
    assert matcher.read_bytes(b'"' + b"a" * 99)
    assert not matcher.read_bytes(b"b")
    assert matcher.read_bytes(b"ab")


def test_half_an_escape_of_any_character_leads_on() -> None:
    tokens = [*TOKENS[:256], b"\\u", b""]
    vocabulary = Vocabulary(tokens, eos_token_ids=[257])
    matcher = compile_grammar(from_json_schema({**UNIQUE, "items": {"type": "string"}}), vocabulary).matcher()
    assert matcher.read_bytes(b'["",":0,","')
    assert matcher.allows_token(256)
    matcher.accept_token(256)


def without(last: str, pattern_texts: list[str], keys: bool) -> str:
    """A document in which all the texts have come but one."""
    texts = [text for text in pattern_texts if text != last]
    return (
        ("{" + ",".join(f'"{text}":1' for text in texts))
        if keys
        else "[" + ",".join(f'"{text}"' for text in texts)
    )


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("last", ["aaxxxxx", "bexxxxx", "eexxxxx"])
def test_the_last_new_text_is_found(keys: bool, last: str) -> None:
    pattern = "^[a-e]{2}x{5}$"
    schema = (
        {"propertyNames": {"pattern": pattern}, "additionalProperties": {"const": 1}, "type": "object"}
        if keys
        else {**UNIQUE, "items": {"type": "string", "pattern": pattern}}
    )
    texts = [f"{a}{b}xxxxx" for a in "abcde" for b in "abcde"]
    matcher = matcher_of(schema, whitespace="compact")
    assert matcher.read_bytes(without(last, texts, keys).encode())
    assert ord(",") in allowed_tokens(matcher)
    assert matcher.read_bytes(b',"')
    for byte in last.encode():
        assert {token for token in allowed_tokens(matcher) if len(TOKENS[token]) == 1} == {byte, ord("\\")}
        matcher.accept_token(byte)
    assert matcher.read_bytes(b'":1' if keys else b'"')
    assert ord(",") not in allowed_tokens(matcher)
    assert matcher.read_bytes(b"}" if keys else b"]")


def test_what_is_written_as_an_escape_only_is_new_too() -> None:
    matcher = matcher_of(
        {**UNIQUE, "items": {"type": "string", "pattern": '^x["ab]y$'}}, whitespace="compact"
    )
    assert matcher.read_bytes(b'["xay","xby","x')
    assert allowed_tokens(matcher) == [ord("\\")]
    assert not matcher.read_bytes(b"\\u0061")
    assert matcher.copy().read_bytes(b'\\u0022y"]')
    assert matcher.read_bytes(b'\\"y"')
    assert not matcher.read_bytes(b",")
    assert matcher.read_bytes(b"]")


def test_half_an_escape_follows_the_texts_that_have_come() -> None:
    matcher = matcher_of(
        {**UNIQUE, "items": {"type": "string", "pattern": "^[a-cé😀]$"}}, whitespace="compact"
    )
    assert matcher.read_bytes('["a","b","é","\\u0063","'.encode())
    assert matcher.copy().read_bytes('😀"]'.encode())
    assert not matcher.read_bytes(b"\\u0")
    assert matcher.read_bytes(b"\\ud83d\\ude00")
    assert matcher.read_bytes(b'"')
    assert not matcher.read_bytes(b",")


def test_numbers_among_many() -> None:
    matcher = matcher_of(
        {**UNIQUE, "items": {"type": "integer", "maximum": 200, "minimum": 0}}, whitespace="compact"
    )
    numbers = [number for number in range(201) if number not in (7, 70, 200)]
    assert matcher.read_bytes(f"[{','.join(map(str, numbers))},".encode())
    assert {token for token in allowed_tokens(matcher) if len(TOKENS[token]) == 1} == {ord("2"), ord("7")}
    assert matcher.read_bytes(b"7")
    assert set(map(ord, "0,]")) <= set(allowed_tokens(matcher))
    assert matcher.read_bytes(b"0,7,200")
    assert not matcher.read_bytes(b",")
    assert matcher.read_bytes(b"]")


class InterruptedGrammar(JsonSchemaGrammar):
    """A JSON Schema whose reading is interrupted once, when so many more questions have been asked."""

    schema_parts = None  # type: ignore[assignment]
    questions_left = 0

    def unfold(self, state: int) -> Expansion | PlainObject | PlainArray:
        self.count_question()
        return super().unfold(state)

    def value(self, state: int, label: int) -> int:
        self.count_question()
        return super().value(state, label)

    def count_question(self) -> None:
        self.questions_left -= 1
        if self.questions_left == 0:
            raise KeyboardInterrupt


def test_a_mask_that_was_interrupted_leaves_the_matcher_as_it_was() -> None:
    schema = {"type": "object", "properties": {"b": {}, "ab": {"type": "string"}}}
    tokens = [bytes([byte]) for byte in range(256)] + [b'  "c', b'""', b'x":"yes","b":"', b""]
    n_interrupted = 0
    for n_questions in range(1, 12):
        grammar = from_json_schema(schema, whitespace="any", property_order="any")
        grammar.__class__ = InterruptedGrammar
        assert isinstance(grammar, InterruptedGrammar)
        compiled = compile_grammar(grammar, Vocabulary(tokens, eos_token_ids=[len(tokens) - 1]))
        matcher, other = compiled.matcher(), compiled.matcher()
        assert matcher.read_bytes(b'{"c":"",')
        assert other.read_bytes(b'{"c":"",')
        budget = matcher.tokens_to_finish + 1
        grammar.questions_left = n_questions
        try:
            allowed_tokens(matcher, budget)
        except KeyboardInterrupt:
            n_interrupted += 1
        grammar.questions_left = 0
        assert allowed_tokens(matcher) == allowed_tokens(other)
        assert allowed_tokens(matcher, budget) == allowed_tokens(other, budget)
    assert n_interrupted > 0
