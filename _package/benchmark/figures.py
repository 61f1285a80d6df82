"""From outcomes to figures: JSONSchemaBench's three dimensions, constraints, long output, for each engine.

- declared coverage: share of the schemas that an engine takes on; empirical coverage: share for which the
  output is a complete document of the schema; compliance rate: the second by the first.
- efficiency: compile time, time to the first token, time per output token, over the tasks with a schema that
  every engine took on, so that an engine that refuses hard schemas does not look faster.
- quality: fields that are right, and outputs that are right as a whole, over all tasks of a group with an
  expected value; what was refused or failed counts as wrong.

Paper: JSONSchemaBench (Geng et al. 2025, arXiv:2501.10868).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from .contenders import FREE
from .generation import SKIPPED, Outcome

Table = dict[str, dict[str, float | None]]
"""Row -> engine -> figure."""


@dataclass(frozen=True)
class Figures:
    """All that a report shows. coverage, quality, exact, constraints_*, beginnings: shares from 0 to 1.

    times: title -> engine -> samples in milliseconds.
    """

    engines: list[str]
    n_tasks: int
    n_schemas: int
    n_common: int
    coverage: Table
    times: dict[str, dict[str, list[float]]]
    fields: Table
    exact: Table
    constraints_strict: Table
    constraints_loose: Table
    beginnings: Table


def compute(outcomes: Iterable[Outcome]) -> Figures:
    """The figures of a run; engines in the order in which they come."""
    known = [outcome for outcome in outcomes if outcome.status != SKIPPED]
    engines = list(dict.fromkeys(outcome.engine for outcome in known))
    with_schema = [outcome for outcome in known if outcome.has_schema]
    common = _common_tasks(with_schema, engines)
    timed = [outcome for outcome in with_schema if outcome.task in common]
    groups = list(dict.fromkeys(outcome.group for outcome in known if outcome.field_accuracy is not None))
    return Figures(
        engines=engines,
        n_tasks=len({outcome.task for outcome in known}),
        n_schemas=len({outcome.task for outcome in with_schema}),
        n_common=len(common),
        coverage=_coverage(with_schema, engines),
        times={
            "grammar compile time": _samples(
                timed, engines, lambda o: None if o.engine == FREE else o.compile_ms
            ),
            "time to first token": _samples(timed, engines, lambda o: o.first_token_ms),
            "time per output token": _samples(timed, engines, lambda o: o.token_ms),
        },
        fields={group: _mean(known, engines, group, lambda o: o.field_accuracy or 0.0) for group in groups},
        exact={group: _mean(known, engines, group, lambda o: float(bool(o.is_right))) for group in groups},
        constraints_strict=_constraints(known, engines, "strict"),
        constraints_loose=_constraints(known, engines, "loose"),
        beginnings={
            group: _mean(known, engines, group, lambda o: o.beginning or 0.0)
            for group in groups
            if group.startswith("long,")
        },
    )


def _common_tasks(outcomes: Sequence[Outcome], engines: Sequence[str]) -> set[str]:
    """Tasks that every engine took on and wrote at least two tokens for."""
    taken = [
        {o.task for o in outcomes if o.engine == engine and o.is_declared and o.token_ms is not None}
        for engine in engines
    ]
    return set.intersection(*taken) if taken else set()


def _coverage(outcomes: Sequence[Outcome], engines: Sequence[str]) -> Table:
    table: Table = {"declared coverage": {}, "empirical coverage": {}, "compliance rate": {}}
    for engine in engines:
        own = [outcome for outcome in outcomes if outcome.engine == engine]
        declared = sum(outcome.is_declared for outcome in own)
        valid = sum(bool(outcome.is_valid) for outcome in own)
        table["declared coverage"][engine] = declared / len(own) if own else None
        table["empirical coverage"][engine] = valid / len(own) if own else None
        table["compliance rate"][engine] = valid / declared if declared else None
    return table


def _samples(
    outcomes: Sequence[Outcome], engines: Sequence[str], of: Callable[[Outcome], float | None]
) -> dict[str, list[float]]:
    return {
        engine: [value for o in outcomes if o.engine == engine and (value := of(o)) is not None]
        for engine in engines
    }


def _mean(
    outcomes: Sequence[Outcome], engines: Sequence[str], group: str, of: Callable[[Outcome], float]
) -> dict[str, float | None]:
    """Over all tasks of the group: what was not written counts as nothing right."""
    row: dict[str, float | None] = {}
    for engine in engines:
        own = [of(outcome) for outcome in outcomes if outcome.engine == engine and outcome.group == group]
        row[engine] = fmean(own) if own else None
    return row


def _constraints(outcomes: Sequence[Outcome], engines: Sequence[str], strictness: str) -> Table:
    """By kind, and for the tasks in which all constraints hold."""
    table: Table = {}
    for kind in sorted({found["kind"] for o in outcomes for found in o.constraints}):
        table[kind] = {}
        for engine in engines:
            held = [
                found[strictness]
                for o in outcomes
                if o.engine == engine
                for found in o.constraints
                if found["kind"] == kind
            ]
            table[kind][engine] = fmean(held) if held else None
    if table:
        table["all of a task"] = {}
        for engine in engines:
            whole = [
                all(found[strictness] for found in o.constraints)
                for o in outcomes
                if o.engine == engine and o.constraints
            ]
            table["all of a task"][engine] = fmean(whole) if whole else None
    return table


def as_rows(figures: Figures) -> Mapping[str, Mapping[str, float | None]]:
    """The main figures as one table: shares in percent, times as medians in milliseconds."""
    from .maskbench.report import percentile

    rows: Table = {}
    for name, cells in figures.coverage.items():
        rows[f"{name}, %"] = {e: None if v is None else 100 * v for e, v in cells.items()}
    for name, samples in figures.times.items():
        rows[f"{name}, ms (median)"] = {
            e: percentile(sorted(v), 50) if v else None for e, v in samples.items()
        }
    for title, table in (("fields right", figures.fields), ("right as a whole", figures.exact)):
        for group, cells in table.items():
            rows[f"{title}: {group}, %"] = {e: None if v is None else 100 * v for e, v in cells.items()}
    for group, cells in figures.beginnings.items():
        rows[f"right before the first mistake: {group}, %"] = {
            e: None if v is None else 100 * v for e, v in cells.items()
        }
    for kind, cells in figures.constraints_strict.items():
        rows[f"constraint {kind}, %"] = {e: None if v is None else 100 * v for e, v in cells.items()}
    return rows
