"""Continuous batching over one causal model: rows that join and leave between two steps of the model.

Each row is a prompt and what was written after it. The cache of keys and values has the rows side by side,
aligned at their *ends*: a shorter row has a hole on its left, which attention is told to leave out, and each
row counts its positions from its own first token. A row therefore computes what it would compute alone. A
newcomer's prompt is run alone, without a hole (some models make NaN of tokens that attend to nothing); then
its cache is widened and put under that of the others. A row that leaves takes its part along, and columns
that nobody needs any more are cut off.

Layers with a sliding window get the full cache too, and the window is cut by the mask: it goes by distances
between columns, which holes on the left do not change. Models with other memories (recurrent layers) run one
row at a time. Cost of a change: one copy of the cache; of a step: that of transformers' own loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

from ..decoding.errors import UnsupportedModelError

_LAYERS_BY_COLUMN = {"full_attention", "sliding_attention"}


class Newcomer(NamedTuple):
    """Rows with one prompt: its keys and values, where it has tokens, and the logits after it."""

    cache: Any
    attends: Tensor
    logits: Tensor


class Batch:
    """The rows of one model. Not to be shared between threads.

    logits: of the next token of each row, float32 (float64 stays), shape [rows, logits].
    holds_several: whether there may be more than one row.

    Raises:
        UnsupportedModelError: the model is an encoder with a decoder.
    """

    def __init__(self, model: Any) -> None:
        if model.config.is_encoder_decoder:
            raise UnsupportedModelError(
                "the model must be a decoder alone", got=type(model), advice="serve a causal language model"
            )
        self._model = model
        parameters = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self.holds_several = _has_columns(model)
        self.clear()

    def clear(self) -> None:
        """Take all rows out."""
        self._cache: Any = None
        # int64 [rows, columns]: 1 where a row has a token.
        self._attends = torch.zeros(0, 0, dtype=torch.long, device=self._model.device)
        self.logits = torch.zeros(0, 0, device=self._model.device)

    @property
    def n_rows(self) -> int:
        """Rows that are in."""
        return len(self._attends)

    def join(self, prompts: Sequence[Sequence[int]], copies: Sequence[int]) -> None:
        """Put rows under those that are in: `copies[i]` of them, side by side, with prompt i (token ids)."""
        self.add([self.read(prompt, count) for prompt, count in zip(prompts, copies, strict=True)])

    def read(self, prompt: Sequence[int], count: int) -> Newcomer:
        """Run the model over a prompt, for so many rows. If it fails, nothing has changed."""
        # Without a configuration all layers keep every column.
        cache: Any = DynamicCache() if self.holds_several else DynamicCache(config=self._model.config)
        tokens = torch.tensor([list(prompt)], device=self._model.device)
        attends = torch.ones_like(tokens)
        logits = self._run(tokens, attends, cache)
        if count > 1:
            cache.reorder_cache(torch.zeros(count, dtype=torch.long, device=self._model.device))
        return Newcomer(cache, attends.expand(count, -1), logits.expand(count, -1))

    def add(self, newcomers: Sequence[Newcomer]) -> None:
        """Put rows that were read under those that are in."""
        if not newcomers:
            return
        parts = [Newcomer(self._cache, self._attends, self.logits)] if self.n_rows else []
        parts += newcomers
        columns = max(attends.shape[1] for _, attends, _ in parts)
        self._cache = _stacked([cache for cache, _, _ in parts], columns)
        self._attends = torch.cat([pad(rows, (columns - rows.shape[1], 0)) for _, rows, _ in parts])
        self.logits = torch.cat([logits for _, _, logits in parts])

    def keep(self, rows: Sequence[int]) -> None:
        """Take out all rows but these, which then have the numbers 0, 1 ... in this order."""
        if not rows:
            self.clear()
            return
        if list(rows) == list(range(self.n_rows)):
            return
        indices = torch.tensor(list(rows), device=self._model.device)
        self._cache.reorder_cache(indices)
        self._attends, self.logits = self._attends[indices], self.logits[indices]
        unused = int(self._attends.any(dim=0).to(torch.uint8).argmax())
        if unused:
            self._attends = self._attends[:, unused:]
            for layer in self._cache.layers:
                layer.keys = layer.keys[:, :, unused:].clone()  # a view would keep the memory
                layer.values = layer.values[:, :, unused:].clone()

    def step(self, token_ids: Sequence[int]) -> None:
        """Go on by one token in each row; `logits` are then those after it."""
        tokens = torch.tensor(list(token_ids), device=self._model.device).unsqueeze(1)
        self._attends = pad(self._attends, (0, 1), value=1)
        self.logits = self._run(tokens, self._attends, self._cache)

    def _run(self, tokens: Tensor, attends: Tensor, cache: Any) -> Tensor:
        where: dict[str, Any] = {"attention_mask": attends}
        if self._takes_positions:
            positions = (attends.cumsum(-1) - 1).clamp(min=0)
            where["position_ids"] = positions[:, -tokens.shape[1] :]
        with torch.inference_mode():
            output = self._model(
                input_ids=tokens, past_key_values=cache, use_cache=True, **where, **self._last_only
            )
            logits: Tensor = output.logits[:, -1]
            return logits if logits.dtype == torch.float64 else logits.float()


def _has_columns(model: Any) -> bool:
    """Whether all that a model remembers is one key and one value for each token and layer."""
    if getattr(model, "_is_stateful", False):
        return False
    configuration = model.config.get_text_config(decoder=True)
    return set(getattr(configuration, "layer_types", None) or ["full_attention"]) <= _LAYERS_BY_COLUMN


def _stacked(caches: Sequence[Any], columns: int) -> Any:
    """One cache with the rows of all, each with a hole on the left up to so many columns."""
    first = caches[0]
    if len(caches) > 1:
        for layer, *others in zip(*(cache.layers for cache in caches), strict=True):
            layer.keys = _stack([layer.keys, *(other.keys for other in others)], columns)
            layer.values = _stack([layer.values, *(other.values for other in others)], columns)
    return first


def _stack(parts: Sequence[Tensor], columns: int) -> Tensor:
    """parts: shape [rows, heads, columns of the part, width], on their left zeros."""
    return torch.cat([pad(part, (0, 0, columns - part.shape[-2], 0)) for part in parts])
