"""Derivatives: the laws of Brzozowski, the byte classes, and that there are few of them."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.derivatives import byte_classes, derivative, derivative_by, matches, transitions
from tokentrellis.grammars.expressions import (
    ALL_BYTES,
    EMPTY,
    EPSILON,
    Expression,
    automaton,
    byte_range,
    complement,
    concatenate,
    intersect,
    literal,
    repeat,
    union,
)

from tests.oracles.expressions import build, language, trees, words

LONGEST = 4


@settings(max_examples=100, deadline=None)
@given(trees(), st.sampled_from(words(2)))
def test_derivative_contains_the_rests(tree, prefix):
    rest = derivative_by(build(tree), prefix.encode())
    expected = {word[len(prefix) :] for word in language(tree, LONGEST) if word.startswith(prefix)}
    rests = words(LONGEST - len(prefix))
    assert {word for word in rests if matches(rest, word.encode())} == expected


@settings(max_examples=100, deadline=None)
@given(trees(), trees(), st.sampled_from(b"abc"))
def test_derivatives_commute_with_boolean_operations(left_tree, right_tree, byte):
    left, right = build(left_tree), build(right_tree)
    assert derivative(union(left, right), byte) is union(derivative(left, byte), derivative(right, byte))
    assert derivative(complement(left), byte) is complement(derivative(left, byte))
    both = intersect(derivative(left, byte), derivative(right, byte))
    assert derivative(intersect(left, right), byte) is both


@settings(max_examples=100, deadline=None)
@given(trees())
def test_byte_classes_are_a_partition_that_derivatives_respect(tree):
    expression = build(tree)
    classes = byte_classes(expression)
    assert sum(classes) == ALL_BYTES
    assert all(not first & second for first in classes for second in classes if first is not second)
    after = dict.fromkeys(range(256), EMPTY)
    for members, rest in transitions(expression):
        after.update({byte: rest for byte in range(256) if members >> byte & 1})
    for byte in (0, *b"aabbc", 255):
        assert derivative(expression, byte) is after[byte]


def test_classes_are_few():
    assert len(byte_classes(concatenate(byte_range(48, 57), literal("x")))) == 2
    assert len(byte_classes(concatenate(repeat(literal("a")), literal("b")))) == 3


def _reachable(expression: Expression) -> set[Expression]:
    found, waiting = {expression}, [expression]
    while waiting:
        for _, after in transitions(waiting.pop()):
            if after not in found:
                found.add(after)
                waiting.append(after)
    return found


@pytest.mark.parametrize(
    ("expression", "most"),
    [
        (repeat(union(literal("ab"), literal("aab"), literal("c"))), 5),
        (repeat(literal("ab"), 3, 9), 19),
        (complement(concatenate(repeat(byte_range(0, 255)), literal("abab"), repeat(byte_range(0, 255)))), 8),
        (repeat(repeat(union(literal("a"), literal("b"), EPSILON), 1, 3)), 8),
    ],
)
def test_derivatives_are_few(expression, most):
    assert len(_reachable(expression)) <= most


def test_automaton_is_stepped_by_its_states():
    seven = automaton(7, [(s, 1 << 48 + d, (10 * s + d) % 7) for s in range(7) for d in range(10)], [0])
    for number in range(300):
        assert matches(seven, str(number).encode()) == (number % 7 == 0)
    assert derivative(seven, ord("7")) is seven
    assert len(_reachable(seven)) == 7
    two = derivative(seven, ord("2"))
    assert pickle.loads(pickle.dumps(two)) is two


def test_byte_out_of_range_is_refused():
    with pytest.raises(ValueError, match="256"):
        derivative(EPSILON, 256)
