"""Multiples of large numbers against exact arithmetic: short texts, and shortest ones by enumeration."""

from __future__ import annotations

import itertools
import random
import re
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.derivatives import derivative_by, matches, transitions
from tokentrellis.grammars.emptiness import is_empty, shortest_length, shortest_text
from tokentrellis.grammars.errors import LimitExceededError
from tokentrellis.grammars.expressions import EMPTY, MULTIPLES, Expression, concatenate, literal, union
from tokentrellis.grammars.json_schema.decimal_automaton import decimal_automaton, magnitudes
from tokentrellis.grammars.multiples import MOST_DIGITS, multiples

DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)


class Numbers(NamedTuple):
    """Bounds (None: none; times 100), divisors (times 10 ** decimals), and whether a point may come."""

    lower: int | None
    upper: int | None
    divisor: int
    unwanted: tuple[int, ...]
    decimals: int
    digits_only: bool

    def contains(self, text: str) -> bool:
        if (INTEGER if self.digits_only else DECIMAL).fullmatch(text) is None:
            return False
        value = Fraction(text)
        if self.lower is not None and value * 100 < self.lower:
            return False
        if self.upper is not None and value * 100 > self.upper:
            return False
        scaled = value * 10**self.decimals
        return (not self.divisor or (scaled / self.divisor).denominator == 1) and all(
            (scaled / other).denominator != 1 for other in self.unwanted
        )

    def expression(self) -> Expression:
        def half(lower: int | None, upper: int | None):  # type: ignore[no-untyped-def]
            return magnitudes(
                2,
                [point for point in (lower, upper) if point is not None and point > 0],
                lambda point: (lower is None or point >= lower) and (upper is None or point <= upper),
                lambda point: (lower is None or point >= lower) and (upper is None or point < upper),
            )

        opposite = [None if bound is None else -bound for bound in (self.upper, self.lower)]
        base = decimal_automaton(half(self.lower, self.upper), half(*opposite), None, (), self.digits_only)
        return multiples(base, self.divisor, self.unwanted, self.decimals)


cases = st.builds(
    Numbers,
    lower=st.none() | st.integers(-30_000, 30_000),
    upper=st.none() | st.integers(-30_000, 30_000),
    divisor=st.sampled_from([0, 0, 1, 2, 3, 7, 20, 25, 36, 97, 101, 125, 997, 1024]),
    unwanted=st.lists(st.sampled_from([2, 3, 5, 7, 10, 14, 97, 100, 997]), max_size=2).map(tuple),
    decimals=st.integers(0, 3),
    digits_only=st.booleans(),
)

SHORT = [
    sign + digits[:point] + ("." if 0 < point < len(digits) else "") + digits[point:]
    for length in range(1, 5)
    for digits in map("".join, itertools.product("0123456789", repeat=length))
    for point in range(length)
    for sign in ("", "-")
]


@settings(max_examples=40, deadline=None)
@given(case=cases, seed=st.integers(0, 2**32))
def test_membership_is_arithmetic(case: Numbers, seed: int) -> None:
    expression = case.expression()
    choice = random.Random(seed)
    near = [str(choice.randrange(-400, 400) * case.divisor) for _ in range(30)]
    texts = [*choice.sample(SHORT, 80), *near, "", "-", "1.", ".5", "01", "-0", "0.000", "1e1", "7.0000"]
    for text in texts:
        assert matches(expression, text.encode()) == case.contains(text), text


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_shortest_text_is_found_without_search(case: Numbers) -> None:
    expression = case.expression()
    right = [text for text in SHORT if case.contains(text)]
    if expression is EMPTY:
        assert not right
        return
    text = shortest_text(expression)
    assert text is not None
    assert case.contains(text.decode())
    assert len(text) == shortest_length(expression)
    assert len(text) <= min(map(len, right), default=len(text))


@settings(max_examples=40, deadline=None)
@given(case=cases, seed=st.integers(0, 2**32))
def test_every_derivative_can_be_completed(case: Numbers, seed: int) -> None:
    expression, choice, text = case.expression(), random.Random(seed), b""
    if expression is EMPTY:
        return
    state = expression
    for _ in range(12):
        options = [(byte, after) for members, after in transitions(state) for byte in _bytes(members)]
        if not options:
            break
        byte, state = choice.choice(options)
        text += bytes((byte,))
        rest = shortest_text(state)
        assert rest is not None
        assert case.contains((text + rest).decode())
        assert len(rest) == shortest_length(state)


def _bytes(members: int) -> list[int]:
    return [byte for byte in range(256) if members >> byte & 1]


def everything(digits_only: bool = True) -> Expression:
    free = magnitudes(0, [], lambda _: True, lambda _: True)
    return decimal_automaton(free, free, None, (), digits_only)


def test_many_remainders() -> None:
    language = multiples(everything(), 123_456_789)
    assert language.kind == MULTIPLES
    assert matches(language, str(123_456_789 * 987_654_321).encode())
    assert not matches(language, str(123_456_789 * 987_654_321 + 1).encode())
    rest = shortest_text(derivative_by(language, b"5"))
    assert rest is not None
    assert int(b"5" + rest) % 123_456_789 == 0
    assert not is_empty(union(literal("x"), concatenate(language, literal("y"))))


def test_one_node_for_one_language() -> None:
    language = multiples(everything(), 999_983)
    assert multiples(everything(), 999_983) is language
    assert derivative_by(language, b"-1") is derivative_by(language, b"1")
    assert derivative_by(language, str(1 + 999_983).encode()) is derivative_by(language, b"1")


def test_what_cannot_be() -> None:
    assert multiples(everything(), 20, [10]) is EMPTY
    assert multiples(EMPTY, 7) is EMPTY
    assert Numbers(101, 9_900, 9_901, (), 0, True).expression() is EMPTY
    with pytest.raises(LimitExceededError, match="digits of the common multiple"):
        multiples(everything(), 10**MOST_DIGITS)
    with pytest.raises(LimitExceededError, match="must not hold"):
        multiples(everything(), 0, range(2, 15))
    with pytest.raises(ValueError, match="automaton"):
        multiples(literal("7"), 7)
