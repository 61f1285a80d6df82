"""Exact laws of procedures that draw: every outcome of every decision is followed, with its probability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

Outcome = TypeVar("Outcome", bound=Hashable)


class EveryChance:
    """A `Chance` that takes the decisions of a script, then the first one that is possible, and notes what
    else could have come.
    """

    def __init__(self, script: list[int]) -> None:
        self.script = script
        self.taken: list[int] = []
        self.possible: list[list[int]] = []
        self.probability = 1.0

    def _decide(self, probs: list[float]) -> int:
        possible = [index for index, probability in enumerate(probs) if probability > 0]
        position = len(self.taken)
        choice = self.script[position] if position < len(self.script) else possible[0]
        self.taken.append(choice)
        self.possible.append(possible)
        self.probability *= probs[choice]
        return choice

    def flip(self, probability: float) -> bool:
        probability = min(1.0, probability)
        return self._decide([1 - probability, probability]) == 1

    def draw(self, probs: Tensor) -> int:
        weights = probs.tolist()
        return self._decide([weight / sum(weights) for weight in weights])


def all_outcomes(procedure: Callable[[EveryChance], Outcome]) -> Iterator[tuple[Outcome, float]]:
    """Every outcome with its probability; the same outcome may come several times."""
    script: list[int] | None = []
    while script is not None:
        chance = EveryChance(script)
        outcome = procedure(chance)
        yield outcome, chance.probability
        script = None
        for position in reversed(range(len(chance.taken))):
            later = [choice for choice in chance.possible[position] if choice > chance.taken[position]]
            if later:
                script = [*chance.taken[:position], later[0]]
                break


def completed_law(
    outcomes: Iterator[tuple[tuple[int, ...], float]],
    next_probs: Callable[[tuple[int, ...]], Tensor],
    length: int,
    eos: int,
) -> dict[tuple[int, ...], float]:
    """The law of texts of at most `length` tokens that begin as the outcomes do and go on by the model."""
    law: dict[tuple[int, ...], float] = defaultdict(float)
    for tokens, probability in outcomes:
        for text, factor in texts(tokens, next_probs, length, eos):
            law[text] += probability * factor
    return law


def texts(
    start: tuple[int, ...], next_probs: Callable[[tuple[int, ...]], Tensor], length: int, eos: int
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every text of the model after a start, with its probability."""
    if len(start) >= length or start[-1:] == (eos,):
        yield start[:length], 1.0
        return
    for token, probability in enumerate(next_probs(start).tolist()):
        if probability > 0:
            for text, factor in texts((*start, token), next_probs, length, eos):
                yield text, probability * factor


def largest_error(law: dict[tuple[int, ...], float], expected: dict[tuple[int, ...], float]) -> float:
    return max(abs(law.get(text, 0.0) - expected.get(text, 0.0)) for text in {*law, *expected})


def random_laws(n_tokens: int, seed: int, *, sharpness: float = 1.0) -> Callable[[tuple[int, ...]], Tensor]:
    """A made-up model: a law in float64 for each text."""
    known: dict[tuple[int, ...], Tensor] = {}

    def next_probs(text: tuple[int, ...]) -> Tensor:
        if text not in known:
            generator = torch.Generator().manual_seed(hash((seed, text)) % 2**31)
            logits = torch.randn(n_tokens, generator=generator, dtype=torch.float64)
            known[text] = (sharpness * logits).softmax(0)
        return known[text]

    return next_probs
