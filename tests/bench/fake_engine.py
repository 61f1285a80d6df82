"""An engine without a grammar, for the tests of the harness: a schema is the list of texts that it accepts.

`{"texts": [...]}` is the language; `"fault"` names what goes wrong. Its tokenizer has one token for each
byte, and EOS. Byte 0x3f ("?") is token 63, whose bit is the sign bit of its word.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from tokentrellis.benchmark.maskbench.engines import Engine, EngineError
from tokentrellis.benchmark.maskbench.tokenizer import Tokenizer

PACKAGE = None
VARIANTS: dict[str, dict[str, Any]] = {"broken": {"broken": True}, "twin": {}}
EOS = 256


class ByteTokenizer:
    vocabulary_size = 257
    eos_token_ids = [EOS]  # noqa: RUF012
    token_bytes = [*(bytes([byte]) for byte in range(256)), b""]  # noqa: RUF012

    def load(self) -> None:
        """There is nothing to load."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())


@dataclass
class FakeMatcher:
    texts: list[bytes]
    fault: str
    done: bytes = b""


class FakeEngine(Engine[Any, FakeMatcher]):
    def __init__(self, tokenizer: Tokenizer, bitmask: NDArray[np.int32], *, broken: bool = False) -> None:
        if broken:
            raise RuntimeError("this engine cannot be set up")
        super().__init__(tokenizer, bitmask)

    def compile(self, schema: Any) -> Any:
        fault = schema.get("fault", "")
        if fault == "refuse":
            raise EngineError("this schema is not supported")
        if fault == "exception":
            raise KeyError("a bug in the engine")
        if fault == "abort":
            os.abort()
        if fault == "hang":
            hang()
        if fault == "memory":
            schema["hoard"] = b"x" * 300_000_000
            hang()
        return schema

    def matcher(self, grammar: Any) -> FakeMatcher:
        return FakeMatcher([text.encode() for text in grammar.get("texts", [])], grammar.get("fault", ""))

    def fill(self, matcher: FakeMatcher) -> None:
        if matcher.fault == "mask" and matcher.done:
            raise EngineError("this mask is too large")
        if matcher.fault == "hang in a mask" and matcher.done:
            hang()
        self.words[:] = 0
        for text in matcher.texts:
            if text.startswith(matcher.done):
                token = text[len(matcher.done)] if text != matcher.done else EOS
                self.words[token >> 5] |= np.uint32(1) << np.uint32(token & 31)

    def commit(self, matcher: FakeMatcher, token_id: int) -> bool:
        if matcher.fault == "commit" and matcher.done:
            return False
        matcher.done += bytes([token_id])
        return True


def hang() -> NoReturn:
    while True:
        pass


create = FakeEngine
