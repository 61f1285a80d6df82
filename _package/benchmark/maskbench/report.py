"""From outcomes to figures: percentiles, counts, tables.

In: the outcomes of each engine. Out: `results.json` (every outcome with its reason, and the tables) and
`results.md`. Times are given in microseconds. TBM has one sample for each token tried, of all schemas that
compile, right or wrong; TTFM one for each schema that compiles; a schema whose worker was killed has none.
The tables `common` are over the schemas that every engine got right, which is the fair comparison of speed
(an invalid document may still be refused some tokens sooner by one engine than by another).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .measure import (
    COMPILE_ERROR,
    CRASH,
    INVALID_ACCEPTED,
    MASK_FAILED,
    MEMORY,
    PASS,
    TIMEOUT,
    VALID_REFUSED,
    Outcome,
)
from .run import Records

PERCENTILES = (25, 50, 75, 90, 95, 99, 99.9)
Outcomes = Mapping[str, Mapping[str, Outcome]]  # engine -> name of the schema -> outcome
Table = dict[str, dict[str, float | None]]  # engine -> row -> figure

ALL = "all schemas"
COMMON = "schemas right in all engines"
PLAIN = f"{COMMON}, without pattern or format"
PATTERNED = f"{COMMON}, with pattern or format"


Number = TypeVar("Number", int, float)


def percentile(ordered: Sequence[Number], percent: float) -> Number:
    """`sorted[int(n p / 100)]`; the last sample where that runs over the end. `ordered` must not be empty."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def time_rows(label: str, nanoseconds: Iterable[int]) -> dict[str, float | None]:
    """Average, percentiles and maximum in microseconds; None where there is no sample."""
    ordered = np.sort(np.fromiter(nanoseconds, dtype=np.int64)).tolist()
    names = [f"{label} avg", *(f"{label} p{percent:g}" for percent in PERCENTILES), f"{label} max"]
    if not ordered:
        return dict.fromkeys(names)
    average = sum(ordered) / len(ordered)
    values = [average, *(percentile(ordered, p) for p in PERCENTILES), ordered[-1]]
    return {name: value / 1000 for name, value in zip(names, values, strict=True)}


def count_rows(outcomes: Iterable[Outcome]) -> dict[str, float | None]:
    """How many schemas ended in which way. A schema can have a validation error and an invalidation error."""
    known = list(outcomes)

    def status(wanted: str) -> int:
        return sum(outcome.status == wanted for outcome in known)

    def failure(wanted: str) -> int:
        return sum(any(failure.kind == wanted for failure in outcome.failures) for outcome in known)

    return {
        "passing": status(PASS),
        "compile error": status(COMPILE_ERROR),
        "validation error (valid refused)": failure(VALID_REFUSED),
        "invalidation error (invalid accepted)": failure(INVALID_ACCEPTED),
        "mask failed (invalid document)": failure(MASK_FAILED),
        "timeout": status(TIMEOUT),
        "crash": status(CRASH),
        "out of memory": status(MEMORY),
    }


def cost_rows(outcomes: Iterable[Outcome]) -> dict[str, float | None]:
    """Times, growth of the resident memory of a worker by one schema, and how much noise there was."""
    known = list(outcomes)
    growth = sorted(outcome.memory_growth for outcome in known if outcome.memory_growth is not None)
    return {
        **time_rows("TBM", (sample for outcome in known for sample in outcome.tbm_ns)),
        **time_rows("TTFM", (outcome.ttfm_ns for outcome in known if outcome.ttfm_ns is not None)),
        "schemas": len(known),
        "tokens": sum(len(outcome.tbm_ns) for outcome in known),
        "times that a worker was preempted": sum(outcome.preemptions or 0 for outcome in known),
        "memory growth p99, MB": percentile(growth, 99) / 1e6 if growth else None,
        "memory growth max, MB": growth[-1] / 1e6 if growth else None,
    }


