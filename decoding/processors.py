"""`GrammarProcessor`: a compiled grammar in, a logits processor for transformers' `generate()` out.

At each step every row's matcher fills one row of a bitmask, and the scores of the tokens that it forbids
become -inf. Which matcher belongs to which row is found anew at every call from the tokens of the row
(`prefixes.py`), so batches, beams, several sequences for each prompt, draft models, prompt look-up, streamers
and the next `generate()` all work with one object. The cost of a step is one mask for each row (microseconds)
and one copy of the scores (`masked_scores.py`); on a GPU, a mask that was met before stays there
(`device_rows.py`).

On a GPU the tokens have to come to the host first. A logits processor alone can fetch them only once the
forward pass is over; `processor.new_tokens`, given to `generate()` as a stopping criterion, fetches them
before it begins, so that the masks are filled while the device computes.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor, StoppingCriteria

from ..grammars.errors import ConstraintError
from .arguments import checked_instance, checked_integer, checked_number
from .bitmask import allocate_bitmask, unpack_bitmask
from .compile import CompiledGrammar
from .compiled_length import CompiledLength, with_length
from .device_rows import DeviceRows
from .errors import (
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    NoAllowedTokenError,
    VocabularyError,
)
from .length import Length
from .masked_scores import ScoreMasker
from .prefixes import PrefixTracker, Row
from .rule_temperatures import bounded_temperature, has_temperatures, rule_temperature, tempered
from .vocabulary import check_width


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

    compiled: one grammar for all rows, or a list with one for each prompt of the batch. A `CompiledLength` is
        as good as a grammar.
    max_new_tokens: give it the number that `generate()` gets, and every output is complete and valid within
        it, EOS included. None, or a larger number than `generate()` has: nothing keeps the model from being
        cut off, and the processor, which sees tokens only, cannot notice.
    length: every text of the grammars has this length as well (`compile_length` has the terms).
    budget_slack: with a budget, steer towards the end early. While fewer tokens than so many are left beyond
        those that finishing takes, the odds of each token that brings the end no nearer are multiplied by
        (tokens left beyond) / budget_slack; 0: the model is free until the last moment, and then forced.
    prompt_length: width of the prompt in tokens, padding included. None: the first call of a generation
        shows it. Only two kinds of use need the number (or `reset()`): a generation whose first call shows
        generated text already, and a prompt that is an earlier prompt with one more token which the grammar
        would allow.
    temperature: the one that `generate()` gets. Only grammars with temperatures of their own ask for it: the
        scores in such a rule are multiplied by it and divided by the rule's, since transformers divides by
        its own after all processors of the caller. What is drawn from has the rule's temperature then. Where
        nothing is drawn, beams are ranked by such scores, and greedy decoding takes the same tokens as ever.
    in_place: write into the scores that `generate()` hands in, which is faster than to copy them. Not for
        prompt look-up, which hands the same tensor in again; and with `output_logits` the logits that are
        kept are masked ones.

    Rows after EOS are left alone, and so are rows with a token that the grammar rejects: those are drafts,
    and the rejected token had the score -inf, so the draft is not taken.

    Attributes:
        mask_times: how long the masks took, over all calls.
        new_tokens: `generate(..., stopping_criteria=[processor.new_tokens])` lets the masks of a model on a
            GPU be filled while its forward pass runs. It stops nothing.
        rows: the rows of the last call, in their order.
        grammars: one for all rows, or one for each prompt.
        has_temperatures: whether some rule of them has one.
        max_new_tokens, prompt_length, budget_slack, temperature: as they were given.
    """

    supports_continuous_batching = False

    def __init__(
        self,
        compiled: CompiledGrammar | CompiledLength | Sequence[CompiledGrammar | CompiledLength],
        *,
        max_new_tokens: int | None = None,
        length: Length | None = None,
        budget_slack: int = 0,
        prompt_length: int | None = None,
        temperature: float = 1.0,
        in_place: bool = False,
    ) -> None:
        given = list(compiled) if isinstance(compiled, (list, tuple)) else [compiled]
        grammars = [grammar for grammar in given if isinstance(grammar, (CompiledGrammar, CompiledLength))]
        if not grammars or len(grammars) < len(given):
            raise ConstraintError(
                "GrammarProcessor: needs a CompiledGrammar or a list of them",
                got=compiled,
                advice="pass compile_grammar(grammar, vocabulary)",
            )
        if length is not None:
            # Rows of a batch often share a grammar, and to bind a length to one takes seconds.
            bound = {grammar: with_length(grammar, length) for grammar in dict.fromkeys(grammars)}
            grammars = [bound[grammar] for grammar in grammars]
        if max_new_tokens is not None:
            max_new_tokens = checked_integer("max_new_tokens", max_new_tokens, least=1)
        self.budget_slack = checked_integer("budget_slack", budget_slack, least=0)
        if self.budget_slack and max_new_tokens is None:
            raise ArgumentValueError(
                "budget_slack does nothing without max_new_tokens", got=budget_slack, advice="give both"
            )
        if prompt_length is not None:
            prompt_length = checked_integer("prompt_length", prompt_length, least=0)
        self.temperature = bounded_temperature(checked_number("temperature", temperature, above=0))
        self.has_temperatures = any(map(has_temperatures, grammars))
        checked_instance("in_place", in_place, bool, "True or False")
        vocabularies = {grammar.vocabulary for grammar in grammars}
        if len(vocabularies) > 1:
            raise VocabularyError(
                "all grammars of a batch must be compiled for one vocabulary", got=vocabularies
            )
        self.mask_times = MaskTimes()
        self.new_tokens = NewTokens()
        self.rows: list[Row] = []
        self.grammars = grammars
        self.max_new_tokens = max_new_tokens
        self.prompt_length = prompt_length
        self._vocab_size = vocabularies.pop().vocab_size
        self._tracker = PrefixTracker(grammars, prompt_length=prompt_length)
        self._bitmask = allocate_bitmask(0, self._vocab_size)
        self._device_rows: dict[torch.device, DeviceRows] = {}
        self._masker = ScoreMasker(is_in_place=in_place)

    def reset(self) -> None:
        """Forget everything: the next call shows a new prompt."""
        self._tracker.reset()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores with -inf at the forbidden tokens: a copy, unless the processor works in place.

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
        self.check_width(scores.shape[-1])
        rows = self.rows = follow_rows(self._tracker, input_ids, self.new_tokens)
        if self.budget_slack:
            scores = self._steer(rows, scores)
        if is_on_accelerator(scores):
            result, empty = self._masker.mask_on_device(scores, self._gather_on(scores.device, rows))
        else:
            if len(self._bitmask) < len(rows):
                self._bitmask = allocate_bitmask(len(rows), self._vocab_size)
            masked = [
                index
                for index, row in enumerate(rows)
                if row.is_live and self._fill(row, self._bitmask, index)
            ]
            result, empty = self._masker.mask(scores, self._bitmask, masked)
        if empty:
            raise NoAllowedTokenError(
                rows[empty[0]].tokens.tolist(),
                message="every token that the grammar allows has the score -inf",
                advice="look for other processors that exclude them (suppressed or forced tokens)",
            )
        if self.has_temperatures:
            for index, row in enumerate(rows):
                found = rule_temperature(row.matcher) if row.is_live else None
                if found is not None:
                    result[index] = tempered(result[index], found, self.temperature)
        return cast(torch.FloatTensor, result)

    def _steer(self, rows: list[Row], scores: torch.FloatTensor) -> torch.FloatTensor:
        """Lower the scores of tokens that bring the end no nearer, where little budget is left."""
        steered = scores
        for index, row in enumerate(rows):
            needed = row.matcher.tokens_to_finish if row.is_live else 0
            beyond = cast(int, self._budget(row)) - needed
            if not row.is_live or not 0 <= beyond < self.budget_slack:
                continue
            nearer = allocate_bitmask(1, self._vocab_size)
            row.matcher.fill_bitmask(nearer, budget=needed)
            others = np.flatnonzero(~unpack_bitmask(nearer[0], self._vocab_size))
            lowered = torch.from_numpy(others).to(scores.device)
            if steered is scores and not self._masker.is_in_place:
                steered = cast(torch.FloatTensor, scores.clone())
            # With nothing left beyond, the mask allows only what is nearer.
            steered[index, lowered] += math.log(max(beyond, 1) / self.budget_slack)
        return steered

    def check_width(self, width: int) -> None:
        """Refuse logits that cannot be those of this vocabulary; a few of them may be padding."""
        check_width(width, self._vocab_size)

    def _gather_on(self, device: torch.device, rows: list[Row]) -> DeviceRows:
        """Have the rows of this step on a device: those that are there are neither filled nor sent again."""
        store = self._device_rows.get(device)
        if store is None:
            store = self._device_rows[device] = DeviceRows(device, self._bitmask.shape[1])
        new = store.begin(len(rows))
        for index, row in enumerate(rows):
            if row.is_live and not store.find(self._key(row), index) and self._fill(row, new, store.n_new):
                store.keep(self._key(row), index)  # filling it showed what its budget means
        return store

    def _key(self, row: Row) -> tuple[int, int] | None:
        """What a row of the bitmask depends on; None: on more than the state."""
        row_id = row.matcher.row_id(self._budget(row))
        return None if row_id < 0 else (row.grammar_index, row_id)

    def _budget(self, row: Row) -> int | None:
        return None if self.max_new_tokens is None else self.max_new_tokens - row.n_tokens

    def _fill(self, row: Row, bitmask: npt.NDArray[np.int32], index: int) -> bool:
        """Fill one row of the bitmask; False: a draft that the budget cannot finish, to be left alone."""
        started = time.perf_counter_ns()
        try:
            row.matcher.fill_bitmask(bitmask, index, self._budget(row))
        except BudgetTooSmallError:
            if not row.n_tokens:
                raise
            return False
        self.mask_times.add(time.perf_counter_ns() - started)
        return True


