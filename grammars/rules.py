"""Rules of a context-free grammar as trees, and what is simplified before states are made of them.

In come rules by name, each a tree over expressions (terminals, which may be nullable), special tokens and
calls of rules; out come the same rules with less in them: whatever is a regular language and small is one
expression, so that a rule which describes a character, a name or white space costs nothing beside a regular
expression; what derives no text at all is gone. The tree has the operators of every notation (Lark, GBNF,
EBNF): sequence, choice, repetition with bounds.

Rules are looked at in the order of the strongly connected components of their calls (Tarjan 1972), callees
first, so that all that is asked of them (nullable? any text? how short?) costs one pass, but for an iteration
inside a component. Nothing recurses over rules: thousands of them may hang on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from .errors import LimitExceededError
from .expressions import EMPTY, EPSILON, REPEAT, UNLIMITED, Expression, concatenate, repeat, union
from .nullable import bounds
from .regex_plain import count_positions

MOST_IN_A_TERMINAL = 2_000
"""Byte classes, with repetitions written out, of one expression; what has more stays a rule."""
MOST_SHORT = 8
"""Byte classes of an expression with an unlimited repeat that is put into others."""
HIGHEST = 60
"""How deep such an expression may nest: derivatives recurse over it."""
DEEPEST = 200
"""How deep the operators of one rule may nest."""


@dataclass(frozen=True)
class RuleCall:
    """A whole derivation of another rule."""

    name: str


@dataclass(frozen=True)
class SpecialToken:
    """One token by its id, which no text matches."""

    token_id: int


@dataclass(frozen=True)
class Embedded:
    """A text, not an empty one, of another grammar, by its number; cost: about the bytes of a short one."""

    number: int
    cost: int


@dataclass(frozen=True)
class Sequence:
    """The items one after the other; none: the empty text."""

    items: tuple[Tree, ...]


@dataclass(frozen=True)
class Choice:
    """Any of the options; none: no text at all."""

    options: tuple[Tree, ...]


@dataclass(frozen=True)
class Repetition:
    """`item` from `least` to `most` times; most = UNLIMITED: no bound."""

    item: Tree
    least: int
    most: int


Tree: TypeAlias = "Expression | RuleCall | SpecialToken | Embedded | Sequence | Choice | Repetition"
Leaf: TypeAlias = "Expression | RuleCall | SpecialToken | Embedded"

NOTHING = Choice(())


def calls_of(tree: Tree) -> Iterator[str]:
    """The names of the rules that a tree calls, from left to right."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, RuleCall):
            yield node.name
        waiting.extend(reversed(_children(node)))


def _children(tree: Tree) -> tuple[Tree, ...]:
    if isinstance(tree, Sequence):
        return tree.items
    if isinstance(tree, Choice):
        return tree.options
    return (tree.item,) if isinstance(tree, Repetition) else ()


def components(rules: Mapping[str, Tree], starts: Iterable[str]) -> list[list[str]]:
    """The strongly connected components of what `starts` reach, callees first (Tarjan 1972, iterative)."""
    return strongly_connected(starts, lambda name: calls_of(rules[name]))


