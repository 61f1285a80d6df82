"""Bounded repeats in the core: the texts of Python's `re`, with few states where the rounds overlap."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from tokentrellis import Vocabulary, compile_grammar
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.regex import from_regex

VOCABULARY = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
PATTERNS = [
    r"(.{1,4}\.){1,3}a",
    r"(.{1,4}\.)+a?",
    r"(.{2,5}\.){2,}",
    r"(a{0,3}b?){1,3}",
    r"(a{1,3}|(ab){0,4}\.){0,3}b",
    r"((a{0,2}\.){0,3}b){1,2}",
    r"(.{0,3}a){2,4}é{0,2}",
    r"(a?){2,5}b+",
    r"(é{1,3}[a-é]){1,}",
]


def accepts(compiled: Any, text: str) -> bool:
    matcher = compiled.matcher()
    for byte in text.encode():
        if not matcher.allows_token(byte):
            return False
        matcher.accept_token(byte)
    return bool(matcher.is_accepting)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_texts_of_re(pattern: str) -> None:
    rng = random.Random(pattern)
    compiled = compile_grammar(from_regex(pattern), VOCABULARY)
    wanted = re.compile(pattern)
    verdicts = []
    for _ in range(1500):
        text = "".join(rng.choices("a.bé", weights=(4, 3, 2, 1), k=rng.randint(0, 12)))
        verdicts.append(wanted.fullmatch(text) is not None)
        assert accepts(compiled, text) is verdicts[-1], (pattern, text)
    assert len(set(verdicts)) == 2


def test_labels_that_may_contain_dots() -> None:
    """Any set of the last 63 places might end a label, but only the last one counts."""
    rng = random.Random(5)
    compiled = compile_grammar(from_regex(r"(.{1,63}\.)+[a-z]+"), VOCABULARY)
    wanted = re.compile(r"(.{1,63}\.)+[a-z]+")
    for _ in range(200):
        text = "".join(rng.choices("a.-", weights=(20, 1, 1), k=rng.randint(0, 250))) + "a"
        assert accepts(compiled, text) is (wanted.fullmatch(text) is not None), text


def test_a_domain_name_of_a_real_schema() -> None:
    pattern = r"^(?!.*://)(?=.{1,255}$)((.{1,63}\.){1,127}(?![0-9]*$)[a-z0-9-]+\.?)$"
    wanted = re.compile(pattern)
    compiled = compile_grammar(from_json_schema({"type": "string", "pattern": pattern}), VOCABULARY)
    for text in ["a.b", "a.b.", "a", "http://a.b", "a.1", "a.1.", "..a", "x." * 127 + "y", "x." * 127 + "yy"]:
        assert accepts(compiled, json.dumps(text)) is (wanted.search(text) is not None), text
    rng = random.Random(6)
    for _ in range(100):
        text = "".join(rng.choices("ab1.:/", weights=(20, 9, 3, 3, 1, 1), k=rng.randint(1, 280)))
        assert accepts(compiled, json.dumps(text)) is (wanted.search(text) is not None), text
