"""`tokentrellis bench`: runs, journals, reports. What a model writes is the tiny one's, or nobody's."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.benchmark import figures as figures_module
from tokentrellis.benchmark import report as report_module
from tokentrellis.benchmark import run as run_module
from tokentrellis.benchmark.charts import bar_chart, range_chart
from tokentrellis.benchmark.contenders import NAMES, chosen_engines, is_installed
from tokentrellis.benchmark.generation import CUT_OFF, REFUSED, SKIPPED, WRITTEN, Outcome, Setting, Writer
from tokentrellis.benchmark.isolation import Limits
from tokentrellis.benchmark.run import Journal, read_journal
from tokentrellis.benchmark.tasks import Task

from tests.benchmark.fake_writer import FakeWriter
from tests.commands import run

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"enum": [41, 7]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
EXPECTED = {"name": "Ann", "age": 41}


# -- one engine, one task


@pytest.mark.parametrize("engine", NAMES)
def test_each_engine_writes(engine: str, model_folder: str) -> None:
    if not is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    writer = Writer(engine, Setting(model_folder, None, 60, "natural"))
    task = Task("a", "g", prompt="Ann is 41.", schema=SCHEMA, expected=EXPECTED)
    answer = writer(task.to_json())
    assert answer is not None
    outcome = Outcome(**json.loads(json.dumps(answer)))
    assert outcome.is_declared
    assert outcome.first_token_ms is not None
    assert outcome.first_token_ms > 0
    assert outcome.field_accuracy is not None
    if engine == "tokentrellis":
        assert outcome.status == WRITTEN
        assert outcome.is_valid
    if engine == "unconstrained":  # a model with random weights
        assert not outcome.is_valid
    if outcome.status == WRITTEN and engine != "unconstrained":
        assert outcome.is_valid


def test_what_ours_does_with_lengths_refusals_and_budgets(model_folder: str) -> None:
    writer = Writer("tokentrellis", Setting(model_folder, None, 20, "compact"))

    def outcome_of(**given: Any) -> Outcome:
        answer = writer(Task("a", "g", **given).to_json())
        assert answer is not None
        return Outcome(**answer)

    spec = [{"kind": "characters", "at_least": 4, "at_most": 6}]
    written = outcome_of(prompt="Ann", constraints=spec)
    assert written.status == WRITTEN
    assert written.constraints == [{"kind": "characters", "strict": True, "loose": True}]
    assert outcome_of(prompt="Ann", expected="x").status == SKIPPED
    refused = outcome_of(prompt="Ann", schema={"type": "string", "minLength": 500})
    assert refused.status == REFUSED
    assert "tokens" in refused.reason
    refused = outcome_of(prompt="Ann", schema={"type": "string", "pattern": "(a+)\\1"})
    assert refused.status == REFUSED
    assert refused.is_valid is None
    assert outcome_of(prompt="Ann", schema={"enum": ["a"]}).is_valid


# -- a run


def task(name: str, prompt: str = "text") -> Task:
    return Task(name, "g", prompt=prompt, constraints=[{"kind": "json"}])


def run_fake(
    folder: Path, tasks: list[Task], engines: tuple[str, ...], takes_turns: bool = True
) -> list[str]:
    """What was asked of the writers in this run, engine and task."""
    notes = folder / "notes.txt"
    notes.write_text("")
    journal = Journal(folder / "out", {"tasks": 1}, {})
    try:
        run_module.run(
            tasks,
            engines,
            Setting(str(notes), None, 1, "compact"),
            journal,
            Limits(2.0, 500.0),
            takes_turns=takes_turns,
        )
    finally:
        journal.close()
    return notes.read_text().splitlines()


@pytest.fixture
def without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "Writer", FakeWriter)


@pytest.mark.usefixtures("without_a_model")
def test_a_run_survives_and_goes_on(tmp_path: Path) -> None:
    tasks = [task("a"), task("b", "crash"), task("c", "hang"), task("d")]
    asked = run_fake(tmp_path, tasks, ("one",))
    assert asked == ["one a", "one b", "one c", "one d"]
    path = tmp_path / "out" / "outcomes.jsonl"
    known = read_journal(path)
    assert [known["one", name].status for name in "abcd"] == ["written", "crash", "timeout", "written"]
    assert "exit status 7" in known["one", "b"].reason
    # Cut off in the middle of the last line: that outcome is asked for again, the others are not.
    path.write_bytes(path.read_bytes()[:-5])
    assert run_fake(tmp_path, tasks, ("one",)) == ["one d"]
    assert run_fake(tmp_path, [*tasks, task("e")], ("one",)) == ["one e"]
    assert len(path.read_text().splitlines()) == 5


@pytest.mark.usefixtures("without_a_model")
@pytest.mark.parametrize(
    ("takes_turns", "order"),
    [(True, ["one a", "two a", "one b", "two b"]), (False, ["one a", "one b", "two a", "two b"])],
)
def test_engines_take_turns(takes_turns: bool, order: list[str], tmp_path: Path) -> None:
    assert run_fake(tmp_path, [task("a"), task("b")], ("one", "two"), takes_turns) == order


def test_a_folder_belongs_to_its_question(tmp_path: Path) -> None:
    Journal(tmp_path, {"tasks": 1, "model": None}, {}).close()
    Journal(tmp_path, {"tasks": 1, "model": None}, {"engines": {"more": ""}}).close()
    with pytest.raises(tt.ConstraintError, match="tasks was 1 in the run that is there, got 2"):
        Journal(tmp_path, {"tasks": 2, "model": None}, {})
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(tt.ConstraintError, match="cannot be written"):
        Journal(file / "x", {}, {})


# -- figures and pages


def outcome(engine: str, name: str, status: str = WRITTEN, **values: Any) -> Outcome:
    return Outcome(engine, name, values.pop("group", "g"), status, has_schema=True, **values)


TIMES = {"compile_ms": 1.0, "first_token_ms": 10.0, "token_ms": 2.0}
OUTCOMES = [
    outcome("ours", "a", is_valid=True, field_accuracy=1.0, is_right=True, **TIMES),
    outcome("ours", "b", is_valid=True, field_accuracy=0.5, is_right=False, **{**TIMES, "token_ms": 4.0}),
    outcome("theirs", "a", is_valid=False, field_accuracy=0.25, is_right=False, **TIMES),
    outcome("theirs", "b", REFUSED, reason="no <b>", field_accuracy=None),
    outcome("free", "a", CUT_OFF, is_valid=False, field_accuracy=0.0, text="</script><i>", **TIMES),
    outcome("free", "b", is_valid=True, field_accuracy=1.0, is_right=True, **TIMES),
    outcome("free", "c", SKIPPED),
]


def test_the_three_dimensions() -> None:
    figures = figures_module.compute(OUTCOMES)
    assert figures.coverage == {
        "declared coverage": {"ours": 1.0, "theirs": 0.5, "free": 1.0},
        "empirical coverage": {"ours": 1.0, "theirs": 0.0, "free": 0.5},
        "compliance rate": {"ours": 1.0, "theirs": 0.0, "free": 0.5},
    }
    assert figures.n_common == 1  # b was refused by one engine: nobody is timed on it
    assert figures.times["time per output token"] == {"ours": [2.0], "theirs": [2.0], "free": [2.0]}
    assert figures.fields == {"g": {"ours": 0.75, "theirs": 0.125, "free": 0.5}}  # refused: nothing right
    assert figures.exact == {"g": {"ours": 0.5, "theirs": 0.0, "free": 0.5}}
    assert (figures.n_tasks, figures.n_schemas) == (2, 2)


def test_constraints_by_kind_and_as_a_whole() -> None:
    held = [
        {"kind": "json", "strict": True, "loose": True},
        {"kind": "words", "strict": False, "loose": True},
    ]
    figures = figures_module.compute([outcome("ours", "a", constraints=held)])
    assert figures.constraints_strict == {
        "json": {"ours": 1.0},
        "words": {"ours": 0.0},
        "all of a task": {"ours": 0.0},
    }
    assert figures.constraints_loose["all of a task"] == {"ours": 1.0}


class Outside(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_page_loads_nothing_and_shows_everything() -> None:
    figures = figures_module.compute(OUTCOMES)
    html = report_module.to_page(figures, OUTCOMES, {"question": {"model": "<m>"}, "engines": {"ours": "1"}})
    reader = Outside()
    reader.feed(html)
    assert reader.addresses == ["data:,"]
    assert html.count("<script>") == html.count("</script>") == 1
    assert "<i>" not in html
    assert "no &lt;b&gt;" in html
    assert reader.tags.count("svg") == 6
    for engine in ("ours", "theirs", "free"):
        assert engine in html


def test_charts_with_nothing_and_with_odd_figures() -> None:
    assert "no task" in bar_chart({"row": {"a": None, "b": 0.0}}, ["a", "b"])
    assert "no samples" in range_chart({"a": []}, ["a"], "ms")
    assert "svg" in range_chart({"a": [0.0, 1e-9, 5.0], "b": [1000.0]}, ["a", "b"], "ms")
    assert "svg" in range_chart({"a": [1.0]}, ["a"], "ms")


@pytest.mark.usefixtures("without_a_model")
def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = tmp_path / "tasks.jsonl", tmp_path / "out"
    data.write_text('{"prompt": "a", "schema": true, "expected": 1}\n{"prompt": "b", "schema": true}\n')
    (tmp_path / "notes").write_text("")
    options = ("bench", "--data", str(data), "--engines", "tokentrellis,unconstrained", "--out", str(out))
    shown = run(*options, "--model", str(tmp_path / "notes"))
    assert "| declared coverage, % |" in shown.stdout or "| | tokentrellis | unconstrained |" in shown.stdout
    assert {path.name for path in out.iterdir()} >= {"report.html", "report.md", "report.json", "run.json"}
    again = run("bench", "report", str(out))
    assert again.stdout == shown.stdout
    run(*options, "--model", str(tmp_path / "notes"))
    assert Counter((tmp_path / "notes").read_text().splitlines()).most_common(1)[0][1] == 1
    message = run(*options, "--model", str(tmp_path / "notes"), "--max-new-tokens", "3", code=2).stderr
    assert "tokens at most was 512 in the run that is there, got 3" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--engines", "best"), "must be different engines, got 'best'"),
        (("--engines", "tokentrellis,tokentrellis"), "must be different engines"),
        (("--long", "a"), "--long must be numbers such as 4,8"),
        (("--long", "0"), "each number must be from 1 to 1000"),
        (("--sample", "0"), "--sample must be at least 1"),
        (("--time-limit", "0"), "--time-limit must be greater than 0"),
        (("--whitespace", "none"), "--whitespace must be natural"),
        (("--data", "no-such-file"), "no-such-file: cannot be read"),
        (("report", "no-such-folder"), "no-such-folder: has no run"),
        (("suite", "no-such-file"), "no-such-file: is no test suite"),
    ],
)
def test_errors(arguments: tuple[str, ...], message: str) -> None:
    assert message in run("bench", *arguments, code=2).stderr


def test_engines_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from tokentrellis.benchmark import contenders

    monkeypatch.setattr(contenders.importlib.util, "find_spec", lambda name: None)
    assert chosen_engines(None) == (["tokentrellis", "unconstrained"], ["llguidance", "xgrammar"])
    with pytest.raises(tt.ConstraintError, match="is not installed, got 'xgrammar'"):
        chosen_engines("xgrammar")


def test_the_test_suite_from_the_command(tmp_path: Path) -> None:
    groups = [
        {
            "file": "type.json",
            "description": "integers",
            "schema": {"type": "integer"},
            "tests": [{"description": "one", "data": 1, "valid": True}],
        }
    ]
    path = tmp_path / "suite.json.gz"
    with gzip.open(path, "wt") as file:
        json.dump({"draft": "2020-12", "groups": groups, "remotes": {}}, file)
    assert "required: agreeing" in run("bench", "suite", str(path)).stdout
    groups[0]["tests"][0]["valid"] = False  # type: ignore[index]
    with gzip.open(path, "wt") as file:
        json.dump({"draft": "2020-12", "groups": groups, "remotes": {}}, file)
    run("bench", "suite", str(path), code=1)


def test_maskbench_from_the_command() -> None:
    assert "--explain" in run("bench", "masks", "--help").stdout


# -- files that are not as a run writes them


def journal_of(folder: Path, *outcomes: Outcome) -> Path:
    """The folder of a run with these outcomes."""
    journal = Journal(folder / "out", {"tasks": 1}, {})
    for outcome in outcomes:
        journal.add(outcome)
    journal.close()
    return folder / "out"


def test_a_line_that_is_no_outcome(tmp_path: Path) -> None:
    folder = journal_of(tmp_path, *(Outcome("tokentrellis", name, "g", WRITTEN) for name in "ab"))
    path = folder / run_module.JOURNAL
    lines = path.read_text().splitlines()
    for wrong in ("{oh", "[1]", '{"engine": "x"}'):
        path.write_text("\n".join([lines[0], wrong, lines[1]]) + "\n")
        with pytest.raises(
            tt.ConstraintError, match=r"outcomes\.jsonl, line 2: is no outcome .* take the line"
        ):
            read_journal(path)


@pytest.mark.parametrize("text", ["", '{"question"', "[]", "{}", '{"question": 3}'])
def test_a_description_that_is_none(text: str, tmp_path: Path) -> None:
    journal_of(tmp_path, Outcome("tokentrellis", "a", "g", WRITTEN))
    (tmp_path / "out" / run_module.DESCRIPTION).write_text(text)
    with pytest.raises(tt.ConstraintError, match=r"run\.json: is no description of a run"):
        Journal(tmp_path / "out", {"tasks": 1}, {})
    with pytest.raises(tt.ConstraintError, match=r"run\.json: is no description of a run"):
        report_module.write_report(tmp_path / "out")


def test_a_group_that_is_no_unicode(tmp_path: Path) -> None:
    """What was measured for hours must come into a report."""
    journal_of(tmp_path, Outcome("tokentrellis", "a", "\ud800", WRITTEN, field_accuracy=1.0))
    assert "\ud800" in report_module.write_report(tmp_path / "out")
    assert r"\ud800" in (tmp_path / "out" / report_module.TABLE).read_text()
