"""Metropolis-Hastings over whole texts: a model and a constraint in, right texts whose law comes to be right
out.

A chain begins with a text of masked decoding. Each step chooses a place to cut it, writes a new rest by
masked decoding, and takes the new text y' instead of y with the probability

    min(1, prod Z(y') pi(cut | y') / (prod Z(y) pi(cut | y))),

where the products run over the places from the cut on, Z being the mass that the mask left there, and pi is
the law of the cut. That leaves the model given the constraint unchanged, whatever the cuts: each place to cut
is a kernel of its own, chosen with a probability that the ratio accounts for. Every state is a right text;
k steps cost k + 1 texts, of which only the new rests are run. Gonzalez et al., "Constrained Sampling for
Language Models Should Be Easy: An MCMC Perspective" (NeurIPS 2025).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_integer
from ..decoding.errors import SamplingError
from ..decoding.sampling import SampledText, SamplingTask
from .constraint import Constraint, ConstraintState, Predicate, allowed_by_grammar, check_predicate
from .language_model import LanguageModel
from .particles import Particle
from .random_draws import draw_categorical, draw_uniforms
from .tasks import begin_rows, check_run, close_task, open_task

CUTS = ("restart", "prefix", "priority")


@dataclass
class ChainReport:
    """n_proposals, n_accepted: steps, and those that were taken. n_forward_passes, n_row_passes: the
    model's."""

    n_proposals: int = 0
    n_accepted: int = 0
    n_forward_passes: int = 0
    n_row_passes: int = 0

    @property
    def acceptance(self) -> float:
        return self.n_accepted / max(1, self.n_proposals)


@dataclass
class _Text:
    """A text with what is known of each of its places: log Z, and the entropy of the masked law."""

    state: ConstraintState
    log_masses: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    is_right: bool = True  # False: the predicate refused it, or nothing allowed had any probability

    def cut_off(self, place: int) -> _Text:
        """What stands before a place."""
        return _Text(self.state.before(place), self.log_masses[:place], self.entropies[:place])


