"""Plants an induction circuit into a fresh Llama model, so that it can copy before it has learnt anything.

What goes in is a randomly initialised `LlamaForCausalLM`; it is changed in place. Two heads of layer 0
attend to the previous token and write its code (a random orthonormal 32-dimensional projection of the
embedding) into reserved dimensions of the residual stream; two heads of layer 1 look for the place whose
previous token has the code of the current one and put the token found there to the output: "A B ... A"
continues with "B" (Elhage et al., 2021; Olsson et al., 2022). Without it a model of this size needs many
minutes until copying emerges.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

EMBEDDING_SCALE = 8.0
CONSTANT = 0.2
CODE_SIZE = 32
SLOW_FREQUENCY = 0.02


@torch.no_grad()
def plant_induction(model: LlamaForCausalLM, seed: int = 0) -> None:
    """Set embeddings and the first two layers; the rest keeps its initial values.

    The embeddings are scaled up by eight and the final norm down by as much: the logits stay the same, and
    the relative steps of the optimiser become small enough not to wipe out the circuit.
    """
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    width = config.hidden_size
    head = width // config.num_attention_heads
    embedding = model.model.embed_tokens.weight
    embedding.normal_(0, 0.05, generator=generator)
    embedding[:, 0] = CONSTANT
    reserved = torch.arange(width - CODE_SIZE, width)
    embedding[:, reserved] *= 0.1
    embedding *= EMBEDDING_SCALE
    model.model.norm.weight.fill_(1 / EMBEDDING_SCALE)
    code = _orthonormal(CODE_SIZE, width, generator)
    code[:, 0] = 0
    code[:, reserved] = 0
    _plant_previous_token(model, head, code, reserved, sharpness=40.0)
    _plant_matching(model, head, code, reserved, 8.0, generator)


def _plant_previous_token(
    model: LlamaForCausalLM, head: int, code: Tensor, reserved: Tensor, sharpness: float
) -> None:
    """Heads 0 and 1 of layer 0: attend one place back, write that token's code to the reserved dimensions."""
    attention = model.model.layers[0].self_attn
    frequencies = _frequencies(head)
    half = head // 2
    fast = frequencies > SLOW_FREQUENCY
    angle = torch.zeros(half)
    # A query turned by one step meets the key of the place before at its peak.
    size = math.sqrt(sharpness * math.sqrt(head)) / math.sqrt(float(fast.sum()))
    typical = _typical_norm_gain(model)
    for index in range(2):
        rows = slice(index * head, (index + 1) * head)
        key = torch.cat([torch.cos(angle), torch.sin(angle)]) * torch.cat([fast, fast])
        query = torch.cat([torch.cos(angle - frequencies), torch.sin(angle - frequencies)]) * torch.cat(
            [fast, fast]
        )
        for weight, direction in ((attention.k_proj.weight, key), (attention.q_proj.weight, query)):
            weight[rows] = 0
            weight[rows, 0] = direction * size / (CONSTANT * EMBEDDING_SCALE * typical)
        value = code
        attention.v_proj.weight[rows] = (
            value[:head]
            if head <= CODE_SIZE
            else torch.cat([value, torch.zeros(head - CODE_SIZE, code.shape[1])])
        )
        attention.o_proj.weight[:, rows] = 0
        attention.o_proj.weight[
            reserved[:head], torch.arange(rows.start, rows.start + min(head, CODE_SIZE))
        ] = 0.5


def _plant_matching(
    model: LlamaForCausalLM,
    head: int,
    code: Tensor,
    reserved: Tensor,
    sharpness: float,
    generator: torch.Generator,
) -> None:
    """Heads 0 and 1 of layer 1: find the place after an earlier copy of the current token, copy it."""
    attention = model.model.layers[1].self_attn
    slow = _frequencies(head) < SLOW_FREQUENCY
    places = torch.nonzero(torch.cat([slow, slow])).flatten()
    share = len(places)
    width = code.shape[1]
    for index in range(2):
        rows = slice(index * head, (index + 1) * head)
        start = index * share % CODE_SIZE
        chosen = (torch.arange(share) + start) % CODE_SIZE
        query, key = torch.zeros(head, width), torch.zeros(head, width)
        query[places] = code[chosen] * math.sqrt(sharpness)
        key[places, reserved[chosen]] = math.sqrt(sharpness)
        attention.q_proj.weight[rows] = query
        attention.k_proj.weight[rows] = key
        value = _orthonormal(head, width, generator)
        value[:, 0] = 0
        value[:, reserved] = 0
        attention.v_proj.weight[rows] = value
        attention.o_proj.weight[:, rows] = value.T * 2.0


def _frequencies(head: int, base: float = 10000.0) -> Tensor:
    return base ** (-torch.arange(0, head, 2).float() / head)


def _typical_norm_gain(model: LlamaForCausalLM) -> float:
    """What the first RMS norm multiplies an embedding by."""
    return float(model.model.embed_tokens.weight.pow(2).mean(1).rsqrt().mean())


def _orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    q, _ = torch.linalg.qr(torch.randn(columns, rows, generator=generator))
    return q.T.contiguous()


def copy_batch(rows: int, vocabulary: int, marks: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random tokens, then spans of them in random order: the exercise that tunes the circuit.

    Returns ids and labels, int64 [rows, length]; labels are -100 where nothing can be known (a span's start).
    """
    count = int(torch.randint(9, 71, (1,), generator=generator))
    ids, labels = [], []
    for _ in range(rows):
        first = torch.randint(marks, vocabulary, (count,), generator=generator)
        row, known = [first], [torch.full((count,), -100)]
        total = 0
        while total < count:
            length = int(torch.randint(3, 8, (1,), generator=generator))
            start = int(torch.randint(0, max(1, count - length), (1,), generator=generator))
            span = first[start : start + length]
            row.append(span)
            label = span.clone()
            label[0] = -100
            known.append(label)
            total += len(span)
        ids.append(torch.cat(row)[: 2 * count])
        labels.append(torch.cat(known)[: 2 * count])
    return torch.stack(ids), torch.stack(labels)
