"""Random models of several families with a countdown, small enough to be made in a test."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import tokentrellis as tt
import torch

from tests.tiny_models import random_model

PAD, EOS, N_TOKENS = 0, 1, 60
FAMILIES = ("llama", "gpt2", "qwen2", "qwen3")
KINDS = ("orpe", "ldpe", "progress_ratio")


def plain_model(family: str, *, spread: float = 0.4) -> Any:
    """A model without a countdown; a large spread of the weights gives it strong opinions."""
    of_family = {"gpt2": {}, "qwen3": {"num_key_value_heads": 1, "head_dim": 16}}
    return random_model(
        family,
        vocab_size=N_TOKENS,
        intermediate_size=48,
        max_position_embeddings=256,
        initializer_range=spread,
        **of_family.get(family, {"num_key_value_heads": 1}),
    )


@lru_cache(maxsize=16)
def countdown_model(family: str, kind: str) -> Any:
    """A model that hears its countdown: a gate that starts at zero is opened."""
    model = tt.add_countdown(plain_model(family), tt.Countdown(kind))
    if model.countdown.gate is not None:
        with torch.no_grad():
            model.countdown.gate.fill_(1.0)
    return model


def prompts(seed: int = 0, sizes: tuple[int, ...] = (7, 3, 5)) -> list[list[int]]:
    """Token ids of prompts of several lengths."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(2, N_TOKENS, (size,), generator=generator).tolist() for size in sizes]


def padded(rows: list[list[int]], *, extra: int = 0) -> dict[str, torch.Tensor]:
    """A batch padded on the left, `extra` columns more than needed."""
    width = max(map(len, rows)) + extra
    return {
        "input_ids": torch.tensor([[PAD] * (width - len(row)) + row for row in rows]),
        "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
    }
