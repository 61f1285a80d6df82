"""Samplers inside transformers' own `generate()`: `model.generate(..., custom_generate=tt.sample_rows, ...)`.

transformers hands over the prompts, already repeated for `num_return_sequences` and padded on the left, and
its generation configuration; what comes back is its own format, prompts and texts in rows, padded on the
right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.generation.stopping_criteria import EosTokenCriteria, MaxLengthCriteria

from ..decoding.arguments import checked_instance
from ..decoding.compile import CompiledGrammar
from ..decoding.compiled_length import CompiledLength
from ..decoding.errors import ArgumentTypeError, ArgumentValueError
from ..decoding.sampling import Sampler, SamplingTask, check_sampler, draw_texts
from ..decoding.vocabulary import Vocabulary

_SOURCES = (CompiledGrammar, CompiledLength, Vocabulary)
_WARPERS = {
    TemperatureLogitsWarper: "temperature",
    TopKLogitsWarper: "top_k",
    TopPLogitsWarper: "top_p",
    MinPLogitsWarper: "min_p",
}


def sample_rows(
    model: Any,
    input_ids: Tensor,
    logits_processor: Any = None,
    stopping_criteria: Any = None,
    generation_config: Any = None,
    *,
    sampler: Sampler | None = None,
    source: CompiledGrammar | CompiledLength | Vocabulary | None = None,
    generator: torch.Generator | None = None,
    **model_kwargs: Any,
) -> Tensor:
    """One text of a sampler for each row.

    >>> rows = model.generate(
    ...     **inputs, custom_generate=tt.sample_rows, sampler=tt.SequentialMonteCarlo(8), source=compiled,
    ...     generator=torch.Generator().manual_seed(0), max_new_tokens=60)

    input_ids, and attention_mask among the rest: int64, shape [rows, tokens].
    sampler, source, generator: the sampler, the compiled grammar or length (or a vocabulary where there is
        none), and the source of chance on the device of the model.
    With `do_sample=True` temperature, top-k, top-p and min-p of the generation configuration count, as they
    always do; transformers' own top_k is 50 where nothing else is said.

    Returns int64, shape [rows, tokens + longest text].

    Raises:
        ArgumentTypeError, ArgumentValueError: one of the three is missing, or something is asked for that a
        sampler does not do. ConstraintError: as `tt.generate` with a sampler.
    """
    check_sampler(sampler, model, None)
    if sampler is None or source is None or generator is None:
        lacking = [name for name, value in (("source", source), ("generator", generator)) if value is None]
        raise ArgumentTypeError(
            f"sampler, source and generator are needed; {' and '.join(lacking)} is missing",
            advice="pass source=tt.compile_grammar(grammar, vocabulary) and "
            "generator=torch.Generator().manual_seed(0) to model.generate",
        )
    checked_instance(
        *("source", source, _SOURCES, "a CompiledGrammar, a CompiledLength or a Vocabulary"),
        "compile it: tt.compile_grammar(grammar, vocabulary)",
    )
    checked_instance("generator", generator, torch.Generator, "a torch.Generator")
    warping = _warping(logits_processor or ())
    vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
    _refuse_what_is_not_done(generation_config, stopping_criteria or (), vocabulary)
    attention_mask = model_kwargs.get("attention_mask")
    n_new = generation_config.max_length - input_ids.shape[1]
    places: dict[tuple[int, ...], list[int]] = {}  # of equal prompts, which are drawn for together
    rows = input_ids.tolist()
    for index, row in enumerate(rows):
        kept = (
            row
            if attention_mask is None
            else [t for t, m in zip(row, attention_mask[index], strict=True) if m]
        )
        places.setdefault(tuple(kept), []).append(index)
    for prompt_ids, equal in places.items():
        task = SamplingTask(model, prompt_ids, source, n_new, warping)
        for index, text in zip(equal, draw_texts(sampler, task, len(equal), generator), strict=True):
            rows[index] += text.token_ids
    width = max(map(len, rows))
    padding = vocabulary.eos_token_ids[0]
    if generation_config.pad_token_id is not None:
        padding = generation_config.pad_token_id
    padded = [row + [padding] * (width - len(row)) for row in rows]
    return torch.tensor(padded, dtype=input_ids.dtype, device=input_ids.device)


def _warping(processors: Iterable[Any]) -> dict[str, Any]:
    """What transformers has made of temperature and truncation.

    Raises:
        ArgumentValueError: there are other processors.
    """
    processors = list(processors)
    found = {_WARPERS.get(type(processor), ""): processor for processor in processors}
    if "" in found or len(found) < len(processors):
        raise ArgumentValueError(
            "logits_processor: samplers draw from the model's own law",
            got=[type(processor) for processor in processors if type(processor) not in _WARPERS],
            advice="leave out everything but temperature, top_k, top_p and min_p",
        )
    return {name: getattr(processor, name) for name, processor in found.items()}


def _refuse_what_is_not_done(settings: Any, stopping_criteria: Iterable[Any], vocabulary: Vocabulary) -> None:
    """Raise ArgumentValueError for what would be ignored."""
    kinds = (MaxLengthCriteria, EosTokenCriteria)
    others = [type(criterion) for criterion in stopping_criteria if type(criterion) not in kinds]
    if others:
        raise ArgumentValueError("stopping_criteria: a text ends with EOS or by its budget", got=others)
    for name, neutral in (("num_beams", 1), ("return_dict_in_generate", False)):
        value = getattr(settings, name, None)
        if value not in (None, neutral):
            raise ArgumentValueError(f"{name} must be {neutral} with sample_rows", got=value)
    eos = getattr(settings, "eos_token_id", None)
    named = set(eos if isinstance(eos, (list, tuple)) else [eos]) - {None}
    if named and named.isdisjoint(vocabulary.eos_token_ids):
        raise ArgumentValueError(
            f"eos_token_id must be one of those of source, {list(vocabulary.eos_token_ids)}", got=eos
        )
