"""Rows that several states write: the same tokens, however often and in whatever grammar they are written."""

from __future__ import annotations

import random

import pytest
from tokentrellis import Vocabulary, compile_grammar, from_json_schema, from_regex

from tests.masks import allowed_tokens
from tests.oracles.brute_force_mask import allowed_tokens as tried_tokens

# Enough tokens that leave a string for its rows to be long: shared, and a bitmap from the second time on.
ENDINGS = [
    quote + more
    for quote in (b'"', b'x"', b'\\n"', b' "')
    for more in (b"}", b",", b"]", b", ", b" }", b'","')
]
WORDS = [bytes([a, b]) for a in b"abcdefgh" for b in b"abcdefghij"]
MIXED = [word + ending for word in WORDS[:30] for ending in ENDINGS[:8]]
TOKENS = [bytes([byte]) for byte in range(256)] + ENDINGS + WORDS + MIXED + [b""]
EOS = len(TOKENS) - 1


def vocabulary() -> Vocabulary:
    return Vocabulary(TOKENS, eos_token_ids=[EOS])


SCHEMAS = [
    {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"b": {"type": "string"}},
        "required": ["b"],
        "additionalProperties": False,
    },
    {"type": "array", "items": {"type": "string"}},
    {"type": "array", "items": {"type": "string", "maxLength": 2}},
]
BEGINNINGS = [b'{"a":"q', b'{"b":"q', b'["q', b'["q']


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_row_is_the_same_each_time(rounds: int) -> None:
    words = vocabulary()
    grammars = [from_json_schema(schema, whitespace="compact") for schema in SCHEMAS]
    expected = [
        sorted(tried_tokens(grammar, beginning, TOKENS))
        for grammar, beginning in zip(grammars, BEGINNINGS, strict=True)
    ]
    assert len({tuple(row) for row in expected}) == 3  # that of the objects is one
    matchers = [compile_grammar(grammar, words).matcher() for grammar in grammars]
    for matcher, beginning in zip(matchers, BEGINNINGS, strict=True):
        assert matcher.read_bytes(beginning)
    order = random.Random(0)
    for _ in range(rounds):
        for place in order.sample(range(len(matchers)), len(matchers)):
            assert allowed_tokens(matchers[place]) == expected[place]
    for matcher, row in zip(matchers, expected, strict=True):
        assert [token for token in range(len(TOKENS)) if matcher.allows_token(token)] == row


def test_the_end_of_the_text_is_no_part_of_a_shared_row() -> None:
    """Two states that differ in it alone."""
    words = vocabulary()
    ending, going_on = (
        compile_grammar(from_regex(pattern), words).matcher() for pattern in ("[a-j]*", "[a-j]*!")
    )
    for _ in range(3):
        can_end, cannot = set(allowed_tokens(ending)), set(allowed_tokens(going_on))
        assert EOS in can_end
        assert EOS not in cannot
        assert can_end - {EOS} == cannot - {ord("!")}


def test_rows_outlive_the_grammar_that_made_them() -> None:
    words = vocabulary()
    rows = []
    for schema in (*SCHEMAS[:2], *SCHEMAS[:2]):
        compiled = compile_grammar(from_json_schema(schema, whitespace="compact"), words)
        matcher = compiled.matcher()
        assert matcher.read_bytes(BEGINNINGS[SCHEMAS.index(schema)])
        rows.append(allowed_tokens(matcher))
        del compiled, matcher
    assert all(row == rows[0] for row in rows)
