"""Random models of several families with a countdown, small enough to be made in a test."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import tokentrellis as tt
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

PAD, EOS, N_TOKENS = 0, 1, 60
FAMILIES = ("llama", "gpt2", "qwen2", "qwen3")
KINDS = ("orpe", "ldpe", "progress_ratio")

_ENDS: dict[str, Any] = {"eos_token_id": EOS, "pad_token_id": PAD, "bos_token_id": None}
_COMMON: dict[str, Any] = {
    "vocab_size": N_TOKENS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 256,
    **_ENDS,
}


def plain_model(family: str, *, spread: float = 0.4) -> Any:
    """A model without a countdown; a large spread of the weights gives it strong opinions."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if family == "gpt2":
            configuration = GPT2Config(
                vocab_size=N_TOKENS,
                n_embd=32,
                n_layer=2,
                n_head=2,
                n_positions=256,
                initializer_range=spread,
                **_ENDS,
            )
            return GPT2LMHeadModel(configuration).eval()
        config, model = {
            "llama": (LlamaConfig, LlamaForCausalLM),
            "qwen2": (Qwen2Config, Qwen2ForCausalLM),
            "qwen3": (Qwen3Config, Qwen3ForCausalLM),
        }[family]
        options = {**_COMMON, "head_dim": 16} if family == "qwen3" else _COMMON
        return model(config(initializer_range=spread, **options)).eval()


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
