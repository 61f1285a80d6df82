"""What is said about rules that can be used and are probably mistaken.

That a terminal is never read is compared with Lark, which lexes all short texts: it must never be seen.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
from tokentrellis import GrammarWarning, from_ebnf, from_gbnf, from_lark
from tokentrellis.grammars.errors import ConstraintError, UnsatisfiableError
from tokentrellis.grammars.remarks import NO_END, without_end
from tokentrellis.grammars.rules import simplify

from tests.lark_grammars import CONTEXTUAL
from tests.oracles.context_free import all_texts, derives, random_rules
from tests.properties.test_random_lark import random_grammar

lark = pytest.importorskip("lark")


def remarks_of(read: Any, text: str, **options: Any) -> dict[str, str]:
    """The remarks, which are those of the warning."""
    with pytest.warns(GrammarWarning) as caught:
        grammar = read(text, **options)
    assert len(caught) == 1
    assert str(caught[0].message) == "; ".join(f"{name}: {what}" for name, what in grammar.remarks)
    assert caught[0].filename == __file__
    return dict(grammar.remarks)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (from_gbnf, 'root ::= a | "x"\na ::= "(" b ")"\nb ::= a "y" | a+\nc ::= "c"'),
        (from_ebnf, 'root ::= a | "x" a ::= "(" b ")" b ::= a "y" | a+ c ::= "c"'),
        (from_lark, 'root: a | "x"\na: "(" b ")"\nb: a "y" | a+ "z"\nc: "c"'),
    ],
)
def test_rules_without_an_end_and_rules_that_nothing_reaches(read: Any, text: str) -> None:
    options = {"start": "root"} if read is from_lark else {}
    remarks = remarks_of(read, text, **options)
    assert remarks == {"c": "nothing reaches it from 'root'", "a": NO_END, "b": NO_END}
    if read is from_lark:
        assert remarks_of(read, text, lexer="dynamic", **options) == remarks


def test_rules_without_an_end_are_those_that_derive_nothing() -> None:
    n_found = 0
    for seed in range(150):
        rules = random_rules(random.Random(seed))
        found = simplify(rules, "r0").without_end
        n_found += len(found)
        for name in found:
            assert not any(derives(rules, name, text) for text in all_texts(3))
    assert n_found > 20


def test_without_end() -> None:
    options = {
        "a": [["b"], []],
        "b": [["b", "a"]],
        "c": [["c"], ["b", "a"]],
        "d": [["a", "a"], ["b"]],
        "e": [],
    }
    assert without_end(options) == ["b", "c", "e"]


def test_a_terminal_that_another_one_takes() -> None:
    remarks = remarks_of(from_lark, "start: NAME | IF\nNAME: /[a-z]+/\nIF: /if/")
    assert list(remarks) == ["IF"]
    assert "never read: wherever it may stand, NAME may too" in remarks["IF"]
    remarks = remarks_of(from_lark, 'start: NAME | "if" x\nx: IF\nNAME.2: /[a-z]+/\nIF: "if"')
    assert remarks["IF"].startswith("not read where NAME may stand too")
    remarks = remarks_of(from_lark, 'start: (REST | "#")*\nREST.1: /[^a]+/')
    assert list(remarks) == ["'#'"] or list(remarks) == ["HASH"]


@pytest.mark.parametrize("name", CONTEXTUAL)
def test_nothing_is_said_about_grammars_that_are_meant(name: str) -> None:
    given = CONTEXTUAL[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", GrammarWarning)
        from_lark(given if isinstance(given, str) else given[0])


def test_what_is_never_read_is_never_seen_by_lark() -> None:
    texts = ["".join(text) for length in range(1, 5) for text in product("ab ", repeat=length)]
    n_checked = 0
    for seed in range(200):
        grammar_text = random_grammar(random.Random(seed))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GrammarWarning)
                grammar = from_lark(grammar_text)
        except ConstraintError:
            continue
        never = {name for name, what in grammar.remarks if what.startswith("never read")}  # type: ignore[attr-defined]
        if not never:
            continue
        n_checked += len(never)
        assert not never & seen_by_lark(grammar_text, texts), (seed, grammar_text)
    assert n_checked >= 5


def seen_by_lark(grammar_text: str, texts: list[str]) -> set[str]:
    """The names of the terminals that Lark's contextual lexer finds, in texts that go wrong later too."""
    parser = lark.Lark(grammar_text, parser="lalr", lexer="contextual")
    found: set[str] = set()
    for text in texts:
        interactive = parser.parse_interactive(text)
        try:
            for token in interactive.lexer_thread.lex(interactive.parser_state):
                found.add(token.type)
                interactive.feed_token(token)
        except lark.exceptions.UnexpectedInput:
            continue
    return found


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (partial(from_lark, lexer="contextual"), 'start: "a" start'),
        (partial(from_lark, lexer="dynamic"), 'start: "a" start'),
        (partial(from_lark, lexer="contextual"), '?start: rest "a"\nrest: start | "b" rest\n%ignore " "'),
        (partial(from_lark, lexer="dynamic"), '?start: rest "a"\nrest: start | "b" rest\n%ignore " "'),
        (partial(from_lark, lexer="dynamic"), 'start: /a(?=b)/ "c"'),
        (partial(from_lark, lexer=None), 'start[capture]: "a" start'),
        (partial(from_gbnf, start="start"), 'start ::= "a" start'),
        (from_ebnf, 'start = "a", start;'),
        (partial(from_ebnf, captures=["start"]), 'start = "a", start;'),
    ],
)
def test_a_start_without_a_text_is_one_error_that_names_it(read: Callable[[str], object], text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnsatisfiableError, match="rule 'start' derives no text"):
            read(text)
