"""`without_empty`: the same language but for the empty string."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.expressions import (
    EMPTY,
    EPSILON,
    Expression,
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
from tokentrellis.grammars.nullable import without_empty

from tests.oracles.regular import matches

TEXTS = [bytes(text) for length in range(5) for text in itertools.product(b"ab", repeat=length)]
A, B = 1 << ord("a"), 1 << ord("b")

states = st.integers(0, 2)
automata = st.builds(
    lambda transitions, accepting: automaton(3, transitions, accepting),
    st.lists(st.tuples(states, st.sampled_from([A, B, A | B]), states), max_size=6),
    st.sets(states),
)
regular = st.recursive(
    st.one_of(st.sampled_from([EPSILON, EMPTY, byte_class(A), byte_class(A | B), literal("ab")]), automata),
    lambda parts: st.one_of(
        st.lists(parts, max_size=4).map(lambda several: concatenate(*several)),
        st.lists(parts, max_size=3).map(lambda several: union(*several)),
        st.builds(repeat, parts, st.integers(0, 2), st.sampled_from([-1, 2, 3])),
    ),
    max_leaves=6,
)
expressions = st.recursive(
    regular,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda several: intersect(*several)),
        parts.map(complement),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(expressions)
def test_only_the_empty_string_goes(expression: Expression) -> None:
    stripped = without_empty(expression)
    assert not stripped.nullable
    for text in TEXTS:
        assert matches(stripped, text) == (text != b"" and matches(expression, text))


@given(regular)
def test_regular_stays_regular(expression: Expression) -> None:
    assert without_empty(expression).regular


def test_what_has_no_empty_string_is_returned_as_it_is() -> None:
    expression = literal("ab")
    assert without_empty(expression) is expression


def test_many_nullable_parts_stay_small() -> None:
    parts = [optional(literal(bytes([65 + number % 50, 65 + number // 50]))) for number in range(500)]
    stripped = without_empty(concatenate(*parts))
    assert not stripped.nullable

    def size(expression: Expression) -> int:
        return 1 + sum(map(size, expression.children))

    assert size(stripped) < 40_000
