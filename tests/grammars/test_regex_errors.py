"""What is not a pattern, what is refused by name, and what is too large: an error with its place, soon."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.regex import Syntax, from_regex, pattern_expression

SYNTAX_ERRORS: list[tuple[Syntax, str, int, str]] = [
    # syntax, pattern, column, words of the message
    ("ecma", "a(b", 2, "not closed"),
    ("ecma", "ab)", 3, "no group to close"),
    ("ecma", "[a-z", 1, "not closed"),
    ("ecma", "a**", 3, "nothing to repeat"),
    ("ecma", "*a", 1, "nothing to repeat"),
    ("ecma", "^*", 2, "nothing to repeat"),
    ("ecma", "a|+", 3, "nothing to repeat"),
    ("ecma", "(?=a)*", 6, "nothing to repeat"),
    ("ecma", "a{2}{3}", 5, "nothing to repeat"),
    ("ecma", "a{3,2}", 2, "wrong order"),
    ("ecma", "[z-a]", 2, "bad character range"),
    ("ecma", "a\\", 2, "ends in a backslash"),
    ("ecma", r"\Aab\Z", 1, "no meaning in ECMA-262"),
    ("ecma", r"ab\z", 3, "no meaning in ECMA-262"),
    ("ecma", r"\xG1", 1, "hexadecimal"),
    ("ecma", r"\u12", 1, "hexadecimal"),
    ("ecma", r"\u{110000}", 1, "code point"),
    ("ecma", r"\p", 1, "property"),
    ("ecma", r"\c1", 1, "letter"),
    ("ecma", "(?>a)", 1, "not known"),
    ("ecma", "a(?i)b", 2, "flags"),
    ("ecma", "(?x)a", 1, "flags"),
    ("ecma", "(?<1>a)", 4, "name of the group"),
    ("python", "a++b**", 2, ""),
    ("python", r"\q", 1, "bad escape"),
    ("python", r"\N{NO SUCH CHARACTER}", 1, "name of a character"),
    ("python", r"[\w-a]", 2, "bad character range"),
    ("python", "(?<n>a)", 1, "not known"),
    ("python", "a(?i)", 2, "flags"),
    ("python", "(?u-a:b)", 1, "flags"),
    ("python", "a\n(b\n", 1, "not closed"),
]


@pytest.mark.parametrize(
    ("syntax", "pattern", "column", "words"), SYNTAX_ERRORS, ids=[case[1] for case in SYNTAX_ERRORS]
)
def test_an_error_has_its_place(syntax: Syntax, pattern: str, column: int, words: str) -> None:
    with pytest.raises((GrammarSyntaxError, UnsupportedFeatureError)) as caught:
        pattern_expression(pattern, syntax=syntax, search=True)
    line = 2 if "\n" in pattern else 1
    assert caught.value.location == (line, column)
    assert caught.value.source == pattern
    assert words in str(caught.value)
    assert str(caught.value).splitlines()[-1].strip() == "^"


UNSUPPORTED: list[tuple[Syntax, str, int, str]] = [
    ("ecma", r"(a*)\1", 5, "back-reference"),
    ("ecma", r"(?<n>a+)\k<n>", 9, "back-reference"),
    ("ecma", r"(?<n>a)\k<m>", 8, "back-reference"),
    ("ecma", r"(.)\1", 4, "back-reference"),
    ("ecma", r"\1(a)", 1, "back-reference"),
    ("ecma", r"(a\1)", 3, "back-reference"),
    ("ecma", r"(?=(a|b))\1", 10, "back-reference"),
    ("ecma", r"(?:(a|b)c)*\1", 12, "back-reference"),
    ("ecma", r"(?i:(a)\1)", 8, "back-reference"),
    ("ecma", r"^\s*<([A-Za-z]+).+?(\/>|\/\1>)\s*$", 27, "back-reference"),
    ("python", r"(?P<n>a*)(?P=n)", 10, "back-reference"),
    ("python", r"(a*)\1", 5, "back-reference"),
    ("python", r"(?:(a)?\1b)*", 8, "back-reference"),
    ("python", "(a)(?(1)b|c)", 4, "conditional group"),
    ("python", "(?>a)", 1, "atomic group"),
    ("python", "a*+", 2, "possessive"),
    ("ecma", r"\p{CWKCF}", 1, "property"),
    ("ecma", r"\p{emoji}", 1, "property"),
    ("ecma", r"[\P{IsGreek}]", 2, "property"),
    ("ecma", r"\p{Script=Klingon}", 1, "property"),
    ("ecma", "^(?:(?!ab)[ab]{2})*$", 5, "look-ahead"),
    ("ecma", "^((?!ab).)*c$", 3, "look-ahead"),
    ("ecma", "(?:a(?<!ba)c)+", 5, "look-behind"),
    ("ecma", r"^(?:a\b)*(?!ab).*$", 10, "look-ahead"),
]


@pytest.mark.parametrize(("syntax", "pattern", "column", "feature"), UNSUPPORTED, ids=range(len(UNSUPPORTED)))
def test_what_is_not_supported_is_named(syntax: Syntax, pattern: str, column: int, feature: str) -> None:
    with pytest.raises(UnsupportedFeatureError) as caught:
        pattern_expression(pattern, syntax=syntax, search=True)
    assert feature in caught.value.feature
    assert caught.value.location == (1, column)
    assert caught.value.advice


HOSTILE = {
    "deep groups": "(" * 10_000 + ")" * 10_000,
    "deep groups with alternatives": "(a|" * 10_000 + ")" * 10_000,
    "unclosed groups": "(?:" * 10_000,
    "nested repeats": "(((a{1000}){1000}){1000})",
    "nested open repeats": "((a{1000,}){1000,}){1000,}",
    "huge bound": "a{999999999999999999999999}",
    "a megabyte": "ab[cd]" * 170_000,
    "a megabyte of alternatives": "|".join(["ab"] * 330_000),
    "boundaries in nested repeats": r"((\ba{300}){300}\b){300}",
    "a long repeat beside a boundary": r"a{100000}\b[^]{100000}",
    "optional parts in nested repeats beside a boundary": r"\b" + "(" * 5 + "|a" + "){99}" * 5 + r"\b",
    "optional parts before an anchor": "a?" * 3000 + "^b",
    "optional parts in nested groups before an anchor": ("a?" * 60 + "(") * 49 + "^b" + ")" * 49,
    "many neighbours": "".join(f"(?={chr(0x100 + i)})" for i in range(1000)),
    "skippable parts beside a boundary": r"\b" + "a?" * 3000 + r"\b",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("syntax", ["ecma", "python"])
def test_hostile_patterns_end_in_an_error(name: str, syntax: Syntax) -> None:
    with pytest.raises((LimitExceededError, GrammarSyntaxError)):
        pattern_expression(HOSTILE[name], syntax=syntax, search=True)


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 49 + "a" + ")" * 49,
        "(" * 49 + "a|^b|c$" + ")*" * 49,
        "(" * 45 + "a|$" + ")*" * 45 + "(^|b)*" * 40,
        "(" * 45 + "^a|$|b" + ")*" * 45,
        "(" * 20 + "^$" + "){9,}" * 20,
        "x" * 100_000,
        r"\9" * 30_000,
        "|".join(f"^{i}$" for i in range(5000)),
        "(?:a{10}){1000}",
        "["
        + "".join(rf"\u{code_point:04x}-\u{code_point:04x}" for code_point in range(0x100, 0x2100, 2))
        + "]",
        r"(\ba{1,200}\b ?){1,20}",
    ],
    ids=range(11),
)
def test_large_but_harmless_patterns_are_fine(pattern: str) -> None:
    pattern_expression(pattern, search=True)


def test_the_limit_is_an_option() -> None:
    with pytest.raises(LimitExceededError) as caught:
        pattern_expression("a{11}", search=False, most_positions=10)
    assert (caught.value.given, caught.value.limit) == (11, 10)
    pattern_expression("a{11}", search=False, most_positions=11)


def test_from_regex_refuses_too() -> None:
    with pytest.raises(GrammarSyntaxError, match="line 1, column 2: the group is not closed"):
        from_regex("a(")


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)c",
        "(?=ab)cd",
        "(?=ab)ad",
        "(?!ab)ab",
        "(?=a.)b",
        "ab(?<=cd)",
        "(?=.*[xy]z)[a-y]{2,99}",
        r"[^\s\S]",
    ],
)
def test_from_regex_refuses_what_matches_nothing(pattern: str) -> None:
    with pytest.raises(UnsatisfiableError, match=r"the pattern matches nothing, got .*exclude each other"):
        from_regex(pattern)


def test_what_takes_long_to_search_is_not_refused() -> None:
    for pattern in ("(?=ab)ab.", "(?=.*a.{14}b$)(?=.*c.{15}a$)[abc]*"):
        from_regex(pattern)


@settings(max_examples=500, deadline=None)
@given(st.text(r"ab01|*+?(){}[]^$\.,-:=!<>P#idsxnwbBAZ", max_size=12))
@example("[]-a]")
@example("[a-]")
@example("a{,}")
@example("{1}")
@example("(?:){2}")
@example("(?i-i:a)")
@example(r"\08")
@example(r"[\8]")
@example(r"\400")
@example("(?i)(?s)a")
@example("(?#b)(?i)a")
@example("(?P<a>a)(?P<a>a)")
def test_python_patterns_are_valid_where_re_says_so(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DeprecationWarning)  # flags in the middle, an error since Python 3.11
        try:
            re.compile(pattern)
            is_valid = True
        except (re.error, OverflowError, DeprecationWarning):
            is_valid = False
    try:
        pattern_expression(pattern, syntax="python", search=True)
    except (UnsupportedFeatureError, LimitExceededError):
        return
    except ConstraintError:
        assert not is_valid
    else:
        assert is_valid
