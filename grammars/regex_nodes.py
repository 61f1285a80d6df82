"""Questions about the nodes of a pattern: which are anchors, look around, or need to know where they
stand. Cost: one walk over the items of a node.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from .regex_tree import (
    NEEDS_END,
    NEEDS_LOOK,
    Alternation,
    Assertion,
    Look,
    Node,
    Repetition,
    Sequence,
)


def is_condition(node: Node) -> bool:
    return isinstance(node, (Assertion, Look))


def looks_among(nodes: Iterable[Node], ahead: bool) -> list[Look]:
    return [node for node in nodes if isinstance(node, Look) and node.ahead == ahead]


def is_anchor(node: Node, kind: int) -> bool:
    return isinstance(node, Assertion) and node.kind == kind


def items_of(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def needs_of_items(node: Node) -> int:
    """What the items of a sequence need; a look-ahead needs the end."""
    needs = 0
    for item in items_of(node):
        needs |= NEEDS_END if isinstance(item, Look) and item.ahead else item.needs
    return needs


def last_look_behind(items: tuple[Node, ...]) -> int | None:
    """The place of the last item that is a look-behind, or a choice with one; None if there is none."""
    return next((i for i in range(len(items) - 1, -1, -1) if looks_back(items[i])), None)


def looks_back(node: Node) -> bool:
    if isinstance(node, Alternation):
        return any(map(looks_back, (item for option in node.options for item in items_of(option))))
    return isinstance(node, Look) and not node.ahead


def first_look(node: Node) -> Look:
    while not isinstance(node, Look):
        if isinstance(node, Repetition):
            node = node.item
        else:
            parts = node.items if isinstance(node, Sequence) else cast(Alternation, node).options
            node = next(part for part in parts if part.needs & NEEDS_LOOK)
    return node
