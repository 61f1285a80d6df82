"""`SelfTerminatingModel`: a causal model of transformers in, the same model with an end that is certain out.

The wrapper has no weights of its own. It takes the logits of the wrapped model and returns normalised
log-probabilities in their place, NMST or ST (formulas, laws and sources: `self_termination.py`), so that
cross-entropy, `Trainer`, `generate()` and every sampler work as before. With the gate "log_odds" and a small
epsilon an NMST model begins as exactly the model that was wrapped.

The step t counts generated tokens, 1 for the first, and is a function of columns alone: the column of the
prediction minus the column where the generated text starts. So the cached and the uncached model agree, and
left padding changes nothing. What ST has to remember, one number for each earlier column, lies in the cache
as one more layer, where beams reorder it and drafts that are thrown away are cropped with everything else.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, nll_loss
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.cache_utils import DynamicLayer
from transformers.modeling_outputs import CausalLMOutputWithPast

from ..grammars.errors import ConstraintError
from .arguments import checked_integer
from .errors import ArgumentTypeError, ArgumentValueError
from .self_termination import checked_form, log_ceilings, log_probabilities, split_logits, stops_by
from .training_examples import IGNORED_LABEL


class SelfTerminatingConfig(PreTrainedConfig):
    """What a `SelfTerminatingModel` is: the wrapped model's configuration and the form of the end.

    text_config: configuration of the wrapped model, or its dictionary with "model_type".
    form: "nmst" or "st". gate: "log_odds" or "logit" (`self_termination.split_logits`).
    epsilon: above 0 and below 1. What it costs in likelihood is about epsilon times the mean length, in nats
        for each token; what it leaves alone are lengths far below sqrt(2 / epsilon).
    eos_token_ids: the tokens that end a text; None: what the wrapped configuration names.

    Raises:
        ArgumentTypeError, ArgumentValueError: an option is of the wrong kind or out of bounds.
    """

    model_type = "tokentrellis_self_terminating"
    sub_configs: ClassVar[dict[str, Any]] = {"text_config": AutoConfig}

    def __init__(
        self,
        text_config: PreTrainedConfig | dict[str, Any] | None = None,
        *,
        form: str = "nmst",
        gate: str = "log_odds",
        epsilon: float = 1e-5,
        eos_token_ids: int | Sequence[int] | None = None,
        **options: Any,
    ) -> None:
        # transformers asks for a configuration without arguments, to see its defaults.
        inner = {"model_type": "gpt2"} if text_config is None else text_config
        if isinstance(inner, dict):
            if inner.get("model_type") not in CONFIG_MAPPING:
                raise ArgumentTypeError(
                    "text_config must name a model_type that transformers knows", got=inner.get("model_type")
                )
            inner = AutoConfig.for_model(**inner)
        if not isinstance(inner, PreTrainedConfig):
            raise ArgumentTypeError("text_config must be a configuration of transformers", got=inner)
        self.form, self.gate, self.epsilon = checked_form(form, gate, epsilon)
        own = inner.get_text_config(decoder=True)
        named = own.eos_token_id if eos_token_ids is None else eos_token_ids
        self.eos_token_ids = _checked_eos_token_ids(named, own.vocab_size)
        options.setdefault("tie_word_embeddings", False)  # the wrapped model ties its own
        options.setdefault("pad_token_id", getattr(own, "pad_token_id", None))
        options.setdefault("bos_token_id", getattr(own, "bos_token_id", None))
        options["eos_token_id"] = self.eos_token_ids
        super().__init__(**options)
        self.text_config = inner  # after super(), which would put its attention back to the default

    @property
    def vocab_size(self) -> int:
        """Number of logits."""
        return int(self.text_config.get_text_config(decoder=True).vocab_size)

    @property
    def hidden_size(self) -> int:
        """Width of the wrapped model."""
        return int(self.text_config.get_text_config(decoder=True).hidden_size)


class SelfTerminatingModel(PreTrainedModel, GenerationMixin):
    """A causal model whose texts end, whatever its weights are and however it is decoded.

        model = SelfTerminatingModel.from_model(model, epsilon=1e-4)
        model.stops_by(do_sample=True, top_p=0.9)  # tokens, EOS included
        model.save_pretrained(folder)  # safetensors
        model = SelfTerminatingModel.from_pretrained(folder)

    Train it on texts that end with an EOS token, as the wrapped model would be trained. Of several texts
    packed into one row only the first would have the right steps.
    """

    config_class = SelfTerminatingConfig
    base_model_prefix = "wrapped"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: SelfTerminatingConfig, wrapped: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.wrapped = AutoModelForCausalLM.from_config(config.text_config) if wrapped is None else wrapped
        self._no_split_modules = getattr(self.wrapped, "_no_split_modules", None)
        self._accepts = frozenset(inspect.signature(self.wrapped.forward).parameters)
        self.post_init()

    @classmethod
    def from_model(
        cls,
        model: PreTrainedModel,
        *,
        form: str = "nmst",
        gate: str = "log_odds",
        epsilon: float = 1e-5,
        eos_token_ids: int | Sequence[int] | None = None,
    ) -> SelfTerminatingModel:
        """Wrap a causal model of transformers; its weights are shared, not copied.

        Options as in `SelfTerminatingConfig`; without `eos_token_ids` those of the model's generation
        configuration, which may be several.

        Raises:
            ArgumentTypeError, ArgumentValueError: an option is of the wrong kind or out of bounds, or the
                model is no causal model, or no token is known that ends a text.
        """
        if not isinstance(model, PreTrainedModel) or not model.can_generate():
            raise ArgumentTypeError(
                "model must be a causal model of transformers",
                got=type(model) if isinstance(model, nn.Module) else model,
                advice="load one with AutoModelForCausalLM.from_pretrained(...)",
            )
        if model.config.is_encoder_decoder or isinstance(model, cls):
            raise ArgumentTypeError(
                "model must have a decoder only and must not be wrapped already", got=type(model)
            )
        if eos_token_ids is None:
            eos_token_ids = model.generation_config.eos_token_id
        config = SelfTerminatingConfig(
            model.config, form=form, gate=gate, epsilon=epsilon, eos_token_ids=eos_token_ids
        )
        generation = GenerationConfig(**model.generation_config.to_dict())
        generation.eos_token_id = config.eos_token_ids
        wrapper = cls(config, model)
        wrapper.generation_config = generation
        return wrapper.train(model.training)

    def stops_by(
        self,
        *,
        do_sample: bool = False,
        top_k: int | None = None,
        top_p: float | None = None,
        num_beams: int = 1,
        risk: float = 1e-9,
    ) -> int:
        """The number of generated tokens by which every text has ended; see `self_termination.stops_by`."""
        n_eos = len(self.config.eos_token_ids)
        options: dict[str, Any] = {"do_sample": do_sample, "top_k": top_k, "top_p": top_p, "risk": risk}
        return stops_by(self.config.epsilon, n_eos=n_eos, num_beams=num_beams, **options)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Any = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        response_start: int | Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        num_items_in_batch: int | Tensor | None = None,
        **options: Any,
    ) -> CausalLMOutputWithPast:
        """Log-probabilities of the next tokens, and with labels the loss.

        Args:
            input_ids, attention_mask, position_ids, past_key_values, inputs_embeds, use_cache: as the wrapped
                model takes them. Without `position_ids`, padded columns are not counted.
            labels: int64, shape [rows, columns], `IGNORED_LABEL` where nothing is to be learnt; the label of
                a column is the token of this column, as everywhere in transformers.
            response_start: column of the first generated token, whose step is 1, counted from the beginning
                of the row with padding and cached columns: an int, or int64 of shape [rows]. `generate()`
                sets it. Default: the first label that counts; without labels the second token that is not
                padding.
            logits_to_keep: only so many last columns; 0: all.
            num_items_in_batch: what the sum of the loss is divided by; None: the labels that count.

        Returns:
            logits: log-probabilities, float32 (float64 if the model's are), shape [rows, columns, tokens].
                In a prompt, before the first step, they are those of the gate alone.
            loss: mean negative log-probability of the labels that count: those that are not ignored and
                follow a column that is not padding. 0 if there are none.

        Raises:
            ArgumentTypeError, ArgumentValueError: labels or `response_start` of the wrong kind or shape.
            ConstraintError: labels with `logits_to_keep`; a cache that this model did not fill.
        """
        n_rows, n_columns = self._shape(input_ids, inputs_embeds)
        logits_to_keep = checked_integer("logits_to_keep", logits_to_keep, least=0)
        if labels is not None:
            _check_labels(labels, (n_rows, n_columns), logits_to_keep)
        past = 0 if past_key_values is None else int(past_key_values.get_seq_length())
        mask = attention_mask if isinstance(attention_mask, Tensor) and attention_mask.ndim == 2 else None
        is_learnt = None if labels is None else _learnt(labels, None if mask is None else mask[:, past:])
        starts = _starts(response_start, n_rows, past, mask, is_learnt)
        if position_ids is None and mask is not None:
            position_ids = (mask.long().cumsum(1) - 1).clamp(min=0)[:, past:]
        keep = logits_to_keep
        if keep and self.config.form == "st":
            keep = min(n_columns, max(keep, past + n_columns - int(starts.min()) + 1))
        outputs = self._call_wrapped(
            options,
            input_ids=input_ids,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids if "position_ids" in self._accepts else None,
            past_key_values=past_key_values,
            use_cache=use_cache,
            logits_to_keep=keep if keep and "logits_to_keep" in self._accepts else None,
        )
        logits = self._log_probabilities(outputs, starts.to(outputs.logits.device), past, n_columns)
        if logits_to_keep:
            logits = logits[:, -logits_to_keep:]
        loss = None
        if labels is not None and is_learnt is not None:
            loss = _loss(logits, labels, is_learnt, num_items_in_batch)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.get("past_key_values"),
            hidden_states=outputs.get("hidden_states"),
            attentions=outputs.get("attentions"),
        )

    def generate(self, inputs: Tensor | None = None, *arguments: Any, **options: Any) -> Any:
        """transformers' `generate()`, which is told where the generated text starts."""
        prompt = options.get("inputs_embeds")
        if prompt is None:
            prompt = options.get("input_ids") if inputs is None else inputs
        if options.get("response_start") is None:
            # Without a prompt, generate() begins with the token that begins texts.
            options["response_start"] = prompt.shape[1] if isinstance(prompt, Tensor) else 1
        return GenerationMixin.generate(cast(Any, self), inputs, *arguments, **options)

    def get_input_embeddings(self) -> nn.Module:
        return self.wrapped.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.wrapped.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module | None:
        return self.wrapped.get_output_embeddings()

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        self.wrapped.set_output_embeddings(new_embeddings)

    def _call_wrapped(self, options: dict[str, Any], **inputs: Any) -> Any:
        """The wrapped model's outputs for those inputs that are not None."""
        given = {name: value for name, value in inputs.items() if value is not None}
        return self.wrapped(**given, **{**options, "return_dict": True})

    def _log_probabilities(self, outputs: Any, starts: Tensor, past: int, n_columns: int) -> Tensor:
        """From the wrapped model's outputs; starts: int64, shape [rows or 1, 1]."""
        config = self.config
        gates, shares = split_logits(outputs.logits, config.eos_token_ids, config.gate)
        n_kept = gates.shape[1]
        first = past + n_columns - n_kept
        predicted = torch.arange(first + 1, first + 1 + n_kept, device=gates.device)
        steps = predicted[None] - starts + 1
        before = torch.zeros_like(gates[:, :1])
        if config.form == "st":
            before = _remembered(outputs.get("past_key_values"), gates, steps, past, n_columns)
        ceilings = log_ceilings(config.form, gates, steps, config.epsilon, before)
        return log_probabilities(gates, shares, ceilings, config.eos_token_ids)

    def _get_candidate_generator(self, *arguments: Any, **options: Any) -> Any:
        """A draft model that is no model of this kind takes no `response_start`."""
        kept = dict(options.get("model_kwargs", {}))
        if not isinstance(options.get("assistant_model"), SelfTerminatingModel):
            kept.pop("response_start", None)
        options["model_kwargs"] = kept
        return GenerationMixin._get_candidate_generator(cast(Any, self), *arguments, **options)

    @staticmethod
    def _shape(input_ids: object, inputs_embeds: object) -> tuple[int, int]:
        given = input_ids if inputs_embeds is None else inputs_embeds
        n_dimensions = 2 if inputs_embeds is None else 3
        if not isinstance(given, Tensor) or given.ndim != n_dimensions:
            raise ArgumentTypeError(
                "input_ids must have the shape [rows, columns], or inputs_embeds [rows, columns, width]",
                got=getattr(given, "shape", given),
            )
        return given.shape[0], given.shape[1]


class _SurvivalLayer(DynamicLayer):
    """A layer of a cache with log(1 - s) of each column (0 in the prompt): shape [rows, 1, columns, 1]."""


def _remembered(cache: Any, gates: Tensor, steps: Tensor, past: int, n_columns: int) -> Tensor:
    """The sum of log(1 - s) over the generated columns before these, shape [rows, 1]. Caches these, too."""
    zero = torch.zeros_like(gates[:, :1])
    if cache is None:
        return zero
    layers = [layer for layer in cache.layers if isinstance(layer, _SurvivalLayer)]
    if not layers:
        if past:
            raise ConstraintError(
                "past_key_values must be a cache that this model has filled",
                got=type(cache),
                advice="let this model read the prompt, too",
            )
        layers = [_SurvivalLayer()]
        cache.layers.extend(layers)
    with torch.no_grad():
        survived = torch.where(steps >= 1, logsigmoid(-gates), 0)
        unseen = survived.new_zeros(len(gates), n_columns - gates.shape[1])  # columns without logits
        new = torch.cat([unseen, survived], dim=1)[:, None, :, None]
        everything, _ = layers[0].update(new, new)
        return everything[:, 0, :past, 0].sum(1, keepdim=True) if past else zero


def _starts(
    given: int | Tensor | None, n_rows: int, past: int, mask: Tensor | None, is_learnt: Tensor | None
) -> Tensor:
    """The column of the first generated token of each row: int64, shape [rows or 1, 1]."""
    if isinstance(given, Tensor):
        if given.is_floating_point() or given.numel() not in (1, n_rows):
            raise ArgumentTypeError("response_start must hold an integer for each row", got=given.shape)
        return given.reshape(-1, 1).long()
    if given is not None:
        return torch.tensor([[checked_integer("response_start", given, least=0, most=2**62)]])
    if is_learnt is not None:
        # argmax gives the first of the greatest; a row with nothing to learn is all prompt.
        first = past + 1 + is_learnt.long().argmax(1)
        return torch.where(is_learnt.any(1), first, past + is_learnt.shape[1] + 1)[:, None]
    if mask is not None:
        return (mask.long() != 0).long().argmax(1)[:, None] + 1
    return torch.ones(1, 1, dtype=torch.int64)


def _learnt(labels: Tensor, mask: Tensor | None) -> Tensor:
    """Which labels from the second column on count: bool, shape [rows, columns - 1]."""
    counts = labels[:, 1:] != IGNORED_LABEL
    return counts if mask is None else counts & (mask[:, :-1] != 0).to(counts.device)


def _loss(
    log_probs: Tensor, labels: Tensor, is_learnt: Tensor, num_items_in_batch: int | Tensor | None
) -> Tensor:
    targets = labels[:, 1:].masked_fill(~is_learnt, IGNORED_LABEL).to(log_probs.device)
    flat = log_probs[:, :-1].reshape(-1, log_probs.shape[-1])
    total = nll_loss(flat, targets.reshape(-1), ignore_index=IGNORED_LABEL, reduction="sum")
    if num_items_in_batch is None:
        return total / is_learnt.sum().clamp(min=1).to(total.device)
    if isinstance(num_items_in_batch, Tensor):
        num_items_in_batch = num_items_in_batch.to(total.device)
    return total / num_items_in_batch


def _check_labels(labels: object, shape: tuple[int, int], logits_to_keep: int) -> None:
    is_right = isinstance(labels, Tensor) and labels.dtype == torch.int64 and tuple(labels.shape) == shape
    if not is_right:
        raise ArgumentTypeError(
            f"labels must be int64 of shape {list(shape)}, that of input_ids",
            got=(labels.dtype, labels.shape) if isinstance(labels, Tensor) else labels,
        )
    if logits_to_keep:
        raise ConstraintError("labels need all logits", got=logits_to_keep, advice="take out logits_to_keep")


def _checked_eos_token_ids(value: Any, vocab_size: int) -> list[int]:
    """Distinct ids, at least one, and not all tokens."""
    if value is None:
        raise ArgumentTypeError("eos_token_ids must name a token that ends a text", got=None)
    members = list(value) if isinstance(value, (list, tuple)) else [value]
    ids = [checked_integer("eos_token_ids", member, least=0, most=vocab_size - 1) for member in members]
    if not 1 <= len(set(ids)) < vocab_size or len(set(ids)) < len(ids):
        raise ArgumentValueError(
            "eos_token_ids must be different tokens, at least one and not all of them", got=value
        )
    return ids


AutoConfig.register(SelfTerminatingConfig.model_type, SelfTerminatingConfig, exist_ok=True)
AutoModelForCausalLM.register(SelfTerminatingConfig, SelfTerminatingModel, exist_ok=True)
