"""`Keeping`: how probable it is that a child of a draft tree is kept, learnt from those that were tried.

Verification tries the children of a node in turn until one is kept. What decides is the target's law, which a
drafter does not know; what it knows is the place among the siblings and what was left of the draft's law, R,
when the child was drawn. From these a logistic model gives the probability. It is fitted online by Newton
steps (each outcome adds its curvature to a matrix of eleven rows), so it follows a new model or kind of
text within some tens of outcomes; old ones fade. The cost is a few microseconds for an estimate, and some
tens for an outcome.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from torch import Tensor

from .draft_template import TYPICAL_ACCEPTANCE

_PLACES = 8  # later ones count as the last
_SURE = 1e-4  # added to shares before their logarithm is taken
_PRIOR = 4.0  # curvature of what is assumed at first, in each direction
_FADE = 0.999  # of the curvature that is left after another outcome


class Keeping:
    """The chances of children of one kind of target (one that draws, or one that takes the likeliest)."""

    def __init__(self) -> None:
        self._before, self._after = _Logistic(), _Logistic()
        self._first = _Logistic()

    def unread(self) -> float:
        """For the first child of a node whose law is not known yet."""
        return self._first.estimate(_features(0))

    def before(self, left: Tensor, place: int) -> float:
        """For a child that is not drawn yet. left: R, shape [vocabulary], sum 1. place: 0 for the first."""
        return self._before.estimate(_features(place, left))

    def after(self, left: Tensor, token: int, place: int) -> float:
        """For a child whose token is known."""
        return self._after.estimate(_features(place, left, token))

    def count(self, left: Tensor, token: int, place: int, is_kept: bool) -> None:
        """One child that was tried."""
        if place == 0:
            self._first.learn(_features(0), is_kept)
        self._before.learn(_features(place, left), is_kept)
        self._after.learn(_features(place, left, token), is_kept)


def _features(place: int, left: Tensor | None = None, token: int | None = None) -> npt.NDArray[np.float64]:
    """What is known: the place, one of eight; the largest share in R; the token's share and its logarithm."""
    features = np.zeros(_PLACES + 3)
    features[min(place, _PLACES - 1)] = 1.0
    if left is not None:
        features[_PLACES] = float(left.max())
    if left is not None and token is not None:
        share = float(left[token])
        features[_PLACES + 1 :] = share, math.log(share + _SURE) / 4
    return features


class _Logistic:
    """Probability of an outcome from features, by online Newton steps."""

    def __init__(self) -> None:
        chances = [TYPICAL_ACCEPTANCE[0] / (1 + 2 * place) for place in range(_PLACES)]
        self._weights = np.array([*(math.log(chance / (1 - chance)) for chance in chances), 0.0, 0.0, 0.0])
        self._curvature = _PRIOR * np.eye(len(self._weights))

    def estimate(self, features: npt.NDArray[np.float64]) -> float:
        return 1 / (1 + math.exp(-float(self._weights @ features)))

    def learn(self, features: npt.NDArray[np.float64], outcome: bool) -> None:
        chance = self.estimate(features)
        prior = (1 - _FADE) * _PRIOR * np.eye(len(features))
        curvature = max(0.02, chance * (1 - chance))  # where all is certain, too, a step has an end
        self._curvature = _FADE * self._curvature + prior + curvature * np.outer(features, features)
        self._weights += np.linalg.solve(self._curvature, (outcome - chance) * features)
