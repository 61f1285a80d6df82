"""The byte table of character classes against Python's own decoder."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.character_classes import (
    INVALID,
    ROOT,
    ByteTable,
    CharacterClasses,
    classify_characters,
    completed,
    join_classes,
    make_byte_table,
)


@lru_cache(maxsize=1)
def categories() -> tuple[CharacterClasses, ByteTable]:
    classes = classify_characters(unicodedata.category)
    return classes, make_byte_table(classes, np.ones(256, dtype=bool))


def read(data: bytes) -> list[str] | None:
    """The categories of the characters; None: no UTF-8, or an unfinished character."""
    classes, table = categories()
    node, kinds = ROOT, []
    for byte in data:
        node = int(table.after[node, byte])
        if node == INVALID:
            return None
        if node < INVALID:
            kinds.append(classes.kinds[completed(node)])
            node = ROOT
    return kinds if node == ROOT else None


@settings(deadline=None)
@given(st.binary(max_size=8))
def test_reads_utf_8_and_nothing_else(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert read(data) is None
    else:
        assert read(data) == [unicodedata.category(character) for character in text]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=6))
def test_reads_every_text(text: str) -> None:
    assert read(text.encode()) == [unicodedata.category(character) for character in text]


@pytest.mark.parametrize(
    "data", [b"\xc0\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5"]
)
def test_refuses_overlong_surrogates_and_beyond(data: bytes) -> None:
    assert read(data) is None


def test_rests_are_the_shortest_completions() -> None:
    classes, table = categories()
    decimal, upper = classes.kinds.index("Nd"), classes.kinds.index("Lu")
    assert table.rests[ROOT][decimal] == table.rests[ROOT][upper] == 1
    node = int(table.after[ROOT, 0xC3])  # \u00c0 to \u00ff
    assert table.rests[node] == dict.fromkeys(map(classes.kinds.index, ("Lu", "Ll", "Sm")), 1)
    without_ascii = make_byte_table(classes, np.arange(256) >= 128)
    assert without_ascii.rests[ROOT][upper] == 2


def test_a_joined_partition_tells_what_both_tell() -> None:
    vowels = classify_characters(lambda character: character in "aeiou")
    upper = classify_characters(str.isupper)
    joined = join_classes(vowels, upper)
    assert joined.n_classes == 3
    for character in "aAbB\u00c9\U0010ffff":
        first, second = joined.kinds[joined.class_of[ord(character)]]
        assert vowels.kinds[first] == (character in "aeiou")
        assert upper.kinds[second] == character.isupper()
    assert joined.class_of[0xD800] == INVALID
