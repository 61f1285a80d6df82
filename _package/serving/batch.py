"""Continuous batching over one causal model: rows that join and leave between two steps of the model.

Each row is a prompt and what was written after it. The cache of keys and values has the rows side by side,
aligned at their *ends*: a shorter row has a hole on its left, which attention is told to leave out, and each
row counts its positions from its own first token. A row therefore computes what it would compute alone.
Newcomers are run once, beside each other in a cache of their own, which is then widened and put under that of
the others; a row that leaves takes its part along, and columns that nobody needs any more are cut off.

Layers with a sliding window get the full cache too, and the window is cut by the mask: it goes by distances
between columns, which holes on the left do not change. Models with other memories (recurrent layers) run one
row at a time. Cost of a change: one copy of the cache; of a step: that of transformers' own loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

from ..decoding.errors import UnsupportedModelError

_LAYERS_BY_COLUMN = {"full_attention", "sliding_attention"}


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
        """Put rows under those that are in: `copies[i]` rows, side by side, with the token ids of prompt i."""
        width = max(map(len, prompts))
        holes = [width - len(prompt) for prompt in prompts]
        tokens = [[0] * hole + list(prompt) for hole, prompt in zip(holes, prompts, strict=True)]
        attends = torch.ones(len(prompts), width, dtype=torch.long)
        for row, hole in enumerate(holes):
            attends[row, :hole] = 0
        attends = attends.to(self._model.device)
        # Without a configuration all layers keep every column.
        cache: Any = DynamicCache() if self.holds_several else DynamicCache(config=self._model.config)
        logits = self._run(torch.tensor(tokens, device=self._model.device), attends, cache)
        if any(count != 1 for count in copies):
            rows = [row for row, count in enumerate(copies) for _ in range(count)]
            indices = torch.tensor(rows, device=self._model.device)
            cache.reorder_cache(indices)
            attends, logits = attends[indices], logits[indices]
        if self.n_rows == 0:
            self._cache, self._attends, self.logits = cache, attends, logits
            return
        columns = max(attends.shape[1], self._attends.shape[1])
        self._cache = _stacked(_widened(self._cache, columns), _widened(cache, columns))
        both = [pad(rows, (columns - rows.shape[1], 0)) for rows in (self._attends, attends)]
        self._attends = torch.cat(both)
        self.logits = torch.cat([self.logits, logits])

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


def _widened(cache: Any, columns: int) -> Any:
    for layer in cache.layers:
        hole = columns - layer.keys.shape[-2]
        if hole:
            layer.keys = pad(layer.keys, (0, 0, hole, 0))
            layer.values = pad(layer.values, (0, 0, hole, 0))
    return cache


def _stacked(upper: Any, lower: Any) -> Any:
    for layer, other in zip(upper.layers, lower.layers, strict=True):
        layer.keys = torch.cat([layer.keys, other.keys])
        layer.values = torch.cat([layer.values, other.values])
    return upper
