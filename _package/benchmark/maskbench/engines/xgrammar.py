"""xgrammar through its Python binding: `GrammarCompiler` and `GrammarMatcher`.

The engine without a variant is the compliant one, which is comparable with JSON Schema: any white space, and
properties that the schema does not name are allowed (`any_whitespace=True, strict_mode=False`). `default`
takes the library's own defaults (any white space, strict), `fixed-whitespace` is what the authors of
MaskBench call its default: one fixed layout, strict. One thread, because the worker has one core. The row is
handed over as the numpy array, which DLPack exchanges a little faster than the torch tensor on the same
memory.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xgrammar import CompiledGrammar, GrammarCompiler, GrammarMatcher, TokenizerInfo

from ..tokenizer import TokenizerFolder
from . import Engine, EngineError

PACKAGE = "xgrammar"
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {"any_whitespace": True, "strict_mode": True},
    "fixed-whitespace": {"any_whitespace": False, "strict_mode": True},
}


class XgrammarEngine(Engine[CompiledGrammar, GrammarMatcher]):
    """The compiler keeps its default cache, so parts that schemas share are compiled once in a worker."""

    def __init__(
        self,
        tokenizer: TokenizerFolder,
        bitmask: NDArray[np.int32],
        *,
        any_whitespace: bool = True,
        strict_mode: bool = False,
    ) -> None:
        super().__init__(tokenizer, bitmask)
        information = TokenizerInfo.from_huggingface(
            tokenizer.huggingface,
            vocab_size=tokenizer.vocabulary_size,
            stop_token_ids=tokenizer.eos_token_ids,
        )
        self.compiler = GrammarCompiler(information, max_threads=1)
        self.any_whitespace = any_whitespace
        self.strict_mode = strict_mode

    def compile(self, schema: Any) -> CompiledGrammar:
        text = json.dumps(schema)
        try:
            return self.compiler.compile_json_schema(
                text, any_whitespace=self.any_whitespace, strict_mode=self.strict_mode
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError(str(error)) from error

    def matcher(self, grammar: CompiledGrammar) -> GrammarMatcher:
        return GrammarMatcher(grammar)

    def fill(self, matcher: GrammarMatcher) -> None:
        try:
            matcher.fill_next_token_bitmask(self.bitmask)
        except RuntimeError as error:
            raise EngineError(str(error)) from error

    def commit(self, matcher: GrammarMatcher, token_id: int) -> bool:
        return matcher.accept_token(token_id)


create = XgrammarEngine
