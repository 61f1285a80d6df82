"""From a task of `generate()` to what samplers work on, and from their texts back to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ..decoding.arguments import checked_instance
from ..decoding.errors import ArgumentTypeError, ArgumentValueError
from ..decoding.rule_temperatures import has_temperatures
from ..decoding.sampling import SampledText, SamplingTask
from ..decoding.vocabulary import check_width
from .causal_model import CausalLanguageModel
from .constraint import Constraint, Predicate
from .language_model import LanguageModel, ModelRows, TokenIds
from .particles import Particle
from .tempered_rows import TemperedRows


def open_task(task: SamplingTask, predicate: Predicate | None) -> tuple[CausalLanguageModel, Constraint]:
    """The model's law after the prompt, and what its text has to obey."""
    model = CausalLanguageModel(task.model, task.prompt_ids, **task.warping)
    return model, open_constraint(task, predicate)


def open_constraint(task: SamplingTask, predicate: Predicate | None) -> Constraint:
    """What the text of a task has to obey."""
    return Constraint(task.source, predicate=predicate, max_new_tokens=task.max_new_tokens, tail=task.tail)


def close_task(
    particle: Particle, model: CausalLanguageModel, constraint: Constraint, **details: Any
) -> SampledText:
    """The text that was drawn, with what it cost beside what the sampler says of it."""
    cost = {
        "n_forward_passes": model.n_forward_passes,
        "n_row_passes": model.n_row_passes,
        "n_checks": constraint.n_checks,
    }
    return SampledText(list(particle.token_ids), particle.log_weight, {**details, **cost})


def check_run(model: Any, constraint: Any, generator: Any = ...) -> None:
    """Raise ArgumentTypeError unless a sampler can work with these. generator ...: none is needed."""
    checked_instance(
        "model", model, LanguageModel, "a LanguageModel", "wrap it: CausalLanguageModel(model, prompt_ids)"
    )
    checked_instance(
        *("constraint", constraint, Constraint, "a Constraint"),
        "wrap it: Constraint(compiled, max_new_tokens=60)",
    )
    if generator is not ...:
        checked_instance(
            *("generator", generator, torch.Generator, "a torch.Generator"),
            "make one, on the device of the model: torch.Generator().manual_seed(0)",
        )


def begin_rows(
    model: LanguageModel, constraint: Constraint, prefixes: Sequence[TokenIds] = ((),)
) -> ModelRows:
    """`model.begin`, for a model whose tokens are those of the constraint.

    In rules of its grammar that have a temperature, the law has that one.

    Raises:
        VocabularyError: it has another number of logits.
    """
    rows = model.begin(prefixes)
    check_width(rows.log_probs.shape[1], constraint.vocab_size)
    if has_temperatures(constraint.compiled):
        return TemperedRows(rows, constraint, prefixes, model.temperature)
    return rows


def checked_score(name: str, value: Any) -> float:
    """What a caller's function `name` says of a text: a number, -inf among them.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name} must return a number", got=value) from error
    if not number < math.inf:
        raise ArgumentValueError(f"{name} must return a finite number, or -inf", got=value)
    return number
