"""`DynamicTree`: the tree goes where most is likely to be kept.

A slot is a place for one more node: below a parent, after the siblings drawn so far. Its value is the
probability that verification gets there. A node y drawn into a slot of the value v is kept with a probability
a: the first slot below it has the value v a, and the slot of its next sibling v (1 - a). The slot of the
largest value is filled next, until the budget is spent or no value reaches the threshold (DySpec: Xiong et
al., 2410.11744).

DySpec takes for a the share R[y] that y had of what was left of the draft's law. For a target that draws and
a good draft model that is far too little: where both laws are equal the first draw is always kept, whatever
it is. So a is measured, by R[y] and by the place among the siblings, as verification goes on
(`measured=False`: the original). The original also calls the draft model for each node; here all nodes that
are waiting are read in one pass when one of them is wanted, which takes about as many passes as there are
levels.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_instance, checked_integer, checked_number
from .draft_model import ModelDrafter
from .draft_reader import DraftReader
from .draft_template import TYPICAL_ACCEPTANCE
from .draft_tree import ROOT
from .tree_growth import TreeGrowth
from .verification import Verdict, without


class DynamicTree(ModelDrafter):
    """DySpec. threshold: least value of a slot that is filled. max_depth: levels. measured: estimate what is
    kept by what was kept; False: by the draft's own probabilities.
    """

    def __init__(
        self,
        model: Any,
        *,
        threshold: float = 0.02,
        max_depth: int = 32,
        measured: bool = True,
        most_prompt_tokens: int | None = None,
    ) -> None:
        super().__init__(model, most_prompt_tokens=most_prompt_tokens)
        self.threshold = checked_number("threshold", threshold, above=0, most=1)
        self.max_depth = checked_integer("max_depth", max_depth, least=1, most=256)
        checked_instance("measured", measured, bool, "True or False")
        self.measured = measured
        self._kept = {is_sampled: KeptByShare(is_sampled) for is_sampled in (False, True)}

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        slots = _Slots(growth, logits, self._kept[growth.is_sampled] if self.measured else None)
        while growth.n_left:
            value, node = slots.pop()
            if node is None or value < self.threshold:
                return
            if node in slots.unread:
                # All that are waiting and good enough, so that the model is called once for a level.
                waiting = [other for other, likely in slots.unread.items() if likely >= self.threshold]
                for other, row in zip(waiting, reader.read(growth.tree, waiting), strict=True):
                    slots.set_law(other, row)
            child, child_value = slots.fill(node, value)
            if child is not None and growth.tree.depths[child] < self.max_depth:
                slots.wait(child, child_value)

    def learn(self, growth: TreeGrowth, verdict: Verdict) -> None:
        """Count which of the tried children were kept."""
        tree = growth.tree
        for node, kept in zip([ROOT, *verdict.path], [*verdict.path, None], strict=True):
            left = 1.0
            for place, child in enumerate(tree.children(node)):
                if not tree.has_draft_probs(node) or left <= 0:
                    break
                share = float(tree.draft_probs(node)[tree.tokens[child]])
                self._kept[growth.is_sampled].count(min(1.0, share / left), place, child == kept)
                left -= share
                if child == kept:
                    break


class KeptByShare:
    """How often a child is kept when verification tries it, by its share of the draft's law and its place
    among its siblings.

    is_sampled: of a target that draws. Then the share says little, and where little is known about a share,
    what is known about the place stands for it; otherwise the share itself does.
    """

    PLACES = 4  # later ones count as the last
    EDGES = (0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999)
    WEIGHT = 8.0  # of that, in children tried

    def __init__(self, is_sampled: bool) -> None:
        self._is_sampled = is_sampled
        self._by_place = [
            [self.WEIGHT, self.WEIGHT * TYPICAL_ACCEPTANCE[0] / (1 + 2 * place)]
            for place in range(self.PLACES)
        ]
        self._by_share = [[[0.0, 0.0] for _ in range(len(self.EDGES) + 1)] for _ in range(self.PLACES)]

    def estimate(self, share: float, place: int) -> float:
        """Probability that the child is kept. place: among its siblings, 0 for the first."""
        whole, cell = self._cells(share, place)
        expected = whole[1] / whole[0] if self._is_sampled else share
        return (cell[1] + self.WEIGHT * expected) / (cell[0] + self.WEIGHT)

    def count(self, share: float, place: int, is_kept: bool) -> None:
        """One child that was tried."""
        for cell in self._cells(share, place):
            cell[0] += 1
            cell[1] += is_kept
            if cell[0] > 1000:  # what was long ago counts less
                cell[:] = [cell[0] / 2, cell[1] / 2]

    def _cells(self, share: float, place: int) -> tuple[list[float], list[float]]:
        """How many were tried and kept at this place, and at this place with such a share."""
        place = min(place, self.PLACES - 1)
        return self._by_place[place], self._by_share[place][bisect_right(self.EDGES, share)]


class _Slots:
    """The places for one more node, by value; at first the one below the root, whose logits are given."""

    def __init__(self, growth: TreeGrowth, logits: Tensor, kept: KeptByShare | None) -> None:
        self._growth = growth
        self._kept = kept
        self._heap = [(-1.0, ROOT)]
        self._left: dict[int, Tensor] = {}  # node -> the law of the next child
        self.unread: dict[int, float] = {}  # nodes whose law is not known yet -> value
        self.set_law(ROOT, logits)

    def wait(self, node: int, value: float) -> None:
        """The first slot below a node that has not been read."""
        if node not in self._growth.tree.final:
            heapq.heappush(self._heap, (-value, node))
            self.unread[node] = value
            if self._growth.only_token(node) is not None:  # the mask says it all
                growth = self._growth
                self.set_law(node, torch.zeros(growth.n_logits, device=growth.chance.device))

    def set_law(self, node: int, logits: Tensor) -> None:
        """The draft model's logits after a node are there."""
        self.unread.pop(node, None)
        probs = self._growth.draft_probs(node, logits)
        self._left[node] = probs
        self._growth.tree.set_draft_probs(node, probs)

    def pop(self) -> tuple[float, int | None]:
        """The slot of the largest value: value, parent."""
        if not self._heap:
            return 0.0, None
        negative_value, node = heapq.heappop(self._heap)
        return -negative_value, node

    def fill(self, node: int, value: float) -> tuple[int | None, float]:
        """Fill a slot: the new node and its value. The slot of the next sibling is opened."""
        growth, left = self._growth, self._left[node]
        if float(left.max()) <= 0:  # the draft model knows none of the legal tokens
            return None, 0.0
        place = len(growth.tree.children(node))
        token = growth.chance.draw(left) if growth.is_sampled else int(left.argmax())
        child = growth.add_guess(node, token)
        share = float(left[token])
        if self._kept is not None:
            share = self._kept.estimate(share, place)
        rest = without(left, token)
        if float(rest.sum()) > 0:
            self._left[node] = rest
            heapq.heappush(self._heap, (-value * (1 - share), node))
        return child, value * share
