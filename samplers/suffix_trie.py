"""`SuffixTrie`: tokens of texts in, and what came after any run of them out, with counts.

Every position of a text begins a run of up to `depth` tokens, and runs that begin alike share nodes. A run is
followed only until it parts from all earlier ones: there a leaf notes the position where the text goes on,
and the leaf becomes a node when a second run comes by (as a suffix tree does, Ukkonen 1995, without suffix
links). So a text that repeats nothing costs about one leaf for a token, in time and in memory, and one that
repeats everything costs `depth` steps for a token and no memory beside its tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

_END = -1  # in the place of a token: here a text ended


class _Node:
    """Where several runs have been. count: so many. children: token -> what comes after it."""

    __slots__ = ("children", "count")

    def __init__(self, count: int) -> None:
        self.count = count
        self.children: dict[int, Place] = {}


Place: TypeAlias = "_Node | int"
"""Where a run is: at a node, or (a single run) before this position of the texts."""


class SuffixTrie:
    """Runs of tokens, those of each text by themselves. depth: most tokens of a run, at least 1."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._tokens: list[int] = []  # of all texts
        self._root = _Node(0)
        self._open: list[_Node] = []  # where runs are that have not parted from earlier ones

    def __len__(self) -> int:
        return len(self._tokens)

    def add(self, token: int) -> None:
        """The next token of a text."""
        self._tokens.append(token)
        still_open = []
        for node in [*self._open, self._root][-self.depth :]:
            child = node.children.get(token)
            if child is None:
                node.children[token] = len(self._tokens)
                continue
            if isinstance(child, int):
                child = node.children[token] = self._node_at(child)
            child.count += 1
            still_open.append(child)
        self._open = still_open

    def end_text(self) -> None:
        """What comes next is another text."""
        self._tokens.append(_END)
        self._open = []

    def find(self, tokens: Sequence[int]) -> tuple[int, Place]:
        """The longest suffix that was seen and followed by something: its length (0: none), and where it is.

        tokens: ids, not negative.
        """
        for start in range(max(0, len(tokens) - self.depth + 1), len(tokens)):
            place = self._walk(tokens[start:])
            if place is not None and next(self.continuations(place), None) is not None:
                return len(tokens) - start, place
        return 0, self._root

    def continuations(self, place: Place) -> Iterator[tuple[int, int, Place]]:
        """What came next there: token, how often, and where that is."""
        if isinstance(place, int):
            if place < len(self._tokens) and self._tokens[place] != _END:
                yield self._tokens[place], 1, place + 1
            return
        for token, child in place.children.items():
            yield token, 1 if isinstance(child, int) else child.count, child

    def _walk(self, tokens: Sequence[int]) -> Place | None:
        """Where these tokens lead to; None: they were not seen."""
        place: Place = self._root
        for token in tokens:
            if isinstance(place, _Node):
                after = place.children.get(token)
                if after is None:
                    return None
                place = after
            elif place < len(self._tokens) and self._tokens[place] == token:
                place += 1
            else:
                return None
        return place

    def _node_at(self, position: int) -> _Node:
        """The node in the place of a leaf, with the run that made the leaf."""
        node = _Node(1)
        if self._tokens[position] != _END:
            node.children[self._tokens[position]] = position + 1
        return node
