"""Prompts that end inside a token: the last bytes of a prompt are given back, and the model cuts them anew.

A prompt "The link is http:" ends with a token that a model hardly ever writes where "//" follows, since "://"
is one token: what comes next is then drawn from a strange place. So the last tokens are taken away, and the
text has to begin with their bytes, the tail, however it is cut. That is a constraint like others, on tokens:
while bytes of the tail are left, a token must spell a beginning of them, or all of them and then what the
grammar lets a text begin with. Under it every sampler keeps its law, which is the model's after the shorter
prompt, given that the text begins with the tail; budgets count the tail's tokens too. Cost: the tokens that
begin as the tail does are looked at once for each place where a token may end inside the tail.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..decoding.compile import CompiledGrammar
from ..decoding.prompt_ends import sorted_tokens, tokens_beginning
from ..decoding.vocabulary import Vocabulary

NEVER = 2**31
MOST_BYTES = 1024  # of a tail; longer than any token that it may be the beginning of


class Tail:
    """How the end of a prompt may be written. What was found out about a rest of it is kept.

    compiled: what the text after it has to obey, or None.
    """

    def __init__(self, text: bytes, compiled: CompiledGrammar | None, vocabulary: Vocabulary) -> None:
        self.text = text
        self._compiled = compiled
        self._vocabulary = vocabulary
        self._known: dict[bytes, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}
        for start in range(len(text) - 1, -1, -1):  # the shortest first: the longer ones need them
            self.next_tokens(text[start:])

    def next_tokens(self, rest: bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The tokens that may come while `rest` is left, and how many tokens a text takes after each."""
        if rest not in self._known:
            ids, texts = sorted_tokens(self._vocabulary)
            found = [
                (ids[i], self.finish_after(texts[i][len(rest) :])) for i in tokens_beginning(texts, rest)
            ]
            for length in range(1, len(rest)):
                for i in tokens_beginning(texts, rest[:length]):
                    if len(texts[i]) > length:
                        break
                    found.append((ids[i], self.fewest(rest[length:])))
            kept = [entry for entry in found if entry[1] < NEVER]
            tokens, costs = np.array(kept, dtype=np.int64).reshape(-1, 2).T
            self._known[rest] = (tokens, costs)
        return self._known[rest]

    def fewest(self, rest: bytes) -> int:
        """The fewest tokens of a whole text that begins with `rest`, EOS included; NEVER: it has none."""
        costs = self.next_tokens(rest)[1]
        return 1 + int(costs.min()) if len(costs) else NEVER

    def finish_after(self, begun: bytes) -> int:
        """Tokens that end a text which begins with these bytes; NEVER: no text does."""
        if self._compiled is None:
            return 1
        matcher = self._compiled.matcher()
        return matcher.tokens_to_finish if not begun or matcher.read_bytes(begun) else NEVER
