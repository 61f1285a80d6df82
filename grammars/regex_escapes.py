"""Escapes and bracket classes of patterns: the part of the pattern syntax that stands for characters.

In come a pattern and an offset, out come code points or `Ranges` and the offset behind. Two syntaxes:
ECMA-262 as JSON Schema asks for it (the `u` flag's meaning by code points; of annex B what schemas use:
identity escapes of punctuation, octal escapes, `-` beside a class), and Python's `re`. Unknown escapes of
letters are errors in both, since they are in `re` and with the `u` flag, and what they mean elsewhere
(`\\A`, `\\Z`, `\\h`) is not what annex B reads.

Sources: ECMA-262 15.10 and B.1.2; the documentation of Python's `re`.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn

from . import unicode_classes
from .errors import GrammarSyntaxError, UnsupportedFeatureError, line_and_column
from .unicode_classes import LAST_CODE_POINT, Ranges, invert, merge_ranges

ECMA, PYTHON = "ecma", "python"

_CONTROL = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_PYTHON_CONTROL = {**_CONTROL, "a": 0x07, "\\": 0x5C}
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_OCTAL_DIGITS = frozenset("01234567")


class EscapeReader:
    """Reads the escapes and classes of one pattern.

    syntax: "ecma" or "python". ascii, ignore_case: the flags in force, set by the parser as it meets them.
    """

    def __init__(self, pattern: str, syntax: str) -> None:
        self.pattern = pattern
        self.syntax = syntax
        self.ascii = syntax == ECMA
        self.ignore_case = False

    def error(self, message: str, offset: int, advice: str = "") -> GrammarSyntaxError:
        """The error to raise for what stands at `offset`."""
        location = line_and_column(self.pattern, offset)
        return GrammarSyntaxError(message, location=location, source=self.pattern, advice=advice)

    def unsupported(self, feature: str, offset: int, advice: str) -> UnsupportedFeatureError:
        """The error to raise for a valid construct that is not supported."""
        location = line_and_column(self.pattern, offset)
        return UnsupportedFeatureError(feature, location=location, source=self.pattern, advice=advice)

    def fold(self, ranges: Ranges) -> Ranges:
        """The set and, where case is ignored, all that equals a member but for case."""
        if not self.ignore_case:
            return ranges
        if self.syntax == ECMA:
            return unicode_classes.close_under_case_folding(ranges)
        if self.ascii:
            return unicode_classes.close_under_ascii_case(ranges)
        return unicode_classes.close_under_python_case(ranges)

    @property
    def word(self) -> Ranges:
        """What `\\w` means here."""
        if self.ascii:
            return (
                self.fold(unicode_classes.ASCII_WORD) if self.syntax == ECMA else unicode_classes.ASCII_WORD
            )
        return unicode_classes.python_word()

    def read_escape(self, offset: int, in_class: bool = False) -> tuple[int | Ranges, int]:
        """The character or set that the escape at `offset` (its backslash) means, and the offset behind it.

        Raises: GrammarSyntaxError; UnsupportedFeatureError for a property without a table.
        """
        letter = self.pattern[offset + 1 : offset + 2]
        if not letter:
            raise self.error("the pattern ends in a backslash", offset, "write two for a literal backslash")
        after = offset + 2
        if letter in "dDwWsS":
            return self._class_escape(letter), after
        if letter == "x":
            return self._hexadecimal(offset, after, 2)
        if letter == "u":
            return self._unicode(offset, after)
        if letter == "b" and in_class:
            return 0x08, after
        if self.syntax == PYTHON:
            return self._python_escape(letter, offset, after, in_class)
        return self._ecma_escape(letter, offset, after, in_class)

    def _class_escape(self, letter: str) -> Ranges:
        if letter in "wW":
            ranges = self.word
        elif letter in "dD":
            ranges = unicode_classes.ASCII_DIGITS if self.ascii else unicode_classes.general_category("Nd")
        elif self.syntax == ECMA:
            ranges = unicode_classes.ECMA_SPACES
        else:
            ranges = unicode_classes.ASCII_SPACES if self.ascii else unicode_classes.PYTHON_SPACES
        return invert(ranges) if letter.isupper() else ranges

    def _hexadecimal(self, offset: int, start: int, n_digits: int) -> tuple[int, int]:
        digits = self.pattern[start : start + n_digits]
        if len(digits) < n_digits or not _HEX_DIGITS.issuperset(digits):
            name = self.pattern[offset : offset + 2]
            raise self.error(f"{name} must be followed by {n_digits} hexadecimal digits", offset)
        return int(digits, 16), start + n_digits

    def _unicode(self, offset: int, after: int) -> tuple[int, int]:
        pattern = self.pattern
        if self.syntax == ECMA and pattern[after : after + 1] == "{":
            close = pattern.find("}", after)
            digits = pattern[after + 1 : close] if close > 0 else ""
            code_point = (
                int(digits, 16) if digits and _HEX_DIGITS.issuperset(digits) and len(digits) < 99 else -1
            )
            if not 0 <= code_point <= LAST_CODE_POINT:
                raise self.error("\\u{...} must hold a code point up to 10FFFF in hexadecimal", offset)
            return code_point, close + 1
        unit, after = self._hexadecimal(offset, after, 4)
        if self.syntax == ECMA and 0xD800 <= unit < 0xDC00 and pattern.startswith("\\u", after):
            digits = pattern[after + 2 : after + 6]
            low = int(digits, 16) if len(digits) == 4 and _HEX_DIGITS.issuperset(digits) else 0
            if 0xDC00 <= low < 0xE000:  # a surrogate pair is one code point
                return 0x10000 + (unit - 0xD800 << 10) + (low - 0xDC00), after + 6
        return unit, after

    def _octal(self, start: int) -> tuple[int, int]:
        """Up to three octal digits from `start`, at most 0o377."""
        end = start
        while end < start + 3 and self.pattern[end : end + 1] in _OCTAL_DIGITS:
            if int(self.pattern[start : end + 1], 8) > 0o377:
                break
            end += 1
        return int(self.pattern[start:end], 8), end

    def _ecma_escape(self, letter: str, offset: int, after: int, in_class: bool) -> tuple[int | Ranges, int]:
        if letter in _CONTROL:
            return _CONTROL[letter], after
        if letter in _OCTAL_DIGITS:
            return self._octal(offset + 1)
        if letter == "c":
            control = self.pattern[after : after + 1]
            if control.isascii() and (
                control.isalpha() or (in_class and (control.isdigit() or control == "_"))
            ):
                return ord(control) % 32, after + 1
            raise self.error(
                "\\c must be followed by a letter", offset, "write \\\\c for a backslash and a c"
            )
        if letter in "pP":
            return self._property(letter, offset, after)
        if letter.isascii() and letter.isalpha():
            advice = f"write {letter!r} for the letter itself"
            advice = {"A": "write ^", "Z": "write $", "z": "write $"}.get(letter, advice)
            raise self.error(f"\\{letter} has no meaning in ECMA-262", offset, advice)
        return ord(letter), after

    def _property(self, letter: str, offset: int, after: int) -> tuple[Ranges, int]:
        close = self.pattern.find("}", after)
        if self.pattern[after : after + 1] != "{" or close < 0:
            raise self.error(f"\\{letter} must be followed by a property in braces", offset)
        name = self.pattern[after + 1 : close]
        ranges = unicode_classes.unicode_property(name)
        if ranges is None:
            raise self.unsupported(
                f"the Unicode property {name[:60]!r}",
                offset,
                "use a general category (L, Lu, Nd ...), Script=..., scx=... or a binary property of "
                "ECMA-262 (Alphabetic, Emoji ...), with upper and lower case as there",
            )
        # ECMA-262 takes the complement first: without regard to case \P{Lu} matches "A", as it holds "a".
        return self.fold(invert(ranges) if letter == "P" else ranges), close + 1

    def _python_escape(
        self, letter: str, offset: int, after: int, in_class: bool
    ) -> tuple[int | Ranges, int]:
        if letter in _PYTHON_CONTROL:
            return _PYTHON_CONTROL[letter], after
        if letter in "0123456789":
            return self._python_octal(offset, in_class)
        if letter == "U":
            code_point, after = self._hexadecimal(offset, after, 8)
            if code_point > LAST_CODE_POINT:
                raise self.error("\\U must be followed by a code point up to 0010FFFF", offset)
            return code_point, after
        if letter == "N":
            close = self.pattern.find("}", after)
            name = self.pattern[after + 1 : close] if close > 0 and self.pattern[after] == "{" else ""
            try:
                return ord(unicodedata.lookup(name)), close + 1
            except (KeyError, TypeError):
                raise self.error(
                    "\\N must be followed by the name of a character in braces", offset
                ) from None
        if letter.isascii() and letter.isalpha():
            raise self.error(f"bad escape \\{letter}", offset, f"write {letter!r} for the letter itself")
        return ord(letter), after

    def _python_octal(self, offset: int, in_class: bool) -> tuple[int, int]:
        """`\\0` with up to two more octal digits, or three of them; the parser has read back-references."""
        end = offset + 2
        while end < offset + 4 and self.pattern[end : end + 1] in _OCTAL_DIGITS:
            end += 1
        digits = self.pattern[offset + 1 : end]
        if not _OCTAL_DIGITS.issuperset(digits) or (digits[0] != "0" and len(digits) != 3 and not in_class):
            raise self.error(f"bad escape \\{digits}", offset)
        if int(digits, 8) > 0o377:
            raise self.error(f"the octal escape \\{digits} is larger than 0o377", offset)
        return int(digits, 8), end

    def read_class(self, offset: int) -> tuple[Ranges, int]:
        """The set of the bracket class at `offset` (its `[`), and the offset behind its `]`."""
        pattern = self.pattern
        at = offset + 1
        negated = pattern[at : at + 1] == "^"
        at += negated
        first = at
        members: list[tuple[int, int]] = []
        sets: list[Ranges] = []
        while True:
            character = pattern[at : at + 1]
            if character == "]" and (at > first or self.syntax == ECMA):
                break
            if not character:
                self._unclosed(offset)
            item_start = at
            low, at = self.read_escape(at, True) if character == "\\" else (ord(character), at + 1)
            high: int | Ranges = low
            if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("]", ""):
                next_character = pattern[at + 1]
                high, end = (
                    self.read_escape(at + 1, True)
                    if next_character == "\\"
                    else (ord(next_character), at + 2)
                )
                if isinstance(low, int) and isinstance(high, int):
                    if low > high:
                        raise self.error(
                            f"bad character range {pattern[item_start:end]}",
                            item_start,
                            "write the lower character first",
                        )
                    at = end
                elif self.syntax == PYTHON:
                    raise self.error(f"bad character range {pattern[item_start:end]}", item_start)
                else:  # annex B: beside a set the hyphen means itself; the next turn reads on
                    members.append((0x2D, 0x2D))
                    at += 1
                    high = low
            if isinstance(low, int) and isinstance(high, int):
                members.append((low, high))
            elif isinstance(low, tuple):
                sets.append(low)
        ranges = self.fold(merge_ranges(members))
        if sets:
            ranges = merge_ranges([*ranges, *(pair for ranges in sets for pair in ranges)])
        return invert(ranges) if negated else ranges, at + 1

    def _unclosed(self, offset: int) -> NoReturn:
        raise self.error("the class is not closed", offset, "add ']', or write \\[ for a literal bracket")
