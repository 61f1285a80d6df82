"""The value of a JSON text that is still being written: its beginning in, the value so far out.

`PartialJson` reads a text in pieces, as they come. Its `value` is at every moment the value of a document
that the text may still become by closing what is open: objects and arrays with what they have so far, a
string with its characters so far, a number with its digits so far. What says nothing yet is left out: a key
without a value, half of `true`, half of an escape, a lone minus. `write` says which values have closed, so
that they can be used before the rest is there.

Cost: linear in the text, whatever the pieces; nothing recurses. `value` is the object that grows, not a copy;
asking for it costs the length of the string that is open. (A stack of containers and an automaton over
characters; what stands between two characters of a string is read in one match.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

from ..grammars.errors import ConstraintError, GrammarSyntaxError, line_and_column
from .arguments import checked_instance
from .json_numbers import read_fraction, read_integer

DEEPEST_TOLD = 100
"""Of values that nest deeper `PartialJson.write` does not say that they closed: the path to each of them
would cost its depth."""

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_HEX = re.compile(r"[0-9A-Fa-f]{1,4}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DIGITS = frozenset("0123456789")
# By what was read of a number: what may follow, and what that leads to.
_AFTER: dict[str, list[tuple[frozenset[str], str]]] = {
    "begin": [(frozenset("-"), "sign"), (frozenset("0"), "zero"), (frozenset("123456789"), "whole")],
    "sign": [(frozenset("0"), "zero"), (frozenset("123456789"), "whole")],
    "zero": [(frozenset("."), "point"), (frozenset("eE"), "power")],
    "whole": [(_DIGITS, "whole"), (frozenset("."), "point"), (frozenset("eE"), "power")],
    "point": [(_DIGITS, "fraction")],
    "fraction": [(_DIGITS, "fraction"), (frozenset("eE"), "power")],
    "power": [(frozenset("+-"), "power sign"), (_DIGITS, "exponent")],
    "power sign": [(_DIGITS, "exponent")],
    "exponent": [(_DIGITS, "exponent")],
}
_WHOLE_NUMBERS = ("zero", "whole", "fraction", "exponent")
_NUMBER_STEPS = {
    state: {character: after for members, after in edges for character in members}
    for state, edges in _AFTER.items()
}


class _At(Enum):
    """What may come next, outside of strings, numbers and words; the names are shown in errors."""

    VALUE = "a value"
    ITEM_OR_END = "a value or ']'"
    KEY = "a key"
    KEY_OR_END = "a key or '}'"
    COLON = "':'"
    COMMA = "',' or the end of the array or object"
    END = "nothing: the document is over"


@dataclass(frozen=True)
class ClosedValue:
    """A value that is complete. path: the keys and indices that lead to it; () is the whole document."""

    path: tuple[str | int, ...]
    value: Any


class PartialJson:
    """Reads one JSON document piece by piece."""

    def __init__(self) -> None:
        self._at = _At.VALUE
        self._root: Any = None
        self._has_value = False
        self._containers: list[Any] = []
        self._keys: list[str | int] = []  # by container, the member that is read or was the last
        self._is_shown = False  # whether the scalar that is open stands in its container already
        self._closed: list[ClosedValue] = []
        self._error: ConstraintError | None = None
        self._place = (1, 1)  # of the next piece
        # The scalar that is open; one of them at most.
        self._string: list[str] | None = None
        self._is_key = False
        self._escape = ""  # what was read of an escape
        self._surrogate = ""  # the first half of a pair, whose second half may follow
        self._number = ""
        self._number_state = "begin"
        self._word = ""
        self._word_read = 0

    def write(self, text: str) -> list[ClosedValue]:
        """Read the next piece; the values that closed in it, in the order of their ends, up to a depth of
        `DEEPEST_TOLD`.

        Raises:
            GrammarSyntaxError: the text so far is no beginning of a JSON document; with line and column. What
                was read before stays.
        """
        checked_instance("text", text, str, "a text")
        if self._error is not None:
            raise self._error
        position = 0
        while position < len(text):
            if self._string is not None:
                position = self._read_string(text, position)
            elif self._number:
                position = self._read_number(text, position)
            elif self._word:
                position = self._read_word(text, position)
            else:
                position = self._read_structure(text, position)
        line, column = line_and_column(text, len(text))
        self._place = (self._place[0] + line - 1, column + (self._place[1] - 1 if line == 1 else 0))
        closed, self._closed = self._closed, []
        return closed

    @property
    def value(self) -> Any:
        """The value so far; None: there is none yet (`has_value`), or it is null.

        The lists and dictionaries in it go on growing: copy what is to be kept.
        """
        self._show_open_scalar()
        return self._root

    @property
    def has_value(self) -> bool:
        """Whether anything of the value is known."""
        self._show_open_scalar()
        return self._has_value

    @property
    def is_complete(self) -> bool:
        """Whether the text is a whole document. (A number by itself may be, and go on.)"""
        return self._at is _At.END or (
            not self._containers and bool(self._number) and self._number_state in _WHOLE_NUMBERS
        )

    def _read_structure(self, text: str, position: int) -> int:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        if position == len(text):
            return position
        character, at = text[position], self._at
        if character == '"' and at not in (_At.COLON, _At.COMMA, _At.END):
            self._string, self._is_key = [], at in (_At.KEY, _At.KEY_OR_END)
        elif at in (_At.VALUE, _At.ITEM_OR_END) and character in "[{":
            self._open([] if character == "[" else {})
        elif at in (_At.VALUE, _At.ITEM_OR_END) and character in _WORDS:
            self._word, self._word_read = character, 1
        elif at in (_At.VALUE, _At.ITEM_OR_END) and character in _NUMBER_STEPS["begin"]:
            self._number, self._number_state = character, _NUMBER_STEPS["begin"][character]
        elif at is _At.COLON and character == ":":
            self._at = _At.VALUE
        elif at is _At.COMMA and character == ",":
            self._next_member()
        elif self._containers and character == ("]" if isinstance(self._containers[-1], list) else "}"):
            if at not in (_At.COMMA, _At.ITEM_OR_END, _At.KEY_OR_END):
                self._refuse(text, position)
            self._keys.pop()
            self._close(self._containers.pop(), is_stored=True)
        else:
            self._refuse(text, position)
        return position + 1

    def _next_member(self) -> None:
        key = self._keys[-1]
        self._at = _At.VALUE if isinstance(key, int) else _At.KEY
        if isinstance(key, int):
            self._keys[-1] = key + 1

    def _open(self, container: Any) -> None:
        self._store(container)
        self._containers.append(container)
        self._keys.append(0 if isinstance(container, list) else "")
        self._at = _At.ITEM_OR_END if isinstance(container, list) else _At.KEY_OR_END

    def _close(self, value: Any, *, is_stored: bool = False) -> None:
        """A value is complete."""
        if not is_stored:
            self._store(value)
        self._is_shown = False
        self._at = _At.COMMA if self._containers else _At.END
        if len(self._keys) <= DEEPEST_TOLD:
            self._closed.append(ClosedValue(tuple(self._keys), value))

    def _store(self, value: Any) -> None:
        """Put a value, or what is there of it, to its place."""
        self._has_value = True
        if not self._containers:
            self._root = value
        elif isinstance(self._containers[-1], dict):
            self._containers[-1][self._keys[-1]] = value
        elif self._is_shown:
            self._containers[-1][-1] = value
        else:
            self._containers[-1].append(value)

    def _show_open_scalar(self) -> None:
        if self._string is not None and not self._is_key:
            self._string = ["".join(self._string)]
            self._store(self._string[0])
            self._is_shown = True
        elif self._number:
            found = _NUMBER.match(self._number)
            if found:
                self._store(_number(found.group()))
                self._is_shown = True

    def _read_string(self, text: str, position: int) -> int:
        assert self._string is not None
        if self._escape:
            return self._read_escape(text, position)
        character = text[position]
        if character == "\\":
            self._escape = character
            return position + 1
        if self._surrogate:
            self._string.append(self._surrogate)
            self._surrogate = ""
        if character == '"':
            self._end_string("".join(self._string))
            return position + 1
        found = _PLAIN.match(text, position)
        if found is None:
            self._refuse(text, position, "a control character must be written as an escape in a string")
        self._string.append(found.group())
        return found.end()

    def _end_string(self, value: str) -> None:
        self._string = None
        if not self._is_key:
            self._close(value)
            return
        self._containers[-1].pop(value, None)  # of two members with one key the last counts
        self._keys[-1] = value
        self._at = _At.COLON

    def _read_escape(self, text: str, position: int) -> int:
        assert self._string is not None
        if self._escape == "\\" and text[position] != "u":
            written = _ESCAPES.get(text[position])
            if written is None:
                self._refuse(text, position, f"the escape \\{text[position]} is not known")
            self._take_escaped(written)
            return position + 1
        if self._escape == "\\":
            self._escape += "u"
            return position + 1
        missing = 6 - len(self._escape)
        found = _HEX.match(text, position, position + missing)
        if found is None:
            self._refuse(text, position, "\\u needs four hexadecimal digits")
        self._escape += found.group()
        if len(self._escape) == 6:
            self._take_escaped(chr(int(self._escape[2:], 16)))
        return found.end()

    def _take_escaped(self, character: str) -> None:
        assert self._string is not None
        self._escape = ""
        first, self._surrogate = self._surrogate, ""
        if first and "\udc00" <= character <= "\udfff":
            pair = (ord(first) - 0xD800 << 10) + (ord(character) - 0xDC00) + 0x10000
            self._string.append(chr(pair))
            return
        self._string.append(first)
        if "\ud800" <= character <= "\udbff":
            self._surrogate = character
        else:
            self._string.append(character)

    def _read_number(self, text: str, position: int) -> int:
        start = position
        while position < len(text):
            after = _NUMBER_STEPS[self._number_state].get(text[position])
            if after is None:
                break
            self._number_state = after
            position += 1
        self._number += text[start:position]
        if position < len(text):
            if self._number_state not in _WHOLE_NUMBERS:
                self._refuse(text, position, "the number is not complete")
            value, self._number = _number(self._number), ""
            self._close(value)
        return position

    def _read_word(self, text: str, position: int) -> int:
        word, value = _WORDS[self._word]
        if text[position] != word[self._word_read]:
            self._refuse(text, position, f"this must be {word!r}")
        self._word_read += 1
        if self._word_read == len(word):
            self._word = ""
            self._close(value)
        return position + 1

    def _refuse(self, text: str, position: int, message: str = "") -> NoReturn:
        line, column = line_and_column(text, position)
        if line == 1:
            column += self._place[1] - 1
        self._error = GrammarSyntaxError(
            message or f"the text is not JSON: expected {self._at.value}",
            location=(self._place[0] + line - 1, column),
            got=text[position],
        )
        raise self._error


def partial_json(text: str) -> Any:
    """The value of the beginning of a JSON document, as far as it is known; None: nothing is known.

    Raises:
        GrammarSyntaxError: no JSON document begins like this.
    """
    reader = PartialJson()
    reader.write(text)
    return reader.value


def _number(digits: str) -> Any:
    return read_integer(digits) if digits.lstrip("-").isdigit() else read_fraction(digits)
