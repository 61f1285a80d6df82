"""Statistics of response lengths: figures against numpy, degeneration, budgets, saving, and a tiny model."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.decoding.response_lengths import PERCENTILES, repeats_itself

from tests.tiny_models import tiny_model, tiny_tokenizer


def scripted(lengths: list[int], limit: int = 10**9) -> tt.ResponseLengths:
    """Statistics of responses with these lengths; the ids are all different."""
    left = iter(lengths)

    def write(prompt: str) -> tt.Response:
        n = next(left)
        return tt.Response(f"text {n}", 1, min(n, limit), n <= limit, tuple(range(min(n, limit))))

    return tt.measure_responses(write, ["a"], n_samples=len(lengths))


def test_figures_are_those_of_numpy() -> None:
    source = random.Random(1)
    lengths = [source.randint(1, 500) for _ in range(40)]
    left = iter(lengths)
    measured = tt.measure_responses(
        lambda prompt: tt.Response("x", 1, next(left)), ["a", "b", "c", "d"], n_samples=10
    )
    for summary, values in (
        (measured.summary(), lengths),
        (measured.prompts[1].summary(), lengths[10:20]),
        (measured.summary(without_degenerate=True), lengths),
    ):
        assert summary.n_responses == len(values)
        assert summary.mean == pytest.approx(np.mean(values))
        assert summary.deviation == pytest.approx(np.std(values, ddof=1))
        assert (summary.shortest, summary.longest) == (min(values), max(values))
        assert list(summary.percentiles) == list(PERCENTILES)
        assert list(summary.percentiles.values()) == pytest.approx(np.percentile(values, PERCENTILES))


def test_known_figures() -> None:
    summary = scripted([2, 4, 4, 4, 5, 5, 7, 9]).summary()
    assert (summary.mean, summary.percentiles[50]) == (5, 4.5)
    assert summary.deviation == pytest.approx(math.sqrt(32 / 7))
    assert scripted([3]).summary().deviation == 0


def test_repetition() -> None:
    start = list(range(50))
    assert repeats_itself([*start, *[1, 2, 3] * 8])
    assert repeats_itself([*start, *([7] * 24)])
    assert repeats_itself([*start, *[*range(40)] * 4])
    assert repeats_itself([9, *[1, 2, 3, 4, 5] * 5, 1, 2])  # cut within a piece
    assert not repeats_itself([*start, *([7] * 23)])
    assert not repeats_itself([*start, *[*range(60, 100)] * 3])
    assert not repeats_itself([*[1, 2] * 20, 5])  # it found its way out
    assert not repeats_itself([])


def naive_repeats_itself(tokens: list[int]) -> bool:
    return any(
        all(tokens[-index] == tokens[-index - period] for index in range(1, n - period + 1))
        for n in range(24, len(tokens) + 1)
        for period in range(1, n // 4 + 1)
    )


def test_repetition_agrees_with_the_obvious_way() -> None:
    source = random.Random(0)
    found = 0
    for _ in range(200):
        piece = [source.randint(0, 1) for _ in range(source.randint(1, 8))]
        tokens = ([source.randint(0, 1) for _ in range(5)] + piece * source.randint(2, 9))[
            : source.randint(20, 60)
        ]
        found += naive_repeats_itself(tokens)
        assert repeats_itself(tokens) == naive_repeats_itself(tokens)
    assert 20 < found < 180


def test_degenerate_responses_are_counted_and_left_out() -> None:
    responses = iter(
        [
            tt.Response("fine", 1, 10, True, tuple(range(10))),
            tt.Response("cut", 1, 40, False, tuple(range(40))),
            tt.Response("loop", 1, 40, False, (1, 2) * 20),
            tt.Response("loop that ends", 1, 30, True, (3,) * 30),
        ]
    )
    measured = tt.measure_responses(lambda prompt: next(responses), ["a"], n_samples=4)
    assert (measured.cut_share, measured.repetitive_share, measured.degenerate_share) == (0.5, 0.5, 0.75)
    assert measured.summary().mean == 30
    assert measured.summary(without_degenerate=True).mean == 10
    (prompt,) = measured.prompts
    assert (prompt.shortest_text, prompt.longest_text) == ("fine", "cut")


def test_budget_of_what_was_measured() -> None:
    measured = scripted(list(range(1, 101)))
    for share, budget in ((0.5, 50), (0.95, 95), (0.951, 96), (0.07, 7), (1, 100), (1e-9, 1)):
        assert measured.budget_for(share) == budget
    cut = scripted(list(range(1, 101)), limit=90)
    assert cut.budget_for(0.9) == 90
    with pytest.raises(tt.ArgumentValueError, match="90 of 100"):
        cut.budget_for(0.91)
    assert cut.budget_for(1, without_degenerate=True) == 90


def test_budget_with_confidence_covers_new_responses() -> None:
    """For 90 % with confidence 0.95, about one in twenty samples at most may give too small a budget."""
    source = np.random.default_rng(0)
    true_budget = math.ceil(math.log(1 - 0.9) / math.log(1 - 0.02))  # quantile of a geometric distribution
    too_small = {None: 0, 0.95: 0}
    for _ in range(200):
        measured = scripted(source.geometric(0.02, 120).tolist())
        for confidence in too_small:
            too_small[confidence] += measured.budget_for(0.9, confidence=confidence) < true_budget
    assert too_small[0.95] <= 18  # 10 are expected, and 18 in one of 100 repetitions
    assert too_small[None] >= 60


def test_fifty_nine_responses_bound_ninety_five_percent() -> None:
    """The textbook case: the largest of 59 values bounds 95 % with confidence 0.95, that of 58 does not."""
    assert scripted(list(range(1, 60))).budget_for(0.95, confidence=0.95) == 59
    with pytest.raises(tt.ArgumentValueError, match="share"):
        scripted(list(range(1, 59))).budget_for(0.95, confidence=0.95)


def test_lengths_of_plain_texts() -> None:
    texts = iter(["one two", "one two three four", "word " * 30])
    measured = tt.measure_responses(
        lambda prompt: next(texts), ["a"], n_samples=3, tokenizer=str.split, limit=4
    )
    assert measured.prompts[0].lengths == (2, 4, 30)
    assert measured.prompts[0].is_complete == (True, False, False)
    assert measured.prompts[0].is_repetitive == (False, False, True)
    with pytest.raises(tt.ArgumentValueError, match="tokenizer"):
        tt.measure_responses(lambda prompt: "x", ["a"])


def test_a_model_saved_and_loaded(tmp_path: Path) -> None:
    writer = tt.ModelWriter(tiny_model(), tiny_tokenizer(), max_new_tokens=20, temperature=1.5)
    measured = tt.measure_responses(writer, ["Ann", "Zo\u00e9 is"], n_samples=6, seed=3)
    assert measured == tt.measure_responses(writer, ["Ann", "Zo\u00e9 is"], n_samples=6, seed=3)
    assert measured != tt.measure_responses(writer, ["Ann", "Zo\u00e9 is"], n_samples=6, seed=9)
    assert measured.settings["max_new_tokens"] == 20
    for prompt in measured.prompts:
        assert len(prompt.lengths) == 6
        for length, is_complete in zip(prompt.lengths, prompt.is_complete, strict=True):
            assert 1 <= length <= 20
            assert is_complete or length == 20
    measured.save(tmp_path / "lengths.json")
    assert tt.ResponseLengths.load(tmp_path / "lengths.json") == measured
    saved = json.loads((tmp_path / "lengths.json").read_text(encoding="utf-8"))
    assert saved["summary"]["mean"] == measured.summary().mean


def test_a_model_without_sampling_answers_the_same() -> None:
    writer = tt.ModelWriter(tiny_model(), tiny_tokenizer(), max_new_tokens=8, do_sample=False)
    one, two = writer.draw("Ann", 2)
    assert one == two == writer("Ann", seed=5)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"prompts": 3}', '{"prompts": [{"prompt": "a"}]}'])
def test_wrong_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    with pytest.raises(tt.ArgumentValueError, match="path"):
        tt.ResponseLengths.load(path)
    path.write_text(text)
    with pytest.raises(tt.ArgumentValueError, match="path"):
        tt.ResponseLengths.load(path)


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    writer = tt.ModelWriter(tiny_model(), tiny_tokenizer(), max_new_tokens=1020)
    with pytest.raises(tt.ArgumentValueError, match="context"):
        writer("Ann Lee is 41 years old and likes red and blue.")
