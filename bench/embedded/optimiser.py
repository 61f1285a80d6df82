"""Muon: momentum whose steps are orthogonalised, for the matrices inside the blocks.

What goes in are matrices with gradients; they are changed in place. The momentum is brought near an orthogonal
matrix by a few Newton-Schulz steps, so that every direction of a weight moves at the same pace (Jordan et al., 2024).
Cost: four small matrix products for each Newton-Schulz step and weight, little beside the batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates; for two-dimensional parameters only."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, steps: int = 4) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "steps": steps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                average: Tensor = state["momentum"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonalise(weight.grad.lerp(average, group["momentum"]), group["steps"])
                weight.add_(update, alpha=-group["lr"] * max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5)


def orthogonalise(matrix: Tensor, steps: int) -> Tensor:
    """Bring the singular values of a matrix near one by a quintic Newton-Schulz iteration."""
    first, third, fifth = 3.4445, -4.7750, 2.0315
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        square = wide @ wide.T
        wide = first * wide + (third * square + fifth * square @ square) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
