"""`DynamicTree`: the tree goes where most is likely to be kept.

A slot is a place for one more node: below a parent, after the siblings drawn so far. Its reach is the
probability that verification gets there. A node drawn into a slot of the reach v is kept, if verification
gets there, with a probability a: the first slot below it has the reach v a, and the slot of its next sibling
v (1 - a). What a slot promises is v a. The slot that promises most is filled next, until the budget is spent
or none promises as much as the threshold (DySpec: Xiong et al., 2410.11744).

DySpec takes for a the share R[y] that the token y had of what was left of the draft's law R, and fills slots
by their reach, since y is not drawn yet. For a target that draws that is a poor guess: where both laws are
equal the first draw is always kept, whatever it is, and where they are not, later siblings are kept far more
seldom than first ones. So a is learnt as verification goes on, from the place among the siblings, how
concentrated R is and, after the draw, R[y] (`draft_keeping.py`; `measured=False`: the original). The original
also calls the draft model for each node; here all nodes that are waiting are read in one pass when one of
them is wanted, which takes about as many passes as there are levels.
"""

from __future__ import annotations

import heapq
from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_instance, checked_integer, checked_number
from .draft_keeping import Keeping
from .draft_model import ModelDrafter
from .draft_reader import DraftReader
from .draft_tree import ROOT, DraftTree
from .tree_growth import TreeGrowth
from .verification import Verdict, residual, without

_SELDOM = 0.01  # what is tried less often is not learnt from


class DynamicTree(ModelDrafter):
    """DySpec. threshold: least that a slot must promise to be filled, in kept tokens. max_depth: levels.
    measured: estimate what is kept by what was kept; False: by the draft's own probabilities.
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
        self._kept = {is_sampled: Keeping() for is_sampled in (False, True)}

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        slots = _Slots(growth, logits, self._kept[growth.is_sampled] if self.measured else None)
        while growth.n_left:
            node, promise = slots.pop()
            if node is None or promise < self.threshold:
                return
            if node in slots.unread:
                # All that are waiting and good enough, so that the model is called once for a level.
                waiting = [other for other, promised in slots.unread.items() if promised >= self.threshold]
                for other, row in zip(waiting, reader.read(growth.tree, waiting), strict=True):
                    slots.set_law(other, row)
                continue
            child, reach = slots.fill(node)
            if child is not None and growth.tree.depths[child] < self.max_depth:
                slots.wait(child, reach)

    def learn(self, growth: TreeGrowth, verdict: Verdict) -> None:
        """Note the chances of the children of kept nodes."""
        kept = self._kept[growth.is_sampled]
        for node, kept_child in zip([ROOT, *verdict.path], [*verdict.path, None], strict=True):
            if growth.tree.has_draft_probs(node):
                law = growth.target_laws.get(node) if growth.is_sampled else None
                if law is None:
                    _learn_outcomes(kept, growth.tree, node, kept_child)
                else:
                    _learn_chances(kept, growth.tree, node, law)


def _learn_outcomes(kept: Keeping, tree: DraftTree, node: int, kept_child: int | None) -> None:
    """Of the children that were tried."""
    left = tree.draft_probs(node)
    for place, child in enumerate(tree.children(node)):
        token = tree.tokens[child]
        if float(left[token]) <= 0:
            return
        kept.learn_before(left, place, child == kept_child)
        kept.learn_after(left, token, place, child == kept_child)
        if child == kept_child:
            return
        left = without(left, token)


def _learn_chances(kept: Keeping, tree: DraftTree, node: int, law: Tensor) -> None:
    """Of all drawn children, and of the next one, which was not drawn, by the target's law."""
    left = tree.draft_probs(node)
    reach = 1.0
    for place, child in enumerate([*tree.drawn_children(node), None]):
        if reach < _SELDOM or float(left.max()) <= 0:
            return
        kept.learn_before(left, place, float(torch.minimum(law, left).sum()), reach)
        if child is not None:
            token = tree.tokens[child]
            chance = min(1.0, float(law[token]) / float(left[token]))
            kept.learn_after(left, token, place, chance, reach)
            law, left = residual(law, left), without(left, token)
            reach *= 1 - chance


class _Slots:
    """The places for one more node, by what they promise; at first the one below the root, whose logits are
    given. kept: None: as DySpec has it.
    """

    def __init__(self, growth: TreeGrowth, logits: Tensor, kept: Keeping | None) -> None:
        self._growth = growth
        self._kept = kept
        self._heap: list[tuple[float, int]] = []  # minus the promise, node; old ones may be among them
        self._reach = {ROOT: 1.0}  # node -> that of its next slot
        self._promise: dict[int, float] = {}  # node -> that of its next slot
        self._left: dict[int, Tensor] = {}  # node -> the law of the next child
        self.unread: dict[int, float] = {}  # nodes whose law is not known yet -> promise
        self.set_law(ROOT, logits)

    def wait(self, node: int, reach: float) -> None:
        """The first slot below a node that has not been read."""
        growth = self._growth
        if node in growth.tree.final:
            return
        self._reach[node] = reach
        if growth.only_token(node) is not None:  # the mask says it all
            self.set_law(node, torch.zeros(growth.n_logits, device=growth.chance.device))
            return
        self.unread[node] = reach if self._kept is None else reach * self._kept.unread()
        self._offer(node, self.unread[node])

    def set_law(self, node: int, logits: Tensor) -> None:
        """The draft model's logits after a node are there."""
        self.unread.pop(node, None)
        probs = self._growth.draft_probs(node, logits)
        self._growth.tree.set_draft_probs(node, probs)
        self._open(node, probs, self._reach[node])

    def pop(self) -> tuple[int | None, float]:
        """The slot that promises most: its parent (None: there is none), and the promise."""
        while self._heap:
            negative_promise, node = heapq.heappop(self._heap)
            if self._promise.get(node) == -negative_promise:
                if node not in self.unread:
                    del self._promise[node]
                return node, -negative_promise
        return None, 0.0

    def fill(self, node: int) -> tuple[int | None, float]:
        """Fill a slot: the new node, and the reach of the first slot below it. The slot of the next sibling
        is opened.
        """
        growth, left, reach = self._growth, self._left[node], self._reach[node]
        place = len(growth.tree.children(node))
        token = growth.chance.draw(left) if growth.is_sampled else int(left.argmax())
        child = growth.add_guess(node, token)
        share = float(left[token]) if self._kept is None else self._kept.after(left, token, place)
        self._open(node, without(left, token), reach * (1 - share))
        return child, reach * share

    def _open(self, node: int, left: Tensor, reach: float) -> None:
        """The next slot below a node; none if the draft model knows no other legal token."""
        if float(left.max()) <= 0:
            self._promise.pop(node, None)
            return
        self._left[node], self._reach[node] = left, reach
        place = len(self._growth.tree.children(node))
        self._offer(node, reach if self._kept is None else reach * self._kept.before(left, place))

    def _offer(self, node: int, promise: float) -> None:
        self._promise[node] = promise
        heapq.heappush(self._heap, (-promise, node))
