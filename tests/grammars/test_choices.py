"""`from_choices`: exactly the strings of the list."""

from __future__ import annotations

import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars import choices as choices_module
from tokentrellis.grammars.choices import from_choices, literals_expression
from tokentrellis.grammars.errors import GrammarSyntaxError, UnsatisfiableError
from tokentrellis.grammars.expressions import Expression
from tokentrellis.grammars.grammar import END, Grammar

from tests.oracles.regular import matches

TEXTS = [bytes(text) for length in range(5) for text in itertools.product(b"ab", repeat=length)]
words = st.lists(st.text("ab\u00e9\u00e8", max_size=5), min_size=1, max_size=30)


def shortest_way_out(grammar: Grammar) -> int:
    """How many bytes the way along `finish` has; every terminal here is entered by its shortest text."""
    state, length = grammar.start, 0
    while state != END:
        expansion = grammar.expand(state)
        if expansion.finish < 0:
            assert expansion.final
            return length
        edge = expansion.edges[expansion.finish]
        length += shortest_length(edge.terminal)  # type: ignore[union-attr, arg-type]
        state = edge.next  # type: ignore[assignment]
    return length


def shortest_length(expression: Expression) -> int:
    lengths = [shortest_length(child) for child in expression.children]
    return {0: lambda: 1, 1: lambda: sum(lengths), 2: lambda: min(lengths)}[expression.kind]()


@given(st.lists(st.sampled_from(TEXTS), max_size=12))
def test_the_trie_is_the_set(literals: list[bytes]) -> None:
    expression = literals_expression(literals)
    for text in TEXTS:
        assert matches(expression, text) == (text in literals)


@given(words, st.sampled_from([1, 3, 500]))
def test_a_grammar_accepts_its_choices_only(choices: list[str], most_in_a_terminal: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choices_module, "MOST_IN_A_TERMINAL", most_in_a_terminal)
        grammar = from_choices(choices)
        for choice in choices:
            assert grammar.accepts(choice)
            for other in (choice + "a", choice[:-1], "\u00ea" + choice[1:]):
                assert grammar.accepts(other) == (other in choices)
        assert shortest_way_out(grammar) == min(len(choice.encode()) for choice in choices)


def test_nested_prefixes_make_no_deep_expression() -> None:
    def depth(expression: Expression) -> int:
        return 1 + max(map(depth, expression.children), default=0)

    literals = [b"a" * length for length in range(300)]
    expression = literals_expression(literals)
    assert depth(expression) < 200
    assert all(
        matches(expression, b"a" * length) == (length < 300) for length in (0, 1, 59, 60, 61, 299, 300)
    )


def test_many_choices_are_expanded_only_where_they_are_reached() -> None:
    grammar = from_choices([f"item-{number:06}" for number in range(100_000)])
    assert grammar.accepts("item-099999")
    assert not grammar.accepts("item-100000")
    assert not grammar.accepts("item-09999")


def test_repetitions_and_the_empty_string() -> None:
    grammar = from_choices(["", "a", "a"])
    assert grammar.accepts("")
    assert grammar.accepts("a")
    assert not grammar.accepts("aa")
    assert from_choices([""]).accepts("")
    assert not from_choices([""]).accepts("a")


def test_choices_pickle() -> None:
    grammar = pickle.loads(pickle.dumps(from_choices(["yes", "no"])))
    assert grammar.accepts("yes")
    assert not grammar.accepts("maybe")


def test_an_empty_list_is_unsatisfiable() -> None:
    with pytest.raises(UnsatisfiableError, match="no choices"):
        from_choices([])


@pytest.mark.parametrize("choices", ["yes", b"yes", 3, None, {"yes": 1}])
def test_only_lists_are_choices(choices: object) -> None:
    with pytest.raises(GrammarSyntaxError, match="list of strings"):
        from_choices(choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("choice", [1, None, b"a", "\ud800"])
def test_a_choice_that_is_no_text_is_named(choice: object) -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_choices(["fine", choice])  # type: ignore[list-item]
    assert caught.value.location == "/1"


def test_advice_for_what_is_no_list() -> None:
    for choices, advice in (
        (iter(["yes"]), r"write list\(choices\)"),
        ({"yes", "no"}, r"write list\(choices\)"),
        ("yes", "put a single string into a list"),
        (5, "put a single string into a list"),
    ):
        with pytest.raises(GrammarSyntaxError, match=advice):
            from_choices(choices)  # type: ignore[arg-type]
