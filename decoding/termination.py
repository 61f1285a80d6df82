"""`TerminationProcessor`: a vocabulary or grammar and a deadline in, a logits processor that keeps it out.

A text that runs on until `max_new_tokens` is cut off wherever it happens to be. This processor makes the end
likelier from step to step, preferably where a sentence is complete, and certain at the deadline:

    p'(EOS) = p(EOS) + (1 - p(EOS)) f(t),    p'(v) = p(v) (1 - f(t)) for the others,

which is the NMST mixture (`self_termination.py`) with a schedule that reaches 1. Where the text may not end
(the middle of a sentence, of a document of the grammar) f is 0, until the deadline. A floor without such a
gate wins where the model is least certain of the next word, which is seldom after a full stop. The cost of a
step is a few microseconds for each row, and one softmax of the rows for which f > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from transformers import LogitsProcessor

from .arguments import checked_choice, checked_integer
from .compile import CompiledGrammar
from .errors import NoAllowedTokenError, VocabularyError
from .prefixes import PrefixTracker, Row
from .processors import GrammarProcessor, check_tensors, follow_rows
from .self_termination import eos_mask
from .sentences import ENDS_AT, ends_sentence
from .vocabulary import Vocabulary

_LAST_TOKENS = 16  # so many are looked at: more quotes and brackets than that never follow a full stop


class TerminationProcessor(LogitsProcessor):
    """Ends every text of `model.generate(..., logits_processor=[processor])` in time.

    source: the model's `Vocabulary` for free text. A `CompiledGrammar`, or a list with one for each prompt,
        for texts of a grammar: the processor then does the work of `GrammarProcessor(source,
        max_new_tokens=stops_by)`, too, and EOS is possible only where the grammar accepts.
    stops_by: the deadline, in generated tokens, EOS included; let `max_new_tokens` of `generate()` be at
        least that.
    starts_at: tokens that are left to the model alone; then f(t) = (t - starts_at) / (stops_by - starts_at).
        None: half of `stops_by`.
    ends_at: "sentence": only where a sentence has ended, by the rule of `sentences.py`. "anywhere": wherever
        EOS is possible. None: "sentence" for a vocabulary, "anywhere" for grammars.
    prompt_length: as for `GrammarProcessor`.

    Law: no row has more than `stops_by` generated tokens, for every model and every sampler. Proof: in the
    call for token t = stops_by, f = 1 whatever the gate says, so all scores but those of EOS become -inf.
    Whatever comes later in `generate()` (temperature, top-k, nucleus, min-p, typical, beams, verification of
    drafts) gives the probability 0 to a token with the score -inf and keeps at least one token, so token t is
    EOS. What is needed is that EOS may come there. With a grammar as `source` it may: the mask keeps the
    invariant 1 + tokens_to_finish <= tokens left, which with one token left allows EOS alone; and a grammar
    whose shortest text does not fit is refused before the first token. Where another processor forbids EOS
    there (`min_new_tokens`, suppressed tokens, a `GrammarProcessor` with a larger budget), that is an error,
    not a longer text.

    A `GrammarProcessor` may also stand before this one in the list: EOS that it forbids stays forbidden.
    """

    supports_continuous_batching = False

    def __init__(
        self,
        source: Vocabulary | CompiledGrammar | Sequence[CompiledGrammar],
        *,
        stops_by: int,
        starts_at: int | None = None,
        ends_at: str | None = None,
        prompt_length: int | None = None,
    ) -> None:
        self.stops_by = checked_integer("stops_by", stops_by, least=1)
        if starts_at is None:
            starts_at = self.stops_by // 2
        self.starts_at = checked_integer("starts_at", starts_at, least=0, most=self.stops_by - 1)
        if ends_at is None:
            ends_at = "sentence" if isinstance(source, Vocabulary) else "anywhere"
        self.ends_at = checked_choice("ends_at", ends_at, ENDS_AT, also=", or None")
        if prompt_length is not None:
            prompt_length = checked_integer("prompt_length", prompt_length, least=0)
        self._grammar: GrammarProcessor | None = None
        if isinstance(source, Vocabulary):
            self._vocabulary = source
            self._tracker = PrefixTracker([_FreeText(source.eos_token_ids)], prompt_length=prompt_length)
        else:
            self._grammar = GrammarProcessor(
                source, max_new_tokens=self.stops_by, prompt_length=prompt_length
            )
            first = source if isinstance(source, CompiledGrammar) else source[0]
            self._vocabulary = first.vocabulary

    def reset(self) -> None:
        """Forget everything: the next call shows a new prompt."""
        if self._grammar is None:
            self._tracker.reset()
        else:
            self._grammar.reset()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores, with log-probabilities of the mixture in the rows for which f > 0.

        input_ids: shape [rows, tokens], prompts included.
        scores: shape [rows, logits], any floating-point dtype, any device; unchanged.

        Raises:
            NoAllowedTokenError: a row is at the deadline and another processor forbids EOS.
            VocabularyError: there are fewer logits than the ids of the EOS tokens need.
            ArgumentTypeError: these are no tensors of such shapes.
            What `GrammarProcessor` raises, where there is a grammar.
        """
        check_tensors(input_ids, scores)
        if self._grammar is None:
            self._check_width(scores.shape[-1])
            rows = follow_rows(self._tracker, input_ids)
        else:
            scores = self._grammar(input_ids, scores)
            rows = self._grammar.rows
        floors = [self._floor(row) for row in rows]
        chosen = [index for index, floor in enumerate(floors) if floor > 0]
        if not chosen:
            return scores
        index = torch.tensor(chosen, device=scores.device)
        part = scores[index]
        self._check_deadlines(rows, floors, chosen, part)
        floor = torch.tensor([floors[i] for i in chosen], device=scores.device)
        mixed = mix_in_end(part, self._vocabulary.eos_token_ids, floor)
        return cast(torch.FloatTensor, scores.index_copy(0, index, mixed.to(scores.dtype)))

    def _floor(self, row: Row) -> float:
        """f of the next token of a row; 0 also for padding after EOS, and for drafts that are thrown away."""
        step = row.n_tokens + 1
        if step <= self.starts_at or not row.is_live:
            return 0.0
        if step >= self.stops_by:
            return 1.0
        if self.ends_at == "sentence" and not self._is_sentence_end(row):
            return 0.0
        return (step - self.starts_at) / (self.stops_by - self.starts_at)

    def _is_sentence_end(self, row: Row) -> bool:
        n_tokens = self._vocabulary.n_tokens
        last = [token_id for token_id in row.tokens[-_LAST_TOKENS:].tolist() if token_id < n_tokens]
        return ends_sentence(self._vocabulary.decode(last))

    def _check_deadlines(
        self, rows: list[Row], floors: list[float], chosen: list[int], scores: Tensor
    ) -> None:
        """Refuse to go on where EOS has to come and may not."""
        late = [position for position, index in enumerate(chosen) if floors[index] >= 1]
        if not late:
            return
        may_end = scores[late][:, list(self._vocabulary.eos_token_ids)].amax(1) > -torch.inf
        for position, possible in zip(late, may_end.tolist(), strict=True):
            if not possible:
                raise NoAllowedTokenError(
                    rows[chosen[position]].tokens.tolist(),
                    message=f"the text must end with token {self.stops_by}, and EOS has the score -inf",
                    advice="give the grammar to this processor, or a GrammarProcessor max_new_tokens="
                    f"{self.stops_by}; look for min_new_tokens and suppressed tokens",
                )

    def _check_width(self, width: int) -> None:
        needed = max(self._vocabulary.eos_token_ids) + 1
        if width < needed:
            raise VocabularyError(
                f"the model's logits must be at least {needed}, to have the EOS token",
                got=width,
                advice="use the vocabulary of the tokenizer that belongs to this model",
            )


