"""From samples to figures: a `Table` holds what each engine took in each case, or why there is nothing.

In: nanoseconds (bytes, counts), one sample at a time. Out: for each case and engine the median, the 99th
percentile, the number of samples, and the ratio to the table's reference. Percentiles are those of MaskBench,
so with less than a hundred samples p99 is the slowest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tokentrellis.benchmark.maskbench.report import percentile

UNITS: dict[str, Callable[[float], float]] = {
    "us": lambda nanoseconds: nanoseconds / 1e3,
    "ms": lambda nanoseconds: nanoseconds / 1e6,
    "s": lambda nanoseconds: nanoseconds / 1e9,
    "ns/byte": lambda nanoseconds: nanoseconds,
    "tokens/s": lambda nanoseconds: 1e9 / nanoseconds,  # of nanoseconds for one token
    "MB": lambda n_bytes: n_bytes / 1e6,
    "instructions": lambda count: count,
    "count": lambda count: count,
}


@dataclass
class Table:
    """One question.

    reference: the engine that the others are divided by, None for no ratios.
    order: cases in the order in which they are shown; others follow.
    columns: engines in their order, likewise.
    paired: sample i of every engine was taken in the same round, so the ratio is the median of the ratios in
        each round, which a machine that changes its speed disturbs less; the quartiles of these ratios say
        how far it can be trusted. Else it is the ratio of the medians.
    """

    title: str
    unit: str = "us"
    reference: str | None = None
    order: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    paired: bool = False
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, case: str, engine: str, nanoseconds: float) -> None:
        """Samples are positive. One of an engine that was left out here changes nothing."""
        if engine not in self.reasons.get(case, {}):
            self.samples.setdefault(case, {}).setdefault(engine, []).append(nanoseconds)

    def leave_out(self, case: str, engine: str, reason: str) -> None:
        """No figure for this engine here; samples that it had are dropped."""
        self.samples.setdefault(case, {}).pop(engine, None)
        self.reasons.setdefault(case, {}).setdefault(engine, reason)

    @property
    def engines(self) -> list[str]:
        """Those that have a figure or a reason: by `columns`, then in the order in which they came."""
        known = dict.fromkeys(engine for row in self.samples.values() for engine in row)
        known |= dict.fromkeys(engine for row in self.reasons.values() for engine in row)
        return [engine for engine in dict.fromkeys([*self.columns, *known]) if engine in known]

    def figures(self) -> dict[str, dict[str, dict[str, Any]]]:
        """case -> engine -> median, p99, n, ratio and its quartiles, or "left out" with the reason."""
        result: dict[str, dict[str, dict[str, Any]]] = {}
        for case in (case for case in dict.fromkeys([*self.order, *self.samples]) if case in self.samples):
            row = {engine: self._summary(samples) for engine, samples in self.samples[case].items()}
            if self.reference in row:
                for engine, summary in row.items():
                    summary |= self._ratio(case, engine, summary["median"] / row[self.reference]["median"])
            row |= {engine: {"left out": why} for engine, why in self.reasons.get(case, {}).items()}
            result[case] = row
        return result

    def _ratio(self, case: str, engine: str, of_medians: float) -> dict[str, Any]:
        """To the reference; `of_medians` unless there are pairs."""
        samples, base = self.samples[case][engine], self.samples[case][self.reference or ""]
        if not self.paired or len(samples) != len(base):
            return {"ratio": of_medians}
        convert = UNITS[self.unit]
        ratios = sorted(convert(one) / convert(other) for one, other in zip(samples, base, strict=True))
        low, middle, high = (percentile(ratios, p) for p in (25, 50, 75))
        return {"ratio": middle} | ({"quartiles": [low, high]} if len(ratios) > 1 else {})

    def _summary(self, samples: list[float]) -> dict[str, Any]:
        convert = UNITS[self.unit]
        ordered = sorted(samples)
        middle, slow = (convert(percentile(ordered, p)) for p in (50, 99))
        return {"median": middle, "p99": slow, "n": len(ordered)}
