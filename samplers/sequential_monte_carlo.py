"""Sequential Monte Carlo: a model and a constraint in, weighted texts out whose law is the constrained
model's.

Token by token masking makes a text likely for the wrong reason: a beginning is chosen by what the model says
about it alone, whether or not the model would ever finish it rightly. Here N particles are written side by
side; each step multiplies a particle's weight by what its draw weighed (`token_sampler.py`); when few
particles carry most of the weight, all are resampled by it. Finished particles wait and are resampled with
the others; those with weight zero are dead and are replaced when that happens. With one particle this is
masked decoding, and the weight says how far it is from the model.

A critic is a score of the text so far that steers resampling (a twist): its logarithm is put on the weight
after each step, taken off before the next, and stays at the end, where it becomes part of the target. Equal
texts are one row of the model: the prompt is run once, and a step costs one forward pass of as many rows as
there are different texts.

The length limit is part of the constraint: with one token left only EOS may come, and weighs what the model
gives it, so the target is the constrained model restricted to texts of that length.

Lew, Zhi-Xuan, Grand and Mansinghka, "Sequential Monte Carlo Steering of Large Language Models using
Probabilistic Programs" (2023); Loula et al., "Syntactic and Semantic Control of Large Language Models via
Sequential Monte Carlo" (2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..decoding.arguments import checked_choice, checked_instance, checked_integer, checked_number
from ..decoding.errors import ArgumentTypeError
from ..decoding.sampling import SampledText, SamplingTask
from .constraint import Constraint, ConstraintState
from .language_model import LanguageModel
from .particles import Particle, Particles
from .rejection import AdaptiveRejectionSampler
from .resampling import RESAMPLING, draw_ancestors, effective_sample_size, log_mean_weight
from .tasks import begin_rows, check_run, checked_score, close_task, open_task
from .token_sampler import TokenSampler

Critic = Callable[[str, bool], float]
"""(text so far, whether it is complete) -> natural logarithm of a positive score, or -inf."""

MOST_PARTICLES = 2**16


class SequentialMonteCarlo:
    """Draws from the model given the constraint, approximately, and says how probable the constraint is.

    n_particles: more of them, a better approximation.
    proposal: how the next token is drawn; None: AWRS.
    resampling: one of `RESAMPLING`.
    threshold: resample when the effective sample size is below this share of the particles; 0: never.
    critic: a function of the text so far and of whether it is complete, which returns the natural logarithm
        of a positive score, or -inf (the text dies). It steers resampling while a text is written; what it
        says of the complete text multiplies the law that is drawn from. None: nothing but the model and the
        constraint counts.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        n_particles: int = 8,
        *,
        proposal: TokenSampler | None = None,
        resampling: str = "stratified",
        threshold: float = 0.5,
        critic: Critic | None = None,
    ) -> None:
        self.n_particles = checked_integer("n_particles", n_particles, least=1, most=MOST_PARTICLES)
        self.proposal = AdaptiveRejectionSampler() if proposal is None else proposal
        checked_instance("proposal", self.proposal, TokenSampler, "a TokenSampler, such as MaskSampler()")
        self.resampling = checked_choice("resampling", resampling, RESAMPLING)
        self.threshold = checked_number("threshold", threshold, least=0, most=1)
        if critic is not None and not callable(critic):
            raise ArgumentTypeError("critic must be callable, or None", got=critic)
        self.critic = critic

    def run(self, model: LanguageModel, constraint: Constraint, generator: torch.Generator) -> Particles:
        """Write the particles to their ends, within `constraint.max_new_tokens` steps.

        generator: on the device of the model.
        """
        check_run(model, constraint, generator)
        return _Run(self, model, constraint, generator).finish()

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """One particle by its weight, for `generate()`; what it weighs is the mean of all.

        Raises:
            SamplingError: all particles have weight zero.
        """
        model, constraint = open_task(task, self.proposal.predicate)
        particles = self.run(model, constraint, generator)
        drawn = particles.draw(generator)
        return close_task(
            Particle(drawn.token_ids, drawn.text, particles.log_evidence),
            model,
            constraint,
            **particles.summary(),
        )

    def draw_all(self, task: SamplingTask, generator: torch.Generator) -> list[SampledText]:
        """Every particle with its own weight, for `generate()`; independent ones where threshold is 0.

        Raises:
            SamplingError: one of them has weight zero.
        """
        model, constraint = open_task(task, self.proposal.predicate)
        particles = self.run(model, constraint, generator)
        particles.check_alive(all)
        summary = particles.summary()
        return [close_task(particle, model, constraint, **summary) for particle in particles.particles]


