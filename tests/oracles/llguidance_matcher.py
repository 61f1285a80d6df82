"""llguidance over single bytes: whether it accepts a text, random texts that it writes, its masks; and over
longer tokens too, where these are given.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np

EOS = 256


class _Bytes:
    """A tokenizer of the 256 bytes, an end, and some longer tokens; what `TokenizerWrapper` wants of one."""

    eos_token_id = EOS
    bos_token_id = None
    special_token_ids = (EOS,)

    def __init__(self, longer: Sequence[bytes] = ()) -> None:
        self.tokens = (*(bytes([byte]) for byte in range(256)), b"<end>", *longer)

    def __call__(self, text: bytes | str) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


class LlguidanceOracle:
    """A Lark grammar as llguidance reads it. Raises ValueError with what it says where it does not."""

    def __init__(self, grammar: str, longer: Sequence[bytes] = ()) -> None:
        from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

        self._tokenizer = LLTokenizer(TokenizerWrapper(_Bytes(longer)))
        self._make = LLMatcher
        self._grammar = LLMatcher.grammar_from_lark(grammar)
        problem = LLMatcher.validate_grammar(self._grammar, self._tokenizer)
        if problem and not problem.startswith("WARNING"):
            raise ValueError(problem)

    def accepts(self, text: str) -> bool:
        matcher = self._make(self._tokenizer, self._grammar, log_level=0)
        data = list(text.encode())
        return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()

    def captures(self, text: str) -> list[tuple[str, str]]:
        """The captures in a text, name and text, as they are reported; empty ones are left out."""
        from llguidance import LLInterpreter

        interpreter = LLInterpreter(
            self._tokenizer, self._grammar, enable_backtrack=False, enable_ff_tokens=False, log_level=0
        )
        interpreter.start_without_prompt()
        found: list[tuple[str, str]] = []
        for byte in [*text.encode(), None]:
            _, report = interpreter.compute_mask()
            found += [
                (event["name"], bytes.fromhex(event["hex"]).decode())
                for event in json.loads(report).get("progress", ())
                if event["object"] == "capture" and event["hex"]
            ]
            if byte is not None:
                interpreter.commit_token(byte)
        return found

    def allowed(self, token_ids: Sequence[int]) -> set[int]:
        """What may come after these tokens."""
        import llguidance.numpy as masks

        matcher = self._make(self._tokenizer, self._grammar, log_level=0)
        assert matcher.try_consume_tokens(list(token_ids)) == len(token_ids)
        if matcher.is_stopped():
            return {EOS}
        bitmask = masks.allocate_token_bitmask(1, self._tokenizer.vocab_size)
        masks.fill_next_token_bitmask(matcher, bitmask)
        bits = np.unpackbits(bitmask[0].view(np.uint8), bitorder="little")
        return set(np.flatnonzero(bits[: self._tokenizer.vocab_size]).tolist())

    def temperatures(self, text: str) -> list[float]:
        """What is said before each byte; 0: nothing."""
        from llguidance import LLInterpreter

        interpreter = LLInterpreter(
            self._tokenizer, self._grammar, enable_backtrack=False, enable_ff_tokens=False, log_level=0
        )
        interpreter.start_without_prompt()
        found: list[float] = []
        for byte in text.encode():
            _, report = interpreter.compute_mask()
            found.append(json.loads(report)["temperature"])
            interpreter.commit_token(byte)
        return found

    def random_text(self, chance: random.Random, longest: int = 60) -> str | None:
        """A text along random masks; None if it does not end in time."""
        import llguidance.numpy as masks

        matcher = self._make(self._tokenizer, self._grammar, log_level=0)
        bitmask = masks.allocate_token_bitmask(1, self._tokenizer.vocab_size)
        data = bytearray()
        while len(data) < longest:
            if matcher.is_stopped():
                return data.decode(errors="ignore") if matcher.is_accepting() else None
            masks.fill_next_token_bitmask(matcher, bitmask)
            bits = np.unpackbits(bitmask[0].view(np.uint8), bitorder="little")
            allowed = np.flatnonzero(bits[:257]).tolist()
            printable = [token for token in allowed if 32 <= token < 127 or token in (10, EOS)]
            token = chance.choice(printable or allowed)
            if token == EOS:
                return data.decode(errors="ignore")
            if not matcher.consume_token(token):
                return None
            data.append(token)
        return data.decode(errors="ignore") if matcher.is_accepting() else None
