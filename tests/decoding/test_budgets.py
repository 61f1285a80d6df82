"""Budgets where nothing may repeat: who obeys the masks arrives within `tokens_to_finish`, whatever has come.

`tokens_to_finish` is an upper bound that can always be met: a token is allowed if the bound after it is at
most what is left, and some token always is. Walks with the smallest budgets, by random tokens, over arrays
whose items and objects whose keys must differ and come from narrow languages.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis import (
    BudgetTooSmallError,
    Matcher,
    Vocabulary,
    allocate_bitmask,
    compile_grammar,
    from_json_schema,
)
from tokentrellis.decoding.compile import CompiledGrammar
from tokentrellis.models import load_tokenizer

from tests.masks import allowed_tokens

BYTES = [bytes([byte]) for byte in range(256)]
# Tokens that end, separate and begin items and keys, and such as cut an escape in two.
CROSSING = [
    text.encode()
    for text in [
        ",1",
        " ,",
        ", ",
        "],[",
        "[]",
        "{}",
        "},{",
        '","',
        '""',
        '"a',
        'a"',
        "aa",
        'a",',
        '":',
        '":1',
        '":1,"',
        '":true',
        "true,",
        "false,",
        "null",
        "},",
        "00",
        "0,",
        "\\u",
        "\\ud8",
        "61",
        "3d",
    ]
]
# Near repeats are frequent among texts of these.
USUAL = set(b'a01b"\\udu83[]{},:truefalsnx ')

UNIQUE: dict[str, Any] = {"type": "array", "uniqueItems": True}
REPEATING: dict[str, Any] = {"type": "array", "not": {"uniqueItems": True}}
CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}
ONE_FLAG = {**CLOSED, "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
NARROW = {"type": "string", "pattern": "^x[ab]{4}$"}
LONG = {"const": "x" * 16}
DEAR_REST = {"type": "object", "patternProperties": {"^a*$": {}}, "additionalProperties": LONG}
SCHEMAS: dict[str, dict[str, Any]] = {
    "integers": {**UNIQUE, "items": {"type": "integer"}, "minItems": 30},
    "multiples": {**UNIQUE, "items": {"type": "integer", "multipleOf": 1000}, "minItems": 15},
    "numbers or a range": {
        **UNIQUE,
        "items": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1000}, {"type": "number"}]},
        "minItems": 12,
    },
    "flags": {**UNIQUE, "items": ONE_FLAG, "minItems": 2},
    "open objects": {**UNIQUE, "items": {**ONE_FLAG, "additionalProperties": True}, "minItems": 5},
    "objects of nulls": {
        **UNIQUE,
        "items": {"type": "object", "additionalProperties": {"type": "null"}},
        "minItems": 6,
    },
    "arrays of a value": {**UNIQUE, "items": {"type": "array", "items": {"enum": [0]}}, "minItems": 6},
    "unique arrays in one": {
        **UNIQUE,
        "items": {**UNIQUE, "items": {"type": "string", "pattern": "^a*$"}, "minItems": 1},
        "minItems": 4,
    },
    "any items": {**UNIQUE, "minItems": 5},
    "a narrow pattern": {**UNIQUE, "items": NARROW, "minItems": 12},
    "one letter": {**UNIQUE, "items": {"type": "string", "pattern": "^a*$"}, "minItems": 6},
    "few, then many": {
        **UNIQUE,
        "prefixItems": [{"type": "boolean"}] * 2,
        "items": {"type": ["string", "boolean"]},
        "minItems": 4,
    },
    "contains": {
        **UNIQUE,
        "contains": {"type": "integer", "minimum": 5},
        "items": {"type": ["integer", "null"]},
    },
    "itself": {**UNIQUE, "items": {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}, "minItems": 2},
    "narrow keys": {**CLOSED, "patternProperties": {"^x[ab]{4}$": {"type": "boolean"}}, "minProperties": 12},
    "keys of one letter": {
        **CLOSED,
        "patternProperties": {"^a*$": {}},
        "properties": {"a": {"type": "integer"}, "xaaaa": {"type": "null"}},
        "minProperties": 6,
    },
    "keys in two halves": {
        **CLOSED,
        "patternProperties": {"^[😀-😿]$": {"type": "null"}},
        "minProperties": 5,
    },
    "cheap keys beside dear ones": {**DEAR_REST, "minProperties": 4},
    "cheap keys that run out": {
        "type": "object",
        "patternProperties": {"^[abx][abx0-8]$": {"const": 1}},  # 36
        "additionalProperties": LONG,
        "minProperties": 38,
    },
    "dear keys beside cheap ones": {
        "type": "object",
        "patternProperties": {"^,*$": LONG, "^b": {"const": "aaa"}},
        "minProperties": 4,
    },
    "a key that is still to come": {
        **DEAR_REST,
        "minProperties": 4,
        "not": {"patternProperties": {"^a*$": {"type": "integer"}}},
    },
    "keys in keys": {
        **DEAR_REST,
        "patternProperties": {"^a*$": {"type": "array", "minItems": 2}},
        "additionalProperties": {**DEAR_REST, "minProperties": 3},
        "minProperties": 3,
    },
    "a repetition": REPEATING,
    "a repetition of long items": {**REPEATING, "items": {"type": "string", "minLength": 9}, "minItems": 4},
    "a repetition among three": {**REPEATING, "items": {"type": ["integer", "boolean"]}, "maxItems": 3},
    "repetitions in a repetition": {**REPEATING, "items": {**REPEATING, "items": NARROW}, "maxItems": 4},
    "objects of narrow keys": {
        **UNIQUE,
        "items": {**CLOSED, "patternProperties": {"^[ab]{1,2}$": {"type": "null"}}, "minProperties": 3},
        "minItems": 3,
    },
}


def vocabulary_of(tokens: list[bytes]) -> Vocabulary:
    return Vocabulary([*BYTES, *tokens, b""], eos_token_ids=[256 + len(tokens)])


def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def walk(compiled: CompiledGrammar, spare: int, rng: random.Random) -> bytes:
    """A document by random tokens of the masks within a budget: `spare` tokens more than the smallest."""
    vocabulary = compiled.vocabulary
    matcher = compiled.matcher()
    left = matcher.tokens_to_finish + spare
    text = b""
    usual_only = rng.random() < 0.6
    while True:
        assert matcher.tokens_to_finish <= left, text
        try:
            allowed = allowed_tokens(matcher, left)
        except BudgetTooSmallError as error:
            raise AssertionError(text) from error
        usual = [token for token in allowed if usual_only and set(vocabulary.token_bytes(token)) <= USUAL]
        token = rng.choice(usual or allowed)
        matcher.accept_token(token)
        left -= 1
        if matcher.is_terminated:
            return text
        text += vocabulary.token_bytes(token)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_smallest_budget_is_kept(name: str) -> None:
    schema = SCHEMAS[name]
    validator = jsonschema_rs.Draft202012Validator(schema)
    rng = random.Random(name)
    for tokens in ([], rng.sample(CROSSING, 12)):
        grammar = from_json_schema(schema, whitespace=rng.choice(["any", "compact"]), property_order="any")
        compiled = compile_grammar(grammar, vocabulary_of(tokens))
        for spare in (0, 0, 1, rng.randint(2, 12)):
            text = walk(compiled, spare, rng)
            try:
                assert validator.is_valid(json.loads(text, object_pairs_hook=to_object)), text
            except UnicodeDecodeError:  # noncharacters of three bytes written one by one
                continue


def shortest(schema: dict[str, Any]) -> int:
    return (
        compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary_of([]))
        .matcher()
        .tokens_to_finish
    )


def test_the_cost_allows_for_what_may_have_come() -> None:
    """A budget is as small as it can be where the shortest items do not suffice whatever came before."""
    digits = {**UNIQUE, "items": {"type": "integer"}}
    assert shortest({**digits, "minItems": 10}) == len("[0,1,2,3,4,5,6,7,8,9]") + 1
    assert shortest({**digits, "minItems": 11}) == len("[0,1,2,3,4,5,6,7,8,9,10]") + 1
    letters = {**UNIQUE, "items": {"type": "string", "pattern": "^a*$"}}
    assert shortest({**letters, "minItems": 3}) == len('["","a","aa"]') + 1
    assert shortest({**UNIQUE, "items": ONE_FLAG, "minItems": 2}) == len('[{"a":true},{"a":false}]') + 1
    keys = {**CLOSED, "patternProperties": {"^a*$": {"type": "integer"}}}
    assert shortest({**keys, "minProperties": 3}) == len('{"":0,"a":0,"aa":0}') + 1
    assert shortest({**DEAR_REST, "minProperties": 3}) == len('{"":0,"a":0,"aa":0}') + 1


def test_a_dear_key_counts_with_its_value() -> None:
    """Of two keys that differ one may have a dear value; it counts only where there are no others."""
    for tokens in ([], [b'""'], [b'":0'], [b'":0,"']):  # some reach past the end of a key
        schema = {"type": "object", "patternProperties": {"^a?$": LONG}, "minProperties": 2}
        compiled = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary_of(tokens))
        assert compiled.matcher().tokens_to_finish <= len('{"b":0,"c":0}') + 1, tokens
    few = {"type": "object", "patternProperties": {"^[a-f]{2}$": {"const": 1}}, "additionalProperties": LONG}
    cheap, dear = len('"aa":1,'), len('"":"xxxxxxxxxxxxxxxx",')
    assert shortest({**few, "minProperties": 3}) == 3 * cheap + 2
    steps = [shortest({**few, "minProperties": n}) for n in (35, 36, 37, 38)]
    assert [after - before for before, after in itertools.pairwise(steps)] == [cheap, dear, dear + 1]


def test_a_value_that_has_come_counts_in_the_middle_of_an_item() -> None:
    schema = {**UNIQUE, "items": {"type": "string", "pattern": "^a*$"}}
    matcher = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary_of([])).matcher()
    assert matcher.read_bytes(b'["aa","aaa","')
    assert matcher.tokens_to_finish == len('"]') + 1  # "" is new
    assert matcher.read_bytes(b"aa")
    assert matcher.tokens_to_finish == len('aa"]') + 1


def mask_within(schema: dict[str, Any], text: bytes, tokens: list[bytes], **options: Any) -> set[bytes]:
    """The tokens allowed after a text within the smallest budget."""
    vocabulary = vocabulary_of(tokens)
    matcher = compile_grammar(
        from_json_schema(schema, **{"whitespace": "compact", **options}), vocabulary
    ).matcher()
    assert matcher.read_bytes(text)
    return {vocabulary.token_bytes(token) for token in allowed_tokens(matcher, matcher.tokens_to_finish)}


def test_what_a_key_costs_depends_on_the_names_that_it_may_still_become() -> None:
    letters = {"propertyNames": {"pattern": "^[ab]*$"}, "minProperties": 2}
    schema = {"type": "object", "required": [""], **letters}
    assert b"," in mask_within(schema, b'{"":null', [b'"a"'])
    schema = {"type": "object", "required": ["", "a"], **letters, "minProperties": 3}
    for tokens in ([b'"b"'], [b'aa"'], [b'"aa"', b'ab"'], [b',"b"']):
        for text in (b'{"":null,"a":null', b'{"":null,"a":null,', b'{"":null,"a":null,"'):
            assert mask_within(schema, text, tokens), (text, tokens)


@pytest.mark.parametrize("whitespace", ["natural", "compact", {"indent": 0}, {"indent": 2}])
@pytest.mark.parametrize("tokens", [[], [b'""'], [b',"a"', b'"a"'], [b',""', b' "', b",\n"], [b'":null,"']])
def test_keys_that_must_differ_are_counted_from_their_quote_on(whitespace: Any, tokens: list[bytes]) -> None:
    """Tokens that read a key and what is before it: not every text can follow these."""
    rng = random.Random(repr((whitespace, tokens)))
    for schema in (
        {"type": "object", "minProperties": 3},
        {"type": "object", "minProperties": 3, "propertyNames": {"pattern": "^[ab]*$"}},
        {"type": "object", "required": ["", "a"], "minProperties": 4, "propertyNames": {"pattern": "^a*$"}},
        {**UNIQUE, "items": {"type": "object", "minProperties": 1}, "minItems": 3},
        {**UNIQUE, "items": {"type": "string"}, "minItems": 3},
    ):
        grammar = from_json_schema(schema, whitespace=whitespace)
        compiled = compile_grammar(grammar, vocabulary_of(tokens))
        for spare in (0, 1, 3):
            walk(compiled, spare, rng)


def test_no_promise_where_too_few_texts_are_known() -> None:
    """No budget is accepted, rather than one that may not suffice: here 30,000 texts have to differ."""
    keys = {"type": "object", "patternProperties": {"^x[a-z]{9}$": {"type": "null"}}, "minProperties": 30000}
    schema = {**keys, "additionalProperties": False}
    vocabulary = vocabulary_of([])
    compiled = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary)
    matcher = compiled.matcher()
    assert compiled.can_end
    if compiled.tokens_to_finish is None:
        with pytest.raises(BudgetTooSmallError, match="no budget is known"):
            matcher.fill_bitmask(allocate_bitmask(1, vocabulary.vocab_size), budget=1000)
    matcher.fill_bitmask(allocate_bitmask(1, vocabulary.vocab_size))


@pytest.mark.parametrize("kind", ["items", "keys"])
def test_a_budget_that_was_accepted_is_kept_among_many_texts_that_begin_alike(kind: str) -> None:
    """By the smallest bytes: whole subtrees of the pattern's texts are used up on the way."""
    narrow = {"pattern": "^[a-q]{2}x{20}$"}
    schema: dict[str, Any] = {
        "items": {**UNIQUE, "items": {"type": "string", **narrow}, "minItems": 40},
        "keys": {
            "type": "object",
            "propertyNames": narrow,
            "additionalProperties": {"const": 1},
            "minProperties": 40,
        },
    }[kind]
    matcher = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary_of([])).matcher()
    left = matcher.tokens_to_finish + 300
    text = b""
    while True:
        possible = allowed_tokens(matcher, left)
        token = next((token for token in possible if token != ord("\\")), possible[0])
        matcher.accept_token(token)
        left -= 1
        if matcher.is_terminated:
            break
        text += bytes([token])
    assert left >= 0
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(json.loads(text))


