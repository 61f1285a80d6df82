"""`DynamicTree`: the tree goes where the draft model expects the most to be kept.

A slot is a place for one more node: below a parent, after the siblings drawn so far. Its value is the
probability that verification gets there, if tokens are kept with their draft probability: v for the parent's
own children, and v (1 - R[y]) for the next sibling after y was drawn from what is left, R; the first slot
below y has v R[y]. The slot of the largest value is filled next, until the budget is spent or no value
reaches the threshold (DySpec: Xiong et al., 2410.11744); for a draft that is right about itself no tree of
the size keeps more. The original calls the draft model for each node; here all nodes that are waiting are
read in one pass when one of them is wanted, which takes about as many passes as there are levels.
"""

from __future__ import annotations

import heapq
from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_integer, checked_number
from .draft_model import ModelDrafter
from .draft_reader import DraftReader
from .draft_tree import ROOT
from .tree_growth import TreeGrowth
from .verification import without


class DynamicTree(ModelDrafter):
    """DySpec. threshold: least value of a slot that is filled. max_depth: levels."""

    def __init__(
        self,
        model: Any,
        *,
        threshold: float = 0.02,
        max_depth: int = 32,
        most_prompt_tokens: int | None = None,
    ) -> None:
        super().__init__(model, most_prompt_tokens=most_prompt_tokens)
        self.threshold = checked_number("threshold", threshold, above=0, most=1)
        self.max_depth = checked_integer("max_depth", max_depth, least=1, most=256)

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        slots = _Slots(growth)
        slots.open(ROOT, 1.0, logits)
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


class _Slots:
    """The places for one more node, by value."""

    def __init__(self, growth: TreeGrowth) -> None:
        self._growth = growth
        self._device: torch.device | None = None
        self._heap: list[tuple[float, int]] = []
        self._left: dict[int, Tensor] = {}  # node -> the law of the next child
        self.unread: dict[int, float] = {}  # nodes whose law is not known yet -> value

    def open(self, node: int, value: float, logits: Tensor) -> None:
        """The first slot below a node."""
        heapq.heappush(self._heap, (-value, node))
        self._device = logits.device
        self.set_law(node, logits)

    def wait(self, node: int, value: float) -> None:
        """The first slot below a node that has not been read."""
        if node not in self._growth.tree.final:
            heapq.heappush(self._heap, (-value, node))
            self.unread[node] = value
            if self._growth.only_token(node) is not None:  # the mask says it all
                self.set_law(node, torch.zeros(self._growth.n_logits, device=self._device))

    def set_law(self, node: int, logits: Tensor) -> None:
        """The draft model's logits after a node are there."""
        self.unread.pop(node, None)
        probs = self._growth.draft_probs(node, logits)
        self._left[node] = probs
        if self._growth.is_sampled:
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
        if growth.is_sampled:
            token = growth.chance.draw(left)
            child: int | None = growth.add_drawn(node, token)
        else:
            token = int(left.argmax())
            child = growth.add_fixed(node, token)
        share = float(left[token])
        rest = without(left, token)
        if float(rest.sum()) > 0:
            self._left[node] = rest
            heapq.heappush(self._heap, (-value * (1 - share), node))
        return child, value * share
