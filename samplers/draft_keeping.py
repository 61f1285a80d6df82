"""`Keeping`: how probable it is that a child of a draft tree is kept, learnt from those that were tried.

Verification tries the children of a node in turn until one is kept. What decides is the target's law, which a
drafter does not know; what it knows is the place among the siblings and what was left of the draft's law, R,
when the child was drawn. From these a logistic model gives the probability. It is fitted online by Newton
steps (each outcome adds its curvature to a matrix of some twenty rows), so it follows a new model or kind of
text within some tens of outcomes; old ones fade.

An outcome is a chance, not only a yes or no. Where the target draws, its law P is known once a node has been
verified, and with it the chance of a child before it was drawn (what P and R have in common) and after that,
for all children of the node, as far as they would have been reached. From these far more is learnt than from
the coin that decided in the end. Where the target takes the likeliest, the outcome says all there is. The
cost is a few microseconds and a pass over the vocabulary for an estimate, some tens for an outcome.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .draft_template import TYPICAL_ACCEPTANCE

_PLACES = 8  # later ones count as the last
_FEATURES = _PLACES + 10
_SURE = 1e-4  # added to shares before their logarithm is taken
_PRIOR = 4.0  # curvature of what is assumed at first, in each direction
_FADE = 0.999  # of the curvature that is left after another outcome


class Keeping:
    """The chances of children of one kind of target (one that draws, or one that takes the likeliest)."""

    def __init__(self) -> None:
        self._first, self._before, self._after = _Logistic(), _Logistic(), _Logistic()

    def unread(self) -> float:
        """For the first child of a node whose law is not known yet."""
        return self._first.estimate(_features(0))

    def before(self, left: Tensor, place: int) -> float:
        """For a child that is not drawn yet. left: R, shape [vocabulary], sum 1. place: 0 for the first."""
        return self._before.estimate(_features(place, left))

    def after(self, left: Tensor, token: int, place: int) -> float:
        """For a child whose token is known."""
        return self._after.estimate(_features(place, left, token))

    def learn_before(self, left: Tensor, place: int, chance: float, weight: float = 1.0) -> None:
        """With which chance a child was kept, before it was drawn. weight: how probable it was that
        verification tried it.
        """
        if place == 0:
            self._first.learn(_features(0), chance, weight)
        self._before.learn(_features(place, left), chance, weight)

    def learn_after(self, left: Tensor, token: int, place: int, chance: float, weight: float = 1.0) -> None:
        """The same, after it was drawn."""
        self._after.learn(_features(place, left, token), chance, weight)


def _features(place: int, left: Tensor | None = None, token: int | None = None) -> npt.NDArray[np.float64]:
    """What is known: the place, one of eight; how concentrated R is, by its largest share and its entropy,
    both with their squares, and all four again for later siblings; the token's share and its logarithm.
    """
    features = np.zeros(_FEATURES)
    features[min(place, _PLACES - 1)] = 1.0
    if left is not None:
        largest, entropy = float(left.max()), float(torch.special.entr(left).sum()) / 4
        shape = largest, largest**2, entropy, entropy**2
        features[_PLACES : _PLACES + 4] = shape
        if place:
            features[_PLACES + 4 : _PLACES + 8] = shape
        if token is not None:
            share = float(left[token])
            features[_PLACES + 8 :] = share, math.log(share + _SURE) / 4
    return features


class _Logistic:
    """Probability of an outcome from features, by online Newton steps."""

    def __init__(self) -> None:
        self._weights = np.zeros(_FEATURES)
        for place in range(_PLACES):
            chance = TYPICAL_ACCEPTANCE[0] / (1 + 2 * place)
            self._weights[place] = math.log(chance / (1 - chance))
        self._curvature = _PRIOR * np.eye(_FEATURES)

    def estimate(self, features: npt.NDArray[np.float64]) -> float:
        return 1 / (1 + math.exp(-float(self._weights @ features)))

    def learn(self, features: npt.NDArray[np.float64], outcome: float, weight: float) -> None:
        """outcome: 0 to 1. weight: 0 to 1, of a whole one."""
        chance = self.estimate(features)
        prior = (1 - _FADE) * _PRIOR * np.eye(len(features))
        curvature = weight * max(0.02, chance * (1 - chance))  # where all is certain a step has an end, too
        self._curvature = _FADE * self._curvature + prior + curvature * np.outer(features, features)
        self._weights += np.linalg.solve(self._curvature, weight * (outcome - chance) * features)
