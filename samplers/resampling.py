"""Weights of particles: log-weights in, effective sample size, their mean, and ancestors by resampling out.

Each way to resample draws N ancestors so that particle i gets N w_i / sum(w) offspring on average; they
differ in how much the numbers scatter about that. Douc, Cappe and Moulines, "Comparison of resampling schemes
for particle filtering" (2005). Cost: N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..decoding.arguments import checked_choice
from .random_draws import draw_uniforms

RESAMPLING = ("stratified", "systematic", "residual", "multinomial")


def log_mean_weight(log_weights: Sequence[float]) -> float:
    """The logarithm of the mean of the weights."""
    return float(torch.tensor(log_weights, dtype=torch.float64).logsumexp(0)) - math.log(len(log_weights))


def effective_sample_size(log_weights: Sequence[float]) -> float:
    """(sum w)^2 / sum w^2, from 1 to N; 0 if all weights are zero."""
    weights = torch.tensor(log_weights, dtype=torch.float64)
    if weights.max() == -torch.inf:
        return 0.0
    return float((2 * weights.logsumexp(0) - (2 * weights).logsumexp(0)).exp())


def draw_ancestors(log_weights: Sequence[float], kind: str, generator: torch.Generator) -> list[int]:
    """For each of N new particles the old one that it copies, ascending.

    log_weights: N of them, not all -inf. kind: one of `RESAMPLING`.

    Raises:
        ArgumentTypeError, ArgumentValueError: there is no such kind.
    """
    checked_choice("resampling", kind, RESAMPLING)
    shares = torch.tensor(log_weights, dtype=torch.float64).softmax(0)
    n = len(shares)
    if kind == "residual":
        # A share of k / n that lies below it by rounding alone has k sure offspring all the same.
        sure = (n * shares + 1e-9).floor().long()
        ancestors = torch.arange(n).repeat_interleave(sure)[:n]
        rest = (n * shares - sure).clamp(min=0)
        points = draw_uniforms(generator, n - len(ancestors)).cpu()
        if len(points):
            ancestors = torch.cat([ancestors, _invert(rest / rest.sum(), points)]).sort().values
    else:
        if kind == "multinomial":
            points = draw_uniforms(generator, n).cpu().sort().values
        else:
            offsets = draw_uniforms(generator, n if kind == "stratified" else 1).cpu()
            points = (torch.arange(n) + offsets) / n
        ancestors = _invert(shares, points)
    return [int(index) for index in ancestors]


def _invert(shares: Tensor, points: Tensor) -> Tensor:
    """Where points from [0, 1) fall; never on a share of zero."""
    cumulative = shares.cumsum(0)
    cumulative /= cumulative[-1].clone()
    last = int(shares.nonzero().max())
    return torch.searchsorted(cumulative, points, right=True).clamp(max=last)