def mix_in_end(scores: Tensor, eos_token_ids: Sequence[int], floor: Tensor) -> Tensor:
    """Log-probabilities of the mixture p(EOS) + (1 - p(EOS)) f for EOS, p (1 - f) for the others.

    Several EOS tokens keep their shares. Where all of them have the score -inf, nothing is mixed in, so that
    the text cannot end there.

    scores: logits or log-probabilities, any floating-point dtype, shape [rows, tokens].
    floor: f of each row, from 0 to 1, shape [rows].
    Returns float32 (float64 stays), shape [rows, tokens].
    """
    log_probs = (scores if scores.dtype == torch.float64 else scores.float()).log_softmax(-1)
    is_eos = eos_mask(scores, eos_token_ids)
    ends = log_probs[:, list(eos_token_ids)].logsumexp(1, keepdim=True)
    others = log_probs.masked_fill(is_eos, -torch.inf).logsumexp(1, keepdim=True)
    may_end = ends > -torch.inf
    f = torch.where(may_end, floor.to(log_probs.dtype)[:, None], 0)
    raised = torch.logaddexp(ends, f.log() + others)
    # In this order very unlikely EOS tokens, whose logarithms are large, cost no digits.
    end_probs = torch.where(may_end, log_probs - ends + raised, log_probs)
    return torch.where(is_eos, end_probs, log_probs + (-f).log1p())


class _FreeText:
    """Stands for the grammar of all texts, so that rows are followed as those of a grammar."""

    def __init__(self, eos_token_ids: Sequence[int]) -> None:
        self._eos_token_ids = frozenset(eos_token_ids)

    def matcher(self) -> _FreeMatcher:
        """At the beginning of a text."""
        return _FreeMatcher(self._eos_token_ids)


class _FreeMatcher:
    """Accepts every token up to the first EOS."""

    def __init__(self, eos_token_ids: frozenset[int], is_terminated: bool = False) -> None:
        self._eos_token_ids = eos_token_ids
        self.is_terminated = is_terminated

    def copy(self) -> _FreeMatcher:
        return _FreeMatcher(self._eos_token_ids, self.is_terminated)

    def rollback(self, n_tokens: int) -> None:
        """EOS can only have been the last token."""
        self.is_terminated = self.is_terminated and n_tokens == 0

    def try_accept_tokens(self, token_ids: Sequence[int]) -> int:
        """How many were accepted: up to EOS, which is the last."""
        for position, token_id in enumerate(token_ids):
            if self.is_terminated:
                return position
            self.is_terminated = token_id in self._eos_token_ids
        return len(token_ids)
