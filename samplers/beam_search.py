"""Beam search under a constraint: a model and a constraint in, the right texts of the highest score out.

Beams are rows of one model; each step keeps the best continuations by log-probability among those that
grammar, budget and predicate allow, and a text that ends is set aside with its score

    score(Y) = log p(Y) / lp(Y) + cp(Y),    lp(Y) = ((5 + |Y|) / 6)^length_penalty,
    cp(Y) = coverage_penalty * sum over prompt tokens i of log(min(sum over steps of attention_i, 1)),

the length normalisation and the coverage penalty of Wu et al., "Google's Neural Machine Translation System"
(2016); attention is the mean over layers and heads. log p is the model's own: masking takes texts away and
adds no probability to the others. The search ends when no live beam can come to a better score than the worst
text that is kept. Several groups of beams give different texts: a token that earlier groups have just chosen
costs a group `diversity_penalty` for each time (Vijayakumar et al., "Diverse Beam Search", 2016), in what is
kept, not in scores. One beam is greedy decoding. Nothing here is random.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from ..decoding.arguments import checked_integer, checked_number
from ..decoding.errors import ArgumentTypeError, ArgumentValueError, SamplingError
from ..decoding.sampling import SampledText, SamplingTask
from .causal_model import CausalLanguageModel
from .constraint import Constraint, ConstraintState, Predicate, check_predicate
from .language_model import LanguageModel
from .tasks import begin_rows, check_run, open_constraint
from .token_sampler import mask_log_probs

_LEAST_ATTENTION = 1e-9


@dataclass(frozen=True)
class Beam:
    """A text that ended. token_ids: EOS included. log_prob: by the model's law. group: which found it."""

    token_ids: tuple[int, ...]
    text: bytes
    log_prob: float
    score: float
    group: int


@dataclass(frozen=True)
class _Live:
    state: ConstraintState
    log_prob: float
    row: int


