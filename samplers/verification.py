"""Verification: a draft tree and the target's probabilities at its nodes in, the tokens that are kept out.

Both rules are lossless: whatever the drafter proposed, the kept tokens and the one after them have the law of
plain sampling from the target. With p the target's and q the draft's probabilities at a node:

- *recursive rejection sampling without replacement* (Jeon et al., 2402.14160; also Sequoia's, 2402.12374).
  Siblings x in the order of their draws: accept with probability min(1, p(x) / q(x)), else p becomes
  normalise(max(0, p - q)) and q loses x. Where all are rejected, the next token is drawn from the last p. One
  step emits p whatever q is, because p = min(p, q) + max(0, p - q); given the history x has the law q; so the
  whole has it, by induction over siblings and along the path.
- *traversal verification* (Weng et al., 2505.12398): from the leaves up, so that a likely descendant makes up
  for an unlikely ancestor. At least as many tokens are kept, on a chain as many as by block verification.

*Fixed* children (of a look-up, a table) are not tried against q: the token is drawn from what is left of p,
and if it is one of them, the walk goes on there. For a node without drawn children that is the best rule
there is for a given set. A greedy target is a p with a single one in it; the same rules hold.

The cost is one pass over the vocabulary for each sibling that is tried. Biased variants that look as good,
and that the tests catch: siblings in another order than drawn, a likeliest-k set taken for drawn, q without
the mask that the draws had, noise shared between draft and verification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from torch import Tensor

from .chance import Chance
from .draft_tree import ROOT, DraftTree

TargetProbs: TypeAlias = "Callable[[int], Tensor]"
"""Node -> the target's probabilities of the next token, float32 or better, shape [vocabulary], sum 1."""


class Verdict(NamedTuple):
    """What is kept.

    path: the accepted nodes, from the root down, which is left out.
    token: the token after them; None: the last node of the path is final.
    """

    path: list[int]
    token: int | None

    def steps(self, tree: DraftTree) -> Iterator[tuple[int, int]]:
        """Each kept node, the root first, with the token that was kept after it."""
        for parent, node in zip([ROOT, *self.path], self.path, strict=False):
            yield parent, tree.tokens[node]
        if self.token is not None:
            yield (self.path[-1] if self.path else ROOT), self.token


Rule: TypeAlias = "Callable[[DraftTree, TargetProbs, Chance], Verdict]"


def verify_recursive(tree: DraftTree, target_probs: TargetProbs, chance: Chance) -> Verdict:
    """Recursive rejection sampling. `target_probs` is asked only about nodes on the kept path."""
    return _verify(tree, target_probs, chance, _descend)


def verify_traversal(tree: DraftTree, target_probs: TargetProbs, chance: Chance) -> Verdict:
    """Traversal verification. `target_probs` is asked about most nodes.

    Fixed children: where the walk ends at a node, the token after it is drawn; if that is a fixed child,
    a new walk begins there. The draw is as fresh as any from the target, so this loses nothing.
    """
    return _verify(tree, target_probs, chance, _traverse)


RULES: dict[str, Rule] = {"recursive": verify_recursive, "traversal": verify_traversal}
"""By the names that users know."""


def _verify(
    tree: DraftTree,
    target_probs: TargetProbs,
    chance: Chance,
    walk: Callable[[DraftTree, int, TargetProbs, Chance], tuple[int, Tensor | None]],
) -> Verdict:
    """Walks along drawn nodes, joined by draws that hit a fixed child."""
    node = ROOT
    while True:
        node, probs = walk(tree, node, target_probs, chance)
        if probs is None:
            return Verdict(tree.path(node), None)
        token = chance.draw(probs)
        child = tree.fixed_child(node, token)
        if child is None:
            return Verdict(tree.path(node), token)
        node = child


def _descend(
    tree: DraftTree, node: int, target_probs: TargetProbs, chance: Chance
) -> tuple[int, Tensor | None]:
    """The node where no drawn child is accepted any more, and what the next token is to be drawn from (None:
    nothing comes).
    """
    while node not in tree.final:
        probs = target_probs(node)
        draft = tree.draft_probs(node) if tree.drawn_children(node) else probs
        for child in tree.drawn_children(node):
            token = tree.tokens[child]
            if chance.flip(float(probs[token]) / float(draft[token])):
                node = child
                break
            probs = residual(probs, draft)
            if not tree.with_replacement:
                draft = without(draft, token)
        else:
            return node, probs
    return node, None


def _traverse(
    tree: DraftTree, root: int, target_probs: TargetProbs, chance: Chance
) -> tuple[int, Tensor | None]:
    """As `_descend`, leaf to root.

    `reach` of a node is the probability with which its path is kept, given that everything to its left was
    not. A leaf that is not kept is removed, which changes p, q and the reach of its parent.
    """
    stack = [_Station.at(tree, root, target_probs, reach=1.0)]
    while True:
        station = stack[-1]
        if station.pending:
            child = station.pending[0]
            reach = min(1.0, station.reach * station.ratio(tree.tokens[child]))
            stack.append(_Station.at(tree, child, target_probs, reach))
        elif chance.flip(station.reach):
            return station.node, station.probs
        else:
            stack.pop()
            stack[-1].remove_first(tree)


class _Station:
    """A node on the way to the leftmost leaf that is left: its p, its q, its reach, and its children that are
    left.
    """

    __slots__ = ("draft", "node", "pending", "probs", "reach")

    def __init__(
        self, node: int, probs: Tensor | None, draft: Tensor | None, pending: list[int], reach: float
    ) -> None:
        self.node = node
        self.probs = probs
        self.draft = draft
        self.pending = pending
        self.reach = reach

    @classmethod
    def at(cls, tree: DraftTree, node: int, target_probs: TargetProbs, reach: float) -> _Station:
        """A station before any of its children was removed."""
        if node in tree.final:
            return cls(node, None, None, [], reach)
        children = list(tree.drawn_children(node))
        draft = tree.draft_probs(node) if children else None
        return cls(node, target_probs(node), draft, children, reach)

    def ratio(self, token: int) -> float:
        """p / q of a child."""
        probs, draft = self._laws()
        return float(probs[token]) / float(draft[token])

    def remove_first(self, tree: DraftTree) -> None:
        """The first child was not kept."""
        probs, draft = self._laws()
        left = (self.reach * probs - draft).clamp_min(0)
        mass = float(left.sum())
        if mass > 0:
            self.probs = left / left.sum()
            self.reach = mass / (mass + (1 - self.reach))  # exactly 1 for the root
        elif self.reach < 1:
            self.reach = 0.0
        token = tree.tokens[self.pending.pop(0)]
        if not tree.with_replacement:
            self.draft = without(draft, token)

    def _laws(self) -> tuple[Tensor, Tensor]:
        if self.probs is None or self.draft is None:
            raise ValueError("a node without drawn children has no draft probabilities")
        return self.probs, self.draft


def residual(probs: Tensor, draft: Tensor) -> Tensor:
    """normalise(max(0, probs - draft)); `probs` itself where nothing is left, which rounding alone can do.

    Both of shape [vocabulary].
    """
    left = (probs - draft).clamp_min(0)
    mass = left.sum()
    return left / mass if float(mass) > 0 else probs


def without(probs: Tensor, token: int) -> Tensor:
    """The law, shape [vocabulary], given that this token does not come; zeros where nothing else could."""
    left = probs.clone()
    left[token] = 0
    mass = left.sum()
    return left / mass if float(mass) > 0 else left
