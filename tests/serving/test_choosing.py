"""Choosing tokens: the law is that of transformers' own warpers, counted on a grid instead of drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.serving.choosing import Choosing, change_logits, choose_tokens
from transformers.generation.logits_process import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

N_TOKENS = 7
GRID = 2000
NEVER = float("-inf")


def law(row: torch.Tensor, choosing: Choosing) -> torch.Tensor:
    """Frequencies over a grid of numbers: within 1 / GRID of the probabilities, for a draw by inversion."""
    uniforms = [(i + 0.5) / GRID for i in range(GRID)]
    counts = Counter(
        choose_tokens(row.repeat(GRID, 1), [choosing] * GRID, uniforms),
    )
    return torch.tensor([counts[token] / GRID for token in range(N_TOKENS)], dtype=torch.float64)


def oracle(row: torch.Tensor, choosing: Choosing) -> torch.Tensor:
    scores = TemperatureLogitsWarper(choosing.temperature)(None, row.double()[None])  # type: ignore[arg-type]
    if choosing.top_k is not None:
        scores = TopKLogitsWarper(choosing.top_k)(None, scores)  # type: ignore[arg-type]
    if choosing.top_p is not None and choosing.top_p < 1:
        scores = TopPLogitsWarper(choosing.top_p)(None, scores)  # type: ignore[arg-type]
    return torch.softmax(scores, -1)[0]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 1.7])
@pytest.mark.parametrize("top_k", [None, 1, 3, 50])
@pytest.mark.parametrize("top_p", [None, 0.05, 0.6, 1.0])
def test_law(temperature: float, top_k: int | None, top_p: float | None) -> None:
    row = torch.tensor([0.3, NEVER, 2.0, -1.0, 1.1, 0.0, 1.9])
    choosing = Choosing(temperature=temperature, top_k=top_k, top_p=top_p)
    assert (law(row, choosing) - oracle(row, choosing)).abs().max() <= 1 / GRID


def test_rows_choose_for_themselves() -> None:
    logits = torch.tensor([[0.0, 5.0, 1.0], [3.0, NEVER, 1.0], [NEVER] * 3, [float("nan"), 1.0, 2.0]])
    draws = Choosing(temperature=1.0)
    greedy = Choosing(temperature=0.0)
    assert choose_tokens(logits, [greedy, draws, draws, greedy], [0.99, 0.0, 0.5, 0.5]) == [1, 0, None, None]


@given(
    st.lists(st.one_of(st.just(NEVER), st.floats(-30, 30, width=32)), min_size=2, max_size=9),
    st.floats(0, 1, exclude_max=True),
    st.one_of(st.none(), st.floats(0.01, 1)),
)
def test_what_is_masked_is_never_drawn(scores: list[float], uniform: float, top_p: float | None) -> None:
    (token,) = choose_tokens(torch.tensor([scores]), [Choosing(top_p=top_p)], [uniform])
    if max(scores) == NEVER:
        assert token is None
    else:
        assert token is not None
        assert scores[token] > NEVER


def test_penalties_and_biases() -> None:
    row = torch.zeros(4)
    choosing = Choosing(frequency_penalty=0.5, presence_penalty=0.25, biases={0: -100.0, 2: 1.0})
    change_logits(row, choosing, Counter({1: 1, 2: 3}))
    assert row.tolist() == [-100.0, -0.75, 1.0 - 1.5 - 0.25, 0.0]
    change_logits(row, Choosing(), Counter({1: 1}))
    assert row[1] == -0.75
