"""The slow, obvious twin of `Program`: each token is chosen by a pass over the whole text, none is guessed.

No cache, no trees, no forced text; a mask is made by asking about each token of the vocabulary, from the
beginning of the hole. What a program writes with the same seed must be the same, token by token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tokentrellis as tt
import torch
from tokentrellis.decoding.generate import read_vocabulary


class PlainProgram:
    def __init__(self, model: Any, tokenizer: Any, *, seed: int | None = None, healing: bool = True) -> None:
        self.model, self.tokenizer, self.healing = model, tokenizer, healing
        self.vocabulary = read_vocabulary(model, tokenizer)
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.ids: list[int] = []
        self.held = ""
        self.text = ""
        self.values: dict[str, str] = {}
        self.n_passes = 0

    def __iadd__(self, text: str) -> PlainProgram:
        self.held += text
        self.text += text
        return self

    def generate(
        self,
        name: str,
        grammar: Any = None,
        *,
        stop: Sequence[str] = (),
        max_tokens: int = 40,
        ends: str = "other",
    ) -> str:
        owed = self._encode()
        compiled = tt.compile_grammar(grammar or tt.from_regex(r"[\s\S]*"), self.vocabulary)
        data, left = b"", max_tokens
        while True:
            allowed, may_end = self._allowed(compiled, owed, data, left)
            if may_end and (not allowed or not left):
                break
            token = self._choose(allowed, may_end, ends)
            if token is None:
                break
            self.ids.append(token)
            data += self.vocabulary.token_bytes(token)
            left -= len(data) > len(owed)
            found = [at for at in (data.find(text.encode(), len(owed)) for text in stop) if at >= 0]
            if found:
                self._take_back(data, min(found))
                data = data[: min(found)]
                break
        return self._fill(name, data[len(owed) :].decode())

    def choose(self, name: str, options: Sequence[str]) -> str:
        owed = self._encode()
        scores = []
        for option in options:
            tokens = self._spell(owed + option.encode())
            laws = self._laws([*self.ids, *tokens])
            scores.append(sum(float(laws[len(self.ids) + i - 1, t]) for i, t in enumerate(tokens)))
        self.n_passes += 1
        law = torch.tensor(scores, dtype=torch.float64).log_softmax(0).float()
        chosen = options[self._draw(law)]
        self.ids += self._spell(owed + chosen.encode())
        return self._fill(name, chosen)

    def _fill(self, name: str, text: str) -> str:
        self.text += text
        self.values[name] = text
        return text

    def _encode(self) -> bytes:
        is_first = not self.ids
        ids = self.tokenizer(self.held)["input_ids"] if self.held else []
        self.held = ""
        owed = b""
        if self.healing and len(ids) > is_first:
            last = self.vocabulary.token_bytes(ids[-1])
            if last and any(t.startswith(last) and t != last for t in self.vocabulary.tokens):
                owed = last
                ids = ids[:-1]
        self.ids += ids
        return owed

    def _allowed(self, compiled: Any, owed: bytes, data: bytes, left: int) -> tuple[list[int], bool]:
        rest = owed[len(data) :]
        allowed = []
        for token_id, text in enumerate(self.vocabulary.tokens):
            after = data + text
            if not text:
                continue
            if len(after) <= len(owed):
                is_right = owed.startswith(after)
            else:
                ahead = compiled.matcher()
                is_right = after.startswith(owed) and ahead.read_bytes(after[len(owed) :])
                is_right = is_right and ahead.tokens_to_finish <= left
            if is_right:
                allowed.append(token_id)
        now = compiled.matcher()
        now.read_bytes(data[len(owed) :])
        return allowed, not rest and now.is_accepting

    def _choose(self, allowed: list[int], may_end: bool, ends: str) -> int | None:
        self.n_passes += 1
        law = self._laws(self.ids)[-1]
        eos = self.vocabulary.eos_token_ids[0]
        kept = torch.full_like(law, -math.inf)
        kept[allowed] = law[allowed]
        if may_end and ends == "eos":
            kept[eos] = law[eos]
        elif may_end:
            kept[eos] = law[[i for i in range(len(law)) if i not in set(allowed)]].logsumexp(0)
        chosen = self._draw(kept)
        return None if chosen == eos else chosen

    def _draw(self, law: torch.Tensor) -> int:
        if self.generator is None:
            return int(law.argmax())
        return int(torch.multinomial(torch.softmax(law, -1), 1, generator=self.generator))

    def _laws(self, ids: list[int]) -> torch.Tensor:
        with torch.no_grad():
            return self.model(torch.tensor([ids]), use_cache=False).logits[0].float().log_softmax(-1)

    def _take_back(self, data: bytes, at: int) -> None:
        """Leave the whole tokens before a stop, and spell what is left of the next one anew."""
        back = b""
        while len(data) - len(back) > at:
            back = self.vocabulary.token_bytes(self.ids.pop()) + back
        self.ids += self._spell(back[: len(back) - (len(data) - at)])

    def _spell(self, data: bytes) -> list[int]:
        return list(self.tokenizer(data.decode(), add_special_tokens=False)["input_ids"]) if data else []
