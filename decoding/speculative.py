"""What `generate()` and a drafter agree on: a drafter decodes with a model and says what that cost.

Drafters are in `samplers/`, which this folder does not import; so here is their protocol, and what they
report. Any object with this method can take the place of transformers' own loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch


@dataclass(frozen=True)
class SpeculationStatistics:
    """What a generation with drafts cost, all rows of the batch together.

    n_tokens: tokens generated, EOS included, the one that the prompt's own pass gives not counted.
    n_steps: so many times a row was in a pass of the target model after that of the prompt.
    block_efficiency: tokens for each of these passes; 1 without drafts.
    n_draft_steps: in so many of them there was a draft.
    n_nodes: draft nodes that the target read.
    accepted_by_depth: in how many steps at least one, two, three ... drafted tokens were kept.
    draft_ms, target_ms, verify_ms, keep_ms: milliseconds for growing the trees (masks included), for the
        target's passes, for verification, and for moving the cache. mask_ms: for masks, part of the others.
    """

    n_tokens: int
    n_steps: int
    block_efficiency: float
    n_draft_steps: int
    n_nodes: int
    accepted_by_depth: tuple[int, ...]
    draft_ms: float
    target_ms: float
    verify_ms: float
    keep_ms: float
    mask_ms: float


@dataclass(frozen=True)
class DraftedSequences:
    """What a drafter decoded.

    sequences: int64, shape [rows, tokens]: prompts and outputs, padded after EOS.
    log_probs: by row the logarithm of the probability that the model alone gives to the output.
    statistics: what it cost.
    """

    sequences: torch.Tensor
    log_probs: list[float]
    statistics: SpeculationStatistics


@runtime_checkable
class SpeculativeDecoder(Protocol):
    """Decodes with drafts, losslessly: the law of the output is that of decoding without them."""

    def decode(
        self,
        model: Any,
        input_ids: torch.Tensor,
        *,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        generator: torch.Generator | None = None,
        **model_inputs: Any,
    ) -> DraftedSequences:
        """As transformers calls `generate(custom_generate=...)`.

        input_ids: prompts, int64, shape [rows, tokens]. generator: where all chance comes from.
        """
