"""The constructors: one object for equal structures, and simplifications that never change the language."""

from __future__ import annotations

import gc
import pickle

import pytest
from hypothesis import given, settings
from tokentrellis.grammars import expressions
from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.emptiness import is_empty
from tokentrellis.grammars.expressions import (
    ANYTHING,
    EMPTY,
    EPSILON,
    UNLIMITED,
    automaton,
    byte_class,
    byte_range,
    complement,
    concatenate,
    intersect,
    literal,
    optional,
    repeat,
    union,
)

from tests.oracles.expressions import automaton_of, build, has_automaton, has_word, language, trees, words

A, B = literal("a"), literal("b")
LONGEST = 4


@settings(max_examples=250, deadline=None)
@given(trees())
def test_constructors_preserve_the_language(tree):
    expression = build(tree)
    expected = language(tree, LONGEST)
    assert {word for word in words(LONGEST) if matches(expression, word.encode())} == expected
    assert expression.nullable == ("" in expected)


@settings(max_examples=100, deadline=None)
@given(trees())
def test_equal_structures_are_one_object(tree):
    assert build(tree) is build(tree)


@settings(max_examples=100, deadline=None)
@given(trees(boolean=False))
def test_only_the_empty_object_is_empty_among_regular_expressions(tree):
    expression = build(tree)
    assert expression.regular
    assert (expression is EMPTY) == (not has_word(tree))


@settings(max_examples=80, deadline=None)
@given(trees(max_leaves=5))
def test_boolean_operations_agree_with_interegular(tree):
    pytest.importorskip("interegular")
    if has_automaton(tree):
        return
    machine = automaton_of(tree)
    expression = intersect(build(tree), repeat(union(A, B)))
    for word in words(LONGEST):
        assert matches(expression, word.encode()) == machine.accepts(word), word


@pytest.mark.parametrize(
    ("made", "simplified"),
    [
        (union(), EMPTY),
        (union(A), A),
        (union(A, A), A),
        (union(A, EMPTY), A),
        (union(A, B), byte_range(ord("a"), ord("b"))),
        (union(union(EPSILON, A), B), union(B, A, EPSILON)),
        (union(ANYTHING), ANYTHING),
        (union(A, ANYTHING, EPSILON), ANYTHING),
        (union(union(EPSILON, repeat(B)), ANYTHING), ANYTHING),
        (byte_class([]), EMPTY),
        (byte_class(b"ba"), byte_class(b"ab")),
        (concatenate(), EPSILON),
        (concatenate(A, EPSILON), A),
        (concatenate(A, EMPTY, B), EMPTY),
        (concatenate(concatenate(A, B), A), concatenate(A, concatenate(B, A))),
        (literal(""), EPSILON),
        (literal("é"), literal(b"\xc3\xa9")),
        (repeat(A, 0, 0), EPSILON),
        (repeat(A, 1, 1), A),
        (repeat(A, 3, 2), EMPTY),
        (repeat(EMPTY), EPSILON),
        (repeat(EMPTY, 1), EMPTY),
        (repeat(EPSILON, 5, UNLIMITED), EPSILON),
        (optional(A), repeat(A, 0, 1)),
        (intersect(), ANYTHING),
        (intersect(A, ANYTHING), A),
        (intersect(A, A), A),
        (intersect(A, EMPTY), EMPTY),
        (intersect(ANYTHING, ANYTHING), ANYTHING),
        (complement(complement(A)), A),
        (complement(EMPTY), ANYTHING),
        (complement(ANYTHING), EMPTY),
        (automaton(1, [], []), EMPTY),
        (automaton(2, [(0, 2, 1)], []), EMPTY),
    ],
)
def test_simplifications(made, simplified):
    assert made is simplified


def test_dead_states_of_an_automaton_are_dropped():
    with_dead_end = automaton(3, [(0, 1 << 97, 1), (0, 1 << 98, 2), (2, 1 << 98, 2), (0, 0, 1)], [1])
    assert with_dead_end is automaton(3, [(0, 1 << 97, 1)], [1])


@pytest.mark.parametrize("operation", [intersect, union, concatenate])
def test_operands_that_are_not_regular_are_remembered(operation):
    assert not operation(concatenate(A, A), complement(B)).regular
    assert operation(concatenate(A, A), B).regular == (operation is not intersect)


def test_an_empty_intersection_is_found_by_search():
    hidden = intersect(
        repeat(literal("ab")),
        concatenate(A, repeat(byte_range(0, 255))),
        complement(concatenate(literal("ab"), ANYTHING)),
    )
    assert hidden is not EMPTY
    assert is_empty(hidden)


def test_pickling_gives_the_same_object():
    expression = union(concatenate(A, repeat(B, 2, 7)), complement(automaton(2, [(0, 2, 1)], [1])))
    assert pickle.loads(pickle.dumps(expression)) is expression


def test_unused_nodes_are_freed():
    before = len(expressions._interned)
    made = literal("a long text that no other test uses")
    assert len(expressions._interned) > before
    del made
    gc.collect()
    assert len(expressions._interned) <= before + 30  # its single bytes may be in use elsewhere
