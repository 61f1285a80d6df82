"""What repeats in the beginning of a JSON document: the slow, obvious meaning of what has to be distinct.

In come the bytes read so far, out comes whether the last of them completes a key that its object has already,
or a value that equals an earlier item of its array; or the items of the innermost array that is open. Values
are compared as JSON has it: strings decoded, numbers as numbers, members in any order. Everything is read
anew each time; it is the oracle for the tracker of the core.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NamedTuple

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{},:]|[-+.0-9A-Za-z]+|[ \t\r\n]+', re.DOTALL)
_COMPLETES_VALUE = b'"]}0123456789el'
_WORDS = {b"True": True, b"False": False, b"None": None}  # of Python


class Repeats(NamedTuple):
    key: bool = False
    item: bool = False


def find_repeats(text: bytes) -> Repeats:
    """Whether the last byte completes a repeated key, or a value that repeats an item."""
    if not text or text[-1] not in _COMPLETES_VALUE:
        return Repeats()
    open_values: list[list[Any]] = []  # items of an array; keys and values, one after the other, of an object
    is_object: list[bool] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return Repeats()  # inside a string
        token, at = match[0], match.end()
        if token in b"[{":
            open_values.append([])
            is_object.append(token == b"{")
            continue
        if token in b",:" or token.isspace():
            continue
        if token in b"]}":
            if not open_values or is_object[-1] != (token == b"}"):
                return Repeats()  # no JSON: the grammar will say so
            value: Any = _composite(open_values.pop(), is_object.pop())
        else:
            try:
                value = _scalar(_WORDS[token] if token in _WORDS else _number_or_string(token))
            except ValueError:
                return Repeats()  # half a number or word, or no text
        if not open_values:
            continue
        before = open_values[-1]
        if at == len(text):
            is_key = is_object[-1] and len(before) % 2 == 0
            return Repeats(is_key and value in before[::2], not is_object[-1] and value in before)
        before.append(value)
    return Repeats()


def _number_or_string(token: bytes) -> Any:
    return json.loads(token, parse_float=Decimal, parse_int=Decimal)


def _scalar(value: Any) -> Any:
    """A value that is equal to another only if JSON says so: 1 and true differ."""
    return (type(value).__name__, value)


def _composite(values: list[Any], is_object: bool) -> Any:
    if is_object:
        return ("object", frozenset(zip(values[::2], values[1::2], strict=False)))
    return ("array", tuple(values))


def items_so_far(text: bytes) -> list[bytes]:
    """The items of the innermost array that is open where a text ends, which is outside of all its items."""
    begins: list[int] = []  # of what is open
    bounds: list[list[int]] = []  # where its items end
    for match in _TOKEN.finditer(text):
        if match[0] in b"[{":
            begins.append(match.end())
            bounds.append([])
        elif match[0] in b"]}":
            begins.pop()
            bounds.pop()
        elif match[0] == b"," and bounds:
            bounds[-1].append(match.start())
    starts = [begins[-1], *(end + 1 for end in bounds[-1])]
    return [text[start:end].strip() for start, end in zip(starts, bounds[-1], strict=False)]
