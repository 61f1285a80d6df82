"""Adaptive weighted rejection sampling (AWRS): a law and a check of one token in, a weighted token out, no
mask.

Tokens are drawn by the model's own law and checked one at a time; the first that is allowed has exactly the
law of masked decoding. The weight that makes the draw proper comes from what the search saw
(`weight_estimators.py`). A check is a walk over one token's bytes in the grammar, or a call of the predicate,
so the better the model, the cheaper: about one check for a token where it is nearly always right, while a
mask costs the same always, and with a predicate thousands of calls.

A few independent draws are made for the whole batch at once and fetched from the device together; those that
hit a token which was rejected already are passed over, which is drawing without replacement. Only a row that
uses up its draws is looked at again, without its rejected tokens. Mass that remains is computed anew by
logsumexp over what remains whenever it has halved: by subtraction alone a small one would be lost, and
weights at a place where the model is nearly always wrong would be zero.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_instance, checked_integer
from ..decoding.errors import ArgumentValueError
from .constraint import ConstraintState, Predicate, allowed_by_grammar, check_predicate
from .random_draws import draw_categorical, draw_uniforms
from .token_sampler import TokenDraws, TokenSampler
from .weight_estimators import Check, Estimate, geometric, recursive, two_loops

ESTIMATORS = ("sparing", "recursive", "two_loops", "geometric")

_FIRST_DRAWS = 16
_HALF = math.log(2)
_MORE_DRAWS = 64  # where those were used up


class AdaptiveRejectionSampler(TokenSampler):
    """Draws from the allowed tokens with a handful of checks, properly weighted.

    predicate: asked besides the grammar, only about tokens that were drawn.
    estimator: how the weight is estimated (`weight_estimators.py`). "sparing" costs about one check where the
        model is nearly right and has the variance of "recursive" where no token has half of the mass;
        "recursive" always makes two and has less variance in between; "two_loops" and "geometric" are the
        published ones for models that are nearly right.
    max_accepts: for geometric; more accepts, more checks, less variance.
    max_rejections: at so many a draw is given up with weight zero, which is still unbiased. None: never.
    mask_after: after so many rejections of one draw the grammar's mask takes the place of checks, so that a
        draw never costs more than that where the model is wrong (sparing and recursive only). None: never.
    uses_mask: whether the grammar is applied as a mask and only the predicate is left to rejection: weights
        then have the grammar's part exactly. None: where there is a predicate.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        *,
        predicate: Predicate | None = None,
        estimator: str = "sparing",
        max_accepts: int = 2,
        max_rejections: int | None = None,
        mask_after: int | None = 16,
        uses_mask: bool | None = None,
    ) -> None:
        check_predicate(predicate)
        self.predicate = predicate
        self.estimator = checked_choice("estimator", estimator, ESTIMATORS)
        self.max_accepts = checked_integer("max_accepts", max_accepts, least=2)
        if max_accepts > 2 and estimator != "geometric":
            raise ArgumentValueError(
                f"max_accepts would do nothing with the estimator {estimator!r}", got=max_accepts
            )
        if max_rejections is not None:
            max_rejections = checked_integer("max_rejections", max_rejections, least=2)
            if estimator == "two_loops":
                raise ArgumentValueError("two_loops has no limit of rejections", got=max_rejections)
        if mask_after is not None:
            mask_after = checked_integer("mask_after", mask_after, least=1)
        self.max_rejections = math.inf if max_rejections is None else max_rejections
        self.mask_after = math.inf if mask_after is None else mask_after
        checked_instance("uses_mask", uses_mask, (bool, type(None)), "True, False or None")
        self.uses_mask = uses_mask

    def draw_tokens(
        self,
        log_probs: Tensor,
        states: Sequence[ConstraintState],
        rows: Sequence[int],
        generator: torch.Generator,
    ) -> TokenDraws:
        masked = [row for row, state in enumerate(states) if self._masks(state)]
        if masked:
            allowed = allowed_by_grammar([states[i] for i in masked], log_probs.shape[1], log_probs.device)
            log_probs = log_probs.clone()
            log_probs[masked] = log_probs[masked].masked_fill(~allowed, -torch.inf)
        drawn = draw_categorical(log_probs, rows, _FIRST_DRAWS, generator)
        own = torch.as_tensor(list(rows), device=log_probs.device)
        candidates = drawn.tolist()
        masses = log_probs[own.unsqueeze(1), drawn].double().tolist()
        totals = log_probs.double().logsumexp(-1).tolist()
        checks = [_Checks(state, self._masks(state)) for state in states]
        tokens, weights = [], []
        for i, row in enumerate(rows):
            urn = _Urn(log_probs[row], totals[row], candidates[i], masses[i], states[row], generator)
            token_id, weight = _log_weight(self._estimate(urn, checks[row]), totals[row])
            tokens.append(candidates[i][0] if token_id is None else token_id)
            weights.append(weight)
        return TokenDraws(tokens, weights)

    def _masks(self, state: ConstraintState) -> bool:
        """Whether only the predicate is left to rejection. With one token left there is nothing to search."""
        if self.uses_mask is None:
            return state.constraint.predicate is not None or state.left == 1
        return self.uses_mask or state.left == 1

    def _estimate(self, urn: _Urn, is_allowed: Check) -> Estimate[float]:
        if self.estimator == "two_loops":
            return two_loops(urn, is_allowed)
        if self.estimator == "geometric":
            return geometric(urn, is_allowed, self.max_accepts, self.max_rejections)
        return recursive(
            urn,
            is_allowed,
            self.max_rejections,
            is_sparing=self.estimator == "sparing",
            prune_after=self.mask_after,
        )


