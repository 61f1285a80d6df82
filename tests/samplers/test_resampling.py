"""Resampling: offspring are right on average, and as even as each way promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.samplers.resampling import (
    RESAMPLING,
    draw_ancestors,
    effective_sample_size,
    log_mean_weight,
)

from tests.samplers.markov import generator
from tests.samplers.statistics import standard_score

WEIGHTS = [0.05, 0.0, 0.4, 0.15, 0.25, 0.15]
LOGS = [math.log(weight) if weight else -math.inf for weight in WEIGHTS]


@pytest.mark.parametrize("kind", RESAMPLING)
def test_offspring(kind: str) -> None:
    random = generator()
    counts = np.array(
        [np.bincount(draw_ancestors(LOGS, kind, random), minlength=len(LOGS)) for _ in range(3000)]
    )
    assert (counts.sum(1) == len(LOGS)).all()
    for i, weight in enumerate(WEIGHTS):
        expected = len(LOGS) * weight
        assert abs(standard_score(counts[:, i], expected)) < 4.5
        if kind == "systematic":
            assert np.abs(counts[:, i] - expected).max() < 1 + 1e-9
        if kind == "residual":
            assert counts[:, i].min() >= math.floor(expected)
    assert counts[:, 1].max() == 0


@pytest.mark.parametrize("kind", RESAMPLING)
def test_equal_and_single_weights(kind: str) -> None:
    random = generator()
    if kind != "multinomial":
        assert draw_ancestors([-3.0] * 8, kind, random) == list(range(8))
    assert draw_ancestors([-math.inf, 5.0, -math.inf], kind, random) == [1, 1, 1]
    assert draw_ancestors([-2000.0], kind, random) == [0]


def test_numbers() -> None:
    assert effective_sample_size([-5.0] * 4) == pytest.approx(4)
    assert effective_sample_size([-5.0, -math.inf]) == pytest.approx(1)
    assert effective_sample_size([-math.inf] * 2) == 0
    assert log_mean_weight([-1000.0, -math.inf]) == pytest.approx(-1000 - math.log(2))
    with pytest.raises(tt.ArgumentValueError):
        draw_ancestors(LOGS, "twice", generator())
