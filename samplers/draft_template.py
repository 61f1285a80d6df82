"""`TreeTemplate`: the shape of a draft tree that keeps most, given how often each sibling is kept.

A shape says for each node whose child it is and of which rank (the rank-th guess below its parent). If the
guess of rank r below a kept node is kept with probability a[r], whatever the node, then the best shape of n
nodes has the value T(n) = 1 + max sum of a[r] T(n_r) over sizes n_0 + n_1 + ... = n - 1, a dynamic programme
(Sequoia: Chen et al., 2402.12374). Here the depth is limited as well, since a draft model is called once for
each level. The cost is O(depth * ranks * n^2) elementary steps in numpy, a millisecond or two for 64 nodes,
and shapes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

TYPICAL_ACCEPTANCE = (0.6, 0.15, 0.07, 0.04, 0.03, 0.02, 0.015, 0.01)
"""Where nothing is known yet: what look-ups and small draft models come near to."""


@dataclass(frozen=True)
class TreeTemplate:
    """A shape. Node 0 is the root; a parent comes before its children, and ranks of siblings ascend.

    parents, ranks: of each node; -1 for the root.
    """

    parents: tuple[int, ...]
    ranks: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parents)

    def children(self) -> list[list[int]]:
        """The children of each node, by rank."""
        children: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents[1:], start=1):
            children[parent].append(node)
        return children


def optimal_template(acceptance: tuple[float, ...], n_nodes: int, max_depth: int) -> TreeTemplate:
    """The shape with `n_nodes` nodes besides the root, or fewer where more cannot be kept.

    acceptance: by rank, the probability that this guess is the one that is kept. max_depth: at least 1.
    """
    # No more ranks or levels than nodes: small trees are tried again and again where drafts do not pay.
    return _optimal_template(acceptance[:n_nodes], n_nodes, min(max_depth, n_nodes))


@lru_cache(maxsize=256)
def _optimal_template(acceptance: tuple[float, ...], n_nodes: int, max_depth: int) -> TreeTemplate:
    sizes = n_nodes + 1
    n_ranks = len(acceptance)
    below = np.zeros(sizes + 1)  # value of a subtree of m nodes, its root included, with no depth left
    below[1:] = 1.0
    left, taken = np.ogrid[:sizes, :sizes]  # nodes that there are, and how many of them a rank gets
    fits = taken <= left
    choices: list[npt.NDArray[np.int64]] = []  # by depth: size of each rank's subtree, given what is left
    for _ in range(max_depth):
        rest = np.zeros((n_ranks + 1, sizes))  # value of the children from a rank on, with m nodes
        chosen = np.zeros((n_ranks, sizes), dtype=np.int64)
        for rank in reversed(range(n_ranks)):
            values = np.where(fits, acceptance[rank] * below[taken] + rest[rank + 1][left - taken], -1.0)
            values[:, 0] = 0.0  # ranks are taken in order: none is left out
            chosen[rank] = values.argmax(1)
            rest[rank] = values.max(1)
        choices.append(chosen)
        below = np.concatenate([[0.0], 1 + rest[0]])
    return _built(choices[::-1], sizes)


def _built(choices: list[npt.NDArray[np.int64]], sizes: int) -> TreeTemplate:
    """The shape by the choices, level by level from the root's."""
    parents, ranks = [-1], [-1]
    pending = [(0, sizes, 0)]  # node, size of its subtree, depth
    while pending:
        node, size, depth = pending.pop(0)
        left = size - 1
        if depth == len(choices):
            continue
        for rank in range(len(choices[depth])):
            taken = int(choices[depth][rank, left])
            if taken == 0:
                break
            parents.append(node)
            ranks.append(rank)
            pending.append((len(parents) - 1, taken, depth + 1))
            left -= taken
    return TreeTemplate(tuple(parents), tuple(ranks))


class MeasuredAcceptance:
    """How often the guess of each rank is the one that is kept, below nodes that are kept.

    n_ranks: how many are counted. The counts fade, so that what a text was like long ago is forgotten.
    """

    def __init__(self, n_ranks: int = len(TYPICAL_ACCEPTANCE), *, weight: float = 30.0) -> None:
        prior = list(TYPICAL_ACCEPTANCE[:n_ranks]) + [0.005] * (n_ranks - len(TYPICAL_ACCEPTANCE))
        self._tried = np.full(n_ranks, weight)
        self._kept = weight * np.array(prior)

    def count(self, n_tried: int, kept: int | None) -> None:
        """One kept node: how many guesses were below it, and the rank of the one that was kept."""
        n_tried = min(n_tried, len(self._tried))
        self._tried[:n_tried] += 1
        if kept is not None and kept < n_tried:
            self._kept[kept] += 1
        if self._tried[0] > 2000:
            self._tried /= 2
            self._kept /= 2

    def estimate(self) -> tuple[float, ...]:
        """By rank, never rising, to two digits (so that shapes are made anew only when it matters)."""
        shares = np.minimum.accumulate(self._kept / self._tried)
        return tuple(float(f"{share:.1g}") if share < 0.1 else round(float(share), 2) for share in shares)
