"""The automata that count a text as it grows, against the measures of the finished text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokentrellis import LengthMeasure
from tokentrellis.decoding.length_automata import NOT_WRITTEN, START, LengthAutomaton, length_automaton
from tokentrellis.decoding.length_measures import count_items
from tokentrellis.decoding.sentences import count_sentences, ends_sentence

SENTENCES = [
    *".!\u2026\u3002 \n\t\x0b)\"'\u00bb(\u2018aMrIJeg_1-\u00e9\u00c9\u5b57",
    *("Mr", "e.g", "approx", ". ", "..."),
]
WORDS = list("a\u00e912'.,_-:; \u5b57\u30a2\u309f\u0301\u200d\u00b7\u2019\u05d0\u05f4\u30fc")


def texts(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=14).map("".join) | st.text(max_size=8)


def run(automaton: LengthAutomaton, text: str) -> tuple[int, bool] | None:
    """Units counted and whether the text may end; None: it is not written."""
    context, units = START, 0
    for character in text:
        kind = automaton.classes.class_of[ord(character)]
        units += int(automaton.units[context, kind])
        context = int(automaton.after[context, kind])
        if context == NOT_WRITTEN:
            return None
    return units, bool(automaton.ends[context])


@settings(max_examples=600, deadline=None)
@given(texts(SENTENCES))
@example("Mr. J. Smith... \u00e9. 'A' e.g. (b). \n \n..")
def test_counts_sentences_and_knows_their_ends(text: str) -> None:
    expected = count_sentences(text), ends_sentence(text.encode())
    assert run(length_automaton("sentences", "unicode", "sentence"), text) == expected
    assert run(length_automaton("sentences", "unicode", "anywhere"), text) == (expected[0], True)


@settings(max_examples=300, deadline=None)
@given(texts(WORDS))
@pytest.mark.parametrize("rule", ["unicode", r"\w+"])
def test_counts_words(rule: str, text: str) -> None:
    expected = LengthMeasure("words", words=rule).count(text)
    assert run(length_automaton("words", rule, "anywhere"), text) == (expected, True)


@settings(max_examples=200, deadline=None)
@given(texts([*SENTENCES, *WORDS]))
@pytest.mark.parametrize("kind", ["words", "characters", "tokens"])
def test_counts_and_ends_at_once(kind: str, text: str) -> None:
    units = 0 if kind == "tokens" else LengthMeasure(kind).count(text)
    assert run(length_automaton(kind, "unicode", "sentence"), text) == (units, ends_sentence(text.encode()))


def test_lists_are_what_their_measure_counts() -> None:
    automaton = length_automaton("items", "unicode", "anywhere")
    n_lists = 0
    for length in range(7):
        for characters in itertools.product("-1. a\n", repeat=length):
            text = "".join(characters)
            found = run(automaton, text)
            if found is None or not found[1]:
                continue
            n_lists += 1
            assert found[0] == count_items(text) == len(text.split("\n")), text
    assert n_lists > 100
    assert run(automaton, "1. one\n2) two\n- three") == (3, True)
    for text in ("", "one", " - one", "- one\n", "- ", "-one", "1234567890. a", "- one\x0btwo\n\n- x"):
        assert run(automaton, text) is None or not run(automaton, text)[1], text
