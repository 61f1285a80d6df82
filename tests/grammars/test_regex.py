"""Which texts a pattern matches: against Python's `re`, and by hand where ECMA-262 differs."""

from __future__ import annotations

import itertools
import pickle
import random
import re
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.errors import UnsatisfiableError, UnsupportedFeatureError
from tokentrellis.grammars.expressions import EMPTY
from tokentrellis.grammars.regex import from_regex, pattern_expression
from tokentrellis.grammars.utf8 import ANY_TEXT

from tests.oracles.regular import all_texts, matches

# Until Python 3.14 `\B` did not match the empty text.
EMPTY_TEXT_HAS_NO_BOUNDARY = sys.version_info >= (3, 14)


def check_against_re(pattern: str, texts: list[str]) -> None:
    """Search and full match of each text, as `re` does it."""
    compiled = re.compile(pattern)
    for search, match in ((True, compiled.search), (False, compiled.fullmatch)):
        expression = pattern_expression(pattern, syntax="python", search=search)
        for text in texts:
            if text or "\\B" not in pattern or EMPTY_TEXT_HAS_NO_BOUNDARY:
                expected = match(text) is not None
                assert matches(expression, text.encode()) == expected, (pattern, search, text)


ATOMS = ["a", "b", "^", "$", r"\b", ""]
QUANTIFIERS = ["*", "+", "?", "{2}", "{0,2}", "{2,}"]


def small_patterns() -> list[str]:
    """Every atom, every pair of atoms in sequence and as alternatives, and all of them repeated."""
    pairs = [f"{left}{right}" for left in ATOMS for right in ATOMS]
    pairs += [f"(?:{left}|{right})" for left in ATOMS for right in ATOMS]
    return [*ATOMS, *pairs, *(f"(?:{part}){quantifier}" for part in pairs for quantifier in QUANTIFIERS)]


def test_all_small_patterns_on_all_short_texts() -> None:
    texts = all_texts("ab", 2)
    for pattern in small_patterns():
        check_against_re(pattern, texts)


# fmt: off
LOOKING_BACK = [
    "(?<=ab)c", "(?<!ab)c", "a(?<=ba)c", "a(?<!ba)c", "(?<=ab)c$", "(?<!ab)c+$", "^a*(?<=aa)b", "^a*(?<!aa)b",
    "(?<=ab|cc)a(?<!ca)b", "x|(?<=aa)b", "(?<!^a)b", "(?<=^a)b", "(?<=ab)(?=cc)c", "(?:ab)*(?<=ab)(?<!cab)c",
    "(?<!ab)", "(?<=ab)", "(?<!ab)$", "^.*(?<!ab)$", "(?<=a.)c", "[ab]{2}(?<!aa)c", "(?<=aba)(?<!caba)b",
    "(?:(?<=aa)b|c)a", "c?(?:a|(?:(?<!bc)b|c))(?<=ca)a", "(?<=ab)c{2,3}(?<!bccc)a",
]
# fmt: on


@pytest.mark.parametrize("pattern", LOOKING_BACK)
def test_look_behind_on_all_short_texts(pattern: str) -> None:
    check_against_re(pattern, all_texts("abc", 5))


def test_small_patterns_in_sequence() -> None:
    generator = random.Random(20260718)
    parts = small_patterns()
    texts = [*all_texts("ab", 3), "\n", "a\n", "\na", "a\nb"]
    for _ in range(80):
        left, right = generator.sample(parts, 2)
        check_against_re(
            generator.choice(["{}{}", "(?:{}|{})", "(?:{}{})*", "(?:{}{})?a"]).format(left, right), texts
        )


def quantified(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(parts, st.sampled_from([*QUANTIFIERS, "*?", "{,2}"])).map(
        lambda pair: f"(?:{pair[0]}){pair[1]}"
    )


ASSERTIONS = [
    "^",
    "$",
    r"\A",
    r"\Z",
    r"\b",
    r"\B",
    "(?m:^)",
    "(?m:$)",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<![ab])",
]
patterns = st.recursive(
    st.sampled_from(
        ["a", "b", "\u00e9", "ab", "-", ".", "[ab]", "[^a]", r"\w", r"\W", r"\n", r"\s", *ASSERTIONS]
    ),
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map("".join),
        st.lists(parts, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        quantified(parts),
        parts.map(lambda part: f"(?={part})"),
        parts.map(lambda part: f"(?!{part})"),
        parts.map(lambda part: f"(?i:{part})"),
    ),
    max_leaves=8,
)
framed = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^", "^(?!.*ab)"]),
    patterns,
    st.sampled_from(["", "$", "(?<!ab)$", r"\Z"]),
)


