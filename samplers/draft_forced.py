"""`ForcedTokens`: where a grammar leaves no choice about the text, that text as a draft.

The text is exact, its tokens are not: `orderId` may be written `order` + `Id` as well, and the model may
prefer either, so forced text is never put in without the target's verdict (that would change the law). The
longest tokens are proposed, as fixed nodes; where a single token is legal the verdict is certain. No draft
model, no statistics: the cost is a walk of the matcher. Given other sessions' trees, it goes on at their
leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from .draft_session import DraftSession
from .drafter import Drafter
from .tree_growth import TreeGrowth


class ForcedTokens(Drafter):
    """Proposes what the grammar demands. Alone it helps with keys and punctuation; it goes well after others
    in `CombinedDrafter`.
    """

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _Session()


class _Session(DraftSession):
    def grow(self, growth: TreeGrowth) -> None:
        """Forced text below the root, and below each leaf that is there."""
        tree = growth.tree
        for leaf in [node for node in range(len(tree)) if not tree.has_children(node)]:
            extend_forced(growth, leaf)


def extend_forced(growth: TreeGrowth, node: int) -> int:
    """Add the forced tokens below a node, as far as they go and as there is room; the last node."""
    while growth.may_grow(node):
        tokens = growth.forced_tokens(node)
        for token in tokens:
            child = growth.add_fixed(node, token)
            if child is None:
                return node
            node = child
        if not tokens:
            break
    return node
