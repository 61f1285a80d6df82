"""The files of a benchmark: `NAME.json` (every figure), `NAME.md` (tables), `NAME.png` (bars with p99).

In: tables and a description of the run. A bar is a median, the line above it goes to the 99th percentile, the
axis is logarithmic. The plot needs matplotlib; without it the other two files are written.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokentrellis.benchmark.maskbench.report import show_figure

from .tables import Table


def write_results(folder: Path, name: str, tables: Sequence[Table], about: Mapping[str, Any]) -> str:
    """Write the files; gives the text of the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        table.title: {"unit": table.unit, "reference": table.reference, "cases": table.figures()}
        for table in tables
    }
    results = {"benchmark": name, **about, "tables": figures}
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = to_markdown(name, tables, about)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    if importlib.util.find_spec("matplotlib") is not None:
        plot(tables, folder / f"{name}.png")
    return text


def to_markdown(name: str, tables: Sequence[Table], about: Mapping[str, Any]) -> str:
    """A table for each question: median (p99), then how many times the reference, with the quartiles where
    there are pairs. Below it the reasons that were not given before.
    """
    lines = [f"# {name}", ""]
    for part in ("question", "machine"):
        lines += [f"- {key}: {value}" for key, value in about.get(part, {}).items()]
    lines += [f"- engine {engine}: version {version}" for engine, version in about.get("engines", {}).items()]
    lines += [f"- left out: {engine}: {reason}" for engine, reason in about.get("left out", {}).items()]
    given: set[tuple[str, str, str]] = set()
    for table in tables:
        lines += ["", f"## {table.title} ({table.unit}: median, p99 in brackets)", ""]
        others = [engine for engine in table.engines if table.reference and engine != table.reference]
        heads = [*table.engines, *(f"{engine} / {table.reference}" for engine in others)]
        lines += ["| | " + " | ".join(heads) + " |", "|:--|" + "--:|" * len(heads)]
        reasons: dict[tuple[str, str], list[str]] = {}  # engine and reason -> cases
        for case, row in table.figures().items():
            cells = [_cell(row.get(engine)) for engine in table.engines]
            cells += [_ratio(row.get(engine)) for engine in others]
            lines.append(f"| {case} | " + " | ".join(cells) + " |")
            for engine, summary in row.items():
                reason = (engine, _one_line(summary.get("left out", "")))
                if reason[1] and (case, *reason) not in given:
                    given.add((case, *reason))
                    reasons.setdefault(reason, []).append(case)
        new = [f"- {engine}: {why} ({'; '.join(cases)})" for (engine, why), cases in reasons.items()]
        lines += ["", *new] if new else []
    return "\n".join(lines) + "\n"


def plot(tables: Sequence[Table], path: Path) -> None:
    """One picture with a row for each table."""
    from matplotlib.figure import Figure

    drawn = [table for table in tables if any(table.samples.values())]
    if not drawn:
        return
    figure = Figure(figsize=(12, 4 * len(drawn)), layout="constrained")
    for axes, table in zip(figure.subplots(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True):
        figures = table.figures()
        engines = [engine for engine in table.engines if any(engine in row for row in table.samples.values())]
        width = 0.8 / len(engines)
        for number, engine in enumerate(engines):
            known = [
                (place, row[engine])
                for place, row in enumerate(figures.values())
                if "median" in row.get(engine, {})
            ]
            places = [place + (number - (len(engines) - 1) / 2) * width for place, _ in known]
            medians = [summary["median"] for _, summary in known]
            slow = [summary["p99"] for _, summary in known]
            axes.bar(places, medians, width, label=engine)
            axes.vlines(places, medians, slow, colors="black", linewidth=0.8)
        axes.set_xticks(range(len(figures)), list(figures), rotation=20, ha="right", fontsize="small")
        axes.set(title=table.title, yscale="log", ylabel=table.unit)
        axes.grid(visible=True, axis="y", alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def _cell(summary: Mapping[str, Any] | None) -> str:
    if summary is None or "left out" in summary:
        return "-"
    if summary["n"] == 1:
        return show_figure(summary["median"])
    return f"{show_figure(summary['median'])} ({show_figure(summary['p99'])})"


def _ratio(summary: Mapping[str, Any] | None) -> str:
    if not summary or "ratio" not in summary:
        return "-"
    if "quartiles" not in summary:
        return _times(summary["ratio"])
    low, high = summary["quartiles"]
    return f"{_times(summary['ratio'])} ({_times(low)} to {_times(high)})"


def _times(ratio: float) -> str:
    """Near one the third digit counts."""
    return f"{ratio:.3f}" if ratio < 2 else f"{ratio:.1f}"


def _one_line(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) < 200 else line[:197] + "..."
