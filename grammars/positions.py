"""Rules as automata over their symbols: the positions of each rule, and what may follow each.

In come simplified rules (`rules.py`), out come numbered *positions*, one for each occurrence of a terminal, a
special token or a call once bounded repetitions are written out, with the first and last positions of each
rule and those that may follow each (Glushkov 1961). What may be empty is skipped here: a position stands for
what was really read, so no call of an empty rule is left. A loop inside a rule comes back to the same
positions and needs no stack.

Costs: `shortest[name]` is the least number of bytes (special tokens count one) of a text of the rule that is
not empty (Knuth 1977, by iteration inside a component). Linear in the positions and what may follow them;
MOST_POSITIONS bounds both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .emptiness import shortest_text
from .errors import LimitExceededError
from .expressions import EMPTY, UNLIMITED, Expression
from .nullable import without_empty
from .rules import (
    Choice,
    Embedded,
    Leaf,
    Repetition,
    RuleCall,
    Sequence,
    Simplified,
    SpecialToken,
    Tree,
    settle,
)

MOST_POSITIONS = 200_000

NEVER = 1 << 40
"""The cost of what cannot be read."""


class Part(NamedTuple):
    """A piece of a rule: the positions at which it may begin and end, and whether it may be empty."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    nullable: bool


class Costs(NamedTuple):
    """Least bytes of any text, and of one that is not empty."""

    any: int
    not_empty: int


_EMPTY_PART = Part((), (), True)


class Positions:
    """All positions of a grammar, by number.

    symbols: what is read (an expression is not nullable). owners: the rule that the position is in. follow:
    the positions that may come next in the same rule. parts: by rule.
    """

    def __init__(self, simplified: Simplified) -> None:
        self.symbols: list[Leaf] = []
        self.owners: list[str] = []
        self.follow: list[list[int]] = []
        self.parts: dict[str, Part] = {}
        self._nullable = simplified.nullable
        self._n_pairs = 0
        self._ranges: dict[str, range] = {}
        for name, tree in simplified.rules.items():
            first = len(self.symbols)
            self.parts[name] = self._part(tree, name)
            self._ranges[name] = range(first, len(self.symbols))
        self.follow = [list(dict.fromkeys(following)) for following in self.follow]
        self.ends: set[int] = {position for part in self.parts.values() for position in part.last}
        self.shortest: dict[str, int] = {}
        for component in simplified.components:
            self._find_shortest(component, simplified.rules)

    def of_rule(self, name: str) -> range:
        """The positions in a rule."""
        return self._ranges[name]

    def _part(self, tree: Tree, owner: str) -> Part:
        if isinstance(tree, Sequence):
            part = _EMPTY_PART
            for item in tree.items:
                part = self._joined(part, self._part(item, owner))
            return part
        if isinstance(tree, Choice):
            options = [self._part(option, owner) for option in tree.options]
            return Part(
                tuple(position for option in options for position in option.first),
                tuple(position for option in options for position in option.last),
                any(option.nullable for option in options),
            )
        if isinstance(tree, Repetition):
            return self._repeated(tree, owner)
        return self._leaf(tree, owner)

    def _leaf(self, leaf: Leaf, owner: str) -> Part:
        nullable = False
        if isinstance(leaf, Expression):
            nullable = leaf.nullable
            leaf = without_empty(leaf)
            if leaf is EMPTY:
                return _EMPTY_PART
        elif isinstance(leaf, RuleCall):
            nullable = leaf.name in self._nullable
        position = len(self.symbols)
        self.symbols.append(leaf)
        self.owners.append(owner)
        self.follow.append([])
        self._count(1)
        return Part((position,), (position,), nullable)

    def _joined(self, left: Part, right: Part) -> Part:
        self._connect(left.last, right.first)
        return Part(
            left.first + right.first if left.nullable else left.first,
            left.last + right.last if right.nullable else right.last,
            left.nullable and right.nullable,
        )

    def _repeated(self, tree: Repetition, owner: str) -> Part:
        """`least` copies, then optional ones; the last of them loops where there is no upper bound."""
        n_copies = max(tree.least, 1) if tree.most == UNLIMITED else tree.most
        copies = [self._part(tree.item, owner) for _ in range(n_copies)]
        if tree.most == UNLIMITED:
            self._connect(copies[-1].last, copies[-1].first)
        made = _EMPTY_PART
        for index, copy in reversed(list(enumerate(copies))):
            joined = self._joined(copy, made)
            made = joined if index < tree.least else joined._replace(nullable=True)
        return made

    def _connect(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        self._count(len(before) * len(after))
        for position in before:
            self.follow[position].extend(after)

    def _count(self, more: int) -> None:
        self._n_pairs += more
        if self._n_pairs > 10 * MOST_POSITIONS or len(self.symbols) > MOST_POSITIONS:
            raise LimitExceededError(
                "the symbols of all rules, with their repetitions written out,",
                given=max(len(self.symbols), self._n_pairs // 10),
                limit=MOST_POSITIONS,
                advice="lower the bounds of the repetitions",
            )

    # Shortest texts

    def cost(self, position: int) -> int:
        """Bytes of a shortest text of what is read at a position."""
        return self._costs(self.symbols[position]).not_empty

    def _find_shortest(self, component: list[str], rules: dict[str, Tree]) -> None:
        self.shortest.update(dict.fromkeys(component, NEVER))

        def update(name: str) -> bool:
            cost = self._costs(rules[name]).not_empty
            is_less = cost < self.shortest[name]
            self.shortest[name] = min(cost, self.shortest[name])
            return is_less

        settle(component, rules, update)

    def _costs(self, tree: Tree) -> Costs:
        if isinstance(tree, Expression):
            text = _shortest_text(tree)
            return Costs(0 if tree.nullable else text, text)
        if isinstance(tree, SpecialToken):
            return Costs(1, 1)
        if isinstance(tree, Embedded):
            return Costs(tree.cost, tree.cost)
        if isinstance(tree, RuleCall):
            cost = self.shortest[tree.name]
            return Costs(0 if tree.name in self._nullable else cost, cost)
        if isinstance(tree, Choice):
            options = [self._costs(option) for option in tree.options]
            return Costs(
                min((option.any for option in options), default=NEVER),
                min((option.not_empty for option in options), default=NEVER),
            )
        if isinstance(tree, Repetition):
            item = self._costs(tree.item)
            least = min(NEVER, item.any * tree.least)
            return Costs(least, min(NEVER, max(0, least - item.any) + item.not_empty))
        items = [self._costs(item) for item in tree.items]
        least = min(NEVER, sum(item.any for item in items))
        more = min((item.not_empty - item.any for item in items), default=NEVER)
        return Costs(least, min(NEVER, least + more))


@lru_cache(1 << 12)
def _shortest_text(expression: Expression) -> int:
    """Bytes of a shortest text that is not empty."""
    text = shortest_text(without_empty(expression))
    return NEVER if text is None else len(text)
