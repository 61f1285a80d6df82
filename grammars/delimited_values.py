"""Values as Gemma writes them: JSON, but for bare names, and strings as they are between two marks.

    city:<|"|>Bern<|"|>,days:3,more:{near:[<|"|>Thun<|"|>]}

In comes a JSON grammar, out comes a `Grammar` with the same states in which each string is its decoded text
between the marks (special tokens, where the vocabulary has them), and each name its bare text. Nothing can
be escaped, so a string cannot hold the mark, and a name only what `NAME` has. Names that are not declared may
come twice: the last one counts, and only schemas for which that makes no difference have such names here.
That items differ is compared in JSON only: values without a string are left as they are, and others whose
items must differ are refused.

Cost: that of the JSON grammar, and an edge for each name that may come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from .composition import Token
from .emptiness import is_empty
from .errors import UnsupportedFeatureError
from .expressions import (
    EPSILON,
    UNLIMITED,
    Expression,
    complement,
    concatenate,
    intersect,
    literal,
    repeat,
    union,
)
from .grammar import (
    END,
    CallEdge,
    Edge,
    Expansion,
    Grammar,
    ItemRule,
    LiteralsEdge,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from .json_schema.grammar import JsonSchemaGrammar
from .regex import pattern_expression
from .stop_strings import text_without
from .utf8 import ANY_CHARACTER

NAME = re.compile(r"[^\s:,{}\[\]<>\"\x00-\x1f\x7f-\x9f]+")
"""A name that can be told from what stands around it."""
_LOOKED_AT = 300
"""States that are made at once, so that what cannot be written is refused when the schema is read."""

Mark = tuple["Token | Expression", ...]
"""What begins and ends a string, in pieces."""


class DelimitedValues(Grammar):
    """A JSON grammar with other strings. quote: the mark; mark: the same in pieces.

    A state of the JSON grammar is here twice its number; odd ones are those between a string's pieces.
    """

    def __init__(self, grammar: JsonSchemaGrammar, quote: str, mark: Mark) -> None:
        self._grammar, self._quote, self._mark = grammar, quote, mark
        self.start = 2 * grammar.start
        self.ignored = grammar.ignored
        self.special_token_ids = frozenset(piece.token_id for piece in mark if isinstance(piece, Token))
        self._between: list[Expansion] = []
        self._numbers: dict[tuple[Sequence[Token | Expression], int], int] = {}
        self._known: dict[int, Expansion] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return DelimitedValues, (self._grammar, self._quote, self._mark)

    def least_cost(self) -> int | None:
        return self._grammar.least_cost()

    def expand(self, state: int) -> Expansion:
        """Raises UnsupportedFeatureError where nothing but what cannot be written leads to the end."""
        if state & 1:
            return self._between[state >> 1]
        if state not in self._known:
            self._known[state] = self._expand(state >> 1)
        return self._known[state]

    def _expand(self, state: int) -> Expansion:
        plain = self._grammar.expand(state)
        if plain.items is not ItemRule.ANY or plain.recalls:
            raise _unsupported("items that must differ, or be repeated, with strings in them")
        edges: list[Edge] = []
        finish = plain.finish
        for index, edge in enumerate(plain.edges):
            is_way_out = index == plain.finish
            ways = self._ways_of(state, index, edge, plain.finish_label if is_way_out else 0)
            if is_way_out and not ways:
                raise _unsupported(
                    "a value whose strings all hold the mark, or undeclared names that must come"
                )
            if is_way_out:
                is_name = isinstance(edge, LiteralsEdge) and edge.next is None
                finish = len(edges) + (0 if is_name else len(ways) - 1)
            edges += ways
        return Expansion(edges, plain.final, finish)

    def _ways_of(self, state: int, index: int, edge: Edge, first_label: int) -> list[Edge]:
        """What stands for an edge of the JSON grammar; the shortest last, of names that of a label first."""
        if isinstance(edge, LiteralsEdge) and edge.next is None:
            return self._names(state, index, edge, first_label)
        if isinstance(edge, OthersEdge):
            return self._other_names(state, index, edge)
        if isinstance(edge, StringEdge | LiteralsEdge):
            text = raw_text(edge, self._quote)
            prefix = edge.prefix if isinstance(edge, LiteralsEdge) else edge.terminal.prefix
            if is_empty(text):
                return []
            assert edge.next is not None
            return self._ways((prefix, *self._mark, text, *self._mark), 2 * edge.next)
        if isinstance(edge, CallEdge):
            return [CallEdge(2 * edge.start, 2 * edge.next)]
        return [edge._replace(next=2 * edge.next)]

    def _names(self, state: int, index: int, edge: LiteralsEdge, first: int) -> list[Edge]:
        labels = [label for label in range(len(edge.table)) if edge.legal >> label & 1]
        labels.sort(key=lambda label: label != first)
        ways: list[Edge] = []
        for label in labels:
            name = edge.table.literals[label]
            check_name(name, self._quote)
            after = self._grammar.successor(state, index, label)
            ways.append(TerminalEdge(concatenate(edge.prefix, literal(name)), 2 * after))
        return ways

    def _other_names(self, state: int, index: int, edge: OthersEdge) -> list[Edge]:
        if edge.terminal.monitors or not self._grammar.names_may_repeat(state):
            return []
        declared = union(*map(literal, edge.excluded.literals)) if edge.excluded is not None else None
        names = intersect(
            edge.terminal.content, pattern_expression(NAME.pattern, search=False), text_without([self._quote])
        )
        if declared is not None:
            names = intersect(names, complement(declared))
        if is_empty(names):
            return []
        after = self._grammar.successor(state, index, 0) if edge.next is None else edge.next
        return [TerminalEdge(concatenate(edge.terminal.prefix, names), 2 * after)]

    def _ways(self, pieces: Sequence[Token | Expression], after: int) -> list[Edge]:
        """The edges that begin these pieces, the shortest last."""
        first, *rest = _joined(pieces)
        target = self._state_between(tuple(rest), after) if rest else after
        if isinstance(first, Token):
            return [TokenEdge(first.token_id, target)]
        ways: list[Edge] = []
        if first.nullable:  # then a mark follows
            ways = self._ways(rest, after)
            first = intersect(first, complement(EPSILON))
        return ways if is_empty(first) else [TerminalEdge(first, target), *ways]

    def _state_between(self, pieces: tuple[Token | Expression, ...], after: int) -> int:
        key = (pieces, after)
        if key not in self._numbers:
            ways = self._ways(pieces, after)
            self._numbers[key] = 2 * len(self._between) + 1
            self._between.append(Expansion(ways, False, len(ways) - 1))
        return self._numbers[key]


def delimited(grammar: JsonSchemaGrammar, quote: str, mark: Mark) -> Grammar:
    """The values of a JSON grammar with strings between marks.

    quote: the mark. mark: its pieces, as they are written.

    Raises: UnsupportedFeatureError for names that cannot be written, and items that must differ and may be
        strings.
    """
    if grammar.distinct_items and not _has_strings(grammar):
        return grammar
    spelled = DelimitedValues(grammar, quote, mark)
    _states_of(spelled)
    return spelled


def check_name(name: str, quote: str) -> None:
    """Raises UnsupportedFeatureError for a name that would not be read back."""
    if not NAME.fullmatch(name) or quote in name:
        raise UnsupportedFeatureError(
            "the name of an argument that cannot be told from the punctuation around it",
            got=name,
            advice='leave blanks and : , { } [ ] < > " out of it, or choose a format with JSON arguments',
        )


def raw_text(edge: StringEdge | LiteralsEdge, stop: str) -> Expression:
    """The texts of a string without its quotes, save those that hold `stop`."""
    if isinstance(edge, LiteralsEdge):
        legal = [text for label, text in enumerate(edge.table.literals) if edge.legal >> label & 1]
        return union(*[literal(text) for text in legal if stop not in text])
    content = intersect(edge.terminal.content, text_without([stop]))
    if edge.least == 0 and edge.most == UNLIMITED:
        return content
    return intersect(content, repeat(ANY_CHARACTER, edge.least, edge.most))


def _joined(pieces: Sequence[Token | Expression]) -> list[Token | Expression]:
    """The same pieces, with expressions that follow each other made one."""
    joined: list[Token | Expression] = []
    for piece in pieces:
        if isinstance(piece, Expression) and joined and isinstance(joined[-1], Expression):
            joined[-1] = concatenate(joined[-1], piece)
        elif piece is not EPSILON:
            joined.append(piece)
    return joined


def _has_strings(grammar: Grammar) -> bool:
    """Whether there may be a string or a name among the values; also if there are too many states to tell."""
    found = _states_of(grammar)
    edges = [edge for expansion in found for edge in expansion.edges]
    return len(found) == _LOOKED_AT or any(
        isinstance(edge, StringEdge | LiteralsEdge | OthersEdge) for edge in edges
    )


def _states_of(grammar: Grammar) -> list[Expansion]:
    """The first states of a grammar, at most `_LOOKED_AT`."""
    waiting: dict[int | None, None] = {grammar.start: None}  # in their order
    found: list[Expansion] = []
    while len(found) < min(len(waiting), _LOOKED_AT):
        state = next(islice(waiting, len(found), None))
        assert state is not None
        found.append(grammar.expand(state))
        for edge in found[-1].edges:
            states = (edge.start, edge.next) if isinstance(edge, CallEdge) else (edge.next,)
            waiting.update(dict.fromkeys(state for state in states if state not in (None, END)))
    return found


def _unsupported(what: str) -> UnsupportedFeatureError:
    return UnsupportedFeatureError(
        f"{what}, where strings are not written as JSON", advice="choose a format with JSON arguments"
    )
