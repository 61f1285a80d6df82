"""`MetropolisHastings`: chains come to the law by enumeration, from that of masked decoding; planted bugs."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.samplers import metropolis_hastings as module
from tokentrellis.samplers.constraint import Constraint
from tokentrellis.samplers.metropolis_hastings import MetropolisHastings

from tests.samplers.markov import MOST, MarkovCase, WordPredicate, generator
from tests.samplers.statistics import chi_square

CASE = MarkovCase(8)
MODEL, CONSTRAINT = CASE.model(), CASE.constraint()


def run(sampler: MetropolisHastings, n: int = 200, constraint: Constraint = CONSTRAINT) -> Counter[str]:
    draws = sampler.samples(MODEL, constraint, n, generator(1))
    return Counter(draw.text.decode() for draw in draws)


@pytest.mark.parametrize(("cut", "n_steps"), [("restart", 10), ("prefix", 20), ("priority", 20)])
def test_the_law_is_right_in_the_end(cut: str, n_steps: int) -> None:
    sampler = MetropolisHastings(cut, n_steps=n_steps, batch_size=300)
    assert chi_square(run(sampler), CASE.law) > 1e-3
    assert 0.2 < sampler.report.acceptance < 1
    assert sampler.report.n_proposals == 200 * n_steps


def test_without_steps_it_is_masked_decoding() -> None:
    assert chi_square(run(MetropolisHastings(n_steps=0, batch_size=300)), CASE.law) < 1e-6


def test_a_predicate_is_obeyed() -> None:
    grammar = tt.compile_grammar(tt.from_regex(r"[a-e]{1,5}"), CASE.vocabulary)
    predicate = WordPredicate(CASE, prefix_is_known=False)
    constraint = Constraint(grammar, predicate=predicate, max_new_tokens=MOST)
    sampler = MetropolisHastings("restart", n_steps=30, batch_size=100, max_attempts=10**6)
    assert chi_square(run(sampler, 100, constraint), CASE.law) > 1e-3


def test_the_rest_alone_is_run() -> None:
    passes = {}
    for cut in ("restart", "prefix"):
        sampler = MetropolisHastings(cut, n_steps=10, batch_size=50)
        run(sampler, 50)
        passes[cut] = sampler.report.n_row_passes
        assert sampler.report.n_forward_passes <= 11 * (MOST + 1)
    assert passes["prefix"] < 0.8 * passes["restart"]


def test_errors() -> None:
    class Never:
        def prefix(self, text: str) -> bool:
            return False

        complete = prefix

    constraint = Constraint(CASE.compiled, predicate=Never(), max_new_tokens=MOST)
    with pytest.raises(tt.SamplingError, match="obeyed the predicate"):
        run(MetropolisHastings(max_attempts=20), 1, constraint)
    for wrong in ({"cut": "middle"}, {"n_steps": -1}, {"batch_size": 0}):
        with pytest.raises(tt.ArgumentValueError):
            MetropolisHastings(**wrong)


def test_texts_that_truncation_leaves_no_end_are_not_taken() -> None:
    """After "b" nothing is allowed that has any probability: such proposals are refused, and the law is that
    of the truncated model."""
    vocabulary = tt.Vocabulary([b"a", b"b", b"c", b""], eos_token_ids=[3])
    rows = {0: [0.4, 0.3, 0.0, 0.3], 1: [0.0, 0.0, 1.0, 0.0]}
    model = tt.FunctionModel(lambda prefix: np.log(rows[prefix[-1] if prefix else 0]).tolist(), vocab_size=4)
    constraint = Constraint(tt.compile_grammar(tt.from_regex("[ab]{0,3}"), vocabulary), max_new_tokens=4)
    law = {"a" * n: 0.3 * 0.4**n for n in range(4)}
    total = sum(law.values())
    with np.errstate(divide="ignore"):
        for cut in ("restart", "prefix", "priority"):
            sampler = MetropolisHastings(cut, n_steps=25, batch_size=300)
            found = Counter(
                draw.text.decode() for draw in sampler.samples(model, constraint, 300, generator(2))
            )
            assert chi_square(found, {text: p / total for text, p in law.items()}) > 1e-3
        dead = tt.FunctionModel(lambda prefix: [-math.inf] * 4, vocab_size=4)
        with pytest.raises(tt.SamplingError, match="begin with"):
            list(sampler.samples(dead, constraint, 1, generator()))


@pytest.mark.parametrize("planted", ["the length is forgotten", "everything is taken"])
def test_planted_bugs_are_caught(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_the_cut(self: Any, old: Any, new: Any, cut: int) -> float:
        return math.fsum(new.log_masses[cut:]) - math.fsum(old.log_masses[cut:])

    wrong = without_the_cut if planted == "the length is forgotten" else lambda *arguments: 0.0
    monkeypatch.setattr(module.MetropolisHastings, "_log_ratio", wrong)
    assert chi_square(run(MetropolisHastings("prefix", n_steps=10, batch_size=500), 500), CASE.law) < 1e-3
