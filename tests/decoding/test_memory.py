"""What is learnt about a vocabulary and its grammars stays within limits."""

from __future__ import annotations

from typing import Any

import pytest
from tokentrellis import Vocabulary, allocate_bitmask, compile_grammar, from_regex
from tokentrellis.decoding import compile as compile_module

BYTES = [bytes([byte]) for byte in range(256)]


def test_new_grammars_get_new_tables_when_the_old_ones_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary([*BYTES, b""], eos_token_ids=[256])
    first = compile_grammar(from_regex("[a-f]{3}"), vocabulary)
    assert compile_grammar(from_regex("[a-f]{3}"), vocabulary).lexicon is first.lexicon
    monkeypatch.setattr(compile_module, "MOST_TABLE_BYTES", first.lexicon.n_bytes - 1)
    second = compile_grammar(from_regex("[a-f]{3}"), vocabulary)
    assert second.lexicon is not first.lexicon
    assert rows_of(first) == rows_of(second)


def test_tables_grow_with_what_is_learnt() -> None:
    vocabulary = Vocabulary([*BYTES, b""], eos_token_ids=[256])
    compiled = compile_grammar(from_regex("[a-f]{3}[0-9]{4}"), vocabulary)
    before = compiled.lexicon.n_bytes
    rows_of(compiled)
    assert compiled.lexicon.n_bytes > before


def rows_of(compiled: Any) -> list[list[int]]:
    """The masks along one text."""
    matcher = compiled.matcher()
    bitmask = allocate_bitmask(1, compiled.vocabulary.vocab_size)
    rows = []
    while not matcher.is_terminated:
        matcher.fill_bitmask(bitmask)
        rows.append(bitmask[0].tolist())
        matcher.accept_token(next(token for token in range(257) if matcher.allows_token(token)))
    return rows
