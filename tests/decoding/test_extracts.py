"""Extracts against all choices of sentences, and what they are made of."""

from __future__ import annotations

import itertools
import random

import pytest
from tokentrellis import ArgumentTypeError, Length, UnsatisfiableError, Vocabulary, compile_grammar
from tokentrellis.decoding.extracts import extract_grammar
from tokentrellis.decoding.sentences import count_sentences, ends_sentence, split_sentences

from tests.masks import allowed_tokens
from tests.tiny_models import tiny_tokenizer

TEXT = "Ann ran. Bo, who is old, sat\ndown! Mr. Coe slept here; he snores. The end"
WHOLE = ["Ann ran.", "Bo, who is old, sat down!", "Mr. Coe slept here; he snores.", "The end."]


def test_sentences_are_split_by_the_rule_that_counts_them() -> None:
    assert split_sentences(TEXT) == [*WHOLE[:1], "Bo, who is old, sat\ndown!", WHOLE[2], "The end"]
    assert len(split_sentences(TEXT)) == count_sentences(TEXT) == 4
    assert split_sentences(" ... ") == []


@pytest.mark.parametrize("kind", ["words", "characters", "sentences"])
def test_whole_sentences_are_chosen_where_they_have_the_length(kind: str) -> None:
    """All choices in their order, and no other text."""
    choices = [" ".join(chosen) for n in range(1, 5) for chosen in itertools.combinations(WHOLE, n)]
    measure = Length(**{kind: 1}).measure()
    for count in {measure.count(choice) for choice in choices}:
        grammar = extract_grammar(TEXT, Length(**{kind: count}))
        for choice in choices:
            assert grammar.accepts(choice) == (measure.count(choice) == count)
        assert not grammar.accepts(f"{WHOLE[1]} {WHOLE[0]}")
        assert not grammar.accepts("")


def test_sentences_are_cut_only_where_no_whole_ones_do() -> None:
    clauses = extract_grammar(TEXT, Length(words=1))
    assert clauses.accepts("Bo.")
    assert not clauses.accepts("Ann\u2026")
    words = extract_grammar("Ann ran fast.", Length(words=2))
    assert words.accepts("Ann ran\u2026")
    assert not words.accepts("Ann ran.")


@pytest.mark.parametrize("seed", range(3))
def test_walks_have_the_length_and_the_words_of_the_text(seed: int) -> None:
    choose = random.Random(seed)
    vocabulary = Vocabulary.from_tokenizer(tiny_tokenizer())
    for n_words in range(1, 16):
        length = Length(words=(n_words, n_words + choose.randrange(2)))
        matcher = compile_grammar(extract_grammar(TEXT, length), vocabulary).matcher()
        token_ids: list[int] = []
        while not matcher.is_terminated:
            token_ids.append(choose.choice(allowed_tokens(matcher)))
            matcher.accept_token(token_ids[-1])
        text = vocabulary.decode(token_ids).decode()
        assert length.least <= length.measure().count(text) <= (length.most or 0)
        assert ends_sentence(text.encode())
        assert set(text.replace("\u2026", "").replace(".", "").split()) <= set(
            TEXT.replace(".", "").split()
        ) | {"Bo", "old", "here"}


def test_what_has_no_extract_is_refused() -> None:
    with pytest.raises(UnsatisfiableError, match="no extract of exactly 40 words"):
        extract_grammar(TEXT, Length(words=40))
    with pytest.raises(UnsatisfiableError):
        extract_grammar(" ", Length.at_least(words=0))
    with pytest.raises(ArgumentTypeError, match="words, characters or sentences"):
        extract_grammar(TEXT, Length(tokens=4))
    with pytest.raises(ArgumentTypeError):
        extract_grammar(TEXT, 4)  # type: ignore[arg-type]


def test_a_long_text() -> None:
    grammar = extract_grammar("Ann ran. " * 300, Length(sentences=(1, 2)))
    matcher = compile_grammar(grammar, Vocabulary.from_tokenizer(tiny_tokenizer())).matcher()
    assert matcher.read_bytes(b"Ann ran. Ann ran.")
    assert matcher.is_accepting
    assert not matcher.read_bytes(b" Ann")