def test_costs_stay_where_one_text_is_left() -> None:
    schema = {**UNIQUE, "items": {"type": "string", "pattern": "^[a-j]{3}x{20}$"}, "minItems": 1000}
    texts = ["".join(text) + "x" * 20 for text in itertools.product("abcdefghij", repeat=3)]
    matcher = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary_of([])).matcher()
    assert matcher.read_bytes(("[" + ",".join(f'"{text}"' for text in texts[:-1])).encode())
    for left, byte in zip(range(28, 0, -1), f',"{texts[-1]}"]'.encode(), strict=False):
        assert matcher.tokens_to_finish == left
        assert byte in allowed_tokens(matcher, left)
        matcher.accept_token(byte)
    assert matcher.is_accepting


def test_keys_for_which_a_large_vocabulary_has_one_token() -> None:
    """The search for texts that differ hurries here, and what it promises is kept."""
    words = ["".join(word).encode() for word in itertools.product("abcdefghijklmno", repeat=3)]
    schema = {"type": "object", "required": ["b"], "patternProperties": {"^a": {"type": "array"}}}
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, vocabulary_of([*words, *(word + b'"' for word in words[:40])]))
    assert compiled.tokens_to_finish == len('{"b":0}') + 1
    rng = random.Random(0)
    for spare in (0, 1, 4, 9):
        walk(compiled, spare, rng)


