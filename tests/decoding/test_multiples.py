"""Multiples of large numbers in the core against their slow twin: masks, budgets and shortest documents."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.grammars.derivatives import derivative_by, matches
from tokentrellis.grammars.emptiness import shortest_text
from tokentrellis.grammars.expressions import EMPTY
from tokentrellis.grammars.json_schema.numbers import number_language

from tests.masks import allowed_tokens

DIGITS = [f"{n}".encode() for n in range(10, 100, 7)] + [
    b"123",
    b"000",
    b"-1",
    b".5",
    b"7.",
    b"00.0",
    b"1,",
    b"5]",
]
BYTES = [bytes((byte,)) for byte in range(256)]
EVERYTHING = tt.Vocabulary([*BYTES, *DIGITS, b""], eos_token_ids=[256 + len(DIGITS)])
FEW = tt.Vocabulary(
    [*(bytes((byte,)) for byte in b"0123456789-.[]"), *DIGITS, b""], eos_token_ids=[14 + len(DIGITS)]
)

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"multipleOf": 123456789, "type": "integer"}, {"multiples": [Fraction(123456789)], "integer": True}),
    (
        {"multipleOf": 1.2345, "type": "number", "minimum": -3, "exclusiveMaximum": 1000},
        {
            "multiples": [Fraction("1.2345")],
            "lower": Fraction(-3),
            "upper": Fraction(1000),
            "upper_open": True,
        },
    ),
    (
        {"type": "integer", "multipleOf": 997, "minimum": 12345, "maximum": 678901},
        {"multiples": [Fraction(997)], "lower": Fraction(12345), "upper": Fraction(678901), "integer": True},
    ),
    (
        {"type": "integer", "multipleOf": 3, "not": {"anyOf": [{"multipleOf": 1013}, {"multipleOf": 21}]}},
        {"multiples": [Fraction(3)], "non_multiples": [Fraction(1013), Fraction(21)], "integer": True},
    ),
]


@pytest.mark.parametrize(("schema", "constraint"), CASES)
def test_masks_are_those_of_the_derivatives(schema: dict[str, Any], constraint: dict[str, Any]) -> None:
    language = number_language(**constraint)
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), EVERYTHING)
    choice = random.Random(3)
    for _ in range(6):
        matcher, state = compiled.matcher(), language
        for _ in range(6):
            tokens = allowed_tokens(matcher)
            expected = [
                token
                for token, text in enumerate([*BYTES, *DIGITS])
                if derivative_by(state, text) is not EMPTY
            ]
            end = [256 + len(DIGITS)] if state.nullable else []
            assert tokens == expected + end
            if not expected:
                break
            token = choice.choice(expected)
            matcher.accept_token(token)
            state = derivative_by(state, [*BYTES, *DIGITS][token])


@pytest.mark.parametrize("vocabulary", [EVERYTHING, FEW], ids=["all bytes", "few bytes"])
@pytest.mark.parametrize(("schema", "constraint"), CASES[1:3])
def test_arrays_end_within_their_budget(
    vocabulary: tt.Vocabulary, schema: dict[str, Any], constraint: dict[str, Any]
) -> None:
    language = number_language(**constraint)
    array = {"type": "array", "items": schema, "maxItems": 3 if vocabulary is EVERYTHING else 1}
    compiled = tt.compile_grammar(tt.from_json_schema(array, whitespace="compact"), vocabulary)
    choice = random.Random(4)
    for budget in [2, 3, 5, 8, 9, 10, 12, 14, 20, 25]:
        matcher, text, left = compiled.matcher(), b"", budget
        if matcher.tokens_to_finish > budget:
            continue
        while not matcher.is_terminated:
            token = choice.choice(allowed_tokens(matcher, left))
            text += vocabulary.tokens[token] or b""
            matcher.accept_token(token)
            left -= 1
        assert left >= 0
        assert all(matches(language, item) for item in text[1:-1].split(b",") if item)


@pytest.mark.parametrize(("schema", "constraint"), CASES)
def test_shortest_documents(schema: dict[str, Any], constraint: dict[str, Any]) -> None:
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), EVERYTHING)
    shortest = shortest_text(number_language(**constraint))
    assert shortest is not None
    assert compiled.shortest_text() == shortest


def test_states_are_those_of_the_text() -> None:
    """A mask allows a thousand remainders; only the one that is chosen is kept."""
    tokens = [*BYTES, *(f"{n:03}".encode() for n in range(1000)), b""]
    vocabulary = tt.Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])
    compiled = tt.compile_grammar(
        tt.from_json_schema({"type": "integer", "multipleOf": 987654321}), vocabulary
    )
    matcher, choice = compiled.matcher(), random.Random(5)
    matcher.accept_token(ord("7"))
    before = compiled.lexicon.n_automaton_states
    for _ in range(10):
        matcher.accept_token(choice.choice([token for token in allowed_tokens(matcher) if token > 256]))
    assert compiled.lexicon.n_automaton_states - before <= 30
