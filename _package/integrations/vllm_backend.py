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

from ..constraint import ANY_OBJECT, Constraint, rules_constraint
from ..decoding.bitmask import allocate_bitmask
from ..grammars.errors import ConstraintError
from ..sources import parse_json
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
        self._state.fill(bitmask, batch_index)

    def is_terminated(self) -> bool:
        """Whether the end was accepted."""
        return self._state.is_terminated

    def reset(self) -> None:
        """Back to the beginning."""
        self._state.reset()


def _constraint_of_spec(kind: StructuredOutputOptions, spec: str, whitespace: Whitespace) -> Constraint:
    if kind == StructuredOutputOptions.JSON:
        return Constraint("json_schema", parse_json(spec, "json"), whitespace)
    if kind == StructuredOutputOptions.JSON_OBJECT:
        return Constraint("json_schema", ANY_OBJECT, whitespace)
    if kind == StructuredOutputOptions.REGEX:
        return Constraint("regex", spec)
    if kind == StructuredOutputOptions.CHOICE:
        return Constraint("choice", json.loads(spec))
    if kind == StructuredOutputOptions.GRAMMAR:
        return rules_constraint(spec)
    raise ConstraintError("structural tags are not served here yet", got=kind.name)


def _constraint_of_params(wanted: Any) -> Constraint:
    """wanted: vLLM's StructuredOutputsParams."""
    if wanted.json is not None:
        schema = parse_json(wanted.json, "json") if isinstance(wanted.json, str) else wanted.json
        return Constraint("json_schema", schema)
    if wanted.regex is not None:
        return Constraint("regex", wanted.regex)
    if wanted.choice is not None:
        return Constraint("choice", [str(choice) for choice in wanted.choice])
    if wanted.grammar is not None:
        return rules_constraint(wanted.grammar)
    if wanted.json_object:
        return Constraint("json_schema", ANY_OBJECT)
    raise ConstraintError(
        "structured_outputs needs one of json, json_object, regex, choice and grammar", got=wanted
    )
