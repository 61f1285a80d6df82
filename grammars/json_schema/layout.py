"""White space: what stands between the tokens of a document.

Out come *leads*: the bytes before the first byte of a key, a value or a closing bracket, with the punctuation
that belongs there (comma, colon), as one expression each; so white space never needs a state of its own. In
`natural` layout each gap is nothing, one space, or one line feed and at most `MOST_INDENTATION` spaces or
tabs, which keeps a model from looping in white space; in `any` it is all that JSON allows, before and after
the document too; in `compact` nothing. With `{"indent": n}` the text is that of `json.dumps(indent=n)`, where
leads depend on the depth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

from ..errors import GrammarSyntaxError
from ..expressions import EPSILON, Expression, byte_class, concatenate, literal, repeat, union

Whitespace: TypeAlias = 'Literal["natural", "any", "compact"] | dict[str, int]'

MOST_INDENTATION = 40
"""Spaces or tabs after a line feed in the natural layout."""

_MOST_INDENT = 64
_GAPS = {
    "natural": union(
        EPSILON, literal(" "), concatenate(literal("\n"), repeat(byte_class(b" \t"), 0, MOST_INDENTATION))
    ),
    "any": repeat(byte_class(b" \t\n\r")),
    "compact": EPSILON,
}

# What stands before something; the numbers are part of the states of the grammar.
ROOT, AFTER_COLON, FIRST, AFTER_COMMA = range(4)

OPEN_OBJECT, CLOSE_OBJECT = literal("{"), literal("}")
OPEN_ARRAY, CLOSE_ARRAY = literal("["), literal("]")


class Layout:
    """The leads of one kind of layout. `step` is what a level of nesting adds to the depth: 0 where it plays
    no role. `whitespace` is what it was made from."""

    def __init__(self, whitespace: Whitespace) -> None:
        self.whitespace: Whitespace = whitespace
        if isinstance(whitespace, dict):
            indent = whitespace.get("indent")
            if set(whitespace) != {"indent"} or isinstance(indent, bool) or not isinstance(indent, int):
                raise GrammarSyntaxError(
                    "whitespace must be 'natural', 'any', 'compact' or {'indent': n}", got=whitespace
                )
            if not 0 <= indent <= _MOST_INDENT:
                raise GrammarSyntaxError(f"the indent must be from 0 to {_MOST_INDENT}", got=indent)
            self.indent: int | None = indent
            self.whitespace = {"indent": indent}  # not the caller's, who may change it
            self.gap = EPSILON
        elif isinstance(whitespace, str) and whitespace in _GAPS:
            self.indent, self.gap = None, _GAPS[whitespace]
        else:
            raise GrammarSyntaxError(
                "whitespace must be 'natural', 'any', 'compact' or {'indent': n}", got=whitespace
            )
        self.step = 0 if self.indent is None else 1
        self.outside = self.gap if whitespace == "any" else EPSILON
        self._leads: dict[tuple[int, int], Expression] = {}

    def lead(self, place: int, depth: int) -> Expression:
        """What stands before a key or value. depth: the number of brackets that are open there."""
        known = self._leads.get((place, depth))
        if known is None:
            known = _lead(self.gap, self.outside, self.indent, place, depth)
            self._leads[place, depth] = known
        return known

    def comma(self) -> Expression:
        """A comma that is read for itself; what follows it stands as if it were the first."""
        return concatenate(self.gap, literal(","))

    def closing(self, bracket: Expression, is_empty: bool, depth: int) -> Expression:
        """A closing bracket and what stands before it. depth: the number of brackets that are open inside."""
        return _closing(self.gap, self.indent, bracket, is_empty, depth - self.step)


@lru_cache(4096)
def _lead(gap: Expression, outside: Expression, indent: int | None, place: int, depth: int) -> Expression:
    if place == ROOT:
        return outside
    if indent is not None:
        line = "\n" + " " * (indent * depth)
        return literal({AFTER_COLON: ": ", FIRST: line, AFTER_COMMA: "," + line}[place])
    if place == FIRST:
        return gap
    return concatenate(gap, literal(":" if place == AFTER_COLON else ","), gap)


@lru_cache(4096)
def _closing(
    gap: Expression, indent: int | None, bracket: Expression, is_empty: bool, depth: int
) -> Expression:
    if indent is None:
        return concatenate(gap, bracket)
    return bracket if is_empty else concatenate(literal("\n" + " " * (indent * depth)), bracket)
