"""`unevaluatedProperties` and `unevaluatedItems`: what they demand of the keys and items that no other
keyword evaluates.

In comes a node with the keyword, out come atoms and clauses (wanted) or options (violated). First the
*evaluators* are collected: every sub-schema applied in place to the same value that evaluates keys or items,
with the conditions (literals) under which it does. An annotation can only help, so a key needs no truth
assignment of all branches: its value meets the schema, or some branch that evaluates the key holds. That is
one clause for each class of keys that the evaluators tell apart: a name, or the keys that match just these of
their patterns. For items it is one clause for each index up to the last that a prefix evaluates, and one for
the rest; `contains` evaluates the items that meet it (not in 2019-09).

Exponential only in the patterns of conditional evaluators and in conditional `contains`, both limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, product
from typing import Any, NamedTuple

from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from .keywords import DRAFT_2020
from .nodes import FALSE, TRUE, Node, Nodes
from .records import Atom, Option, Rest
from .string_sets import pattern_language, text_in

MOST_PATTERNS = 6
MOST_CONTAINS = 4
EVERY_ITEM = 1 << 62
_DEEPEST = 60

Clause = list[Option]


class Evaluator(NamedTuple):
    """A sub-schema that evaluates something of the same value if all conditions hold.

    names, patterns, everything: the keys. prefix: the items before this index. contains: the literal of the
    items (TRUE: none).
    """

    conditions: tuple[int, ...]
    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    everything: bool = False
    prefix: int = 0
    contains: int = TRUE

    def evaluates(self, name: str) -> bool:
        """Whether a key is evaluated."""
        return (
            self.everything or name in self.names or any(_matches(pattern, name) for pattern in self.patterns)
        )


def _matches(pattern: str, name: str) -> bool:
    return text_in(pattern_language(pattern), name)


def evaluators(
    nodes: Nodes, node: Node, conditions: tuple[int, ...] = (), path: tuple[int, ...] = ()
) -> Iterator[Evaluator]:
    """The evaluators in a node and in what it applies in place."""
    if node.index in path:
        return
    if len(path) > _DEEPEST:
        raise LimitExceededError(
            "depth of what evaluates properties or items", given=len(path), limit=_DEEPEST
        )
    rules = node.rules
    is_inner = bool(path)
    everything = "additionalProperties" in rules or (is_inner and "unevaluatedProperties" in rules)
    every_item = "items" in rules or (is_inner and "unevaluatedItems" in rules)
    contains = TRUE
    if "contains" in rules and node.context.draft >= DRAFT_2020:
        contains = nodes.child(node, rules["contains"])
        every_item = every_item or contains == TRUE
    own = Evaluator(
        conditions,
        frozenset(rules.get("properties", ())),
        tuple(rules.get("patternProperties", ())),
        everything,
        EVERY_ITEM if every_item else len(rules.get("prefixItems", ())),
        TRUE if contains == FALSE else contains,
    )
    if own != Evaluator(conditions):
        yield own
    for literal, more in _applied(nodes, node):
        if literal > TRUE and not literal & 1:
            below = nodes.all[literal >> 1]
            assert below is not None
            yield from evaluators(nodes, below, (*conditions, *more), (*path, node.index))


def _applied(nodes: Nodes, node: Node) -> Iterator[tuple[int, tuple[int, ...]]]:
    """What a node applies in place: (literal, the conditions that this adds)."""
    rules = node.rules
    for word in ("$ref", "$dynamicRef", "$recursiveRef"):
        if word in rules:
            yield nodes.target(node, word), ()
    for schema in rules.get("allOf", ()):
        yield nodes.child(node, schema), ()
    for word in ("anyOf", "oneOf"):
        for schema in rules.get(word, ()):
            literal = nodes.child(node, schema)
            yield literal, (literal,)
    for name, schema in rules.get("dependentSchemas", {}).items():
        yield (
            nodes.child(node, schema),
            (nodes.synthetic({"type": "object", "required": [name]}, node.context),),
        )
    if "if" in rules:
        condition = nodes.child(node, rules["if"])
        yield condition, (condition,)
        yield nodes.child(node, rules.get("then", True)), (condition,)
        yield nodes.child(node, rules.get("else", True)), (condition ^ 1,)


def _holds(conditions: Iterable[int]) -> Option:
    return tuple(literal for literal in conditions if literal != TRUE)


def _fails(nodes: Nodes, node: Node, evaluator: Evaluator) -> int:
    """The literal "not all conditions hold"."""
    if len(evaluator.conditions) == 1:
        return evaluator.conditions[0] ^ 1
    return nodes.synthetic({"$all": evaluator.conditions}, node.context) ^ 1


# Properties.


def _key_classes(found: list[Evaluator]) -> Iterator[tuple[str | Rest, list[Evaluator]]]:
    """The classes of keys that are not evaluated for certain, each with the evaluators that may evaluate
    them."""
    certain = [evaluator for evaluator in found if not evaluator.conditions]
    conditional = [evaluator for evaluator in found if evaluator.conditions]
    if any(evaluator.everything for evaluator in certain):
        return
    names = dict.fromkeys(name for evaluator in conditional for name in sorted(evaluator.names))
    for name in names:
        if not any(evaluator.evaluates(name) for evaluator in certain):
            yield name, [evaluator for evaluator in conditional if evaluator.evaluates(name)]
    told_apart = frozenset(names).union(*(evaluator.names for evaluator in certain))
    sure = tuple(dict.fromkeys(pattern for evaluator in certain for pattern in evaluator.patterns))
    unsure = dict.fromkeys(pattern for evaluator in conditional for pattern in evaluator.patterns)
    patterns = [pattern for pattern in unsure if pattern not in sure]
    if len(patterns) > MOST_PATTERNS:
        raise LimitExceededError(
            "patternProperties beside unevaluatedProperties", given=len(patterns), limit=MOST_PATTERNS
        )
    for size in range(len(patterns) + 1):
        for matching in combinations(patterns, size):
            others = tuple(pattern for pattern in patterns if pattern not in matching)
            keys = Rest(told_apart, sure + others, matching)
            yield (
                keys,
                [e for e in conditional if e.everything or not set(matching).isdisjoint(e.patterns)],
            )


def properties_wanted(nodes: Nodes, node: Node, value: Any) -> list[Clause]:
    """The clauses of a wanted `unevaluatedProperties`."""
    literal = nodes.child(node, value)
    if literal == TRUE:
        return []
    clauses = []
    for keys, may in _key_classes(list(evaluators(nodes, node))):
        atom: Atom = ("name", keys, literal) if isinstance(keys, str) else ("all", keys, literal)
        clauses.append([(atom,), *dict.fromkeys(_holds(evaluator.conditions) for evaluator in may)])
    return clauses


def properties_violated(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    """The ways to violate `unevaluatedProperties`."""
    literal = nodes.child(node, value)
    if literal == TRUE:
        return []
    options: list[Option] = []
    for keys, may in _key_classes(list(evaluators(nodes, node))):
        atoms: Option = (
            (("require", keys), ("name", keys, literal ^ 1))
            if isinstance(keys, str)
            else (("some", keys, TRUE, literal ^ 1),)
        )
        options.append((*atoms, *(_fails(nodes, node, evaluator) for evaluator in may)))
    return options


# Items.


def _items_told_apart(
    nodes: Nodes, node: Node
) -> tuple[list[Evaluator], list[int], list[Evaluator], int, int]:
    """(conditional prefixes, literals of certain contains, conditional contains, first index, last told
    apart)."""
    found = list(evaluators(nodes, node))
    certain = [evaluator for evaluator in found if not evaluator.conditions]
    conditional = [evaluator for evaluator in found if evaluator.conditions]
    first = max((evaluator.prefix for evaluator in certain), default=0)
    prefixes = [evaluator for evaluator in conditional if evaluator.prefix > first]
    last = max((evaluator.prefix for evaluator in prefixes if evaluator.prefix < EVERY_ITEM), default=first)
    sure = [evaluator.contains for evaluator in certain if evaluator.contains != TRUE]
    unsure = [evaluator for evaluator in conditional if evaluator.contains != TRUE]
    if len(unsure) > MOST_CONTAINS:
        raise LimitExceededError("`contains` beside unevaluatedItems", given=len(unsure), limit=MOST_CONTAINS)
    return prefixes, sure, unsure, first, last


def items_wanted(nodes: Nodes, node: Node, value: Any) -> list[Clause]:
    """The clauses of a wanted `unevaluatedItems`."""
    literal = nodes.child(node, value)
    prefixes, sure, unsure, first, last = _items_told_apart(nodes, node)
    if literal == TRUE or first == EVERY_ITEM:
        return []

    def clause(kind: str, index: int) -> Clause:
        options: Clause = [_holds(e.conditions) for e in prefixes if e.prefix > index]
        for size in range(len(unsure) + 1):
            for chosen in combinations(unsure, size):
                conditions = [condition for evaluator in chosen for condition in evaluator.conditions]
                allowed = _either(nodes, node, [literal, *sure, *(e.contains for e in chosen)])
                options.append((*_holds(conditions), (kind, index, allowed)))
        return options

    return [*(clause("at", index) for index in range(first, last)), clause("from", last)]


def items_violated(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    """The ways to violate `unevaluatedItems`."""
    literal = nodes.child(node, value)
    prefixes, sure, unsure, first, last = _items_told_apart(nodes, node)
    if literal == TRUE or first == EVERY_ITEM:
        return []

    def options(index: int, atoms: Callable[[int], Option]) -> Iterator[Option]:
        failing = tuple(_fails(nodes, node, evaluator) for evaluator in prefixes if evaluator.prefix > index)
        for hits in product((False, True), repeat=len(unsure)):
            missed = [e.contains for e, hit in zip(unsure, hits, strict=True) if hit]
            inactive = [_fails(nodes, node, e) for e, hit in zip(unsure, hits, strict=True) if not hit]
            item = _either(nodes, node, [literal, *sure, *missed]) ^ 1
            yield (*atoms(item), *failing, *inactive)

    found: list[Option] = []
    for index in range(first, last):
        found += options(index, lambda item, at=index: (("length", at + 1, UNLIMITED), ("at", at, item)))  # type: ignore[misc]
    return [*found, *options(last, lambda item: (("count", last, item, 1, UNLIMITED),))]


def _either(nodes: Nodes, node: Node, literals: list[int]) -> int:
    """The literal "one of these holds"."""
    kept = [literal for literal in dict.fromkeys(literals) if literal != FALSE]
    if TRUE in kept:
        return TRUE
    if len(kept) < 2:
        return kept[0] if kept else FALSE
    return nodes.synthetic({"$all": tuple(literal ^ 1 for literal in kept)}, node.context) ^ 1
