"""Tests of hypotheses: counts and weights in, p-values and standard scores out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch


def chi_square(counts: Mapping[Any, int], law: Mapping[Any, float]) -> float:
    """The p-value of counts under a law; cells with an expectation below 5 are merged.

    What the law gives no probability must not occur.
    """
    n = sum(counts.values())
    assert all(law.get(key, 0) > 0 for key, count in counts.items() if count)
    cells: list[tuple[float, float]] = []
    rest_expected = rest_counted = 0.0
    for key, probability in law.items():
        if n * probability < 5:
            rest_expected += n * probability
            rest_counted += counts.get(key, 0)
        else:
            cells.append((n * probability, counts.get(key, 0)))
    if rest_expected >= 5:
        cells.append((rest_expected, rest_counted))
    elif rest_expected:
        smallest = min(range(len(cells)), key=lambda i: cells[i])
        cells[smallest] = (cells[smallest][0] + rest_expected, cells[smallest][1] + rest_counted)
    statistic = sum((counted - expected) ** 2 / expected for expected, counted in cells)
    freedom = max(1, len(cells) - 1)
    return float(
        torch.special.gammaincc(
            torch.tensor(freedom / 2, dtype=torch.float64), torch.tensor(statistic / 2, dtype=torch.float64)
        )
    )


def standard_score(values: Sequence[float] | np.ndarray, expected: float) -> float:
    """How many standard errors the mean of the values is away from what is expected."""
    array = np.asarray(values, dtype=float)
    error = float(array.std(ddof=1)) / math.sqrt(len(array))
    difference = float(array.mean()) - expected
    if error < 1e-14:
        return 0.0 if abs(difference) < 1e-9 * max(1.0, abs(expected)) else math.inf
    return difference / error


def total_variation(one: Mapping[Any, float], other: Mapping[Any, float]) -> float:
    return 0.5 * sum(abs(one.get(key, 0) - other.get(key, 0)) for key in {*one, *other})


def floor_of_total_variation(law: Mapping[Any, float], n: int) -> float:
    """What n independent exact draws give on average."""
    return 0.5 * sum(math.sqrt(2 * p * (1 - p) / (math.pi * n)) for p in law.values())


def divergence(one: Mapping[Any, float], other: Mapping[Any, float]) -> float:
    """KL(one || other), natural logarithms."""
    return sum(p * math.log(p / other[key]) for key, p in one.items() if p > 0)
