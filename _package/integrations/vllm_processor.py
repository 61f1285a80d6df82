"""vLLM: a logits processor for both of its model runners, loaded through the entry point
`vllm.logits_processors`.

A request names its grammar in `SamplingParams.extra_args`, with the forms of vLLM's own `structured_outputs`:

    SamplingParams(max_tokens=100, extra_args={"tokentrellis": {"json": schema}})

(or the same as JSON text, which is how it comes over HTTP: `"vllm_xargs": {"tokentrellis": "{...}"}`).

Beside vLLM's backends this adds the guarantee of an end: a document is complete within `max_tokens` (where
not even the shortest one fits, that is logged and the request runs without a budget). The two interfaces
differ: the runner V1 tells what joined, left and moved and shows a live list of the tokens of each request;
V2 gives slots and keeps the tokens on the device, so each step waits for a small copy; rows of drafts come
with their tokens. V1 leaves processors out where it speculates.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from vllm.v1.sample.logits_processor.interface import LogitsProcessor as ProcessorV1
from vllm.v1.sample.logits_processor.interface import MoveDirectionality
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as ProcessorV2

from ..constraint import FORMS, Constraint, constraint_of_form
from ..decoding.bitmask import allocate_bitmask, apply_bitmask
from ..decoding.errors import ArgumentValueError
from ..grammars.errors import ConstraintError
from ..sources import parse_schema
from .compiled_grammars import CompiledGrammars
from .grammar_state import GrammarState, allow_only

ARGUMENT = "tokentrellis"

_logger = logging.getLogger("tokentrellis.integrations.vllm")


@dataclass
class _Request:
    """state: of its grammar; None: it does not compile, and the text is ended. budget: tokens of the output,
    or None. written: the tokens that the state has. output_ids: vLLM's live list of them (V1).
    """

    state: GrammarState | None
    budget: int | None
    written: list[int]
    output_ids: list[int]


class GrammarLogitsProcessor(ProcessorV1, ProcessorV2):
    """One for each engine; made by vLLM."""

    def __init__(self, vllm_config: Any, *rest: Any) -> None:
        """rest: V1 passes a device and whether memory is pinned, V2 the state of its requests."""
        self._grammars = _grammars_of(vllm_config)
        self._tokens_by_slot = rest[0] if len(rest) == 1 else None
        self._requests: dict[int, _Request] = {}
        self._bitmask = allocate_bitmask(0, self._grammars.vocabulary.vocab_size)

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Refuse a wrong grammar when the request comes.

        Raises:
            ValueError: with the text of our error; vLLM answers with status 400.
        """
        try:
            constraint = _constraint_of(sampling_params)
            if constraint is not None:
                constraint.grammar()
        except ConstraintError as error:
            raise ValueError(str(error)) from error

    def is_argmax_invariant(self) -> bool:
        """A mask changes the likeliest token."""
        return False

    def apply(self, logits: torch.Tensor, ctx: Any = None) -> torch.Tensor:
        """Forbid what the grammars forbid, in place. ctx: of V2; None: of V1, one row for each index."""
        if self._requests:
            if ctx is None:
                self._apply_to_indices(logits)
            else:
                self._apply_to_rows(logits, ctx)
        return logits

    # The runner V1.

    def update_state(self, batch_update: Any) -> None:
        """What joined, left and moved."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self._requests.pop(index, None)
        for index, params, _, output_ids in batch_update.added:
            self._add(index, params, output_ids)
        for source, target, direction in batch_update.moved:
            there = self._requests.pop(target, None)
            here = self._requests.pop(source, None)
            if here is not None:
                self._requests[target] = here
            if direction == MoveDirectionality.SWAP and there is not None:
                self._requests[source] = there

    def _apply_to_indices(self, logits: torch.Tensor) -> None:
        self._make_room(len(logits))
        rows = []
        for index, request in self._requests.items():
            if self._mask(request, index, request.output_ids):
                rows.append(index)
        apply_bitmask(logits, self._bitmask, rows)

    # The runner V2.

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """A request gets a slot; whether it has a grammar."""
        return self._add(req_idx, sampling_params, [])

    def _apply_to_rows(self, logits: torch.Tensor, ctx: Any) -> None:
        slots = ctx.expanded_idx_mapping.tolist()
        if not self._requests.keys() & set(slots):
            return
        self._make_room(len(slots))
        offsets = ctx.expanded_local_pos.tolist()
        positions, fed = ctx.pos.tolist(), ctx.input_ids.tolist()
        rows = []
        for row, slot in enumerate(slots):
            request = self._requests.get(slot)
            if request is None:
                continue
            assert self._tokens_by_slot is not None
            n_prompt = int(self._tokens_by_slot.prompt_len.np[slot])
            first = row - offsets[row]  # the row whose tokens are all committed
            n_committed = positions[first] + 1
            if n_committed < n_prompt:  # a part of the prompt: nothing is drawn from this row
                continue
            committed = self._tokens_by_slot.all_token_ids.gpu[slot, n_prompt:n_committed].tolist()
            output_ids = [*committed, *fed[first + 1 : row + 1]]
            if self._mask(request, row, output_ids):
                rows.append(row)
        apply_bitmask(logits, self._bitmask, rows)

    # Both.

    def _add(self, index: int, params: Any, output_ids: list[int]) -> bool:
        self._requests.pop(index, None)
        constraint = _constraint_of(params)
        if constraint is None:
            return False
        try:
            compiled = self._grammars.get(constraint, getattr(params, "all_stop_token_ids", None))
        except ConstraintError as error:  # it was read before, but for no vocabulary; vLLM itself would end
            _logger.error("the grammar of a request does not compile, its text is ended: %s", error)
            self._requests[index] = _Request(None, None, [], output_ids)
            return True
        state = GrammarState(compiled)
        budget = params.max_tokens
        if budget is not None and state.matcher.tokens_to_finish > budget:
            _logger.warning(
                "max_tokens is %d, and the shortest text of the grammar needs %d: it may be cut off",
                *(budget, state.matcher.tokens_to_finish),
            )
            budget = None
        self._requests[index] = _Request(state, budget, [], output_ids)
        return True

    def _mask(self, request: _Request, row: int, output_ids: list[int]) -> bool:
        """Write the mask after these tokens. False: the grammar refuses one of them, a bad draft."""
        if -1 in output_ids:
            raise ArgumentValueError(
                "the tokens of a request must be known before the next step",
                got=output_ids[-4:],
                advice="start vLLM without asynchronous scheduling",
            )
        state = request.state
        if state is None:
            allow_only(self._grammars.vocabulary.eos_token_ids, self._bitmask, row)
            return True
        is_legal = state.resume(request.written, output_ids)
        request.written = output_ids[: state.matcher.n_accepted]
        if not is_legal:
            return False
        left = None if request.budget is None else request.budget - len(output_ids)
        if left is not None and left < state.matcher.tokens_to_finish:
            left = None  # beyond the end, or drafts beyond the budget: vLLM stops before
        state.fill_or_end(self._bitmask, row, left)
        return True

    def _make_room(self, rows: int) -> None:
        if len(self._bitmask) < rows:
            self._bitmask = allocate_bitmask(rows, self._grammars.vocabulary.vocab_size)


def _grammars_of(vllm_config: Any) -> CompiledGrammars:
    from vllm.tokenizers import cached_tokenizer_from_config

    model_config = vllm_config.model_config
    eos = (model_config.try_get_generation_config() or {}).get("eos_token_id")
    return CompiledGrammars(
        cached_tokenizer_from_config(model_config=model_config),
        vocab_size=model_config.get_vocab_size(),
        eos_token_ids=[eos] if isinstance(eos, int) else eos,
    )


def _constraint_of(params: Any) -> Constraint | None:
    """The grammar that a request names.

    Raises:
        ConstraintError: it names something else.
    """
    given = (params.extra_args or {}).get(ARGUMENT)
    if given is None:
        return None
    if isinstance(given, str):  # over HTTP, vLLM takes texts and numbers only
        given = parse_schema(given, f"extra_args[{ARGUMENT!r}]")
    form = next(iter(given), None) if isinstance(given, dict) and len(given) == 1 else None
    if form not in FORMS:
        raise ConstraintError(
            f"extra_args[{ARGUMENT!r}] must be a dict with one of {', '.join(FORMS)}", got=given
        )
    value = given[form]
    if form in ("regex", "grammar") and not isinstance(value, str):
        raise ConstraintError(f"extra_args[{ARGUMENT!r}][{form!r}] must be a text", got=value)
    if form == "json_object" and value is not True:
        raise ConstraintError(f"extra_args[{ARGUMENT!r}]['json_object'] must be true", got=value)
    return constraint_of_form(form, value)