@pytest.mark.parametrize("pattern", ["_at$", r"\.json$", "ab", "^a..$", "^[a-z]+_at$"])
@pytest.mark.parametrize("n", [2, 20])
def test_a_budget_is_known_where_texts_differ_in_the_middle(pattern: str, n: int) -> None:
    """With a vocabulary of thousands of tokens, where half a token has cost nothing yet."""
    vocabulary = Vocabulary.from_tokenizer(load_tokenizer())
    for schema in (
        {"type": "object", "propertyNames": {"pattern": pattern}, "minProperties": n},
        {**UNIQUE, "items": {"type": "string", "pattern": pattern}, "minItems": n},
    ):
        compiled = compile_grammar(from_json_schema(schema), vocabulary)
        assert compiled.matcher().tokens_to_finish < 20 * n


def test_a_budget_is_known_where_keys_are_required_by_their_pattern() -> None:
    needed = [{"not": {"patternProperties": {part: {"not": {"type": "string"}}}}} for part in ("ab", "cd")]
    schema = {
        "type": "object",
        "allOf": [*needed, {"propertyNames": {"pattern": "^...$"}}],
        "maxProperties": 9,
    }
    compiled = compile_grammar(from_json_schema(schema), Vocabulary.from_tokenizer(load_tokenizer()))
    assert compiled.matcher().tokens_to_finish < 40