def strongly_connected(starts: Iterable[str], following: Callable[[str], Iterable[str]]) -> list[list[str]]:
    """The strongly connected components of the graph that `following(name)` gives, successors first."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: list[list[str]] = []

    def enter(name: str) -> tuple[str, Iterator[str]]:
        order[name] = low[name] = len(order)
        path.append(name)
        on_path.add(name)
        return name, iter(following(name))

    for start in starts:
        waiting = [] if start in order else [enter(start)]
        while waiting:
            name, calls = waiting[-1]
            called = next(calls, None)
            if called is not None:
                if called not in order:
                    waiting.append(enter(called))
                elif called in on_path:
                    low[name] = min(low[name], order[called])
                continue
            waiting.pop()
            if waiting:
                low[waiting[-1][0]] = min(low[waiting[-1][0]], low[name])
            if low[name] == order[name]:
                place = path.index(name) if path[-1] != name else len(path) - 1
                found.append(path[place:])
                on_path.difference_update(path[place:])
                del path[place:]
    return found


class Simplified(NamedTuple):
    """Rules that are worth a state.

    rules: those that are called, and the start; no tree of them contains `NOTHING` but as a whole.
    components: of their calls, callees first.
    nullable: the names of the rules that derive the empty text.
    without_end: the rules that derive no text; what calls them is left out.
    shared: expressions of rules that read any number of characters, strings for example. They stay terminals
        of their own wherever the rule is called, so that the core learns what they let through once.
    """

    rules: dict[str, Tree]
    components: list[list[str]]
    nullable: set[str]
    without_end: set[str]
    shared: set[Expression]


def simplify(rules: Mapping[str, Tree], start: str, kept_rules: Collection[str] = ()) -> Simplified:
    """Put regular parts into expressions and drop what derives nothing. All names that are called exist.

    kept_rules: those that stay rules, whatever is in them.

    Raises LimitExceededError where the operators of a rule nest deeper than DEEPEST.
    """
    stands_for: dict[str, Tree] = {}
    kept: dict[str, Tree] = {}
    simplifier = _Simplifier(stands_for)
    for component in components(rules, [start]):
        is_recursive = len(component) > 1 or component[0] in calls_of(rules[component[0]])
        stands_for.update({name: RuleCall(name) for name in component})
        if is_recursive:
            productive = _productive(rules, component, stands_for)
            stands_for.update({name: NOTHING for name in component if name not in productive})
        for name in component:
            kept[name] = NOTHING if stands_for[name] == NOTHING else simplifier.tree(rules[name])
            tree = kept[name]
            if name in kept_rules and tree != NOTHING:
                continue
            if not is_recursive and (_is_leaf(tree) or tree == NOTHING):
                stands_for[name] = tree
                if isinstance(tree, Expression) and simplifier.is_long(tree):
                    simplifier.shared.add(tree)
    order = components(kept, [start])
    named = {name: kept[name] for component in order for name in component}
    without_end = {name for name, tree in kept.items() if tree == NOTHING}
    return Simplified(named, order, nullable_rules(named, order), without_end, simplifier.shared)


def _is_leaf(tree: Tree) -> bool:
    return isinstance(tree, (Expression, RuleCall, SpecialToken, Embedded))


def _productive(rules: Mapping[str, Tree], component: list[str], stands_for: Mapping[str, Tree]) -> set[str]:
    """The rules of a component that derive some text."""
    found: set[str] = set()
    members = set(component)

    def derives(tree: Tree) -> bool:
        if isinstance(tree, RuleCall):
            return tree.name in found if tree.name in members else stands_for[tree.name] != NOTHING
        if isinstance(tree, Sequence):
            return all(map(derives, tree.items))
        if isinstance(tree, Choice):
            return any(map(derives, tree.options))
        if isinstance(tree, Repetition):
            return tree.least == 0 or derives(tree.item)
        return tree is not EMPTY

    _find_all(component, rules, found, lambda name: derives(rules[name]))
    return found


def nullable_rules(rules: Mapping[str, Tree], order: list[list[str]]) -> set[str]:
    """The rules that derive the empty text. order: the components of their calls, callees first."""
    found: set[str] = set()
    for component in order:
        _find_all(component, rules, found, lambda name: is_nullable(rules[name], found))
    return found


def _find_all(
    component: list[str], rules: Mapping[str, Tree], found: set[str], holds: Callable[[str], bool]
) -> None:
    """Add the names of which it holds to `found`, on which that depends, until it holds of no other one."""

    def update(name: str) -> bool:
        if name in found or not holds(name):
            return False
        found.add(name)
        return True

    settle(component, rules, update)


def settle(component: list[str], rules: Mapping[str, Tree], update: Callable[[str], bool]) -> None:
    """Call `update(name)` for the rules of a component, and again for those that call one for which it was
    true, until it is true for none.
    """
    callers: dict[str, list[str]] = {name: [] for name in component}
    for name in component:
        for called in dict.fromkeys(calls_of(rules[name])):
            if called in callers:
                callers[called].append(name)
    waiting = dict.fromkeys(reversed(component))  # callees first, as far as there is an order
    while waiting:
        changed: dict[str, None] = {}
        for name in waiting:
            if update(name):
                changed.update(dict.fromkeys(callers[name]))
        waiting = changed


def is_nullable(tree: Tree, nullable: set[str]) -> bool:
    """Whether a tree derives the empty text, once it is known which rules do."""
    if isinstance(tree, RuleCall):
        return tree.name in nullable
    if isinstance(tree, Sequence):
        return all(is_nullable(item, nullable) for item in tree.items)
    if isinstance(tree, Choice):
        return any(is_nullable(option, nullable) for option in tree.options)
    if isinstance(tree, Repetition):
        return tree.least == 0 or is_nullable(tree.item, nullable)
    return isinstance(tree, Expression) and tree.nullable


def has_unlimited_repeat(expression: Expression) -> bool:
    """Whether some part of the expression is repeated without bound."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if node.kind == REPEAT and bounds(node)[1] == UNLIMITED:
            return True
        waiting.extend(node.children)
    return False


