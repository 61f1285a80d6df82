"""`TrigramTree`: counts of three tokens in a row, searched for the likeliest continuations.

Counts of what followed each pair of tokens, in prompts and in what was verified, give probabilities; where a
pair is new, what followed its last token serves. A tree search spends a number of visits on them: from the
root, go to the child with the largest value + c * probability * sqrt(visits of the parent) / (1 + visits),
and add the first node that is new (adaptive draft-verification, ADED: Liu et al., 2407.12021). So likely
paths get deep and unlikely ones are tried early, too. The counts live as long as the drafter, those of old
texts excepted. Nodes are fixed. The cost of a token is two dictionary entries; of a draft, visits times
depth.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from ..decoding.arguments import checked_integer, checked_number
from .draft_session import DraftSession
from .draft_tree import ROOT
from .drafter import Drafter
from .tree_growth import TreeGrowth


class TrigramTree(Drafter):
    """Proposes from counts of tokens in a row.

    exploration: c of the search. max_depth: levels of the tree. n_guesses: successors that are looked at
        below a node. most_tokens: that are counted; the oldest go first, half of them at a time.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        *,
        exploration: float = 1.0,
        max_depth: int = 12,
        n_guesses: int = 8,
        most_tokens: int = 200_000,
    ) -> None:
        self.exploration = checked_number("exploration", exploration, above=0)
        self.max_depth = checked_integer("max_depth", max_depth, least=1, most=256)
        self.n_guesses = checked_integer("n_guesses", n_guesses, least=1, most=1024)
        self.most_tokens = checked_integer("most_tokens", most_tokens, least=2)
        self._newer, self._older = _Counts(), _Counts()

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _Session(self)

    def count(self, text: Sequence[int], start: int) -> None:
        """Count the tokens of a text from a position on."""
        if self._newer.n_tokens >= self.most_tokens // 2:
            self._newer, self._older = _Counts(), self._newer
        self._newer.add(text, start)

    def guesses(self, first: int, second: int) -> list[tuple[int, float]]:
        """Likely tokens after a pair, with their shares."""
        both = (self._newer, self._older)
        counts = _sum(*(found.after_pair.get((first, second)) for found in both)) or _sum(
            *(found.after_token.get(second) for found in both)
        )
        total = counts.total()
        return [(token, count / total) for token, count in counts.most_common(self.n_guesses)]


class _Counts:
    """What followed each pair of tokens, and each token, in a number of texts."""

    def __init__(self) -> None:
        self.n_tokens = 0
        self.after_pair: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self.after_token: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def add(self, text: Sequence[int], start: int) -> None:
        """Count the tokens of a text from a position on."""
        for position in range(max(1, start), len(text)):
            self.after_token[text[position - 1]][text[position]] += 1
            if position >= 2:
                self.after_pair[text[position - 2], text[position - 1]][text[position]] += 1
        self.n_tokens += len(text) - start


def _sum(one: Counter[int] | None, other: Counter[int] | None) -> Counter[int]:
    """Both together; the one that is there, as it is, if there is a single one."""
    if one and other:
        return one + other
    return one or other or Counter()


class _Branch:
    """A node of the search. node: in the draft tree, None until it is there."""

    __slots__ = ("children", "node", "share", "token", "value", "visits")

    def __init__(self, token: int, share: float) -> None:
        self.token = token
        self.share = share
        self.node: int | None = None
        self.visits = 0
        self.value = 0.0
        self.children: list[_Branch] | None = None  # None: not looked at yet


class _Session(DraftSession):
    def __init__(self, drafter: TrigramTree) -> None:
        self._drafter = drafter
        self._n_counted = 0

    def grow(self, growth: TreeGrowth) -> None:
        self._drafter.count(growth.text, self._n_counted)
        self._n_counted = len(growth.text)
        root = _Branch(growth.text[-1], 1.0)
        root.node = ROOT
        for _ in range(2 * growth.n_left):  # a visit may find nothing new
            if not growth.n_left or not self._visit(growth, root):
                return

    def end(self, text: Sequence[int]) -> None:
        self._drafter.count(text, self._n_counted)

    def _visit(self, growth: TreeGrowth, root: _Branch) -> bool:
        """Go down to a new node; False: there is nothing below the root."""
        path = [root]
        while True:
            branch = path[-1]
            if branch.children is None:
                branch.children = self._children(growth, path)
            if not branch.children:
                break
            parent = branch
            branch = max(branch.children, key=lambda child: self._urgency(parent, child))
            path.append(branch)
            if branch.node is None:
                assert parent.node is not None
                branch.node = growth.add_fixed(parent.node, branch.token)
                break
        reward = math.prod(branch.share for branch in path)
        for branch in path:
            branch.visits += 1
            branch.value += (reward - branch.value) / branch.visits
        return bool(root.children)

    def _children(self, growth: TreeGrowth, path: list[_Branch]) -> list[_Branch]:
        node = path[-1].node
        if node is None or node in growth.tree.final or len(path) > self._drafter.max_depth:
            return []
        before = path[-2].token if len(path) > 1 else growth.text[-2] if len(growth.text) > 1 else -1
        return [
            _Branch(token, share)
            for token, share in self._drafter.guesses(before, path[-1].token)
            if growth.allows(node, token)
        ]

    def _urgency(self, parent: _Branch, child: _Branch) -> float:
        bonus = self._drafter.exploration * child.share * math.sqrt(parent.visits + 1)
        return child.value + bonus / (1 + child.visits)