# Literals that begin with the same half of an escape: the first, or the one that must come, is the cheaper.
HALF_ESCAPES: dict[str, dict[str, Any]] = {
    "values": {"enum": ["\n", "\\" + "a" * 9]},
    "a required name": {"type": "object", "properties": {"\\": {}, '"': LONG}, "required": ["\n"]},
    "a required name among others": {**CLOSED, "properties": {'"': LONG, "\\": {}}, "required": ["\\"]},
    "digits": {"enum": ["\x1f", "\x0f" + "a" * 9, "\b" * 9]},
    "pairs": {"enum": ["\U0001f600", "\U0001f601" + "a" * 9, "\ufffd" * 9]},
}


def following(matcher: Matcher) -> list[Matcher]:
    """After each token that is allowed."""
    found = []
    for token in allowed_tokens(matcher):
        after = matcher.copy()
        after.accept_token(token)
        if not after.is_terminated:
            found.append(after)
    return found


@pytest.mark.parametrize("name", HALF_ESCAPES)
@pytest.mark.parametrize("tokens", [[], [b"\\u00"], [b"\\ud83d", b"\\ud83d\\ude"], [b'1f"', b"\\u", b'5c"']])
def test_half_an_escape_leads_to_the_literal_that_was_counted(name: str, tokens: list[bytes]) -> None:
    """Whatever the next token is, also one that ends in an escape: some token keeps the smallest budget."""
    compiled = compile_grammar(
        from_json_schema(HALF_ESCAPES[name], whitespace="compact", property_order="any"),
        vocabulary_of(tokens),
    )
    matchers = [compiled.matcher()]
    for _ in range(9):
        for matcher in matchers:
            assert allowed_tokens(matcher, matcher.tokens_to_finish)
        matchers = [after for matcher in matchers for after in following(matcher)][:200]
