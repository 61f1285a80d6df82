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
from collections.abc import Sequence

from ..decoding.arguments import checked_integer, checked_number
from .draft_session import DraftSession
from .draft_tree import ROOT
from .drafter import Drafter
from .suffix_trie import Place, SuffixTrie
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


class SuffixLookup(Drafter):
    """Proposes a tree of what followed the longest suffix that came before, in this text or earlier ones.

    depth: longest run of tokens that is kept, suffix and continuation together.
    factor: nodes of a draft for each token of the suffix that was found.
    most_tokens: of earlier texts that are kept; the oldest go first, half of them at a time.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, *, depth: int = 24, factor: float = 4.0, most_tokens: int = 200_000) -> None:
        self.depth = checked_integer("depth", depth, least=2, most=256)
        self.factor = checked_number("factor", factor, above=0)
        self.most_tokens = checked_integer("most_tokens", most_tokens, least=0)
        self._newer, self._older = SuffixTrie(self.depth), SuffixTrie(self.depth)

    @property
    def earlier(self) -> tuple[SuffixTrie, SuffixTrie]:
        """The earlier texts, newer and older ones."""
        return self._newer, self._older

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _SuffixSession(self, len(prompt))

    def remember(self, tokens: Sequence[int]) -> None:
        """Keep a text that has been generated, for those to come."""
        half = self.most_tokens // 2
        kept = tokens[len(tokens) - min(half, len(tokens)) :]
        if len(self._newer) + len(kept) > half:
            self._newer, self._older = SuffixTrie(self.depth), self._newer
        for token in kept:
            self._newer.add(token)
        self._newer.end_text()


class _SuffixSession(DraftSession):
    def __init__(self, drafter: SuffixLookup, n_prompt: int) -> None:
        self._drafter = drafter
        self._own = SuffixTrie(drafter.depth)
        self._n_prompt = n_prompt
        self._n_known = 0

    def grow(self, growth: TreeGrowth) -> None:
        self._read(growth.text)
        tail = growth.text[-self._drafter.depth :]
        found = [(*trie.find(tail), trie) for trie in (self._own, *self._drafter.earlier)]
        length, place, trie = max(found, key=lambda match: match[0])
        if length:
            _add_likeliest(growth, trie, place, round(self._drafter.factor * length))

    def end(self, text: Sequence[int]) -> None:
        self._drafter.remember(text[self._n_prompt :])

    def _read(self, text: Sequence[int]) -> None:
        for token in text[self._n_known :]:
            self._own.add(token)
        self._n_known = len(text)


def _add_likeliest(growth: TreeGrowth, trie: SuffixTrie, start: Place, most_nodes: int) -> None:
    """Fixed nodes in the order of the share of all continuations that went there."""
    heap: list[tuple[float, int, int, int, Place]] = []
    n_pushed = 0

    def push(parent: int, place: Place, share: float) -> None:
        nonlocal n_pushed
        found = list(trie.continuations(place))
        total = sum(count for _, count, _ in found)
        for token, count, after in found:
            heapq.heappush(heap, (-share * count / total, n_pushed, parent, token, after))
            n_pushed += 1

    push(ROOT, start, 1.0)
    n_added = 0
    while heap and n_added < most_nodes and growth.n_left:
        negative_share, _, parent, token, after = heapq.heappop(heap)
        node = growth.add_fixed(parent, token)
        if node is not None:
            n_added += 1
            if node not in growth.tree.final:
                push(node, after, -negative_share)