@dataclass
class _Slot:
    """A particle on its way. row: its row of the model, as long as it is live."""

    state: ConstraintState
    row: int
    log_weight: float  # without the critic
    score: float = 0.0  # the critic's, of the text so far

    @property
    def total(self) -> float:
        return self.log_weight + self.score

    @property
    def is_live(self) -> bool:
        return not self.state.is_finished and self.total > -math.inf


class _Run:
    def __init__(
        self,
        settings: SequentialMonteCarlo,
        model: LanguageModel,
        constraint: Constraint,
        generator: torch.Generator,
    ) -> None:
        self._settings = settings
        self._generator = generator
        self._constraint = constraint
        self._checks_before = constraint.n_checks
        self._rows = begin_rows(model, constraint)
        start = constraint.start()
        self._states = [start]  # of the rows
        weight = settings.proposal.start_log_weight(start)
        self._slots = [_Slot(start, 0, weight) for _ in range(settings.n_particles)]
        self._ess_by_step: list[float] = []
        self._resampled_at: list[int] = []
        self._rows_by_step: list[int] = []

    def finish(self) -> Particles:
        step = 0
        while any(slot.is_live for slot in self._slots):
            self._draw()
            self._resample(step)
            self._advance()
            step += 1
        return Particles(
            tuple(Particle(slot.state.token_ids, slot.state.text, slot.total) for slot in self._slots),
            ess_by_step=self._ess_by_step,
            resampled_at=self._resampled_at,
            rows_by_step=self._rows_by_step,
            n_checks=self._constraint.n_checks - self._checks_before,
        )

    def _draw(self) -> None:
        """One token for each live particle."""
        live = [slot for slot in self._slots if slot.is_live]
        rows = [slot.row for slot in live]
        self._rows_by_step.append(len(self._states))
        draws = self._settings.proposal.draw_tokens(self._rows.log_probs, self._states, rows, self._generator)
        after: dict[tuple[int, int], ConstraintState] = {}
        for slot, row, token_id, weight in zip(live, rows, draws.token_ids, draws.log_weights, strict=True):
            slot.log_weight += weight
            if weight == -math.inf:
                continue
            if (row, token_id) not in after:
                after[row, token_id] = slot.state.after(token_id)
            slot.state = after[row, token_id]
            slot.score = self._score(slot.state)

    def _score(self, state: ConstraintState) -> float:
        if self._settings.critic is None:
            return 0.0
        score = self._settings.critic(state.text.decode("utf-8", "ignore"), state.is_finished)
        return checked_score("critic", score)

    def _resample(self, step: int) -> None:
        weights = [slot.total for slot in self._slots]
        ess = effective_sample_size(weights)
        self._ess_by_step.append(ess)
        is_over = not any(slot.is_live for slot in self._slots)
        if ess == 0 or is_over or ess >= self._settings.threshold * len(weights):
            return
        mean = log_mean_weight(weights)
        ancestors = draw_ancestors(weights, self._settings.resampling, self._generator)
        chosen = [self._slots[i] for i in ancestors]
        self._slots = [_Slot(slot.state, slot.row, mean - slot.score, slot.score) for slot in chosen]
        self._resampled_at.append(step)

    def _advance(self) -> None:
        """Run the model for the different texts of the live particles."""
        live = [slot for slot in self._slots if slot.is_live]
        if not live:
            return
        keys = list(dict.fromkeys((slot.row, slot.state.token_ids[-1]) for slot in live))
        self._rows.advance([row for row, _ in keys], [token_id for _, token_id in keys])
        row_of = {key: row for row, key in enumerate(keys)}
        states: dict[int, ConstraintState] = {}
        for slot in live:
            slot.row = row_of[slot.row, slot.state.token_ids[-1]]
            states[slot.row] = slot.state
        self._states = [states[row] for row in range(len(keys))]
