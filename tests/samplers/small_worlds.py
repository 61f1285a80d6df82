"""Models and grammars so small that the law of their texts is known: seven tokens, texts of at most four.

The law is that of transformers' own processors on every prefix, without a cache, a tree or a drafter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from functools import cache
from typing import Any

import tokentrellis as tt
import torch
from transformers import LogitsProcessorList

from tests.tiny_models import random_model

TOKENS = [b"a", b"b", b"c", b"ab", b"bc", b"ca", b""]
EOS = 6
PROMPT = [0, 1]
LENGTH = 4
VOCABULARY = tt.Vocabulary(TOKENS, eos_token_ids=[EOS])


@cache
def small_model(seed: int = 2) -> Any:
    """Llama with one layer and opinions that depend on the whole text."""
    return random_model(
        "llama",
        seed,
        vocab_size=len(TOKENS),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        eos_token_id=EOS,
        pad_token_id=EOS,
        initializer_range=0.3,
    )


def small_draft_model() -> Any:
    """Another one, with other opinions."""
    return small_model(7)


@cache
def small_grammar() -> tt.CompiledGrammar:
    """Every text may be spelled in several ways, some tokens are always illegal, some texts end early."""
    return tt.compile_grammar(tt.from_regex("(a|b|ab|abc){1,3}c?"), VOCABULARY)


def processors(has_grammar: bool) -> list[Any]:
    """New ones, as a caller would pass them."""
    return [tt.GrammarProcessor(small_grammar(), max_new_tokens=LENGTH)] if has_grammar else []


@cache
def law_of(has_grammar: bool, temperature: float = 1.0, top_k: int = 0) -> dict[tuple[int, ...], float]:
    """Output -> probability."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper

    model = small_model()
    steps = LogitsProcessorList(processors(has_grammar))
    steps += [TemperatureLogitsWarper(temperature)] if temperature != 1 else []
    steps += [TopKLogitsWarper(top_k)] if top_k else []
    law: dict[tuple[int, ...], float] = {}
    pending = [((), 1.0)]
    while pending:
        text, probability = pending.pop()
        if len(text) == LENGTH or text[-1:] == (EOS,):
            law[text] = probability
            continue
        ids = torch.tensor([[*PROMPT, *text]])
        if has_grammar:
            steps[0].reset()
            steps[0](torch.tensor([PROMPT]), torch.zeros(1, len(TOKENS)))
            for end in range(1, len(text)):
                steps[0](ids[:, : len(PROMPT) + end], torch.zeros(1, len(TOKENS)))
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits[:, -1]
        for token, share in enumerate(steps(ids, logits.double())[0].softmax(-1).tolist()):
            if share > 0:
                pending.append(((*text, token), probability * share))
    return law


def draw_texts(
    drafter: Any, n_draws: int, *, has_grammar: bool, seed: int = 0, **options: Any
) -> Counter[Hashable]:
    """Outputs of the whole loop, with how often they came."""
    counts: Counter[Hashable] = Counter()
    generator = torch.Generator().manual_seed(seed)
    n_rows = min(n_draws, 250)
    for _ in range(n_draws // n_rows):
        sequences = small_model().generate(
            torch.tensor([PROMPT] * n_rows),
            attention_mask=torch.ones(n_rows, len(PROMPT), dtype=torch.long),
            logits_processor=LogitsProcessorList(processors(has_grammar)),
            custom_generate=drafter,
            generator=generator,
            do_sample=True,
            max_new_tokens=LENGTH,
            **{"top_k": 0, **options},
        )
        for row in sequences[:, len(PROMPT) :].tolist():
            end = row.index(EOS) + 1 if EOS in row else len(row)
            counts[tuple(row[:end])] += 1
    return counts
