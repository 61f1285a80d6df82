"""What a vocabulary remembers of keys: texts ahead of a key, and other keys with the kind of their value.

The vocabulary has so many tokens within a key that they are one bitmap, and tokens that end a key and read
its value and more.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tokentrellis import Vocabulary, compile_grammar, from_json_schema

from tests.masks import allowed_tokens
from tests.oracles.brute_force_mask import allowed_tokens as tried_tokens

VALUES = [b'""', b'"x"', b"1", b"[]", b'{"a":1}', b"", b'"', b"["]
AFTER = [b"", b",", b',"a', b"}", b"]"]
BEFORE = [b'"', b'a"', b'bc"', b'x"', b'\\"']
WORDS = [first + second for first in "abcdefghijklmnopqr" for second in "abcdefghijklmn\u00e9"]
TOKENS = [bytes([byte]) for byte in range(256)] + [word.encode() for word in WORDS]
TOKENS += sorted({before + b":" + value + after for before in BEFORE for value in VALUES for after in AFTER})
TOKENS += [b',"a', b',"ab":', b'{"', b'{"a', b'{"abc":1', b'a\\u0062c":', b"\\u00e9", b"bcdefgh", b""]


def new_vocabulary() -> Vocabulary:
    return Vocabulary(TOKENS, eos_token_ids=[len(TOKENS) - 1])


VOCABULARY = new_vocabulary()
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
NAMES: dict[str, dict[str, Any]] = {
    "one ahead": {"a": NUMBER, "bcd": TEXT, "xyz": {}},
    "prefixes": {"a": NUMBER, "ab": TEXT, "abc": {}, "abcdefgh": TEXT},
    "several ahead": {"aa" + last: TEXT for last in "abcdef"},
    "many ahead": {"aa" + last: NUMBER for last in "abcdefgh"},
    "escapes": {'a"b': TEXT, "a\\": NUMBER, "a\n": TEXT, "a\u00e9": TEXT, "a\U0001f600": TEXT},
    "none": {},
    "empty": {"": TEXT, "a": TEXT},
}
OTHERS: dict[str, dict[str, Any]] = {
    "any": {},
    "texts": {"additionalProperties": TEXT},
    "forbidden": {"additionalProperties": False},
    "objects": {"additionalProperties": {"type": "object", "properties": {"a": NUMBER}}},
    "by pattern": {"patternProperties": {"^b": TEXT}},
    "needed": {"required": ["zz"]},
    "few": {"maxProperties": 2},
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("names", NAMES)
def test_tokens_within_and_after_a_key(names: str, others: str) -> None:
    schema = {"type": "object", "properties": NAMES[names], **OTHERS[others]}
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, VOCABULARY)
    n_compared = 0
    for name in [*NAMES[names], "b", "zz"]:
        key = json.dumps(name).encode()[:-1]
        for before in (b"{", b'{"a":1,', b'{"ab":"",'):
            for end in range(2, len(key) + 1):
                matcher = compiled.matcher()
                if not matcher.read_bytes(before + key[:end]):
                    continue  # what this schema forbids
                text = before + key[:end]
                assert allowed_tokens(matcher) == sorted(tried_tokens(grammar, text, TOKENS)), text
                n_compared += 1
    assert n_compared > 2 or others == "forbidden"


def test_one_key_before_several_ends() -> None:
    """What follows the value of another key is not part of what is remembered of it."""
    inner: dict[str, Any] = {"type": "object", "properties": {"a": NUMBER}}
    schema = {"type": "object", "properties": {"a": inner, "b": {"type": "array", "items": inner}}}
    grammar = from_json_schema({**schema, "required": ["b"]}, whitespace="compact", property_order="any")
    compiled = compile_grammar(grammar, VOCABULARY)
    for text in (b'{"x', b'{"a":{"x', b'{"b":[{"x', b'{"b":[{"a', b'{"b":[],"a', b'{"a', b'{"a":{"a'):
        matcher = compiled.matcher()
        assert matcher.read_bytes(text)
        assert allowed_tokens(matcher) == sorted(tried_tokens(grammar, text, TOKENS)), text


def test_texts_that_are_too_many_to_remember() -> None:
    """Five megabytes of names: what was kept is given up in between, the masks stay the same."""
    vocabulary, tail = new_vocabulary(), "bcdefgh" * 1400

    def masks(vocabulary: Vocabulary, tail: str) -> list[list[int]]:
        found = []
        for grammar_number in range(52):
            names = [f"{letter}{grammar_number:02}a{tail}" for letter in "abcdefghij"]
            members = dict.fromkeys(names, TEXT)
            schema = {"type": "object", "properties": members, "additionalProperties": False}
            compiled = compile_grammar(from_json_schema(schema, whitespace="compact"), vocabulary)
            for name in names:
                matcher = compiled.matcher()
                assert matcher.read_bytes(f'{{"{name[:4]}'.encode())
                found.append(allowed_tokens(matcher))
        return found

    long, short = masks(vocabulary, tail), masks(new_vocabulary(), tail[:140])
    assert long == short
    assert len({tuple(mask) for mask in long}) == 1  # b, bc, the whole token of seven letters


def test_kinds_of_values_that_are_too_many_to_remember() -> None:
    vocabulary = new_vocabulary()
    for least in range(140):
        schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": least}}
        grammar = from_json_schema(schema, whitespace="compact")
        matcher = compile_grammar(grammar, vocabulary).matcher()
        text = b'{"y'
        assert matcher.read_bytes(text)
        if least % 20 == 19 or least > 125:
            assert allowed_tokens(matcher) == sorted(tried_tokens(grammar, text, TOKENS)), least