class _Simplifier:
    """Puts what is regular into one expression while it is small.

    stands_for: what is put in the place of a call.
    """

    def __init__(self, stands_for: Mapping[str, Tree]) -> None:
        self.stands_for = stands_for
        self.shared: set[Expression] = set()
        self.sizes: dict[Expression, int] = {}
        self.heights: dict[Expression, int] = {}

    def tree(self, tree: Tree, depth: int = 0) -> Tree:
        if depth > DEEPEST:
            raise LimitExceededError("the nesting of the operators of a rule", given=depth, limit=DEEPEST)
        if isinstance(tree, RuleCall):
            return self.stands_for[tree.name]
        if isinstance(tree, Sequence):
            return self._sequence([self.tree(item, depth + 1) for item in tree.items])
        if isinstance(tree, Choice):
            return self._choice([self.tree(option, depth + 1) for option in tree.options])
        if isinstance(tree, Repetition):
            return self._repetition(self.tree(tree.item, depth + 1), tree.least, tree.most)
        return NOTHING if tree is EMPTY else tree

    def _size(self, expression: Expression) -> int:
        return count_positions(expression, self.sizes)

    def is_long(self, expression: Expression) -> bool:
        """Whether an expression has any number of characters, and some variety in them."""
        return self._size(expression) >= MOST_SHORT and has_unlimited_repeat(expression)

    def _joins(self, left: Expression, right: Expression) -> bool:
        return not self.shared & {left, right} and self._fits(left, right)

    def _fits(self, *parts: Expression) -> bool:
        is_small = sum(map(self._size, parts)) <= MOST_IN_A_TERMINAL
        return is_small and max(map(self._height, parts)) < HIGHEST

    def _height(self, expression: Expression) -> int:
        if expression not in self.heights:
            self.heights[expression] = 1 + max(map(self._height, expression.children), default=0)
        return self.heights[expression]

    def _sequence(self, parts: list[Tree]) -> Tree:
        items: list[Tree] = []
        for part in parts:
            if part == NOTHING:
                return NOTHING
            for item in part.items if isinstance(part, Sequence) else (part,):
                last = items[-1] if items else None
                if isinstance(item, Expression) and isinstance(last, Expression) and self._joins(last, item):
                    items[-1] = concatenate(last, item)
                else:
                    items.append(item)
        items = [item for item in items if item is not EPSILON]
        if not items:
            return EPSILON
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _choice(self, parts: list[Tree]) -> Tree:
        options: dict[Tree, None] = {}
        regular: Expression = EMPTY
        for part in parts:
            for option in part.options if isinstance(part, Choice) else (part,):
                if isinstance(option, Expression) and self._joins(regular, option):
                    regular = union(regular, option)
                else:
                    options[option] = None
        if regular is not EMPTY:
            options[regular] = None
        return next(iter(options)) if len(options) == 1 else Choice(tuple(options))

    def _repetition(self, item: Tree, least: int, most: int) -> Tree:
        if item == NOTHING or most == 0:
            return EPSILON if least == 0 else NOTHING
        copies = max(least, 1) if most == UNLIMITED else most
        is_small = isinstance(item, Expression) and self._size(item) * copies <= MOST_IN_A_TERMINAL
        if isinstance(item, Expression) and is_small and self._fits(item):
            return repeat(item, least, most)
        return item if least == most == 1 else Repetition(item, least, most)
