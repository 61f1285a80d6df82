"""The report of a run: figures and outcomes in, a page and a table in Markdown out.

The page needs nothing from outside; every chart has its figures in the table at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..decoding.page import page, tiles
from ..grammars.errors import ConstraintError
from .charts import bar_chart, legend, range_chart, show
from .figures import Figures, as_rows, compute
from .generation import SKIPPED, WRITTEN, Outcome
from .run import DESCRIPTION, JOURNAL, read_description, read_journal

PAGE, TABLE, DATA = "report.html", "report.md", "report.json"
MOST_SHOWN = 200
_LONGEST = 240

_STYLE = """
.legend { display: flex; flex-wrap: wrap; gap: 16px; font-size: 13px; margin: 2px 0 10px;
  color: var(--ink-2); }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px; }
h3 { font-size: 14px; margin: 14px 0 2px; font-weight: 600; color: var(--ink-2); }
.good { color: var(--good); } .bad { color: var(--bad); } td code { overflow-wrap: anywhere; }
input { font: inherit; font-size: 13px; padding: 4px 8px; border: 1px solid var(--axis); border-radius: 6px;
  background: var(--surface); color: var(--ink); width: 280px; margin-bottom: 8px; }
"""
_SCRIPT = """
const filter = document.getElementById("filter");
if (filter) filter.oninput = () => {
  const wanted = filter.value.toLowerCase();
  for (const row of document.querySelectorAll("#findings tr[data-row]"))
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
};
"""


def write_report(folder: Path) -> str:
    """Write the page, the table and the data of a run from its journal; gives the table.

    Raises:
        ConstraintError: there is no run, or the files cannot be written.
    """
    try:
        outcomes = list(read_journal(folder / JOURNAL).values())
        description = read_description(folder / DESCRIPTION)
    except OSError as error:
        raise ConstraintError(f"{folder}: has no run ({error.strerror or error})") from error
    figures = compute(outcomes)
    table = to_markdown(figures, description)
    try:
        (folder / PAGE).write_text(to_page(figures, outcomes, description), "utf-8", "backslashreplace")
        (folder / TABLE).write_text(table, "utf-8", "backslashreplace")
        data = {**description, "figures": as_rows(figures)}
        (folder / DATA).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConstraintError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return table


def to_markdown(figures: Figures, description: Mapping[str, Any]) -> str:
    """A column for each engine."""
    lines = [f"- {name}: {value}" for part in description.values() for name, value in part.items()]
    lines += ["", "| | " + " | ".join(figures.engines) + " |", "|:--|" + "--:|" * len(figures.engines)]
    for row, cells in as_rows(figures).items():
        lines.append(f"| {row} | " + " | ".join(show(cells.get(engine)) for engine in figures.engines) + " |")
    return "\n".join(lines) + "\n"


def to_page(figures: Figures, outcomes: Sequence[Outcome], description: Mapping[str, Any]) -> str:
    """The whole page."""
    engines = figures.engines
    colours = legend(engines)
    question = description["question"]
    body = tiles(
        {
            "model": Path(str(question.get("model") or "embedded")).name,
            "tasks": f"{figures.n_tasks}",
            "schemas": f"{figures.n_schemas}",
            "tokens at most": f"{question.get('tokens at most', '')}",
            "engines": f"{len(engines)}",
        }
    )
    body += _section(
        "Coverage",
        "Declared: the engine takes the schema on. Empirical: what the model then writes is a complete "
        "document of the schema. Compliance: the second by the first.",
        colours + bar_chart(figures.coverage, engines),
    )
    times = "".join(
        f"<h3>{escape(title[0].upper() + title[1:])}</h3>{range_chart(samples, engines, 'ms')}"
        for title, samples in figures.times.items()
    )
    body += _section(
        "Efficiency",
        f"Over the {figures.n_common} tasks that every engine took on: median, and from the 5th to the 95th "
        "percentile. Time to the first token is counted without compilation.",
        colours + times,
    )
    if figures.fields:
        both = f"<h3>Fields that are right</h3>{bar_chart(figures.fields, engines)}"
        both += f"<h3>Outputs that are right as a whole</h3>{bar_chart(figures.exact, engines)}"
        body += _section("Quality", "What was refused or cut off counts as wrong.", colours + both)
    if figures.beginnings:
        body += _section(
            "Long output",
            "Share of the list that is right before the first mistake, by the number of items.",
            colours + bar_chart(figures.beginnings, engines),
        )
    if figures.constraints_strict:
        body += _section(
            "Constraints",
            "Share of the constraints that hold in the text as it is; for a grammar there is nothing to do.",
            colours + bar_chart(figures.constraints_strict, engines),
        )
    body += _table_section(figures) + _findings(outcomes) + _about(description)
    return page("Structured output: engines compared", body, style=_STYLE, script=_SCRIPT)


def _section(title: str, words: str, content: str) -> str:
    return (
        f"<section><h2>{escape(title)}</h2><p>{escape(words)}</p><div class='wide'>{content}</div></section>"
    )


def _table_section(figures: Figures) -> str:
    head = "<th></th>" + "".join(f'<th class="number">{escape(engine)}</th>' for engine in figures.engines)
    rows = "".join(
        f"<tr><td>{escape(row)}</td>"
        + "".join(f'<td class="number">{show(cells.get(engine))}</td>' for engine in figures.engines)
        + "</tr>"
        for row, cells in as_rows(figures).items()
    )
    return (
        f"<section><h2>All figures</h2><div class='wide'><table><tr>{head}</tr>{rows}</table></div></section>"
    )


def _findings(outcomes: Sequence[Outcome]) -> str:
    """What did not go well, one line each."""
    wrong = [o for o in outcomes if o.status != SKIPPED and _trouble(o)]
    rows = "".join(
        f"<tr data-row><td>{escape(o.engine)}</td><td>{escape(o.task)}</td>"
        f'<td class="bad">{escape(_trouble(o))}</td>'
        f"<td><code>{escape((o.reason or o.text)[:_LONGEST])}</code></td></tr>"
        for o in wrong[:MOST_SHOWN]
    )
    if not rows:
        return ""
    more = f" (the first {MOST_SHOWN})" if len(wrong) > MOST_SHOWN else ""
    return (
        f"<section><h2>{len(wrong)} outputs that did not go well{more}</h2>"
        "<input id='filter' placeholder='filter: engine, task, reason' aria-label='filter'>"
        "<div class='wide'><table id='findings'><tr><th>engine</th><th>task</th><th>what</th>"
        f"<th>reason, or what was written</th></tr>{rows}</table></div></section>"
    )


def _trouble(outcome: Outcome) -> str:
    if outcome.status != WRITTEN:
        return outcome.status
    if outcome.is_valid is False:
        return "not valid"
    if any(not found["strict"] for found in outcome.constraints):
        return "constraint broken"
    return "wrong" if outcome.is_right is False else ""


def _about(description: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for part in description.values()
        for name, value in part.items()
    )
    return f"<section><h2>What was run</h2><table>{rows}</table></section>"
