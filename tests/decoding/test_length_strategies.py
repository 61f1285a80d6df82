"""The four zero-shot strategies with writers of known bias: what is learnt, what comes out, the cost."""

from __future__ import annotations

from typing import Any

import pytest
import tokentrellis as tt

from tests.decoding.scripted_writers import biased, halving, noisy, sentences_of, words
from tests.tiny_models import tiny_model, tiny_tokenizer

TARGETS = [20, 40, 60, 80]


def test_a_plain_request() -> None:
    outcome = tt.control_length(biased(1), "Tides?", 50)
    assert (outcome.length, outcome.complies, outcome.target) == (50, True, 50)
    (step,) = outcome.steps
    assert (step.asked, step.text, step.revision) == ("50 words", outcome.text, 0)
    assert outcome.cost == tt.CallCost(1, None, None)  # a text alone does not tell its tokens


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0), (1.3, 0), (0.8, 10), (2, -15)])
def test_adjustment_removes_the_bias(slope: float, intercept: float) -> None:
    writer = biased(slope, intercept)
    adjustment = tt.LengthAdjustment.fit(tt.observe_lengths(writer, ["a", "b"], TARGETS))
    assert adjustment.slope == pytest.approx(slope, abs=0.01)
    assert adjustment.intercept == pytest.approx(intercept, abs=0.5)
    assert adjustment.cost.n_calls == 8
    for target in (25, 50, 75):
        without = tt.control_length(writer, "c", target, tolerance=0)
        corrected = tt.control_length(writer, "c", target, tolerance=0, adjustment=adjustment)
        assert abs(corrected.length - target) <= slope / 2 + 0.5  # a whole number is asked for
        assert abs(without.length - target) >= 5 or slope * target + intercept == target


def test_approximation_asks_in_the_measure_that_is_obeyed() -> None:
    writer = sentences_of(8)
    observed = tt.observe_lengths(writer, ["a"], [2, 4, 6], measure="sentences")
    approximation = tt.LengthApproximation.fit(observed, measure="words", guide="sentences")
    assert approximation.ratio == pytest.approx(1 / 8)
    assert approximation.cost.n_calls == 3
    assert tt.control_length(writer, "c", 40).length == 16
    outcome = tt.control_length(writer, "c", 40, tolerance=0, approximation=approximation)
    assert (outcome.length, outcome.steps[0].asked) == (40, "5 sentences")


