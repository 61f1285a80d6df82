"""`SequentialMonteCarlo` against enumeration: unbiased weights, a law that gets better, and planted bugs."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.samplers import sequential_monte_carlo as module
from tokentrellis.samplers.causal_model import CausalLanguageModel
from tokentrellis.samplers.constraint import Constraint
from tokentrellis.samplers.particles import Particles
from tokentrellis.samplers.rejection import AdaptiveRejectionSampler
from tokentrellis.samplers.sequential_monte_carlo import SequentialMonteCarlo
from tokentrellis.samplers.token_sampler import MaskSampler

from tests.samplers.markov import MOST, MarkovCase, WordPredicate, generator
from tests.samplers.statistics import floor_of_total_variation, standard_score, total_variation
from tests.tiny_models import tiny_model, tiny_tokenizer

CASE = MarkovCase(8)


def run_many(sampler: SequentialMonteCarlo, n_runs: int, constraint: Any = None) -> list[Particles]:
    random = generator(1)
    constraint = CASE.constraint() if constraint is None else constraint
    model = CASE.model()
    return [sampler.run(model, constraint, random) for _ in range(n_runs)]


def weights_of(runs: list[Particles]) -> list[float]:
    return [math.exp(run.log_evidence) for run in runs]


def averaged(runs: list[Particles]) -> dict[str, float]:
    """The law that the runs have together."""
    total: Counter[str] = Counter()
    for run in runs:
        for text, share in run.posterior.items():
            total[text] += share / len(runs)
    return dict(total)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 0.0},
        {"threshold": 1.0},
        {"threshold": 0.5, "resampling": "systematic"},
        {"threshold": 1.0, "resampling": "residual"},
        {"threshold": 1.0, "resampling": "multinomial"},
        {"proposal": MaskSampler()},
        {"proposal": AdaptiveRejectionSampler(estimator="two_loops")},
        {"critic": lambda text, is_complete: 0.7 * text.count("a") * (not is_complete)},
        # The same for all beginnings: what finished and unfinished particles weigh beside each other shows.
        {"critic": lambda text, is_complete: 1.0 * (not is_complete), "threshold": 1.0},
    ],
    ids=[
        *("never resampled", "always resampled", "systematic", "residual", "multinomial"),
        *("exact weights", "two loops", "critic", "critic of beginnings"),
    ],
)
def test_the_mean_weight_is_the_probability_of_the_constraint(options: dict[str, Any]) -> None:
    runs = run_many(SequentialMonteCarlo(8, **options), 120)
    assert abs(standard_score(weights_of(runs), CASE.evidence)) < 4.5
    # Every text, too: the estimate of P(text begins with this letter and is right).
    for letter in "abc":
        values = [
            sum(math.exp(p.log_weight) for p in run.particles if p.text[:1] == letter.encode()) / 8
            for run in runs
        ]
        wanted = sum(p for text, p in CASE.law.items() if text[0] == letter) * CASE.evidence
        assert abs(standard_score(values, wanted)) < 4.5


def test_a_predicate_that_sees_only_the_end() -> None:
    """Many particles die, the estimate is right all the same. The length limit is part of the target."""
    predicate = WordPredicate(CASE, prefix_is_known=False)
    constraint = Constraint(CASE.vocabulary, predicate=predicate, max_new_tokens=MOST)
    runs = run_many(SequentialMonteCarlo(16), 80, constraint)
    assert abs(standard_score(weights_of(runs), CASE.evidence)) < 4.5


def test_a_length_limit_restricts_the_target() -> None:
    runs = run_many(SequentialMonteCarlo(8), 120, Constraint(CASE.compiled, max_new_tokens=4))
    short = {text: p * CASE.evidence for text, p in CASE.law.items() if len(text) <= 3}
    assert abs(standard_score(weights_of(runs), sum(short.values()))) < 4.5
    assert all(len(particle.token_ids) <= 4 for run in runs for particle in run.particles)


def test_the_law_gets_better_with_particles() -> None:
    """Down to what independent exact draws give; AWRS's weights scatter, so it stays a little above."""
    floor = floor_of_total_variation(CASE.law, 256)
    for proposal, slack in ((MaskSampler(), 0.03), (AdaptiveRejectionSampler(), 0.06)):
        distances = []
        for n_particles, n_runs in ((1, 64), (4, 32), (16, 16), (256, 10)):
            runs = run_many(SequentialMonteCarlo(n_particles, proposal=proposal), n_runs)
            distances.append(np.mean([total_variation(run.posterior, CASE.law) for run in runs]))
        assert all(later < earlier + 0.03 for earlier, later in itertools.pairwise(distances))
        assert distances[-1] < floor + slack
        assert distances[0] > 0.9
        together = total_variation(averaged(runs), CASE.law)
        assert together < floor_of_total_variation(CASE.law, 10 * 256) + 0.03


def test_a_critic_at_the_end_belongs_to_the_target() -> None:
    runs = run_many(
        SequentialMonteCarlo(64, critic=lambda text, is_complete: math.log(1 + text.count("a"))), 60
    )
    wanted = sum(p * (1 + text.count("a")) for text, p in CASE.law.items()) * CASE.evidence
    assert abs(standard_score(weights_of(runs), wanted)) < 4.5


