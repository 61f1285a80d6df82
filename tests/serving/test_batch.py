"""Rows that join and leave a running batch: each computes what it would compute alone.

The models are random and in float64, where no two logits are so near to each other that rounding decides; the
oracle runs every text alone, whole, without a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.errors import UnsupportedModelError
from tokentrellis.serving.batch import Batch

from tests.tiny_models import random_model

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},  # rotary positions
    "gpt2": {"n_positions": 1024},  # learnt positions
    "mistral": {"sliding_window": 4, "num_key_value_heads": 1},
    "gemma3_text": {
        "sliding_window": 4,
        "head_dim": 16,
        "num_key_value_heads": 1,
    },  # windows in some layers only
    "bloom": {},  # distances in the mask, no positions
}
N_TOKENS = 300


@lru_cache
def model_of(family: str) -> Any:
    return random_model(family, **FAMILIES[family]).double()


def alone(model: Any, prompt: Sequence[int], steps: int) -> list[int]:
    """The likeliest tokens after a prompt."""
    tokens = list(prompt)
    for _ in range(steps):
        with torch.no_grad():
            logits = model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
        tokens.append(int(logits.argmax()))
    return tokens[len(prompt) :]


prompts = st.lists(st.integers(2, N_TOKENS - 1), min_size=1, max_size=9).map(tuple)
# A turn: prompts that join, each with a number of copies, and which rows leave afterwards (by their rank).
turns = st.lists(
    st.tuples(
        st.lists(st.tuples(prompts, st.integers(1, 2)), max_size=2), st.sets(st.integers(0, 5), max_size=2)
    ),
    min_size=2,
    max_size=6,
)


def run(batch: Batch, schedule: Any) -> list[tuple[tuple[int, ...], list[int]]]:
    """Prompts with what was written after them, in all rows that ever were."""
    texts: list[tuple[tuple[int, ...], list[int]]] = []
    rows: list[int] = []  # numbers of texts
    for joining, leaving in schedule:
        if joining:
            batch.join([prompt for prompt, _ in joining], [count for _, count in joining])
            for prompt, count in joining:
                for _ in range(count):
                    rows.append(len(texts))
                    texts.append((prompt, []))
        assert batch.n_rows == len(rows) == len(batch.logits)
        if not rows:
            continue
        chosen = batch.logits.argmax(-1).tolist()
        for row, token in zip(rows, chosen, strict=True):
            texts[row][1].append(token)
        kept = [rank for rank in range(len(rows)) if rank not in leaving]
        batch.keep(kept)
        rows = [rows[rank] for rank in kept]
        if rows:
            batch.step([chosen[rank] for rank in kept])
    return texts


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=8, deadline=None)
@given(schedule=turns)
def test_each_row_is_as_alone(family: str, schedule: Any) -> None:
    model = model_of(family)
    for prompt, written in run(Batch(model), schedule):
        assert written == alone(model, prompt, len(written))


SCHEDULE = [
    ([((5, 6, 7, 8, 9, 10, 11), 1)], set()),
    ([((12, 13), 2), ((14,), 1)], {1}),
    ([((15, 16, 17, 18, 19), 1)], {0}),
    ([], set()),
]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_comparison_finds_rows_that_are_not_as_alone(family: str) -> None:
    """A batch that counts positions from the left edge is found out."""
    batch = Batch(model_of(family))
    batch._takes_positions = False
    texts = run(batch, SCHEDULE)
    assert any(written != alone(model_of(family), prompt, len(written)) for prompt, written in texts)


def test_columns_that_nobody_needs_are_cut_off() -> None:
    batch = Batch(model_of("llama"))
    batch.join([range(2, 60), (5, 6)], [1, 1])
    batch.step([3, 4])
    batch.keep([1])
    assert batch._cache.get_seq_length() == 3
    batch.keep([])
    assert batch.n_rows == 0
    assert batch._cache is None


def test_recurrent_models_run_one_row() -> None:
    model = random_model("lfm2", num_key_value_heads=1, layer_types=["conv", "full_attention"]).double()
    batch = Batch(model)
    assert not batch.holds_several
    schedule = [([((5, 6, 7), 1)], set()), ([], set()), ([], {0}), ([((8, 9), 1)], set()), ([], set())]
    for prompt, written in run(batch, schedule):
        assert written == alone(model, prompt, len(written))


def test_encoders_with_decoders_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="decoder alone"):
        Batch(_EncoderDecoder())


class _EncoderDecoder:
    class config:  # noqa: N801
        is_encoder_decoder = True
