"""Countdown signals: how many tokens a response still has, as vectors to be added to its input embeddings.

In: for each column of a batch, where its response begins and how long it is to be. Out: a vector of the width
of the embeddings. A model that was trained with the signal beside its texts reads from it when to end. Three
kinds, chosen by `Countdown.kind`, with i the index of a column counted from the first token of the response
(negative in the prompt) and L the length of the response in tokens, EOS included:

    orpe            r = max(L - i, 0) in the response, nothing in the prompt (offset reverse positions)
    ldpe            r = max(L - i, 0) in prompt and response (length-difference positional encoding)
    progress_ratio  r = clamp(i / L, 0, 1), everywhere (progress ratio embedding)

The first two write r as sin(r / 10000^(2k/d)) in dimension 2k and cos of the same in 2k+1, d being the width,
scaled to the length of a mean token embedding. The third is cos(w x_j) for even j and sin(w x_j) for odd j,
with w = r d / 2 and x_j = 2 floor(j/2) / d, behind a gate tanh(g) that starts at 0. Cost: O(columns x width).

Papers: Butcher et al., "Precise Length Control in Large Language Models", arXiv 2412.11937 (LDPE and
ORPE; the sinusoid is that of Takase and Okazaki, NAACL 2019; the scaling by norms here is our reading of the
paper's rescaling); "Progress Ratio Embeddings", arXiv 2512.06938.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .arguments import checked_instance, checked_number
from .errors import ArgumentValueError

KINDS = ("orpe", "ldpe", "progress_ratio")
FILE_NAME = "countdown.json"
LONGEST_PERIOD = 10_000.0  # of the sinusoid, over 2 pi


@dataclass(frozen=True)
class Countdown:
    """How a model is told the length of its response.

    kind: "orpe" (counts in the response only, so the prompt's length does not matter), "ldpe" (counts in the
        prompt too, so even the first token knows the target), or "progress_ratio" (the share that is done).
    at_most: the target is an upper bound (Max New Tokens++), not the exact length: training begins the
        countdown at or above the true length, and generation forces the end when it reaches the bound.
    gated: multiply by tanh of one trained number that starts at 0, so that nothing changes before training.
        None: True for "progress_ratio", False for the others.
    scale: factor of the signal. None: for "progress_ratio" 1; for the others what gives the signal the length
        of a mean token embedding of the model.
    noise: standard deviation of noise on the ratio during training, for "progress_ratio" only.
        None: 2 / width.

    Raises:
        ArgumentTypeError, ArgumentValueError: an option is of the wrong kind or out of bounds.
    """

    kind: str = "orpe"
    at_most: bool = False
    gated: bool | None = None
    scale: float | None = None
    noise: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise ArgumentValueError(f"kind must be one of {', '.join(KINDS)}", got=self.kind)
        checked_instance("at_most", self.at_most, bool, "True or False")
        checked_instance("gated", self.gated, (bool, type(None)), "True, False or None")
        if self.scale is not None:
            checked_number("scale", self.scale, above=0)
        if self.noise is not None:
            if self.noise != 0:
                checked_number("noise", self.noise, above=0, most=1)
            if self.kind != "progress_ratio" and self.noise:
                raise ArgumentValueError(
                    "noise is added to a ratio only", got=self.noise, advice="leave it out, or change kind"
                )

    def fitted_to(self, embedding: torch.Tensor) -> Countdown:
        """The same with every None replaced by its number for embeddings of shape [tokens, width].

        Raises:
            ArgumentValueError: the width is odd, or the embeddings are all zero.
        """
        width = embedding.shape[1]
        is_ratio = self.kind == "progress_ratio"
        if width % 2:
            raise ArgumentValueError("the width of the embeddings must be even", got=width)
        scale = self.scale
        if scale is None:
            scale = 1.0 if is_ratio else embedding_scale(embedding)
        if not scale:
            raise ArgumentValueError("scale must be given for embeddings that are zero", got=scale)
        noise = self.noise
        if noise is None:
            noise = 2 / width if is_ratio else 0.0
        gated = is_ratio if self.gated is None else self.gated
        return replace(self, gated=gated, scale=scale, noise=noise)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON can hold them; `Countdown(**options)` reads them."""
        return asdict(self)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the options to `countdown.json` in this folder, beside the adapters of PEFT for example."""
        checked_instance("folder", folder, (str, os.PathLike), "a path")
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / FILE_NAME).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Countdown:
        """Read what `save` wrote.

        Raises:
            ArgumentValueError: there is no such file, or something else is in it.
        """
        checked_instance("folder", folder, (str, os.PathLike), "a path")
        try:
            path = Path(folder) / FILE_NAME
            options = json.loads(path.read_text(encoding="utf-8"))
            return cls(**options)
        except (OSError, ValueError, TypeError) as error:
            raise ArgumentValueError(
                "folder must hold a countdown.json that Countdown.save wrote", got=str(folder)
            ) from error


def embedding_scale(embedding: torch.Tensor) -> float:
    """What a sinusoid must be multiplied by to be as long as a mean token embedding.

    The quadratic mean of the rows' norms, ||E||_F / sqrt(tokens), over a sinusoid's norm, sqrt(width / 2).
    """
    n_tokens, width = embedding.shape
    norm = torch.linalg.vector_norm(embedding.detach(), dtype=torch.float64).item()
    return norm / math.sqrt(n_tokens) / math.sqrt(width / 2)


def sinusoid(remaining: torch.Tensor, width: int) -> torch.Tensor:
    """Numbers as sines (even dimensions) and cosines (odd), float32 [..., width] for any shape [...].

    Dimension pair k turns by one radian in 10000^(2k/width) tokens: the first pairs tell neighbours apart,
    the last give the order of size.
    """
    exponents = torch.arange(0, width, 2, device=remaining.device, dtype=torch.float32) / width
    angles = remaining.unsqueeze(-1).to(torch.float32) * LONGEST_PERIOD**-exponents
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


def ratio_signal(ratio: torch.Tensor, width: int) -> torch.Tensor:
    """Ratios in [0, 1] as waves over the dimensions, float32 [..., width]; the frequency is the ratio.

    From one pair of dimensions to the next the angle grows by the ratio, in radians.
    """
    dimensions = torch.arange(width, device=ratio.device)
    places = 2 * (dimensions // 2) / width
    angles = ratio.unsqueeze(-1).to(torch.float32) * (width / 2) * places
    return torch.where(dimensions % 2 == 0, angles.cos(), angles.sin())


class CountdownSignal(torch.nn.Module):
    """Adds the signal to embeddings. The only weight is the gate, and only if the settings want one.

    settings: options without None, from `Countdown.fitted_to`.
    """

    def __init__(self, settings: Countdown, width: int) -> None:
        super().__init__()
        self.settings = settings
        self.width = width
        self.gate: torch.nn.Parameter | None = None
        if settings.gated:
            self.gate = torch.nn.Parameter(torch.zeros(1))

    def forward(
        self,
        embeddings: torch.Tensor,
        columns: torch.Tensor,
        response_start: torch.Tensor,
        target_length: torch.Tensor,
    ) -> torch.Tensor:
        """Embeddings with the signal, in their dtype.

        embeddings: [rows, columns, width]. columns: integers [columns], the places of these columns in the
        whole sequence, padding included. response_start: integers [rows], the place where the response
        begins. target_length: integers [rows], tokens of the response, EOS included; 0: nothing is added.
        """
        index = columns - response_start.unsqueeze(-1)
        target = target_length.unsqueeze(-1)
        signal = self._signal(index, target)
        signal = signal * (self.settings.scale or 1.0)
        if self.gate is not None:
            signal = signal * torch.tanh(self.gate.to(torch.float32))
        is_told = target > 0
        if self.settings.kind == "orpe":
            is_told = is_told & (index >= 0)
        return embeddings + torch.where(is_told.unsqueeze(-1), signal, 0.0).to(embeddings.dtype)

    def _signal(self, index: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """float32 [rows, columns, width], before scale and gate."""
        if self.settings.kind != "progress_ratio":
            return sinusoid((target - index).clamp(min=0), self.width)
        ratio = index.clamp(min=0) / target.clamp(min=1)
        if self.training and self.settings.noise:
            # torch's own random state, as dropout uses it.
            noise = self.settings.noise * torch.randn_like(ratio)
            ratio = ratio + torch.where(ratio > 0, noise, 0.0)
        return ratio_signal(ratio.clamp(0, 1), self.width)

    def extra_repr(self) -> str:
        return f"kind={self.settings.kind}, at_most={self.settings.at_most}, scale={self.settings.scale}"
