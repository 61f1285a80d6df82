"""`Speculation`: a drafter and a model in, text that plain decoding could have written, in fewer passes, out.

Here are the options, and what was measured with a model; `speculative_run.py` has the loop. The law of the
output is that of plain decoding with the same processors; with greedy decoding it is the same output. Text
without a grammar works as well as text with one. Chance comes in two streams, one for drafts and one for
verification: with common noise the residual would be biased.

It runs inside `model.generate(custom_generate=...)`, so prompts, configuration and processors are prepared by
transformers as ever.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_instance, checked_integer
from ..decoding.errors import ArgumentValueError
from ..decoding.speculative import DraftedSequences
from ..decoding.termination import TerminationProcessor
from .draft_control import SpeedControl
from .drafter import Drafter
from .speculative_inputs import check_configuration, check_inputs
from .speculative_run import SpeculativeRun
from .tree_scores import ScoreSteps
from .tree_support import check_tree_model
from .verification import RULES

MOST_NODES = 1024


class Speculation:
    """A way to decode with drafts: `tt.generate(..., drafter=Speculation(drafter))`, or without a grammar
    `model.generate(**inputs, custom_generate=Speculation(drafter))`.

    drafter: what proposes.
    rule: "recursive" or "traversal" (keeps a little more, and costs a little more in each step).
    max_nodes: most nodes of a tree, besides its root.
    adaptive: measure what trees bring and cost, take the size that pays best, and none where none pays. The
        law of the output is the same; but which texts come for a seed then hangs on the clock.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self, drafter: Drafter, *, rule: str = "recursive", max_nodes: int = 32, adaptive: bool = True
    ) -> None:
        checked_instance("drafter", drafter, Drafter, "a Drafter", "see docs/speculation.md")
        checked_instance("adaptive", adaptive, bool, "True or False")
        self.drafter = drafter
        self.adaptive = adaptive
        self._controls: WeakKeyDictionary[Any, dict[int, SpeedControl]] = WeakKeyDictionary()
        self.rule = checked_choice("rule", rule, tuple(RULES))
        self.max_nodes = checked_integer("max_nodes", max_nodes, least=1, most=MOST_NODES)

    def control(self, model: Any, n_rows: int) -> SpeedControl:
        """What has been measured with a model and about so many rows (1, 2 to 3, 4 to 7 ...)."""
        by_rows = self._controls.setdefault(model, {})
        known = by_rows.get(n_rows.bit_length())
        if known is None:
            known = by_rows[n_rows.bit_length()] = SpeedControl(self.max_nodes)
        return known

    # `generator` stands in these signatures because transformers hands on only what it finds there by name.
    def __call__(
        self, model: Any, input_ids: Tensor, *, generator: torch.Generator | None = None, **inputs: Any
    ) -> Tensor:
        """As transformers calls `custom_generate`; the sequences, int64, shape [rows, tokens].

        generator: where all chance comes from (`model.generate(..., generator=...)`); None: torch's own.
        """
        drafted = self._decode(model, input_ids, generator=generator, needs_log_probs=False, **inputs)
        return drafted.sequences

    def decode(
        self, model: Any, input_ids: Tensor, *, generator: torch.Generator | None = None, **inputs: Any
    ) -> DraftedSequences:
        """As `decoding.speculative.SpeculativeDecoder` says.

        Raises:
            UnsupportedModelError: the model cannot read trees.
            ArgumentValueError: the configuration asks for what there is not with drafts (beams, scores ...).
            NoAllowedTokenError: other processors exclude every token that the grammar allows.
            What the drafter raises.
        """
        return self._decode(model, input_ids, generator=generator, needs_log_probs=True, **inputs)

    def _decode(
        self,
        model: Any,
        input_ids: Tensor,
        *,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        generator: torch.Generator | None,
        needs_log_probs: bool,
        **model_inputs: Any,
    ) -> DraftedSequences:
        check_tree_model(model)
        check_configuration(generation_config)
        check_inputs(input_ids, model_inputs)
        if len(input_ids) > 1 and any(isinstance(step, TerminationProcessor) for step in logits_processor):
            raise ArgumentValueError(
                "with a drafter, a TerminationProcessor takes one prompt at a time",
                got=len(input_ids),
                advice="call generate() for each prompt",
            )
        run = SpeculativeRun(
            *(self, model, input_ids),
            ScoreSteps(logits_processor, is_sampled=bool(generation_config.do_sample)),
            *(stopping_criteria, generation_config, generator),
            needs_log_probs=needs_log_probs,
        )
        return run.decode(model_inputs.get("attention_mask"), model_inputs.get("past_key_values"))
