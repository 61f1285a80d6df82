"""Drafts by a smaller model: `GumbelTree`, `StochasticBeam`, `OptimalTree` (and `draft_dynamic.py`).

All draw siblings without replacement, which keeps more than independent draws do (Jeon et al., 2402.14160):

- `GumbelTree` (RSD-C): so many children for each node of each level, by Gumbel-top-k.
- `StochasticBeam` (RSD-S): whole sequences without replacement. A node's children get noise whose largest is
  the node's own (top-down), and of each level the `width` largest are kept, wherever they stand (Kool et al.,
  1903.06059). Which nodes are cut off hangs on the noise, never on what a token is, and a node's children
  that stay are the first of its draws, so verification is as for any tree.
- `OptimalTree` (Sequoia): the shape that keeps most, for how often each rank was kept so far.

Where the target is greedy the likeliest tokens are proposed instead. Legal tokens only: the target's mask is
on q before anything is drawn. Nodes below which one token is legal need no draft pass. The cost of a draft is
one pass of the draft model for each level.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_integer, checked_list
from .draft_reader import DraftReader
from .draft_session import DraftSession
from .draft_template import MeasuredAcceptance, optimal_template
from .draft_tree import ROOT
from .drafter import Drafter
from .tree_growth import TreeGrowth
from .tree_support import check_tree_model
from .verification import Verdict


class ModelDrafter(Drafter):
    """Drafts by a model. A subclass says how the tree grows.

    model: a causal language model of transformers whose tokens are the target's.
    most_prompt_tokens: shorten longer prompts for this model; None: it reads all.

    Raises:
        UnsupportedModelError: the draft model cannot read trees.
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, model: Any, *, most_prompt_tokens: int | None = None) -> None:
        check_tree_model(model)
        self.model = model
        if most_prompt_tokens is not None:
            most_prompt_tokens = checked_integer("most_prompt_tokens", most_prompt_tokens, least=1)
        self.most_prompt_tokens = most_prompt_tokens

    @property
    def draws(self) -> bool:
        """See `Drafter`."""
        return True

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _Session(self, len(prompt))

    @abstractmethod
    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """Grow a tree. logits: the draft model's after the root. reader: for those after other nodes."""

    def learn(self, growth: TreeGrowth, verdict: Verdict) -> None:
        """Look at the outcome of a step."""


class _Session(DraftSession):
    def __init__(self, drafter: ModelDrafter, n_prompt: int) -> None:
        self._drafter = drafter
        self._reader = DraftReader(drafter.model, n_prompt, drafter.most_prompt_tokens)

    def grow(self, growth: TreeGrowth) -> None:
        if growth.n_left < 1:
            return
        logits = self._reader.begin(growth)
        if logits is not None:
            self._drafter.grow(growth, logits, self._reader)

    def learn(self, growth: TreeGrowth, logits: Tensor, verdict: Verdict) -> None:
        self._reader.end(verdict)
        self._drafter.learn(growth, verdict)


class GumbelTree(ModelDrafter):
    """RSD-C. branching: children of each node, by level."""

    def __init__(
        self, model: Any, *, branching: Sequence[int] = (3, 2, 1, 1), most_prompt_tokens: int | None = None
    ) -> None:
        super().__init__(model, most_prompt_tokens=most_prompt_tokens)
        given = checked_list("branching", branching, int, "an integer")
        self.branching = [checked_integer("branching", number, least=1) for number in given]

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        level = [(ROOT, ROOT, logits)]
        for depth, n_children in enumerate(self.branching):
            children = [
                child for _, node, row in level for child in growth.draw_children(node, row, n_children)
            ]
            n_below = sum(accumulate(self.branching[depth + 1 :], mul))  # nodes that the shape has below each
            if not n_below:
                extend(growth, children)
                return
            level = read_level(growth, children, reader, n_below, n_below * len(children))


class OptimalTree(ModelDrafter):
    """Sequoia. max_depth: levels, that is passes of the draft model."""

    def __init__(self, model: Any, *, max_depth: int = 5, most_prompt_tokens: int | None = None) -> None:
        super().__init__(model, most_prompt_tokens=most_prompt_tokens)
        self.max_depth = checked_integer("max_depth", max_depth, least=1, most=64)
        self.acceptance = MeasuredAcceptance()

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        template = optimal_template(self.acceptance.estimate(), growth.n_left, self.max_depth)
        below = template.children()
        n_below = [0] * len(below)
        for place in reversed(range(len(below))):
            n_below[place] = sum(1 + n_below[child] for child in below[place])
        level = [(ROOT, ROOT, logits)]
        place_of = {ROOT: ROOT}  # node of the tree -> node of the template
        while level:
            children: list[int] = []
            leaves: list[int] = []
            for start, node, row in level:
                place = place_of[start]
                drawn = growth.draw_children(node, row, len(below[place]))
                place_of.update(zip(drawn, below[place], strict=False))
                for child in drawn:
                    (children if below[place_of[child]] else leaves).append(child)
            needs = [n_below[place_of[child]] for child in children]
            level = read_level(growth, children, reader, needs[0] if needs else 0, sum(needs))
            if not level:
                extend(growth, leaves)

    def learn(self, growth: TreeGrowth, verdict: Verdict) -> None:
        """Count which rank was kept below each kept node."""
        tree = growth.tree
        for node, token in verdict.steps(tree):
            guesses = [tree.tokens[child] for child in tree.children(node)]
            if guesses:
                self.acceptance.count(len(guesses), guesses.index(token) if token in guesses else None)


