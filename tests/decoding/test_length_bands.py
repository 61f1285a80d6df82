"""Ruler's scorer: the published edges, one word below, at, and above each; and the shares it computes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.decoding.length_bands import LENGTH_BANDS, length_band, training_band

# Table 1 of the paper and `src/utils/config.py` of its code; `None`: no upper end.
PUBLISHED: dict[str, tuple[tuple[int, int | None], tuple[int, int | None], tuple[int, int | None], int]] = {
    "10": ((5, 15), (0, 20), (0, 20), 0),
    "30": ((25, 35), (20, 40), (20, 40), 0),
    "50": ((45, 55), (40, 60), (40, 60), 0),
    "80": ((75, 85), (70, 90), (60, 100), 0),
    "150": ((135, 155), (130, 170), (100, 200), 1),
    "300": ((295, 305), (280, 320), (200, 400), 1),
    "500": ((495, 505), (450, 550), (400, 600), 1),
    "700": ((695, 705), (630, 770), (600, 800), 2),
    ">800": ((800, None), (800, None), (800, None), 2),
}


def words(n_words: int) -> str:
    return "word " * n_words


@pytest.mark.parametrize("name", PUBLISHED)
def test_edges_are_those_of_the_paper(name: str) -> None:
    training, precise, flexible, level = PUBLISHED[name]
    assert length_band(name).level == level
    for kind, (least, most) in (("precise_match", precise), ("flexible_match", flexible)):
        expected = {least - 1: 0, least: 0, least + 1: 100}
        expected |= {3000: 100} if most is None else {most: 100, most + 1: 0}
        for n_words, percent in expected.items():
            scores = tt.score_lengths([name], [words(n_words)])
            assert getattr(scores.total, kind) == percent, n_words
    least, most = training
    inside = {least - 1: False, least: False, least + 1: True, most or 3000: True}
    inside |= {} if most is None else {most + 1: False}
    for n_words, is_inside in inside.items():
        band = training_band(n_words)
        assert (band is not None and band.name == name) == is_inside


def test_bands_are_nine_and_no_length_is_in_two_for_training() -> None:
    assert [band.name for band in LENGTH_BANDS] == list(PUBLISHED)
    assert [band.token for band in LENGTH_BANDS][::4] == ["[MLT:10]", "[MLT:150]", "[MLT:>800]"]
    for n_words in range(900):
        inside = [band for band in LENGTH_BANDS if band.training[0] < n_words <= band.training[1]]
        assert inside == [band for band in [training_band(n_words)] if band]


def test_words_are_matches_of_the_pattern() -> None:
    assert tt.count_words("") == 0
    assert tt.count_words("don't") == 2
    assert tt.count_words("snake_case, 3.5 and Zoë-Anne") == 6
    with pytest.raises(tt.ArgumentTypeError):
        tt.count_words(3)  # type: ignore[arg-type]


def test_shares_are_of_all_texts_of_a_group() -> None:
    targets = ["10", 10, "[MLT:80]", "80", "700"]
    texts = [words(10), words(21), words(95), words(90), words(100)]
    scores = tt.score_lengths(targets, texts)
    assert scores.total == tt.LengthScore(5, pytest.approx(40), pytest.approx(60))
    assert scores.by_level[0] == tt.LengthScore(4, pytest.approx(50), pytest.approx(75))
    assert scores.by_level[2] == tt.LengthScore(1, 0, 0)
    assert list(scores.by_target) == ["10", "80", "700"]
    assert scores.by_target["80"] == tt.LengthScore(2, pytest.approx(50), pytest.approx(100))
    nothing = tt.score_lengths([], [])
    assert math.isnan(nothing.total.precise_match)
    assert not nothing.by_level


@pytest.mark.parametrize(
    ("targets", "texts"),
    [(["20"], ["x"]), ([None], ["x"]), (["10"], []), ("10", ["x"]), (["10"], [3]), ([True], ["x"]), (3, 3)],
)
def test_wrong_arguments_are_refused(targets: Any, texts: Any) -> None:
    with pytest.raises(tt.ConstraintError):
        tt.score_lengths(targets, texts)
