"""A model small enough to be solved exactly: tokens of one letter, a first-order Markov law, a random
automaton.

Everything about it is computed twice: by listing all texts, and by the recursion for the probability that a
prefix is finished rightly.
"""

from __future__ import annotations

import itertools
import math
from functools import cached_property

import numpy as np
import torch
from tokentrellis import CompiledGrammar, Vocabulary, compile_grammar, from_choices
from tokentrellis.samplers.constraint import Constraint
from tokentrellis.samplers.language_model import FunctionModel

LETTERS = "abcde"
EOS = len(LETTERS)
MOST = 6  # tokens, EOS included


class MarkovCase:
    """seed: of the law. pattern: which texts are right, as a function; at most MOST - 1 letters."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.rows = random.dirichlet(np.full(EOS + 1, 2.0), size=EOS + 1)  # the last: before the first letter
        step = random.integers(0, 4, size=(4, EOS))
        accepting = random.random(4) < 0.5
        forbidden = random.random((4, EOS)) < 0.35
        texts = []
        stack: list[tuple[tuple[int, ...], int]] = [((), 0)]
        while stack:
            word, state = stack.pop()
            if accepting[state] and word:
                texts.append(word)
            if len(word) < MOST - 1:
                stack += [((*word, i), int(step[state, i])) for i in range(EOS) if not forbidden[state, i]]
        self.words = sorted(texts)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary([letter.encode() for letter in LETTERS] + [b""], eos_token_ids=[EOS])

    @cached_property
    def compiled(self) -> CompiledGrammar:
        return compile_grammar(from_choices([self.spell(word) for word in self.words]), self.vocabulary)

    def spell(self, word: tuple[int, ...]) -> str:
        return "".join(LETTERS[i] for i in word if i != EOS)

    def model(self) -> FunctionModel:
        return FunctionModel(
            lambda prefix: np.log(self.rows[prefix[-1] if prefix else EOS]).tolist(), vocab_size=EOS + 1
        )

    def constraint(self) -> Constraint:
        return Constraint(self.compiled, max_new_tokens=MOST)

    def probability(self, word: tuple[int, ...]) -> float:
        """Of the word and EOS, by the model alone."""
        path = (EOS, *word, EOS)
        return math.prod(self.rows[a][b] for a, b in itertools.pairwise(path))

    @cached_property
    def law(self) -> dict[str, float]:
        """The model's law given that the text is right."""
        return {self.spell(word): self.probability(word) / self.evidence for word in self.words}

    @cached_property
    def evidence(self) -> float:
        """The probability that the model writes a right text."""
        return sum(map(self.probability, self.words))

    def finishes(self, prefix: tuple[int, ...]) -> float:
        """The probability that the model finishes a prefix rightly, by recursion."""
        allowed = {word[: len(prefix) + 1] for word in self.words if word[: len(prefix)] == prefix}
        last = prefix[-1] if prefix else EOS
        total = self.rows[last][EOS] if prefix in allowed else 0.0
        longer = (word for word in allowed if len(word) > len(prefix))
        return total + sum(self.rows[last][word[-1]] * self.finishes(word) for word in longer)


class WordPredicate:
    """The case's texts as a predicate. prefix_is_known: whether it looks ahead."""

    def __init__(self, case: MarkovCase, *, prefix_is_known: bool = True) -> None:
        self.words = {case.spell(word) for word in case.words}
        self.prefixes = {word[:i] for word in self.words for i in range(len(word) + 1)}
        self.prefix_is_known = prefix_is_known

    def prefix(self, text: str) -> bool:
        return not self.prefix_is_known or text in self.prefixes

    def complete(self, text: str) -> bool:
        return text in self.words


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
