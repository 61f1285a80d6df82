"""Models with a countdown: a causal model of transformers in, the same model that can be told a length out.

`add_countdown` gives the model a class of its own, derived from the one that it had: `forward` takes two more
arguments and adds the signal of `countdown.py` to the input embeddings, `generate` takes a target. All else
stays as it was (names of layers and weights, caches, attention, saving), so the plain `Trainer`, PEFT and
`generate()` with all its strategies work unchanged; and without a target the model is the one from before.
A column's place in the response is its place in the sequence, which the cache knows, minus that of the first
response token, so padding on the left changes nothing. Cost of a step: one vector for each row.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import torch
import transformers
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from .arguments import checked_instance, checked_integer
from .countdown import Countdown, CountdownSignal
from .errors import ArgumentTypeError, ArgumentValueError, NoAllowedTokenError
from .self_termination import eos_mask

PREFIX = "Countdown"
# What transformers raises for a folder that is no model, or for options that it does not know.
_LOADING_ERRORS = (OSError, ValueError, ImportError, LookupError, AttributeError, RuntimeError, TypeError)

Target = int | Sequence[int | None] | torch.Tensor


class CountdownMixin:
    """What the class of a model with a countdown has beside what the model's own class has.

    Attributes:
        countdown: the module that adds the signal; `countdown.settings` says which. With a gate it is to be
            trained: name it to PEFT with `modules_to_save=["countdown"]`.
    """

    countdown: CountdownSignal
    config: Any
    generation_config: Any
    _target_length: Target | None = None

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)  # type: ignore[call-arg]
        settings = getattr(config, "countdown", None)
        if not isinstance(settings, dict):
            raise ArgumentValueError(
                "the configuration must say which countdown the model has",
                got=settings,
                advice="use add_countdown(model, Countdown(...)) for a model without one",
            )
        self.countdown = CountdownSignal(Countdown(**settings), _embedding_of(self).shape[1])

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, CountdownSignal):
            if module.gate is not None:
                torch.nn.init.zeros_(module.gate)
            return
        cast(Any, super())._init_weights(module)

    def generate(
        self, inputs: Any = None, *arguments: Any, target_length: Target | None = None, **options: Any
    ) -> Any:
        """transformers' `generate` with a target.

        target_length: tokens to generate, EOS included: one number, or one for each prompt (None or 0: no
            target). With `Countdown(at_most=True)` they are bounds that no output exceeds: EOS is forced
            there, and `max_new_tokens` is the largest of them unless it is given.

        Raises:
            ArgumentTypeError, ArgumentValueError: the target is no number of tokens, or there is not one for
                each prompt, or an end is to be forced and no end-of-sequence token is known.
        """
        parent = cast(Any, super())
        if target_length is None:
            target_length = self._target_length
        if target_length is None:
            return parent.generate(inputs, *arguments, **options)
        prompt = next(
            (
                value
                for value in (inputs, options.get("input_ids"), options.get("inputs_embeds"))
                if value is not None
            ),
            None,
        )
        if not isinstance(prompt, torch.Tensor) or prompt.ndim < 2:
            raise ArgumentTypeError(
                "a target needs a prompt: a tensor of token ids, [rows, tokens]", got=prompt
            )
        targets = _checked_targets(target_length, len(prompt)).to(prompt.device)
        options["target_length"] = targets
        options["response_start"] = torch.full_like(targets, prompt.shape[1])
        if self.countdown.settings.at_most:
            self._force_the_end(targets, prompt.shape[1], arguments, options)
        return parent.generate(inputs, *arguments, **options)

    @contextmanager
    def counting_down_from(self, target_length: Target) -> Iterator[None]:
        """Inside, every `generate` of this model that names no target has this one: `tt.generate` too."""
        before = self._target_length
        self._target_length = target_length
        try:
            yield
        finally:
            self._target_length = before

    def _force_the_end(
        self, targets: torch.Tensor, prompt_width: int, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        """Put a processor that ends each row at its bound behind those of the caller."""
        configuration = options.get("generation_config") or next(iter(arguments), None)
        eos = options.get("eos_token_id")
        for known in (configuration, self.generation_config):
            eos = getattr(known, "eos_token_id", None) if eos is None else eos
        eos_token_ids = [eos] if isinstance(eos, int) else list(eos or [])
        if not eos_token_ids:
            raise ArgumentValueError(
                "a bound needs the token that ends a text", got=eos, advice="give eos_token_id"
            )
        wall = ForcedEndProcessor(targets, prompt_width, eos_token_ids)
        options["logits_processor"] = LogitsProcessorList([*(options.get("logits_processor") or []), wall])
        if configuration is None and not {"max_new_tokens", "max_length"} & set(options) and targets.all():
            options["max_new_tokens"] = int(targets.max())


class ForcedEndProcessor(LogitsProcessor):
    """Leaves only EOS to a row that has one token left: no output is longer than its target.

    target_length: int64 [prompts], tokens to generate, EOS included; 0: this row has no bound.
    prompt_width: tokens of the prompts, padding included. eos_token_ids: any of them may be the end.
    """

    def __init__(self, target_length: torch.Tensor, prompt_width: int, eos_token_ids: Sequence[int]) -> None:
        self._target_length = target_length
        self._prompt_width = prompt_width
        self._eos_token_ids = list(eos_token_ids)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """A copy of the scores [rows, logits] with -inf at all but EOS in the rows that must end now.

        Raises:
            NoAllowedTokenError: such a row may not end, for another processor forbids it.
        """
        rows_of_prompt = len(input_ids) // len(self._target_length)  # beams, several samples for a prompt
        targets = self._target_length.to(scores.device).repeat_interleave(rows_of_prompt)
        n_generated = input_ids.shape[1] - self._prompt_width
        must_end = (targets > 0) & (targets <= n_generated + 1)
        excluded = must_end.unsqueeze(-1) & ~eos_mask(scores, self._eos_token_ids)
        result = scores.masked_fill(excluded, float("-inf"))
        stuck = must_end & (scores[:, self._eos_token_ids] == float("-inf")).all(dim=1)
        for row in stuck.nonzero().flatten().tolist():
            raise NoAllowedTokenError(
                input_ids[row, self._prompt_width :].tolist(),
                message="the bound asks for the end here, and another processor forbids it",
                advice="give GrammarProcessor the target as max_new_tokens",
            )
        return cast(torch.FloatTensor, result)


def add_countdown(model: Any, settings: Countdown | None = None) -> Any:
    """Give a causal model a countdown, in place, and return it.

    model: of transformers, text only, decoder only; its `forward` must take `inputs_embeds`, as nearly all
        do. For PEFT add the countdown first, then wrap.
    settings: None: `Countdown()`. What they leave open is fitted to the model's embeddings.

    The model then takes, in `forward`, `target_length` and `response_start` (int64 [rows], see
    `CountdownSignal`), and in `generate` a `target_length`. It is to be trained with `CountdownCollator`.

    Raises:
        ArgumentTypeError: this is no such model, or these are no settings.
        ArgumentValueError: it has a countdown already, or embeddings of odd width.
    """
    settings = Countdown() if settings is None else settings
    checked_instance("settings", settings, Countdown, "a Countdown")
    if isinstance(model, CountdownMixin):
        raise ArgumentValueError("the model has a countdown already", got=model.countdown)
    if not isinstance(model, PreTrainedModel):
        raise ArgumentTypeError(
            "model must be a causal model of transformers",
            got=type(model) if isinstance(model, torch.nn.Module) else model,
            advice="add the countdown before PEFT or anything else wraps the model",
        )
    derived = _derived_class(cast(Any, type(model)))
    embedding = _embedding_of(model)
    fitted = settings.fitted_to(embedding)
    model.__class__ = derived
    model.config.countdown = fitted.to_dict()
    signal = CountdownSignal(fitted, embedding.shape[1])
    cast(Any, model).countdown = signal.to(embedding.device, embedding.dtype).train(model.training)
    return model


def load_countdown_model(path: str | os.PathLike[str], *, dtype: Any = None, device_map: Any = None) -> Any:
    """Load a model that was saved with its countdown by `save_pretrained`, from a folder or a hub.

    dtype, device_map: as for transformers' `from_pretrained`.

    Raises:
        ArgumentTypeError: path is neither a folder nor a name.
        ArgumentValueError: the model in this place has no countdown, or cannot be loaded.
    """
    checked_instance("path", path, (str, os.PathLike), "a folder or a name")
    options = {"dtype": dtype, "device_map": device_map}
    given = {name: value for name, value in options.items() if value is not None}
    try:
        config = transformers.AutoConfig.from_pretrained(path)
        if hasattr(config, "countdown"):
            base = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
            return _derived_class(base).from_pretrained(path, config=config, **given)
    except _LOADING_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArgumentValueError(f"the model cannot be loaded ({reason})", got=str(path)) from error
    raise ArgumentValueError("path must lead to a model with a countdown", got=str(path))


@cache
def _derived_class(base: Any) -> Any:
    """The class of models of class `base` with a countdown.

    Raises:
        ArgumentTypeError: models of this class cannot have one.
    """
    parameters = inspect.signature(base.forward).parameters
    is_causal = base.can_generate() and "inputs_embeds" in parameters
    if not is_causal or "decoder_input_ids" in parameters:
        raise ArgumentTypeError(
            "model must generate text, have no encoder, and take inputs_embeds", got=base.__name__
        )
    name = PREFIX + base.__name__
    members = {"forward": _forward_of(base), "__doc__": f"`{base.__name__}` with a countdown."}
    derived = type(name, (CountdownMixin, base), {**members, "__module__": __name__})
    globals()[name] = derived  # where pickle looks for it
    return derived


def __getattr__(name: str) -> Any:
    """Classes that were derived in another process, for pickle."""
    base = getattr(transformers, name.removeprefix(PREFIX), None) if name.startswith(PREFIX) else None
    if not isinstance(base, type):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _derived_class(base)


def _forward_of(base: Any) -> Callable[..., Any]:
    """`base.forward` with the two new arguments; the signature shows them, for Trainer and generate()."""
    signature = inspect.signature(base.forward)
    positional = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ][1:]

    def forward(
        self: Any, *arguments: Any, target_length: Any = None, response_start: Any = None, **options: Any
    ) -> Any:
        options.update(zip(positional, arguments, strict=False))
        if target_length is not None:
            _add_signal(self, options, target_length, response_start)
        return base.forward(self, **options)

    parameters = list(signature.parameters.values())
    place = len(parameters) - (parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
    parameters[place:place] = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in ("target_length", "response_start")
    ]
    cast(Any, forward).__signature__ = signature.replace(parameters=parameters)
    return forward


def _add_signal(model: Any, options: dict[str, Any], target_length: Any, response_start: Any) -> None:
    """Put embeddings with the signal in the place of the token ids."""
    if not isinstance(target_length, torch.Tensor) or not isinstance(response_start, torch.Tensor):
        raise ArgumentTypeError(
            "target_length and response_start must be tensors of integers, [rows]",
            got=[target_length, response_start],
            advice="train with CountdownCollator, and give generate() the target_length",
        )
    embeddings = options.get("inputs_embeds")
    if embeddings is None:
        embeddings = model.get_input_embeddings()(options.pop("input_ids"))
    rows = embeddings.shape[:1]
    if target_length.shape != rows or response_start.shape != rows:
        raise ArgumentValueError(
            f"target_length and response_start must have the shape {tuple(rows)}",
            got=[tuple(target_length.shape), tuple(response_start.shape)],
        )
    past = options.get("past_key_values")
    first = 0 if past is None else past.get_seq_length()
    columns = torch.arange(embeddings.shape[1], device=embeddings.device) + first
    options["inputs_embeds"] = model.countdown(
        embeddings, columns, response_start.to(embeddings.device), target_length.to(embeddings.device)
    )


def _embedding_of(model: Any) -> torch.Tensor:
    """The weights of the input embeddings, [tokens, width]."""
    return model.get_input_embeddings().weight


def _checked_targets(target_length: Any, rows: int) -> torch.Tensor:
    """int64 [rows]; 0 where there is no target."""
    if isinstance(target_length, torch.Tensor):
        target_length = target_length.tolist()
    if isinstance(target_length, Sequence) and not isinstance(target_length, (str, bytes)):
        if len(target_length) != rows:
            raise ArgumentValueError(
                f"target_length must have one number for each of {rows} prompts", got=len(target_length)
            )
        values = [
            0 if value is None else checked_integer("target_length", value, least=0, most=2**31)
            for value in target_length
        ]
    else:
        values = [checked_integer("target_length", target_length, least=0, most=2**31)] * rows
    return torch.tensor(values, dtype=torch.int64)
