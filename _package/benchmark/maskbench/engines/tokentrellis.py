"""tokentrellis, the engine under test, through its public interface and nothing else.

Without a variant: every white space that JSON allows and keys in any order, so that it decides the same
question as the standard. `schema-order` takes keys in the order of the schema, as the peers do; `natural`
takes the white space that `from_json_schema` takes by default. Variants can be joined:
`tokentrellis+schema-order+natural`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .... import (
    CompiledGrammar,
    ConstraintError,
    Matcher,
    TokenRejectedError,
    Vocabulary,
    compile_grammar,
    from_json_schema,
)
from ..tokenizer import TokenizerFolder
from . import Engine, EngineError

PACKAGE = "tokentrellis"
VARIANTS: dict[str, dict[str, Any]] = {
    "schema-order": {"property_order": "schema"},
    "natural": {"whitespace": "natural"},
}


class TokentrellisEngine(Engine[CompiledGrammar, Matcher]):
    """The vocabulary's tables grow with every schema of a worker, as they would in a server."""

    def __init__(
        self,
        tokenizer: TokenizerFolder,
        bitmask: NDArray[np.int32],
        *,
        property_order: str = "any",
        whitespace: str = "any",
    ) -> None:
        super().__init__(tokenizer, bitmask)
        self.vocabulary = Vocabulary.from_tokenizer(
            tokenizer.huggingface,
            vocab_size=tokenizer.vocabulary_size,
            eos_token_ids=tokenizer.eos_token_ids,
        )
        self.options: dict[str, Any] = {"property_order": property_order, "whitespace": whitespace}

    def compile(self, schema: Any) -> CompiledGrammar:
        try:
            return compile_grammar(from_json_schema(schema, **self.options), self.vocabulary)
        except ConstraintError as error:
            raise EngineError(str(error)) from error

    def matcher(self, grammar: CompiledGrammar) -> Matcher:
        return grammar.matcher()

    def fill(self, matcher: Matcher) -> None:
        try:
            matcher.fill_bitmask(self.bitmask)
        except ConstraintError as error:
            raise EngineError(str(error)) from error

    def commit(self, matcher: Matcher, token_id: int) -> bool:
        try:
            matcher.accept_token(token_id)
        except TokenRejectedError:
            return False
        return True


create = TokentrellisEngine
