"""`TokenRecycling`: the target's own second thoughts, kept, as the next draft.

For each token the likeliest tokens after it, as the target saw them when it last read that token, whether it
was kept or not, are kept in a matrix (Luo et al., 2408.08696). A draft is a tree of a fixed shape, filled
from the matrix: the child of rank r of a node is the r-th entry for its token. After each step every node
that the target read overwrites its token's row. No training, no draft model, two megabytes for 32,000 tokens;
the matrix lives as long as the drafter, so later texts begin with it. Where a grammar is at work, illegal
entries are passed over and the next one takes the rank. The shape is the best for what was kept so far. The
cost of a step is one top-k of the logits that are there anyway; those of plain steps wait until a draft wants
them, or until there are many, since one top-k of many rows takes much less time than many of one row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.arguments import checked_integer
from .draft_session import DraftSession
from .draft_template import MeasuredAcceptance, optimal_template
from .draft_tree import ROOT
from .drafter import Drafter
from .tree_growth import TreeGrowth
from .verification import Verdict

_MOST_WAITING = 16  # rows that plain steps have left to be written, all at once


class TokenRecycling(Drafter):
    """Proposes from a matrix of likely successors that fills as the model works.

    n_successors: kept for each token. max_depth: levels of the tree.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, *, n_successors: int = 8, max_depth: int = 6) -> None:
        self.n_successors = checked_integer("n_successors", n_successors, least=1, most=64)
        self.max_depth = checked_integer("max_depth", max_depth, least=1, most=64)
        self.acceptance = MeasuredAcceptance(self.n_successors)
        self._successors = torch.zeros(0, self.n_successors, dtype=torch.long)  # by token; -1: none

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _Session(self)

    def successors(self, token: int) -> list[int]:
        """The likeliest tokens after this one, as far as is known."""
        if token >= len(self._successors):
            return []
        return [found for found in self._successors[token].tolist() if found >= 0]

    def note(self, tokens: Sequence[int], logits: Tensor) -> None:
        """Overwrite the rows of some tokens. logits: after each of them, shape [tokens, n_logits]."""
        if len(self._successors) < logits.shape[1]:
            grown = torch.full((logits.shape[1], self.n_successors), -1, dtype=torch.long)
            grown[: len(self._successors)] = self._successors
            self._successors = grown
        n_kept = min(self.n_successors, logits.shape[1])
        self._successors[torch.tensor(tokens), :n_kept] = logits.topk(n_kept, dim=-1).indices.cpu()


class _Session(DraftSession):
    def __init__(self, drafter: TokenRecycling) -> None:
        self._drafter = drafter
        self._waiting: dict[int, Tensor] = {}  # token -> the logits after it, not in the matrix yet

    def grow(self, growth: TreeGrowth) -> None:
        drafter = self._drafter
        if growth.n_left < 1:
            return
        self._note_waiting()
        template = optimal_template(drafter.acceptance.estimate(), growth.n_left, drafter.max_depth)
        nodes: list[int | None] = [ROOT]
        guesses: dict[int, list[int]] = {}
        for parent, rank in zip(template.parents[1:], template.ranks[1:], strict=True):
            node = nodes[parent]
            if node is None or not growth.may_grow(node):
                nodes.append(None)
                continue
            if node not in guesses:
                found = drafter.successors(growth.tree.tokens[node])
                guesses[node] = [token for token in found if growth.allows(node, token)]
            legal = guesses[node]
            nodes.append(growth.add_fixed(node, legal[rank]) if rank < len(legal) else None)

    def learn(self, growth: TreeGrowth, logits: Tensor, verdict: Verdict) -> None:
        drafter, tree = self._drafter, growth.tree
        if len(tree) == 1:  # plain decoding: nothing to compare
            self._waiting[tree.tokens[ROOT]] = logits[ROOT]
            if len(self._waiting) == _MOST_WAITING:
                self._note_waiting()
            return
        for node, token in verdict.steps(tree):
            if tree.has_children(node):
                found = drafter.successors(tree.tokens[node])
                legal = [guess for guess in found if growth.allows(node, guess)]
                n_tried = sum(tree.child(node, guess) is not None for guess in legal)
                drafter.acceptance.count(n_tried, legal.index(token) if token in legal else None)
        drafter.note(tree.tokens, logits)

    def end(self, text: Sequence[int]) -> None:
        self._note_waiting()

    def _note_waiting(self) -> None:
        if self._waiting:
            self._drafter.note(list(self._waiting), torch.stack(list(self._waiting.values())))
            self._waiting = {}
