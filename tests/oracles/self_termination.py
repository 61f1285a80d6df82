"""NMST and ST in the slow obvious form: the formulas of the papers, exact rational powers, loops over floats.

Nothing is a logarithm here and nothing is done for a whole tensor, so the results are right as long as no
probability is too small for a float.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softmax(values: Sequence[float]) -> list[float]:
    weights = [math.exp(value - max(values)) for value in values]
    return [weight / math.fsum(weights) for weight in weights]


def gate_of(logits: Sequence[float], eos: Sequence[int], gate: str) -> float:
    """The EOS logit, or the log-odds of EOS in the softmax."""
    ends = math.log(math.fsum(math.exp(logits[i]) for i in eos))
    if gate == "logit":
        return ends
    return ends - math.log(math.fsum(math.exp(x) for i, x in enumerate(logits) if i not in eos))


def probabilities(
    form: str, gate: str, epsilon: float, eos: Sequence[int], history: Sequence[Sequence[float]]
) -> list[float]:
    """The probabilities of the next token at step t = len(history); history: the logits of steps 1 to t."""
    t = len(history)
    gates = [sigmoid(gate_of(logits, eos, gate)) for logits in history]
    if form == "nmst":
        left = float((1 - Fraction(epsilon)) ** t)
        end = (1 - gates[-1]) * (1 - left) + gates[-1]
    else:
        product = Fraction(1)
        for s in gates:
            product *= (1 - Fraction(epsilon)) * (1 - Fraction(s))
        end = float(1 - product)
    logits = history[-1]
    others = [i for i in range(len(logits)) if i not in eos]
    result = [0.0] * len(logits)
    for ids, total in ((list(eos), end), (others, 1 - end)):
        for token_id, share in zip(ids, softmax([logits[i] for i in ids]), strict=True):
            result[token_id] = total * share
    return result