# transformers asks for the signature of every processor at every step; to work it out takes some 10 us, and
# with empty caches several times that.
GrammarProcessor.__call__.__signature__ = inspect.signature(GrammarProcessor.__call__)  # type: ignore[attr-defined]


class NewTokens(StoppingCriteria):
    """Brings the tokens of a step to the host as soon as they are chosen. It never stops a row."""

    def __init__(self) -> None:
        self._input_ids: torch.Tensor | None = None
        self._on_host: torch.Tensor | None = None

    def __call__(
        self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: Any
    ) -> torch.BoolTensor:
        """input_ids: int64, shape [rows, tokens]. Returns False for each row."""
        self._input_ids, self._on_host = input_ids, _to_host(input_ids)
        return cast(torch.BoolTensor, torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device))

    def on_host(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The same tokens in the memory of the host: those fetched before, if it was this very tensor."""
        fetched = self._on_host if self._input_ids is input_ids else None
        self._input_ids = self._on_host = None
        return _to_host(input_ids) if fetched is None else fetched


def _to_host(input_ids: torch.Tensor) -> torch.Tensor:
    """int64 on the CPU, each row contiguous."""
    if input_ids.is_cpu and input_ids.dtype is torch.int64 and input_ids.stride(-1) == 1:
        return input_ids
    return input_ids.detach().to(device="cpu", dtype=torch.int64).contiguous()


def follow_rows(
    tracker: PrefixTracker, input_ids: torch.Tensor, fetched: NewTokens | None = None
) -> list[Row]:
    """The rows of `input_ids`, integers [rows, tokens], on any device.

    fetched: what may have brought them to the host.
    """
    # Drafts are verified prefix by prefix, and each prefix is cut out of the rows of the whole candidate.
    # (A copy of one row may have kept the stride: then there is no more behind it.)
    is_slice = (
        input_ids.stride(0) > input_ids.shape[1] and input_ids.untyped_storage().nbytes() > input_ids.nbytes
    )
    on_host = _to_host(input_ids) if fetched is None else fetched.on_host(input_ids)
    rows = tracker.go_on(on_host.data_ptr(), on_host.stride(0), on_host.shape, is_draft=is_slice)
    return tracker.follow(on_host.numpy(), is_draft=is_slice) if rows is None else rows


def is_on_accelerator(scores: torch.Tensor) -> bool:
    """Whether rows are to be kept where the scores are."""
    return not scores.is_cpu


def check_tensors(input_ids: object, scores: object) -> None:
    """Raise ArgumentTypeError unless these are what a logits processor is called with."""
    is_right = (
        isinstance(input_ids, torch.Tensor)
        and isinstance(scores, torch.Tensor)
        and not input_ids.dtype.is_floating_point
        and scores.dtype.is_floating_point
        and (input_ids.ndim, scores.ndim) == (2, 2)
        and scores.layout is torch.strided
        and not scores.is_meta
        and len(input_ids) == len(scores)
    )
    if not is_right:
        shapes = [getattr(value, "shape", value) for value in (input_ids, scores)]
        raise ArgumentTypeError(
            "input_ids and scores must be tensors of shape [rows, tokens] and [rows, logits]",
            got=shapes,
            advice="pass the processor to model.generate(logits_processor=[...])",
        )
