"""SGLang: a grammar backend, registered through the entry point `sglang.srt.plugins`.

    python -m sglang.launch_server --model-path ... --grammar-backend tokentrellis

SGLang asks the backend for the state of each request, accepts and rolls back its tokens (one by one, and
along the branches of a draft tree), fills the rows of its batches, and copies states that it has kept. Where
a model thinks first, SGLang's own wrapper starts the grammar after its thoughts; SGLang leaves registered
backends out of it, so the factory here puts it around ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import torch
from sglang.srt.constrained.base_grammar_backend import (
    BaseGrammarBackend,
    BaseGrammarObject,
    InvalidGrammarObject,
    register_grammar_backend,
    register_vocab_mask_buffer,
)

from ..constraint import constraint_of_form
from ..decoding.bitmask import allocate_bitmask, apply_bitmask, fill_bitmasks
from ..decoding.errors import TokenRejectedError
from ..grammars.errors import ConstraintError, LimitExceededError
from ..grammars.json_schema.layout import Whitespace
from .compiled_grammars import CompiledGrammars
from .grammar_state import GrammarState

NAME = "tokentrellis"

_ANY_JSON_OBJECT = "$$ANY$$"  # SGLang's word for `json_object`


def register() -> None:
    """What SGLang calls in each of its processes."""
    from sglang.srt.arg_groups.choices import GRAMMAR_BACKEND_CHOICES, add_grammar_backend_choices

    if NAME not in GRAMMAR_BACKEND_CHOICES:
        add_grammar_backend_choices([NAME])
    register_grammar_backend(NAME, make_backend)


def make_backend(
    server_args: Any, tokenizer: Any, vocab_size: int, eos_token_ids: Iterable[int] | None
) -> BaseGrammarBackend:
    """The backend of a server, as SGLang makes it."""
    is_compact = bool(getattr(server_args, "constrained_json_disable_any_whitespace", False))
    backend = TokentrellisBackend(
        tokenizer, vocab_size, eos_token_ids, whitespace="compact" if is_compact else "natural"
    )
    parser_name = getattr(server_args, "reasoning_parser", None)
    if not parser_name:
        return backend
    from sglang.srt.constrained.reasoner_grammar_backend import ReasonerGrammarBackend
    from sglang.srt.parser.reasoning_parser import ReasoningParser

    parser = ReasoningParser(model_type=parser_name, stream_reasoning=False, tokenizer=tokenizer)
    is_strict = bool(getattr(server_args, "enable_strict_thinking", False))
    return ReasonerGrammarBackend(backend, parser, tokenizer, enable_strict_thinking=is_strict)


class TokentrellisGrammar(BaseGrammarObject):
    """The state of one request."""

    def __init__(self, state: GrammarState) -> None:
        super().__init__()
        self._state = state

    def accept_token(self, token: int) -> None:
        """Go on by a token; one after the end does not count.

        Raises:
            TokenRejectedError: it is not allowed (a ValueError; SGLang ends the request).
        """
        if self._state.is_terminated:
            return
        self.current_token = token
        self._state.matcher.accept_token(token)
        self._note_the_end()

    def rollback(self, k: int) -> None:
        """Take back tokens that were accepted."""
        self._state.rollback(k)
        self._note_the_end()

    def _note_the_end(self) -> None:
        self.finished = self._state.is_terminated

    def is_terminated(self) -> bool:
        """Whether the end was accepted."""
        return self._state.is_terminated

    def copy(self) -> TokentrellisGrammar:
        """Another state at the same place."""
        return TokentrellisGrammar(self._state.copy())

    def allocate_vocab_mask(self, vocab_size: int, batch_size: int, device: Any) -> torch.Tensor:
        """int32, shape [batch_size, words], on the host, everything allowed."""
        return _allocate(batch_size, vocab_size)

    def fill_vocab_mask(self, vocab_mask: torch.Tensor, idx: int) -> None:
        """Write the allowed tokens into a row."""
        self._state.fill_or_end(vocab_mask, idx)

    @staticmethod
    def fill_vocab_mask_batched(entries: list[Any], vocab_mask: torch.Tensor) -> None:
        """Fill some rows at once; the others stay."""
        ours = [entry for entry in entries if isinstance(entry.grammar, TokentrellisGrammar)]
        others = [entry for entry in entries if not isinstance(entry.grammar, TokentrellisGrammar)]
        matchers = [entry.grammar._state.matcher for entry in ours]
        try:
            fill_bitmasks(matchers, vocab_mask, rows=[entry.row for entry in ours])
        except LimitExceededError:  # of one of them
            others = entries
        for entry in others:
            entry.grammar.fill_vocab_mask(vocab_mask, entry.row)

    @staticmethod
    def reset_vocab_mask(vocab_mask: torch.Tensor) -> None:
        """Allow everything again."""
        vocab_mask.fill_(-1)

    @staticmethod
    def move_vocab_mask(vocab_mask: torch.Tensor, device: Any) -> torch.Tensor:
        """The mask on the device of the logits."""
        return vocab_mask.to(device, non_blocking=True)

    @staticmethod
    def apply_vocab_mask(logits: torch.Tensor, vocab_mask: torch.Tensor) -> None:
        """Set the logits of forbidden tokens to minus infinity, in place."""
        apply_bitmask(logits, vocab_mask)

    def try_jump_forward(self, tokenizer: Any) -> tuple[list[int], str] | None:
        """The tokens that must come next, with their text; None: there is a choice, or no whole character:
        SGLang would write a broken one in other tokens. None too where rules take so many tokens at most,
        since SGLang's own tokens may be more.
        """
        if self._state.compiled.grammar.token_limits:
            return None
        token_ids = self._state.matcher.forced_tokens()
        for n_tokens in range(len(token_ids), 0, -1):
            with suppress(UnicodeDecodeError):
                text = self._state.compiled.vocabulary.decode(token_ids[:n_tokens]).decode()
                return (token_ids[:n_tokens], text) if text else None
        return None

    def jump_forward_str_state(self, helper: tuple[list[int], str]) -> tuple[str, int]:
        """The text to jump over; the state needs no number."""
        return helper[1], -1

    def jump_and_retokenize(
        self, old_output_ids: list[int], new_output_ids: list[int], next_state: int
    ) -> None:
        """Follow SGLang, which wrote the same text, and what was jumped over, in other tokens.

        Raises:
            TokenRejectedError: the new tokens are not allowed; the state is that of the common beginning.
        """
        if not self._state.resume(old_output_ids, new_output_ids):
            n_held = self._state.matcher.n_accepted
            raise TokenRejectedError(new_output_ids[n_held], position=n_held)
        self._note_the_end()


class TokentrellisBackend(BaseGrammarBackend):
    """Compiles the grammars of one server, in the threads of SGLang's pool."""

    def __init__(
        self,
        tokenizer: Any,
        vocab_size: int,
        eos_token_ids: Iterable[int] | None,
        *,
        whitespace: Whitespace = "natural",
    ) -> None:
        super().__init__()
        self._whitespace: Whitespace = whitespace
        self._grammars = CompiledGrammars(
            tokenizer,
            vocab_size=vocab_size,
            eos_token_ids=sorted(eos_token_ids) if eos_token_ids else None,
        )

    def initialize_vocab_mask_buffer(
        self, name: str, vocab_size: int, max_rows: int, device: Any
    ) -> torch.Tensor:
        """A mask that SGLang uses again and again."""
        return register_vocab_mask_buffer(name, _allocate(max_rows, vocab_size), max_rows)

    def dispatch_json(self, key_string: str) -> BaseGrammarObject:
        """A request by a schema, or by any object."""
        return self._compile("json_object" if key_string == _ANY_JSON_OBJECT else "json", key_string)

    def dispatch_regex(self, key_string: str) -> BaseGrammarObject:
        """A request by a pattern."""
        return self._compile("regex", key_string)

    def dispatch_ebnf(self, key_string: str) -> BaseGrammarObject:
        """A request by rules: GBNF, or Lark."""
        return self._compile("grammar", key_string)

    def dispatch_structural_tag(self, key_string: str) -> BaseGrammarObject:
        """Not served yet: a refusal that says so."""
        return InvalidGrammarObject("structural tags are not served by the backend tokentrellis yet")

    def _compile(self, form: str, given: str) -> BaseGrammarObject:
        try:
            constraint = constraint_of_form(form, given, self._whitespace)
            return TokentrellisGrammar(GrammarState(self._grammars.get(constraint)))
        except ConstraintError as error:
            return InvalidGrammarObject(str(error))


def _allocate(rows: int, vocab_size: int) -> torch.Tensor:
    return torch.from_numpy(allocate_bitmask(rows, vocab_size)).fill_(-1)
