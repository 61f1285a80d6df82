"""Grammars as parts of a grammar: pieces joined by states -> a `Grammar`.

In come pieces (literal text and expressions, special tokens, whole grammars) and the states between them, out
comes a transition network: where a grammar is a piece, its rule is called, and its states are states of the
whole under new numbers, given out when they are reached. Nothing of a part is copied or expanded in advance;
composing costs what the pieces are many, and a step of a part one look-up more than it costs alone.

What may be skipped (`Skeleton.skip`, a part that may be empty) is left out here, so that no call is empty.
A JSON Schema as a part is a document by itself: that its keys and items differ is counted from its first
bracket to its last, however many documents a text has (`Grammar.documents`). The way to the end is the
shortest by bytes (Dijkstra 1959).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

from .emptiness import is_empty, some_length
from .errors import LimitExceededError, UnsatisfiableError, UnsupportedFeatureError
from .expressions import EPSILON, Expression, complement, intersect
from .grammar import (
    END,
    CallEdge,
    CaptureRule,
    Edge,
    Expansion,
    Grammar,
    LiteralsEdge,
    OthersEdge,
    PlainArray,
    PlainObject,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from .witness import shortest_document

MOST_STATES = 2_000_000
MOST_NESTED = 200
"""Compositions inside each other; each is a step of Python for every state that is reached."""
_UNKNOWN_COST = 1_000  # of a part whose shortest text is not known in advance


class Token(NamedTuple):
    """A special token, as a piece."""

    token_id: int


Piece: TypeAlias = "Expression | Token | Grammar"


class Skeleton:
    """The states between pieces, while they are being joined. State 0 is the beginning."""

    def __init__(self) -> None:
        self.joins: list[list[tuple[Piece, int]]] = [[]]  # by state: piece, state after it
        self.skips: list[list[int]] = [[]]
        self.ends: set[int] = set()

    def state(self) -> int:
        """A new state."""
        self.joins.append([])
        self.skips.append([])
        return len(self.joins) - 1

    def join(self, source: int, piece: Piece, target: int | None = None) -> int:
        """Let a piece lead from one state to another, a new one by default; the state after it."""
        target = self.state() if target is None else target
        if isinstance(piece, Grammar):
            check_part(piece)
            begin = piece.expand(piece.start)
            if begin.final:
                self.skips[source].append(target)
                if not begin.edges:  # nothing but the empty text
                    return target
        elif isinstance(piece, Expression):
            if piece.nullable:
                self.skips[source].append(target)
                piece = intersect(piece, complement(EPSILON))
            if is_empty(piece):
                return target
        self.joins[source].append((piece, target))
        return target

    def skip(self, source: int, target: int) -> None:
        """Let nothing lead from one state to another."""
        self.skips[source].append(target)

    def end(self, state: int) -> None:
        """Let the text end in a state."""
        self.ends.add(state)

    def build(self) -> Composition:
        """The grammar. Raises UnsatisfiableError if no text leads from the beginning to an end."""
        return Composition(self)


def check_part(grammar: Grammar) -> None:
    """Raise UnsupportedFeatureError for a grammar that cannot be a part of another."""
    if grammar.parse_tables is not None:
        raise UnsupportedFeatureError(
            "a Lark grammar with the contextual lexer, which reads a whole text, as a part of another",
            advice='make the part with from_lark(..., lexer="dynamic")',
        )


class Composition(Grammar):
    """Parts joined to a whole. Made by the functions of `parts.py`, `tools.py` and `structural_tags.py`."""

    start = 1

    def __init__(self, skeleton: Skeleton, embedded: Sequence[Grammar] = ()) -> None:
        """embedded: what an edge of a part for the token ~number stands for (`ContextFreeGrammar`)."""
        reach = [_reachable(state, skeleton.skips) for state in range(len(skeleton.joins))]
        self._joins = [[join for at in states for join in skeleton.joins[at]] for states in reach]
        self._final = [any(at in skeleton.ends for at in states) for states in reach]
        finish, self._cost = _shortest_ways(self._joins, self._final)
        if finish[0] is None:
            raise UnsatisfiableError("the parts leave no text", advice="let some sequence of parts have one")
        if None in finish:  # nothing may lead where no end is
            self._joins = [[join for join in joins if finish[join[1]] is not None] for joins in self._joins]
            finish, _ = _shortest_ways(self._joins, self._final)
        self._finish = finish
        self.parts: list[Grammar] = []
        known: dict[int, int] = {}
        for piece in [*(piece for joins in self._joins for piece, _ in joins), *embedded]:
            if isinstance(piece, Grammar) and id(piece) not in known:
                known[id(piece)] = len(self.parts)
                self.parts.append(piece)
        self._part_of = known
        self._embedded = [known[id(part)] for part in embedded]
        self.depth: int = 1 + max(
            (part.depth for part in self.parts if isinstance(part, Composition)), default=0
        )
        if self.depth > MOST_NESTED:
            raise LimitExceededError("compositions inside each other", given=self.depth, limit=MOST_NESTED)
        self.distinct_keys = any(part.distinct_keys for part in self.parts)
        self.distinct_items = any(part.distinct_items for part in self.parts)
        self.documents = any(_has_documents(part) for part in self.parts)
        self.has_captures = any(part.has_captures for part in self.parts)
        self.token_limits = tuple(dict.fromkeys(limit for part in self.parts for limit in part.token_limits))
        self.has_temperatures = any(part.has_temperatures for part in self.parts)
        own = {piece.token_id for joins in self._joins for piece, _ in joins if isinstance(piece, Token)}
        self.special_token_ids = frozenset(own).union(*(part.special_token_ids for part in self.parts))
        self.is_ambiguous = any(part.is_ambiguous for part in self.parts)
        self.ignored = tuple(problem for part in self.parts for problem in part.ignored)
        # A state of a part has a number from here on; those before are the joints.
        self._first = len(self._joins) + 2
        self._after_document = self._first - 1
        self._states: list[tuple[int, int, int]] = []  # (part, state, role)
        self._numbers: dict[tuple[int, int, int], int] = {}

    def __getstate__(self) -> dict[str, object]:
        state = dict(self.__dict__)
        state["_part_of"] = None
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._part_of = {id(part): number for number, part in enumerate(self.parts)}

    def expand(self, state: int) -> Expansion:
        unfolded = self._unfold(state, whole=False)
        assert isinstance(unfolded, Expansion)
        return unfolded

    def least_cost(self) -> int:
        return self._cost

    def unfold(self, state: int) -> Expansion | PlainObject | PlainArray:
        return self._unfold(state, whole=True)

    def successor(self, state: int, edge: int, label: int) -> int:
        part, inner, _ = self._states[state - self._first]
        return self._number(part, self.parts[part].successor(inner, edge, label))

    def value(self, state: int, label: int) -> int:
        part, inner, _ = self._states[state - self._first]
        return self._number(part, self.parts[part].value(inner, label))

    def recall(self, state: int, items: Sequence[bytes]) -> int:
        part, inner, _ = self._states[state - self._first]
        return self._number(part, self.parts[part].recall(inner, items))

    def capture_of(self, state: int) -> CaptureRule | None:
        if state < self._first:
            return None
        part, inner, role = self._states[state - self._first]
        return None if role == _DOCUMENT else self.parts[part].capture_of(inner)

    def _unfold(self, state: int, whole: bool) -> Expansion | PlainObject | PlainArray:
        if state < self._first:
            return _AFTER_DOCUMENT if state == self._after_document else self._expand_joint(state - 1)
        part, inner, role = self._states[state - self._first]
        grammar = self.parts[part]
        if role == _DOCUMENT:
            return Expansion([CallEdge(self._number(part, inner), self._after_document)], False, 0)
        unfolded = grammar.unfold(inner) if whole else grammar.expand(inner)
        if isinstance(unfolded, PlainObject):
            return unfolded  # its values are asked for by label
        if isinstance(unfolded, PlainArray):
            return unfolded._replace(items=[self._number(part, item) for item in unfolded.items])
        edges = [self._renumbered(part, edge) for edge in unfolded.edges]
        if role != _NOT_EMPTY:
            return unfolded._replace(edges=edges)
        finish = unfolded.finish
        if finish == -1:
            finish = _cheapest(grammar, unfolded.edges)
        return unfolded._replace(edges=edges, final=False, finish=finish)

    def _expand_joint(self, joint: int) -> Expansion:
        edges: list[Edge] = []
        for piece, target in self._joins[joint]:
            # A state where nothing more can come is the end of the rule.
            after = target + 1 if self._joins[target] else END
            if isinstance(piece, Token):
                edges.append(TokenEdge(piece.token_id, after))
            elif isinstance(piece, Expression):
                edges.append(TerminalEdge(piece, after))
            else:
                edges.append(CallEdge(self._beginning(self._part_of[id(piece)]), after))
        finish = self._finish[joint]
        return Expansion(edges, self._final[joint], -1 if finish is None else finish)

    def _beginning(self, part: int) -> int:
        grammar = self.parts[part]
        if _is_document(grammar):
            return self._number(part, grammar.start, _DOCUMENT)
        is_empty = grammar.expand(grammar.start).final
        return self._number(part, grammar.start, _NOT_EMPTY if is_empty else _PLAIN)

    def _renumbered(self, part: int, edge: Edge) -> Edge:
        if isinstance(edge, (LiteralsEdge, OthersEdge)) and edge.next is None:
            return edge
        following = self._number(part, edge.next)  # type: ignore[arg-type]
        if isinstance(edge, TokenEdge) and edge.token_id < 0:
            return CallEdge(self._beginning(self._embedded[~edge.token_id]), following)
        if isinstance(edge, CallEdge):
            return CallEdge(self._number(part, edge.start), following)
        return edge._replace(next=following)

    def _number(self, part: int, state: int, role: int = 0) -> int:
        if state <= END:
            return state  # the end of a rule; -1 in an array: no item
        key = (part, state, role)
        known = self._numbers.get(key)
        if known is None:
            known = self._first + len(self._states)
            if known >= MOST_STATES:
                raise LimitExceededError("states of the grammar", given=known, limit=MOST_STATES)
            self._numbers[key] = known
            self._states.append(key)
        return known


_PLAIN, _NOT_EMPTY, _DOCUMENT = range(
    3
)  # the role of a state: itself, the beginning of a part that is not empty
_AFTER_DOCUMENT = Expansion([], True, -1, ends_document=True)


def _is_document(grammar: Grammar) -> bool:
    return (grammar.distinct_keys or grammar.distinct_items) and not grammar.documents


def _has_documents(grammar: Grammar) -> bool:
    return grammar.documents or _is_document(grammar)


def _reachable(state: int, skips: list[list[int]]) -> list[int]:
    """The states that can be reached by skipping, the nearest first."""
    found, at = [state], 0
    seen = {state}
    while at < len(found):
        for target in skips[found[at]]:
            if target not in seen:
                seen.add(target)
                found.append(target)
        at += 1
    return found


def _shortest_ways(joins: list[list[tuple[Piece, int]]], final: list[bool]) -> tuple[list[int | None], int]:
    """For each state the index of the join on a shortest way to an end, -1 where it is one; None: there is
    no way. And the cost of the way from the beginning."""
    before: list[list[tuple[int, int, int]]] = [[] for _ in joins]  # by target: cost, source, index
    costs: dict[int, int] = {}
    for source, here in enumerate(joins):
        for index, (piece, target) in enumerate(here):
            if id(piece) not in costs:
                costs[id(piece)] = cost_of(piece)
            before[target].append((costs[id(piece)], source, index))
    finish: list[int | None] = [None] * len(joins)
    least = 0
    waiting = [(0, state, -1) for state, is_end in enumerate(final) if is_end]
    while waiting:
        cost, state, index = heappop(waiting)
        if finish[state] is not None:
            continue
        finish[state] = index
        least = cost if state == 0 else least
        for more, source, via in before[state]:
            if finish[source] is None:
                heappush(waiting, (cost + more, source, via))
    return finish, least


def cost_of(piece: Piece) -> int:
    """Bytes of a shortest text of a piece that is not empty; at least one."""
    if isinstance(piece, Token):
        return 1
    if isinstance(piece, Expression):
        return max(1, some_length(piece) or 1)
    if piece.expand(piece.start).final:
        return 1
    known = piece.least_cost()
    if known is not None:
        return max(1, known)
    text = shortest_document(piece, piece.start)
    return _UNKNOWN_COST if text is None else max(1, len(text))


def _cheapest(grammar: Grammar, edges: Sequence[Edge]) -> int:
    """The edge on a shortest way that reads something."""
    costs = []
    for index, edge in enumerate(edges):
        if isinstance(edge, CallEdge):
            text = shortest_document(grammar, edge.start)
            cost = _UNKNOWN_COST if text is None else len(text)
        else:
            cost = 1 if isinstance(edge, (TokenEdge, StringEdge)) else 2
        if isinstance(edge, TerminalEdge):
            cost = some_length(edge.terminal) or 1
        if edge.next not in (None, END):
            text = shortest_document(grammar, edge.next)
            cost += _UNKNOWN_COST if text is None else len(text)
        costs.append((cost, index))
    return min(costs)[1]
