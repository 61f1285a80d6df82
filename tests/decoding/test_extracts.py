"""Extracts against all choices of sentences, and what they are made of."""

from __future__ import annotations

import itertools
import random

import pytest
from tokentrellis import (
    ArgumentTypeError,
    ArgumentValueError,
    Length,
    LimitExceededError,
    UnsatisfiableError,
    Vocabulary,
    compile_grammar,
)
from tokentrellis.decoding import extracts
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
        assert length.allows(length.measure().count(text))
        assert ends_sentence(text.encode())
        assert set(text.replace("\u2026", "").replace(".", "").split()) <= set(
            TEXT.replace(".", "").split()
        ) | {"Bo", "old", "here"}


BITS = ["Ann ran. ", "he said! ", "J. ", "Title\n\n", "no stop\n\n", "Dr. ", "wait...\n\n"]
BITS += ["Yes: \n\n", "e.g. "]
BITS += ['"Why?" ', "(aside) ", "\u65e5\u672c\u3002", "x.y. ", "I. ", "... "]


@pytest.mark.parametrize("seed", range(4))
def test_sentences_of_extracts_are_counted_where_they_stand(seed: int) -> None:
    """What stands before a small letter, or behind an initial, may be one sentence in its place and none in
    another: choices are allowed where the whole text has the count, and the counts of the pieces add up.
    """
    choose = random.Random(seed)
    n_wrong_sums = n_checked = 0
    for _ in range(12):
        text = "".join(choose.choice(BITS) for _ in range(5))
        pieces = [" ".join(piece.split()) for piece in split_sentences(text)]
        pieces = [p if ends_sentence(p.encode()) else f"{p.rstrip(',;:')}." for p in pieces]
        choices = [c for n in range(1, len(pieces) + 1) for c in itertools.combinations(pieces, n)]
        for count in range(1, len(pieces) + 1):
            try:
                grammar = extract_grammar(text, Length(sentences=count))
            except UnsatisfiableError:
                grammar = None
            for choice in choices:
                joined = " ".join(choice)
                is_accepted = grammar is not None and grammar.accepts(joined)
                adds_up = all(
                    count_sentences(" ".join(choice[: n + 1])) == sum(map(count_sentences, choice[: n + 1]))
                    for n in range(len(choice))
                )
                n_wrong_sums += not adds_up
                n_checked += is_accepted
                assert not is_accepted or count_sentences(joined) == count, joined
                assert is_accepted or not adds_up or count_sentences(joined) != count, joined
    assert n_wrong_sums > 20
    assert n_checked > 20


def test_the_end_is_as_near_as_the_shortest_choice() -> None:
    letters = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    whole = ["A very long sentence of seven words.", "Bo ate.", "Cy saw a bird.", "So it goes on and on."]
    for length in (Length(words=(2, 3)), Length(sentences=2), Length.at_least(words=6), Length(characters=7)):
        measure = length.measure()
        choices = [" ".join(chosen) for n in range(1, 5) for chosen in itertools.combinations(whole, n)]
        most = length.most or 100
        right = [choice for choice in choices if length.least <= measure.count(choice) <= most]
        compiled = compile_grammar(extract_grammar(" ".join(whole), length), letters)
        assert compiled.matcher().tokens_to_finish == min(map(len, right)) + 1


def test_what_has_no_extract_is_refused() -> None:
    with pytest.raises(UnsatisfiableError, match="no extract of exactly 40 words"):
        extract_grammar(TEXT, Length(words=40))
    with pytest.raises(UnsatisfiableError):
        extract_grammar(" ", Length.at_least(words=0))
    with pytest.raises(ArgumentTypeError, match="words, characters or sentences"):
        extract_grammar(TEXT, Length(tokens=4))
    with pytest.raises(ArgumentTypeError):
        extract_grammar(TEXT, 4)  # type: ignore[arg-type]

    with pytest.raises(ArgumentValueError, match="lone surrogates"):
        extract_grammar("Ann \ud800 ran.", Length(words=4))


def test_a_text_without_stops_is_cut_near_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracts, "MOST_BEGINNINGS", 100_000)
    endless = "so " * 50_000
    assert extract_grammar(endless, Length(words=2)).accepts("so so\u2026")
    with pytest.raises(LimitExceededError, match="beginnings of sentences"):
        extract_grammar(endless, Length(words=20_000))
    assert count_sentences(f"A{'.' * 100_000}b") == 1


def test_a_long_text() -> None:
    grammar = extract_grammar("Ann ran. " * 300, Length(sentences=(1, 2)))
    matcher = compile_grammar(grammar, Vocabulary.from_tokenizer(tiny_tokenizer())).matcher()
    assert matcher.read_bytes(b"Ann ran. Ann ran.")
    assert matcher.is_accepting
    assert not matcher.read_bytes(b" Ann")