def test_a_critic_may_kill() -> None:
    sampler = SequentialMonteCarlo(8, critic=lambda text, is_complete: -math.inf if "a" in text else 0.0)
    for run in run_many(sampler, 20):
        assert all("a" not in text for text in run.posterior)


@pytest.mark.parametrize(
    ("score", "kind"),
    [
        (math.nan, tt.ArgumentValueError),
        (math.inf, tt.ArgumentValueError),
        (None, tt.ArgumentTypeError),
        ("x", tt.ArgumentTypeError),
    ],
)
def test_scores_must_be_numbers(score: Any, kind: type) -> None:
    with pytest.raises(kind, match="critic must return"):
        run_many(SequentialMonteCarlo(2, critic=lambda text, is_complete: score), 1)


def test_one_particle_is_masked_decoding() -> None:
    """And its weight is the product of the masses that the masks left."""
    run = run_many(SequentialMonteCarlo(1, proposal=MaskSampler()), 1)[0]
    state = CASE.constraint().start()
    weight = 0.0
    for token in run.particles[0].token_ids:
        law = CASE.rows[state.token_ids[-1] if state.token_ids else -1]
        weight += math.log(sum(law[i] for i in range(len(law)) if state.allows(i)))
        state = state.after(token)
    assert run.particles[0].log_weight == pytest.approx(weight)


def test_when_all_die() -> None:
    class Never:
        def prefix(self, text: str) -> bool:
            return True

        def complete(self, text: str) -> bool:
            return False

    constraint = Constraint(CASE.vocabulary, predicate=Never(), max_new_tokens=3)
    run = SequentialMonteCarlo(4).run(CASE.model(), constraint, generator())
    assert (run.log_evidence, run.ess, run.posterior) == (-math.inf, 0, {})
    with pytest.raises(tt.SamplingError, match="weight zero"):
        run.draw(generator())


def test_with_a_model_and_its_cache(tmp_path: Path) -> None:
    """Weights are those of a recomputation; equal texts are run once."""
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    compiled = tt.compile_grammar(tt.from_regex("[ab]{2}[0-9]{2}"), vocabulary)
    model = CausalLanguageModel(tiny_model(), tiny_tokenizer()("Ann")["input_ids"])
    sampler = SequentialMonteCarlo(12, proposal=MaskSampler(), threshold=1.0)
    run = sampler.run(model, Constraint(compiled, max_new_tokens=8), generator())
    fresh = CausalLanguageModel(tiny_model(), tiny_tokenizer()("Ann")["input_ids"])
    one = SequentialMonteCarlo(12, proposal=MaskSampler(), threshold=0.0)
    free = one.run(fresh, Constraint(compiled, max_new_tokens=8), generator())
    for particle in free.particles[:3]:
        weight = 0.0
        state = Constraint(compiled, max_new_tokens=8).start()
        for token in particle.token_ids:
            log_probs = fresh.begin([state.token_ids]).log_probs[0]
            weight += float(
                log_probs[[i for i in range(vocabulary.vocab_size) if state.allows(i)]].logsumexp(0)
            )
            state = state.after(token)
        assert particle.log_weight == pytest.approx(weight, abs=1e-4)
    assert run.rows_by_step[0] == 1
    assert max(run.rows_by_step) <= 12
    assert sum(run.posterior.values()) == pytest.approx(1)
    assert run.draw(generator()).text.decode() in run.posterior
    pytest.importorskip("matplotlib")
    run.plot(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"n_particles": 0}, tt.ArgumentValueError),
        ({"resampling": "none"}, tt.ArgumentValueError),
        ({"threshold": 1.5}, tt.ArgumentValueError),
        ({"proposal": 3}, tt.ArgumentTypeError),
        ({"critic": 3}, tt.ArgumentTypeError),
    ],
)
def test_wrong_options(options: dict[str, Any], kind: type) -> None:
    with pytest.raises(kind):
        SequentialMonteCarlo(**options)


# ---- planted bugs ---------------------------------------------------------------------------------------


def test_resampling_that_forgets_the_weights_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_ancestors", lambda weights, kind, random: list(range(len(weights))))
    runs = run_many(SequentialMonteCarlo(8, threshold=1.0), 150)
    letters = {
        letter: [
            sum(math.exp(p.log_weight) for p in run.particles if p.text[:1] == letter.encode()) / 8
            for run in runs
        ]
        for letter in "abcde"
    }
    law = {
        letter: sum(p for text, p in CASE.law.items() if text[0] == letter) * CASE.evidence
        for letter in letters
    }
    assert max(abs(standard_score(letters[x], law[x])) for x in letters if law[x]) > 4.5


def test_an_end_without_complete_is_caught() -> None:
    class SaysYes(WordPredicate):
        def complete(self, text: str) -> bool:
            return self.prefix(text)

    constraint = Constraint(CASE.vocabulary, predicate=SaysYes(CASE), max_new_tokens=MOST)
    runs = run_many(SequentialMonteCarlo(8), 120, constraint)
    assert abs(standard_score(weights_of(runs), CASE.evidence)) > 4.5
