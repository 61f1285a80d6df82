"""The text of a grammar of rules, read from left to right: places, errors, strings, classes, and what is
wrong with rules that were read well.

GBNF and EBNF share this; their readers (`gbnf.py`, `ebnf.py`) say what stands between the pieces. A reader
keeps an offset into the source, and every error shows the line with a caret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from .errors import (
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    check_characters,
    line_and_column,
)
from .expressions import Expression
from .grammar import CaptureRule
from .rules import Tree, calls_of, components
from .unicode_classes import Ranges, invert, merge_ranges
from .utf8 import character_class

MOST_CHARACTERS = 10_000_000
"""Of the text of a grammar."""
DEEPEST_GROUP = 100

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "f": "\f", "v": "\v", "b": "\b", "a": "\a"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_HEX = re.compile(r"[0-9a-fA-F]+")
_LARGEST = 0x10FFFF


class RuleText:
    """A source with an offset."""

    def __init__(self, source: str, kind: str) -> None:
        if not isinstance(source, str):
            raise GrammarSyntaxError(f"a {kind} grammar must be a string", got=source)
        if len(source) > MOST_CHARACTERS:
            raise LimitExceededError("the length of a grammar", given=len(source), limit=MOST_CHARACTERS)
        check_characters(source)
        self.source = source
        self.offset = 0

    def at(self, text: str) -> bool:
        return self.source.startswith(text, self.offset)

    @property
    def ended(self) -> bool:
        return self.offset >= len(self.source)

    def take(self, text: str) -> bool:
        """Read the text if it comes next."""
        if not self.at(text):
            return False
        self.offset += len(text)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what the pattern matches here."""
        found = pattern.match(self.source, self.offset)
        if found:
            self.offset = found.end()
        return found

    def fail(self, message: str, advice: str = "", offset: int | None = None) -> NoReturn:
        """Refuse what stands at the offset."""
        place = self.offset if offset is None else offset
        raise GrammarSyntaxError(
            message, location=line_and_column(self.source, place), source=self.source, advice=advice
        )

    def expect(self, text: str, message: str, opened: int | None = None) -> None:
        if not self.take(text):
            self.fail(message, f"add {text!r}", opened)

    def read_string(self, quote: str) -> str:
        """What stands between two quotes; the first has been read."""
        opened = self.offset - 1
        characters = []
        while not self.take(quote):
            if self.ended or self.at("\n"):
                self.fail("the string is not closed", f"add {quote}", opened)
            characters.append(self._read_character())
        return "".join(characters)

    def read_class(self) -> Expression:
        """A set of characters up to its closing bracket; the opening one has been read."""
        opened = self.offset - 1
        negative = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            if self.ended or self.at("\n"):
                self.fail("the character class is not closed", "add ']'", opened)
            start = self.offset
            first = last = ord(self._read_character())
            if self.at("-") and not self.at("-]"):
                self.offset += 1
                if self.ended:
                    self.fail("the character class is not closed", "add ']'", opened)
                last = ord(self._read_character())
            if last < first:
                self.fail("the range has its ends in the wrong order", "swap them", start)
            ranges.append((first, last))
        members: Ranges = merge_ranges(ranges)
        return character_class(invert(members) if negative else members)

    def _read_character(self) -> str:
        """One character, or what an escape stands for."""
        character = self.source[self.offset]
        start = self.offset
        self.offset += 1
        if character != "\\":
            return character
        letter = self.source[self.offset : self.offset + 1]
        self.offset += 1
        n_digits = _HEX_DIGITS.get(letter)
        if n_digits is None:
            if not letter or letter == "\n":
                self.fail("the escape is not complete", "write \\\\ for a backslash", start)
            if letter.isalnum() and letter not in _ESCAPES:
                self.fail(f"the escape \\{letter} is not known", "write \\\\ for a backslash", start)
            return _ESCAPES.get(letter, letter)
        digits = self.source[self.offset : self.offset + n_digits]
        self.offset += n_digits
        value = int(digits, 16) if len(digits) == n_digits and _HEX.fullmatch(digits) else -1
        if not 0 <= value <= _LARGEST or 0xD800 <= value < 0xE000:
            self.fail(f"\\{letter} needs {n_digits} hexadecimal digits of a character", offset=start)
        return chr(value)


def check_rules(
    rules: Mapping[str, Tree], start: str, references: Mapping[str, int], source: str, kind: str = "rule"
) -> tuple[tuple[str, str], ...]:
    """Refuse a start or a call that is not defined; say which rules nothing reaches.

    references: by name, the offset where it is first called.

    Returns pairs (rule, remark). Raises UnresolvedReferenceError.
    """
    if start not in rules:
        raise UnresolvedReferenceError(
            start, rules, message=f"the start {kind} is not defined", source=source if rules else None
        )
    for name in dict.fromkeys(called for tree in rules.values() for called in calls_of(tree)):
        if name not in rules:
            raise UnresolvedReferenceError(
                name,
                rules,
                message=f"the {kind} is not defined",
                location=line_and_column(source, references[name]) if name in references else None,
                source=source,
            )
    reached = {name for component in components(rules, [start]) for name in component}
    return tuple((name, f"nothing reaches it from {start!r}") for name in rules if name not in reached)


def checked_captures(captures: Iterable[str]) -> tuple[str, ...]:
    """The argument `captures` of a front end. Raises GrammarError if it is not several names."""
    if isinstance(captures, (str, bytes)) or not isinstance(captures, Iterable):
        raise GrammarError("captures must be names of rules", got=captures, advice='write ["name"]')
    names = tuple(captures)
    if not all(isinstance(name, str) for name in names):
        raise GrammarError("captures must be names of rules", got=captures)
    return names


def captured_rules(captures: Iterable[str], rules: Mapping[str, Tree]) -> dict[str, CaptureRule]:
    """How the texts of rules are handed out. Raises UnresolvedReferenceError for a rule that is not there."""
    for name in captures:
        if name not in rules:
            raise UnresolvedReferenceError(name, list(rules), message="the rule to capture is not defined")
    return {name: CaptureRule(name) for name in captures}
