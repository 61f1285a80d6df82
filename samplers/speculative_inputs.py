"""What transformers' `generate()` hands on and a generation with drafts cannot honour: refused by name.

A loop that is given as `custom_generate` gets the prepared prompts, the generation configuration and whatever
the model takes besides. What is not looked at there would be ignored without a word (another way of decoding,
images, types of tokens, prompts with padding on the right), so it is an error here, before the first pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..decoding.errors import ArgumentValueError

# Settings that say how to decode, or what to hand back, with the values that ask for nothing.
_NOT_WITH_DRAFTS = {
    "return_dict_in_generate": (None, False),
    "output_scores": (None, False),
    "output_logits": (None, False),
    "output_attentions": (None, False),
    "output_hidden_states": (None, False),
    "num_beams": (None, 1),
    "prompt_lookup_num_tokens": (None,),
    "dola_layers": (None,),
    "penalty_alpha": (None, 0.0),
}
_CACHES = (None, "dynamic", "static", "hybrid", "sliding_window")
_KNOWN_INPUTS = ("attention_mask", "position_ids", "past_key_values", "use_cache", "logits_to_keep")


def check_configuration(configuration: Any) -> None:
    """Raise ArgumentValueError for a setting of the generation configuration that would do nothing."""
    for name, neutral in _NOT_WITH_DRAFTS.items():
        value = getattr(configuration, name, None)
        if value not in neutral:
            raise ArgumentValueError(
                f"{name} is not to be had with a drafter", got=value, advice="leave it out"
            )
    if configuration.cache_implementation not in _CACHES:
        raise ArgumentValueError(
            "cache_implementation must be 'dynamic' or 'static' with a drafter",
            got=configuration.cache_implementation,
            advice="leave it out",
        )


def check_inputs(input_ids: Tensor, model_inputs: dict[str, Any]) -> None:
    """Raise ArgumentValueError for inputs of the model that would be ignored, or that a tree cannot go on
    from.

    input_ids: int64, shape [rows, tokens]. model_inputs: as the model's `forward` takes them.
    """
    if input_ids.shape[1] == 0:
        raise ArgumentValueError(
            "with a drafter the prompt must have at least one token",
            got=sorted(name for name, value in model_inputs.items() if isinstance(value, Tensor)),
            advice="give input_ids, not inputs_embeds",
        )
    others = sorted(
        name
        for name, value in model_inputs.items()
        if name not in _KNOWN_INPUTS and value is not None and value != {}
    )
    if others:
        raise ArgumentValueError(
            f"with a drafter the model reads tokens and their positions alone, not {', '.join(others)}",
            got=others,
            advice="leave it out (for a tokenizer: return_token_type_ids=False), or the drafter",
        )
    cache = model_inputs.get("past_key_values")
    if cache is not None and int(cache.get_seq_length()) > 0:
        raise ArgumentValueError(
            "with a drafter a generation cannot go on from past_key_values",
            got=int(cache.get_seq_length()),
            advice="give the whole text as the prompt",
        )
    mask = model_inputs.get("attention_mask")
    mask = torch.ones_like(input_ids) if mask is None else mask.long()
    if not bool((mask[:, 1:] >= mask[:, :-1]).all()) or not bool(mask[:, -1].all()):
        raise ArgumentValueError(
            "attention_mask: with a drafter padding must be on the left of each prompt",
            got=mask.tolist(),
            advice='set padding_side="left" of the tokenizer',
        )
    positions = model_inputs.get("position_ids")
    if positions is not None and not torch.equal(
        (positions * mask).expand_as(mask), (mask.cumsum(-1) - 1) * mask
    ):
        raise ArgumentValueError(
            "position_ids: with a drafter the tokens of a prompt have the positions 0, 1, 2 ...",
            got=positions.tolist(),
            advice="leave it out",
        )