class _Checks:
    """Whether tokens may come after one text; each is checked once, whoever asks."""

    def __init__(self, state: ConstraintState, is_masked: bool) -> None:
        self._check = state.predicate_allows if is_masked else state.allows
        self._known: dict[int, bool] = {}

    def __call__(self, token_id: int) -> bool:
        known = self._known.get(token_id)
        if known is None:
            known = self._known[token_id] = self._check(token_id)
        return known


class _Urn:
    """The law of one row as an urn (`weight_estimators.Urn`), masses as natural logarithms.

    candidates, masses: draws by the law of the row that were made before, and their log-probabilities.
    """

    def __init__(
        self,
        log_probs: Tensor,
        total: float,
        candidates: Sequence[int],
        masses: Sequence[float],
        state: ConstraintState,
        generator: torch.Generator,
    ) -> None:
        self._log_probs = log_probs
        self._state = state
        self._total = total
        self._queue = deque(zip(candidates, masses, strict=True))
        self._masses: dict[int, float] = {}
        self._removed: dict[int, float] = {}
        self._generator = generator
        self._exact = total  # what remained when it was last computed by logsumexp
        self._remaining = total

    def draw(self) -> int | None:
        while True:
            if not self._queue and not self._draw_more():
                return None
            token_id, mass = self._queue.popleft()
            if mass == -math.inf:  # only if all are
                return None
            if token_id not in self._removed:
                self._masses[token_id] = mass
                return token_id

    def remove(self, token_id: int) -> None:
        mass = self._removed[token_id] = self._masses[token_id]
        share = math.exp(mass - self._remaining)
        if share < 1:
            self._remaining += math.log1p(-share)
        if share >= 1 or self._remaining < self._exact - _HALF:
            self._exact = self._remaining = float(self._without_removed().double().logsumexp(-1))

    def mass(self, token_id: int) -> float:
        return self._masses[token_id]

    def remaining(self) -> float:
        return self._remaining

    def share(self, token_id: int) -> float:
        return min(1.0, math.exp(self._masses[token_id] - self._remaining))

    def decide(self, probability: float) -> bool:
        return float(draw_uniforms(self._generator)) < probability

    def prune(self) -> None:
        """The mask of the grammar, as if each forbidden token had been rejected."""
        allowed = allowed_by_grammar([self._state], len(self._log_probs), self._log_probs.device)[0]
        self._log_probs = self._log_probs.masked_fill(~allowed, -torch.inf)
        self._queue.clear()
        self._exact = self._remaining = float(self._without_removed().double().logsumexp(-1))

    def phantoms(self, most: float) -> float:
        if not self._removed:
            return 0
        success = math.exp(self._remaining - self._total)
        if success >= 1:
            return 0
        uniform = float(draw_uniforms(self._generator))
        if success == 0 or uniform == 0:
            return most
        return min(most, math.floor(math.log(uniform) / math.log1p(-success)))

    def _without_removed(self) -> Tensor:
        removed = torch.tensor(list(self._removed), dtype=torch.long, device=self._log_probs.device)
        return self._log_probs.index_fill(0, removed, -torch.inf)

    def _draw_more(self) -> bool:
        """Draw among what is left; False: nothing is."""
        left = self._without_removed()
        drawn = draw_categorical(left.unsqueeze(0), [0], _MORE_DRAWS, self._generator)[0]
        masses = left[drawn].double().tolist()
        self._queue.extend(zip(drawn.tolist(), masses, strict=True))
        return masses[0] > -math.inf


def _log_weight(estimate: Estimate[float], total: float) -> tuple[int | None, float]:
    if estimate.token_id is None or estimate.numerator == 0:
        return estimate.token_id, -math.inf
    mass = total if estimate.mass is None else estimate.mass
    return estimate.token_id, mass + math.log(estimate.numerator / estimate.denominator)
