"""Back-references that are regular: the texts of Python's `re`, and by hand where ECMA-262 differs."""

from __future__ import annotations

import re

import pytest
from tokentrellis.grammars.errors import LimitExceededError, UnsupportedFeatureError
from tokentrellis.grammars.regex import pattern_expression

from tests.oracles.regular import all_texts, matches

TEXTS = all_texts("ab'", 5)
PATTERNS = [
    r"(['a]).*\1",
    r"^(['a]).*\1$",
    r"(a|b'?)\1",
    r"^(a?)b*\1$",
    r"^(a|b)(a|b)\2\1$",
    r"^((a|b)')\1\2$",
    r"^(?P<quote>'?)[ab]*(?P=quote)$",
    r"^(?:(a|b)\1)*'$",
    r"^(?:a|(b))'?(?:\1|a)$",
    r"^(a)?b\1$",
    r"^(a|b)(?!\1)",
    r"(?=(a|b)\1)a",
    r"^(a{1,2})'\1*$",
    r"^([ab])(?:'|\1)+$",
    r"(?:(a|b)'){2}|(')\2",
    r"^(?i:(a|b))\1$",
    r"^('?)([ab]?)\2\1$|^b(a)\3",
    r"^(a|b|(?:'))\1\1?$",
]


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_texts_of_re(pattern: str, search: bool) -> None:
    compiled = re.compile(pattern)
    wanted = compiled.search if search else compiled.fullmatch
    language = pattern_expression(pattern, syntax="python", search=search)
    verdicts = {text: wanted(text) is not None for text in TEXTS}
    nothing_whole = r"(?=(a|b)\1)a"  # it looks further than it reads
    assert set(verdicts.values()) == ({False} if pattern == nothing_whole and not search else {False, True})
    for text, verdict in verdicts.items():
        assert matches(language, text.encode()) is verdict, (pattern, text)


# A group that took no part is the empty text here, and nothing in Python.
ECMA = [
    (r"^(a)?b\1$", ["b", "aba"], ["ab", "ba", "bab"]),
    (r"^(?:(a)|b)\1$", ["aa", "b"], ["a", "ba", "bb", "ab"]),
    (r"^(?<q>['\"])\w*\k<q>$", ["''", '"ab"', "'a'"], ["'\"", '"a', "a"]),
    (r"^\d{4}([-/])\d\d\1\d\d$", ["2024-01-02", "2024/01/02"], ["2024-01/02", "2024/01-02"]),
    (r"^(?:(a)?\1b)*$", ["", "b", "aab", "aabb", "baab"], ["ab", "aabab", "a"]),
    (r"^([a-z]{1})\1$", ["aa", "zz"], ["ab", "a", "aaa"]),
]


@pytest.mark.parametrize(("pattern", "accepted", "refused"), ECMA, ids=[case[0] for case in ECMA])
def test_ecma(pattern: str, accepted: list[str], refused: list[str]) -> None:
    language = pattern_expression(pattern, syntax="ecma", search=True)
    for text in accepted:
        assert matches(language, text.encode()), text
    for text in refused:
        assert not matches(language, text.encode()), text


def test_limits() -> None:
    pattern_expression(r"^([a-z]{1}|[0-9]{2})x\1$", syntax="ecma", search=True)
    with pytest.raises(UnsupportedFeatureError):
        pattern_expression(r"^([a-z]{2})\1$", syntax="ecma", search=True)
    with pytest.raises(LimitExceededError):
        pattern_expression("(a)" + r"\1" * 200, syntax="ecma", search=True)
    with pytest.raises(LimitExceededError):
        pattern_expression(r"^([a-z])([a-z])([a-z])([a-z])\1\2\3\4$", syntax="ecma", search=True)
    with pytest.raises(UnsupportedFeatureError):
        pattern_expression("(" + "(a|b)" * 20 + r")\1", syntax="ecma", search=True)
