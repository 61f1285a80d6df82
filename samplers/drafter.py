"""`Drafter`: what proposes continuations, kept from one generation to the next.

A drafter holds what outlives a text: a draft model, tables that were learnt. For each text it opens a session
(`draft_session.py`). It can be given to `tt.generate(drafter=...)` and to
`model.generate(custom_generate=...)` as it is; `Speculation` adds the options.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..decoding.speculative import DraftedSequences
from .draft_session import DraftSession

if TYPE_CHECKING:
    from .speculation import Speculation


class Drafter(ABC):
    """Opens a session for each text. A subclass says how."""

    @property
    def draws(self) -> bool:
        """Whether its nodes are drawn (`TreeGrowth.add_drawn`) when the target draws; most are fixed."""
        return False

    @abstractmethod
    def session(self, prompt: Sequence[int]) -> DraftSession:
        """What proposes for one text. prompt: its token ids, without padding."""

    @cached_property
    def speculation(self) -> Speculation:
        """Decoding with this drafter and the usual options."""
        from .speculation import Speculation  # which imports this module

        return Speculation(self)

    def decode(
        self, model: Any, input_ids: Tensor, *, generator: torch.Generator | None = None, **inputs: Any
    ) -> DraftedSequences:
        """As `Speculation.decode`, with the usual options."""
        return self.speculation.decode(model, input_ids, generator=generator, **inputs)

    def __call__(
        self, model: Any, input_ids: Tensor, *, generator: torch.Generator | None = None, **inputs: Any
    ) -> Tensor:
        """As `Speculation.__call__`, with the usual options."""
        return self.speculation(model, input_ids, generator=generator, **inputs)
