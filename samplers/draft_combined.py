"""`CombinedDrafter`: several drafters, one tree.

Each in turn adds to what is there; tokens that two of them propose are one node, and later drafters go on
below the nodes of earlier ones. A drafter that draws (a draft model) must be the first: at a node, drawn
children are verified before fixed ones. The cost is the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..decoding.arguments import checked_list
from ..decoding.errors import ArgumentValueError
from .draft_session import DraftSession
from .drafter import Drafter
from .tree_growth import TreeGrowth
from .verification import Verdict


class CombinedDrafter(Drafter):
    """Proposes what all of its drafters do. Each may fill half of the nodes that are left, the last one all.

    Raises:
        ArgumentTypeError: these are no drafters. ArgumentValueError: there is none, or one that draws is not
        the first.
    """

    def __init__(self, drafters: Sequence[Drafter]) -> None:
        self.drafters = checked_list("drafters", drafters, Drafter, "a Drafter")
        if not self.drafters:
            raise ArgumentValueError("drafters must have at least one member", got=drafters)
        for drafter in self.drafters[1:]:
            if drafter.draws:
                raise ArgumentValueError(
                    "of combined drafters one that draws must be the first",
                    got=type(drafter).__name__,
                    advice="put it in front; two of them cannot be combined",
                )

    @property
    def draws(self) -> bool:
        """See `Drafter`."""
        return any(drafter.draws for drafter in self.drafters)

    def session(self, prompt: Sequence[int]) -> DraftSession:
        """See `Drafter`."""
        return _Session([drafter.session(prompt) for drafter in self.drafters])


class _Session(DraftSession):
    def __init__(self, sessions: list[DraftSession]) -> None:
        self._sessions = sessions

    def grow(self, growth: TreeGrowth) -> None:
        whole = growth.room
        for session in self._sessions:
            if session is not self._sessions[-1]:
                growth.room = whole - growth.n_left // 2
            session.grow(growth)
            growth.room = whole

    def learn(self, growth: TreeGrowth, logits: Tensor, verdict: Verdict) -> None:
        for session in self._sessions:
            session.learn(growth, logits, verdict)

    def end(self, text: Sequence[int]) -> None:
        for session in self._sessions:
            session.end(text)
