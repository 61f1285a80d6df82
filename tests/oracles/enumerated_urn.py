"""All outcomes of an estimator of AWRS with their probabilities, in rational arithmetic.

The estimator is run again and again; each run follows a script of choices and extends it by first choices,
and the last choice that has another way is changed for the next run, until none has. The probability of a run
is the product of those of its choices. Nothing is assumed about the estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any


class EnumeratedUrn:
    """An `Urn` whose choices follow a script. law: masses by token, which may sum to less than one."""

    def __init__(self, law: dict[int, Fraction], script: list[tuple[int, int]]) -> None:
        self.left = {token: mass for token, mass in law.items() if mass}
        self.law = law
        self.script = script
        self.position = 0
        self.probability = Fraction(1)
        self.known_forbidden: set[int] = set()

    def choose(self, probabilities: list[Fraction]) -> int:
        if self.position == len(self.script):
            self.script.append((0, len(probabilities)))
        index = self.script[self.position][0]
        self.position += 1
        self.probability *= probabilities[index]
        return index

    def draw(self) -> int | None:
        if not self.left:
            return None
        total = self.remaining()
        tokens = list(self.left)
        return tokens[self.choose([self.left[token] / total for token in tokens])]

    def remove(self, token_id: int) -> None:
        del self.left[token_id]

    def remaining(self) -> Fraction:
        return sum(self.left.values(), Fraction(0))

    def mass(self, token_id: int) -> Fraction:
        return self.law[token_id]

    def share(self, token_id: int) -> Fraction:
        return self.left[token_id] / self.remaining()

    def decide(self, probability: Fraction) -> bool:
        return self.choose([probability, 1 - probability]) == 0

    def prune(self) -> None:
        for token_id in self.known_forbidden & self.left.keys():
            del self.left[token_id]

    def phantoms(self, most: float) -> int:
        hit = 1 - self.remaining() / sum(self.law.values())
        if not hit:
            return 0
        exact = [hit**count * (1 - hit) for count in range(int(most))]
        return self.choose([*exact, hit ** int(most)])


def outcomes(
    law: dict[int, Fraction], estimate: Callable[[EnumeratedUrn], Any]
) -> Iterator[tuple[Fraction, int | None, Fraction, EnumeratedUrn]]:
    """(probability, token, weight, the urn as it was left) of every run."""
    script: list[tuple[int, int]] = []
    while True:
        urn = EnumeratedUrn(law, script)
        found = estimate(urn)
        mass = sum(law.values(), Fraction(0)) if found.mass is None else found.mass
        weight = Fraction(0)
        if found.token_id is not None:
            weight = mass * Fraction(found.numerator, found.denominator) if found.numerator else Fraction(0)
        yield urn.probability, found.token_id, weight, urn
        while script and script[-1][0] + 1 == script[-1][1]:
            script.pop()
        if not script:
            return
        script[-1] = (script[-1][0] + 1, script[-1][1])


def expected_weights(
    law: dict[int, Fraction], estimate: Callable[[EnumeratedUrn], Any]
) -> dict[int, Fraction]:
    """E[w 1{x = t}] for each token."""
    found = dict.fromkeys(law, Fraction(0))
    for probability, token, weight, _ in outcomes(law, estimate):
        if token is not None:
            found[token] += probability * weight
    return found


def second_moment(law: dict[int, Fraction], estimate: Callable[[EnumeratedUrn], Any]) -> Fraction:
    """E[w^2]."""
    return sum((p * weight**2 for p, token, weight, _ in outcomes(law, estimate)), Fraction(0))