class StochasticBeam(ModelDrafter):
    """RSD-S. width: nodes of a level. depth: levels."""

    def __init__(
        self, model: Any, *, width: int = 4, depth: int = 4, most_prompt_tokens: int | None = None
    ) -> None:
        super().__init__(model, most_prompt_tokens=most_prompt_tokens)
        self.width = checked_integer("width", width, least=1)
        self.depth = checked_integer("depth", depth, least=1)

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        # node -> log probability of its path, and the noisy one (equal where nothing is drawn)
        scores = {ROOT: (0.0, 0.0)}
        level = [(ROOT, ROOT, logits)]
        for depth in range(self.depth):
            found: list[tuple[float, float, int, int]] = []  # noisy, plain, parent, token
            for start, node, row in level:
                found += self._candidates(growth, node, row, scores[start])
            # Sorting is stable, so the draws of one node stay in their order.
            found.sort(key=lambda candidate: -candidate[0])
            children = []
            for noisy, plain, parent, token in found[: min(self.width, growth.n_left)]:
                child = growth.add_guess(parent, token)
                if child is not None:
                    scores[child] = (plain, noisy)
                    children.append(child)
            if depth + 1 == self.depth:
                extend(growth, children)
                return
            n_levels = self.depth - depth - 1
            level = read_level(growth, children, reader, n_levels, n_levels * self.width)

    def _candidates(
        self, growth: TreeGrowth, node: int, logits: Tensor, score: tuple[float, float]
    ) -> list[tuple[float, float, int, int]]:
        probs = growth.draft_probs(node, logits)
        n_children = min(self.width, int((probs > 0).sum()))
        plain = score[0] + probs.log()
        noisy = plain
        if growth.is_sampled:
            growth.tree.set_draft_probs(node, probs)
            noisy = gumbels_with_maximum(plain + growth.chance.gumbels(plain), score[1])
        best = noisy.topk(n_children)
        return [
            (value, float(plain[token]), node, token)
            for value, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]


def gumbels_with_maximum(noisy: Tensor, maximum: float) -> Tensor:
    """Independent Gumbels, moved so that they are as if it had been known that this is the largest.

    noisy: log probabilities plus standard Gumbel noise, shape [n]; -inf stays. The order stays. (Kool et al.,
    1903.06059, appendix B.3: v = T - G + log1p(-exp(G - Z)), and T - max(0, v) - log1p(exp(-|v|)).)
    """
    largest = noisy.max()
    rest = maximum - noisy + torch.log1p(-(noisy - largest).exp())
    moved = maximum - rest.clamp_min(0) - torch.log1p((-rest.abs()).exp())
    return torch.where(noisy == largest, torch.full_like(noisy, maximum), moved)


def read_level(
    growth: TreeGrowth, nodes: Sequence[int], reader: DraftReader, n_below_first: int, n_below: int
) -> list[tuple[int, int, Tensor]]:
    """For each node that may have children: the node, where its children go, and the logits after that.

    Where one token is legal it is added at once, as often as that is so; the children go below the last one.
    That takes room from the rest of the tree. So below the first node, the one that is kept most often, it is
    done as long as what the shape needs there fits; below others, as long as the whole level's does. (Without
    that, trees of four wide on JSON keep less than chains.)

    n_below_first, n_below: nodes that the shape has below the first of them, and below all of them.
    """
    starts, ends = [], []
    for place, node in enumerate(nodes):
        end = add_only_tokens(growth, node, n_below if place else n_below_first)
        if growth.may_grow(end):
            starts.append(node)
            ends.append(end)
    return list(zip(starts, ends, reader.read(growth.tree, ends), strict=True)) if ends else []


def extend(growth: TreeGrowth, leaves: Sequence[int]) -> None:
    """Use the room that a shape leaves: below its last nodes, tokens that are the only legal ones."""
    for leaf in leaves:
        add_only_tokens(growth, leaf, 0)


def add_only_tokens(growth: TreeGrowth, node: int, n_reserved: int) -> int:
    """Go on below a node as long as one token is legal and more than `n_reserved` nodes are left; the last
    node.
    """
    while (
        growth.n_left > n_reserved
        and growth.may_grow(node)
        and (token := growth.only_token(node)) is not None
    ):
        child = growth.add_fixed(node, token)
        if child is None:
            break
        node = child
    return node
