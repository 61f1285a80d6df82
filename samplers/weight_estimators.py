"""Properly weighted draws of an allowed token with a handful of checks: the estimators of AWRS.

In comes an urn with the model's law p over tokens and a function that checks one token; out come an allowed
token x and a weight w with E[w 1{x = t}] = p(t) 1{t allowed} for every t. The urn is drawn from without
replacement: a token that was found forbidden is removed, so the first allowed one has exactly the law p given
A, after sum over r not in A of p_r / (p_r + Z) rejections on average (Z = p(A)). What differs is how Z is
estimated from what was seen on the way:

- `two_loops`: a second search, with fresh noise among what is not yet rejected; w = (1 - m) / (n + 1), where
  m is the mass that the first loop rejected and n the rejections of both. A second accept costs no check
  where it is the first one again, so a model that is nearly right pays for about one check.
- `recursive`: looks at the next token of the same order after the accept: allowed, w = 1 - m; forbidden,
  w = p(x). At least two checks, and the smallest variance where no token dominates.
- `recursive` with sparing looks (ours): where the accepted token has the share q > 1/2 of what remains, it
  looks only with probability s = 2 (1 - q); a forbidden next token then gives w = (1 - m) / 2. The mean over
  that coin is the recursive weight, so it is as unbiased; a model that is nearly right pays for 1 + s checks.
- `geometric`: simulates draws with replacement up to k accepts or R rejections (those that hit removed tokens
  are geometric and cost nothing); w = min(k - 1, a) / (a + n - 1). More accepts, less variance.

In the recursive ones every stage is proper for the urn that is left. So, where a mask exists, all forbidden
tokens can be removed at once after some rejections (`prune_after`): the cost of a draw is then bounded.

All are unbiased for every Z, however small; tests enumerate them in rational arithmetic, which is why masses
here are whatever numbers the urn has. Lipkin, LeBrun, et al., "Fast Controlled Generation from Language
Models with Adaptive Weighted Rejection Sampling" (2025), and, for stopping at k accepts or R rejections, the
classical estimator of sequential binomial sampling (Girshick, Mosteller and Savage, 1946).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Mass = TypeVar("Mass")
Mass_co = TypeVar("Mass_co", covariant=True)

Check = Callable[[int], bool]


class Urn(Protocol[Mass_co]):
    """Tokens that have not been removed, drawn in proportion to the model's law."""

    def draw(self) -> int | None:
        """A token that stays in the urn, independent of earlier draws; None: nothing with mass is left."""

    def remove(self, token_id: int) -> None:
        """Take a token out."""

    def remaining(self) -> Mass_co:
        """The mass of what is in the urn."""

    def mass(self, token_id: int) -> Mass_co:
        """The mass of one token."""

    def share(self, token_id: int) -> Any:
        """The mass of a token as a part of what is in the urn, a number from 0 to 1."""

    def decide(self, probability: Any) -> bool:
        """True with this probability."""

    def prune(self) -> None:
        """Take out every token that is known to be forbidden without a check."""

    def phantoms(self, most: float) -> float:
        """How many draws from all tokens would have hit removed ones before one from the urn, at most `most`.

        That is min(most, G - 1), G geometric with the success probability 1 - mass removed.
        """


@dataclass(frozen=True)
class Estimate(Generic[Mass]):
    """A draw and its weight, mass * numerator / denominator. token_id None: it failed and weighs nothing.

    mass None: that of the full urn.
    """

    token_id: int | None
    mass: Mass | None = None
    numerator: int = 1
    denominator: int = 1


def two_loops(urn: Urn[Mass], is_allowed: Check) -> Estimate[Mass]:
    """See above; without limits."""
    n_rejected = 0
    accepted = None
    while accepted is None:
        token_id = urn.draw()
        if token_id is None:
            return Estimate(None)
        if is_allowed(token_id):
            accepted = token_id
        else:
            urn.remove(token_id)
            n_rejected += 1
    remaining = urn.remaining()
    while (token_id := urn.draw()) is not None and token_id != accepted and not is_allowed(token_id):
        urn.remove(token_id)
        n_rejected += 1
    return Estimate(accepted, remaining, 1, n_rejected + 1)


def recursive(
    urn: Urn[Mass],
    is_allowed: Check,
    max_rejections: float = float("inf"),
    *,
    is_sparing: bool = False,
    prune_after: float = float("inf"),
) -> Estimate[Mass]:
    """See above.

    max_rejections: at so many (at least 2) the draw fails, properly weighted.
    prune_after: after so many rejections `urn.prune` is called.
    """
    n_rejected = 0
    while (token_id := urn.draw()) is not None:
        if is_allowed(token_id):
            remaining = urn.remaining()
            if n_rejected + 1 >= max_rejections:
                return Estimate(token_id, remaining)
            return _look_further(urn, is_allowed, token_id, remaining, is_sparing)
        urn.remove(token_id)
        n_rejected += 1
        if n_rejected >= max_rejections:
            break
        if n_rejected == prune_after:
            urn.prune()
    return Estimate(None)


def _look_further(
    urn: Urn[Mass], is_allowed: Check, token_id: int, remaining: Mass, is_sparing: bool
) -> Estimate[Mass]:
    share = urn.share(token_id)
    is_coin = is_sparing and 2 * share > 1
    if is_coin and not urn.decide(2 * (1 - share)):
        return Estimate(token_id, remaining)
    urn.remove(token_id)
    following = urn.draw()
    if following is None or is_allowed(following):
        return Estimate(token_id, remaining)
    return Estimate(token_id, remaining, 1, 2) if is_coin else Estimate(token_id, urn.mass(token_id))


def geometric(
    urn: Urn[Mass], is_allowed: Check, max_accepts: int = 2, max_rejections: float = float("inf")
) -> Estimate[Mass]:
    """See above. max_accepts: k, at least 2. max_rejections: R, at least 2."""
    n_accepted, n_rejected = 0, 0.0
    first = None
    while n_accepted < max_accepts and n_rejected < max_rejections:
        n_rejected += urn.phantoms(max_rejections - n_rejected)
        if n_rejected >= max_rejections:
            break
        token_id = urn.draw()
        if token_id is None:
            break
        if is_allowed(token_id):
            n_accepted += 1
            first = token_id if first is None else first
        else:
            urn.remove(token_id)
            n_rejected += 1
    if first is None:
        return Estimate(None)
    return Estimate(first, None, min(max_accepts - 1, n_accepted), n_accepted + int(n_rejected) - 1)
