"""Beam search against enumeration of all texts and their scores; best of n."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tokentrellis as tt
import torch

from tests.samplers.markov import MarkovCase, WordPredicate
from tests.tiny_models import random_model, tiny_model, tiny_tokenizer

CASE = MarkovCase(8)
MODEL, CONSTRAINT = CASE.model(), CASE.constraint()


def scores(length_penalty: float) -> dict[str, float]:
    return {
        CASE.spell(word): math.log(CASE.probability(word)) / ((6 + len(word)) / 6) ** length_penalty
        for word in CASE.words
    }


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
def test_wide_beams_find_the_best_texts(length_penalty: float) -> None:
    wanted = sorted(scores(length_penalty).items(), key=lambda item: -item[1])
    beams = tt.BeamSearch(300, length_penalty=length_penalty).search(MODEL, CONSTRAINT)
    assert len(beams) == len(CASE.words)
    assert [beam.score for beam in beams[:20]] == pytest.approx([score for _, score in wanted[:20]])
    assert beams[0].text.decode() == wanted[0][0]
    narrow = tt.BeamSearch(8, length_penalty=length_penalty).search(MODEL, CONSTRAINT)
    assert len(narrow) == 8
    assert all(beam.score == pytest.approx(scores(length_penalty)[beam.text.decode()]) for beam in narrow)
    assert narrow[0].score <= wanted[0][1] + 1e-9


def test_one_beam_is_greedy() -> None:
    state = CONSTRAINT.start()
    while not state.is_finished:
        law = CASE.rows[state.token_ids[-1] if state.token_ids else -1]
        state = state.after(max((i for i in range(len(law)) if state.allows(i)), key=lambda i: law[i]))
    assert [beam.text for beam in tt.BeamSearch(1).search(MODEL, CONSTRAINT)] == [state.text]


def test_a_predicate_is_obeyed() -> None:
    predicate = WordPredicate(CASE)
    constraint = tt.Constraint(CASE.vocabulary, predicate=predicate, max_new_tokens=6)
    found = tt.BeamSearch(300, predicate=predicate).search(MODEL, constraint)
    assert {beam.text.decode() for beam in found} == set(scores(0))


def test_groups_differ() -> None:
    plain = tt.BeamSearch(4).search(MODEL, CONSTRAINT)
    groups = tt.BeamSearch(4, n_groups=4, diversity_penalty=5.0).search(MODEL, CONSTRAINT)
    assert sorted(beam.group for beam in groups) == [0, 1, 2, 3]
    firsts = {beam.text[:1] for beam in groups}
    assert len(firsts) == len({word[0] for word in CASE.words}) > len({beam.text[:1] for beam in plain})
    for beam in groups:
        word = beam.token_ids[:-1]
        assert beam.log_prob == pytest.approx(math.log(CASE.probability(word)))


def test_coverage() -> None:
    """Scores are those of the attentions of one pass over prompt and text."""
    model = random_model("llama", attn_implementation="eager")
    prompt = tiny_tokenizer()("Ann Lee")["input_ids"]
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    compiled = tt.compile_grammar(tt.from_choices(["red", "green", "blue"]), vocabulary)
    constraint = tt.Constraint(compiled, max_new_tokens=8)
    law = tt.CausalLanguageModel(model, prompt, keeps_coverage=True)
    beams = tt.BeamSearch(4, coverage_penalty=0.3, length_penalty=0.5).search(law, constraint)
    for beam in beams:
        written = list(beam.token_ids[:-1])
        with torch.no_grad():
            attentions = model(torch.tensor([prompt + written]), output_attentions=True).attentions
        mean = torch.stack([layer[0].mean(0) for layer in attentions]).mean(0)
        covered = mean[len(prompt) :, : len(prompt)].sum(0).clamp(max=1)
        wanted = beam.log_prob / ((5 + len(beam.token_ids)) / 6) ** 0.5 + 0.3 * float(covered.log().sum())
        assert beam.score == pytest.approx(wanted, abs=1e-4)
    with pytest.raises(tt.ArgumentTypeError, match="attentions"):
        tt.BeamSearch(coverage_penalty=1.0).search(MODEL, CONSTRAINT)
    with pytest.raises(tt.ArgumentTypeError, match="eager"):
        tt.CausalLanguageModel(tiny_model(), prompt, keeps_coverage=True).begin()


def test_in_generate() -> None:
    def run(sampler: Any) -> Any:
        return tt.generate(
            tiny_model(),
            tiny_tokenizer(),
            "Ann",
            grammar={"enum": ["red", "green", 12]},
            sampler=sampler,
            seed=1,
        )

    best = run(tt.BeamSearch(16))
    assert best.log_weight == 0
    assert best.log_prob == pytest.approx(best.stats.sampler["beams"][0]["score"], abs=1e-3)
    drawn = run(tt.BestOf(4, tt.MaskSampler()))
    assert drawn.log_prob == pytest.approx(max(drawn.stats.sampler["scores"]), abs=1e-3)
    assert drawn.log_prob <= best.log_prob + 1e-3
    longest = run(tt.BestOf(6, tt.MaskSampler(), score=len))
    assert len(longest.text) == max(longest.stats.sampler["scores"])


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: tt.BeamSearch(0), tt.ArgumentValueError),
        (lambda: tt.BeamSearch(4, n_groups=3, diversity_penalty=1.0), tt.ArgumentValueError),
        (lambda: tt.BeamSearch(4, n_groups=2), tt.ArgumentValueError),
        (lambda: tt.BeamSearch(4, length_penalty=-1.0), tt.ArgumentValueError),
        (lambda: tt.BestOf(0, tt.MaskSampler()), tt.ArgumentValueError),
        (lambda: tt.BestOf(2, 3), tt.ArgumentTypeError),
    ],
)
def test_wrong_options(make: Any, kind: type) -> None:
    with pytest.raises(kind):
        make()


def test_no_way_out_is_an_error() -> None:
    class Never:
        def prefix(self, text: str) -> bool:
            return False

        complete = prefix

    constraint = tt.Constraint(CASE.vocabulary, predicate=Never(), max_new_tokens=3)
    with pytest.raises(tt.SamplingError):
        tt.BeamSearch(2).search(MODEL, constraint)
