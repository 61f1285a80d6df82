"""Boolean combinations of many patterns: the texts of Python's `re`, and outputs that always end in time.

Each pattern is found in a text or not, so that the automaton of the combination has hundreds of states and
more: what the core does about that (equal states, parts that are decided, searches that go where least is
missing) must not show.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from tokentrellis import Vocabulary, compile_grammar, from_json_schema

from tests.masks import allowed_tokens

ALPHABET = "ab12é\n"
PATTERNS = [
    "ab1",
    "b12",
    "^a",
    "2$",
    r"\d\d",
    "^[^é]*$",
    "a.*b",
    "é",
    "[ab]{3}",
    "^.{3}$",
    "1.?1",
    r"^\w*$",
    "b\n",
]
SEVERAL_LETTERS = [b"ab", b"12", b'a"', b'"a', b"\xc3\xa9b", b"b1", b"zz", b"\\u00"]


def new_vocabulary() -> Vocabulary:
    """Not shared, since a vocabulary keeps its automata. Bytes, some longer tokens, EOS at last."""
    tokens = [*(bytes([byte]) for byte in range(256)), *SEVERAL_LETTERS, b"<eos>"]
    return Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])


def combination(rng: random.Random, depth: int) -> dict[str, Any]:
    if depth == 0:
        return {"pattern": rng.choice(PATTERNS)}
    kind = rng.choice(["allOf", "anyOf", "anyOf", "not"])
    if kind == "not":
        return {"not": combination(rng, depth - 1)}
    return {kind: [combination(rng, depth - 1) for _ in range(4)]}


def holds(schema: dict[str, Any], text: str) -> bool:
    """The slow, obvious twin, for ASCII digits and words as in ECMA-262."""
    if "pattern" in schema:
        pattern = schema["pattern"]
        pattern = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
        return re.search(pattern, text, re.ASCII) is not None
    if "not" in schema:
        return not holds(schema["not"], text)
    combine = all if "allOf" in schema else any
    return combine(holds(part, text) for part in next(iter(schema.values())))


def accepts(compiled: Any, text: str) -> bool:
    matcher = compiled.matcher()
    for byte in json.dumps(text, ensure_ascii=False).encode():
        if not matcher.allows_token(byte):
            return False
        matcher.accept_token(byte)
    return bool(matcher.is_accepting)


def walk(compiled: Any, vocabulary: Vocabulary, rng: random.Random, budget: int) -> str:
    """What is written by choosing any allowed token within a budget."""
    matcher, written = compiled.matcher(), b""
    while True:
        token = rng.choice(allowed_tokens(matcher, budget))
        budget -= 1
        if token == vocabulary.vocab_size - 1:
            return written.decode()
        matcher.accept_token(token)
        written += vocabulary.tokens[token]


@pytest.mark.parametrize("seed", range(12))
def test_the_texts_of_re(seed: int) -> None:
    rng = random.Random(seed)
    texts = ["".join(rng.choices(ALPHABET, k=rng.randint(0, 9))) for _ in range(1500)]
    expected: list[bool] = []
    while len(set(expected)) < 2:  # some combinations are met by nothing, or by everything
        schema = {"allOf": [combination(rng, 2) for _ in range(3)]}
        expected = [holds(schema, text) for text in texts]
    vocabulary = new_vocabulary()
    compiled = compile_grammar(from_json_schema({"type": "string", **schema}), vocabulary)
    for text, verdict in zip(texts, expected, strict=True):
        assert accepts(compiled, text) is verdict, (schema, text)
    for extra in range(3):
        text = json.loads(walk(compiled, vocabulary, rng, compiled.matcher().tokens_to_finish + extra))
        assert holds(schema, text), (schema, text)


def words_in_one_text(n: int, length: int) -> dict[str, Any]:
    """A text of a certain length that contains each of `n` words."""
    words = [f"{a}{b}{c}" for a in "ab" for b in "12" for c in "xyz"][:n]
    return {
        "type": "string",
        "allOf": [{"pattern": word} for word in words] + [{"pattern": f"^{'.' * length}$"}],
    }


@pytest.mark.parametrize("negated", [False, True])
def test_many_words_in_one_text(negated: bool) -> None:
    """2^9 combinations of what was found so far, at each of 40 places."""
    schema = words_in_one_text(9, 40)
    if negated:
        schema = {
            "type": "string",
            "not": {"anyOf": [{"not": part} for part in schema["allOf"]]},
            "pattern": "z$",
        }
    vocabulary = new_vocabulary()
    compiled = compile_grammar(from_json_schema(schema), vocabulary)
    rng = random.Random(1)
    for extra in (0, 1, 7):
        text = json.loads(walk(compiled, vocabulary, rng, compiled.matcher().tokens_to_finish + extra))
        assert len(text) == 40
        assert all(re.search(part["pattern"], text) for part in words_in_one_text(9, 40)["allOf"])


def test_one_of_many_words() -> None:
    """Once a word was found, all the others play no part."""
    words = [a + b for a in "abcdefgh" for b in "1234"]
    schema = {
        "type": "string",
        "anyOf": [{"pattern": f"{word}.?{word}"} for word in words],
        "minLength": 12,
        "maxLength": 80,
    }
    vocabulary = new_vocabulary()
    compiled = compile_grammar(from_json_schema(schema | {"not": {"pattern": "zz"}}), vocabulary)
    rng = random.Random(2)
    for extra in (0, 3):
        text = json.loads(walk(compiled, vocabulary, rng, compiled.matcher().tokens_to_finish + extra))
        assert 12 <= len(text) <= 80
        assert any(text.count(word) > 1 for word in words)
        assert "zz" not in text


@pytest.mark.parametrize(
    "beginning", ["{", '{"', '{"\\', '{"\\u', '{"\\u00', '{"\\ud8', '{"\\ud83d', '{"\\ud83d\\u', '{"\xe9']
)
def test_other_keys_that_must_match_a_pattern(beginning: str) -> None:
    """A key that is none of the declared ones and has to match: the shortest end from inside its escapes."""
    schema = {
        "type": "object",
        "properties": {"7777": {"type": "null"}, "é7777": {"type": "null"}},
        "patternProperties": {"7777": {"type": "integer"}, "^[^7]?$": False},
        "additionalProperties": False,
        "minProperties": 1,
    }
    vocabulary = new_vocabulary()
    compiled = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary)
    matcher, rng = compiled.matcher(), random.Random(beginning)
    matcher.try_accept_tokens(list(beginning.encode()))
    for extra in (0, 1, 5):
        written, budget, copy = beginning.encode(), matcher.tokens_to_finish + extra, matcher.copy()
        while (token := rng.choice(allowed_tokens(copy, budget))) != vocabulary.vocab_size - 1:
            copy.accept_token(token)
            written += vocabulary.tokens[token]
            budget -= 1
        document = json.loads(written)
        assert document
        assert all("7777" in key for key in document)