@settings(max_examples=200, deadline=None)
@given(framed, st.lists(st.text("abA-\n\u00e9", max_size=5), min_size=5, max_size=12))
def test_any_pattern_agrees_with_re(pattern: str, texts: list[str]) -> None:
    try:
        check_against_re(pattern, ["", *texts])
    except UnsupportedFeatureError:
        assume(False)


def looks_at_neighbours_only(pattern: str) -> bool:
    return not re.search(r"\(\?<?[=!]", re.sub(r"\(\?<?[=!](?:a|b|\[ab\])\)", "", pattern))


@given(patterns.filter(looks_at_neighbours_only))
@settings(max_examples=60, deadline=None)
def test_without_look_around_the_result_is_regular(pattern: str) -> None:
    for search in (True, False):
        assert pattern_expression(pattern, syntax="python", search=search).regular


ANCHORS_IN_ODD_PLACES = [
    "^a|b$",
    "(^a|b)c",
    "a$|^b",
    "x*^a",
    "(^|,)a(,|$)",
    "(a|$)*",
    "(a(,|$)){2,}",
    "(^a|b)*c",
    "(^|b){2}a",
    "a^b",
    "a$b",
    "$^",
    "^^a$$",
    "(?:^a?)+b",
    "(?:^|a|$)*",
    "a?^b?$",
    "(a$)?b?",
    "(?:a|^b$)",
    "(^a$)*",
]


@pytest.mark.parametrize("pattern", ANCHORS_IN_ODD_PLACES)
def test_anchors_in_odd_places(pattern: str) -> None:
    check_against_re(pattern, all_texts("ab,", 4))
    ecma = pattern_expression(pattern, search=True)
    assert ecma.regular
    for text in all_texts("ab,", 4):
        assert matches(ecma, text.encode()) == (re.search(pattern, text) is not None)


LOOKS = [
    r"^(?!ab)[ab]*$",
    r"^(?=a)(?!.*bb)[ab]+$",
    r"^(?=.{2,3}$)a*b*$",
    r"(?!ab)a",
    r"(?=ab).b",
    r"^((?!ab).)*\Z",
    r"^(?:(?!ab)[ab])+\Z",
    r"^(?:(?=a.)[ab])*\Z",
    r"^a(?!b+$)[ab]*$",
    r"^(a(?:(?!.*bb)[ab]*b)?)$",
    r"^[ab]+(?<!ba)\Z",
    r"^(?!b)[ab]{1,3}(?<!b)$",
    r"(?<!a)b",
    r"a(?!b)",
    r"^(?!a$)",
    r"(?:^(?!a)|b)a",
    r"^(?!^a|b).*",
    r"^(?!.*(?!a)b)[ab]*$",
    r"^(?=a\b)",
    r"^(?!.*\bb).*\ba",
]


@pytest.mark.parametrize("pattern", LOOKS)
def test_look_around(pattern: str) -> None:
    check_against_re(pattern, all_texts("ab-", 4))


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)straSSe",
        r"(?i)[^k]",
        r"(?i)[a-z]+",
        r"(?i)\u0130|\u01c5",
        r"(?ai)k",
        r"(?i:k)k",
        r"(?i)(?-i:k)k",
        r"(?s)a.b",
        r"a.b",
        r"(?m)^b$",
        r"(?m)^$",
        r"\bb",
        r"a$",
        "(?x) a b # comment\n [ ] c",
        "(?x:a b)c d",
        r"(?#comment)a(?#another)*",
        r"(?P<name>a)b",
        r"\x61\u0062\U00000063\t\a\N{DIGIT ONE}\0\101\07",
        r"[]a]|[^]a]b",
        r"[a\-z-]",
        r"[\d\s-]",
        r"[^\W\d_]",
        r"a{,2}b",
        r"a{b}{",
        r"x{1,y}",
        r"(?a)\w\d\s",
        r"\w\d\s",
        r"\W|\D\S",
    ],
)
def test_python_syntax(pattern: str) -> None:
    characters = "abcdkKsS\u017f\u212a\u0131\u0130\u01c4\u01c5\u00e9\u0661\n \u00a0\x1c-_]{1"
    texts = [*characters, *("".join(pair) for pair in itertools.product(characters, repeat=2))]
    texts += [
        "stra\u00dfe",
        "STRASSE",
        "stra\u017f\u017fe",
        "a\nb",
        "a\nb\n",
        "axb",
        "aab",
        "a{b}{",
        "x{1,y}",
        "a c",
        "ab c",
    ]
    texts += ["ab\ncd", "abc d", "abc\t\x071\0A\x07", "a_1", "\u00e91 ", "abcd"]
    check_against_re(pattern, texts)


