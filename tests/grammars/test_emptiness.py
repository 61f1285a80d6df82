"""Lengths, emptiness, counts and first texts, against sets of short words; and that long ones cost little."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.emptiness import (
    count_up_to,
    is_empty,
    length_range,
    shortest_length,
    shortest_text,
    some_length,
    texts,
)
from tokentrellis.grammars.errors import LimitExceededError
from tokentrellis.grammars.expressions import (
    ANYTHING,
    EMPTY,
    EPSILON,
    UNLIMITED,
    automaton,
    byte_class,
    complement,
    concatenate,
    intersect,
    literal,
    optional,
    repeat,
    union,
)
from tokentrellis.grammars.utf8 import ANY_CHARACTER, ANY_TEXT

from tests.oracles.expressions import build, has_automaton, language, trees

LONGEST = 4
LETTERS = "aé"  # one byte and two bytes
SEVENS = automaton(7, [(s, 1 << 48 + d, (10 * s + d) % 7) for s in range(7) for d in range(10)], [0])

bounds = st.tuples(st.integers(0, LONGEST), st.integers(0, LONGEST)).map(sorted)


def _case(tree):
    """The expression of a tree over two characters, and its texts of up to LONGEST characters."""
    letters = "ab" if has_automaton(tree) else LETTERS
    expression = build(tree, letters)
    if "complement" in repr(tree):  # with a and b it has other characters too
        expression = intersect(expression, repeat(union(*map(literal, letters))))
    swap = str.maketrans("ab", letters)
    return expression, sorted(word.translate(swap).encode() for word in language(tree, LONGEST))


def _characters(text: bytes) -> int:
    return len(text.decode())


@settings(max_examples=100, deadline=None)
@given(trees(), bounds)
def test_questions_about_bounded_lengths(tree, limits):
    expression, expected = _case(tree)
    least, most = limits
    inside = [text for text in expected if least <= _characters(text) <= most]
    assert is_empty(expression, least, most) == (not inside)
    assert shortest_length(expression, least, most) == min(map(_characters, inside), default=None)
    assert some_length(expression, least, most) in ({*map(_characters, inside)} or {None})
    text = shortest_text(expression, least, most)
    assert (text is None) == (not inside)
    if text is not None:
        assert text in inside
        assert (_characters(text), len(text)) == min((_characters(text), len(text)) for text in inside)
    assert count_up_to(expression, 1000, least, most) == len(inside)
    assert count_up_to(expression, 3, least, most) == min(3, len(inside))
    by_length = sorted(inside, key=lambda text: (_characters(text), text))
    assert list(texts(expression, 1000, least, most)) == by_length
    assert list(texts(expression, 2, least, most)) == by_length[:2]


@settings(max_examples=100, deadline=None)
@given(trees())
def test_questions_without_a_bound(tree):
    expression, expected = _case(tree)
    text = shortest_text(expression)
    assert is_empty(expression) == (text is None)
    if text is not None:
        assert matches(expression, text)
        if expected:
            assert _characters(text) == min(map(_characters, expected))
    assert not expected or not is_empty(expression)


@settings(max_examples=100, deadline=None)
@given(trees(boolean=False))
def test_length_range_agrees_with_the_words(tree):
    expression, expected = _case(tree)
    lengths = length_range(expression)
    found = {_characters(text) for text in expected}
    if lengths is None:
        assert not found
        return
    longest = LONGEST if lengths.most == UNLIMITED else lengths.most
    assert all(lengths.least <= length <= longest for length in found)
    if lengths.least <= LONGEST:
        assert lengths.least in found
    if lengths.most != UNLIMITED and lengths.most <= LONGEST:
        assert lengths.most in found
    if lengths.contiguous:
        assert found == set(range(lengths.least, min(longest, LONGEST) + 1))


@pytest.mark.parametrize(
    ("expression", "least", "most", "contiguous"),
    [
        (EPSILON, 0, 0, True),
        (literal("aéö"), 3, 3, True),
        (ANY_CHARACTER, 1, 1, True),
        (ANY_TEXT, 0, UNLIMITED, True),
        (repeat(ANY_CHARACTER, 3, 70_000), 3, 70_000, True),
        (repeat(literal("ab")), 0, UNLIMITED, False),
        (repeat(union(literal("ab"), literal("abc")), 2, 2), 4, 6, True),
        (repeat(union(literal("ab"), literal("abc")), 1, 9), 2, 27, True),
        (repeat(union(literal("ab"), literal("abc")), 0, 9), 0, 27, False),
        (repeat(repeat(literal("ab"), 0, 0), 5), 0, 0, True),
        (concatenate(optional(literal("ab")), optional(literal("c"))), 0, 3, False),
        (automaton(4, [(0, 2, 1), (1, 2, 2), (0, 4, 3)], [2, 3]), 1, 2, False),
        (SEVENS, 0, UNLIMITED, False),
    ],
)
def test_length_range(expression, least, most, contiguous):
    lengths = length_range(expression)
    assert lengths[:2] == (least, most)
    assert lengths.contiguous <= (contiguous or least == most)
    if contiguous:
        assert lengths.contiguous


def test_length_range_refuses_what_syntax_cannot_say():
    assert length_range(EMPTY) is None
    with pytest.raises(ValueError, match="complement"):
        length_range(complement(literal("a")))


@pytest.mark.parametrize(
    ("expression", "least", "most", "expected"),
    [
        (ANY_TEXT, 10_000, 10_000, 10_000),
        (repeat(literal("abc")), 10_000, UNLIMITED, 10_002),
        (repeat(literal("abc")), 10_000, 10_001, None),
        (intersect(ANY_TEXT, complement(literal("a"))), 10_000, UNLIMITED, 10_000),
        (intersect(repeat(literal("ab")), repeat(literal("aba"), 0, 1)), 1, UNLIMITED, None),
        (union(repeat(literal("ab")), repeat(literal("abc"))), 9_995, UNLIMITED, 9_996),
        (union(repeat(literal("ab")), repeat(literal("abc"))), 10_001, 10_001, None),
        (intersect(repeat(literal("éa")), repeat(literal("éaéaéa"))), 1_000_000, UNLIMITED, 1_000_002),
        (
            intersect(SEVENS, complement(concatenate(ANYTHING, literal("7"), ANYTHING))),
            50_000,
            50_000,
            50_000,
        ),
        (repeat(ANY_CHARACTER, 0, 100_000), 99_999, UNLIMITED, 99_999),
    ],
)
def test_long_lengths_repeat(expression, least, most, expected):
    assert shortest_length(expression, least, most) == expected
    assert is_empty(expression, least, most) == (expected is None)


def test_a_long_text_is_a_text():
    expression = intersect(ANY_TEXT, complement(concatenate(literal("\0"), ANY_TEXT)))
    text = shortest_text(expression, 3_000, 3_000)
    assert len(text.decode()) == 3_000
    assert matches(expression, text)


@pytest.mark.parametrize(
    ("expression", "n", "least", "most", "expected"),
    [
        (ANY_TEXT, 10**9, 0, UNLIMITED, 10**9),
        (ANY_CHARACTER, 10**7, 0, UNLIMITED, 0x110000 - 0x800),
        (SEVENS, 10**6, 3, 3, 143),
        (SEVENS, 10**12, 1, 9, sum(-(-(10**k) // 7) for k in range(1, 10))),
        (SEVENS, 500, 0, UNLIMITED, 500),
        (repeat(literal("ab")), 10**9, 0, UNLIMITED, 10**9),
        (repeat(literal("ab")), 10**9, 0, 9, 5),
        (intersect(ANY_TEXT, complement(literal("a"))), 10**7, 1, 1, 0x110000 - 0x800 - 1),
        (
            intersect(repeat(literal("ab")), complement(repeat(literal("ab"), 0, 3))),
            10**6,
            0,
            UNLIMITED,
            10**6,
        ),
        (intersect(repeat(literal("ab")), complement(repeat(literal("ab"), 3))), 10, 0, UNLIMITED, 3),
        (EMPTY, 5, 0, UNLIMITED, 0),
        (EPSILON, 5, 0, UNLIMITED, 1),
        (EPSILON, 0, 0, UNLIMITED, 0),
    ],
)
def test_counts(expression, n, least, most, expected):
    assert count_up_to(expression, n, least, most) == expected


def test_the_search_has_a_limit():
    # The fifteenth letter from the end: its deterministic automaton has 2^15 states.
    letter = union(literal("a"), literal("b"))
    late = concatenate(repeat(letter), literal("a"), repeat(letter, 14, 14))
    never = intersect(late, complement(concatenate(repeat(letter), literal("a"), repeat(letter, 14, 14))))
    assert never.kind == intersect(late, complement(EPSILON)).kind
    with pytest.raises(LimitExceededError) as caught:
        shortest_length(never, 0, UNLIMITED, limit=500)
    assert caught.value.limit == 500


def test_other_bytes_than_text_do_not_hang():
    continuation = byte_class(range(0x80, 0xC0))
    assert shortest_text(concatenate(repeat(continuation), literal(b"\x80"))) == b"\x80"
    assert list(texts(repeat(continuation), 3)) == [b"", b"\x80", b"\x80\x80"]
    assert count_up_to(repeat(continuation), 10**9) > 0


@pytest.mark.parametrize("most", [40, UNLIMITED])
def test_many_words_that_must_all_occur_are_found_one_after_the_other(most):
    words = [f"{a}{b}{c}" for a in "ab" for b in "12" for c in "xyz"]
    found = [concatenate(ANY_TEXT, literal(word), ANY_TEXT) for word in words]
    refused = intersect(ANY_TEXT, complement(concatenate(ANY_TEXT, literal("11"), ANY_TEXT)))
    length = some_length(intersect(*found, refused), 38, most, limit=2000)
    assert length is not None
    assert length >= 38
    assert most == UNLIMITED or length <= most


def test_a_word_too_many_for_the_length():
    """No text of 5 characters contains three words of two that share none."""
    words = intersect(*(concatenate(ANY_TEXT, literal(word), ANY_TEXT) for word in ("ab", "cd", "ef")))
    assert some_length(words, 0, 5) is None
    assert some_length(words, 0, 6) == 6


def test_hundreds_of_words_are_not_searched():
    words = [f"w{i}x" for i in range(100)]
    found = intersect(*(concatenate(ANY_TEXT, literal(word), ANY_TEXT) for word in words))
    assert some_length(found, limit=1) == sum(map(len, words))
    without = intersect(found, complement(concatenate(ANY_TEXT, literal("x"), ANY_TEXT)))
    with pytest.raises(LimitExceededError, match="searched for a text"):
        some_length(without, limit=50)
