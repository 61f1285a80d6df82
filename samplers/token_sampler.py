"""Drawing one next token for each of several texts so that it is properly weighted, and the plain way to do
it.

What a draw (x, w) at a place where the model's law is p and the allowed tokens are A must satisfy is
E[w 1{x = t}] = p(t) 1{t in A} for every token t: then products of weights are importance weights of the model
given the constraint, and particles (`particles.py`) may be built on them. `MaskSampler` computes all of A
(one mask), draws from p restricted to A and returns w = Z = p(A), which has no variance at all. With a
predicate it has to ask about every token that the grammar allows: exact, and as slow as that. It is the truth
that other samplers are compared with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..decoding.sampling import SampledText, SamplingTask
from .constraint import ConstraintState, Predicate, allowed_by_grammar, check_predicate
from .random_draws import draw_categorical


@dataclass(frozen=True)
class TokenDraws:
    """One token for each draw.

    token_ids: of a draw that failed, any token.
    log_weights: natural logarithms of the weights; -inf: the draw failed.
    """

    token_ids: list[int]
    log_weights: list[float]


class TokenSampler(ABC):
    """Draws next tokens; has no state of its own.

    predicate: what texts have to obey besides the grammar, or None.
    """

    predicate: Predicate | None = None

    @abstractmethod
    def draw_tokens(
        self,
        log_probs: Tensor,
        states: Sequence[ConstraintState],
        rows: Sequence[int],
        generator: torch.Generator,
    ) -> TokenDraws:
        """Properly weighted draws.

        log_probs: shape [rows, logits]. states: the texts of these rows. rows: for each draw its row.
        generator: on the device of `log_probs`.
        """

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """One text, token by token, for `generate()`; its weight is the product of those of its tokens.

        Raises:
            SamplingError: it came to where the predicate allows nothing.
        """
        # Here, because particles are built on token samplers.
        from .sequential_monte_carlo import SequentialMonteCarlo

        return SequentialMonteCarlo(1, proposal=self).draw(task, generator)

    def draw_several(self, task: SamplingTask, n: int, generator: torch.Generator) -> list[SampledText]:
        """n texts as rows of one batch, independent, each with its own weight.

        Raises:
            SamplingError: one of them came to where the predicate allows nothing.
        """
        from .sequential_monte_carlo import SequentialMonteCarlo

        return SequentialMonteCarlo(n, proposal=self, threshold=0).draw_all(task, generator)

    def start_log_weight(self, state: ConstraintState) -> float:
        """Log-weight of the empty text: 0, unless intermediate targets are twisted."""
        return 0.0


class MaskSampler(TokenSampler):
    """Draws from the allowed tokens, as masked decoding does, and says what they weigh.

    predicate: asked about every token that the grammar allows: thousands of calls a token.
    """

    def __init__(self, *, predicate: Predicate | None = None) -> None:
        check_predicate(predicate)
        self.predicate = predicate

    def draw_tokens(
        self,
        log_probs: Tensor,
        states: Sequence[ConstraintState],
        rows: Sequence[int],
        generator: torch.Generator,
    ) -> TokenDraws:
        masked = mask_log_probs(log_probs, states)
        totals = masked.logsumexp(-1)
        drawn = draw_categorical(masked, rows, 1, generator).squeeze(1)
        return TokenDraws(drawn.tolist(), totals[list(rows)].tolist())


def mask_log_probs(log_probs: Tensor, states: Sequence[ConstraintState]) -> Tensor:
    """Log-probabilities with -inf at what is not allowed, by grammar, budget and predicate; same shape."""
    allowed = allowed_by_grammar(states, log_probs.shape[1], log_probs.device)
    for row, state in enumerate(states):
        if state.constraint.predicate is not None:
            for token_id in allowed[row].nonzero().squeeze(1).tolist():
                if not state.predicate_allows(token_id):
                    allowed[row, token_id] = False
    return log_probs.masked_fill(~allowed, -torch.inf)