class MetropolisHastings:
    """Chains that come to the model given the constraint.

    cut: "restart", the whole text is written anew; "prefix", any place is as likely; "priority", places are
        as likely as the masked law is uncertain there (in proportion to its entropy).
    n_steps: steps of a chain; more of them, nearer to the right law.
    predicate: what texts have to obey besides the grammar, or None.
    batch_size: chains that are run side by side, and texts of which the first one of a chain is taken where
        the predicate refuses some.
    max_attempts: so many texts may fail the predicate before the first one of a chain is given up.

    Attributes:
        report: what all chains cost.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        cut: str = "priority",
        *,
        n_steps: int = 10,
        predicate: Predicate | None = None,
        batch_size: int = 8,
        max_attempts: int = 1000,
    ) -> None:
        self.cut = checked_choice("cut", cut, CUTS)
        self.n_steps = checked_integer("n_steps", n_steps, least=0)
        check_predicate(predicate)
        self.predicate = predicate
        self.batch_size = checked_integer("batch_size", batch_size, least=1)
        self.max_attempts = checked_integer("max_attempts", max_attempts, least=1)
        self.report = ChainReport()

    def samples(
        self, model: LanguageModel, constraint: Constraint, n: int, generator: torch.Generator
    ) -> Iterator[Particle]:
        """The ends of n independent chains, each batch when it is done; log-weights are 0.

        Raises:
            SamplingError: no text obeyed the predicate, or had an end, in `max_attempts`.
        """
        n_left = checked_integer("n", n, least=0)
        check_run(model, constraint, generator)
        while n_left:
            texts = self._run(min(n_left, self.batch_size), model, constraint, generator)
            n_left -= len(texts)
            for text in texts:
                yield Particle(text.state.token_ids, text.state.text, 0.0)

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """The end of one chain, for `generate()`. Raises: as `samples`."""
        return self.draw_several(task, 1, generator)[0]

    def draw_several(self, task: SamplingTask, n: int, generator: torch.Generator) -> list[SampledText]:
        """The ends of n chains. Raises: as `samples`."""
        model, constraint = open_task(task, self.predicate)
        particles = list(self.samples(model, constraint, n, generator))
        acceptance = self.report.acceptance
        return [close_task(particle, model, constraint, acceptance=acceptance) for particle in particles]

    def _run(
        self, n_chains: int, model: LanguageModel, constraint: Constraint, generator: torch.Generator
    ) -> list[_Text]:
        before = model.n_forward_passes, model.n_row_passes
        texts = self._first(n_chains, model, constraint, generator)
        for _ in range(self.n_steps):
            cuts = [self._choose_cut(text, generator) for text in texts]
            kept = [text.cut_off(cut) for text, cut in zip(texts, cuts, strict=True)]
            proposed = write_rests(kept, model, generator)
            uniforms = draw_uniforms(generator, n_chains).tolist()
            for index, (old, new) in enumerate(zip(texts, proposed, strict=True)):
                ratio = self._log_ratio(old, new, cuts[index])
                if math.log(max(uniforms[index], 1e-300)) < ratio:
                    texts[index] = new
                    self.report.n_accepted += 1
            self.report.n_proposals += n_chains
        self.report.n_forward_passes += model.n_forward_passes - before[0]
        self.report.n_row_passes += model.n_row_passes - before[1]
        return texts

    def _first(
        self, n_chains: int, model: LanguageModel, constraint: Constraint, generator: torch.Generator
    ) -> list[_Text]:
        found: list[_Text] = []
        n_failed = 0
        while len(found) < n_chains:
            wanted = n_chains - len(found)
            size = max(wanted, self.batch_size) if n_failed else wanted
            texts = write_rests([_Text(constraint.start()) for _ in range(size)], model, generator)
            found += [text for text in texts if text.is_right][:wanted]
            n_failed += sum(not text.is_right for text in texts)
            if n_failed > self.max_attempts and len(found) < n_chains:
                raise SamplingError(
                    f"{n_failed} texts were written before {n_chains} had an end and obeyed the predicate",
                    advice="raise max_attempts, lift truncation (top_k, top_p, min_p), or use "
                    "GrammarAlignedSampler(predicate=...), which learns from what fails",
                )
        return found

    def _cut_law(self, text: _Text) -> list[float]:
        """The probability of each place to be cut at."""
        n_places = len(text.log_masses)
        if self.cut == "restart":
            return [1.0] + [0.0] * (n_places - 1)
        total = math.fsum(text.entropies)
        if self.cut == "prefix" or total <= 0:
            return [1 / n_places] * n_places
        return [entropy / total for entropy in text.entropies]

    def _choose_cut(self, text: _Text, generator: torch.Generator) -> int:
        law = torch.tensor([self._cut_law(text)], dtype=torch.float64, device=generator.device)
        return int(draw_categorical(law.log(), [0], 1, generator))

    def _log_ratio(self, old: _Text, new: _Text, cut: int) -> float:
        if not new.is_right:
            return -math.inf
        forth, back = self._cut_law(old)[cut], self._cut_law(new)[cut]
        if back <= 0:
            return -math.inf
        return (
            math.fsum(new.log_masses[cut:])
            - math.fsum(old.log_masses[cut:])
            + math.log(back)
            - math.log(forth)
        )


def write_rests(texts: Sequence[_Text], model: LanguageModel, generator: torch.Generator) -> list[_Text]:
    """Finish beginnings by masked decoding, side by side. Those that the predicate refuses are left there,
    and so are those where the model gives no allowed token any probability.

    Raises:
        SamplingError: that is so at the first token already.
    """
    live = list(texts)
    rows = begin_rows(model, live[0].state.constraint, [text.state.token_ids for text in live])
    while live:
        allowed = allowed_by_grammar(
            [text.state for text in live], rows.log_probs.shape[1], rows.log_probs.device
        )
        masked = rows.log_probs.double().masked_fill(~allowed, -torch.inf)
        masses = masked.logsumexp(-1)
        entropies = _entropies(masked - masses.unsqueeze(1))
        tokens = draw_categorical(masked, range(len(live)), 1, generator).squeeze(1).tolist()
        for text, token_id, mass, entropy in zip(
            live, tokens, masses.tolist(), entropies.tolist(), strict=True
        ):
            text.is_right = mass > -math.inf and text.state.predicate_allows(token_id)
            if mass == -math.inf:
                if not text.state.token_ids:
                    raise SamplingError(
                        "the model gives no probability to any token that a text may begin with",
                        advice="lift truncation (top_k, top_p, min_p)",
                    )
                continue
            text.state = text.state.after(token_id)
            text.log_masses.append(mass)
            text.entropies.append(entropy)
        going_on = [i for i, text in enumerate(live) if text.is_right and not text.state.is_finished]
        live = [live[i] for i in going_on]
        if live:
            rows.advance(going_on, [text.state.token_ids[-1] for text in live])
    return list(texts)


def _entropies(log_probs: Tensor) -> Tensor:
    """Of rows that sum to one, in nats; rounding to a little below zero is zero."""
    return (-(log_probs.exp() * log_probs.clamp(min=-1e4)).sum(-1)).clamp(min=0)
