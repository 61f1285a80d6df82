"""What a trie has learnt as a proposal for particles: a law and bounds in, weighted tokens out.

At a known prefix u token t is drawn in proportion to p(t | u) theta(ut) and weighs
sum over t of p(t | u) theta(ut) / theta(u), which is one where the trie is backed up; at a prefix that the
trie does not know it is masked decoding. The empty text begins with the weight theta(root). That is unbiased
for any positive theta: with a trie that knows nothing it is sequential Monte Carlo with masks, with one that
knows everything all weights are equal. The trie must not change while particles are written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.arguments import checked_instance
from ..decoding.errors import ArgumentValueError
from .constraint import ConstraintState, Predicate, check_predicate
from .random_draws import draw_categorical
from .token_sampler import TokenDraws, TokenSampler, mask_log_probs
from .trie import Trie


class TrieProposal(TokenSampler):
    """Proposes what a trie says will end well: `SequentialMonteCarlo(proposal=TrieProposal(trie))`.

    trie: learnt with the same model, prompt and constraint. predicate: as for `MaskSampler`.
    """

    def __init__(self, trie: Trie, *, predicate: Predicate | None = None) -> None:
        checked_instance("trie", trie, Trie, "a Trie", "take one from GrammarAlignedSampler.trie(...)")
        self.trie = trie
        check_predicate(predicate)
        self.predicate = predicate

    def start_log_weight(self, state: ConstraintState) -> float:
        return math.log(self.trie.bound) if self.trie.bound > 0 else -math.inf

    def draw_tokens(
        self,
        log_probs: Tensor,
        states: Sequence[ConstraintState],
        rows: Sequence[int],
        generator: torch.Generator,
    ) -> TokenDraws:
        masked = mask_log_probs(log_probs, states).double()
        already = [0.0] * len(states)
        for row, state in enumerate(states):
            node = self.trie.find(state.token_ids)
            if node is None:
                continue
            entry = self.trie.nodes[node]
            known = torch.from_numpy(entry.tokens).to(masked.device)
            if (masked[row, known] > -torch.inf).sum() < (masked[row] > -torch.inf).sum():
                raise ArgumentValueError(
                    "trie must have been learnt with this constraint, which allows other tokens after "
                    f"{state.text!r}",
                    advice="take the one of GrammarAlignedSampler.trie(model, constraint)",
                )
            bounds = torch.from_numpy(entry.bounds).to(masked.device).log()
            masked[row].index_add_(0, known, bounds)
            already[row] = math.log(entry.total) if entry.total > 0 else -math.inf
        totals = masked.logsumexp(-1).tolist()
        drawn = draw_categorical(masked, rows, 1, generator).squeeze(1)
        weights = [totals[row] - already[row] if totals[row] > -math.inf else -math.inf for row in rows]
        return TokenDraws(drawn.tolist(), weights)
