"""The figures of a run in the page of the documentation.

In: the folder that `python -m bench.speed all` wrote, and the page. Out: the page with what stands between
its two marks written anew: a table of goals and what was measured, MaskBench's tables by engine, and the
plots, which stay where the run put them. A benchmark that did not run is left out, and said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tokentrellis.benchmark.maskbench.report import COMMON, PATTERNED, PLAIN, show_figure

from . import memory as memory_benchmark
from . import warm as warm_benchmark
from .setting import OURS, ROOT

PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- figures: python -m bench.speed page FOLDER -->", "<!-- end of the figures -->"
Results = Mapping[str, Any]  # what a JSON file of the run holds
Row = tuple[str, str, str]  # what is asked, the goal, what was measured

PEER = "llguidance"
# Rows of MaskBench, and how many times below the peer's they are to be.
GOALS = {
    "TBM avg": 18,
    "TBM p50": 18,
    "TBM p90": 18,
    "TBM p99": 40,
    "TBM p99.9": 6,
    "TTFM avg": 6,
    "TTFM p50": 6,
    "TTFM p99": None,
}
GROUPS = {"all common schemas": COMMON, "without pattern or format": PLAIN, "with them": PATTERNED}
OTHER_PARTS = ("maskbench_150", "maskbench_25")
OTHER_ROWS = ("schemas", "TBM avg", "TBM p50", "TBM p99", "TTFM avg", "TTFM p50", "TTFM p99")


def write_page(folder: Path, page: Path) -> None:
    """Raises ValueError if the folder has no results, or the page no marks."""
    files = {path.stem: path for path in sorted(folder.glob("*.json"))}
    if not files:
        raise ValueError(f"{folder}: has no results; run python -m bench.speed all --out {folder}")
    text = page.read_text(encoding="utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{page}: needs the lines {BEGIN} and {END}")
    results = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}
    relative = Path(os.path.relpath(folder, page.parent)).as_posix()
    page.write_text(f"{before}{BEGIN}\n\n{render(results, relative)}\n{END}{after}", encoding="utf-8")


def render(results: Mapping[str, Results], folder: str) -> str:
    """What stands between the marks."""
    machine = next(iter(results.values()))["machine"]
    lines = [
        f"{machine.get('date', '')}, commit {machine.get('commit', '')}; {machine['processor']}, "
        f"{machine['python']}, one core. Everything, with the versions of the engines, is in "
        f"`{folder.removeprefix('../')}`.",
        "",
    ]
    lines += table(("", "goal", "measured"), [row for part in PARTS for row in part(results)])
    for title, group in GROUPS.items():
        lines += maskbench_table(results.get("maskbench_1000_warm"), f"{title}, tables warm", group)
    lines += maskbench_table(results.get("maskbench_1000"), "all common schemas, new processes", COMMON)
    for name in OTHER_PARTS:
        lines += other_table(results.get(name))
    missing = [name for name in FILES if name not in results]
    if missing:
        lines += ["", f"Not measured in this run: {', '.join(missing)}."]
    lines += ["", *(f"![{name}]({folder}/{name}.png)" for name in results if name in FILES)]
    return "\n".join(lines) + "\n"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of Markdown; the first column to the left."""
    return [
        "| " + " | ".join(heads) + " |",
        "|:--|" + "--:|" * (len(heads) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def maskbench_table(results: Results | None, title: str, group: str) -> list[str]:
    """Ours beside the peer: microseconds, how many times below, and the goal."""
    figures = (results or {}).get("tables", {}).get(group, {})
    if not {OURS, PEER} <= figures.keys():
        return []
    rows = []
    for row, goal in GOALS.items():
        ours, peer = figures[OURS][row], figures[PEER][row]
        ratio = f"{peer / ours:.1f}" if ours and peer else "-"
        rows.append((row, show_figure(ours), show_figure(peer), ratio, str(goal or "-")))
    heads = ("us", OURS, PEER, "times below", "goal")
    number = show_figure(figures[OURS]["schemas"])
    return ["", f"MaskBench, {title} ({number} schemas that both get right):", "", *table(heads, rows)]


def other_table(results: Results | None) -> list[str]:
    """All engines of a part, over the schemas that all of them get right."""
    figures = (results or {}).get("tables", {}).get(COMMON, {})
    if not figures:
        return []
    rows = [(row, *(show_figure(figures[engine][row]) for engine in figures)) for row in OTHER_ROWS]
    return ["", "MaskBench, the schemas that all of these get right, us:", "", *table(("", *figures), rows)]


def cell(results: Results | None, table_number: int, case: str, engine: str) -> Mapping[str, Any]:
    """A cell of the table with this number; empty where there is none."""
    tables = list((results or {}).get("tables", {}).values())
    if table_number >= len(tables):
        return {}
    found: Mapping[str, Any] = tables[table_number]["cases"].get(case, {}).get(engine, {})
    return found if "median" in found else {}


def warm_rows(results: Mapping[str, Results]) -> Iterator[Row]:
    for what, engine, goal in (
        ("mask and commit, second document of a schema, average", OURS, "0.6 us"),
        ("the same, the row asked for by number", warm_benchmark.BY_NUMBER, "0.3 us"),
        ("the same, a step in which nothing is done", warm_benchmark.NOTHING, "-"),
        ("the same, llguidance", PEER, "-"),
    ):
        found = cell(results.get("warm"), 0, warm_benchmark.AVERAGE, engine)
        if found:
            yield what, goal, f"{found['median']:.2f} us"


def set_up_rows(results: Mapping[str, Results]) -> Iterator[Row]:
    tables = list(results.get("compile", {}).get("tables", {}).values())
    for case, row in tables[3]["cases"].items() if len(tables) > 3 else ():
        goal = "0.15 s" if row is next(iter(tables[3]["cases"].values())) else "0.3 s"
        for engine in (OURS, PEER):
            if "median" in row.get(engine, {}):
                yield (
                    f"set-up of a vocabulary of {case}, {engine}",
                    goal if engine == OURS else "-",
                    f"{row[engine]['median'] / 1000:.2f} s",
                )


def memory_rows(results: Mapping[str, Results]) -> Iterator[Row]:
    for case, goal, what in (
        (memory_benchmark.SCHEMA, "p99 5 MB", "p99"),
        (memory_benchmark.SET_UP, "100 MB", "median"),
        (memory_benchmark.COUNTED, "64 MB", "median"),
        (memory_benchmark.IN_USE, "-", "median"),
    ):
        found = cell(results.get("memory"), 0, case, OURS)
        if found:
            yield case, goal, f"{found[what]:.1f} MB"


def generate_rows(results: Mapping[str, Results]) -> Iterator[Row]:
    for name, about in (("end_to_end", "hidden size 64"), ("end_to_end_512", "hidden size 512")):
        for case in ("batch of 1", "batch of 8"):
            for engine in (f"{OURS}, in place", OURS, PEER, "xgrammar"):
                found = cell(results.get(name), 0, case, engine)
                if found:
                    low, high = found.get("quartiles", (found["ratio"], found["ratio"]))
                    yield (
                        f"`generate()` against unconstrained, {about}, {case}, {engine}",
                        "0.98" if engine.startswith(OURS) else "-",
                        f"{found['ratio']:.3f} ({low:.3f} to {high:.3f})",
                    )


PARTS: tuple[Callable[[Mapping[str, Results]], Iterator[Row]], ...] = (
    warm_rows,
    set_up_rows,
    memory_rows,
    generate_rows,
)
FILES = (
    *(
        "maskbench_1000_warm",
        "maskbench_1000",
        "maskbench_150",
        "maskbench_25",
        "masks",
        "compile",
        "batch",
        "warm",
    ),
    *("end_to_end", "end_to_end_512", "automata", "memory", "instructions", "device"),
)
