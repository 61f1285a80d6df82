"""What the four runs print: a table of counts, then every finding by itself; as data, too.

In: counts by name, findings. Out: Markdown for people, JSON for comparisons. A finding is one disagreement
with what is needed to see it again.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...grammars.errors import ConstraintError

LONGEST = 400  # characters of a schema or a document that are printed; the file has all
MOST_PRINTED = 40


@dataclass(frozen=True)
class Finding:
    """One disagreement. kind: what went wrong; where: the name of the case; reason: why, if it is known."""

    kind: str
    where: str
    reason: str = ""
    schema: Any = None
    document: str | None = None

    def __str__(self) -> str:
        lines = [f"- **{self.kind}** {self.where}" + (f": {self.reason}" if self.reason else "")]
        if self.document is not None:
            lines.append(f"  document `{_shortened(self.document)}`")
        if self.schema is not None:
            lines.append(f"  schema `{_shortened(json.dumps(self.schema, ensure_ascii=True, default=str))}`")
        return "\n".join(lines)


@dataclass
class Outcome:
    """What came of one case of a run. kinds: how often what happened."""

    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    explained: list[Finding] = field(default_factory=list)


@dataclass
class Report:
    """The outcome of a run. `failures` count against us; `explained` have a known reason."""

    title: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Finding] = field(default_factory=list)
    explained: list[Finding] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count the outcome of a case."""
        self.counts.update(outcome.kinds)
        self.failures += outcome.findings
        self.explained += outcome.explained

    def __str__(self) -> str:
        lines = [f"# {self.title}", "", "| count | |", "|:--|--:|"]
        lines += [f"| {name} | {number:,} |" for name, number in self.counts.items()]
        for heading, findings in (("Failures", self.failures), ("Explained", self.explained)):
            if findings:
                lines += ["", f"## {heading} ({len(findings)})", "", *map(str, findings[:MOST_PRINTED])]
                if len(findings) > MOST_PRINTED:
                    lines.append(f"- and {len(findings) - MOST_PRINTED} more")
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """The whole report as JSON."""
        data: dict[str, Any] = {"title": self.title, "counts": dict(self.counts)}
        data |= {"failures": [asdict(finding) for finding in self.failures]}
        data |= {"explained": [asdict(finding) for finding in self.explained]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, ensure_ascii=True, indent=1, default=str), encoding="utf-8")


def named(error: ConstraintError) -> str:
    """An error in one line: its class, what is wrong, and the first place of those that it lists."""
    problems = getattr(error, "problems", None)
    text = f"{problems[0][1]} ({len(problems)} places)" if problems else " ".join(str(error).split())
    return f"{type(error).__name__}: {_shortened(text)}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text):,} characters)"