def test_filtering_keeps_the_nearest_and_stops_when_one_complies() -> None:
    writer = noisy(10)
    outcome = tt.control_length(writer, "c", 50, tolerance=0, n_samples=6, seed=100)
    lengths = [step.length for step in outcome.steps]
    assert lengths == [len(writer("Write 50 words", seed=100 + i).text.split()) for i in range(len(lengths))]
    assert abs(outcome.length - 50) == min(abs(length - 50) for length in lengths)
    assert len(lengths) == 6 or lengths[-1] == 50
    assert 50 not in lengths[:-1]
    assert outcome.cost == tt.CallCost(len(lengths), 7 * len(lengths), sum(lengths))
    assert tt.control_length(writer, "c", 50, tolerance=0, n_samples=6, seed=100) == outcome
    errors = [
        sum(
            abs(tt.control_length(writer, "c", 50, n_samples=n, tolerance=0, seed=s).length - 50)
            for s in range(50)
        )
        for n in (1, 2, 4, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 3


def test_revision_converges() -> None:
    outcome = tt.control_length(halving(100), "c", 50, tolerance=0, max_revisions=10)
    assert [step.length for step in outcome.steps] == [100, 75, 62, 56, 53, 51, 50]
    assert [step.revision for step in outcome.steps] == list(range(7))
    assert outcome.complies
    short = tt.control_length(halving(100), "c", 50, tolerance=0, max_revisions=2)
    assert (short.length, short.complies, len(short.steps)) == (62, False, 3)


def test_a_rewrite_that_is_worse_is_not_taken() -> None:
    texts = iter([words(40), words(90), words(30)])
    outcome = tt.control_length(lambda prompt: next(texts), "c", 50, max_revisions=2)
    assert (outcome.length, len(outcome.steps)) == (40, 3)


def test_all_four_together_and_their_cost() -> None:
    prompts: list[str] = []
    lengths = iter([30, 35, 44, 41, 50])

    def writer(prompt: str) -> tt.Response:
        prompts.append(prompt)
        n = next(lengths)
        return tt.Response(words(n), 10, n)

    outcome = tt.control_length(
        writer,
        "Tides?",
        50,
        tolerance=0,
        approximation=tt.LengthApproximation("words", "sentences", 0.1),
        adjustment=tt.LengthAdjustment("sentences", 0.5, 1),
        n_samples=2,
        max_revisions=3,
    )
    assert [step.asked for step in outcome.steps] == ["8 sentences"] * 2 + ["50 words"] * 3
    assert "Write 8 sentences" in prompts[0]
    assert prompts[0] == prompts[1]
    assert "has 35 words; it should have 50 words" in prompts[2]
    assert "longer" in prompts[2]
    assert "has 44 words" in prompts[4]
    assert outcome.complies
    assert outcome.cost == tt.CallCost(5, 50, 200)
    assert outcome.cost_by_strategy == {
        "request": tt.CallCost(1, 10, 30),
        "sample filtering": tt.CallCost(2, 20, 76),
        "automated revision": tt.CallCost(2, 20, 94),
    }


def test_tokens_are_counted_where_the_writer_does_not() -> None:
    outcome = tt.control_length(
        biased(1), "Tides?", 5, tokenizer=str.split, request="{prompt} Write {length}"
    )
    assert outcome.cost == tt.CallCost(1, 4, 5)


@pytest.mark.parametrize("measure", ["words", "characters", "sentences", "items"])
def test_a_model(measure: str) -> None:
    writer = tt.ModelWriter(tiny_model(), tiny_tokenizer(), max_new_tokens=12)
    outcome = tt.control_length(writer, "Ann", 5, measure=measure, n_samples=3, max_revisions=1, seed=4)
    assert outcome == tt.control_length(
        writer, "Ann", 5, measure=measure, n_samples=3, max_revisions=1, seed=4
    )
    assert outcome.cost.n_tokens is not None
    assert 0 < outcome.cost.n_tokens <= 12 * outcome.cost.n_calls <= 12 * 6
    assert outcome.length == tt.LengthMeasure(measure).count(outcome.text)


def test_braces_in_texts_are_left_alone() -> None:
    outcome = tt.control_length(lambda prompt: "{x}" + prompt[:3], "{a} {length}", 9, max_revisions=1)
    assert outcome.text == "{x}{a}"


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(tt.ArgumentValueError, match="two different"):
        tt.LengthAdjustment.fit(tt.observe_lengths(biased(1), ["a"], [20, 20]))
    with pytest.raises(tt.ArgumentValueError, match="does not follow"):
        tt.LengthAdjustment.fit(tt.observe_lengths(lambda prompt: "x", ["a"], TARGETS))
    with pytest.raises(tt.ArgumentValueError, match="sentences"):
        tt.LengthApproximation.fit(["..."], measure="words", guide="sentences")


def test_measures_must_fit_together() -> None:
    adjustment = tt.LengthAdjustment("characters", 1.0)
    approximation = tt.LengthApproximation("characters", "words", 0.2)
    with pytest.raises(tt.ArgumentValueError, match="adjustment"):
        tt.control_length(biased(1), "c", 5, adjustment=adjustment)
    with pytest.raises(tt.ArgumentValueError, match="approximation"):
        tt.control_length(biased(1), "c", 5, approximation=approximation)


@pytest.mark.parametrize("template", ["{prompt}", "{prompt} {length} {x}", "{prompt", "{} {length}", 3])
def test_templates_are_checked(template: Any) -> None:
    with pytest.raises(tt.ConstraintError, match="request"):
        tt.control_length(biased(1), "c", 5, request=template)


def test_wrong_writers_are_refused() -> None:
    for wrong in (None, "model", 3, tt.Response, tiny_model()):
        with pytest.raises(tt.ConstraintError, match="writer"):
            tt.control_length(wrong, "c", 5)  # type: ignore[arg-type]
    with pytest.raises(tt.ArgumentTypeError, match="writer"):
        tt.control_length(lambda prompt: 3, "c", 5)  # type: ignore[arg-type,return-value]
