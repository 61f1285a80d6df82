"""Causal models of transformers with their caches: a model and a prompt in, rows of next-token laws out.

The prompt is run once, for one row; its cache is repeated for as many rows as are begun. From then on a step
runs one token for each row, and rows that are re-ordered, repeated or dropped take their part of the cache
along (`reorder_cache`, which every kind of cache layer handles). Prefixes of different lengths are put
between prompt and future with a hole on their left, which attention is told to leave out; that is exact for
layers that attend to everything. For other layers (sliding windows, recurrent ones) the whole rows are run
again with padding on the left, as transformers itself does it.

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
from transformers.cache_utils import DynamicLayer
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from ..decoding.arguments import checked_integer, checked_number
from ..decoding.errors import ArgumentTypeError, ArgumentValueError
from ..decoding.generation_options import MOST_TEMPERATURE
from .language_model import LanguageModel, ModelRows, TokenIds, checked_token_ids


class CausalLanguageModel(LanguageModel):
    """What a causal model of transformers says after a prompt.

    model: decoder only. prompt_ids: its token ids, at least one.
    temperature, top_k, top_p, min_p: make another law of the model's, in transformers' order; None: not at
        all. Truncation knows nothing of a grammar: where it leaves no allowed token, a sequence dies.
    keeps_coverage: whether rows add up the attention that each prompt token got (`coverage`); the model has
    to
        be loaded with `attn_implementation="eager"`.

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
        self.device = model.device
        self._model = model
        self._prompt = torch.tensor([list(prompt_ids)], device=model.device)
        self._warpers = score_warpers(temperature, top_k, top_p, min_p)
        parameters = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        # The model itself, by identity: it must not be trained in between.
        self._identity = (model, tuple(map(int, prompt_ids)), temperature, top_k, top_p, min_p)
        self.keeps_coverage = keeps_coverage
        self.last_attention = torch.zeros(0)  # of the last pass: from each row's last token to the prompt
        self._start: tuple[Any, Tensor] | None = None  # the prompt's cache, and the law after it

    @property
    def identity(self) -> Hashable:
        return self._identity

    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        rows = len(prefixes)
        cache, log_probs = self._prompt_state()
        widest = max(map(len, prefixes))
        if widest == 0:
            return _CausalRows(self, _repeated(cache, rows), log_probs.expand(rows, -1), None)
        held = self._prompt.shape[1]
        padding = [widest - len(prefix) for prefix in prefixes]
        tokens = torch.tensor(
            [[0] * gap + list(prefix) for gap, prefix in zip(padding, prefixes, strict=True)],
            device=self.device,
        )
        if not any(padding):
            cache = _repeated(cache, rows)
            return _CausalRows(self, cache, self.run(tokens, cache, None), None)
        attends = torch.ones(rows, held + widest, dtype=torch.long, device=self.device)
        if all(type(layer) is DynamicLayer for layer in cache.layers):
            cache = _repeated(cache, rows)
            for row, gap in enumerate(padding):
                attends[row, held : held + gap] = 0
        else:
            cache = DynamicCache(config=self._model.config)
            tokens = torch.stack(
                [
                    _left_padded(self._prompt[0], row[gap:], held + widest)
                    for gap, row in zip(padding, tokens, strict=True)
                ]
            )
            for row, gap in enumerate(padding):
                attends[row, :gap] = 0
        after = self.run(tokens, cache, attends)
        # A row without tokens of its own ends in the hole, and its law is that after the prompt.
        is_empty = torch.tensor([[gap == widest] for gap in padding], device=self.device)
        return _CausalRows(self, cache, torch.where(is_empty, log_probs, after), attends)

    def run(self, tokens: Tensor, cache: Any, attends: Tensor | None) -> Tensor:
        """One forward pass. tokens: int64 [rows, n]; attends: int64 [rows, all so far], None: everywhere.

        Returns the law of the next token, float32 (float64 stays), shape [rows, logits].
        """
        self.n_forward_passes += 1
        self.n_row_passes += len(tokens)
        where: dict[str, Any] = {}
        if attends is not None:
            positions = (attends.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
            where = {"attention_mask": attends, "position_ids": positions}
        with torch.no_grad():
            output = self._model(
                input_ids=tokens,
                past_key_values=cache,
                use_cache=True,
                output_attentions=self.keeps_coverage,
                **where,
                **self._last_only,
            )
        logits = output.logits[:, -1]
        if self.keeps_coverage:
            self.last_attention = self._prompt_attention(output.attentions)
        logits = logits if logits.dtype == torch.float64 else logits.float()
        warped = self._warpers(cast(torch.LongTensor, tokens), cast(torch.FloatTensor, logits))
        return torch.log_softmax(warped, dim=-1)

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
        if self._start is None:
            cache = DynamicCache(config=self._model.config)
            self._start = (cache, self.run(self._prompt, cache, None))
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


def _left_padded(prompt: Tensor, tokens: Tensor, width: int) -> Tensor:
    row = torch.cat([prompt, tokens])
    return torch.cat([row.new_zeros(width - len(row)), row])


def score_warpers(
    temperature: float | None, top_k: int | None, top_p: float | None, min_p: float | None
) -> LogitsProcessorList:
    """transformers' own, in its order; an option that is None: not at all.

    Raises:
        ArgumentTypeError, ArgumentValueError: a number is out of bounds.
    """
    warpers = LogitsProcessorList()
    if temperature is not None and checked_number("temperature", temperature, above=0) != 1:
        warpers.append(
            TemperatureLogitsWarper(float(min(max(temperature, 1 / MOST_TEMPERATURE), MOST_TEMPERATURE)))
        )
    if top_k is not None:
        warpers.append(TopKLogitsWarper(checked_integer("top_k", top_k, least=1)))
    if top_p is not None and checked_number("top_p", top_p, above=0, most=1) < 1:
        warpers.append(TopPLogitsWarper(top_p))
    if min_p is not None:
        warpers.append(MinPLogitsWarper(checked_number("min_p", min_p, above=0, most=1)))
    return warpers
