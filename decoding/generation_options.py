"""What calls of transformers' `generate()` have in common: a caller's model and options in, checked ones out.

`generate()` with a grammar and `ModelWriter` without one take the same options and mean the same by them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..grammars.errors import ConstraintError
from .arguments import checked_instance, checked_integer, checked_number
from .errors import ArgumentTypeError

MOST_TEMPERATURE = 1e6


def check_model(model: Any, tokenizer: Any) -> None:
    """Raise ArgumentTypeError unless these are a model that generates text and a tokenizer."""
    if not all(hasattr(model, name) for name in ("generate", "config", "generation_config", "device")):
        raise ArgumentTypeError(
            "model must be a model of transformers that generates text",
            got=type(model) if hasattr(model, "parameters") else model,
            advice="load one with AutoModelForCausalLM.from_pretrained(...)",
        )
    if not callable(tokenizer) or not hasattr(tokenizer, "__len__"):
        raise ArgumentTypeError(
            "tokenizer must be the model's tokenizer, of transformers",
            got=tokenizer,
            advice="load it with AutoTokenizer.from_pretrained(...)",
        )


def named_eos_token_ids(model: Any) -> tuple[int, ...] | None:
    """What ends a text, as the model's generation configuration names it; None: it names nothing."""
    eos = model.generation_config.eos_token_id
    if eos is None:
        return None
    return tuple(eos) if isinstance(eos, (list, tuple)) else (eos,)


def encode_prompt(tokenizer: Any, prompt: str) -> list[int]:
    """The tokens of a prompt, with those that the tokenizer begins with.

    A chat template writes the BOS token as text, and the tokenizer puts another one before it. No model was
    trained with two, so one is left.
    """
    token_ids = list(tokenizer(prompt)["input_ids"])
    bos = getattr(tokenizer, "bos_token", None)
    if bos and prompt.startswith(bos):
        written = list(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        if token_ids[: len(written) + 1] == [tokenizer.bos_token_id, *written]:
            del token_ids[0]
    return token_ids


def context_left(model: Any, prompt_length: int) -> int:
    """Tokens that the model's context has after the prompt.

    Raises:
        ConstraintError: there is none.
    """
    context = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    if context is None:  # relative positions: no limit
        return sys.maxsize
    if prompt_length >= context:
        raise ConstraintError(
            f"prompt: must have fewer than {context} tokens, the model's context",
            got=prompt_length,
            advice="shorten it",
        )
    return context - prompt_length


def sampling_options(
    do_sample: bool | None,
    seed: int | None,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None = None,
) -> dict[str, Any]:
    """How tokens are chosen, as transformers' generation configuration says it; None: not given.

    Raises:
        ArgumentTypeError, ArgumentValueError: an option is of the wrong kind, or out of bounds.
        ConstraintError: an option would do nothing beside `do_sample=False`.
    """
    given = {"seed": seed, "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    names = [name for name, value in given.items() if value is not None]
    checked_instance("do_sample", do_sample, (bool, type(None)), "True, False or None")
    if do_sample is False and names:
        raise ConstraintError(
            f"do_sample=False takes the likeliest token, so {', '.join(names)} would do nothing",
            advice="leave do_sample out to sample, or leave the others out",
        )
    if temperature is not None:
        temperature = checked_number("temperature", temperature, above=0)
        # Beyond, scores overflow; long before, one token or all of them are equally likely.
        temperature = min(max(temperature, 1 / MOST_TEMPERATURE), MOST_TEMPERATURE)
    if top_k is not None:
        top_k = checked_integer("top_k", top_k, least=1)
    if top_p is not None:
        top_p = checked_number("top_p", top_p, above=0, most=1)
    if min_p is not None:
        min_p = checked_number("min_p", min_p, above=0, most=1)
    if seed is not None:
        checked_seed(seed)
    if not (do_sample or names):
        return {"do_sample": False, "temperature": 1.0, "top_k": 50, "top_p": 1.0}  # these three: no warning
    return {
        "do_sample": True,
        "temperature": 1.0 if temperature is None else temperature,
        "top_k": 0 if top_k is None else top_k,  # 0: transformers' word for all tokens
        "top_p": 1.0 if top_p is None else top_p,
        "min_p": min_p,
    }


def checked_seed(seed: Any) -> int:
    """A seed that torch takes.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is no integer, or out of bounds.
    """
    return checked_integer("seed", seed, least=-(2**63), most=2**64 - 1)


@contextmanager
def random_state(seed: int | None) -> Iterator[None]:
    """With a seed, torch's random state begins there and is put back afterwards."""
    if seed is None:
        yield
        return
    import torch

    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
