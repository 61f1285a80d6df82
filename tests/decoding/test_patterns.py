"""Bitmaps written as one of a few patterns with some words changed: the same tokens, however often."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tokentrellis import Matcher, Vocabulary, compile_grammar, from_json_schema, from_regex

LETTERS = b"abcdefghijklmnop"
# What may stand at the end of a string: enough for the rows of its states to be shared (more than 48 of
# them are allowed), and to differ in a few words.
ENDINGS = [
    bytes([letter]) + b'"' + end
    for end in (b"}", b",", b"]", b'","', b'":', b'":"', b"},{")
    for letter in LETTERS + b"0123456789"
]


def random_tokens(size: int, seed: int) -> list[bytes]:
    """Bytes and short words in any order, then the endings, and a last token that ends a text."""
    order = random.Random(seed)
    words = [bytes([byte]) for byte in range(256)]
    known = set(words)
    while len(words) < size - 1 - len(ENDINGS):
        word = bytes(order.choices(LETTERS, k=order.randint(2, 5)))
        if word not in known:
            known.add(word)
            words.append(word)
    order.shuffle(words)
    return [*words, *order.sample(ENDINGS, len(ENDINGS)), b""]


def row_of(matcher: Matcher, n_words: int) -> list[int]:
    bitmask = np.full(n_words, -1, dtype=np.int32)
    matcher.fill_bitmask(bitmask)
    return np.flatnonzero(np.unpackbits(bitmask.view(np.uint8), bitorder="little")).tolist()


# 625, 626 and 624 words of 32 bits: the first end within a word of 64 bits.
@pytest.mark.parametrize("size", [20_000, 20_001, 19_999 - 32])
def test_rows_that_are_far_from_each_other(size: int) -> None:
    """More sets of letters than there are patterns, written in turn."""
    tokens = random_tokens(size, seed=size)
    vocabulary = Vocabulary(tokens, eos_token_ids=[size - 1])
    n_words = (size + 31) // 32
    order = random.Random(size)
    sets = [bytes(order.sample(LETTERS, 12)) for _ in range(24)]
    sets += [some[:-1] for some in sets[:4]]
    matchers, expected = [], []
    for some in sets:
        grammar = from_regex(f"[{some.decode()}]+!")
        matchers.append(compile_grammar(grammar, vocabulary).matcher())
        letters = set(some)
        expected.append([token for token, text in enumerate(tokens) if set(text) <= letters and text != b""])
        assert len(expected[-1]) > size / 10
    for _ in range(4):
        for place in order.sample(range(len(sets)), len(sets)):
            assert row_of(matchers[place], n_words) == expected[place], sets[place]
    for matcher, allowed in zip(matchers, expected, strict=True):
        for token in order.sample(range(size - 1), 300):
            assert matcher.allows_token(token) == (token in allowed)


@pytest.mark.parametrize("size", [20_000, 20_001, 19_999 - 32])
def test_rows_that_are_near_to_each_other(size: int) -> None:
    """Within strings that end in different ways, each of which changes a few words of one pattern."""
    tokens = random_tokens(size, seed=size)
    vocabulary = Vocabulary(tokens, eos_token_ids=[size - 1])
    n_words = (size + 31) // 32
    schemas = [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "array", "items": {"type": "string"}, "maxItems": 1},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]
    beginnings = [b'["x', b'{"a":"x', b'["x', b'{"b":"x']
    order = random.Random(size)
    rows = {}
    for turn in range(4):
        for place in order.sample(range(len(schemas)), len(schemas)):
            compiled = compile_grammar(from_json_schema(schemas[place], whitespace="compact"), vocabulary)
            matcher = compiled.matcher()
            assert matcher.read_bytes(beginnings[place])
            for _ in range(turn):
                row = row_of(matcher, n_words)
                assert row == rows.setdefault(place, row)
            if turn == 3:
                walked = [token for token in range(size) if matcher.allows_token(token)]
                assert rows[place] == walked
    assert len({tuple(row) for row in rows.values()}) >= 3
