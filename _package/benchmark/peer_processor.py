"""Any engine of MaskBench as a logits processor for one sequence of transformers' `generate()`."""

from __future__ import annotations

from typing import Any

import torch
from transformers import LogitsProcessor

from ..decoding.bitmask import apply_bitmask
from .maskbench.engines import Engine, EngineError


class PeerProcessor(LogitsProcessor):
    """Commits the token that was chosen, fills the mask, applies it in place."""

    def __init__(self, engine: Engine[Any, Any], compiled: Any) -> None:
        self._engine = engine
        self._matcher = engine.matcher(compiled)
        self._is_first = True

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """input_ids: shape [1, tokens]. Raises EngineError as the engine does."""
        if not self._is_first and not self._engine.commit(self._matcher, int(input_ids[0, -1])):
            raise EngineError("the mask allowed a token that cannot be committed")
        self._is_first = False
        self._engine.fill(self._matcher)
        apply_bitmask(scores, self._engine.bitmask)
        return scores
