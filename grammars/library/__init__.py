"""Grammars of common languages, ready to use: a name in, a `Grammar` out.

Each is a part of its language: what is written is always accepted by the language's own parser, and what it
leaves out is said with it. Tests draw random texts of each and give them to that parser. Cost: the text is
read and compiled once, then kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from ..errors import UnresolvedReferenceError
from ..grammar import Grammar
from ..lark import from_lark
from ..regex import from_regex
from . import levels, texts
from .names import with_whole_words

LIBRARY: Mapping[str, str] = MappingProxyType(
    {
        "arithmetic": "sums, products, powers, calls of functions, brackets",
        "csv": "rows of fields, quoted where they have to be (RFC 4180); their number may differ",
        "date": "calendar days of ISO 8601, 2024-02-29",
        "date-time": "the same with a time, and a zone or none",
        "email": "addresses without quotes and comments",
        "html": "blocks, lists, links, emphasis and images, each closed; no head",
        "json": "any document",
        "json5": "documents with comments, bare keys, single quotes, commas at the end",
        "mermaid": "flowcharts with shapes, labels and subgraphs",
        "python": f"statements, blocks of up to {levels.DEEPEST_BLOCK} levels by four blanks; no comments, "
        "decorators, annotations, defaults, keyword arguments, f-strings, yield or async",
        "python-expression": "one expression",
        "regex": "patterns of Python's `re` without look-around and references",
        "smiles": f"molecules with {levels.MOST_RINGS} open rings at most, all valences right",
        "sql": "queries: joins, groups, orders, unions, nested tables, a few functions",
        "url": "http and https, with a named host",
        "yaml": f"mappings and sequences, in blocks of up to {levels.DEEPEST_BLOCK} levels and in brackets",
    }
)
"""The names, and what of the language is there."""

_MAKERS: Mapping[str, Callable[[], Grammar]] = {
    "arithmetic": lambda: from_lark(texts.ARITHMETIC),
    "csv": lambda: from_lark(texts.CSV),
    "date": lambda: from_regex(texts.DATE),
    "date-time": lambda: from_regex(texts.DATE_TIME),
    "email": lambda: from_regex(texts.EMAIL),
    "html": lambda: from_lark(texts.HTML),
    "json": lambda: from_lark(texts.JSON),
    "json5": lambda: from_lark(texts.JSON5),
    "mermaid": lambda: from_lark(texts.MERMAID),
    "python": lambda: from_lark(levels.python_text()),
    "python-expression": lambda: from_lark(with_whole_words(texts.PYTHON_EXPRESSION)),
    "regex": lambda: from_lark(texts.REGEX),
    "smiles": lambda: from_lark(levels.smiles_text(), lexer="dynamic"),
    "sql": lambda: from_lark(with_whole_words(texts.SQL)),
    "url": lambda: from_regex(texts.URL),
    "yaml": lambda: from_lark(levels.yaml_text()),
}


def from_library(name: str) -> Grammar:
    """A grammar of the library, by its name in `LIBRARY`.

    Raises UnresolvedReferenceError for a name that is none.
    """
    if not isinstance(name, str) or name not in LIBRARY:
        raise UnresolvedReferenceError(
            name, list(LIBRARY), message="the library has no such grammar", advice="see tt.LIBRARY"
        )
    return _made(name)


@cache
def _made(name: str) -> Grammar:
    return _MAKERS[name]()
