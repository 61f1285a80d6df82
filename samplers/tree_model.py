"""`TreeModel`: a Hugging Face model that reads trees: tokens and their parents in, logits for each node out.

All nodes of a tree are read in one forward pass. Each attends to the text so far, to its ancestors and to
itself (an additive 4-D mask), and has the position that it would have in the text. Afterwards the keys and
values of the accepted path are moved to the end of the text, and those of all other nodes are dropped, so the
cache holds what plain decoding would have put there. Nodes may also be added level by level, as a draft model
grows a tree.

Rows of a batch accept different numbers of tokens. The cache then has slots that belong to no token of a row;
masks leave them out, and where there are many, the rows are moved together. Layers with a sliding window keep
all keys, and the mask has the window, by position, not by slot. What is where is kept on the host, in numpy.
The cost beside the model's own pass is one mask of [nodes, slots] for each kind of layer, and a copy of the
accepted nodes in each layer, if they do not lie in their places already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import DynamicCache, StaticCache
from transformers.cache_utils import StaticLayer

from .tree_support import attention_windows, check_tree_model

_MOST_HOLES = 64  # slots of no token that are put up with; more are closed

Integers: TypeAlias = npt.NDArray[np.int64]
Booleans: TypeAlias = npt.NDArray[np.bool_]


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
        self._device = torch.device("cpu")  # of the texts
        self._slots: Integers = np.zeros((0, 0), dtype=np.int64)  # position of each, -1: none; [rows, slots]
        self._parents: Integers = np.zeros((0, 0), dtype=np.int64)  # of the tree, -1 for none: [rows, nodes]
        self._depths: Integers = np.zeros((0, 0), dtype=np.int64)  # of the tree: [rows, nodes]

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
        self._device = input_ids.device
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, -1)
        self._slots = positions.cpu().numpy()
        self.lengths = mask.sum(-1).tolist()
        self._forget_tree()
        return self._forward(
            input_ids, mask if self._has_holes() else None, positions.clamp_min(0), logits_to_keep=1
        )[:, -1]

    def begin(self, n_rows: int) -> None:
        """Rows without any text: `read_nodes` reads all of it. In place of `read_prompt`."""
        self._device = self.model.device
        self.lengths = [0] * n_rows
        self._slots = np.zeros((n_rows, 0), dtype=np.int64)
        self._forget_tree()

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
        ids = torch.tensor([[*row_tokens, *[0] * (n_new - len(row_tokens))] for row_tokens in tokens])
        added = np.array([[*row_parents, *[-1] * (n_new - len(row_parents))] for row_parents in parents])
        self._parents = np.concatenate([self._parents, added], axis=1)
        seen, self._depths = _ancestors(self._parents)
        positions = torch.from_numpy(np.array(self.lengths)[:, None] + self._depths[:, n_old:])
        positions = positions.to(self._device)
        masks: Any = None
        # One token, or a whole text from its beginning: the model's own mask is right.
        is_plain = n_new == 1 or (not any(self.lengths) and bool((added == np.arange(n_new) - 1).all()))
        if n_old or self._has_holes() or not is_plain:
            masks = self._masks(positions, seen[:, n_old:])
        options = {} if wanted is None else {"logits_to_keep": torch.tensor(wanted, device=self._device)}
        return self._forward(ids.to(self._device), masks, positions, **options)

    def read_next(self, tokens: Sequence[int]) -> Tensor:
        """Read the next token of each row, for good; the logits after it, shape [rows, vocabulary].

        As `read_nodes` and `keep` of a tree of one node, but with nothing beside the model's pass that plain
        decoding does not do.
        """
        if self._has_holes():
            logits = self.read_nodes([[token] for token in tokens], [[-1]] * self.n_rows)
            self.keep([[0]] * self.n_rows)
            return logits[:, 0]
        ids = torch.tensor([[token] for token in tokens], device=self._device)
        positions = torch.tensor([[length] for length in self.lengths], device=self._device)
        logits = self._forward(ids, None, positions)
        self._slots = np.concatenate([self._slots, np.array(self.lengths)[:, None]], axis=1)
        self.lengths = [length + 1 for length in self.lengths]
        return logits[:, 0]

    def keep(self, paths: Sequence[Sequence[int]]) -> None:
        """Make the nodes of a path part of the text, in this order, and drop all others.

        paths: by row the numbers of nodes as in `read_nodes`, each the parent of the next.
        """
        width = self._slots.shape[1]
        longest = max(map(len, paths))
        added = np.full((self.n_rows, longest), -1)
        for row, path in enumerate(paths):
            added[row, : len(path)] = range(self.lengths[row], self.lengths[row] + len(path))
            self.lengths[row] += len(path)
        displaced = _displaced(paths, longest)
        if displaced is not None or longest < self.n_nodes:
            self._move(displaced, width, width + longest)
        self._slots = np.concatenate([self._slots, added], axis=1)
        self._forget_tree()
        if self._slots.shape[1] > max(self.lengths) + _MOST_HOLES:
            self._close_holes()

    def shorten(self, lengths: Sequence[int]) -> None:
        """Take back tokens at the end of the texts; by row, how many are to be left. Not between
        `read_nodes` and `keep`.
        """
        self._slots = np.where(self._slots >= np.array(lengths)[:, None], -1, self._slots)
        self.lengths = list(lengths)
        columns = np.flatnonzero((self._slots >= 0).any(0))
        used = int(columns[-1]) + 1 if len(columns) else 0
        if self._capacity is None and used < self._slots.shape[1]:
            self._slots = self._slots[:, :used]
            self._move(None, used, used)

    def select_rows(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone; their nodes stay."""
        if list(rows) == list(range(self.n_rows)):
            return
        index = torch.tensor(rows, device=self._device)
        self.lengths = [self.lengths[row] for row in rows]
        self._slots, self._parents, self._depths = (
            known[list(rows)] for known in (self._slots, self._parents, self._depths)
        )
        for layer in self._cache.layers:
            layer.keys, layer.values = (
                states[index.to(states.device)] for states in (layer.keys, layer.values)
            )
            layer.batch_size = len(rows)

    def _has_holes(self) -> bool:
        """Whether some slot of some row belongs to no token."""
        return min(self.lengths) < self._slots.shape[1]

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

    def _forget_tree(self) -> None:
        self._parents = np.zeros((self.n_rows, 0), dtype=np.int64)
        self._depths = np.zeros((self.n_rows, 0), dtype=np.int64)

    def _masks(self, positions: Tensor, seen: Booleans) -> Any:
        """What is added to the attention scores of the new nodes: [rows, 1, nodes, slots], for each kind of
        layer if there are several.

        positions: of the new nodes, [rows, new nodes]. seen: what nodes they see, [rows, new nodes, nodes].
        """
        rows, n_new, n_nodes = seen.shape
        width = self._slots.shape[1]
        stop = width + n_nodes
        dtype, device = self.model.dtype, self._device
        lowest = torch.finfo(dtype).min
        mask = torch.zeros(rows, n_new, self._capacity or stop, dtype=dtype, device=device)
        mask[:, :, width:stop].masked_fill_(torch.from_numpy(~seen).to(device), lowest)
        if self._has_holes():
            holes = torch.from_numpy(self._slots < 0).to(device)
            mask[:, :, :width].masked_fill_(holes[:, None], lowest)
        mask[:, :, stop:] = lowest
        masks = {}
        for kind, window in self._windows.items():
            of_kind = mask
            if window is not None and window <= max(self.lengths) + int(self._depths.max()):
                own = np.array(self.lengths)[:, None] + self._depths
                keys = torch.from_numpy(np.concatenate([self._slots, own], axis=1)).to(device)
                is_far = positions[:, :, None] - keys[:, None] >= window
                of_kind = mask.clone()
                of_kind[:, :, :stop].masked_fill_(is_far, lowest)
            masks[kind] = of_kind[:, None]
        return masks.get("", masks)  # a model that takes one mask has the single kind ""

    def _move(self, chosen: Integers | None, start: int, stop: int) -> None:
        """Put the chosen nodes, by row, into the slots before `stop`, which becomes the end; before them
        nothing is to be moved. start: slot of node 0.
        """
        index = None if chosen is None else torch.from_numpy(chosen + start).to(self._device)
        for layer in self._cache.layers:
            for name in ("keys", "values"):
                states = getattr(layer, name)
                if index is not None:
                    moved = _gather(states, index)
                    states.narrow(2, stop - moved.shape[2], moved.shape[2]).copy_(moved)
                if self._capacity is None and states.shape[2] > stop:
                    setattr(layer, name, states.narrow(2, 0, stop))
            if self._capacity is not None:
                layer.cumulative_length.fill_(stop)

    def _close_holes(self) -> None:
        """Move the slots of each row together, to the right."""
        width = max(self.lengths)
        order = np.argsort(self._slots >= 0, axis=1, kind="stable")[:, -width:]
        self._slots = np.take_along_axis(self._slots, order, axis=1)
        index = torch.from_numpy(order).to(self._device)
        for layer in self._cache.layers:
            for name in ("keys", "values"):
                states = getattr(layer, name)
                if self._capacity is None:
                    setattr(layer, name, _gather(states, index))
                else:
                    states[:, :, :width] = _gather(states, index)
            if self._capacity is not None:
                layer.cumulative_length.fill_(width)


