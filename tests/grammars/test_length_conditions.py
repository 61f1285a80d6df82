"""Length conditions taken out of a language: the same texts, by brute force."""

from __future__ import annotations

import pytest
from tokentrellis.grammars.expressions import REPEAT, UNLIMITED, Expression
from tokentrellis.grammars.length_conditions import within_length, without_length_conditions
from tokentrellis.grammars.nullable import bounds
from tokentrellis.grammars.regex import pattern_expression

from tests.oracles.regular import all_texts, matches

TEXTS = all_texts("a.b", 6)
PATTERNS = [
    r"^(?=.{1,4}$)(a\.?){1,2}b*$",
    r"^(?=.{2,5}$)(?!.*b)((a{1,2}\.){1,2}(?!\.*$)[a.]+)$",
    r"^(?=.{3}$)(?=[ab]{0,5}$).*$",
    r"^(?=.{2,}$)(a|b{0,3}){0,3}$",
    r"^(?=.{4}$)(?=.{2}$)a*$",
    r"^(?=.{0,3}$)(?!(aa?){2,3}$)(?=.{1,6}$)[ab]{0,9}$",
    r"^(a\.){1,3}$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_same_texts(pattern: str) -> None:
    language = pattern_expression(pattern, syntax="ecma", search=True)
    content, least, most = without_length_conditions(language)
    for text in TEXTS:
        fits = least <= len(text) and (most == UNLIMITED or len(text) <= most)
        expected = matches(language, text.encode())
        assert (fits and matches(content, text.encode())) is expected, (pattern, text)


@pytest.mark.parametrize("most", range(7))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_within_a_length_nothing_changes(pattern: str, most: int) -> None:
    language = pattern_expression(pattern, syntax="ecma", search=True)
    relaxed = within_length(language, most)
    for text in TEXTS:
        if len(text) <= most:
            assert matches(relaxed, text.encode()) is matches(language, text.encode()), (pattern, text)


@pytest.mark.parametrize(
    "pattern", [r"^(?=[ab]{16}$).*b", rf"^(?={'.' * 16}$)[ab]*$", r"^(?=[ab]{16,17}$)(?!.*b$)"]
)
def test_repeats_of_a_character_are_counted(pattern: str) -> None:
    language = pattern_expression(pattern, syntax="ecma", search=True)
    content, least, most = without_length_conditions(language)
    assert (least, most) == (16, 17 if "17" in pattern else 16)
    for text in ["a" * 16, "a" * 15 + "b", "a" * 17, "b" + "a" * 16, "a" * 15, "b" * 15, "a." * 8]:
        fits = least <= len(text) <= most
        assert (fits and matches(content, text.encode())) is matches(language, text.encode()), text


def test_bounds_that_follow_are_gone() -> None:
    """127 labels of two characters, and one more, are 255: who counts characters need not count labels."""
    pattern = r"^(?=.{1,255}$)(?!xy)((.{1,63}\.){1,127}[a-z]+)$"
    content, least, most = without_length_conditions(pattern_expression(pattern, syntax="ecma", search=True))
    assert (least, most) == (1, 255)
    assert upper_bounds(content) == {UNLIMITED, 63}
    longer = pattern.replace("255", "257")
    content, _, _ = without_length_conditions(pattern_expression(longer, syntax="ecma", search=True))
    assert upper_bounds(content) == {UNLIMITED, 63, 127}


def upper_bounds(expression: Expression) -> set[int]:
    """The upper bounds of all repeats of an expression, those of nothing or one left out."""
    found = set().union(*map(upper_bounds, expression.children))
    if expression.kind == REPEAT and bounds(expression)[1] != 1:
        found.add(bounds(expression)[1])
    return found
