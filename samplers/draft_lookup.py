"""Look-up drafts: what came after these tokens before, in the prompt, the output or earlier texts.

`PromptLookup` finds the last n-gram of the text earlier in the text and proposes what followed (Saxena 2023),
the latest place first: a chain. `SuffixLookup` keeps every run of tokens up to some depth, with counts, of
the text and of earlier ones, and proposes a tree: the likeliest continuations of the longest suffix that has
been seen, as many nodes as that suffix is long, times a factor (SuffixDecoding: Oliaro et al., 2411.04975).
No model is called; nodes are fixed. The cost of a token is one entry for each n, or depth entries in a trie;
of a draft, a heap of the size of the tree.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence

from ..decoding.arguments import checked_integer, checked_number
from .draft_session import DraftSession
from .draft_tree import ROOT
from .drafter import Drafter
from .tree_growth import TreeGrowth


class PromptLookup(Drafter):
    """Proposes what followed the last tokens when they came before in the same text.

    longest, shortest: tokens that must agree; longer ones are tried first.
    length: most tokens to propose.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, *, longest: int = 4, shortest: int = 1, length: int = 16) -> None:
        self.longest = checked_integer("longest", longest, least=1, most=64)
        self.shortest = checked_integer("shortest", shortest, least=1, most=self.longest)
        self.length = checked_integer("length", length, least=1)

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _LookupSession(self)


class _LookupSession(DraftSession):
    def __init__(self, drafter: PromptLookup) -> None:
        self._drafter = drafter
        self._places: dict[tuple[int, ...], int] = {}  # n-gram -> where what follows it begins, the latest
        self._n_known = 0  # tokens whose n-grams are in there

    def grow(self, growth: TreeGrowth) -> None:
        text = growth.text
        self._index(text)
        for n in range(self._drafter.longest, self._drafter.shortest - 1, -1):
            place = self._places.get(tuple(text[-n:])) if n < len(text) else None
            if place is not None:
                node = ROOT
                for token in text[place : place + self._drafter.length]:
                    child = growth.add_fixed(node, token)
                    if child is None:
                        break
                    node = child
                return

    def _index(self, text: Sequence[int]) -> None:
        """Note the n-grams of all tokens but the last, which nothing follows yet."""
        for end in range(max(1, self._n_known), len(text)):
            for n in range(self._drafter.shortest, min(self._drafter.longest, end) + 1):
                self._places[tuple(text[end - n : end])] = end
        self._n_known = len(text)


class _Trie:
    """Runs of tokens with how often they came. Each token of a text begins runs of up to `depth` tokens."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.root = _TrieNode()
        self._open: list[_TrieNode] = []  # where the runs that are still growing end

    def add(self, token: int) -> None:
        """The next token of a text."""
        self._open = [node.step(token) for node in [*self._open, self.root]][-self.depth :]

    def end_text(self) -> None:
        """What comes next is another text."""
        self._open = []

    def find(self, tokens: Sequence[int]) -> tuple[int, _TrieNode | None]:
        """The longest suffix that has been seen and was followed by something: its length, where it ends."""
        for start in range(max(0, len(tokens) - self.depth + 1), len(tokens)):
            node: _TrieNode | None = self.root
            for token in tokens[start:]:
                node = None if node is None else node.children.get(token)
            if node is not None and node.children:
                return len(tokens) - start, node
        return 0, None


class _TrieNode:
    __slots__ = ("children", "count")

    def __init__(self) -> None:
        self.count = 0
        self.children: dict[int, _TrieNode] = {}

    def step(self, token: int) -> _TrieNode:
        child = self.children.get(token)
        if child is None:
            child = self.children[token] = _TrieNode()
        child.count += 1
        return child


class SuffixLookup(Drafter):
    """Proposes a tree of what followed the longest suffix that came before, in this text or earlier ones.

    depth: longest run of tokens that is kept, suffix and continuation together.
    factor: nodes of a draft for each token of the suffix that was found.
    most_tokens: of earlier texts that are kept; the oldest texts go first.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, *, depth: int = 24, factor: float = 4.0, most_tokens: int = 200_000) -> None:
        self.depth = checked_integer("depth", depth, least=2, most=256)
        self.factor = checked_number("factor", factor, above=0)
        self.most_tokens = checked_integer("most_tokens", most_tokens, least=0)
        self.earlier = _Trie(self.depth)
        self._texts: deque[list[int]] = deque()

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _SuffixSession(self, len(prompt))

    def remember(self, tokens: Sequence[int]) -> None:
        """Keep a text that has been generated, for those to come."""
        self._texts.append(list(tokens))
        n_tokens = sum(map(len, self._texts))
        if n_tokens <= self.most_tokens:
            self._add(tokens)
            return
        while self._texts and n_tokens > self.most_tokens / 2:  # seldom: what is left is read anew
            n_tokens -= len(self._texts.popleft())
        self.earlier = _Trie(self.depth)
        for text in self._texts:
            self._add(text)

    def _add(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self.earlier.add(token)
        self.earlier.end_text()


class _SuffixSession(DraftSession):
    def __init__(self, drafter: SuffixLookup, n_prompt: int) -> None:
        self._drafter = drafter
        self._own = _Trie(drafter.depth)
        self._n_prompt = n_prompt
        self._n_known = 0

    def grow(self, growth: TreeGrowth) -> None:
        self._read(growth.text)
        tail = growth.text[-self._drafter.depth :]
        found = (trie.find(tail) for trie in (self._own, self._drafter.earlier))
        length, node = max(found, key=lambda match: match[0])
        if node is not None:
            _add_likeliest(growth, node, round(self._drafter.factor * length))

    def end(self, text: Sequence[int]) -> None:
        self._drafter.remember(text[self._n_prompt :])

    def _read(self, text: Sequence[int]) -> None:
        for token in text[self._n_known :]:
            self._own.add(token)
        self._n_known = len(text)


def _add_likeliest(growth: TreeGrowth, start: _TrieNode, most_nodes: int) -> None:
    """Fixed nodes in the order of the share of all continuations that went there."""
    heap: list[tuple[float, int, int, int, _TrieNode]] = []
    n_pushed = 0

    def push(parent: int, node: _TrieNode, share: float) -> None:
        nonlocal n_pushed
        total = sum(child.count for child in node.children.values())
        for token, child in node.children.items():
            heapq.heappush(heap, (-share * child.count / total, n_pushed, parent, token, child))
            n_pushed += 1

    push(ROOT, start, 1.0)
    n_added = 0
    while heap and n_added < most_nodes and growth.n_left:
        negative_share, _, parent, token, child = heapq.heappop(heap)
        node = growth.add_fixed(parent, token)
        if node is not None:
            n_added += 1
            if node not in growth.tree.final:
                push(node, child, -negative_share)
