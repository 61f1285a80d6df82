"""`GrammarProcessor`: a compiled grammar in, a logits processor for transformers' `generate()` out.

At each step every row's matcher fills one row of a bitmask, and the scores of the tokens that it forbids
become -inf. Which matcher belongs to which row is found anew at every call from the tokens of the row
(`prefixes.py`), so batches, beams, several sequences for each prompt, draft models, prompt look-up, streamers
and the next `generate()` all work with one object. The cost of a step is one mask for each row (microseconds)
and one copy of the scores.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from transformers import LogitsProcessor

from ..grammars.errors import ConstraintError
from .arguments import checked_integer
from .bitmask import allocate_bitmask, copy_allowed
from .compile import CompiledGrammar
from .errors import ArgumentTypeError, BudgetTooSmallError, NoAllowedTokenError, VocabularyError
from .prefixes import PrefixTracker, Row

MOST_PADDING = 3
"""A model with more than so many times the logits that the vocabulary has tokens is not the vocabulary's."""


@dataclass
class MaskTimes:
    """How long masks took to fill: their number, and nanoseconds in total and for the slowest."""

    count: int = 0
    total_ns: int = 0
    slowest_ns: int = 0

    def add(self, elapsed_ns: int) -> None:
        """Count one mask."""
        self.count += 1
        self.total_ns += elapsed_ns
        self.slowest_ns = max(self.slowest_ns, elapsed_ns)