class BeamSearch:
    """The best texts, by log-probability with length normalisation and coverage.

    n_beams: in all groups together. n_groups: divides it. length_penalty: 0, none; 1, nearly the mean of a
    token. coverage_penalty: 0, none; else the model must give attentions. diversity_penalty: with groups.
    predicate: what texts have to obey besides the grammar, or None.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        n_beams: int = 4,
        *,
        length_penalty: float = 0.0,
        coverage_penalty: float = 0.0,
        n_groups: int = 1,
        diversity_penalty: float = 0.0,
        predicate: Predicate | None = None,
    ) -> None:
        self.n_beams = checked_integer("n_beams", n_beams, least=1)
        self.n_groups = checked_integer("n_groups", n_groups, least=1, most=n_beams)
        if n_beams % n_groups:
            raise ArgumentValueError("n_groups must divide n_beams", got=n_groups)
        self.length_penalty = checked_number("length_penalty", length_penalty, least=0)
        self.coverage_penalty = checked_number("coverage_penalty", coverage_penalty, least=0)
        self.diversity_penalty = checked_number("diversity_penalty", diversity_penalty, least=0)
        if (n_groups > 1) != (diversity_penalty > 0):
            raise ArgumentValueError(
                "n_groups above 1 and diversity_penalty above 0 go together",
                got=(n_groups, diversity_penalty),
            )
        check_predicate(predicate)
        self.predicate = predicate

    def search(self, model: LanguageModel, constraint: Constraint) -> list[Beam]:
        """Up to `n_beams` texts, the best first; with groups up to n_beams / n_groups of each.

        Raises:
            SamplingError: every beam came to where nothing is allowed.
            ArgumentTypeError: coverage is asked for, and the model gives no attentions.
        """
        check_run(model, constraint)
        if self.coverage_penalty and not getattr(model, "keeps_coverage", False):
            raise ArgumentTypeError(
                "coverage_penalty needs a model with attentions",
                got=model,
                advice="use CausalLanguageModel(..., keeps_coverage=True)",
            )
        return _Search(self, model, constraint).run()

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """The best text, for `generate()`; its weight is 0, since nothing is drawn. Raises: as `search`."""
        model = CausalLanguageModel(
            task.model, task.prompt_ids, keeps_coverage=self.coverage_penalty > 0, **task.warping
        )
        constraint = open_constraint(task, self.predicate)
        beams = self.search(model, constraint)
        others = [
            {"text": beam.text.decode("utf-8", "surrogateescape"), "score": beam.score} for beam in beams
        ]
        return SampledText(
            list(beams[0].token_ids), 0.0, {"beams": others, "n_forward_passes": model.n_forward_passes}
        )

    def normalise(self, log_prob: float, n_tokens: int) -> float:
        """Log-probability by the length penalty."""
        return log_prob / ((5 + n_tokens) / 6) ** self.length_penalty


class _Search:
    def __init__(self, settings: BeamSearch, model: LanguageModel, constraint: Constraint) -> None:
        self._settings = settings
        self._width = settings.n_beams // settings.n_groups
        self._most = constraint.max_new_tokens
        self._rows = begin_rows(model, constraint)
        start = _Live(constraint.start(), 0.0, 0)
        self._groups: list[list[_Live]] = [[start] for _ in range(settings.n_groups)]
        self._ended: list[list[Beam]] = [[] for _ in range(settings.n_groups)]

    def run(self) -> list[Beam]:
        while any(self._groups):
            scores, coverage = self._scores()
            chosen: Counter[int] = Counter()
            parents: list[int] = []
            tokens: list[int] = []
            for number, live in enumerate(self._groups):
                kept = self._step(number, live, scores, coverage, chosen)
                self._groups[number] = []
                for beam, token_id, log_prob in kept:
                    self._groups[number].append(_Live(beam.state.after(token_id), log_prob, len(parents)))
                    parents.append(beam.row)
                    tokens.append(token_id)
                    chosen[token_id] += 1
            if parents:
                self._rows.advance(parents, tokens)
        found = [beam for ended in self._ended for beam in ended]
        if not found:
            raise SamplingError(
                "every beam came to where nothing is allowed that the model gives any probability",
                advice="take more beams, or lift truncation (top_k, top_p, min_p)",
            )
        return sorted(found, key=lambda beam: -beam.score)

    def _scores(self) -> tuple[Tensor, Tensor]:
        """Masked log-probabilities by row, and the coverage of each row."""
        states: dict[int, ConstraintState] = {beam.row: beam.state for live in self._groups for beam in live}
        n_rows = len(self._rows.log_probs)
        # Rows whose group has ended are not looked at; any state stands for them.
        spare = next(iter(states.values()))
        masked = mask_log_probs(self._rows.log_probs, [states.get(row, spare) for row in range(n_rows)])
        if not self._settings.coverage_penalty:
            return masked, torch.zeros(n_rows)
        seen = self._rows.coverage.clamp(min=_LEAST_ATTENTION, max=1)  # type: ignore[attr-defined]
        return masked, self._settings.coverage_penalty * seen.log().sum(-1)

    def _step(
        self,
        number: int,
        live: list[_Live],
        scores: Tensor,
        coverage: Tensor,
        chosen: Counter[int],
    ) -> list[tuple[_Live, int, float]]:
        """Continuations that a group keeps; those that end are set aside."""
        if not live:
            return []
        table = torch.stack([scores[beam.row].double() + beam.log_prob for beam in live])
        ranked = table.clone()
        for token_id, count in chosen.items():
            ranked[:, token_id] -= count * self._settings.diversity_penalty
        eos = live[0].state.constraint.eos_token_ids
        best = ranked.flatten().topk(min(ranked.numel(), self._width * (1 + len(eos))))
        kept: list[tuple[_Live, int, float]] = []
        candidates = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        for rank, (place, value) in enumerate(candidates):
            beam, token_id = live[place // table.shape[1]], place % table.shape[1]
            if value == -torch.inf or len(kept) == self._width:
                break
            log_prob = float(table[place // table.shape[1], token_id])
            if token_id in eos and rank < self._width:  # an end has to be among the best, like any token
                self._end(number, beam.state.after(token_id), log_prob, float(coverage[beam.row]))
            elif token_id not in eos:
                kept.append((beam, token_id, log_prob))
        return [entry for entry in kept if self._may_win(number, entry[2])]

    def _end(self, number: int, state: ConstraintState, log_prob: float, coverage: float) -> None:
        score = self._settings.normalise(log_prob, len(state.token_ids)) + coverage
        ended = self._ended[number]
        ended.append(Beam(state.token_ids, state.text, log_prob, score, number))
        ended.sort(key=lambda beam: -beam.score)
        del ended[self._width :]

    def _may_win(self, number: int, log_prob: float) -> bool:
        """Whether a live beam can still come to a score above the worst that is kept: its best is the longest
        text, without further loss.
        """
        ended = self._ended[number]
        return len(ended) < self._width or self._settings.normalise(log_prob, self._most) > ended[-1].score
