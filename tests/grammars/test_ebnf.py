"""EBNF in both notations: what it means, and what is said of text that is none."""

from __future__ import annotations

import pickle

import pytest
from tokentrellis.grammars.ebnf import from_ebnf
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    GrammarWarning,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)


@pytest.mark.parametrize(
    ("rules", "accepted", "refused"),
    [
        (
            "sum = term, { ('+' | \"-\"), term };\nterm = 'a' | '(', sum, ')';",
            ["a", "a+a-(a)"],
            ["a+", "a a"],
        ),
        ("s = [ 'a' ], 2 * 'b' .", ["bb", "abb"], ["ab", "abbb"]),
        ("(* comment *) s = 'it''s' / \"(* \";", ["its", "(* "], ["it's"]),
        ("s = d - ('3' | '4'); d = '2' | '3' | '4' | '5';", ["2", "5"], ["3", "4"]),
        ("s = t - 'x'; t = u - 'y'; u = 'x' | 'y' | 'z';", ["z"], ["x", "y"]),
        ("s = s, ',', 'a' | 'a';", ["a", "a,a"], [","]),
        ("sum ::= term (('+' | '-') term)*\nterm ::= [0-9]+ | '(' sum ')'", ["1", "12-(3+4)"], ["1-", ""]),
        ("/* comment */ s ::= #x41 [^#x41-#x43] 'c'?", ["Adc", "Aé"], ["AB", "AC"]),
        ("s ::= Char+ - 'end' Char ::= [a-z]", ["en", "ends", "x"], ["end", ""]),
        ("s ::= 'a'\n  | 'b' t*\nt ::= 'c'", ["a", "bcc"], ["ac"]),
    ],
)
def test_meaning(rules: str, accepted: list[str], refused: list[str]) -> None:
    grammar = from_ebnf(rules)
    for text in accepted:
        assert grammar.accepts(text), text
    for text in refused:
        assert not grammar.accepts(text), text
    assert pickle.loads(pickle.dumps(grammar)).accepts(accepted[0])


def test_the_start_may_be_named() -> None:
    with pytest.warns(GrammarWarning, match="s: nothing"):
        grammar = from_ebnf("s = 'a'; t = 'b';", start="t")
    assert grammar.accepts("b")
    assert grammar.remarks == (("s", "nothing reaches it from 't'"),)


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ("s = 'a'", GrammarSyntaxError, "line 1, column 8: the rule is not ended; add ';'"),
        ("s = 'a", GrammarSyntaxError, "line 1, column 5: the string is not closed"),
        ("s = ['a';", GrammarSyntaxError, "line 1, column 5: the group is not closed; add ']'"),
        ("s ::= [a", GrammarSyntaxError, "the character class is not closed"),
        ("s ::= [z-a]", GrammarSyntaxError, "wrong order"),
        ("s ::= #xD800", GrammarSyntaxError, "hexadecimal number of a character"),
        ("s = 'a'; s = 'b';", GrammarSyntaxError, "defined twice"),
        ("s = 2 * ;", GrammarSyntaxError, "something must follow the number"),
        ("s = 'a' - ;", GrammarSyntaxError, "something must follow '-'"),
        ("s : 'a';", GrammarSyntaxError, "must be followed by '::='"),
        ("= 'a';", GrammarSyntaxError, "must begin with its name"),
        ("s = ? anything ?;", UnsupportedFeatureError, "special sequence"),
        ("s = s2 - 'a'; s2 = 'a' | '(', s2, ')';", UnsupportedFeatureError, "line 1, column 8: an exception"),
        (
            "s = 'x' - s;",
            UnsupportedFeatureError,
            "line 1, column 9: an exception .a - b. that is a part of itself",
        ),
        ("s = ('x' | t) - 'y'; t = '(', s, ')';", UnsupportedFeatureError, "column 15: .* a part of itself"),
        ("start = strat;", UnresolvedReferenceError, "did you mean 'start'"),
        ("", GrammarSyntaxError, "the text has no rule; write: name = "),
        ("(* nothing *)", GrammarSyntaxError, "the text has no rule"),
        ("s = 'a', s;", UnsatisfiableError, "derives no text"),
    ],
)
def test_errors(rules: str, error: type[ConstraintError], message: str) -> None:
    with pytest.raises(error, match=message):
        from_ebnf(rules)
