"""Samplers inside transformers' own `generate()`: `model.generate(..., custom_generate=tt.sample_rows, ...)`.

transformers hands over the prompts, already repeated for `num_return_sequences` and padded on the left, and
its generation configuration; what comes back is its own format, prompts and texts in rows, padded on the
right.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_instance
from ..decoding.compile import CompiledGrammar
from ..decoding.errors import ArgumentTypeError, ArgumentValueError
from ..decoding.sampling import Sampler, SamplingTask, check_sampler
from ..decoding.vocabulary import Vocabulary


def sample_rows(
    model: Any,
    input_ids: Tensor,
    logits_processor: Any = None,
    stopping_criteria: Any = None,
    generation_config: Any = None,
    *,
    sampler: Sampler | None = None,
    source: CompiledGrammar | Vocabulary | None = None,
    generator: torch.Generator | None = None,
    **model_kwargs: Any,
) -> Tensor:
    """One text of a sampler for each row.

    >>> rows = model.generate(
    ...     **inputs, custom_generate=tt.sample_rows, sampler=tt.SequentialMonteCarlo(8), source=compiled,
    ...     generator=torch.Generator().manual_seed(0), max_new_tokens=60)

    input_ids, and attention_mask among the rest: int64, shape [rows, tokens]. sampler, source, generator: the
    sampler, the compiled
        grammar (or a vocabulary where there is none), and the source of chance on the device of the model.
    Temperature, top-k and top-p of the generation configuration count where `do_sample` is set.

    Returns int64, shape [rows, tokens + longest text].

    Raises:
        ArgumentTypeError, ArgumentValueError: one of the three is missing, or other logits processors are
        given. ConstraintError: as `tt.generate` with a sampler.
    """
    check_sampler(sampler, model, None)
    checked_instance("source", source, (CompiledGrammar, Vocabulary), "a CompiledGrammar or a Vocabulary")
    checked_instance("generator", generator, torch.Generator, "a torch.Generator")
    if logits_processor:
        raise ArgumentValueError(
            "logits_processor: samplers draw from the model's own law",
            got=[type(p) for p in logits_processor],
        )
    if sampler is None or source is None or generator is None:
        raise ArgumentTypeError("sampler, source and generator are needed")
    attention_mask = model_kwargs.get("attention_mask")
    n_new = generation_config.max_length - input_ids.shape[1]
    warping = {}
    if generation_config.do_sample:
        values = {
            name: getattr(generation_config, name) for name in ("temperature", "top_k", "top_p", "min_p")
        }
        warping = {name: value for name, value in values.items() if value}  # top_k=0: all tokens
    rows = []
    for index, row in enumerate(input_ids.tolist()):
        kept = (
            row
            if attention_mask is None
            else [t for t, m in zip(row, attention_mask[index], strict=True) if m]
        )
        task = SamplingTask(model, tuple(kept), source, n_new, warping)
        rows.append(row + list(sampler.draw(task, generator).token_ids))
    width = max(map(len, rows))
    vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
    padding = vocabulary.eos_token_ids[0]
    if generation_config.pad_token_id is not None:
        padding = generation_config.pad_token_id
    padded = [row + [padding] * (width - len(row)) for row in rows]
    return torch.tensor(padded, dtype=input_ids.dtype, device=input_ids.device)
