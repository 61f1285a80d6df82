"""GBNF: what the notation means, and what is said of text that is none."""

from __future__ import annotations

import json
import pickle
import random

import pytest
from tokentrellis import Vocabulary, compile_grammar
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    GrammarWarning,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.gbnf import from_gbnf
from tokentrellis.grammars.grammar import TokenEdge

from tests.masks import allowed_tokens

JSON = r"""
# as llama.cpp has it
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""


@pytest.mark.parametrize(
    ("rules", "accepted", "refused"),
    [
        ('root ::= "a" | "b" "c"', ["a", "bc"], ["b", "abc", ""]),
        ('root ::= "a"\n| "b"\n  | "c"', ["a", "b", "c"], ["ab"]),
        ("root ::= [a-c] [^a-c] .", ["adz", "bé\n", "c😀a"], ["aaz", "ad"]),
        (r'root ::= "\x41\u00e9\U0001F600\n\t\"\\"', ['Aé😀\n\t"\\'], ["A"]),
        (r"root ::= [\]\-\\^a]+", ["]-\\^a"], ["b"]),
        ("root ::= [-a]+ [a-]", ["a-a", "--"], ["b-"]),
        ('root ::= "a"* "b"+ "c"?', ["b", "aabbc"], ["a", "ac"]),
        ('root ::= "a"{2} "b"{1,} "c"{0,2} "d"{,1}', ["aab", "aabbbccd"], ["ab", "aabccc"]),
        ('root ::= ("a" "b"?){2}', ["aa", "abab", "aba"], ["a", "abb"]),
        ('root ::= x-1 | x_2\nx-1 ::= "a"\nx_2 ::= "b" # the end', ["a", "b"], ["ab"]),
        ("root ::= ()", [""], ["a"]),
        ('root ::= | "a" root', ["", "aaa"], ["ab"]),
        ('root ::= root "," item | item\nitem ::= [a-z]', ["a", "a,b,c"], ["a,", ",a"]),
        ('root ::= none root "x" | "y"\nnone ::= "z"?', ["y", "yx", "zyx"], ["zy"]),
        ('root ::= root root | "a"', ["a", "aaaa"], ["", "b"]),
    ],
)
def test_meaning(rules: str, accepted: list[str], refused: list[str]) -> None:
    grammar = from_gbnf(rules)
    for text in accepted:
        assert grammar.accepts(text), text
    for text in refused:
        assert not grammar.accepts(text), text


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        (
            'root ::= "a" itm\nitem ::= "b"',
            UnresolvedReferenceError,
            "line 1, column 14: .*did you mean 'item'",
        ),
        ('main ::= "a"', UnresolvedReferenceError, "the start rule is not defined, got 'root'"),
        ("", UnresolvedReferenceError, "the start rule is not defined"),
        ('root ::= "a', GrammarSyntaxError, "line 1, column 10: the string is not closed"),
        ("root ::= [a", GrammarSyntaxError, "the character class is not closed"),
        ("root ::= [z-a]", GrammarSyntaxError, "ends in the wrong order"),
        ('root ::= ("a"', GrammarSyntaxError, "line 1, column 10: the group is not closed"),
        ('root ::= "a")', GrammarSyntaxError, "this cannot stand in a rule"),
        ('root = "a"', GrammarSyntaxError, "must be followed by '::='"),
        ('::= "a"', GrammarSyntaxError, "a rule must begin with its name"),
        ('root ::= "a"\nroot ::= "b"', GrammarSyntaxError, "line 2, column 1: rule 'root' is defined twice"),
        ('root ::= "a"{3,1}', GrammarSyntaxError, "bounds in the wrong order"),
        ('root ::= "a"{}', GrammarSyntaxError, "bounds of the repetition are not valid"),
        ('root ::= "\\q"', GrammarSyntaxError, r"the escape \\q is not known"),
        ('root ::= "\\ud800"', GrammarSyntaxError, "hexadecimal digits of a character"),
        ("root ::= <think>", UnresolvedReferenceError, "pass special_tokens"),
        ("root ::= !<[3]>", UnsupportedFeatureError, "any token but one"),
        ('root ::= "a" root', UnsatisfiableError, "rule 'root' derives no text"),
        ("root ::= " + "(" * 200, GrammarSyntaxError, "groups nest deeper than 100"),
        (b"root", GrammarSyntaxError, "must be a string"),
    ],
)
def test_errors(rules: str, error: type[ConstraintError], message: str) -> None:
    with pytest.raises(error, match=message):
        from_gbnf(rules)


def test_errors_show_the_place() -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_gbnf('root ::= "a"\nitem ::= "b" ]')
    assert str(caught.value).endswith('\n    item ::= "b" ]\n                 ^')


def test_remarks_name_what_nothing_reaches() -> None:
    with pytest.warns(GrammarWarning, match="spare"):
        grammar = from_gbnf('root ::= "a"\nspare ::= "b"')
    assert grammar.remarks == (("spare", "nothing reaches it from 'root'"),)


def test_special_tokens_are_tokens() -> None:
    vocabulary = Vocabulary(
        [b"a", b"<", b"<think>", b"<end>", b"</think>"], eos_token_ids=[3], special_token_ids=[2, 4]
    )
    grammar = from_gbnf('root ::= <think> "a"* <[4]> "a"', special_tokens={"<think>": 2})
    assert any(isinstance(edge, TokenEdge) for edge in grammar.expand(grammar.start).edges)
    matcher = compile_grammar(grammar, vocabulary).matcher()
    for token, expected in ((2, {2}), (0, {0, 4}), (4, {0, 4}), (0, {0})):
        assert set(allowed_tokens(matcher)) == expected
        matcher.accept_token(token)
    assert set(allowed_tokens(matcher)) == {3}


def test_json_documents(byte_vocabulary: Vocabulary) -> None:
    compiled = compile_grammar(from_gbnf(JSON), byte_vocabulary)
    rng = random.Random(0)
    for _ in range(30):
        matcher, written, budget = compiled.matcher(), bytearray(), 60
        while True:
            token = rng.choice(allowed_tokens(matcher, budget))
            matcher.accept_token(token)
            if matcher.is_terminated:
                break
            written.append(token)
            budget -= 1
        assert isinstance(json.loads(written), dict)
    assert from_gbnf(JSON).accepts('{"a": [1, 2.5e3, "x\\u00e9", {}, null ]}')


def test_pickles_by_its_source() -> None:
    grammar = pickle.loads(pickle.dumps(from_gbnf(JSON)))
    assert grammar.accepts("{}")
