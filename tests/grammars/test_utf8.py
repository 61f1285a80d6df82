"""Character classes over UTF-8, against `str.encode` and the decoder."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars.expressions import EMPTY, Expression
from tokentrellis.grammars.utf8 import ANY_CHARACTER, ANY_TEXT, character_class

from tests.oracles.regular import matches

EDGES = (
    0,
    0x7F,
    0x80,
    0x7FF,
    0x800,
    0xFFF,
    0x1000,
    0xD7FF,
    0xE000,
    0xFFFF,
    0x10000,
    0x3FFFF,
    0x40000,
    0x10FFFF,
)
NEAR_EDGES = sorted(
    {
        edge + step
        for edge in EDGES
        for step in (-64, -63, -1, 0, 1, 63, 64)
        if 0 <= edge + step <= 0x10FFFF and not 0xD800 <= edge + step < 0xE000
    }
)

code_points = st.one_of(st.sampled_from(NEAR_EDGES), st.integers(0, 0x10FFFF))


def has_member(expression: Expression, code_point: int) -> bool:
    return matches(expression, chr(code_point).encode())


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(st.tuples(code_points, code_points), max_size=6), st.lists(code_points, max_size=20))
def test_a_class_has_exactly_its_members(pairs: list[tuple[int, int]], others: list[int]) -> None:
    ranges = [(min(pair), max(pair)) for pair in pairs]
    expression = character_class(ranges)
    near = [edge + step for pair in ranges for edge in pair for step in (-1, 0, 1)]
    for code_point in {*near, *others}:
        if 0 <= code_point <= 0x10FFFF and not 0xD800 <= code_point < 0xE000:
            inside = any(first <= code_point <= last for first, last in ranges)
            assert has_member(expression, code_point) == inside, hex(code_point)


@pytest.mark.parametrize(("first", "last"), list(itertools.combinations(EDGES, 2)))
def test_every_pair_of_encoding_edges(first: int, last: int) -> None:
    expression = character_class([(first, last)])
    for code_point in NEAR_EDGES:
        assert has_member(expression, code_point) == (first <= code_point <= last), hex(code_point)


def test_order_and_overlap_of_ranges_do_not_matter() -> None:
    assert character_class([(0x61, 0x7A), (0x41, 0x5A), (0x50, 0x65)]) is character_class([(0x41, 0x7A)])


def test_surrogates_are_in_no_text() -> None:
    assert character_class([(0xD800, 0xDFFF)]) is EMPTY
    assert character_class([]) is EMPTY
    assert character_class([(0xD000, 0xEFFF)]) is character_class([(0xD000, 0xD7FF), (0xE000, 0xEFFF)])


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 4])
def test_any_character_is_what_decodes(n_bytes: int) -> None:
    # The bytes at which the decoder changes its mind.
    interesting = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC)
    interesting += (0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF)
    later = interesting if n_bytes < 4 else (0x7F, 0x80, 0x8F, 0x90, 0xBF, 0xC0)
    for data in itertools.product(interesting, *[later] * (n_bytes - 1)):
        data = bytes(data)
        is_one = is_text(data) and len(data.decode()) == 1
        assert matches(ANY_CHARACTER, data) == is_one, data.hex()


@given(st.one_of(st.binary(max_size=8), st.text(max_size=6).filter(str.isprintable).map(str.encode)))
def test_any_text_is_what_decodes(data: bytes) -> None:
    assert matches(ANY_TEXT, data) == is_text(data)
