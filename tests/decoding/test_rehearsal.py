"""What a vocabulary learns before the first JSON Schema changes no mask."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tokentrellis import CompiledGrammar, Vocabulary, compile_grammar, from_json_schema, from_regex
from tokentrellis.decoding import compile as compiling
from tokentrellis.decoding.rehearsal import FEWEST_TOKENS, SCHEMA, text_of

from tests.masks import allowed_tokens

LAYOUTS: tuple[Any, ...] = ("any", "compact", "natural", {"indent": 2})
LINK = {
    "type": "object",
    "properties": {"at": {"type": "string", "format": "date-time"}, "n": {"type": "number"}},
}
TEXT = json.dumps({"at": "2025-12-31T23:59:60Z", "n": -0.5}).encode()


def large_vocabulary(seed: int) -> Vocabulary:
    """All bytes, and enough random pieces of what documents are made of."""
    rng = random.Random(seed)
    pieces = {bytes([byte]) for byte in range(256)}
    while len(pieces) < FEWEST_TOKENS:
        pieces.add("".join(rng.choices('0123456789-:.TZ"{}, abcn', k=rng.randrange(2, 6))).encode())
    return Vocabulary([*sorted(pieces), b""], eos_token_ids=[len(pieces)])


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_document_is_one_of_its_schema(layout: Any) -> None:
    assert from_json_schema(SCHEMA, whitespace=layout).accepts(text_of(layout))


def masks_along(compiled: CompiledGrammar) -> list[list[int]]:
    """What may come before each byte of the text."""
    matcher, masks = compiled.matcher(), []
    for place in range(len(TEXT)):
        masks.append(allowed_tokens(matcher))
        assert matcher.read_bytes(TEXT[place : place + 1])
    return masks


def test_masks_are_the_same_and_the_vocabulary_knows_more(monkeypatch: pytest.MonkeyPatch) -> None:
    grammar, vocabulary = from_json_schema(LINK), large_vocabulary(1)
    with monkeypatch.context() as patch:
        patch.setattr(compiling, "FEWEST_TOKENS", FEWEST_TOKENS * 10)
        fresh = compile_grammar(grammar, vocabulary)
        masks = masks_along(fresh)
    n_states = fresh.lexicon.n_automaton_states
    rehearsed = compile_grammar(grammar, vocabulary)
    assert rehearsed.lexicon.n_automaton_states > n_states + 100
    assert masks_along(rehearsed) == masks


def test_only_json_and_large_vocabularies_are_rehearsed() -> None:
    vocabulary = large_vocabulary(4)
    regex = compile_grammar(from_regex("a*"), vocabulary)
    assert regex.lexicon.n_automaton_states < 100
