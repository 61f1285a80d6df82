"""llguidance through its Python binding: `LLMatcher` on a tokenizer made from the Hugging Face tokenizer.

The fastest correct use that its documentation and source offer: the mask goes straight to the row's address
(`unsafe_compute_mask_ptr`, which `llguidance.numpy.fill_next_token_bitmask` calls after looking the address
up again), and a new sequence is a `deep_copy` of a matcher that was made once for the schema, as in the
authors' own MaskBench. The slices are the default ones (its "general" and "json" slices are the same list),
the JSON compiler has its default options: any white space, keys in the order of the schema. `lenient` ignores
keywords that it does not implement.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from numpy.typing import NDArray

from ..tokenizer import TokenizerFolder
from . import Engine, EngineError

PACKAGE = "llguidance"
VARIANTS: dict[str, dict[str, Any]] = {"lenient": {"lenient": True}}


class LlguidanceEngine(Engine[LLMatcher, LLMatcher]):
    """A compiled grammar is a matcher at its start; its copies share the lexer."""

    def __init__(
        self, tokenizer: TokenizerFolder, bitmask: NDArray[np.int32], *, lenient: bool = False
    ) -> None:
        super().__init__(tokenizer, bitmask)
        self.tokenizer: LLTokenizer = from_tokenizer(
            tokenizer.huggingface,  # type: ignore[arg-type]
            n_vocab=tokenizer.vocabulary_size,
            eos_token=tokenizer.eos_token_ids,
        )
        self.options: dict[str, Any] = {"lenient": True} if lenient else {}
        self.address = bitmask.ctypes.data
        self.size = bitmask.nbytes

    def compile(self, schema: Any) -> LLMatcher:
        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, defaults=self.options)  # type: ignore[arg-type]
        except ValueError as error:
            raise EngineError(str(error)) from error
        matcher = LLMatcher(self.tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise EngineError(matcher.get_error())
        return matcher

    def matcher(self, grammar: LLMatcher) -> LLMatcher:
        return grammar.deep_copy()

    def fill(self, matcher: LLMatcher) -> None:
        try:
            matcher.unsafe_compute_mask_ptr(self.address, self.size)
        except ValueError as error:
            raise EngineError(str(error)) from error

    def commit(self, matcher: LLMatcher, token_id: int) -> bool:
        return matcher.consume_token(token_id)


create = LlguidanceEngine
