"""Length control without training: a writer, a prompt and a target in, the text nearest to the target out,
with all lengths measured on the way and what it cost.

For any instruction-tuned model or service. Four strategies, each optional, in one pipeline:

    target -> length approximation -> target adjustment -> request -> sample filtering -> automated revision

The first two choose what to ask for (`length_bias.py`). Sample filtering draws until a text complies, at most
`n_samples`, and keeps the nearest. Automated revision reports the measured length of the last text and asks
for a rewrite, up to `max_revisions` times, each again with filtering. Nothing is certain: what
guarantees is a grammar or a budget in `generate`. Cost: at most n_samples * (1 + max_revisions) calls.

Paper: Retkowski and Waibel, "Zero-Shot Strategies for Length-Controllable Summarization", arXiv 2501.00233,
Findings of NAACL 2025. Ours: that filtering ends at the first text that complies, and the wording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .arguments import checked_instance, checked_integer, checked_number
from .errors import ArgumentValueError
from .length_bias import REQUEST, LengthAdjustment, LengthApproximation, check_template
from .length_measures import LengthMeasure, as_measure
from .responses import MOST_SAMPLES, NO_COST, CallCost, Calls, Response, Writer

REVISION = (
    "{prompt}\n\nThis answer has {measured}; it should have {wanted}:\n\n{text}\n\n"
    "Rewrite it, {direction}, so that it has {wanted}. Answer with the text alone."
)
"""How a rewrite is asked for: fields `prompt`, `text`, `measured`, `wanted` and `direction`."""


@dataclass(frozen=True)
class LengthStep:
    """One call.

    revision: 0 for the first round, then the number of the rewrite. asked: the length that the request names.
    length: of the text, in the measure of the target. cost: of this call.
    """

    revision: int
    asked: str
    text: str
    length: int
    cost: CallCost


@dataclass(frozen=True)
class LengthOutcome:
    """What the strategies made.

    text, length: the nearest text and its length. target: what was wanted.
    complies: whether it is within the tolerance. steps: every call, in order.
    """

    text: str
    length: int
    target: int
    complies: bool
    steps: tuple[LengthStep, ...]

    @property
    def cost(self) -> CallCost:
        """Of all calls; what an approximation or adjustment cost to learn is in these, as `cost`."""
        return sum((step.cost for step in self.steps), NO_COST)

    @property
    def cost_by_strategy(self) -> dict[str, CallCost]:
        """The first call ("request"), the others of each round ("sample filtering"), and the first of each
        rewrite ("automated revision"); the three add up to `cost`.
        """
        costs = dict.fromkeys(("request", "sample filtering", "automated revision"), NO_COST)
        begun: set[int] = set()
        for step in self.steps:
            name = "automated revision" if step.revision else "request"
            name = "sample filtering" if step.revision in begun else name
            begun.add(step.revision)
            costs[name] += step.cost
        return costs


def control_length(
    writer: Writer,
    prompt: str,
    target: int,
    *,
    measure: str | LengthMeasure = "words",
    tolerance: float = 0.1,
    approximation: LengthApproximation | None = None,
    adjustment: LengthAdjustment | None = None,
    n_samples: int = 1,
    max_revisions: int = 0,
    seed: int = 0,
    tokenizer: Any = None,
    request: str = REQUEST,
    revision: str = REVISION,
) -> LengthOutcome:
    """Write a text of a given length, by any of the four strategies or all of them.

    writer: a function from a prompt to a text or a `Response`; a `ModelWriter`. With a parameter `seed`
        it gets a different one in each call.
    target: length in `measure`, a `LengthMeasure` or the name of a kind.
    tolerance: a text complies if it is nearer than this share of the target; 0: exactly.
    approximation: from the measure into another one, in which the length is then asked for.
    adjustment: in the measure in which the length is asked for.
    n_samples: texts drawn in each round at most; drawing ends at the first that complies.
    max_revisions: rewrites at most.
    seed: of the first call; the next ones get the numbers that follow.
    tokenizer: counts the tokens of the cost, if the writer does not report them.
    request, revision: templates with the fields of `REQUEST` and `REVISION`.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds, or the
            approximation or adjustment is of another measure. Whatever the writer raises.
    """
    checked_instance("prompt", prompt, str, "a text")
    target = checked_integer("target", target, least=1)
    measure = as_measure("measure", measure)
    share = checked_number("tolerance", tolerance, above=-math.inf, most=1)
    if share < 0:
        raise ArgumentValueError("tolerance must be at least 0", got=tolerance)
    n_samples = checked_integer("n_samples", n_samples, least=1, most=MOST_SAMPLES)
    max_revisions = checked_integer("max_revisions", max_revisions, least=0, most=MOST_SAMPLES)
    check_template("request", request, ("prompt", "length"))
    check_template("revision", revision, ("prompt", "text", "measured", "wanted", "direction"))
    asked = _asked(target, measure, approximation, adjustment)
    calls = Calls(writer, tokenizer, checked_integer("seed", seed))
    slack = target * share
    wanted = measure.phrase(target)
    steps: list[LengthStep] = []
    text_request = request.format(prompt=prompt, length=asked)
    for number in range(max_revisions + 1):
        drawn = _round(calls, text_request, n_samples, measure, target, slack, asked, number)
        steps += drawn
        last = _nearest(drawn, target)
        if abs(last.length - target) <= slack:
            break
        asked = wanted
        text_request = revision.format(
            prompt=prompt,
            text=last.text,
            measured=measure.phrase(last.length),
            wanted=wanted,
            direction="shorter" if last.length > target else "longer",
        )
    best = _nearest(steps, target)
    return LengthOutcome(best.text, best.length, target, abs(best.length - target) <= slack, tuple(steps))


def _asked(
    target: int,
    measure: LengthMeasure,
    approximation: LengthApproximation | None,
    adjustment: LengthAdjustment | None,
) -> str:
    """The length that the first request names."""
    wanted: float = target
    if approximation is not None:
        checked_instance("approximation", approximation, LengthApproximation, "a LengthApproximation")
        if approximation.measure != measure:
            raise ArgumentValueError(
                f"approximation must be of {measure.kind}, as the target", got=approximation.measure
            )
        wanted, measure = approximation.request(target), approximation.guide
    if adjustment is not None:
        checked_instance("adjustment", adjustment, LengthAdjustment, "a LengthAdjustment")
        if adjustment.measure != measure:
            raise ArgumentValueError(
                f"adjustment must be of {measure.kind}, as what is asked for", got=adjustment.measure
            )
        return measure.phrase(adjustment.request(wanted))
    return measure.phrase(max(1, round(wanted)))


def _round(
    calls: Calls,
    request: str,
    n_samples: int,
    measure: LengthMeasure,
    target: int,
    slack: float,
    asked: str,
    number: int,
) -> list[LengthStep]:
    """Sample filtering: the texts drawn up to the first that complies."""
    steps = []
    for _ in range(n_samples):
        response: Response = calls.write(request)
        length = measure.count(response.text)
        steps.append(LengthStep(number, asked, response.text, length, CallCost.of(response)))
        if abs(length - target) <= slack:
            break
    return steps


def _nearest(steps: list[LengthStep], target: int) -> LengthStep:
    return min(steps, key=lambda step: abs(step.length - target))  # the first of equals
