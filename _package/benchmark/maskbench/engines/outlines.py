"""outlines_core: the schema becomes one regular expression, which is indexed over the whole vocabulary.

`build_regex_from_schema` + `Index` + `Guide`, the mask written to the row's address by `write_mask_into`. The
index is made for all states at compile time, which takes seconds to minutes for a schema: expect timeouts. No
rollback is kept (it would only cost), and `advance` is told not to return the tokens. White space is the
library's default (at most one space between tokens); `any-whitespace` takes all that JSON allows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from outlines_core import Guide, Index, Vocabulary  # type: ignore[import-untyped]
from outlines_core.json_schema import build_regex_from_schema  # type: ignore[import-untyped]

from ..tokenizer import Tokenizer
from . import Engine, EngineError

PACKAGE = "outlines_core"
VARIANTS: dict[str, dict[str, Any]] = {"any-whitespace": {"whitespace": r"[ \t\n\r]*"}}


class OutlinesEngine(Engine[Any, Any]):
    """A compiled grammar is an `Index`, a matcher a `Guide`; the library ships no types."""

    def __init__(
        self, tokenizer: Tokenizer, bitmask: NDArray[np.int32], *, whitespace: str | None = None
    ) -> None:
        super().__init__(tokenizer, bitmask)
        ids: defaultdict[bytes, list[int]] = defaultdict(list)
        for token_id, spelling in enumerate(tokenizer.token_bytes):
            if spelling and token_id not in tokenizer.eos_token_ids:
                ids[spelling].append(token_id)
        self.vocabulary = Vocabulary(tokenizer.eos_token_ids[0], dict(ids))
        self.whitespace = whitespace
        self.address = bitmask.ctypes.data
        self.words_in_row = bitmask.size

    def compile(self, schema: Any) -> Any:
        try:
            pattern = build_regex_from_schema(json.dumps(schema), self.whitespace)
            return Index(pattern, self.vocabulary)
        except (TypeError, ValueError) as error:
            raise EngineError(str(error)) from error

    def matcher(self, grammar: Any) -> Any:
        return Guide(grammar, max_rollback=0)

    def fill(self, matcher: Any) -> None:
        try:
            matcher.write_mask_into(self.address, self.words_in_row, 4)
        except ValueError as error:
            raise EngineError(str(error)) from error

    def commit(self, matcher: Any, token_id: int) -> bool:
        try:
            matcher.advance(token_id, return_tokens=False)
        except ValueError as error:
            raise EngineError(str(error)) from error
        return True


create = OutlinesEngine
