"""What sequential Monte Carlo leaves: weighted texts and how the run went; estimates and a plot out of them.

The mean of the weights is an unbiased estimate of the probability that the model, left alone, writes a text
of the constraint (times the critic, where there is one), and a text drawn by its weight is approximately a
draw from the model given the constraint, the better the more particles there were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ..decoding.arguments import checked_instance
from ..decoding.errors import SamplingError
from .random_draws import draw_categorical
from .resampling import effective_sample_size, log_mean_weight


@dataclass(frozen=True)
class Particle:
    """One text with its weight. token_ids: EOS included if it is complete. text: its bytes."""

    token_ids: tuple[int, ...]
    text: bytes
    log_weight: float


@dataclass(frozen=True)
class Particles:
    """The particles of one run.

    particles: all of them; those that died have the log-weight -inf.
    ess_by_step: effective sample size after each step, before resampling.
    resampled_at: the steps, from 0, after which was resampled.
    rows_by_step: how many different texts the model was run for.
    n_checks: questions to grammar and predicate about single tokens.
    """

    particles: tuple[Particle, ...]
    ess_by_step: list[float] = field(default_factory=list)
    resampled_at: list[int] = field(default_factory=list)
    rows_by_step: list[int] = field(default_factory=list)
    n_checks: int = 0

    @cached_property
    def log_evidence(self) -> float:
        """Logarithm of the estimated probability that the model writes a text of the constraint."""
        return log_mean_weight([particle.log_weight for particle in self.particles])

    @property
    def ess(self) -> float:
        """Effective sample size of the particles as they are."""
        return effective_sample_size([particle.log_weight for particle in self.particles])

    @cached_property
    def posterior(self) -> dict[str, float]:
        """The estimated law of the texts, most probable first; weights of equal texts are added."""
        if self.log_evidence == -math.inf:
            return {}
        scale = self.log_evidence + math.log(len(self.particles))
        found: dict[str, float] = {}
        for particle in self.particles:
            if particle.log_weight > -math.inf:
                text = particle.text.decode("utf-8", "surrogateescape")
                found[text] = found.get(text, 0.0) + math.exp(particle.log_weight - scale)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def draw(self, generator: torch.Generator) -> Particle:
        """A particle by its weight.

        Raises:
            SamplingError: all of them died.
        """
        checked_instance("generator", generator, torch.Generator, "a torch.Generator")
        self.check_alive(any)
        weights = [particle.log_weight for particle in self.particles]
        law = torch.tensor([weights], dtype=torch.float64, device=generator.device)
        return self.particles[int(draw_categorical(law, [0], 1, generator))]

    def check_alive(self, how_many: Callable[[Iterable[bool]], bool]) -> None:
        """Raise SamplingError unless `any` or `all` of the particles have a weight above zero."""
        alive = [particle.log_weight > -math.inf for particle in self.particles]
        if how_many(alive):
            return
        raise SamplingError(
            f"{alive.count(False)} of {len(alive)} texts came to where the model gives no probability "
            "to what the constraint allows (weight zero)",
            advice="take SequentialMonteCarlo with more particles, GrammarAlignedSampler, which tries again "
            "and learns, a predicate whose prefix() says no earlier, or lift truncation (top_k, top_p, "
            "min_p)",
        )

    def summary(self) -> dict[str, Any]:
        """What `generate()` reports of the run."""
        return {
            "log_evidence": self.log_evidence,
            "ess": self.ess,
            "ess_by_step": self.ess_by_step,
            "resampled_at": self.resampled_at,
            "posterior": self.posterior,
        }

    def plot(self, path: str | Path) -> None:
        """Write a picture of the effective sample size and of the rows by step. Needs matplotlib."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 3.5), layout="constrained")
        axes = figure.add_subplot()
        steps = range(1, len(self.ess_by_step) + 1)
        axes.plot(steps, self.ess_by_step, label="effective sample size")
        axes.plot(steps, self.rows_by_step, label="different texts", linestyle="--")
        for step in self.resampled_at:
            axes.axvline(step + 1, color="0.8", zorder=0)
        axes.set(xlabel="token (grey: resampled)", ylabel="particles", ylim=(0, len(self.particles) * 1.05))
        axes.legend()
        figure.savefig(path)
