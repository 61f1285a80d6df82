"""Values in a call: JSON, read so that what models write otherwise is read as well.

In come a text, a place and how strings are marked; out come the value and the place after it. Strings of
Python and JSON are read alike, and both spellings of true, false and null. With a quote
(`delimited_values.py`) a string is all that stands between two of them, and names are bare. Cost: linear in
the text.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_BLANKS = re.compile(r"[ \t\r\n]*")
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_WORD = re.compile(r"[A-Za-z]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' r"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_BARE_NAME = re.compile(r"[^:,{}\[\]]*")
_DEEPEST = 200


class MismatchError(Exception):
    """The text is not what is expected, from this place on."""

    def __init__(self, place: int, expected: str) -> None:
        self.place, self.expected = place, expected


def after_blanks(text: str, at: int) -> int:
    """The place after the white space that stands at one."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def read_value(text: str, at: int, quote: str = "", depth: int = 0) -> tuple[Any, int]:
    """A value and where it ends. quote: what may stand around strings, and then names are bare; "": nothing.

    Raises: MismatchError.
    """
    at = after_blanks(text, at)
    if depth > _DEEPEST:
        raise MismatchError(at, f"at most {_DEEPEST} levels")
    if text.startswith(("[", "{"), at):
        return _read_composite(text, at, quote, depth)
    if quote and text.startswith(quote, at):
        return _read_quoted(text, at, quote)
    string = _STRING.match(text, at)
    if string:
        try:
            is_json = string[0][0] == '"'
            value = json.loads(string[0], strict=False) if is_json else ast.literal_eval(string[0])
        except (ValueError, SyntaxError):
            raise MismatchError(at, "a string") from None
        return value, string.end()
    number = _NUMBER.match(text, at)
    if number:
        try:
            return json.loads(number[0]), number.end()
        except ValueError:  # Python reads some thousand digits
            raise MismatchError(at, "a number of no more digits than Python reads") from None
    word = _WORD.match(text, at)
    if word and word[0] in _WORDS:
        return _WORDS[word[0]], word.end()
    raise MismatchError(at, "a value")


def read_name(text: str, at: int, quote: str) -> tuple[str, int]:
    """A bare name, or one in quotes, and where its value begins: after a colon. Raises MismatchError."""
    at = after_blanks(text, at)
    if text.startswith(quote, at):
        name, end = _read_quoted(text, at, quote)
    else:
        found = _BARE_NAME.match(text, at)
        end = at if found is None else found.end()
        name = text[at:end].rstrip()
    end = after_blanks(text, end)
    if not name or not text.startswith(":", end):
        raise MismatchError(at, "a name and ':'")
    return name, end + 1


def _read_quoted(text: str, at: int, quote: str) -> tuple[str, int]:
    begin = at + len(quote)
    close = text.find(quote, begin)
    if close < 0:
        raise MismatchError(at, f"a string that ends in {quote!r}")
    return text[begin:close], close + len(quote)


def _read_composite(text: str, at: int, quote: str, depth: int) -> tuple[Any, int]:
    """An array or object."""
    is_object, close = text[at] == "{", "}" if text[at] == "{" else "]"
    items: list[Any] = []
    at = after_blanks(text, at + 1)
    while not text.startswith(close, at):
        if items:
            if not text.startswith(",", at):
                raise MismatchError(at, f"',' or {close!r}")
            at += 1
        if is_object:
            name, at = read_name(text, at, quote) if quote else _read_key(text, at, depth)
            value, at = read_value(text, at, quote, depth + 1)
            items.append((name, value))
        else:
            item, at = read_value(text, at, quote, depth + 1)
            items.append(item)
        at = after_blanks(text, at)
    return (dict(items) if is_object else items), at + 1


def _read_key(text: str, at: int, depth: int) -> tuple[str, int]:
    key, at = read_value(text, at, depth=depth + 1)
    at = after_blanks(text, at)
    if not isinstance(key, str) or not text.startswith(":", at):
        raise MismatchError(at, "a key and ':'")
    return key, at + 1
