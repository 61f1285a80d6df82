"""`TreeModel`: a Hugging Face model that reads trees: tokens and their parents in, logits for each node out.

All nodes of a tree are read in one forward pass. Each attends to the text so far, to its ancestors and to
itself (an additive 4-D mask), and has the position that it would have in the text. Afterwards the keys and
values of the accepted path are moved to the end of the text, and those of all other nodes are dropped, so the
cache holds what plain decoding would have put there. Nodes may also be added level by level, as a draft model
grows a tree.

Rows of a batch accept different numbers of tokens. The cache then has slots that belong to no token of a row;
masks leave them out, and where there are many, the rows are moved together. Layers with a sliding window keep
all keys, and the mask has the window, by position, not by slot. The cost beside the model's own pass is one
mask of [nodes, slots] for each kind of layer, and a copy of a few slots in each layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, StaticCache
from transformers.cache_utils import StaticLayer

from .tree_support import attention_windows, check_tree_model

_MOST_HOLES = 64  # slots of no token that are put up with; more are closed


class TreeModel:
    """One model with the cache of one batch.

    model: a causal language model of transformers with "eager" or "sdpa" attention, in evaluation mode.
    capacity: None: the cache grows. A number: a static cache of so many slots, which stays where it is in
        memory until rows of a batch end (what compiled models need); it must hold the text and a tree.

    Raises:
        UnsupportedModelError: the model cannot read trees; says why.
    """

    def __init__(self, model: Any, *, capacity: int | None = None) -> None:
        check_tree_model(model)
        self.model = model
        self.lengths: list[int] = []  # tokens of the text in the cache, by row
        self._windows = attention_windows(model)
        self._capacity = capacity
        self._cache: Any = DynamicCache()
        if capacity is not None:
            self._cache = StaticCache(model.config, max_cache_len=capacity)
            # Sliding layers too keep all keys: their windows are in the masks.
            self._cache.layers = [StaticLayer(max_cache_len=capacity) for _ in self._cache.layers]
        self._slots = torch.zeros(0, 0, dtype=torch.long)  # position of each slot, -1 for none: [rows, slots]
        self._seen = torch.zeros(0, 0, 0, dtype=torch.bool)  # of the tree: [rows, nodes, nodes]
        self._depths = torch.zeros(0, 0, dtype=torch.long)  # of the tree: [rows, nodes]

    @property
    def n_rows(self) -> int:
        """Rows of the batch that are left."""
        return len(self.lengths)

    @property
    def n_nodes(self) -> int:
        """Nodes read since the last `keep`."""
        return self._depths.shape[1]

    def read_prompt(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Read the beginning of the text; the logits after its last token, shape [rows, vocabulary].

        input_ids: int64, shape [rows, tokens], on the model's device. attention_mask: the same shape, 0 for
        padding, which is on the left.
        """
        rows, width = input_ids.shape
        device = input_ids.device
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, -1)
        self._slots = positions
        self.lengths = mask.sum(-1).tolist()
        self._forget_tree(rows, device)
        is_padded = min(self.lengths) < width
        return self._forward(
            input_ids, mask if is_padded else None, positions.clamp_min(0), logits_to_keep=1
        )[:, -1]

    def begin(self, n_rows: int) -> None:
        """Rows without any text: `read_nodes` reads all of it. In place of `read_prompt`."""
        self.lengths = [0] * n_rows
        self._slots = torch.zeros(n_rows, 0, dtype=torch.long, device=self.model.device)
        self._forget_tree(n_rows, self._slots.device)

    def read_nodes(
        self,
        tokens: Sequence[Sequence[int]],
        parents: Sequence[Sequence[int]],
        wanted: Sequence[int] | None = None,
    ) -> Tensor:
        """Read more nodes; their logits, shape [rows, nodes, vocabulary].

        tokens: ids by row; rows may have different numbers, what is missing is filled up and means nothing.
        parents: for each node the number of its parent, counted since the last `keep`; -1: the text itself.
        wanted: of all new nodes of a row only the logits of these numbers, in this order; None: of all.
        """
        n_new = max(map(len, tokens))
        n_old = self.n_nodes
        device = self._slots.device
        ids = torch.tensor([[*row_tokens, *[0] * (n_new - len(row_tokens))] for row_tokens in tokens])
        self._grow(parents, n_new)
        starts = torch.tensor(self.lengths, device=device)[:, None]
        positions = starts + self._depths[:, n_old:]
        masks: Any = None
        is_one = self.n_rows == 1 and n_old == 0 and self._slots.shape[1] == self.lengths[0]
        # One token, or a whole text from its beginning: the model's own mask is right.
        is_plain = n_new == 1 or (not self.lengths[0] and list(parents[0]) == list(range(-1, n_new - 1)))
        if not (is_one and is_plain):
            masks = self._masks(positions, n_old)
        options = {} if wanted is None else {"logits_to_keep": torch.tensor(wanted, device=device)}
        return self._forward(ids.to(device), masks, positions, **options)

    def keep(self, paths: Sequence[Sequence[int]]) -> None:
        """Make the nodes of a path part of the text, in this order, and drop all others.

        paths: by row the numbers of nodes as in `read_nodes`, each the parent of the next.
        """
        width = self._slots.shape[1]
        longest = max(map(len, paths))
        device = self._slots.device
        positions = []
        for row, path in enumerate(paths):
            length = self.lengths[row]
            missing = [-1] * (longest - len(path))
            positions.append([*range(length, length + len(path)), *missing])
            self.lengths[row] += len(path)
        chosen = None
        if any(list(path) != list(range(len(path))) for path in paths):
            filled = [[*path, *[0] * (longest - len(path))] for path in paths]
            chosen = torch.tensor(filled, device=device)
        self._move(chosen, width, width + longest)
        added = torch.tensor(positions, dtype=torch.long, device=device)
        self._slots = torch.cat([self._slots, added], dim=1)
        self._forget_tree(self.n_rows, device)
        if self._slots.shape[1] > max(self.lengths) + _MOST_HOLES:
            self._close_holes()

    def shorten(self, lengths: Sequence[int]) -> None:
        """Take back tokens at the end of the texts; by row, how many are to be left. Not between
        `read_nodes` and `keep`.
        """
        ends = torch.tensor(lengths, device=self._slots.device)[:, None]
        self._slots = self._slots.masked_fill(self._slots >= ends, -1)
        self.lengths = list(lengths)
        columns = (self._slots >= 0).any(0).nonzero()
        used = int(columns.max()) + 1 if len(columns) else 0
        if self._capacity is None and used < self._slots.shape[1]:
            self._slots = self._slots[:, :used]
            self._move(None, used, used)

    def select_rows(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone; their nodes stay."""
        if list(rows) == list(range(self.n_rows)):
            return
        index = torch.tensor(rows, device=self._slots.device)
        self.lengths = [self.lengths[row] for row in rows]
        self._slots, self._seen, self._depths = (
            tensor[index] for tensor in (self._slots, self._seen, self._depths)
        )
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[index], layer.values[index]
            layer.batch_size = len(rows)

    def _forward(self, ids: Tensor, masks: Any, positions: Tensor, **options: Any) -> Tensor:
        with torch.no_grad():
            output = self.model(
                input_ids=ids,
                attention_mask=masks,
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
                **options,
            )
        logits: Tensor = output.logits
        return logits

    def _forget_tree(self, rows: int, device: torch.device) -> None:
        self._seen = torch.zeros(rows, 0, 0, dtype=torch.bool, device=device)
        self._depths = torch.zeros(rows, 0, dtype=torch.long, device=device)

    def _grow(self, parents: Sequence[Sequence[int]], n_new: int) -> None:
        """Ancestors and depths of new nodes. Nodes that fill up a row see themselves alone."""
        n_old = self.n_nodes
        if n_old == 0 and n_new == 1:  # plain decoding
            self._seen = self._seen.new_ones(self.n_rows, 1, 1)
            self._depths = self._depths.new_zeros(self.n_rows, 1)
            return
        seen = torch.zeros(self.n_rows, n_old + n_new, n_old + n_new, dtype=torch.bool)
        depths = torch.zeros(self.n_rows, n_old + n_new, dtype=torch.long)
        seen[:, :n_old, :n_old] = self._seen.cpu()
        depths[:, :n_old] = self._depths.cpu()
        seen |= torch.eye(n_old + n_new, dtype=torch.bool)
        for row, row_parents in enumerate(parents):
            for node, parent in enumerate(row_parents, start=n_old):
                if parent >= 0:
                    seen[row, node] |= seen[row, parent]
                    depths[row, node] = depths[row, parent] + 1
        self._seen, self._depths = seen.to(self._slots.device), depths.to(self._slots.device)

    def _masks(self, positions: Tensor, n_old: int) -> Any:
        """What is added to the attention scores of the new nodes: [rows, 1, nodes, slots], for each kind of
        layer if there are several.
        """
        rows, n_new = positions.shape
        width = self._slots.shape[1]
        total = self._capacity or width + self.n_nodes
        may_see = torch.zeros(rows, n_new, total, dtype=torch.bool, device=positions.device)
        may_see[:, :, :width] = (self._slots >= 0)[:, None]
        may_see[:, :, width : width + self.n_nodes] = self._seen[:, n_old:]
        key_positions = torch.zeros(rows, total, dtype=torch.long, device=positions.device)
        key_positions[:, :width] = self._slots
        starts = torch.tensor(self.lengths, device=positions.device)[:, None]
        key_positions[:, width : width + self.n_nodes] = starts + self._depths
        dtype = self.model.dtype
        masks = {}
        for kind, window in self._windows.items():
            inside = may_see
            if window is not None:
                inside = may_see & (positions[:, :, None] - key_positions[:, None] < window)
            mask = torch.zeros(rows, 1, n_new, total, dtype=dtype, device=positions.device)
            masks[kind] = mask.masked_fill_(~inside[:, None], torch.finfo(dtype).min)
        return masks.get("", masks)  # a model that takes one mask has the single kind ""

    def _move(self, chosen: Tensor | None, start: int, stop: int) -> None:
        """Put the chosen nodes into the slots from `start` to `stop`, which becomes the end."""
        for layer in self._cache.layers:
            for name in ("keys", "values"):
                states = getattr(layer, name)
                if chosen is not None:
                    states[:, :, start:stop] = _gather(states[:, :, start:], chosen)
                if self._capacity is None and states.shape[2] > stop:
                    setattr(layer, name, states[:, :, :stop])
            if self._capacity is not None:
                layer.cumulative_length.fill_(stop)

    def _close_holes(self) -> None:
        """Move the slots of each row together, to the right."""
        width = max(self.lengths)
        order = torch.argsort((self._slots >= 0).long(), dim=1, stable=True)[:, -width:]
        self._slots = self._slots.gather(1, order)
        for layer in self._cache.layers:
            for name in ("keys", "values"):
                states = getattr(layer, name)
                if self._capacity is None:
                    setattr(layer, name, _gather(states, order))
                else:
                    states[:, :, :width] = _gather(states, order)
            if self._capacity is not None:
                layer.cumulative_length.fill_(width)


def _gather(states: Tensor, chosen: Tensor) -> Tensor:
    """states: [rows, heads, slots, size]; chosen: [rows, n]. The chosen slots of each row, a copy."""
    if len(chosen) == 1:
        return states.index_select(2, chosen[0])
    rows, heads, _, size = states.shape
    return states.gather(2, chosen[:, None, :, None].expand(rows, heads, chosen.shape[1], size))