class GrammarProcessor(LogitsProcessor):
    """Makes the output of `model.generate(..., logits_processor=[processor])` obey a grammar.

    compiled: one grammar for all rows, or a list with one for each prompt of the batch.
    max_new_tokens: give it the number that `generate()` gets, and every output is complete and valid within
        it, EOS included. None, or a larger number than `generate()` has: nothing keeps the model from being
        cut off, and the processor, which sees tokens only, cannot notice.
    prompt_length: width of the prompt in tokens, padding included. None: the first call of a generation
        shows it. Only two kinds of use need the number (or `reset()`): a generation whose first call shows
        generated text already, and a prompt that is an earlier prompt with one more token which the grammar
        would allow.

    Rows after EOS are left alone, and so are rows with a token that the grammar rejects: those are drafts,
    and the rejected token had the score -inf, so the draft is not taken. The scores are never changed in
    place, because prompt look-up hands in the same tensor again.

    Attributes:
        mask_times: how long the masks took, over all calls.
        rows: the rows of the last call, in their order.
    """

    supports_continuous_batching = False

    def __init__(
        self,
        compiled: CompiledGrammar | Sequence[CompiledGrammar],
        *,
        max_new_tokens: int | None = None,
        prompt_length: int | None = None,
    ) -> None:
        given = list(compiled) if isinstance(compiled, (list, tuple)) else [compiled]
        grammars = [grammar for grammar in given if isinstance(grammar, CompiledGrammar)]
        if not grammars or len(grammars) < len(given):
            raise ConstraintError(
                "GrammarProcessor: needs a CompiledGrammar or a list of them",
                got=compiled,
                advice="pass compile_grammar(grammar, vocabulary)",
            )
        if max_new_tokens is not None:
            max_new_tokens = checked_integer("max_new_tokens", max_new_tokens, least=1)
        if prompt_length is not None:
            prompt_length = checked_integer("prompt_length", prompt_length, least=0)
        vocabularies = {grammar.vocabulary for grammar in grammars}
        if len(vocabularies) > 1:
            raise VocabularyError(
                "all grammars of a batch must be compiled for one vocabulary", got=vocabularies
            )
        self.mask_times = MaskTimes()
        self.rows: list[Row] = []
        self._max_new_tokens = max_new_tokens
        self._vocab_size = vocabularies.pop().vocab_size
        self._tracker = PrefixTracker(grammars, prompt_length=prompt_length)
        self._bitmask = allocate_bitmask(0, self._vocab_size)

    def reset(self) -> None:
        """Forget everything: the next call shows a new prompt."""
        self._tracker.reset()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """A copy of the scores with -inf at the forbidden tokens.

        input_ids: shape [rows, tokens], prompts included.
        scores: shape [rows, logits], any floating-point dtype, any device.

        Raises:
            NoAllowedTokenError: a row may go on with no token at all, or with none that has a finite score.
            BudgetTooSmallError: the shortest output does not fit into `max_new_tokens`.
            VocabularyError: there are fewer logits than tokens in the vocabulary, or more than `MOST_PADDING`
                times as many: it is that of another tokenizer.
            ArgumentTypeError: these are no tensors of such shapes.
        """
        check_tensors(input_ids, scores)
        self._check_width(scores.shape[-1])
        rows = self.rows = follow_rows(self._tracker, input_ids)
        if len(self._bitmask) < len(rows):
            self._bitmask = allocate_bitmask(len(rows), self._vocab_size)
        masked = [index for index, row in enumerate(rows) if row.is_live and self._fill(row, index)]
        result, empty = copy_allowed(scores, self._bitmask, masked)
        for index in empty:
            raise NoAllowedTokenError(
                rows[index].tokens.tolist(),
                message="every token that the grammar allows has the score -inf",
                advice="look for other processors that exclude them (suppressed or forced tokens)",
            )
        return cast(torch.FloatTensor, result)

    def _check_width(self, width: int) -> None:
        """Refuse logits that cannot be those of this vocabulary; a few of them may be padding."""
        if not self._vocab_size <= width <= MOST_PADDING * self._vocab_size:
            demand = "cover" if width < self._vocab_size else f"not be more than {MOST_PADDING} times"
            raise VocabularyError(
                f"the model's logits must {demand} the {self._vocab_size} tokens of the vocabulary",
                got=width,
                advice="compile the grammar for the tokenizer that belongs to this model, "
                "with vocab_size=model.config.vocab_size if it is right",
            )

    def _fill(self, row: Row, index: int) -> bool:
        """Fill one row of the bitmask; False: a draft that the budget cannot finish, to be left alone."""
        started = time.perf_counter_ns()
        if self._max_new_tokens is None:
            row.matcher.fill_bitmask(self._bitmask, row=index)
        else:
            try:
                row.matcher.fill_bitmask(
                    self._bitmask, row=index, budget=self._max_new_tokens - len(row.tokens)
                )
            except BudgetTooSmallError:
                if not len(row.tokens):
                    raise
                return False
        self.mask_times.add(time.perf_counter_ns() - started)
        return True


def follow_rows(tracker: PrefixTracker, input_ids: torch.Tensor) -> list[Row]:
    """The rows of `input_ids`, integers of shape [rows, tokens], on any device."""
    # Drafts are verified prefix by prefix, and each prefix is a slice of the whole candidate.
    is_slice = input_ids.untyped_storage().nbytes() > input_ids.nbytes
    token_ids = input_ids.detach().to(device="cpu", dtype=torch.int64).numpy()
    return tracker.follow(token_ids, is_draft=is_slice)


def check_tensors(input_ids: object, scores: object) -> None:
    """Raise ArgumentTypeError unless these are what a logits processor is called with."""
    is_right = (
        isinstance(input_ids, torch.Tensor)
        and isinstance(scores, torch.Tensor)
        and not input_ids.is_floating_point()
        and scores.is_floating_point()
        and (input_ids.ndim, scores.ndim) == (2, 2)
        and len(input_ids) == len(scores)
    )
    if not is_right:
        shapes = [getattr(value, "shape", value) for value in (input_ids, scores)]
        raise ArgumentTypeError(
            "input_ids and scores must be tensors of shape [rows, tokens] and [rows, logits]",
            got=shapes,
            advice="pass the processor to model.generate(logits_processor=[...])",
        )
