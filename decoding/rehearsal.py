"""What most JSON Schemas need of a vocabulary, learnt before the first of them is used.

In come a vocabulary and a layout of white space, out come tables of the core that are warm: a small schema
with the common types and formats is compiled, and a mask is made at each byte of a document of it. What is
learnt so (which tokens go on from a number, from each part of a date or an e-mail address) belongs to the
vocabulary and serves every later schema; without it the first masks would learn it, half a millisecond at a
time. It costs some 40 ms for 128,000 tokens, once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..grammars.errors import ConstraintError
from ..grammars.json_schema import from_json_schema
from ..grammars.json_schema.layout import Whitespace
from .bitmask import allocate_bitmask

if TYPE_CHECKING:
    from .compile import CompiledGrammar
    from .vocabulary import Vocabulary

FEWEST_TOKENS = 10_000
"""Smaller vocabularies learn in microseconds."""

_FORMATS = {
    "date-time": "2024-01-02T03:04:05.6Z",
    "date": "2024-01-02",
    "time": "03:04:05Z",
    "email": "a.b@example.com",
    "hostname": "a.example.com",
    "ipv4": "127.0.0.1",
    "uri": "https://example.com/a/b?c=d#e",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
}
_ITEM = {"type": "object", "properties": {"x": {"type": "integer"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "short": {"type": "string", "minLength": 1, "maxLength": 100},
        "count": {"type": "integer", "minimum": 0},
        "integer": {"type": "integer"},
        "number": {"type": "number"},
        "flag": {"type": "boolean"},
        "maybe": {"type": ["string", "null"]},
        "kind": {"enum": ["a", "b"]},
        "texts": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "number"}},
        "items": {"type": "array", "items": _ITEM},
        **{name: {"type": "string", "format": name} for name in _FORMATS},
    },
    "required": ["text"],
}
DOCUMENT: dict[str, Any] = {
    "text": "a b",
    "short": "a b",
    "count": 12,
    "integer": -12,
    "number": -1.5e-07,
    "flag": True,
    "maybe": None,
    "kind": "a",
    "texts": ["a", "b"],
    "numbers": [1, 2.5],
    "items": [{"x": 1}, {"x": 2}],
    **_FORMATS,
    "other": [{"x": 1}, "a", None],
}


def text_of(whitespace: Whitespace) -> bytes:
    """The document in a layout."""
    indent = whitespace["indent"] if isinstance(whitespace, dict) else None
    separators = (",", ":") if whitespace == "compact" else None
    return json.dumps(DOCUMENT, indent=indent, separators=separators).encode()


def rehearse(whitespace: Whitespace, vocabulary: Vocabulary, compiled: type[CompiledGrammar]) -> None:
    """Warm the tables of a vocabulary for grammars in this layout of white space."""
    matcher = compiled(from_json_schema(SCHEMA, whitespace=whitespace), vocabulary).matcher()
    row = allocate_bitmask(1, vocabulary.vocab_size)
    text = text_of(whitespace)
    try:
        for place in range(len(text)):
            matcher.fill_bitmask(row)
            if not matcher.read_bytes(text[place : place + 1]):
                return
    except ConstraintError:
        return  # a vocabulary that cannot write this document learns as it goes
