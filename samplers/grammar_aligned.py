"""Grammar-aligned decoding on a trie of bounds: a model and a constraint in, texts of the constrained model
out.

Texts are drawn in proportion to p(t | u) theta(ut) where the trie (`trie.py`) knows the prefix u. They differ
in what happens at a prefix that is new:

- "cars": the model draws freely; an illegal token rejects the whole text, and the trie has learnt. Accepted
  texts are exactly distributed as the model given the constraint, and independent, from the first one on: a
  text y is proposed with probability p(y) / theta(root) whatever the trie knows. The acceptance,
  P(constraint) / theta(root), never falls. "Constrained Adaptive Rejection Sampling", arXiv 2510.01902
  (2025).
- "asap": the model draws among the allowed tokens, so that every text is accepted; the law begins as that of
  masked decoding and approaches the right one as the bounds do. Park et al., "Grammar-Aligned Decoding"
  (2024). Its draws are properly weighted here, which corrects any average over them from the first one on.

A batch of texts is drawn from the trie as it stands, then all of them teach it. The laws of known prefixes
are in the trie: the model is run only from where a text leaves it, which the published programs do not do.
EOS is a token like others, and a text that was cut off by the length limit is no text: with one token left
only EOS may come, and is charged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_instance, checked_integer
from ..decoding.errors import SamplingError
from ..decoding.sampling import SampledText, SamplingTask
from .constraint import Constraint, ConstraintState, Predicate, allowed_by_grammar, check_predicate
from .language_model import LanguageModel
from .particles import Particle
from .random_draws import draw_categorical, draw_uniforms
from .tasks import begin_rows, check_run, close_task, open_task
from .trie import ROOT, Trie
from .trie_check import check_trie

METHODS = ("cars", "asap")
MOST_TRIES = 16


@dataclass
class AlignedReport:
    """What the draws of one trie cost, and what they found.

    n_attempts, n_accepted: texts that were begun, and those that were returned or could have been.
    n_tokens: tokens drawn, of rejected texts too: the passes of a program that runs the model for each of
    them. n_forward_passes, n_row_passes: of the model; the second counts each row of a batch.
    bound: theta(root), an upper bound on the probability of the constraint.
    evidence: an estimate of it, unbiased where the number of attempts did not depend on what was found.
    """

    n_attempts: int = 0
    n_accepted: int = 0
    n_tokens: int = 0
    n_forward_passes: int = 0
    n_row_passes: int = 0
    bound: float = 1.0
    weight_sum: float = 0.0

    @property
    def acceptance(self) -> float:
        """Share of the attempts that were accepted."""
        return self.n_accepted / max(1, self.n_attempts)

    @property
    def evidence(self) -> float:
        """The mean weight of an attempt: estimates the probability that the model writes a right text."""
        return self.weight_sum / max(1, self.n_attempts)


@dataclass
class _Learnt:
    """One model and prompt with one constraint. lock: while texts are drawn from the trie it must not
    change."""

    trie: Trie
    report: AlignedReport = field(default_factory=AlignedReport)
    lock: Lock = field(default_factory=Lock)


@dataclass
class _Walk:
    """A text on its way. parent: the node of its prefix without the last token; None: it has none."""

    state: ConstraintState
    log_weight: float
    parent: int | None = None
    is_over: bool = False
    is_accepted: bool = False


class GrammarAlignedSampler:
    """Draws from the model given the constraint, and learns from every draw.

    method: one of `METHODS`. predicate: what texts have to obey besides the grammar, or None.
    batch_size: texts that are drawn side by side.
    max_attempts: so many texts may fail in a row before a draw is given up.
    max_bytes: memory of one trie. One is kept for each of the last `MOST_TRIES` models, prompts and
        constraints; pass a `CompiledGrammar` to `generate()`, since one that it compiles itself is
        another one each time.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        method: str = "cars",
        *,
        predicate: Predicate | None = None,
        batch_size: int = 8,
        max_attempts: int = 10_000,
        max_bytes: int = 2**30,
    ) -> None:
        self.method = checked_choice("method", method, METHODS)
        check_predicate(predicate)
        self.predicate = predicate
        self.batch_size = checked_integer("batch_size", batch_size, least=1)
        self.max_attempts = checked_integer("max_attempts", max_attempts, least=1)
        self.max_bytes = checked_integer("max_bytes", max_bytes, least=1)
        self._learnt: dict[Any, _Learnt] = {}

    def samples(
        self, model: LanguageModel, constraint: Constraint, n: int, generator: torch.Generator
    ) -> Iterator[Particle]:
        """n texts, each as soon as its batch is done; log-weights are 0 for "cars", whose draws are exact.

        Raises:
            SamplingError: `max_attempts` failed in a row, or the trie has learnt that nothing can succeed.
        """
        n = checked_integer("n", n, least=0)
        check_run(model, constraint, generator)
        n_left, n_failed = n, 0
        while n_left:
            accepted = self.draw_batch(model, constraint, generator)
            n_failed = 0 if accepted else n_failed + self.batch_size
            if n_failed >= self.max_attempts:
                raise SamplingError(
                    f"{n_failed} texts in a row were rejected; the constraint has at most the probability "
                    f"{self.trie(model, constraint).bound:.3g}",
                    advice="raise max_attempts, ask for it in the prompt, or take "
                    + (
                        "method='asap'"
                        if self.method == "cars"
                        else "a predicate whose prefix() says no earlier"
                    )
                    + " or SequentialMonteCarlo",
                )
            # In the order in which they were begun: those that end first are the short ones.
            yield from accepted[:n_left]
            n_left -= len(accepted[:n_left])

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """One text, for `generate()`; what was learnt stays with the sampler. Raises: as `samples`."""
        return self.draw_several(task, 1, generator)[0]

    def draw_several(self, task: SamplingTask, n: int, generator: torch.Generator) -> list[SampledText]:
        """n texts; none of a batch is lost but of the last one. Raises: as `samples`."""
        model, constraint = open_task(task, self.predicate)
        particles = list(self.samples(model, constraint, n, generator))
        report = self.report(model, constraint)
        details = {"acceptance": report.acceptance, "bound": report.bound, "evidence": report.evidence}
        return [
            close_task(particle, model, constraint, n_attempts=report.n_attempts, **details)
            for particle in particles
        ]

    def trie(self, model: LanguageModel, constraint: Constraint) -> Trie:
        """What was learnt for these; may be saved, and replaced by `use_trie`."""
        return self._of(model, constraint).trie

    def use_trie(self, model: LanguageModel, constraint: Constraint, trie: Trie) -> None:
        """Go on with a trie that was learnt with the same model, prompt, constraint and temperature.

        Raises:
            ArgumentValueError: the laws along the likeliest text of the trie are other ones.
        """
        check_run(model, constraint)
        checked_instance("trie", trie, Trie, "a Trie")
        check_trie(trie, model, constraint)
        self._learnt[model.identity, constraint.identity] = _Learnt(trie, AlignedReport(bound=trie.bound))

    def report(self, model: LanguageModel, constraint: Constraint) -> AlignedReport:
        """Acceptance, forward passes and the remaining bound so far."""
        return self._of(model, constraint).report

    def _of(self, model: LanguageModel, constraint: Constraint) -> _Learnt:
        key = (model.identity, constraint.identity)
        learnt = self._learnt.pop(key, None)
        if learnt is None:
            learnt = _Learnt(Trie(max_bytes=self.max_bytes))
            while len(self._learnt) >= MOST_TRIES:
                del self._learnt[next(iter(self._learnt))]
        self._learnt[key] = learnt  # at the end: those that were not used for longest go first
        return learnt

    def draw_batch(
        self, model: LanguageModel, constraint: Constraint, generator: torch.Generator
    ) -> list[Particle]:
        """The accepted ones of `batch_size` texts that are drawn from the trie as it stands.

        Raises:
            SamplingError: the bound is zero.
        """
        learnt = self._of(model, constraint)
        with learnt.lock:
            return self._draw_batch(learnt, model, constraint, generator)

    def _draw_batch(
        self, learnt: _Learnt, model: LanguageModel, constraint: Constraint, generator: torch.Generator
    ) -> list[Particle]:
        before = model.n_forward_passes, model.n_row_passes
        round_ = _Round(self.method, learnt.trie, model, constraint, generator)
        walks = round_.run(self.batch_size)
        report = learnt.report
        report.n_attempts += len(walks)
        report.n_tokens += sum(len(walk.state.token_ids) + (not walk.is_accepted) for walk in walks)
        report.n_forward_passes += model.n_forward_passes - before[0]
        report.n_row_passes += model.n_row_passes - before[1]
        accepted = [walk for walk in walks if walk.is_accepted]
        report.n_accepted += len(accepted)
        report.weight_sum += sum(math.exp(walk.log_weight) for walk in accepted)
        report.bound = learnt.trie.bound
        return [
            Particle(walk.state.token_ids, walk.state.text, 0.0 if self.method == "cars" else walk.log_weight)
            for walk in accepted
        ]


