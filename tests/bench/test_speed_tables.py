"""bench/speed from samples to figures, to files and to the page of the documentation: compared exactly."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from typer.testing import CliRunner

from bench.speed import __main__ as command
from bench.speed import page, report, setting, warm
from bench.speed.tables import Table


def test_a_table_has_medians_percentiles_and_ratios() -> None:
    table = Table("t", "us", "ours")
    for number in range(1, 101):
        table.add("a", "ours", number * 1000)
        table.add("a", "other", number * 3000)
    assert table.figures() == {
        "a": {
            "ours": {"median": 51.0, "p99": 100.0, "n": 100, "ratio": 1.0},
            "other": {"median": 153.0, "p99": 300.0, "n": 100, "ratio": 3.0},
        }
    }


def test_pairs_are_compared_round_by_round() -> None:
    """The machine became ten times slower; in each round the other engine took twice the time, but once."""
    table = Table("t", "us", "ours", paired=True)
    for ours, other in ((1, 2), (1, 2), (10, 20), (10, 40), (10, 20)):
        table.add("a", "ours", ours)
        table.add("a", "other", other)
    summary = table.figures()["a"]["other"]
    assert (summary["ratio"], summary["quartiles"]) == (2.0, [2.0, 2.0])
    table.add("a", "other", 90)  # no pairs any more
    assert table.figures()["a"]["other"]["ratio"] == 20 / 10
    assert "quartiles" not in table.figures()["a"]["other"]


def test_speed_is_the_inverse_of_time() -> None:
    table = Table("t", "tokens/s", "free", paired=True)
    table.add("a", "free", 1e6)
    table.add("a", "grammar", 2e6)
    assert table.figures()["a"] == {
        "free": {"median": 1000.0, "p99": 1000.0, "n": 1, "ratio": 1.0},
        "grammar": {"median": 500.0, "p99": 500.0, "n": 1, "ratio": 0.5},
    }


def test_who_is_left_out_has_a_reason_and_no_figures() -> None:
    table = Table("t", "us", "ours", order=("b", "a", "not met"), columns=("other", "absent", "ours"))
    table.add("a", "ours", 1)
    table.add("b", "other", 1)
    table.leave_out("b", "other", "refuses it")
    table.leave_out("b", "other", "the second reason is not kept")
    table.add("b", "other", 1)
    assert table.engines == ["other", "ours"]
    assert table.figures()["b"] == {"other": {"left out": "refuses it"}}
    assert list(table.figures()) == ["b", "a"]


def test_the_report_shows_each_reason_once(tmp_path: Path) -> None:
    first, second = (Table(title, "us", "ours") for title in ("First", "Second"))
    for table in (first, second):
        for case in ("a", "b"):
            table.add(case, "ours", 1500)
            table.leave_out(case, "other", "too\nlarge")
    first.add("c", "ours", 1000)
    first.add("c", "other", 2500)
    about = {"question": {"seed": 0}, "engines": {"ours": "1"}, "left out": {"third": "not installed"}}
    text = report.write_results(tmp_path, "name", [first, second], about)
    assert text.splitlines()[:5] == [
        "# name",
        "",
        "- seed: 0",
        "- engine ours: version 1",
        "- left out: third: not installed",
    ]
    assert "| a | 1.50 | - | - |" in text
    assert "| c | 1 | 2.50 | 2.5 |" in text
    assert text.count("- other: too large (a; b)") == 1
    assert (tmp_path / "name.md").read_text() == text
    results = json.loads((tmp_path / "name.json").read_text())
    assert results["tables"]["First"]["cases"]["a"]["other"] == {"left out": "too\nlarge"}
    assert (tmp_path / "name.png").exists() == (importlib.util.find_spec("matplotlib") is not None)


def test_the_page_has_the_figures_between_its_marks(tmp_path: Path) -> None:
    machine = {"processor": "a processor", "python": "CPython 3", "date": "2026-01-02", "commit": "abc"}
    cells = {"median": 0.5, "p99": 0.5, "n": 1}
    found = {
        "tables": {"t": {"unit": "us", "cases": {warm.AVERAGE: {setting.OURS: cells}}}},
        "machine": machine,
    }
    rows = dict.fromkeys((*page.GOALS, "schemas"), 2.0)
    sample = {
        "machine": machine,
        "tables": {page.COMMON: {setting.OURS: rows, page.PEER: {**rows, "TBM avg": 50}}},
    }
    results = tmp_path / "run"
    results.mkdir()
    (results / "warm.json").write_text(json.dumps(found))
    (results / "maskbench_1000.json").write_text(json.dumps(sample))
    (results / "maskbench_1000_warm.json").write_text(json.dumps(sample))
    target = tmp_path / "page.md"
    target.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    for _ in range(2):
        assert (
            CliRunner().invoke(command.application, ["page", str(results), "--page", str(target)]).exit_code
            == 0
        )
    text = target.read_text()
    assert text.startswith(f"before\n{page.BEGIN}\n\n2026-01-02, commit abc; a processor, CPython 3")
    assert text.endswith(f"{page.END}\nafter\n")
    assert "old" not in text
    assert "| mask and commit, second document of a schema, average | 0.6 us | 0.50 us |" in text
    assert "| TBM avg | 2 | 50 | 25.0 | 18 |" in text
    assert "![warm](run/warm.png)" in text
    assert "Not measured in this run: maskbench_150," in text


def test_a_page_without_marks_or_results(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    for said in ("has no results", "needs the lines"):
        result = CliRunner().invoke(
            command.application, ["page", str(tmp_path), "--page", str(tmp_path / "page.md")]
        )
        assert result.exit_code == 2
        assert said in " ".join(result.output.split())
        (tmp_path / "warm.json").write_text("{}")


def test_the_page_of_the_documentation_has_its_marks() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.index(page.BEGIN) < text.index(page.END)
