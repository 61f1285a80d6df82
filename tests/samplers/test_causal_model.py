"""Rows with a cache say what the model says of whole sequences, wherever the rows came from."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.samplers.causal_model import CausalLanguageModel
from tokentrellis.samplers.language_model import FunctionModel

from tests.tiny_models import random_model, tiny_model

PROMPT = [5, 9, 200, 41]


def recomputed(model: Any, sequences: list[list[int]], temperature: float = 1.0) -> torch.Tensor:
    """The slow twin: one pass over each whole sequence, without a cache."""
    with torch.no_grad():
        last = [model(torch.tensor([PROMPT + tokens]), use_cache=False).logits[0, -1] for tokens in sequences]
    return torch.log_softmax(torch.stack(last).float() / temperature, dim=-1)


FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"sliding_window": 3, "num_key_value_heads": 1},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 256},
    # Places, not positions, decide what a layer attends to, or how much.
    "gpt_neo": {
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 4,
    },
    "mpt": {"d_model": 32, "n_layers": 2, "n_heads": 2},
    # The state is in a cache of another name, in the model itself, or in a form of its own.
    "mamba": {"state_size": 4},
    "recurrent_gemma": {
        "lru_width": 32,
        "attention_window_size": 3,
        "block_types": ["recurrent", "attention"],
        "head_dim": 16,
        "num_key_value_heads": 1,
    },
    "rwkv": {"attention_hidden_size": 32, "context_length": 64},
    # Recurrent layers and attention.
    "jamba": {
        "num_experts": 1,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "mamba_d_state": 4,
        "mamba_dt_rank": 4,
        "num_key_value_heads": 1,
    },
}


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_equal_recomputation(name: str) -> None:
    """After prefixes of different lengths, re-ordering, repeating and dropping."""
    model = random_model(name, **FAMILIES[name]) if name != "llama" else tiny_model()
    language_model = CausalLanguageModel(model, PROMPT)
    tolerance = 1e-5 if name in ("llama", "gpt2", "mistral") else 2e-4
    for prefixes in ([[]], [[7, 8, 9]], [[], [3, 4, 5, 6, 7], [11]], [[1, 2], [3, 4]]):
        rows = language_model.begin(prefixes)
        sequences = [list(prefix) for prefix in prefixes]
        assert torch.allclose(rows.log_probs, recomputed(model, sequences), atol=tolerance)
        moves = [
            ([0, 0, 0], [50, 51, 52]),
            ([2, 0, 1, 2], [60, 61, 62, 63]),
            ([3, 1], [70, 71]),
            ([0, 1], [80, 81]),
            ([1], [90]),
        ]
        for parents, tokens in moves:
            parents = [parent % len(sequences) for parent in parents]
            rows.advance(parents, tokens)
            sequences = [[*sequences[parent], token] for parent, token in zip(parents, tokens, strict=True)]
            assert torch.allclose(rows.log_probs, recomputed(model, sequences), atol=tolerance)


def test_the_prompt_is_run_once() -> None:
    model = CausalLanguageModel(tiny_model(), PROMPT)
    model.begin([[]] * 5)
    model.begin([[]])
    assert (model.n_forward_passes, model.n_row_passes) == (1, 1)
    rows = model.begin([[1], [2, 3]])
    rows.advance([0, 1, 1], [4, 5, 6])
    assert (model.n_forward_passes, model.n_row_passes) == (3, 6)


def test_rows_begun_from_one_prompt_do_not_share_a_cache() -> None:
    model = CausalLanguageModel(tiny_model(), PROMPT)
    first, second = model.begin(), model.begin()
    first.advance([0], [3])
    second.advance([0], [4])
    assert torch.allclose(second.log_probs, recomputed(tiny_model(), [[4]]), atol=1e-5)


def test_temperature_and_truncation_belong_to_the_law() -> None:
    model = CausalLanguageModel(tiny_model(), PROMPT, temperature=0.5)
    assert torch.allclose(model.begin().log_probs, recomputed(tiny_model(), [[]], 0.5), atol=1e-5)
    plain = recomputed(tiny_model(), [[]])[0].exp()
    cut = CausalLanguageModel(tiny_model(), PROMPT, top_k=3).begin().log_probs[0].exp()
    assert (cut > 0).sum() == 3
    assert torch.allclose(cut[cut > 0], plain[cut > 0] / plain[cut > 0].sum(), atol=1e-5)
    nucleus = CausalLanguageModel(tiny_model(), PROMPT, top_p=0.5).begin().log_probs[0].exp()
    assert 0.5 <= plain[nucleus > 0].sum() <= 0.5 + plain[nucleus > 0].min()
    above = CausalLanguageModel(tiny_model(), PROMPT, min_p=0.3).begin().log_probs[0].exp()
    assert torch.equal(above > 0, plain >= 0.3 * plain.max())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(value: float) -> None:
    model = copy.deepcopy(tiny_model())
    with torch.no_grad():
        model.lm_head.weight[7] = value
    with pytest.raises(tt.SamplingError, match="no numbers"):
        CausalLanguageModel(model, PROMPT).begin()


@pytest.mark.parametrize(
    "options", [{"temperature": 0}, {"top_k": 0}, {"top_p": 1.5}, {"min_p": 0}, {"prompt_ids": []}]
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(tt.ArgumentValueError):
        CausalLanguageModel(tiny_model(), **{"prompt_ids": PROMPT, **options})


def test_functions_as_models() -> None:
    asked = []

    def law(prefix: tuple[int, ...]) -> list[float]:
        asked.append(prefix)
        return [0.0] * (3 if len(prefix) < 2 else 2)

    model = FunctionModel(law, vocab_size=3)
    rows = model.begin([[1], [0]])
    assert rows.log_probs.shape == (2, 3)
    with pytest.raises(tt.ArgumentValueError, match="must return 3"):
        rows.advance([1], [2])
    assert asked == [(1,), (0,), (0, 2)]
    for value in (math.nan, math.inf):
        broken = FunctionModel(lambda prefix, value=value: [0.0, value], vocab_size=2)  # type: ignore[misc]
        with pytest.raises(tt.ArgumentValueError, match="log-probabilities"):
            broken.begin()
    with pytest.raises(tt.ArgumentTypeError):
        FunctionModel(3, vocab_size=1)  # type: ignore[arg-type]
