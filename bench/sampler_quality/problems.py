"""Three problems that can be solved exactly: a grammar, a small model trained here, and the law by
enumeration.

They are small relatives of the problems of the papers on grammar-aligned decoding: bit-vector expressions,
string transformations, constituency trees. The corpus that the model learns is made here: derivations in
which something goes wrong now and then (a bracket too few or too many, a word of another kind). The model is
an interpolated n-gram, which sees too little to keep brackets balanced, as a real model sees too little to
keep deeper promises: that is what masked decoding gets wrong.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import tokentrellis as tt

Rule = dict[str, list[list[str]]]
ORDER = 4
_MIXTURE = (0.02, 0.08, 0.2, 0.3, 0.4)  # of uniform, unigram ... 4-gram

# Every word is one character, so that a text has one spelling: & for bvand, $ for str.substr, D for DT ...
_OPERANDS = [["x"], ["y"], ["0"]]
BIT_VECTORS: Rule = {
    "E2": [["(", "~", "E1", ")"], *[["(", op, "E1", " ", "E1", ")"] for op in "&+"]],
    "E1": [*_OPERANDS, ["(", "~", "E0", ")"], *[["(", op, "E0", " ", "E0", ")"] for op in "&+"]],
    "E0": _OPERANDS,
}
STRINGS: Rule = {
    "E2": [["(", "+", "E1", " ", "E1", ")"], ["(", "@", "E1", " ", "int", ")"]],
    "E1": [
        ["n"],
        ["_"],
        ["(", "@", "n", " ", "int", ")"],
        ["(", "$", "n", " ", "int", " ", "int", ")"],
    ],
    "int": [["0"], ["1"], ["2"]],
}
TREES: Rule = {
    "E2": [["(", "S", "NP", "VP", ")"]],
    "NP": [["(", "N", "DT", "NN", ")"], ["(", "N", "NN", ")"]],
    "VP": [["(", "V", "VB", ")"], ["(", "V", "VB", "NP", ")"]],
    "DT": [["(", "D", "t", ")"], ["(", "D", "a", ")"]],
    "NN": [["(", "O", "d", ")"], ["(", "O", "c", ")"], ["(", "O", "s", ")"]],
    "VB": [["(", "B", "e", ")"], ["(", "B", "s", ")"]],
}
RULES = {"bit vectors": BIT_VECTORS, "strings": STRINGS, "trees": TREES}


@dataclass(frozen=True)
class Problem:
    """name: a key of `RULES`. error: how likely each symbol of a text of the corpus goes wrong."""

    name: str
    error: float = 0.03
    n_corpus: int = 4000

    @property
    def rules(self) -> Rule:
        return RULES[self.name]

    @cached_property
    def words(self) -> list[str]:
        symbols = {symbol for options in self.rules.values() for option in options for symbol in option}
        return sorted(symbols - self.rules.keys())

    @property
    def eos(self) -> int:
        return len(self.words)

    @cached_property
    def vocabulary(self) -> tt.Vocabulary:
        return tt.Vocabulary([word.encode() for word in self.words] + [b""], eos_token_ids=[self.eos])

    @cached_property
    def texts(self) -> list[tuple[int, ...]]:
        """All right texts, as tokens without EOS; two tokenizations of one text count twice."""
        index = {word: i for i, word in enumerate(self.words)}
        return [tuple(index[symbol] for symbol in text) for text in sorted(set(self._derive("E2")))]

    def _derive(self, symbol: str) -> Iterator[tuple[str, ...]]:
        if symbol not in self.rules:
            yield (symbol,)
            return
        for option in self.rules[symbol]:
            texts: list[tuple[str, ...]] = [()]
            for part in option:
                texts = [(*text, *more) for text in texts for more in self._derive(part)]
            yield from texts

    @cached_property
    def compiled(self) -> tt.CompiledGrammar:
        spelled = sorted({"".join(self.words[i] for i in text) for text in self.texts})
        return tt.compile_grammar(tt.from_choices(spelled), self.vocabulary)

    @property
    def max_new_tokens(self) -> int:
        return max(map(len, self.texts)) + 1

    def constraint(self) -> tt.Constraint:
        return tt.Constraint(self.compiled, max_new_tokens=self.max_new_tokens)

    # ---- the model ------------------------------------------------------------------------------------

    @cached_property
    def _counts(self) -> list[dict[tuple[int, ...], Counter[int]]]:
        source = random.Random(self.name)
        counts: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(ORDER)]
        index = {word: i for i, word in enumerate(self.words)}
        for _ in range(self.n_corpus):
            path = [-1] * (ORDER - 1) + [index[word] for word in self._noisy("E2", source)] + [self.eos]
            for end in range(ORDER - 1, len(path)):
                for n in range(ORDER):
                    counts[n][tuple(path[end - n : end])][path[end]] += 1
        return counts

    def _noisy(self, symbol: str, source: random.Random) -> list[str]:
        if symbol not in self.rules:
            chance = source.random()
            if chance < self.error:
                return []
            return [source.choice(self.words)] if chance < 1.5 * self.error else [symbol]
        option = source.choice(self.rules[symbol])
        return [word for part in option for word in self._noisy(part, source)]

    def law_after(self, prefix: tuple[int, ...]) -> list[float]:
        """Probabilities of the next token."""
        n_tokens = self.eos + 1
        path = (-1,) * (ORDER - 1) + prefix
        law = [_MIXTURE[0] / n_tokens] * n_tokens
        spare = 0.0
        for n, counts in enumerate(self._counts):
            seen = counts.get(path[len(path) - n :] if n else ())
            if not seen:
                spare += _MIXTURE[n + 1]
                continue
            total = sum(seen.values())
            for token, count in seen.items():
                law[token] += _MIXTURE[n + 1] * count / total
        return [p / (1 - spare) for p in law]

    def model(self) -> tt.FunctionModel:
        """With counters of its own."""
        return tt.FunctionModel(
            lambda prefix: [math.log(p) for p in self.law_after(prefix)], vocab_size=self.eos + 1
        )

    @cached_property
    def joint(self) -> dict[tuple[int, ...], float]:
        """The probability of each right text and EOS by the model."""
        found = {}
        for text in self.texts:
            path = (*text, self.eos)
            found[path] = math.prod(self.law_after(path[:i])[token] for i, token in enumerate(path))
        return found

    @cached_property
    def evidence(self) -> float:
        return sum(self.joint.values())

    @cached_property
    def law(self) -> dict[tuple[int, ...], float]:
        """The model given the grammar."""
        return {path: p / self.evidence for path, p in self.joint.items()}