# ECMA-262, found anywhere in the text: pattern, texts that match, texts that do not.
ECMA_CASES = [
    (r"\d", ["1"], ["\u0661", "a"]),
    (r"^\w$", ["a", "_", "Z", "0"], ["\u00e9", "-", "\u017f"]),
    (r"^\s$", [" ", "\t", "\u00a0", "\ufeff", "\u2028", "\u3000"], ["\x1c", "\x85", "\u180e", "a"]),
    (r"^.$", ["a", "\x85", "\U0001f600"], ["", "\n", "\r", "\u2028", "\u2029", "ab"]),
    (r"^[^]$", ["\n", "a", "\U0001f600"], ["", "ab"]),
    (r"[]", [], ["", "a", "]"]),
    (r"a[]|b", ["b"], ["a"]),
    (r"^a$", ["a"], ["a\n", "\na"]),
    (r"^\-\_\@\/\:\"\'\~\#\&$", ["-_@/:\"'~#&"], ["\\-_"]),
    (r"^a{$", ["a{"], ["a"]),
    (r"^a{,2}$", ["a{,2}"], ["a", "aa", ""]),
    (r"^x{1,2}{$", ["x{", "xx{"], ["x"]),
    (r"^]}$", ["]}"], []),
    (r"^\cJ$", ["\n"], ["J"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\u{1F600}\u0061\x61$", ["\U0001f600aa"], []),
    (r"^\uD83D\uDE00$", ["\U0001f600"], []),
    (r"^[\uD83D\uDE00-\uD83D\uDE02]$", ["\U0001f600", "\U0001f601"], ["\U0001f603"]),
    (r"\uD83D", [], ["\U0001f600", "a"]),
    (r"^[\uD800-\uDBFF]|a$", ["a"], ["\U0001f600"]),
    (r"^\0\7\101$", ["\0\x07A"], []),
    (r"^\8$", ["8"], []),
    (r"^[\w-.]$", ["a", "-", "."], ["/", ","]),
    (r"^[a-\d]$", ["a", "-", "5"], ["b"]),
    (r"^[\d-x]$", ["5", "-", "x"], ["y"]),
    (r"^[-a]$|^[b-]$", ["-", "a", "b"], ["c"]),
    (r"^[.*+^$]$", [".", "*", "^", "$"], ["a"]),
    (r"^\p{L}\P{L}$", ["a1", "\u00e9-"], ["11", "aa"]),
    (r"^\p{Lu}+$", ["A\u00c9\u0416"], ["a", ""]),
    (r"^\p{Script=Greek}\p{sc=Cyrl}\p{Letter}\p{gc=Nd}$", ["\u03b1\u0436a\u0661"], ["a\u0436a1"]),
    (r"^[\p{L}\d]$", ["\u00e9", "5"], ["-"]),
    (r"^\p{ASCII}\p{Any}$", ["a\U0001f600"], ["\u00e9a"]),
    (r"^\p{Emoji_Presentation}\P{Emoji}$", ["\U0001f600a"], ["a\U0001f600", "\U0001f6001"]),
    (r"^[\p{ID_Start}$_][\p{IDC}$]*$", ["\u00e9t\u00e91", "$"], ["1a", "a-"]),
    (r"^\p{scx=Deva}+\p{Script_Extensions=Greek}$", ["\u0915\u0964\u03b1"], ["\u0915a", "\u0964"]),
    (r"^(?i:\p{Lowercase}\p{Alpha})$", ["aB", "AB"], ["1a"]),
    (r"^(?i:\P{Lu}[\P{Ll}][^\p{Lu}])$", ["Aa1", "aA-", "111"], ["11a", "11A"]),
    (r"^(?<year>\d{4})-(?P<month>\d\d)$", ["2026-07"], ["26-07"]),
    (r"^(?:a|b)+?c??$", ["ab", "abc"], ["c", "cc"]),
    (r"^(?i:k)$", ["k", "K", "\u212a"], ["c"]),
    (r"^(?i:[a-c]\u00df)$", ["B\u00df", "b\u1e9e"], ["d\u00df"]),
    (r"(?i)^ab$", ["aB"], ["a"]),
    (r"^a(?s:.)b(?m:$)", ["a\nb", "a\rb\rc"], ["a\nbc"]),
    (r"\bcat\b", ["cat", "a cat.", "\u00e9cat"], ["concat", "cats", "cat_"]),
    (r"^\Bx|x\B$", [], ["x", "", "ax", "xa"]),
    (r"x\B", ["xa", "x_"], ["x", "x-"]),
    (r"^\S+(\s\S+){0,2}$", ["a b c", "\u00e9"], ["", "a b c d", " a"]),
    (r"", ["", "a"], []),
    (r"^$", [""], ["a", "\n"]),
    (r"^\$\{[^}]+\}$", ["${a}"], ["${}"]),
    (r"^(?!\.)(?!.*\.\.)[a-z.]+$", ["a.b"], [".a", "a..b", ""]),
    (r"^(?!-)[a-z-]{1,63}(?<!-)$", ["a-b", "a"], ["-a", "a-", "-"]),
]


@pytest.mark.parametrize(("pattern", "accepted", "refused"), ECMA_CASES, ids=[case[0] for case in ECMA_CASES])
def test_ecma_262(pattern: str, accepted: list[str], refused: list[str]) -> None:
    expression = pattern_expression(pattern, search=True)
    assert [text for text in accepted if not matches(expression, text.encode())] == []
    assert [text for text in refused if matches(expression, text.encode())] == []


def test_search_finds_the_pattern_anywhere() -> None:
    assert pattern_expression("", search=True) is ANY_TEXT
    assert pattern_expression("a*", search=True) is ANY_TEXT
    assert pattern_expression("^.*a.*$", search=False) is not ANY_TEXT
    assert pattern_expression("[^]*ab?[^]*", search=True) is pattern_expression("a", search=True)


@pytest.mark.parametrize("pattern", ["[]", "a^b", "a$b", r"\uD800", "(?:a[])+", r"a\bb", "$a", "[^\\s\\S]"])
def test_what_cannot_match_is_empty(pattern: str) -> None:
    assert pattern_expression(pattern, search=False) is EMPTY
    with pytest.raises(UnsatisfiableError) as caught:
        from_regex(pattern, syntax="ecma")
    assert caught.value.source == pattern


@pytest.mark.parametrize(("pattern", "texts", "others"), [
    ("a*", ["", "a", "aa"], ["b"]),
    ("", [""], ["a"]),
    (r"\d{4}-\d\d", ["2026-07"], ["2026-7", ""]),
    ("(a|b?)(c?)", ["", "a", "bc"], ["ab"]),
    (r"\b\w+\b|", ["", "ab"], ["-", "a b"]),
    ("^(?!a)[ab]*$", ["", "ba"], ["ab"]),
])  # fmt: skip
def test_from_regex_is_a_full_match(pattern: str, texts: list[str], others: list[str]) -> None:
    for grammar in (from_regex(pattern), pickle.loads(pickle.dumps(from_regex(pattern)))):
        assert all(grammar.accepts(text) for text in texts)
        assert not any(grammar.accepts(text) for text in others)
        (expansion,) = [grammar.expand(grammar.start)]
        assert not any(edge.terminal.nullable for edge in expansion.edges)  # type: ignore[union-attr]
        assert expansion.final == ("" in texts)


def test_the_syntax_is_pickled_too() -> None:
    grammar = pickle.loads(pickle.dumps(from_regex("[^]", syntax="ecma")))
    assert grammar.accepts("\n")
