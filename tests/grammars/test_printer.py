"""What printed expressions and grammars look like, and that printing always ends."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.derivatives import derivative
from tokentrellis.grammars.errors import UnsupportedFeatureError
from tokentrellis.grammars.expressions import (
    ANYTHING,
    EMPTY,
    EPSILON,
    StringTerminal,
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
from tokentrellis.grammars.grammar import (
    END,
    CallEdge,
    Expansion,
    Grammar,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from tokentrellis.grammars.printer import print_expression, print_grammar
from tokentrellis.grammars.utf8 import ANY_CHARACTER, ANY_TEXT

from tests.oracles.expressions import build, trees
from tests.oracles.grammars import random_grammar

SEVENS = automaton(7, [(s, 1 << 48 + d, (10 * s + d) % 7) for s in range(7) for d in range(10)], [0])


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (EMPTY, "[]"),
        (EPSILON, "()"),
        (ANYTHING, "[\\x00-\\xff]*"),
        (ANY_CHARACTER, "."),
        (ANY_TEXT, ".*"),
        (repeat(ANY_CHARACTER, 2, 5), ".{2,5}"),
        (literal("héllo/world\n"), "héllo\\/world\\n"),
        (literal(b"\xc3"), "\\xc3"),
        (literal("a\u200bb"), "a\\xe2\\x80\\x8bb"),
        (byte_range(ord("a"), ord("z")), "[a-z]"),
        (byte_class(b"-a]^"), "[\\-\\]\\^a]"),
        (complement(byte_range(0, 255)), "~[\\x00-\\xff]"),
        (byte_class(set(range(256)) - set(b'"\\')), '[^"\\\\]'),
        (union(literal("ab"), literal("cd"), literal("x")), "ab|cd|x"),
        (concatenate(literal("a"), union(literal("bc"), EPSILON)), "a(()|bc)"),
        (repeat(literal("ab")), "(ab)*"),
        (repeat(literal("a"), 1), "a+"),
        (optional(union(literal("ab"), literal("cd"))), "(ab|cd)?"),
        (repeat(repeat(literal("a"), 2, 2), 3), "(a{2}){3,}"),
        (intersect(repeat(literal("a")), complement(literal("aa"))), "a* & ~(aa)"),
        (SEVENS, "<automaton of 7 states>"),
        (derivative(SEVENS, ord("3")), "<automaton of 7 states at 3>"),
    ],
)
def test_expression(expression, text):
    assert print_expression(expression) == text
    assert repr(expression) == text


def test_printed_union_does_not_depend_on_the_order_of_construction():
    letters = ["xx", "bb", "mm", "aa"]
    assert print_expression(union(*map(literal, letters))) == "aa|bb|mm|xx"


@settings(max_examples=80, deadline=None)
@given(trees(max_leaves=20), st.integers(1, 60))
def test_length_is_limited(tree, limit):
    expression = build(tree)
    whole = print_expression(expression)
    text = print_expression(expression, limit)
    assert len(text) <= limit
    assert text == whole or text.endswith("…")


def test_large_and_deep_expressions():
    many = union(*[literal(f"word {number}") for number in range(5000)])
    assert len(print_expression(many)) == 2000
    assert print_expression(literal("a" * 9000)) == "a" * 1999 + "…"
    shared = literal("ab")
    for _ in range(300):  # as a tree it has 2^300 leaves
        shared = union(concatenate(shared, literal("a")), concatenate(shared, literal("b")))
    assert "…" in print_expression(shared)


class _Example(Grammar):
    start = 1

    def expand(self, state):
        table = LiteralTable(["name", "age"])
        space = optional(literal(" "))
        text = StringTerminal(space, ANY_TEXT)
        return {
            1: Expansion([TerminalEdge(literal("["), 2), StringEdge(text, END, 2, 5), StringEdge(text, END)]),
            2: Expansion([CallEdge(1, 3), TokenEdge(7, END), CallEdge(1, END)], final=True),
            3: Expansion(
                [LiteralsEdge(EPSILON, table, 3), OthersEdge(text, table), OthersEdge(text, None, 4)]
            ),
            4: Expansion(
                [LiteralsEdge(space, table, 2, END), OthersEdge(text._replace(monitors=(ANY_TEXT,)))]
            ),
            5: Expansion([TerminalEdge(literal("x"), END)]),
        }[state]

    def successor(self, state, edge, label):
        if state == 4:
            raise UnsupportedFeatureError("this")
        return 4 + label if edge == 0 else END


EXPECTED = r"""
start s1
s1 ::= /\[/ s2
     | / ?/ string(/.*/){2,5}
     | / ?/ string(/.*/)
s2 ::= call s1 s3
     | token(7)
     | call s1
     | ()
s3 ::= one_of("age", "name") by label {0: s4, 1: s5}
     | / ?/ string(/.*/, not "age", "name") by label {0: end}
     | / ?/ string(/.*/) s4
s4 ::= / ?/ one_of("name")
     | / ?/ string(/.*/) by label {…}
… more states
""".strip()


def test_grammar():
    assert print_grammar(_Example(), limit=4) == EXPECTED
    assert str(_Example()) == print_grammar(_Example())


def test_errors_of_a_front_end_are_shown_in_their_place():
    class Failing(Grammar):
        start = 1

        def expand(self, state):
            if state == 2:
                raise UnsupportedFeatureError("looking behind")
            return Expansion([TerminalEdge(literal("a"), 2)], finish=0)

    assert print_grammar(Failing()).endswith("s2 ::= error: looking behind is not supported")


@pytest.mark.parametrize("seed", range(30))
def test_every_grammar_can_be_printed(seed):
    grammar = random_grammar(random.Random(seed))
    lines = str(grammar).splitlines()
    assert lines[0] == f"start s{grammar.start}"
    assert lines[1].startswith(f"s{grammar.start} ::= ")


def test_endless_grammar_is_cut():
    class Endless(Grammar):
        start = 1

        def expand(self, state):
            return Expansion([TerminalEdge(literal(str(state)), state + 1)], final=True)

    assert len(print_grammar(Endless(), 10).splitlines()) == 1 + 20 + 1
