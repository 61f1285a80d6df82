"""A tokenizer and random models, small enough to be made in a test: no download, no training."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, PreTrainedTokenizerFast

N_LOGITS = 384  # more than the tokenizer has tokens, as in many real models

_CORPUS = [
    '{"name": "Ann Lee", "age": 41, "tags": ["red", "blue"]}',
    '{"name":"Bo","age":7,"tags":["green","red","red"]}',
    '{"tags": [], "age": 120, "name": "Zoé"}',
    "Ann Lee is 41 years old and likes red and blue.",
]


@lru_cache(maxsize=2)
def tiny_tokenizer(n_tokens: int = 340) -> Any:
    """Byte-level BPE with tokens that cross JSON's punctuation; `</s>` ends a text, `<pad>` pads."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<pad>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", padding_side="left"
    )


def random_model(family: str, seed: int = 0, **options: Any) -> Any:
    """A model of two layers with random weights, large enough for it to have strong and odd opinions.

    family: "llama", "gpt2" ..., transformers' model type. options: of its configuration.
    """
    sizes = {
        "vocab_size": N_LOGITS,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 1024,
        "initializer_range": 0.5,
        "bos_token_id": None,
        "eos_token_id": tiny_tokenizer().eos_token_id,
        "pad_token_id": tiny_tokenizer().pad_token_id,
    }
    configuration = AutoConfig.for_model(family, **{**sizes, **options})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODEL_FOR_CAUSAL_LM_MAPPING[type(configuration)](configuration).eval()


@lru_cache(maxsize=4)
def tiny_model(seed: int = 0, n_logits: int = N_LOGITS) -> Any:
    """A Llama that tests share: one that changes it must copy it."""
    return random_model("llama", seed, vocab_size=n_logits)