def _ancestors(parents: Integers) -> tuple[Booleans, Integers]:
    """Which nodes a node sees, its ancestors and itself, bool [rows, nodes, nodes], and its depth.

    parents: [rows, nodes], -1 for none. Every node looks twice as far up in each round.
    """
    rows, n_nodes = parents.shape
    if n_nodes == 1:  # plain decoding
        return np.ones((rows, 1, 1), dtype=np.bool_), np.zeros((rows, 1), dtype=np.int64)
    seen = np.zeros((rows, n_nodes, n_nodes), dtype=np.bool_)
    nodes = np.arange(n_nodes)
    seen[:, nodes, nodes] = True
    depths = (parents >= 0).astype(np.int64)  # steps from a node to `above`
    above = np.where(parents < 0, nodes, parents)
    row = np.arange(rows)[:, None]
    while depths.any():
        seen |= seen[row, above]
        depths += depths[row, above]
        higher = above[row, above]
        if (higher == above).all():
            break
        above = higher
    return seen, depths


def _displaced(paths: Sequence[Sequence[int]], longest: int) -> Integers | None:
    """The nodes of the paths from where they stop being 0, 1, 2 ... in some row, [rows, n]; None: nowhere.

    longest: to which shorter rows are filled up, with any nodes.
    """
    first = longest
    for path in paths:
        first = min(first, next((place for place, node in enumerate(path) if place != node), longest))
    if first == longest:
        return None
    return np.array([[*path[first:], *[0] * (longest - max(first, len(path)))] for path in paths])


def _gather(states: Tensor, chosen: Tensor) -> Tensor:
    """states: [rows, heads, slots, size]; chosen: [rows, n]. The chosen slots of each row, a copy."""
    chosen = chosen.to(states.device)
    if len(chosen) == 1:
        return states.index_select(2, chosen[0])
    rows, heads, _, size = states.shape
    return states.gather(2, chosen[:, None, :, None].expand(rows, heads, chosen.shape[1], size))
