"""Pieces of a text -> the expression of the texts that some of them, one after the other, make.

llguidance's `%regex { "substring_words": "..." }` and its two sisters: what is written is a quotation, made
of whole words (or characters, or given chunks) of a source. In comes the source, cut into chunks; out comes
an automaton with a state for each byte of it: any chunk may be the first, any the last, none may be left out
in between. Cost: linear in the source.

Source: llguidance's documentation (`docs/syntax.md`) and how it cuts words: runs of white space, runs of
letters, digits and underscores, runs of anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

from .errors import GrammarSyntaxError, LimitExceededError
from .expressions import EPSILON, Expression, automaton
from .stop_strings import encoded
from .unicode_classes import Ranges, contains, general_category, merge_ranges, unicode_property

MOST_BYTES = 200_000
"""Of the source of a quotation."""

KINDS = ("substring_words", "substring_chars", "substring_chunks")


def substring_expression(options: Mapping[str, Any]) -> Expression:
    """The expression of what stands between the braces of `%regex`.

    options: exactly one of "substring_words" (a text), "substring_chars" (a text), "substring_chunks" (a list
        of texts).

    Raises: GrammarSyntaxError for anything else; LimitExceededError for a source beyond MOST_BYTES.
    """
    given = [name for name in options if name in KINDS]
    if len(given) != 1 or len(options) != 1:
        raise GrammarSyntaxError(f"%regex needs exactly one of {', '.join(KINDS)}", got=dict(options))
    name = given[0]
    source = options[name]
    if name == "substring_chunks":
        if not isinstance(source, list) or not all(isinstance(chunk, str) for chunk in source):
            raise GrammarSyntaxError(f"{name} must be a list of texts", got=source)
        return substrings(source)
    if not isinstance(source, str):
        raise GrammarSyntaxError(f"{name} must be a text", got=source)
    return substrings(words_of(source) if name == "substring_words" else list(source))


def substrings(chunks: Iterable[str]) -> Expression:
    """The texts that chunks n to m make for some n and m, the empty text among them."""
    parts = [encoded(chunk) for chunk in chunks if chunk]
    size = sum(map(len, parts))
    if size > MOST_BYTES:
        raise LimitExceededError("the bytes of what is quoted", given=size, limit=MOST_BYTES)
    if not parts:
        return EPSILON
    edges: list[tuple[int, int, int]] = []
    ends = [0]
    state = 0  # 0 is the beginning, which goes on like each place between two chunks; others count the bytes
    for part in parts:
        edges.append((0, 1 << part[0], state + 1))
        for byte in part:
            if state:
                edges.append((state, 1 << byte, state + 1))
            state += 1
        ends.append(state)
    return automaton(state + 1, edges, ends)


def words_of(text: str) -> list[str]:
    """The runs of white space, of letters, digits and underscores, and of other characters."""
    return ["".join(run) for _, run in groupby(text, key=_kind)]


@lru_cache(1 << 16)
def _kind(character: str) -> int:
    code_point = ord(character)
    if contains(_property("White_Space"), code_point):
        return 0
    is_word = character == "_" or contains(_property("Alphabetic"), code_point)
    return 1 if is_word or contains(_property("N"), code_point) else 2


@cache
def _property(name: str) -> Ranges:
    found = general_category(name) if name == "N" else unicode_property(name)
    return merge_ranges(found or ())
