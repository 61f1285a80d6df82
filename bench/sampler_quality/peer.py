"""AWRS beside that of genlm-control, in turns in one process: one place of a text, 128,256 tokens, a
predicate.

The law falls like 1 / rank; the predicate allows a random set of tokens with the mass Z, at no cost of its
own, so what shows is the samplers' own time. Both draw one token at a time; ours also 16 at a time, as for
particles.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tokentrellis as tt
import torch

N_TOKENS = 128_256
N_DRAWS = 40


class Allowed:
    """A predicate that counts its answers."""

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids
        self.n_asked = 0

    def prefix(self, text: str) -> bool:
        self.n_asked += 1
        return int(text) in self.ids

    def complete(self, text: str) -> bool:
        self.n_asked += 1
        return False


def law_and_allowed(mass: float) -> tuple[np.ndarray, set[int], float]:
    source = random.Random(1)
    law = 1 / np.arange(1, N_TOKENS + 1)
    law = np.append(law / law.sum() * 0.999, 0.001)  # the last: the end
    allowed: set[int] = set()
    total = 0.0
    for token in source.sample(range(N_TOKENS), N_TOKENS):
        if total + law[token] <= mass:
            allowed.add(token)
            total += law[token]
    return law, allowed, total


def ours(law: np.ndarray, predicate: Allowed, n: int) -> Callable[[], list[float]]:
    tokens = [b"%06d" % i for i in range(N_TOKENS)]
    vocabulary = tt.Vocabulary([*tokens, b""], eos_token_ids=[N_TOKENS])
    log_probs = torch.from_numpy(np.log(law)).float().unsqueeze(0)
    sampler = tt.AdaptiveRejectionSampler(uses_mask=False)
    generator = torch.Generator().manual_seed(0)
    constraint = tt.Constraint(vocabulary, predicate=predicate, max_new_tokens=9)

    def draw() -> list[float]:
        constraint.forget_answers()  # what earlier draws asked is not remembered
        draws = sampler.draw_tokens(log_probs, [constraint.start()], [0] * n, generator)
        return np.exp(draws.log_weights).tolist()

    return draw


def theirs(law: np.ndarray, predicate: Allowed) -> Callable[[], list[float]]:
    from genlm.control import Potential
    from genlm.control.sampler.token import AWRS

    log_weights = np.log(law)

    class Model(Potential):  # type: ignore[misc]
        async def prefix(self, context: Any) -> float:
            return 0.0

        async def complete(self, context: Any) -> float:
            return 0.0

        async def logw_next(self, context: Any) -> Any:
            return self.make_lazy_weights(log_weights)

    class Condition(Potential):  # type: ignore[misc]
        async def prefix(self, context: Any) -> float:
            return 0.0 if predicate.prefix(context[-1]) else -np.inf

        async def complete(self, context: Any) -> float:
            return 0.0 if predicate.complete("") else -np.inf

    words = [f"{i:06d}" for i in range(N_TOKENS)]
    sampler = AWRS(Model(words), Condition(words), seed=0)
    loop = asyncio.new_event_loop()
    return lambda: [float(np.exp(loop.run_until_complete(sampler.sample([]))[1]))]


def report() -> None:
    """Print the table."""
    print("\n| Z | sampler | ms a draw | checks a draw | mean weight / Z |")
    print("| --: | :-- | --: | --: | --: |")
    for mass in (0.99, 0.7, 0.1):
        law, allowed, total = law_and_allowed(mass)
        makers: dict[str, Callable[[Allowed], Callable[[], list[float]]]] = {
            "tokentrellis": partial(ours, law, n=1),
            "tokentrellis, 16 draws": partial(ours, law, n=16),
            "genlm-control": partial(theirs, law),
        }
        predicates = {name: Allowed(allowed) for name in makers}
        draws = {name: make(predicates[name]) for name, make in makers.items()}
        times: dict[str, list[float]] = {name: [] for name in makers}
        weights: dict[str, list[float]] = {name: [] for name in makers}
        for _ in range(N_DRAWS):
            for name, draw in draws.items():
                begin = time.process_time()
                found = draw()
                times[name].append((time.process_time() - begin) / len(found))
                weights[name] += found
        for name in makers:
            checks = predicates[name].n_asked / len(weights[name])
            mean = statistics.mean(weights[name]) / total
            middle = 1000 * statistics.median(times[name])
            print(f"| {total:.2f} | {name} | {middle:.2f} | {checks:.2f} | {mean:.2f} |", flush=True)
