"""`TreeGrowth`: a draft tree while it grows, with what is legal at each of its nodes.

The grammar's matcher stands at the root; for a node it is walked there, by taking tokens back to the last
common ancestor and accepting the others, and never copied. A node's mask is computed once, with the tokens of
the budget that are left there, and serves twice: for what a drafter may put below the node, and for the
target's law there. So no node is ever illegal, every path can be finished within the budget, and EOS and the
budget's last token end paths. Where there is no grammar, every token is legal. The cost is a mask, some
microseconds, for each node that has children or is verified.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..decoding.bitmask import allocate_bitmask, apply_bitmask
from ..decoding.matcher import Matcher
from ..decoding.processors import MaskTimes
from ..decoding.rule_temperatures import rule_temperature, tempered
from .chance import RandomChance
from .draft_tree import ROOT, DraftTree
from .tree_scores import ScoreSteps


class TreeGrowth:
    """What drafters grow: the nodes that may follow one text.

    text: token ids, prompt and generated, not empty; the last one is the root.
    matcher: has accepted the generated part; None: no grammar. It is back there after `end_walk`.
    budget: tokens that may still come, EOS included, at least 1. grammar_budget: the same, within which the
        grammar is to be finished; None: it need not be.
    room: most nodes, the root not counted.
    n_logits: width of the target's logits. eos_token_ids: what ends a text.
    steps: what is done to scores. chance: draws for the draft; the target has a stream of its own.
    times: where masks are counted.

    Attributes:
        tree: the nodes so far.
        target_laws: after verification, the target's law at each node that it asked about, shape [n_logits].
    """

    def __init__(
        self,
        text: Sequence[int],
        *,
        matcher: Matcher | None,
        budget: int,
        grammar_budget: int | None,
        room: int,
        n_logits: int,
        eos_token_ids: frozenset[int],
        steps: ScoreSteps,
        chance: RandomChance,
        times: MaskTimes,
    ) -> None:
        self.tree = DraftTree(text[-1])
        self.target_laws: dict[int, Tensor] = {}
        self.text = text
        self.room = room
        self.n_logits = n_logits
        self.chance = chance
        self._matcher = matcher
        self._budget = budget
        self._grammar_budget = grammar_budget
        self._eos_token_ids = eos_token_ids
        self._steps = steps
        self._times = times
        self._masks: dict[int, npt.NDArray[np.int32]] = {}
        self._temperatures: dict[int, float | None] = {}  # of rules, by node, where the grammar has some
        self._is_open = True
        self._walked: list[int] = []  # nodes whose tokens the matcher has read

    @property
    def n_left(self) -> int:
        """Nodes that there is room for."""
        return self.room + 1 - len(self.tree)

    @property
    def is_sampled(self) -> bool:
        """Whether the target draws; if not, a drafter had better not draw either."""
        return self._steps.is_sampled

    def may_grow(self, node: int) -> bool:
        """Whether something may follow this node, and there is room."""
        return node not in self.tree.final and self.n_left > 0

    def allows(self, node: int, token: int) -> bool:
        """Whether the token is legal below a node that is not final."""
        if not 0 <= token < self.n_logits:
            return False
        if self._matcher is None:
            return True
        mask = self._mask(node)
        return token < 32 * len(mask) and bool(int(mask[token >> 5]) >> (token & 31) & 1)

    def add_fixed(self, parent: int, token: int) -> int | None:
        """The child of `parent` with this token, new or not; None: it is illegal, or there is no room."""
        found = self.tree.child(parent, token)
        if found is not None:
            return found
        if not self.may_grow(parent) or not self.allows(parent, token):
            return None
        return self._finish(self.tree.add_fixed(parent, token))

    def add_drawn(self, parent: int, token: int) -> int:
        """A child of `parent`, drawn from `tree.draft_probs(parent)` less the draws before it."""
        return self._finish(self.tree.add_drawn(parent, token))

    def add_guess(self, parent: int, token: int) -> int | None:
        """A child that a draft model proposes: drawn if the target draws, else fixed."""
        return self.add_drawn(parent, token) if self.is_sampled else self.add_fixed(parent, token)

    def draw_children(self, node: int, logits: Tensor, n_children: int) -> list[int]:
        """Add the children of a node that a draft model proposes: drawn without replacement, or the likeliest
        ones if the target does not draw.

        logits: the draft model's after the node, shape [any width]. Returns the new nodes, in the order of
        their draws (Gumbel-top-k: the largest of log q + Gumbel noise are such draws, in this order).
        """
        n_children = min(n_children, self.n_left)
        if node in self.tree.final or n_children < 1:
            return []
        probs = self.draft_probs(node, logits)
        n_children = min(n_children, int((probs > 0).sum()))
        order = probs
        if self.is_sampled:
            self.tree.set_draft_probs(node, probs)
            order = probs.log() + self.chance.gumbels(probs)
        found = (self.add_guess(node, token) for token in order.topk(n_children).indices.tolist())
        return [child for child in found if child is not None]

    def draft_probs(self, node: int, logits: Tensor) -> Tensor:
        """The law to draw children of a node from: legal tokens only, at the target's temperature.

        logits: a draft model's, floating point, shape [any width], on any device. Returns float32, shape
        [n_logits]: zeros if the draft model gives nothing to any legal token (or not a number).
        """
        scores = logits.to(self.chance.device, torch.float32, copy=True)[: self.n_logits]
        if len(scores) < self.n_logits:
            scores = torch.nn.functional.pad(scores, (0, self.n_logits - len(scores)), value=-torch.inf)
        return self._steps.draft_probs(self.apply_mask(node, scores)).nan_to_num(0.0)

    def apply_mask(self, node: int, scores: Tensor) -> Tensor:
        """What a `GrammarProcessor` would make of the scores after a node; they may be changed in place.

        scores: shape [n_logits]. Those of illegal tokens become -inf; in a rule that has a temperature the
        others are at that temperature.
        """
        if self._matcher is None:
            return scores
        scores = apply_bitmask(scores, self._mask(node))
        rule, grammar = self._temperatures.get(node), self._steps.grammar
        return scores if rule is None or grammar is None else tempered(scores, rule, grammar.temperature)

    def forced_tokens(self, node: int) -> list[int]:
        """Tokens that spell what the grammar demands next, if it leaves no choice about the text."""
        if self._matcher is None or node in self.tree.final:
            return []
        self._walk(node)
        return self._matcher.forced_tokens()

    def only_token(self, node: int) -> int | None:
        """The token that is the only legal one below a node that is not final; None: there are more."""
        if self._matcher is None:
            return None
        mask = self._mask(node)
        words = np.flatnonzero(mask)
        if len(words) != 1:
            return None
        bits = int(mask[words[0]]) & 0xFFFFFFFF
        return None if bits & (bits - 1) else int(words[0]) * 32 + bits.bit_length() - 1

    def end_walk(self) -> None:
        """Bring the matcher back to the root, for good: masks that were not asked for are not to be had."""
        if self._matcher is not None:
            self._walk(ROOT)
        self._is_open = False

    def path_text(self, node: int) -> list[int]:
        """The text up to a node."""
        return [*self.text, *self.tree.path_tokens(node)]

    def _finish(self, node: int) -> int:
        tree = self.tree
        if tree.tokens[node] in self._eos_token_ids or tree.depths[node] >= self._budget:
            tree.final.add(node)
        return node

    def _mask(self, node: int) -> npt.NDArray[np.int32]:
        mask = self._masks.get(node)
        if mask is None:
            matcher = self._walk(node)
            mask = allocate_bitmask(1, matcher.compiled.vocabulary.vocab_size)[0]
            started = time.perf_counter_ns()
            budget = self._grammar_budget
            matcher.fill_bitmask(mask, budget=None if budget is None else budget - self.tree.depths[node])
            self._times.add(time.perf_counter_ns() - started)
            self._masks[node] = mask
            if self._steps.grammar is not None and self._steps.grammar.has_temperatures:
                self._temperatures[node] = rule_temperature(matcher)
        return mask

    def _walk(self, node: int) -> Matcher:
        if self._matcher is None or not self._is_open:
            raise ValueError("the tree has been verified, or there is no grammar")
        path = self.tree.path(node)
        n_common = 0
        while n_common < min(len(path), len(self._walked)) and path[n_common] == self._walked[n_common]:
            n_common += 1
        self._matcher.rollback(len(self._walked) - n_common)
        for step in path[n_common:]:
            self._matcher.accept_token(self.tree.tokens[step])
        self._walked = path
        return self._matcher
