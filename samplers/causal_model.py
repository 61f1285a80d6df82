"""Causal models of transformers with their caches: a model and a prompt in, rows of next-token laws out.

The prompt is run once, for one row; its cache is repeated for as many rows as are begun. From then on a step
runs one token for each row, and rows that are re-ordered, repeated or dropped take their part of the cache
along (`reorder_cache`, which every kind of cache layer handles). Prefixes of different lengths are put
between prompt and future with a hole on their left, which attention is told to leave out; that is exact where
layers attend to everything and go by the positions that they are told. Elsewhere (sliding windows, recurrent
layers, ALiBi by place) the whole rows are run again with padding on the left, as transformers itself does it.
Models that keep no cache of this kind are run over whole rows for every token (`whole_rows.py`).

Temperature and truncation belong to the law: the target of a sampler is then the model that they make.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Hashable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from ..decoding.arguments import checked_integer, checked_number
from ..decoding.errors import ArgumentTypeError, ArgumentValueError, SamplingError
from ..decoding.rule_temperatures import bounded_temperature
from .language_model import LanguageModel, ModelRows, TokenIds, checked_token_ids
from .whole_rows import WholeRows


class CausalLanguageModel(LanguageModel):
    """What a causal model of transformers says after a prompt.

    model: decoder only. prompt_ids: its token ids, at least one.
    temperature, top_k, top_p, min_p: make another law of the model's, in transformers' order; None: not at
        all. Truncation knows nothing of a grammar: where it leaves no allowed token, a sequence dies.
    keeps_coverage: whether rows add up the attention that each prompt token got (`coverage`); the model has
        to be loaded with `attn_implementation="eager"`.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        model: Any,
        prompt_ids: TokenIds,
        *,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        keeps_coverage: bool = False,
    ) -> None:
        if not hasattr(model, "config") or getattr(model.config, "is_encoder_decoder", False):
            raise ArgumentTypeError("model must be a causal model of transformers", got=type(model))
        prompt_ids = checked_token_ids("prompt_ids", prompt_ids)
        if not prompt_ids:
            raise ArgumentValueError("prompt_ids must have at least one token", got=prompt_ids)
        n_known = model.get_input_embeddings().num_embeddings
        if max(prompt_ids) >= n_known:
            raise ArgumentValueError(
                f"prompt_ids must be below {n_known}, the tokens that the model knows",
                got=max(prompt_ids),
                advice="use the tokenizer that belongs to this model",
            )
        self.device = model.device
        self._model = model
        self._prompt = torch.tensor([list(prompt_ids)], device=model.device)
        self._warpers = score_warpers(temperature, top_k, top_p, min_p)
        self.temperature = 1.0 if temperature is None else bounded_temperature(temperature)
        parameters = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        named = [name for name in ("past_key_values", "cache_params") if name in parameters]
        self._cache_name = named[0] if named else None
        self._takes_positions = "position_ids" in parameters
        is_local = "local" in getattr(model.config, "attention_layers", ())  # GPT-Neo: windows by place
        self._goes_by_positions = self._takes_positions and not is_local
        # The model itself, by identity: it must not be trained in between.
        self._identity = (model, tuple(map(int, prompt_ids)), temperature, top_k, top_p, min_p)
        self.keeps_coverage = keeps_coverage
        self.last_attention = torch.zeros(0)  # of the last pass: from each row's last token to the prompt
        self._start: tuple[Any, Tensor] | None = None  # the prompt's cache, and the law after it

    @property
    def identity(self) -> Hashable:
        return self._identity

    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        cache, log_probs = self._prompt_state()
        if cache is None:
            return WholeRows(self._run_whole, prefixes)
        rows, lengths = len(prefixes), [len(prefix) for prefix in prefixes]
        if not any(lengths):
            return _CausalRows(self, _repeated(cache, rows), log_probs.expand(rows, -1), None)
        if self._may_go_on(cache, lengths):
            cache = _repeated(cache, rows)
            tokens, attends = _left_padded(prefixes, self.device)
            attends = torch.cat([attends.new_ones(rows, self._prompt.shape[1]), attends], dim=1)
        else:
            cache = DynamicCache(config=self._model.config)
            prompt = self._prompt[0].tolist()
            tokens, attends = _left_padded([[*prompt, *prefix] for prefix in prefixes], self.device)
        mask = attends if min(lengths) < max(lengths) else None
        after = self.run(tokens, cache, mask)
        # A row without tokens of its own ends in the hole, and its law is that after the prompt.
        is_empty = torch.tensor([[length == 0] for length in lengths], device=self.device)
        return _CausalRows(self, cache, torch.where(is_empty, log_probs, after), mask)

    def _may_go_on(self, cache: Any, lengths: list[int]) -> bool:
        """Whether tokens of these numbers may be run after the prompt's cache, with holes before the shorter
        ones.
        """
        kinds = {type(layer) for layer in cache.layers}
        if min(lengths) < max(lengths):
            return kinds == {DynamicLayer} and self._goes_by_positions
        # Recurrent layers take several tokens at once only where a text begins.
        return max(lengths) == 1 or kinds <= {DynamicLayer, DynamicSlidingWindowLayer}

    def run(self, tokens: Tensor, cache: Any, attends: Tensor | None) -> Tensor:
        """One forward pass. tokens: int64 [rows, n]; attends: int64 [rows, all so far], None: everywhere.

        Returns the law of the next token, float32 (float64 stays), shape [rows, logits].
        """
        where: dict[str, Any] = {}
        # Models of recurrent layers alone want the mask for what they are given, not for what they have read.
        if attends is not None and (self._cache_name != "cache_params" or tokens.shape == attends.shape):
            where["attention_mask"] = attends
            if self._takes_positions:
                where["position_ids"] = (attends.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        if self._cache_name is not None:
            where[self._cache_name] = cache
        return self._law_of(tokens, use_cache=cache is not None, **where)

    def _run_whole(self, rows: Sequence[TokenIds]) -> Tensor:
        """The law after the prompt and these tokens, as many for each row, without a cache."""
        prompts = self._prompt.expand(len(rows), -1)
        tokens = torch.tensor(rows, dtype=torch.long, device=self.device)
        return self._law_of(torch.cat([prompts, tokens], dim=1), use_cache=False)

    def _law_of(self, tokens: Tensor, **arguments: Any) -> Tensor:
        self.n_forward_passes += 1
        self.n_row_passes += len(tokens)
        with torch.no_grad():
            output = self._model(
                input_ids=tokens, output_attentions=self.keeps_coverage, **arguments, **self._last_only
            )
        logits = output.logits[:, -1]
        if self.keeps_coverage:
            self.last_attention = self._prompt_attention(output.attentions)
        logits = logits if logits.dtype == torch.float64 else logits.float()
        warped = self._warpers(cast(torch.LongTensor, tokens), cast(torch.FloatTensor, logits))
        log_probs = torch.log_softmax(warped, dim=-1)
        # One that is no number, or infinite, makes all of its row no numbers.
        if bool(log_probs[:, 0].isnan().any()):
            raise SamplingError(
                "the model gave scores that are no numbers, or infinite",
                advice="load it with another dtype, or look at its weights",
            )
        return log_probs

    def _prompt_attention(self, attentions: Any) -> Tensor:
        """Mean over layers and heads, float, shape [rows, prompt tokens].

        Raises:
            ArgumentTypeError: the model gives none.
        """
        if not attentions or attentions[0] is None:
            raise ArgumentTypeError(
                "the model must give attentions",
                got=type(self._model),
                advice="load it with attn_implementation='eager'",
            )
        n_prompt = self._prompt.shape[1]
        return torch.stack([layer[:, :, -1, :n_prompt].float().mean(1) for layer in attentions]).mean(0)

    def _prompt_state(self) -> tuple[Any, Tensor]:
        """The prompt's cache, None if the model keeps none, and the law after it."""
        if self._start is None:
            cache = DynamicCache(config=self._model.config)
            log_probs = self.run(self._prompt, cache, None)
            self._start = (cache if _is_filled(cache) else None, log_probs)
            if self._start[0] is None and self.keeps_coverage:
                raise ArgumentTypeError("coverage needs a model with a cache", got=type(self._model))
        return self._start


class _CausalRows(ModelRows):
    def __init__(
        self, model: CausalLanguageModel, cache: Any, log_probs: Tensor, attends: Tensor | None
    ) -> None:
        self._model = model
        self._cache = cache
        self._log_probs = log_probs
        self._attends = attends
        # Float, [rows, prompt tokens]: attention from the tokens written so far, added up.
        self.coverage = torch.zeros(len(log_probs), model.last_attention.shape[-1], device=log_probs.device)

    @property
    def log_probs(self) -> Tensor:
        return self._log_probs

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        rows = torch.tensor(list(parents), device=self._model.device)
        if list(parents) != list(range(len(self._log_probs))):
            self._cache.reorder_cache(rows)
        if self._attends is not None:
            kept = self._attends.index_select(0, rows)
            self._attends = torch.cat([kept, kept.new_ones(len(kept), 1)], dim=1)
        tokens = torch.tensor(list(token_ids), device=self._model.device).unsqueeze(1)
        covered = self.coverage.index_select(0, rows)
        self._log_probs = self._model.run(tokens, self._cache, self._attends)
        self.coverage = covered + self._model.last_attention if self._model.keeps_coverage else covered


def _repeated(cache: Any, rows: int) -> Any:
    """A cache of its own for each of the rows, from that of one row."""
    fresh = copy.deepcopy(cache)
    if rows > 1:
        fresh.reorder_cache(torch.zeros(rows, dtype=torch.long, device=_device_of(fresh)))
    return fresh


def _device_of(cache: Any) -> torch.device | None:
    keys = getattr(cache.layers[0], "keys", None) if cache.layers else None
    return None if keys is None else keys.device


def _is_filled(cache: Any) -> bool:
    """Whether a forward pass has written into all layers of a cache: else a state is kept elsewhere."""
    names = ("is_initialized", "is_conv_states_initialized", "is_recurrent_states_initialized")
    found = [[getattr(layer, name, False) for name in names] for layer in cache.layers]
    return bool(found) and all(
        any(any(value.values()) if isinstance(value, dict) else value for value in layer) for layer in found
    )


def _left_padded(rows: Sequence[TokenIds], device: Any) -> tuple[Tensor, Tensor]:
    """Token ids, and where there are any, int64 [rows, longest]."""
    longest = max(map(len, rows))
    tokens = [[0] * (longest - len(row)) + list(row) for row in rows]
    attends = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(tokens, device=device), torch.tensor(attends, device=device)


def score_warpers(
    temperature: float | None, top_k: int | None, top_p: float | None, min_p: float | None
) -> LogitsProcessorList:
    """transformers' own, in its order; an option that is None: not at all.

    Raises:
        ArgumentTypeError, ArgumentValueError: a number is out of bounds.
    """
    warpers = LogitsProcessorList()
    if temperature is not None and checked_number("temperature", temperature, above=0) != 1:
        warpers.append(TemperatureLogitsWarper(float(bounded_temperature(temperature))))
    if top_k is not None:
        warpers.append(TopKLogitsWarper(checked_integer("top_k", top_k, least=1)))
    if top_p is not None and checked_number("top_p", top_p, above=0, most=1) < 1:
        warpers.append(TopPLogitsWarper(top_p))
    if min_p is not None:
        warpers.append(MinPLogitsWarper(checked_number("min_p", min_p, above=0, most=1)))
    return warpers
