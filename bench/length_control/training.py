"""Training and sampling for `bench.length_control`: a way to tell the length in, a model and responses out.

The model is a Llama of three layers (0.3 million weights), trained with AdamW on responses of uniformly drawn
length. Its random start and its texts are the same for every way. Cost: about a minute for 600 steps.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import tokentrellis as tt
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from .language import BOS, EOS, MOST_MARKED, N_TOKENS, PAD, STOP, Language, bucket_token, mark

SHORTEST, LONGEST = 5, 53
"""The trained range of lengths, tokens, EOS included."""
BATCH = 32
SPARE = 40
"""A response is given up so many tokens beyond its target."""
LARGEST_EXTRA = 16

KINDS: dict[str, tt.Countdown | None] = {
    "none": None,
    "length token": None,
    "ldpe": tt.Countdown("ldpe"),
    "orpe": tt.Countdown("orpe"),
    "progress ratio": tt.Countdown("progress_ratio"),
    "progress ratio, no noise": tt.Countdown("progress_ratio", noise=0.0),
    "orpe, at most": tt.Countdown("orpe", at_most=True),
}


@dataclass(frozen=True)
class Outcome:
    """What was sampled for one target: mean error and its deviation in tokens, and shares in percent.

    valid: what obeys the grammar, if one was on top. over: responses longer than the target.
    """

    target: int
    error: float
    deviation: float
    exact: float
    ends_on_stop: float
    over: float
    valid: float | None


MARKERS = "markers"
"""The number of words that are left stands before each word: not a way of KINDS, for its texts are
twice as long."""


def new_model(settings: tt.Countdown | None, vocab_size: int = N_TOKENS) -> Any:
    """The model before training; the same weights for every way."""
    torch.manual_seed(0)
    configuration = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        eos_token_id=EOS,
        bos_token_id=BOS,
    )
    model = LlamaForCausalLM(configuration)
    return model if settings is None else tt.add_countdown(model, settings)


def train(kind: str, steps: int) -> Any:
    """A model trained to be told the length in this way."""
    settings = KINDS.get(kind)
    vocab_size = N_TOKENS + MOST_MARKED + 1 if kind == MARKERS else N_TOKENS
    model = new_model(settings, vocab_size).train()
    language, source = Language(), random.Random(1)
    bounds = torch.Generator().manual_seed(1)
    collator = tt.CountdownCollator(
        PAD, settings=settings, largest_extra=LARGEST_EXTRA, padding_side="left", generator=bounds
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        batch = collator([_example(language, source, kind) for _ in range(BATCH)])
        if settings is None:
            del batch["target_length"], batch["response_start"]
        optimizer.zero_grad()
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def _example(language: Language, source: random.Random, kind: str) -> dict[str, list[int]]:
    length = source.randint(SHORTEST, LONGEST)
    prompt = _prompt(language, source, kind, length)
    response = language.response(source, length)
    if kind == MARKERS:
        response = mark(response)
    return {"input_ids": prompt + response, "labels": [-100] * len(prompt) + response}


def _prompt(language: Language, source: random.Random, kind: str, length: int) -> list[int]:
    prompt = language.prompt(source)
    return [*prompt, bucket_token(length)] if kind == "length token" else prompt


def sample(
    model: Any, kind: str, target: int, n_samples: int, compiled: tt.CompiledGrammar | None = None
) -> Outcome:
    """Responses for one target, drawn at temperature 1 in one batch, and how long they are.

    compiled: a grammar that is on top, with the target as its budget.
    """
    language, source = Language(), random.Random(2)
    prompts = [_prompt(language, source, kind, target) for _ in range(n_samples)]
    width = max(map(len, prompts))
    input_ids = torch.tensor([[PAD] * (width - len(prompt)) + prompt for prompt in prompts])
    options: dict[str, Any] = {"max_new_tokens": target + SPARE}
    if KINDS[kind] is not None:
        options["target_length"] = target
    if compiled is not None:
        options["max_new_tokens"] = target
        options["logits_processor"] = [
            tt.GrammarProcessor(compiled, max_new_tokens=target, prompt_length=width)
        ]
    torch.manual_seed(target)
    sequences = model.generate(
        input_ids, attention_mask=(input_ids != PAD).long(), do_sample=True, top_k=0, **options
    )
    responses = [_until_eos(row) for row in sequences[:, width:].tolist()]
    return _outcome(target, responses, compiled)


def _outcome(target: int, responses: list[list[int]], compiled: tt.CompiledGrammar | None) -> Outcome:
    errors = torch.tensor([float(abs(len(response) - target)) for response in responses])

    def percent(found: list[bool]) -> float:
        return 100 * sum(found) / len(found)

    return Outcome(
        target=target,
        error=errors.mean().item(),
        deviation=errors.std().item(),
        exact=percent([len(response) == target for response in responses]),
        ends_on_stop=percent([response[-2:] == [STOP, EOS] for response in responses]),
        over=percent([len(response) > target for response in responses]),
        valid=None if compiled is None else percent([_obeys(compiled, response) for response in responses]),
    )


def _obeys(compiled: tt.CompiledGrammar, response: list[int]) -> bool:
    matcher = compiled.matcher()
    return matcher.try_accept_tokens(response) == len(response) and matcher.is_terminated


def _until_eos(token_ids: list[int]) -> list[int]:
    return token_ids[: token_ids.index(EOS) + 1] if EOS in token_ids else token_ids
