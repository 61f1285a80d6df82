"""The named sets of characters, against the running Python's `unicodedata`, `str` and `re`."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars import unicode_classes
from tokentrellis.grammars.unicode_classes import Ranges, invert, merge_ranges, overlap

ALL = range(0x110000)
ranges = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=6).map(
    lambda pairs: merge_ranges((min(pair), max(pair)) for pair in pairs)
)


def members(pairs: Ranges) -> set[int]:
    return {code_point for first, last in pairs for code_point in range(first, last + 1)}


@pytest.fixture(scope="module")
def categories() -> list[str]:
    return [unicodedata.category(chr(code_point)) for code_point in ALL]


@given(ranges, ranges)
def test_the_algebra_is_that_of_sets(left: Ranges, right: Ranges) -> None:
    assert members(merge_ranges([*left, *right])) == members(left) | members(right)
    assert members(overlap(left, right)) == members(left) & members(right)
    assert members(overlap(invert(left), ((0, 400),))) == set(range(401)) - members(left)
    assert invert(invert(left)) == left
    for (_, last), (first, _) in itertools.pairwise(left):
        assert last + 1 < first


def test_categories_are_those_of_unicodedata(categories: list[str]) -> None:
    shipped = {}
    for name in sorted(set(categories)):
        shipped.update(dict.fromkeys(members(unicode_classes.general_category(name)), name))
    assert len(shipped) == len(ALL)
    changed = [c for c in ALL if categories[c] not in ("Cn", shipped[c])]
    # Unicode changes the category of a few characters in each version, and the versions differ.
    assert len(changed) < 20


def test_python_classes_are_those_of_str(categories: list[str]) -> None:
    assigned = {code_point for code_point in ALL if categories[code_point] != "Cn"}
    word = {code_point for code_point in assigned if chr(code_point).isalnum() or code_point == ord("_")}
    assert members(unicode_classes.python_word()) & assigned == word
    digits = {code_point for code_point in assigned if chr(code_point).isdecimal()}
    assert members(unicode_classes.general_category("Nd")) & assigned == digits
    spaces = {code_point for code_point in ALL if chr(code_point).isspace()}
    assert members(unicode_classes.PYTHON_SPACES) == spaces


def test_case_is_ignored_as_re_does() -> None:
    cased = [c for c in ALL if chr(c).lower() != chr(c) or chr(c).upper() != chr(c)]
    blocks = members(unicode_classes._CASED_BLOCKS)
    assert [hex(code_point) for code_point in cased if code_point not in blocks] == []
    text = "".join(map(chr, cased))
    for code_point in cased[::3]:
        expected = set(map(ord, re.findall(re.escape(chr(code_point)), text, re.IGNORECASE)))
        found = members(unicode_classes.close_under_python_case(((code_point, code_point),)))
        assert found & set(cased) == expected, hex(code_point)


def test_case_folding_is_simple() -> None:
    def variants(character: str) -> str:
        closed = unicode_classes.close_under_case_folding(((ord(character), ord(character)),))
        return "".join(map(chr, sorted(members(closed))))

    assert variants("k") == "Kk\u212a"
    assert variants("s") == "Ss\u017f"
    assert variants("\u00df") == "\u00df\u1e9e"
    assert variants("\u03c3") == "\u03a3\u03c2\u03c3"
    assert variants("i") == "Ii"
    assert variants("\u0130") == "\u0130"
    assert variants("\u1f80") == "\u1f80\u1f88"
    assert variants("1") == "1"


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("L", "a\u00e9\u4e00", "1 "),
        ("Letter", "a\u00e9\u4e00", "1 "),
        ("gc=Uppercase_Letter", "A\u00c9", "a1"),
        ("General_Category=Nd", "1\u0661", "a\u00b2"),
        ("LC", "aA\u01c5", "\u4e00"),
        ("punct", "!_(", "a+"),
        ("Script=Latin", "a\u00e9", "\u03b1 1"),
        ("sc=Hira", "\u3042", "\u30a2"),
        ("Script=Common", "1 ", "a"),
        ("Any", "a\U0010ffff", ""),
        ("ASCII", "a\x7f", "\x80"),
        ("Assigned", "a", "\uffff\u0378"),
        ("Cn", "\uffff", "a"),
        ("sc=Zzzz", "\uffff", "a"),
        ("sc=Qaac", "\u2c80", "a"),
        ("Script=Qaai", "\u0300", "a"),
    ],
)
def test_properties(name: str, inside: str, outside: str) -> None:
    found = unicode_classes.unicode_property(name)
    assert found is not None
    assert all(ord(character) in members(found) for character in inside)
    assert not any(ord(character) in members(found) for character in outside)


@pytest.mark.parametrize(
    "name", ["", "l", "gc=X", "gc=Emoji", "Script=Xxxx", "Script=", "=L", "Lu ", "sc=latn", "gc", "Script"]
)
def test_unknown_properties_are_none(name: str) -> None:
    assert unicode_classes.unicode_property(name) is None
