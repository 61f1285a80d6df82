"""`DraftTree`: tokens that may come next, as a tree, with what verification needs to know about each.

A drafter adds nodes; the target model scores all of them in one pass; `verification.py` decides which path is
kept. Node 0 is the last token that is certain, so the tokens that may follow are its children. A node is
either *drawn* (sampled without replacement from the draft probabilities of its parent; siblings stand in
the order of their draws, which verification depends on) or *fixed* (from a table, a look-up, a grammar: any
choice that does not hang on chance in the target's stead). The cost is a few list entries for each node.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

ROOT = 0
"""The last token that is certain."""


class DraftTree:
    """Candidate continuations of one text.

    root_token: the last token of the text.
    with_replacement: the drawn siblings of a node are independent draws and may repeat. Only to compare with:
        a second draw of a rejected token is wasted.

    Attributes:
        tokens, parents, depths: token id, parent node (-1 for the root) and depth (0 for the root) by node;
            a parent comes before its children.
        final: nodes after which nothing comes: EOS, and the last token of the budget.
    """

    def __init__(self, root_token: int, *, with_replacement: bool = False) -> None:
        self.tokens = [root_token]
        self.parents = [-1]
        self.depths = [0]
        self.final: set[int] = set()
        self.with_replacement = with_replacement
        self._drawn: list[list[int]] = [[]]
        self._fixed: list[dict[int, int]] = [{}]
        self._draft_probs: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    def set_draft_probs(self, node: int, probs: Tensor) -> None:
        """The law of the first draw below a node: float32 or better, shape [vocabulary], sum 1."""
        self._draft_probs[node] = probs

    def draft_probs(self, node: int) -> Tensor:
        """What the drawn children of a node were drawn from."""
        return self._draft_probs[node]

    def has_draft_probs(self, node: int) -> bool:
        """Whether `draft_probs` of this node is known."""
        return node in self._draft_probs

    def add_drawn(self, parent: int, token: int) -> int:
        """Add the next draw from the draft probabilities of `parent`; returns its node.

        Drawn nodes come before fixed ones: what is fixed already is not drawn any more at this parent.
        """
        node = self._add(parent, token)
        self._drawn[parent].append(node)
        return node

    def add_fixed(self, parent: int, token: int) -> int:
        """A child with this token: the one that is there, drawn or fixed, or a new fixed one."""
        found = self.child(parent, token)
        if found is None:
            found = self._fixed[parent][token] = self._add(parent, token)
        return found

    def _add(self, parent: int, token: int) -> int:
        node = len(self.tokens)
        self.tokens.append(token)
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1)
        self._drawn.append([])
        self._fixed.append({})
        return node

    def drawn_children(self, node: int) -> Sequence[int]:
        """In the order of their draws."""
        return self._drawn[node]

    def fixed_child(self, node: int, token: int) -> int | None:
        """The fixed child with this token."""
        return self._fixed[node].get(token)

    def child(self, node: int, token: int) -> int | None:
        """The child with this token, drawn or fixed."""
        for drawn in self._drawn[node]:
            if self.tokens[drawn] == token:
                return drawn
        return self._fixed[node].get(token)

    def children(self, node: int) -> list[int]:
        """Drawn children in the order of their draws, then fixed ones in the order in which they came."""
        return [*self._drawn[node], *self._fixed[node].values()]

    def has_children(self, node: int) -> bool:
        """Whether anything may follow this node in the tree."""
        return bool(self._drawn[node] or self._fixed[node])

    def path(self, node: int) -> list[int]:
        """The nodes from the root, which is left out, to this one."""
        path = []
        while node != ROOT:
            path.append(node)
            node = self.parents[node]
        return path[::-1]

    def path_tokens(self, node: int) -> list[int]:
        """The tokens of `path(node)`."""
        return [self.tokens[step] for step in self.path(node)]
