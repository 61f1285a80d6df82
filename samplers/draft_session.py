"""What a drafter does for one text: `DraftSession`. How it is made and kept: `Drafter` in `drafter.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from .tree_growth import TreeGrowth
from .verification import Verdict


class DraftSession(ABC):
    """Proposes continuations of one text, step by step.

    The law of what is kept does not depend on what a session proposes, as long as drawn nodes are drawn:
    `growth.add_drawn` in the order of the draws, from `growth.tree.draft_probs` less what came before, by
    `growth.chance`. Which nodes are expanded may depend on the text, on probabilities and on earlier draws; a
    token that was drawn may not be dropped because of what it is.
    """

    @abstractmethod
    def grow(self, growth: TreeGrowth) -> None:
        """Add nodes, at most `growth.n_left`, by `add_fixed`, `set_draft_probs` and `add_drawn`."""

    def learn(self, growth: TreeGrowth, logits: Tensor, verdict: Verdict) -> None:  # noqa: B027
        """Look at the outcome of a step.

        growth: the tree that was verified (by several sessions, perhaps). logits: the target's, at each node,
        shape [nodes, n_logits]. verdict: what was kept.
        """

    def end(self, text: Sequence[int]) -> None:  # noqa: B027
        """The text, prompt and output, is complete."""
