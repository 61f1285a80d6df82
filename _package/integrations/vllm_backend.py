"""vLLM: a structured-output backend, put into the place of one that vLLM knows (opt-in).

vLLM 0.33 chooses its backend by a closed list of names, so a new one cannot be registered. `install`, called
by vLLM through the entry point `vllm.general_plugins` in every process, puts our backend and our check of
requests into the module of the backend `outlines`, which vLLM imports when it needs them. It does so only
where the environment has TOKENTRELLIS_VLLM_BACKEND=1; then start vLLM with

    --structured-outputs-config '{"backend": "outlines"}'

All that vLLM does with a grammar works: speculation (drafts are validated and rolled back), reasoning models
(vLLM starts the grammar after the thoughts), several requests at a time.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import TYPE_CHECKING, Any

import torch
from vllm.v1.structured_output.backend_types import (
    StructuredOutputBackend,
    StructuredOutputGrammar,
    StructuredOutputOptions,
)

from ..constraint import FORMS, Constraint, constraint_of_form
from ..decoding.bitmask import allocate_bitmask
from ..grammars.errors import ConstraintError
from .compiled_grammars import CompiledGrammars
from .grammar_state import GrammarState

if TYPE_CHECKING:
    from ..grammars.json_schema.layout import Whitespace

SWITCH = "TOKENTRELLIS_VLLM_BACKEND"


def install() -> None:
    """Put our backend into the place of `outlines`, if the environment says so. May be called again."""
    if os.environ.get(SWITCH, "0") in ("", "0"):
        return
    module: Any = importlib.import_module("vllm.v1.structured_output.backend_outlines")
    module.OutlinesBackend = TokentrellisBackend
    module.validate_structured_output_request_outlines = check_request


def check_request(params: Any) -> None:
    """What vLLM asks before it admits a request.

    Raises:
        VLLMValidationError: the grammar is wrong; the text is that of our error, the status is 400.
    """
    wanted = params.structured_outputs
    if wanted is None:
        return
    try:
        _constraint_of_params(wanted).grammar()
    except ConstraintError as error:
        from vllm.exceptions import VLLMValidationError

        raise VLLMValidationError(str(error)) from error


class TokentrellisBackend(StructuredOutputBackend):
    """Compiles the grammars of one engine."""

    def __init__(self, vllm_config: Any, tokenizer: Any, vocab_size: int) -> None:
        super().__init__(vllm_config, tokenizer, vocab_size)
        self._grammars = CompiledGrammars(tokenizer, vocab_size=vocab_size)
        settings = getattr(vllm_config, "structured_outputs_config", None)
        is_compact = bool(getattr(settings, "disable_any_whitespace", False))
        self._whitespace: Whitespace = "compact" if is_compact else "natural"

    def compile_grammar(
        self,
        request_type: StructuredOutputOptions,
        grammar_spec: str,
        stop_token_ids: set[int] | None = None,
    ) -> TokentrellisGrammar:
        """The state of a new request.

        Raises:
            ConstraintError: the grammar is wrong; vLLM fails this request only.
        """
        constraint = _constraint_of_spec(request_type, grammar_spec, self._whitespace)
        return TokentrellisGrammar(self._grammars.get(constraint, stop_token_ids))

    def allocate_token_bitmask(self, max_num_seqs: int) -> torch.Tensor:
        """int32, shape [max_num_seqs, words], everything allowed."""
        return torch.from_numpy(allocate_bitmask(max_num_seqs, self.vocab_size)).fill_(-1)

    def destroy(self) -> None:
        """Nothing is held that Python does not free."""


class TokentrellisGrammar(StructuredOutputGrammar):
    """The state of one request."""

    def __init__(self, compiled: Any) -> None:
        self._state = GrammarState(compiled)

    def accept_tokens(self, request_id: str, tokens: list[int]) -> bool:
        """Whether all tokens up to the end were accepted; else none is."""
        return self._state.accept(tokens)

    def validate_tokens(self, tokens: list[int]) -> list[int]:
        """The prefix that could be accepted."""
        return self._state.valid_prefix(tokens)

    def rollback(self, num_tokens: int) -> None:
        """Take back tokens that were accepted."""
        self._state.rollback(num_tokens)

    def fill_bitmask(self, bitmask: torch.Tensor, batch_index: int) -> None:
        """Write the allowed tokens into a row."""
        self._state.fill_or_end(bitmask, batch_index)

    def is_terminated(self) -> bool:
        """Whether the end was accepted."""
        return self._state.is_terminated

    def reset(self) -> None:
        """Back to the beginning."""
        self._state.reset()


def _constraint_of_spec(kind: StructuredOutputOptions, spec: str, whitespace: Whitespace) -> Constraint:
    form = kind.name.lower()
    if form not in FORMS:
        raise ConstraintError("structural tags are not served here yet", got=kind.name)
    return constraint_of_form(form, json.loads(spec) if form == "choice" else spec, whitespace)


def _constraint_of_params(wanted: Any) -> Constraint:
    """wanted: vLLM's StructuredOutputsParams."""
    for form in FORMS:
        value = getattr(wanted, form)
        if value is not None and value is not False:
            return constraint_of_form(form, value)
    raise ConstraintError(f"structured_outputs needs one of {', '.join(FORMS)}", got=wanted)
