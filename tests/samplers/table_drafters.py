"""Drafters for tests: laws from a table that has nothing to do with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from tokentrellis.samplers.draft_session import DraftSession
from tokentrellis.samplers.draft_tree import ROOT
from tokentrellis.samplers.drafter import Drafter
from tokentrellis.samplers.speculation import Speculation
from tokentrellis.samplers.tree_growth import TreeGrowth
from tokentrellis.samplers.verification import without

Spoil = Callable[[TreeGrowth], None]


def always(drafter: Drafter, **options: Any) -> Speculation:
    """With a tree in each step, whether it pays or not."""
    return Speculation(drafter, adaptive=False, **options)


class TableDrafter(Drafter):
    """Draws below each node from the row of the table for its token, and adds fixed tokens.

    branching: draws by level. fixed: tokens to add below the root and its children. spoil: what a mistaken
    implementation would do to the tree.
    """

    def __init__(
        self,
        n_tokens: int,
        *,
        branching: Sequence[int] = (2, 1),
        fixed: Sequence[int] = (),
        spoil: Spoil | None = None,
    ) -> None:
        generator = torch.Generator().manual_seed(5)
        self.logits = 1.5 * torch.randn(n_tokens, n_tokens, generator=generator)
        self.branching = branching
        self.fixed = fixed
        self.spoil = spoil

    def session(self, prompt: Sequence[int]) -> DraftSession:
        return _Session(self)


class _Session(DraftSession):
    def __init__(self, drafter: TableDrafter) -> None:
        self._drafter = drafter

    def grow(self, growth: TreeGrowth) -> None:
        tree = growth.tree
        level = [ROOT]
        for n_children in self._drafter.branching:
            below = []
            for node in level:
                probs = growth.draft_probs(node, self._drafter.logits[tree.tokens[node]])
                tree.set_draft_probs(node, probs)
                for _ in range(n_children):
                    if not growth.may_grow(node) or float(probs.sum()) == 0:
                        break
                    token = growth.chance.draw(probs)
                    child = growth.add_drawn(node, token)
                    probs = without(probs, token)
                    if child not in tree.final:
                        below.append(child)
            level = below
        for token in self._drafter.fixed:
            for node in (ROOT, tree.child(ROOT, self._drafter.fixed[0])):
                if node is not None:
                    growth.add_fixed(node, token)
        if self._drafter.spoil is not None:
            self._drafter.spoil(growth)
