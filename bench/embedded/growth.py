"""Makes a trained Llama model deeper and wider inside, without changing what it computes.

What goes in is a model; what goes out is a larger one with the same logits: new layers are spread among
the old ones and write nothing yet (their output matrices are zero), and the gates of every layer get new
columns that nobody reads yet. So training goes on from where the small model stood (Chen et al., 2016,
"Net2Net"; zero outputs as in Zhang et al., 2019, "Fixup").
"""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM


@torch.no_grad()
def grow(model: LlamaForCausalLM, layers: int, inner: int) -> LlamaForCausalLM:
    """A model with `layers` layers and SwiGLU width `inner`, both at least as before."""
    config = type(model.config)(**model.config.to_dict())
    before_layers, before_inner = config.num_hidden_layers, config.intermediate_size
    if layers < before_layers or inner < before_inner:
        raise ValueError(
            f"grow: {layers} layers of {inner} are fewer than the {before_layers} of {before_inner} there"
        )
    config.num_hidden_layers, config.intermediate_size = layers, inner
    config.layer_types = None
    larger = LlamaForCausalLM(config)
    larger.model.embed_tokens.load_state_dict(model.model.embed_tokens.state_dict())
    larger.model.norm.load_state_dict(model.model.norm.state_dict())
    old_places = [round((at + 1) * layers / before_layers) - 1 for at in range(before_layers)]
    old_places[:2] = [0, 1]  # the copying circuit stays where it is
    for at, layer in enumerate(larger.model.layers):
        if at not in old_places:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
            continue
        old = model.model.layers[old_places.index(at)]
        layer.self_attn.load_state_dict(old.self_attn.state_dict())
        layer.input_layernorm.load_state_dict(old.input_layernorm.state_dict())
        layer.post_attention_layernorm.load_state_dict(old.post_attention_layernorm.state_dict())
        layer.mlp.gate_proj.weight[:before_inner] = old.mlp.gate_proj.weight
        layer.mlp.up_proj.weight[:before_inner] = old.mlp.up_proj.weight
        layer.mlp.down_proj.weight.zero_()
        layer.mlp.down_proj.weight[:, :before_inner] = old.mlp.down_proj.weight
    return larger
