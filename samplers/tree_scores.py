"""`ScoreSteps`: the logits processors of a generation, applied to the nodes of a draft tree.

Plain decoding hands each row's text so far to a list of processors: first what the configuration asks for
(repetition penalty ...), then the caller's own, among them the grammar, then temperature, top-k and top-p.
A tree has another text at each node, so the list is taken apart once: the grammar is left out (its mask for
each node is at hand, `tree_growth.py`), what does not look at the text is applied to any scores, and what
does is called with the text of the node. The results are what plain decoding would have had there. Only nodes
that verification asks about cost anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.generation import logits_process

from ..decoding.errors import ArgumentValueError
from ..decoding.processors import GrammarProcessor

# These look at the scores alone.
_TEXT_BLIND: tuple[type[Any], ...] = (
    logits_process.TemperatureLogitsWarper,
    logits_process.TopKLogitsWarper,
    logits_process.TopPLogitsWarper,
    logits_process.TopHLogitsWarper,
    logits_process.MinPLogitsWarper,
    logits_process.TypicalLogitsWarper,
    logits_process.EpsilonLogitsWarper,
    logits_process.EtaLogitsWarper,
    logits_process.InfNanRemoveLogitsProcessor,
    logits_process.LogitNormalization,
    logits_process.SuppressTokensLogitsProcessor,
)
# These keep a state of their own from call to call, so a node cannot be scored by itself.
_STATEFUL = (
    logits_process.UnbatchedClassifierFreeGuidanceLogitsProcessor,
    logits_process.SynthIDTextWatermarkLogitsProcessor,
)
_NO_IDS = torch.zeros(1, 0, dtype=torch.long)


class NodeText(NamedTuple):
    """The text up to a node, for processors that look at it.

    token_ids: gives it, padding and prompt included; called only if needed. row, n_rows: which prompt of the
    batch it belongs to, which some processors know things about.
    """

    token_ids: Callable[[], Sequence[int]]
    row: int = 0
    n_rows: int = 1


_NO_TEXT = NodeText(tuple)


class ScoreSteps:
    """What happens to the logits of one node before a token is chosen.

    processors: in the order of plain decoding, at most one `GrammarProcessor` among them. Each must be a
        function of the text that it is shown and of the scores.
    is_sampled: a token is drawn; else the likeliest is taken.

    Attributes:
        grammar: the `GrammarProcessor`, or None.

    Raises:
        ArgumentValueError: a processor keeps a state, or there are several grammars, or one with a slack.
    """

    def __init__(self, processors: Iterable[Any], *, is_sampled: bool) -> None:
        self.is_sampled = is_sampled
        self.grammar: GrammarProcessor | None = None
        self._before: list[Any] = []  # the grammar
        self._after: list[Any] = []
        for processor in processors:
            if isinstance(processor, _STATEFUL):
                raise ArgumentValueError(
                    "with a drafter every logits processor must be a function of the text",
                    got=type(processor).__name__,
                    advice="generate without a drafter",
                )
            if isinstance(processor, GrammarProcessor):
                if self.grammar is not None:
                    raise ArgumentValueError("with a drafter there may be one GrammarProcessor", got=2)
                if processor.budget_slack:
                    raise ArgumentValueError(
                        "budget_slack is not to be had with a drafter",
                        got=processor.budget_slack,
                        advice="leave it out",
                    )
                self.grammar = processor
                self._before += self._after
                self._after = []
            elif self.grammar is not None or isinstance(processor, _TEXT_BLIND):
                self._after.append(processor)
            else:
                self._before += [*self._after, processor]
                self._after = []
        self._blind_after = [step for step in self._after if isinstance(step, _TEXT_BLIND)]

    def model_scores(self, logits: Tensor, text: NodeText) -> Tensor:
        """What comes before the grammar: float32 of shape [vocabulary], a copy."""
        scores = logits.to(torch.float32, copy=True)
        return _apply(self._before, scores, text)

    def target_probs(self, scores: Tensor, text: NodeText) -> Tensor:
        """The law of the next token, from masked scores; a one at the likeliest token if nothing is drawn."""
        scores = _apply(self._after, scores, text)
        if self.is_sampled:
            return scores.softmax(-1)
        return torch.zeros_like(scores).index_fill_(0, scores.argmax(-1), 1.0)

    def draft_probs(self, scores: Tensor) -> Tensor:
        """The law that a drafter draws from, from masked scores of shape [vocabulary]: as the target's, save
        for what looks at the text. (Any law would do; this one is close to the target's.)
        """
        return _apply(self._blind_after, scores, _NO_TEXT).softmax(-1)

    @property
    def takes_likeliest(self) -> bool:
        """Whether the next token is the likeliest allowed one, with nothing to apply after the mask."""
        return not self.is_sampled and not self._after


def _apply(steps: list[Any], scores: Tensor, text: NodeText) -> Tensor:
    ids: Tensor | None = None
    for step in steps:
        if isinstance(step, _TEXT_BLIND):
            scores = step(_NO_IDS, scores[None])[0]
            continue
        if ids is None:
            # A slice of a longer text, which is how drafts look in assisted generation too.
            ids = torch.tensor([[*text.token_ids(), 0]] * text.n_rows, device=scores.device)[:, :-1]
        scores = step(ids, scores.repeat(text.n_rows, 1))[text.row]
    return scores
