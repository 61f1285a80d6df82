"""What was learnt about the future of prefixes: next-token laws in, upper bounds on being finished rightly
out.

A node is a prefix u that the model was run for: the tokens that may follow, the model's probabilities p(t |
u) (of all tokens, so that they sum to less than one), and for each of them a bound theta(ut) >= h(ut), where
h is the probability that the model finishes the prefix rightly. What was never seen has the bound 1, a
complete text has 1, and theta(u) = sum over t of p(t | u) theta(ut). Each prefix that is added, and each
token that a predicate refuses, lowers the bounds up to the root, which is backed up with array operations:
one product for each node of the path. Bounds never grow, so what was learnt stays true.

Park, Wang, Berg-Kirkpatrick, Polikarpova and D'Antoni, "Grammar-Aligned Decoding" (NeurIPS 2024), call theta
the expected future grammaticality. Memory: 24 bytes for each allowed token of each node, and 800 for itself.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..decoding.arguments import checked_integer
from ..decoding.errors import ArgumentValueError

ROOT = 0
_FORMAT = 1
_NODE_BYTES = 800  # of a node without its arrays, as Python keeps it
_ROUNDING = 1e-6

# What reading a file raises that is none of numpy's, and what such contents lead to.
_UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_WRONG_CONTENTS = (ValueError, LookupError, TypeError, AttributeError, OverflowError)


@dataclass
class TrieNode:
    """A prefix. tokens: int64, ascending. probs, bounds: float64. All of shape [allowed tokens].

    total: the bound of the prefix itself. parent, position: where its own bound stands; -1 for the root.
    """

    tokens: npt.NDArray[np.int64]
    probs: npt.NDArray[np.float64]
    bounds: npt.NDArray[np.float64]
    parent: int
    position: int
    depth: int
    total: float = 0.0
    children: dict[int, int] = field(default_factory=dict)

    def refresh(self) -> None:
        """Compute the total from the bounds."""
        self.total = min(self.total, float(self.probs @ self.bounds))


class Trie:
    """Prefixes with their laws and bounds.

    max_bytes: when the arrays take so much, no more prefixes are added; what is there stays exact.
    """

    def __init__(self, *, max_bytes: int = 2**30) -> None:
        self.max_bytes = checked_integer("max_bytes", max_bytes, least=1)
        self.nodes: list[TrieNode] = []
        self.n_bytes = 0

    @property
    def bound(self) -> float:
        """Bound on the probability that the model writes a right text; 1 before anything was learnt."""
        return self.nodes[ROOT].total if self.nodes else 1.0

    def find(self, token_ids: Iterable[int]) -> int | None:
        """The node of a prefix, or None."""
        node = ROOT if self.nodes else None
        for token_id in token_ids:
            if node is None:
                return None
            node = self.nodes[node].children.get(token_id)
        return node

    def add(self, parent: int | None, token_id: int, tokens: Any, probs: Any) -> int | None:
        """Add the prefix that continues `parent` (None: the root) by a token, or find it.

        tokens: what may follow, ascending. probs: the model's probabilities of these. The bounds above are
        not changed before `back_up`. Returns None if there is no room.
        """
        if parent is not None and token_id in self.nodes[parent].children:
            return self.nodes[parent].children[token_id]
        if parent is None and self.nodes:
            return ROOT
        tokens = np.ascontiguousarray(tokens, dtype=np.int64)
        probs = np.ascontiguousarray(probs, dtype=np.float64)
        size = _size_of(len(tokens))
        if self.n_bytes + size > self.max_bytes:
            return None
        self.n_bytes += size
        position, depth = -1, 0
        if parent is not None:
            position, depth = self._position(parent, token_id), self.nodes[parent].depth + 1
        node = TrieNode(
            tokens, probs, np.ones(len(tokens)), -1 if parent is None else parent, position, depth, 1.0
        )
        node.refresh()
        self.nodes.append(node)
        if parent is not None:
            self.nodes[parent].children[token_id] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def forbid(self, node: int, token_id: int) -> None:
        """Note that a token may not follow a prefix after all: its bound is zero."""
        self.nodes[node].bounds[self._position(node, token_id)] = 0.0

    def back_up(self, changed: Iterable[int]) -> None:
        """Carry the bounds of changed nodes up to the root, deepest first."""
        levels: dict[int, set[int]] = {}
        for node in changed:
            levels.setdefault(self.nodes[node].depth, set()).add(node)
        for depth in range(max(levels, default=-1), -1, -1):
            for node in levels.pop(depth, set()):
                entry = self.nodes[node]
                entry.refresh()
                if entry.parent >= 0:
                    self.nodes[entry.parent].bounds[entry.position] = entry.total
                    levels.setdefault(depth - 1, set()).add(entry.parent)

    def _position(self, node: int, token_id: int) -> int:
        return int(np.searchsorted(self.nodes[node].tokens, token_id))

    def save(self, path: str | Path) -> None:
        """Write everything to a file (numpy's .npz)."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(node, name) for node in self.nodes] or [np.empty(0)])
            for name in ("tokens", "probs", "bounds")
        }
        links = [(node.parent, node.position) for node in self.nodes]
        arrays["links"] = np.array(links, dtype=np.int64).reshape(-1, 2)
        arrays["sizes"] = np.array([len(node.tokens) for node in self.nodes], dtype=np.int64)
        arrays["totals"] = np.array([node.total for node in self.nodes])
        arrays["max_bytes"] = np.array(self.max_bytes)
        arrays["version"] = np.array(_FORMAT)
        with Path(path).open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Trie:
        """Read what `save` wrote.

        Raises:
            ArgumentValueError: there is no such file, or it is something else.
        """
        if not Path(path).is_file():
            raise ArgumentValueError("path: there must be a file that Trie.save wrote", got=str(path))
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if int(arrays["version"]) != _FORMAT:
                raise ValueError
            return cls._restore(arrays)
        except (*_UNREADABLE, *_WRONG_CONTENTS) as error:
            raise ArgumentValueError("path: must be a file that Trie.save wrote", got=str(path)) from error

    @classmethod
    def _restore(cls, arrays: dict[str, Any]) -> Trie:
        trie = cls(max_bytes=int(arrays["max_bytes"]))
        ends = np.cumsum(arrays["sizes"])
        for index, (end, size) in enumerate(zip(ends, arrays["sizes"], strict=True)):
            part = slice(int(end - size), int(end))
            parent, position = map(int, arrays["links"][index])
            if not (-1 <= parent < index and (index == 0) == (parent < 0)):
                raise ValueError
            depth = 0 if parent < 0 else trie.nodes[parent].depth + 1
            tokens = arrays["tokens"][part].astype(np.int64)
            node = TrieNode(tokens, arrays["probs"][part], arrays["bounds"][part], parent, position, depth)
            node.total = float(arrays["totals"][index])
            _check_node(node)
            trie.nodes.append(node)
            trie.n_bytes += _size_of(int(size))
            if parent >= 0:
                trie.nodes[parent].children[int(trie.nodes[parent].tokens[position])] = index
        return trie


def _size_of(n_tokens: int) -> int:
    return _NODE_BYTES + 24 * n_tokens


def _check_node(node: TrieNode) -> None:
    """Raise ValueError unless its numbers are such as a trie has."""
    between = [(array >= 0) & (array <= 1 + _ROUNDING) for array in (node.probs, node.bounds)]
    is_sound = (
        node.tokens.shape == node.probs.shape == node.bounds.shape
        and (np.diff(node.tokens) > 0).all()
        and all(array.all() for array in between)
        and abs(float(node.probs @ node.bounds) - node.total) <= _ROUNDING
    )
    if not is_sound:
        raise ValueError
