"""Two results side by side: the schemas that they judge differently, and the times where both are right.

In: two `results.json`, usually of the same engine before and after a change, or one file twice with two
engines. Out: a list of schemas whose outcome changed, worse ones first, and the ratio of the summed times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .measure import COMPILE_ERROR, INVALID_ACCEPTED, PASS, VALID_REFUSED

# From good to bad: refusing a schema openly is better than being wrong about a document.
ORDER = (PASS, COMPILE_ERROR, VALID_REFUSED, "timeout", "memory", "crash", "mask failed", INVALID_ACCEPTED)

REASON_CHARACTERS = 160


@dataclass(frozen=True)
class Difference:
    """A schema on which two results differ."""

    name: str
    before: str
    after: str
    reason: str

    @property
    def worse(self) -> bool:
        return ORDER.index(self.after) > ORDER.index(self.before)


def load_outcomes(path: Path, engine: str | None) -> tuple[str, dict[str, Any]]:
    """One engine's outcomes from a results.json; the engine may be left out where there is only one."""
    outcomes: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    if engine is None and len(outcomes) == 1:
        engine = next(iter(outcomes))
    if engine is None or engine not in outcomes:
        raise ValueError(f"{path}: has the engines {', '.join(outcomes)}, got {engine}; name one of them")
    return engine, outcomes[engine]


def verdict(outcome: Mapping[str, Any]) -> str:
    """The worst thing that happened to a schema."""
    kinds = [failure["kind"] for failure in outcome["failures"]] or [outcome["status"]]
    return max(kinds, key=ORDER.index)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Schemas in both whose verdict is not the same, those that became worse first."""
    found = [
        Difference(
            name, verdict(before[name]), verdict(after[name]), after[name]["reason"] or before[name]["reason"]
        )
        for name in before
        if name in after and verdict(before[name]) != verdict(after[name])
    ]
    return sorted(found, key=lambda difference: (not difference.worse, difference.name))


def speed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """Mean TBM and TTFM in microseconds over the schemas right in both, and how many those are."""
    both = [
        name for name in before if name in after and before[name]["status"] == after[name]["status"] == PASS
    ]
    figures: dict[str, float] = {"schemas right in both": len(both)}
    for label, outcomes in (("before", before), ("after", after)):
        chosen = [outcomes[name] for name in both]
        tokens = sum(outcome["tokens"] for outcome in chosen)
        figures[f"TBM avg {label}"] = sum(outcome["tbm_sum_ns"] for outcome in chosen) / max(tokens, 1) / 1000
        figures[f"TTFM avg {label}"] = (
            sum(outcome["ttfm_ns"] for outcome in chosen) / max(len(chosen), 1) / 1000
        )
    return figures


def render(before_name: str, before: Mapping[str, Any], after_name: str, after: Mapping[str, Any]) -> str:
    """The comparison as text."""
    found = differences(before, after)
    worse = sum(difference.worse for difference in found)
    lines = [
        f"A: {before_name}, {len(before)} schemas; B: {after_name}, {len(after)} schemas; "
        f"{len(before.keys() & after.keys())} in both",
        f"{len(found)} differ: B is worse on {worse}, better on {len(found) - worse}",
    ]
    for difference in found:
        sign = "-" if difference.worse else "+"
        reason = " ".join(difference.reason.split())[:REASON_CHARACTERS]
        lines.append(f"{sign} {difference.name}: {difference.before} -> {difference.after}: {reason}")
    figures = speed(before, after)
    lines.append(f"on the {figures['schemas right in both']:.0f} schemas right in both, in microseconds:")
    for label in ("TBM avg", "TTFM avg"):
        old, new = figures[f"{label} before"], figures[f"{label} after"]
        ratio = f", A / B = {old / new:.2f}" if new else ""
        lines.append(f"  {label}: A {old:,.2f}, B {new:,.2f}{ratio}")
    return "\n".join(lines)
