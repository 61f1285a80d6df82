"""Muon: momentum whose steps are orthogonalised, for the matrices inside the blocks.

What goes in are matrices with gradients; they are changed in place. The momentum is brought near an
orthogonal matrix by a few Newton-Schulz steps, so that every direction of a weight moves at the same pace
(Jordan et al., 2024). Matrices of one shape are done together, in bfloat16. Cost: three small matrix
products a step and weight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates; for two-dimensional parameters only."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, steps: int = 4
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "steps": steps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                by_shape[tuple(weight.shape)].append(weight)
            for shape, weights in by_shape.items():
                updates = orthogonalise(
                    torch.stack([self._push(weight, group["momentum"]) for weight in weights]), group["steps"]
                )
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for weight, update in zip(weights, updates, strict=True):
                    weight.add_(update, alpha=-scale)

    def _push(self, weight: Tensor, momentum: float) -> Tensor:
        """Add the gradient to the momentum; return Nesterov's direction."""
        if weight.grad is None:
            raise ValueError(
                "Muon: a parameter without a gradient; call backward() on a loss that depends on all of them"
            )
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        average: Tensor = state["momentum"]
        average.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(average, momentum)


def orthogonalise(matrices: Tensor, steps: int) -> Tensor:
    """Bring the singular values of matrices [n, rows, columns] near one: quintic Newton-Schulz iteration."""
    first, third, fifth = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if tall else matrices
    wide = (wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(torch.bfloat16).contiguous()
    for _ in range(steps):
        square = wide @ wide.mT
        polynomial = torch.baddbmm(square, square, square, beta=third, alpha=fifth)
        wide = torch.baddbmm(wide, polynomial, wide, beta=first)
    result = wide.to(matrices.dtype)
    return result.mT if tall else result
