"""Pearson's test: how likely counts at least as far from a law are, if they have that law."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch


def chi_square_p(counts: Mapping[Hashable, int], law: Mapping[Hashable, float]) -> float:
    """The p-value; cells with an expectation below 5 are put together. 0 for what the law does not have."""
    if any(law.get(cell, 0.0) == 0 for cell in counts):
        return 0.0
    total = sum(counts.values())
    cells: list[tuple[float, float]] = []
    pooled = [0.0, 0.0]
    for cell, probability in law.items():
        observed, expected = counts.get(cell, 0), total * probability
        if expected < 5:
            pooled[0] += observed
            pooled[1] += expected
        else:
            cells.append((observed, expected))
    if pooled[1] >= 5:
        cells.append((pooled[0], pooled[1]))
    statistic = sum((observed - expected) ** 2 / expected for observed, expected in cells)
    half_freedom = torch.tensor((len(cells) - 1) / 2, dtype=torch.float64)
    return float(torch.special.gammaincc(half_freedom, torch.tensor(statistic / 2, dtype=torch.float64)))