def right_everywhere(outcomes: Outcomes) -> set[str]:
    """Names of the schemas that every engine got right."""
    right = [
        {name for name, outcome in known.items() if outcome.status == PASS} for known in outcomes.values()
    ]
    return set.intersection(*right) if right else set()


def make_tables(outcomes: Outcomes, *, common: bool) -> dict[str, Table]:
    """One table over everything, and with `common` three over the schemas that all engines got right."""
    tables = {ALL: _table(outcomes, lambda outcome: True)}
    for engine, known in outcomes.items():
        tables[ALL][engine] |= count_rows(known.values())
    if common:
        names = right_everywhere(outcomes)
        tables[COMMON] = _table(outcomes, lambda outcome: outcome.name in names)
        tables[PLAIN] = _table(outcomes, lambda outcome: outcome.name in names and not outcome.uses_pattern)
        tables[PATTERNED] = _table(outcomes, lambda outcome: outcome.name in names and outcome.uses_pattern)
    return tables


def _table(outcomes: Outcomes, wanted: Callable[[Outcome], bool]) -> Table:
    return {engine: cost_rows(filter(wanted, known.values())) for engine, known in outcomes.items()}


def describe_engines(records: Records) -> dict[str, dict[str, Any]]:
    """Version and set-up time (median of all workers, outside the clock) of each engine."""
    described: dict[str, dict[str, Any]] = {}
    for engine in records.outcomes:
        setups = [setup for setup in records.setups if setup.engine == engine]
        seconds = sorted(setup.setup_seconds for setup in setups)
        described[engine] = {
            "version": ", ".join(sorted({setup.version for setup in setups})),
            "setup_seconds": seconds[len(seconds) // 2] if seconds else None,
            "workers": len(setups),
        }
    return described


def write_report(folder: Path, records: Records, description: Mapping[str, Any], *, common: bool) -> str:
    """Write results.json and results.md; gives the text of the second."""
    tables = make_tables(records.outcomes, common=common)
    described = describe_engines(records)
    outcomes = {
        engine: {name: _brief(outcome) for name, outcome in known.items()}
        for engine, known in records.outcomes.items()
    }
    results = {**description, "engines": described, "tables": tables, "outcomes": outcomes}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = to_markdown(tables, described, description)
    (folder / "results.md").write_text(text, encoding="utf-8")
    return text


def _brief(outcome: Outcome) -> dict[str, Any]:
    """An outcome without its raw times, which stay in the journal."""
    record = outcome.to_json()
    samples = sorted(record.pop("tbm_ns"))
    del record["engine"], record["name"]
    return {
        **record,
        "tokens": len(samples),
        "tbm_sum_ns": sum(samples),
        "tbm_p50_ns": percentile(samples, 50) if samples else None,
        "tbm_max_ns": samples[-1] if samples else None,
    }


def to_markdown(
    tables: Mapping[str, Table], described: Mapping[str, Mapping[str, Any]], description: Mapping[str, Any]
) -> str:
    """The tables as text: a column for each engine, times in microseconds."""
    lines = ["# MaskBench", ""]
    for part in ("question", "machine"):
        lines += [f"- {key}: {value}" for key, value in description.get(part, {}).items()]
    for engine, about in described.items():
        seconds = about["setup_seconds"]
        took = f", set-up {seconds:.2f} s (outside the clock)" if seconds is not None else ""
        lines.append(f"- engine {engine}: version {about['version']}{took}")
    for title, table in tables.items():
        lines += ["", f"## {title[0].upper()}{title[1:]} (times in microseconds)", ""]
        lines.append("| | " + " | ".join(table) + " |")
        lines.append("|:--|" + "--:|" * len(table))
        for row in next(iter(table.values()), {}):
            cells = " | ".join(show_figure(column[row]) for column in table.values())
            lines.append(f"| {row} | {cells} |")
    return "\n".join(lines) + "\n"


def show_figure(value: float | None) -> str:
    """A figure as the tables show it."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
