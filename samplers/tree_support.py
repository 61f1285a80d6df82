"""Which models can read trees: a model of transformers in, the windows of its layers or a clear refusal out.

What cannot be masked by node is refused by name: layers with a state that only goes forward (linear
attention, state spaces), windows that are no part of the mask, flash and flex attention, encoders, models
without explicit positions. Since a model of a new family may do something else with a mask that it is handed,
each model also proves it once: a small tree is read in one pass, and branch by branch, and the logits must
agree. The cost is three short forward passes for a model.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import DynamicCache

from ..decoding.errors import UnsupportedModelError

ATTENTION = ("eager", "sdpa")
LAYER_KINDS = ("full_attention", "sliding_attention")
_TOLERANCE = 0.1  # as a share of what another context changes

_proven: WeakKeyDictionary[Any, set[tuple[str, torch.dtype]]] = WeakKeyDictionary()


def attention_windows(model: Any) -> dict[str, int | None]:
    """Kind of layer -> positions that it looks back, itself included; None: all.

    The single kind "" stands for a model that takes one mask for all of its layers.
    """
    config = model.config.get_text_config(decoder=True)
    kinds = getattr(config, "layer_types", None) or ()
    window = getattr(config, "sliding_window", None)
    if "sliding_attention" in kinds:
        return {"full_attention": None, "sliding_attention": window}
    return {"": None if kinds else window}


def changing_length(model: Any) -> tuple[int, bool] | None:
    """The length of text, in tokens, beyond which positions are embedded in another way; None: there is none.

    Beyond it a token's keys hang on how much text is read with it. The second value: only the step across
    that length does harm, since one way is kept to before it and another one after it.
    """
    config = model.config.get_text_config(decoder=True)
    parameters = getattr(config, "rope_parameters", None) or {}
    by_layer = [found for found in (parameters, *parameters.values()) if isinstance(found, dict)]
    lengths = []
    for found in by_layer:
        kind = found.get("rope_type", "")
        if kind == "longrope":
            lengths.append((found["original_max_position_embeddings"], True))
        elif "dynamic" in str(kind):
            lengths.append((config.max_position_embeddings, False))
    return min(lengths, default=None)


def check_tree_model(model: Any) -> None:
    """Raise UnsupportedModelError unless this model can read trees."""
    is_model = isinstance(model, torch.nn.Module) and hasattr(model, "config")
    if not is_model:
        raise _refusal("it is no model of transformers")
    attention = model.config._attn_implementation
    proof = (attention, model.dtype)
    if proof in _proven.get(model, ()):
        return
    _refuse_by_name(model, attention)
    try:
        is_right = _reads_trees(model)
    except Exception as error:  # code of the model's runs here, which may raise anything
        raise _refusal(f"it does not take the mask of a tree ({error})") from error
    if not is_right:
        raise _refusal("it does something else with the mask of a tree than leave out what it forbids")
    _proven.setdefault(model, set()).add(proof)


def _refuse_by_name(model: Any, attention: str) -> None:
    config = model.config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or ()) - set(LAYER_KINDS)
    kinds |= set(getattr(config, "attention_layers", None) or ()) & {"local"}  # GPT-Neo's, by slot
    accepted = inspect.signature(model.forward).parameters
    if model.config.is_encoder_decoder:
        raise _refusal("it is an encoder with a decoder")
    if getattr(config, "keep_window_size", None) is not None:
        raise _refusal("its layers choose keys by what they hold")
    if attention not in ATTENTION:
        raise _refusal(f"its attention is {attention!r}, load it with attn_implementation='sdpa'")
    if kinds:
        raise _refusal(f"layers of the kind {', '.join(sorted(kinds))} cannot go back to a branching")
    if "" in (windows := attention_windows(model)) and windows[""] is not None and not _makes_windows(model):
        # Caches of transformers follow the window, and masks do not: plain decoding forgets what it has read.
        raise _refusal(
            f"its configuration has a sliding window of {windows['']}, of which its masks know nothing; "
            "set config.sliding_window to None if it has none"
        )
    if "position_ids" not in accepted or "past_key_values" not in accepted:
        raise _refusal("it takes no explicit positions, or no cache of keys and values")
    if model.training:
        raise _refusal("it is in training mode, call model.eval()")


def _makes_windows(model: Any) -> bool:
    """Whether transformers' masks with a window are made where the model's layers are defined."""
    return hasattr(sys.modules[type(model.get_decoder()).__module__], "create_sliding_window_causal_mask")


def _refusal(reason: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"this model cannot read draft trees: {reason}", advice="generate without a drafter"
    )


def _reads_trees(model: Any) -> bool:
    """Whether the logits of a small tree are those of its branches.

    Nodes 1 and 2 follow the prompt, 3 and 4 have the same token and follow 1 and 2. How far 3 and 4 are apart
    says how much a wrong context would change.
    """
    vocabulary = model.config.get_text_config(decoder=True).vocab_size
    first, second, third, last = (token % vocabulary for token in (11, 7, 5, 3))
    prompt = [first, second, third]
    with torch.no_grad():
        tree = _tree_logits(model, prompt, [first, second, last, last])
        branches = torch.stack(
            [
                model(input_ids=_row(model, [*prompt, token, last]), use_cache=False).logits[0, -2:].double()
                for token in (first, second)
            ]
        )
    expected = torch.stack([branches[0, 0], branches[1, 0], branches[0, 1], branches[1, 1]])
    spread = (branches[0] - branches[1]).norm(dim=-1)
    return bool(((tree - expected).norm(dim=-1) <= _TOLERANCE * spread.max() + 1e-6).all())


def _tree_logits(model: Any, prompt: list[int], nodes: list[int]) -> Tensor:
    cache = DynamicCache()
    model(input_ids=_row(model, prompt), past_key_values=cache, use_cache=True)
    width = len(prompt)
    may_see = torch.ones(4, width + 4, dtype=torch.bool, device=model.device)
    may_see[:, width:] = torch.eye(4, dtype=torch.bool)
    may_see[2, width] = may_see[3, width + 1] = True
    mask = torch.zeros(1, 1, 4, width + 4, dtype=model.dtype, device=model.device)
    mask.masked_fill_(~may_see, torch.finfo(model.dtype).min)
    windows = attention_windows(model)
    output = model(
        input_ids=_row(model, nodes),
        attention_mask=mask if "" in windows else dict.fromkeys(windows, mask),
        position_ids=_row(model, [width, width, width + 1, width + 1]),
        past_key_values=cache,
        use_cache=True,
    )
    logits: Tensor = output.logits[0].double()
    return logits


def _row(model: Any, values: list[int]) -> Tensor:
    return torch.tensor([values], device=model.device)
