"""Hostile schemas: each is answered within limits of time and memory, rightly or by an error of our family.

In: the cases of `large_cases.py` and `broken_cases.py`. Out: a report. Each case has a
process of its own: made there, compiled for a vocabulary of bytes, its documents read. Failures are a wrong
verdict, an exception that is not of our family, a death of the process, and a limit passed.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Any, NamedTuple

from tokentrellis import ConstraintError, UnsatisfiableError
from tokentrellis.benchmark.conformance.documents import Reader
from tokentrellis.benchmark.conformance.report import Finding, Report, named
from tokentrellis.benchmark.isolation import DONE, Isolated, Limits

from .broken_cases import BROKEN_CASES
from .large_cases import LARGE_CASES, Case

CASES = [*LARGE_CASES, *BROKEN_CASES]
RIGHT, REFUSED, WRONG, FOREIGN = "right", "refused by our family", "wrong verdict", "foreign exception"


class Outcome(NamedTuple):
    """What became of a case, and the words for it."""

    kind: str
    reason: str = ""


def attempt(case: Case) -> Outcome:
    """One case, in this process."""
    schema, documents = case()
    try:
        return _verdicts(schema, documents)
    except ConstraintError as error:
        return Outcome(REFUSED, named(error))
    except Exception:
        # The one place that catches everything: what is not of our family is the finding.
        return Outcome(FOREIGN, traceback.format_exc(limit=-4))


def _verdicts(schema: Any, documents: list[tuple[str, bool | None]]) -> Outcome:
    try:
        reader = Reader(schema)
    except UnsatisfiableError as error:
        if any(expected for _, expected in documents):
            return Outcome(WRONG, named(error))
        return Outcome(REFUSED, named(error))
    for text, expected in documents:
        accepted = reader.accepts(text)
        if expected is not None and accepted != expected:
            shown = text if len(text) < 200 else f"{text[:100]} ... ({len(text)} characters)"
            return Outcome(
                WRONG, f"{shown}: {'accepted' if accepted else f'refused at {reader.refused_at(text)}'}"
            )
    return Outcome(RIGHT)


def _attempt_by_place(place: int) -> Outcome:
    return attempt(CASES[place][1])


def run_hostile(limits: Limits, *, only: str = "") -> Report:
    """All cases whose name has `only` in it, each in a fresh process."""
    report = Report("Hostile schemas")
    for place, name in _chosen(only):
        isolated = Isolated(_attempt_by_place, limits)
        try:
            answer = isolated.call(place)
        finally:
            isolated.close()
        kind, reason = answer.value if answer.status == DONE else (answer.status, answer.reason)
        measured = f"{answer.seconds:.1f} s, {answer.megabytes:.0f} MB"
        report.counts["cases"] += 1
        report.counts[kind] += 1
        if kind in (RIGHT, REFUSED):
            if answer.seconds > limits.seconds / 10 or kind == REFUSED:
                report.explained.append(Finding(kind, name, f"{measured}{reason and ': ' + reason}"))
        else:
            report.failures.append(Finding(kind, name, f"{measured}: {reason}"))
    return report


def _chosen(only: str) -> Iterable[tuple[int, str]]:
    return [(place, name) for place, (name, _) in enumerate(CASES) if only in name]