class _Round:
    """One batch: walks through the trie as it stands, then through the model, then what they teach."""

    def __init__(
        self,
        method: str,
        trie: Trie,
        model: LanguageModel,
        constraint: Constraint,
        generator: torch.Generator,
    ) -> None:
        self._is_free = method == "cars"
        self._trie = trie
        self._model = model
        self._start = constraint.start()
        self._generator = generator
        self._seen: list[int] = []
        self._refused: list[tuple[int, int]] = []  # (node, token) to which the predicate said no

    def run(self, batch_size: int) -> list[_Walk]:
        trie = self._trie
        if not trie.nodes:
            self._add([_Walk(self._start, 0.0)], begin_rows(self._model, self._start.constraint).log_probs)
        if trie.bound <= 0:
            raise SamplingError(
                "the model gives no probability to any text that the constraint allows",
                advice="give it a prompt that asks for one, or lift truncation (top_k, top_p, min_p)",
            )
        walks = [_Walk(self._start, math.log(trie.bound)) for _ in range(batch_size)]
        uniforms = self._uniforms()
        try:
            for walk in walks:
                self._follow_trie(walk, uniforms)
            self._follow_model([walk for walk in walks if not walk.is_over])
        finally:
            # Whatever a predicate or the model raised: bounds that do not fit together make a wrong law.
            for node, token_id in self._refused:
                trie.forbid(node, token_id)
            trie.back_up([*self._seen, *(node for node, _ in self._refused)])
        return walks

    def _follow_trie(self, walk: _Walk, uniforms: Iterator[float]) -> None:
        """Draw by the bounds until the text ends, or comes to a prefix that is not in the trie."""
        node: int | None = ROOT if self._trie.nodes else None
        while node is not None and not walk.is_over:
            entry = self._trie.nodes[node]
            cumulative = (entry.probs * entry.bounds).cumsum()
            # Below the total, and so never at a token without a share of it.
            target = min(next(uniforms) * cumulative[-1], np.nextafter(cumulative[-1], 0))
            token_id = int(entry.tokens[np.searchsorted(cumulative, target, side="right")])
            self._write(walk, token_id, node)
            node = entry.children.get(token_id)

    def _follow_model(self, walks: list[_Walk]) -> None:
        """From prefixes that are new; each becomes a node. Equal prefixes are one row of the model."""
        if not walks:
            return
        groups = _by_prefix(walks)
        rows = begin_rows(self._model, self._start.constraint, list(groups))
        while groups:
            first = [group[0] for group in groups.values()]
            allowed, nodes = self._add(first, rows.log_probs)
            going_on = [(walk, row) for row, group in enumerate(groups.values()) for walk in group]
            live, parents = [], {}
            tokens = self._draw(going_on, rows.log_probs, allowed)
            for (walk, row), token_id in zip(going_on, tokens, strict=True):
                if token_id is None:
                    walk.is_over = True
                    continue
                self._write(walk, token_id, nodes[row])
                if not walk.is_over:
                    live.append(walk)
                    parents[walk.state.token_ids] = row
            groups = _by_prefix(live)
            if groups:
                rows.advance([parents[prefix] for prefix in groups], [prefix[-1] for prefix in groups])

    def _add(self, walks: list[_Walk], log_probs: Tensor) -> tuple[Tensor, list[int | None]]:
        """Make nodes of the walks' prefixes. Returns what the grammar allows, bool [walks, logits], and
        them."""
        allowed = allowed_by_grammar([walk.state for walk in walks], log_probs.shape[1])
        probs = log_probs.double().exp().cpu()
        nodes: list[int | None] = []
        for walk, is_allowed, law in zip(walks, allowed, probs, strict=True):
            written = walk.state.token_ids
            node = None
            if walk.parent is not None or not written:
                tokens = is_allowed.nonzero().squeeze(1)
                node = self._trie.add(walk.parent, written[-1] if written else 0, tokens, law[tokens])
            if node is not None:
                self._seen.append(node)
            nodes.append(node)
        return allowed.to(log_probs.device), nodes

    def _draw(self, walks: list[tuple[_Walk, int]], log_probs: Tensor, allowed: Tensor) -> list[int | None]:
        """A token for each walk, by the law of its row; None: it was illegal, or there is none."""
        rows = [row for _, row in walks]
        if not self._is_free:
            log_probs = log_probs.masked_fill(~allowed, -torch.inf)
            masses = log_probs.double().logsumexp(-1).tolist()
            for walk, row in walks:
                walk.log_weight += masses[row]
        drawn = draw_categorical(log_probs, rows, 1, self._generator).squeeze(1)
        # Where nothing has any probability, any token comes.
        is_legal = (allowed[rows, drawn] & (log_probs[rows, drawn] > -torch.inf)).tolist()
        return [token if legal else None for token, legal in zip(drawn.tolist(), is_legal, strict=True)]

    def _write(self, walk: _Walk, token_id: int, node: int | None) -> None:
        """Go on by a token that the grammar allows, if the predicate does too. node: of the prefix before."""
        if not walk.state.predicate_allows(token_id):
            walk.is_over = True
            if node is not None:
                self._refused.append((node, token_id))
            return
        walk.state = walk.state.after(token_id)
        walk.parent = node
        walk.is_over = walk.is_accepted = walk.state.is_finished

    def _uniforms(self) -> Iterator[float]:
        while True:
            yield from draw_uniforms(self._generator, 64).tolist()


def _by_prefix(walks: list[_Walk]) -> dict[tuple[int, ...], list[_Walk]]:
    groups: dict[tuple[int, ...], list[_Walk]] = {}
    for walk in walks:
        groups.setdefault(walk.state.token_ids, []).append(walk)
    return groups
