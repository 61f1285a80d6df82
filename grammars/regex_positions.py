"""Patterns with conditions on neighbouring characters (`\\b`, multi-line `^` and `$` ...) -> one explicit
automaton.

In comes a syntax tree whose assertions look at the character before and after a gap, out comes an
`AUTOMATON` expression for the texts that it matches as a whole. The idea: sort the characters into the few
categories that the assertions tell apart (word characters, line ends ...). A gap in a text is then one of
finitely many pairs (category before, category after), where the edge of the text is a category too, and a
condition is the set of pairs in which it holds, an integer with a bit for each pair. Glushkov's
construction (1961) carries over with these sets in place of truth values: conditions that meet in the same
gap are intersected, alternatives united. The states are the positions of the pattern, one for each
category that the character read there can have.

Python's `$` also holds before a line feed that ends the text: a category of its own, which nothing may
follow.

Cost: quadratic in the number of positions at worst; bounded repeats count with their copies, MOST_EDGES
limits all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import regex_tree as tree
from .errors import LimitExceededError
from .expressions import UNLIMITED, Expression, automaton
from .regex_tree import Alternation, Assertion, Characters, Node, Repetition, Sequence, Text
from .unicode_classes import EVERYTHING, PYTHON_LINE_ENDS, Ranges, contains, invert, overlap
from .utf8 import SCALAR_VALUES, ByteTree, byte_tree

MOST_EDGES = 200_000
MOST_CATEGORIES = 24

EDGE = 0  # the category of what is before the begin and after the end of the text


class _Category(NamedTuple):
    ranges: Ranges
    final: bool = False  # the line feed that ends the text


class _Fragment(NamedTuple):
    """A part of the pattern. All conditions are sets of gaps.

    empty: where the empty text matches; first, last: the positions that a match can begin and end with, each
        with the gaps before or after it that permit it.
    """

    empty: int
    first: dict[int, int]
    last: dict[int, int]


def positions_expression(node: Node) -> Expression:
    """The texts that `node`, which contains no look-around with a whole pattern, matches from begin to end.

    Raises: LimitExceededError.
    """
    return _Positions(node).expression()


class _Positions:
    def __init__(self, node: Node) -> None:
        self.categories = _categories(node)
        self.n_sides = len(self.categories) + 1
        self.possible = self._gaps(self._is_possible)
        self.characters: list[Ranges] = []  # what is read at each position
        self.follow: list[dict[int, int]] = []  # position -> next position -> gaps in which it may follow
        self.n_edges = 0
        self.conditions: dict[Assertion, int] = {}
        self.whole = self._fragment(node)

    def _gaps(self, holds: Callable[[_Category | None, _Category | None], bool]) -> int:
        """The set of the gaps (category before, category after; None: edge of the text) where this holds."""
        sides = [None, *self.categories]
        gaps = 0
        for before, left in enumerate(sides):
            for after, right in enumerate(sides):
                if holds(left, right):
                    gaps |= 1 << (before * self.n_sides + after)
        return gaps

    def _is_possible(self, left: _Category | None, right: _Category | None) -> bool:
        """The final line feed is what the edge follows, and nothing else does."""
        if left is None or not any(category.final for category in self.categories):
            return True
        return left.final == (right is None) if left.ranges == PYTHON_LINE_ENDS else True

    # Glushkov's construction

    def _fragment(self, node: Node) -> _Fragment:
        if isinstance(node, Text):
            characters = [((ord(character), ord(character)),) for character in node.text]
            return self._chain([self._position(ranges) for ranges in characters])
        if isinstance(node, Characters):
            return self._position(node.ranges)
        if isinstance(node, Sequence):
            return self._chain([self._fragment(item) for item in node.items])
        if isinstance(node, Alternation):
            return self._either([self._fragment(option) for option in node.options])
        if isinstance(node, Repetition):
            return self._repetition(node)
        if node not in self.conditions:
            self.conditions[node] = self._condition(node) & self.possible  # type: ignore[index, arg-type]
        return _Fragment(self.conditions[node], {}, {})  # type: ignore[index]

    def _position(self, ranges: Ranges) -> _Fragment:
        position = len(self.characters)
        self.characters.append(ranges)
        self.follow.append({})
        self._count(1)
        return _Fragment(0, {position: self.possible}, {position: self.possible})

    def _count(self, n_edges: int) -> None:
        self.n_edges += n_edges
        if self.n_edges > MOST_EDGES:
            raise LimitExceededError(
                "the size of a pattern with conditions on neighbouring characters",
                given=f"more than {MOST_EDGES}",
                limit=MOST_EDGES,
                advice="lower the bounds of its repeats, or drop \\b and multi-line anchors",
            )

    def _chain(self, fragments: list[_Fragment]) -> _Fragment:
        """One after the other. From the right, so that a long chain of skippable ends costs linear time."""
        chain = _Fragment(self.possible, {}, {})
        for fragment in reversed(fragments):
            chain = self._before(fragment, chain)
        return chain

    def _before(self, left: _Fragment, right: _Fragment) -> _Fragment:
        """`left`, then `right`; takes both apart."""
        self._link(left.last, right.first)
        first, last = left.first, right.last
        if left.empty:
            first = _join(first, right.first, left.empty)
            self._count(len(right.first))
        if right.empty:
            last = _join(last, left.last, right.empty)
        return _Fragment(left.empty & right.empty, first, last)

    def _link(self, last: dict[int, int], first: dict[int, int]) -> None:
        self._count(len(last) * len(first))
        for position, gaps in last.items():
            _join(self.follow[position], first, gaps)

    def _either(self, fragments: list[_Fragment]) -> _Fragment:
        empty = 0
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for fragment in fragments:
            empty |= fragment.empty
            first.update(fragment.first)
            last.update(fragment.last)
        return _Fragment(empty, first, last)

    def _repetition(self, node: Repetition) -> _Fragment:
        """x{n,m} as n copies, then nested optional ones; x{n,} as n copies, the last of them in a loop."""
        chain = _Fragment(self.possible, {}, {})
        if node.most == UNLIMITED:
            loop = self._fragment(node.item)
            self._link(loop.last, dict(loop.first))
            chain = loop if node.least else loop._replace(empty=self.possible)
        n_left = max(node.least - 1, 0) if node.most == UNLIMITED else node.most
        for copy in range(n_left, 0, -1):
            self._count(1)  # a copy without positions costs time too
            chain = self._before(self._fragment(node.item), chain)
            if copy > node.least:
                chain = chain._replace(empty=self.possible)
        return chain

    def _condition(self, node: Assertion) -> int:
        def inside(category: _Category | None) -> bool:
            return category is not None and contains(node.characters, category.ranges[0][0])

        return self._gaps(
            {
                tree.BEGIN: lambda left, right: left is None,
                tree.END: lambda left, right: right is None,
                tree.FINAL_END: lambda left, right: right is None or right.final,
                tree.LINE_BEGIN: lambda left, right: left is None or inside(left),
                tree.LINE_END: lambda left, right: right is None or inside(right),
                tree.BOUNDARY: lambda left, right: inside(left) != inside(right),
                tree.NO_BOUNDARY: lambda left, right: inside(left) == inside(right),
                tree.BEFORE: lambda left, right: inside(right),
                tree.NOT_BEFORE: lambda left, right: not inside(right),
                tree.AFTER: lambda left, right: inside(left),
                tree.NOT_AFTER: lambda left, right: not inside(left),
            }[node.kind]
        )

    # The automaton

    def expression(self) -> Expression:
        """State 0 is the begin; the others are (position, category) pairs and places inside characters."""
        self.states: dict[tuple[object, ...], int] = {(): 0}
        self.transitions: list[tuple[int, int, int]] = []
        reads_of = {ranges: self._reads(ranges) for ranges in set(self.characters)}
        reads = [reads_of[ranges] for ranges in self.characters]
        accepting = [0] if self.whole.empty & 1 else []
        self._connect(0, EDGE, self.whole.first, reads)
        for position, followers in enumerate(self.follow):
            for side, _ in reads[position]:
                state = self._state((position, side))
                self._connect(state, side, followers, reads)
                if self.whole.last.get(position, 0) >> (side * self.n_sides) & 1:
                    accepting.append(state)
        return automaton(len(self.states), self.transitions, accepting)

    def _reads(self, ranges: Ranges) -> list[tuple[int, Ranges]]:
        """The members of a set by category."""
        encodable = overlap(ranges, SCALAR_VALUES)
        parts = [
            (side, overlap(encodable, category.ranges)) for side, category in enumerate(self.categories, 1)
        ]
        return [(side, part) for side, part in parts if part]

    def _state(self, key: tuple[object, ...]) -> int:
        return self.states.setdefault(key, len(self.states))

    def _connect(
        self, state: int, side: int, followers: dict[int, int], reads: list[list[tuple[int, Ranges]]]
    ) -> None:
        """The transitions from `state`, which has read a character of category `side`."""
        for position, gaps in followers.items():
            for after, ranges in reads[position]:
                if gaps >> (side * self.n_sides + after) & 1:
                    self._read(state, byte_tree(ranges), self._state((position, after)))

    def _read(self, state: int, characters: ByteTree, target: int) -> None:
        """Paths over the bytes of the characters from `state` to `target`."""
        self._count(len(characters))
        for members, rest in characters:
            after = target
            if rest:
                key = (target, rest, "inside")
                is_new = key not in self.states
                after = self._state(key)
                if is_new:
                    self._read(after, rest, target)
            self.transitions.append((state, members, after))


def _join(into: dict[int, int], more: dict[int, int], condition: int) -> dict[int, int]:
    """Add what of `more` holds under the condition."""
    for position, gaps in more.items():
        both = gaps & condition
        if both:
            into[position] = into.get(position, 0) | both
    return into


def _categories(node: Node) -> list[_Category]:
    """The sets of characters that the assertions of the pattern tell apart."""
    sets: set[Ranges] = set()
    has_final_end = False
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, Sequence):
            pending.extend(part.items)
        elif isinstance(part, Alternation):
            pending.extend(part.options)
        elif isinstance(part, Repetition):
            pending.append(part.item)
        elif isinstance(part, Assertion):
            has_final_end |= part.kind == tree.FINAL_END
            if part.kind not in (tree.BEGIN, tree.END):
                sets.add(part.characters)
    atoms: list[Ranges] = [EVERYTHING]
    for characters in sorted(sets):
        halves = [overlap(atom, half) for atom in atoms for half in (characters, invert(characters))]
        atoms = [half for half in halves if half]
        if len(atoms) > MOST_CATEGORIES:
            raise LimitExceededError(
                "the number of different conditions on neighbouring characters",
                given=f"more than {MOST_CATEGORIES}",
                limit=MOST_CATEGORIES,
            )
    categories = [_Category(atom) for atom in atoms]
    if has_final_end:
        categories.append(_Category(PYTHON_LINE_ENDS, final=True))
    return categories
