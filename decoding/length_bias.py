"""What a model makes of a length that it is asked for: observed texts in, what to ask for instead out.

Two corrections, both learnt once from observed texts and used as often as wanted:

- length approximation: models obey some measures (sentences) better than others (words). The target is turned
  into a measure that the model obeys, by the average ratio of the two lengths of the observed texts.
- target adjustment: models err in a systematic way. Least squares fit produced = intercept + slope * asked;
  to get n, its inverse is asked for.

Cost: the calls of `observe_lengths`, which the results carry; later one division for each text. What is asked
for outside the observed range extrapolates a line: observe the range that is wanted.

Paper: Retkowski and Waibel, "Zero-Shot Strategies for Length-Controllable Summarization", arXiv 2501.00233,
Findings of NAACL 2025.
"""

from __future__ import annotations

import math
import statistics
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .arguments import checked_instance, checked_integer, checked_list, checked_number
from .errors import ArgumentValueError
from .length_measures import LengthMeasure, as_measure
from .responses import MOST_SAMPLES, NO_COST, CallCost, Calls, Writer, check_prompts

REQUEST = "{prompt}\n\nWrite {length}. Answer with the text alone."
"""How a length is asked for: fields `prompt` and `length` ("50 words")."""


@dataclass(frozen=True)
class LengthObservations:
    """Texts that a writer wrote when it was asked for lengths.

    measure: of the lengths that were asked for. asked, texts: one for each call. cost: of all calls.
    """

    measure: LengthMeasure
    asked: tuple[int, ...]
    texts: tuple[str, ...]
    cost: CallCost = NO_COST


def observe_lengths(
    writer: Writer,
    prompts: Sequence[str],
    targets: Sequence[int],
    *,
    measure: str | LengthMeasure = "words",
    n_samples: int = 1,
    seed: int = 0,
    tokenizer: Any = None,
    request: str = REQUEST,
) -> LengthObservations:
    """Ask for every target with every prompt, `n_samples` times.

    writer: a function from a prompt to a text or a `Response`; a `ModelWriter`.
    tokenizer: counts the tokens of the cost, if the writer does not report them.
    request: a template with the fields `{prompt}` and `{length}`.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds. Whatever the
            writer raises.
    """
    measure = as_measure("measure", measure)
    prompts = check_prompts(prompts)
    checked = checked_list("targets", targets, int, "an integer")
    lengths = [checked_integer(f"targets[{index}]", n, least=1) for index, n in enumerate(checked)]
    n_samples = checked_integer("n_samples", n_samples, least=1, most=MOST_SAMPLES)
    check_template("request", request, ("prompt", "length"))
    calls = Calls(writer, tokenizer, checked_integer("seed", seed))
    asked: list[int] = []
    texts: list[str] = []
    cost = NO_COST
    for prompt in prompts:
        for length in lengths:
            for response in calls.draw(
                request.format(prompt=prompt, length=measure.phrase(length)), n_samples
            ):
                asked.append(length)
                texts.append(response.text)
                cost += CallCost.of(response)
    return LengthObservations(measure, tuple(asked), tuple(texts), cost)


@dataclass(frozen=True)
class LengthAdjustment:
    """The bias of a writer in one measure: asked for n, it writes about intercept + slope * n.

    measure: as a `LengthMeasure` or the name of a kind. slope: greater than 0.
    cost: of the calls that it was learnt from.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds.
    """

    measure: LengthMeasure
    slope: float
    intercept: float = 0.0
    cost: CallCost = NO_COST

    def __post_init__(self) -> None:
        object.__setattr__(self, "measure", as_measure("measure", self.measure))
        object.__setattr__(self, "slope", checked_number("slope", self.slope, above=0))
        object.__setattr__(self, "intercept", checked_number("intercept", self.intercept, above=-math.inf))
        checked_instance("cost", self.cost, CallCost, "a CallCost")

    @classmethod
    def fit(cls, observations: LengthObservations) -> LengthAdjustment:
        """The line that fits the observed lengths best, by least squares.

        Raises:
            ArgumentTypeError: these are no observations. ArgumentValueError: fewer than two different lengths
                were asked for, or longer requests did not give longer texts.
        """
        checked_instance("observations", observations, LengthObservations, "LengthObservations")
        asked = observations.asked
        if len(set(asked)) < 2:
            raise ArgumentValueError(
                "observations must be of two different targets at least", got=sorted(set(asked))
            )
        produced = [observations.measure.count(text) for text in observations.texts]
        line = statistics.linear_regression(asked, produced)
        if line.slope <= 0:
            raise ArgumentValueError(
                "observations must get longer with what is asked for: this writer does not follow it",
                got=line.slope,
                advice="ask in another measure (LengthApproximation), or observe a wider range of targets",
            )
        return cls(observations.measure, line.slope, line.intercept, observations.cost)

    def request(self, wanted: float) -> int:
        """What to ask for, at least 1, in order to get `wanted`.

        Raises:
            ArgumentTypeError, ArgumentValueError: it is no number above 0.
        """
        wanted = checked_number("wanted", wanted, above=0)
        return max(1, round((wanted - self.intercept) / self.slope))


@dataclass(frozen=True)
class LengthApproximation:
    """How many units of another measure stand for one of the target's: 0.05 sentences for a word.

    measure: of the targets. guide: of what is asked for. Both as `LengthMeasure` or the name of a kind.
    ratio: units of the guide for one of the measure, greater than 0.
    cost: of the calls that it was learnt from.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds.
    """

    measure: LengthMeasure
    guide: LengthMeasure
    ratio: float
    cost: CallCost = NO_COST

    def __post_init__(self) -> None:
        object.__setattr__(self, "measure", as_measure("measure", self.measure))
        object.__setattr__(self, "guide", as_measure("guide", self.guide))
        object.__setattr__(self, "ratio", checked_number("ratio", self.ratio, above=0))
        checked_instance("cost", self.cost, CallCost, "a CallCost")

    @classmethod
    def fit(
        cls,
        texts: LengthObservations | Sequence[str],
        *,
        measure: str | LengthMeasure,
        guide: str | LengthMeasure,
    ) -> LengthApproximation:
        """The ratio of the sums of both lengths, over observed texts or any that are like the wanted ones.

        Raises:
            ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or the texts have no
                length in one of the measures.
        """
        measure, guide = as_measure("measure", measure), as_measure("guide", guide)
        cost = NO_COST
        if isinstance(texts, LengthObservations):
            cost, texts = texts.cost, texts.texts
        read = checked_list("texts", texts, str, "a text")
        lengths = [sum(map(each.count, read)) for each in (measure, guide)]
        if 0 in lengths:
            raise ArgumentValueError(
                f"texts must have a length in {measure.kind} and in {guide.kind}", got=lengths
            )
        return cls(measure, guide, lengths[1] / lengths[0], cost)

    def request(self, wanted: float) -> float:
        """The length in the guide, not rounded, that stands for `wanted` in the measure.

        Raises:
            ArgumentTypeError, ArgumentValueError: it is no number above 0.
        """
        return checked_number("wanted", wanted, above=0) * self.ratio


def check_template(name: str, template: str, fields: tuple[str, ...]) -> None:
    """Raise unless this is a text for `str.format` with these fields and no others.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is something else.
    """
    checked_instance(name, template, str, "a text")
    shown = ", ".join("{" + field + "}" for field in fields)
    try:
        found = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError:
        found = {""}
    if found != set(fields):
        raise ArgumentValueError(
            f"{name} must have the fields {shown} and no others", got=template, advice="write {{ for a brace"
        )
