"""The benchmarks of bench/speed with tiny sizes: what they count, who is left out and why, never how fast.

What is pure (tables, report, the made-up vocabulary, schemas and documents) is compared exactly. The
benchmarks run once each with a made-up vocabulary of a few hundred tokens and every engine that is installed;
a peer that is not there is skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from typer.testing import CliRunner

from bench.maskbench.engines import Engine
from bench.maskbench.tokenizer import TokenizerFolder
from bench.speed import __main__ as command
from bench.speed import (
    batch,
    batch_calls,
    instructions,
    masks,
    memory,
    page,
    report,
    setting,
    synthetic,
    warm,
    workload,
)
from bench.speed import compile as compile_benchmark
from bench.speed.setting import NewProcessError, Setting, in_new_process, open_setting
from bench.speed.tables import Table

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from bench.speed import automata, device, device_steps, end_to_end, hf_processors  # noqa: E402  (they need torch)

N_TOKENS = 768
PEERS = ("llguidance", "xgrammar")


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Our engine alone, for what needs no peer."""
    with open_setting(None, N_TOKENS, "tokentrellis", 0, tmp_path_factory.mktemp("speed")) as opened:
        opened.create("tokentrellis")  # what it imports is inherited by the new processes
        yield opened


@pytest.fixture(autouse=True)
def _without_compiler() -> Iterator[None]:
    """llguidance's mask is applied by a function that torch compiles, which takes seconds."""
    with getattr(torch.compiler, "set_stance", nullcontext)("force_eager"):
        yield


@pytest.fixture(params=["tokentrellis", *PEERS])
def one_engine(request: pytest.FixtureRequest, made_up: Setting) -> Setting:
    """Each engine; a peer that is not installed is skipped."""
    if request.param != "tokentrellis":
        pytest.importorskip(request.param)
    return Setting(made_up.tokenizer, [request.param], 0, made_up.out)


def check_figures(table: Table, cases: list[str], engines: list[str]) -> None:
    """Every engine has a figure in every case, and all of them make sense."""
    figures = table.figures()
    assert list(figures) == cases
    for row in figures.values():
        assert list(row) == engines
        for summary in row.values():
            assert summary["n"] > 0
            slow, fast = ("p99", "median") if table.unit == "tokens/s" else ("median", "p99")
            assert 0 < summary[slow] <= summary[fast]


# -- tables and report


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


# -- vocabularies and documents


def test_the_made_up_vocabulary_is_closed_under_beginnings() -> None:
    tokens = synthetic.tokens(N_TOKENS, 1)
    assert len(tokens) == N_TOKENS
    assert len(set(tokens)) == N_TOKENS
    assert tokens[-1] == b""
    assert all(token[:-1] in tokens for token in tokens[:-1])
    assert b'{"' in tokens
    assert synthetic.tokens(N_TOKENS, 1) == tokens
    assert synthetic.tokens(N_TOKENS, 2) != tokens
    with pytest.raises(ValueError, match="must be at least 512, got 100"):
        synthetic.merges(100)


def test_the_written_tokenizer_has_the_same_tokens(made_up: Setting) -> None:
    assert made_up.tokenizer.token_bytes == synthetic.tokens(N_TOKENS, 0)
    text = '{"name": "Ann é 漢"}\n'
    token_ids = made_up.tokenizer.encode(text)
    assert b"".join(made_up.tokenizer.token_bytes[token_id] for token_id in token_ids).decode() == text


def test_a_doubled_tokenizer_has_every_token_that_it_had(made_up: Setting, tmp_path: Path) -> None:
    synthetic.double_tokenizer(made_up.tokenizer.folder, tmp_path)
    doubled = TokenizerFolder(tmp_path)
    before, after = made_up.tokenizer.token_bytes, doubled.token_bytes
    assert after[: N_TOKENS - 1] == before[:-1]
    assert doubled.eos_token_ids == [len(after) - 1]
    assert after[-1] == b""
    assert 1.8 * N_TOKENS < len(after) <= 2 * N_TOKENS
    assert len(set(after)) == len(after)
    with pytest.raises(ValueError, match="only a byte-pair encoding"):
        synthetic.double_tokenizer(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize("mark", ["", "k1_"])
def test_orders_are_documents_of_their_schema(mark: str) -> None:
    schema = workload.orders_schema(mark)
    for n_items in (1, 4):
        document = json.loads(workload.orders_text(random.Random(n_items), mark, n_items))
        assert len(document) == n_items
        assert jsonschema_rs.is_valid(schema, document)
    assert not jsonschema_rs.is_valid(workload.orders_schema("other"), document)


def test_schemas_by_size_have_the_size_and_valid_documents() -> None:
    lines = compile_benchmark.lines(100, seed=3)
    assert [line["name"] for line in lines] == [
        *("10 properties", "100 properties", "10 levels", "100 levels"),
        "100 members of an enum",
    ]
    assert len(lines[1]["schema"]["properties"]) == 100
    assert len(lines[-1]["schema"]["items"]["enum"]) == 100
    for line in lines:
        assert jsonschema_rs.is_valid(line["schema"], line["tests"][0]["data"])


def test_situations_are_what_their_names_say() -> None:
    """`before` is a beginning of JSON, and both the token and the wrong text go on with it."""
    cases = masks.situations("_1", seed=0)
    assert len({case.name for case in cases}) == len(cases)
    assert {case.before + case.token for case in cases} >= {"{", '{"name_1": "Ann",'}
    assert all("_1" in json.dumps(case.schema) for case in cases)
    assert cases[6].before + cases[6].wrong > '["' + 24 * " "


# -- processes


def test_a_new_process_gives_its_result_or_says_how_it_died() -> None:
    assert in_new_process(_double, 21) == 42
    with pytest.raises(NewProcessError, match="exit status 3"):
        in_new_process(os._exit, 3)


def _double(number: int) -> int:
    return 2 * number


# -- each benchmark, each engine


def test_masks(one_engine: Setting) -> None:
    tables = masks.run(one_engine, rounds=1, fresh=1)
    assert [table.unit for table in tables] == ["us"] * 4
    names = {case.name for case in masks.situations("")}
    left_out = set(tables[0].reasons)
    for table in tables:
        assert set(table.samples) == names
        figures = {case: row for case, row in table.figures().items() if case not in left_out}
        assert all("median" in row[one_engine.engines[0]] for row in figures.values())
    if one_engine.engines == ["tokentrellis"]:
        assert not left_out
    else:
        assert tables[0].reasons["near the budget"] == {one_engine.engines[0]: "knows no budget"}
        assert left_out <= {"near the budget", "in a uniqueItems array"}


def test_masks_leave_out_who_does_not_keep_the_schema(made_up: Setting) -> None:
    situation = masks.Situation("any", {"enum": ["lamp"]}, '"', "lamp", "desk")
    encoded = masks.encode(situation, made_up)
    tables = [Table("t")]
    grammars = masks.admitted({"yes": Yes(made_up)}, encoded, tables)
    assert grammars == {}
    assert tables[0].reasons == {"any": {"yes": "does not keep the schema: takes 'desk' here"}}


class Yes(Engine[Any, Any]):
    """Allows every token, whatever the schema."""

    def __init__(self, opened: Setting) -> None:
        super().__init__(opened.tokenizer, np.zeros((1, (N_TOKENS + 31) // 32), dtype=np.int32))

    def compile(self, schema: Any) -> Any:
        return schema

    def matcher(self, grammar: Any) -> Any:
        return []

    def fill(self, matcher: Any) -> None:
        self.words[:] = 2**32 - 1

    def commit(self, matcher: Any, token_id: int) -> bool:
        return True


def test_compile(one_engine: Setting) -> None:
    tables = compile_benchmark.run(one_engine, rounds=1, largest=10)
    engines = one_engine.engines
    for table in tables[:3]:
        check_figures(table, ["10 properties", "10 levels"], engines)
    compiled, first, document = (table.figures() for table in tables[:3])
    for case, row in compiled.items():
        times = [figures[case][engines[0]]["median"] for figures in (compiled, first, document)]
        assert times == sorted(times), row
    assert next(iter(tables[3].figures().values())).keys() == {"transformers", *engines}
    assert len(tables[3].figures()) == 2


def test_batch(one_engine: Setting) -> None:
    tables = batch.run(one_engine, rounds=3, rows=(1, 3), n_grammars=2)
    cases = [
        f"{kind}, {way}, {n_rows}"
        for kind in (batch.SAME, batch.DIFFERENT)
        for n_rows in (1, 3)
        for way in batch.WAYS
    ]
    check_figures(tables[0], cases, one_engine.engines)
    check_figures(tables[1], [batch.CHECK, batch.DRAFTED], one_engine.engines)
    assert {len(row[one_engine.engines[0]]) for row in tables[0].samples.values()} == {3}


def test_every_way_of_a_batch_writes_the_same_masks(one_engine: Setting) -> None:
    name = one_engine.engines[0]
    engine = one_engine.create(name)
    documents = batch.make_documents(one_engine, ["", "k_"], 3)
    grammars = batch.compile_all(name, engine, ["", "k_"], documents)
    assert isinstance(grammars, dict)
    walkers = batch.make_walkers(engine, grammars, documents, seed=5)
    expected = []
    for walker in walkers:
        engine.fill(walker.matcher)
        expected.append(engine.bitmask[0].copy())
    calls = batch.make_calls(name, engine, 3, threads=2)
    matchers = [walker.matcher for walker in walkers]
    for fill, argument in ((calls.loop, matchers), (calls.batch, calls.prepare(matchers))):
        calls.bitmask[:] = 0
        fill(argument)
        assert np.array_equal(calls.bitmask, np.stack(expected))


def test_checks_leave_the_matcher_where_it_was(one_engine: Setting) -> None:
    name = one_engine.engines[0]
    engine = one_engine.create(name)
    token_ids = one_engine.tokenizer.encode(workload.orders_text(random.Random(0)))
    matcher = engine.matcher(engine.compile(workload.orders_schema()))
    calls = batch.make_calls(name, engine, 1, threads=1)
    wrong = one_engine.tokenizer.encode("}")[0]
    for _ in range(2):
        assert calls.check(matcher, token_ids[0])
        assert not calls.check(matcher, wrong)
        assert calls.draft(matcher, token_ids[:8]) == 8
        assert calls.draft(matcher, [*token_ids[:3], wrong]) == 3
    for token_id in token_ids:
        assert engine.commit(matcher, token_id)


def ways_of(opened: Setting) -> list[str]:
    """Ours copies the scores, and works in place."""
    (name,) = opened.engines
    return [name, name + hf_processors.IN_PLACE] if name == setting.OURS else [name]


def test_end_to_end(one_engine: Setting) -> None:
    tables = end_to_end.run(one_engine, rounds=1, batches=(1, 2), new_tokens=6, hidden_size=32, layers=1)
    ways = ways_of(one_engine)
    engines = [end_to_end.FREE, *ways]
    assert tables[0].reasons == {}
    assert tables[0].engines == engines
    for table, known in zip(tables, (engines, ways), strict=True):
        assert [set(row) for row in table.figures().values()] == [set(known)] * 2
    assert tables[0].figures()["batch of 2"][end_to_end.FREE]["ratio"] == 1
    # All generate as many tokens: a sample for each generation, and one for each step but
    # the first of round 0.
    assert {len(samples) for row in tables[0].samples.values() for samples in row.values()} == {1}
    assert {len(samples) for row in tables[1].samples.values() for samples in row.values()} == {5}


def test_the_size_of_the_model_depends_on_the_device() -> None:
    assert end_to_end.model_size("cpu", None, None) == {"hidden_size": 64, "layers": 2}
    assert end_to_end.model_size("cuda", None, 4) == {"hidden_size": 2048, "layers": 4}


def test_end_to_end_notices_another_text(made_up: Setting) -> None:
    """A processor that forbids what the script wants: the generation is not counted."""
    script = end_to_end.make_script(made_up, 1, 4)
    model = end_to_end.make_model(N_TOKENS, 32, 1, 40, "cpu", 0)
    assert end_to_end.time_generation(model, script, list)[0] is not None
    assert end_to_end.time_generation(model, script, lambda: [_only_the_first])[0] is None


def _only_the_first(input_ids: Any, scores: Any) -> Any:
    forbidden = torch.full_like(scores, -torch.inf)
    forbidden[:, 0] = 0
    return forbidden


def test_device_runs_without_a_gpu_in_tests(one_engine: Setting) -> None:
    tables = device.run(one_engine, rounds=1, device="cpu", rows=(2,), columns=257, hidden=16, layers=1)
    kernels, steps, calls = tables
    assert len(kernels.figures()) == len(device.DTYPES) * len(device.SHARES)
    for row in kernels.figures().values():
        assert {device.BOUND, device.COPY, "tokentrellis"} <= set(row)
        assert row["tokentrellis"]["median"] > 0
    assert list(steps.figures()) == ["batch of 2, projection alone", "batch of 2, 1 blocks"]
    for row in steps.figures().values():
        assert row[device_steps.FREE]["median"] > 0
        assert row[device_steps.AUTOMATON]["median"] > 0
    assert set(calls.figures()["batch of 2, 1 blocks"]) == {device_steps.FREE, *ways_of(one_engine)}
    assert calls.reasons == {}


def test_the_bound_is_bits_and_touched_sectors() -> None:
    problem = device.Problem.make(1, 64, torch.float32, 1.0, 0, torch.device("cpu"))
    assert problem.least_bytes == 8
    problem.masked[0, 7] = problem.masked[0, 8] = problem.masked[0, 9] = float("-inf")
    assert problem.least_bytes == 8 + 2 * 32  # logits 0 to 7, and 8 to 15


class Idle:
    """A token automaton that forbids nothing."""

    def start(self, rows: int, budgets: int) -> Any:
        zeros = torch.zeros(rows, dtype=torch.int64)
        return SimpleNamespace(states=zeros, left=zeros + budgets)

    def step(self, logits: Any, rows: Any) -> Any:
        return logits.argmax(-1)


def test_a_token_automaton_that_is_wrong_is_left_out(made_up: Setting) -> None:
    model = device_steps.StepModel(N_TOKENS, 16, 1, torch.device("cpu"), 0)
    finite = device_steps.compile_finite(made_up, torch.device("cpu"))
    table = Table("t", "us", device_steps.FREE)
    idle = device_steps.Finite(finite.compiled, Idle())
    device_steps.time_automaton(table, "case", idle, model, torch.arange(2), 1)
    reason = "writes a token that the grammar forbids"
    assert table.figures()["case"][device_steps.AUTOMATON] == {"left out": reason}
    assert device_steps.FREE in table.figures()["case"]


def test_the_schema_for_steps_is_not_finished_before_they_are(made_up: Setting) -> None:
    finite = device_steps.compile_finite(made_up, torch.device("cpu"))
    assert finite.compiled.matcher().tokens_to_finish > device_steps.STEPS


def test_automata(made_up: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    every = automata.grammars()
    few = {name: every[name] for name in ("50 choices", automata.STEPPED, "a recursive list in 40 tokens")}
    monkeypatch.setattr(automata, "grammars", lambda: few)
    made, sizes, tables, steps = automata.run(made_up, rounds=1, rows=(1, 2))
    for table, engines in ((made, [setting.OURS]), (tables, [setting.OURS]), (sizes, sizes.engines)):
        assert list(table.figures()) == list(few)
        check_figures(table, list(few), engines)
    assert sizes.engines == [automata.STATES, automata.CLASSES, automata.MASKS]
    check_figures(steps, ["batch of 1", "batch of 2"], [automata.FREE, automata.STEP])


def test_the_second_document_is_read_by_all(one_engine: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "LARGEST", 10)
    (table,) = warm.run(one_engine)
    extra = [warm.BY_NUMBER] if one_engine.engines == [setting.OURS] else []
    known = [*one_engine.engines, *extra, *([warm.NOTHING] if extra else [])]
    figures = table.figures()
    assert {case: set(row) for case, row in figures.items()} == {
        warm.DOCUMENTS: set(known),
        warm.AVERAGE: set(known),
    }
    assert figures[warm.DOCUMENTS][known[0]]["n"] == 2


def test_turns_have_every_name_once_in_each_round() -> None:
    seen = list(setting.turns("abc", 2, seed=1))
    assert [number for number, _ in seen] == [0] * 3 + [1] * 3 + [2] * 3
    assert all(sorted(name for number, name in seen if number == n) == list("abc") for n in range(3))
    assert seen != list(setting.turns("abc", 2, seed=2))


# -- memory


def test_memory_of_a_schema_goes_with_it(tmp_path: Path) -> None:
    """In a process of its own, as the benchmark runs it: a large schema takes more, and all of it goes."""
    synthetic.write_tokenizer(tmp_path, N_TOKENS)
    opened = Setting(TokenizerFolder(tmp_path), [setting.OURS], 0, tmp_path)
    data = tmp_path / "data.jsonl"
    sizes = (3, 300, 3, 300)
    lines = [
        {"name": str(number), "schema": {"enum": [f"{size} {i}" for i in range(size)]}, "tests": [TEST]}
        for number, size in enumerate(sizes)
    ]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    try:
        (table,) = memory.run(opened, data=data)
    except memory.NotMeasuredError as error:
        pytest.skip(str(error))
    small, large, small_again, large_again = table.samples[memory.SCHEMA][setting.OURS]
    assert (small_again, large_again) == (pytest.approx(small, rel=0.2), pytest.approx(large, rel=0.2))
    assert large > 2 * small
    (largest,) = table.samples[memory.LARGEST_SCHEMA][setting.OURS]
    assert largest == max(large, large_again)
    (set_up,), (left,) = (table.samples[case][setting.OURS] for case in (memory.SET_UP, memory.LEFT))
    assert 0 < set_up < left < set_up + 4 * large + 2**20


TEST = {"valid": True, "data": "3 1"}


def test_memory_that_cannot_be_counted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with pytest.raises(memory.NotMeasuredError, match="has no mallinfo2"):
        memory.in_use()


# -- the page


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


# -- instructions


def test_counts_are_compared_with_the_table() -> None:
    counts = {"a": {"mask": 111, "commit": 90}, "new": {"mask": 5}}
    lines, failed = instructions.compare(counts, {"a": {"mask": 100, "commit": 100}})
    assert failed
    assert lines == [
        "a, mask: 111 (+11.0% of 100) TOO MANY",
        "a, commit: 90 (-10.0% of 100)",
        "new, mask: 5 (not in the table)",
    ]
    assert not instructions.compare({"a": {"mask": 110}}, {"a": {"mask": 100}})[1]


def test_parts_are_read_in_their_order(tmp_path: Path) -> None:
    for number, total in ((2, 20), (10, 100), (1, 10)):
        (tmp_path / f"counts.{number}").write_text(
            f"version: 1\npart: {number}\nevents: Ir\ntotals: {total}\n"
        )
    assert instructions.read_parts(tmp_path) == [10, 20, 100]


def test_the_kept_table_has_every_situation() -> None:
    kept = instructions.read_table(instructions.TABLE)
    assert set(kept["instructions"]) == set(instructions.SITUATIONS)
    assert kept["tokens"] == instructions.N_TOKENS
    assert all(set(row) == {"mask", "commit"} for row in kept["instructions"].values())


def test_the_inner_side_walks_through_every_situation() -> None:
    instructions.walk(0, instructions.N_TOKENS)


# -- the command line


def test_options_that_are_wrong_are_one_line(tmp_path: Path) -> None:
    runner = CliRunner()
    for arguments, said in (
        (["batch", "--rows", "1,many"], "sizes must be positive whole numbers, got '1,many'"),
        (["masks", "--tokens", "3"], "--tokens: must be at least 512, got 3"),
        (["masks", "--engines", "no_such_engine"], "'no_such_engine' is not an engine"),
        (["compile", "--tokenizer", str(tmp_path)], "has no tokenizer.json"),
        (["end_to_end", "--clock", "sun"], "--clock: must be wall, or on a CPU also cpu, got 'sun'"),
    ):
        result = runner.invoke(command.application, arguments)
        assert result.exit_code == 2
        assert said in " ".join(result.output.split())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["device", "end_to_end"])
def test_without_a_gpu_it_says_so(name: str) -> None:
    result = CliRunner().invoke(command.application, [name, "--device", "cuda"])
    assert (result.exit_code, result.output) == (0, "cuda: torch finds no GPU here, nothing was measured\n")


def test_without_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "valgrind", lambda: None)
    result = CliRunner().invoke(command.application, ["instructions"])
    assert result.exit_code == 0
    assert result.output == "instructions: valgrind is not installed, nothing was counted\n"


def test_a_command_writes_its_files(tmp_path: Path) -> None:
    arguments = ["batch", "--tokens", str(N_TOKENS), "--engines", "tokentrellis", "--rounds", "1"]
    arguments += ["--rows", "1", "--grammars", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(command.application, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "batch.md").read_text() in result.output
    written = json.loads((tmp_path / "batch.json").read_text())
    assert written["question"] == {
        "vocabulary": "made up",
        "tokens": N_TOKENS,
        "seed": 0,
        "rounds": 1,
        "rows": "1",
        "grammars": 1,
        "threads": 1,
    }


def test_all_runs_every_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the defaults of each: the sub-commands are called as functions, so no default may be an option."""
    met = []
    for module, name in (
        (masks, "masks"),
        (compile_benchmark, "compile"),
        (batch, "batch"),
        (end_to_end, "end_to_end"),
        (automata, "automata"),
        (warm, "warm"),
        (memory, "memory"),
    ):

        def run(opened: Setting, name: str = name, **options: Any) -> list[Table]:
            assert all(
                type(value) in (bool, int, float, str, tuple, type(None)) for value in options.values()
            )
            met.append(name)
            return [Table(name)]

        monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(instructions, "valgrind", lambda: None)
    arguments = ["all", "--tokens", str(N_TOKENS), "--engines", "tokentrellis", "--out", str(tmp_path)]
    result = CliRunner().invoke(command.application, arguments)
    assert result.exit_code == 0, result.output
    names = ["masks", "compile", "batch", "end_to_end", "end_to_end", "automata", "warm", "memory"]
    assert met[: len(names)] == names
    assert {path.stem for path in tmp_path.glob("*.md")} == {*names, "end_to_end_512"}


def test_engines_that_are_absent_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setting.engine_modules, "installed", lambda name: name == "tokentrellis")
    with open_setting(None, N_TOKENS, None, 0, tmp_path) as opened:
        assert opened.engines == ["tokentrellis"]
        absent = {"llguidance", "xgrammar", "xgrammar+default"}
        assert opened.left_out == dict.fromkeys(absent, "not installed")
        assert opened.describe(rounds=1)["question"]["rounds"] == 1


def test_engines_without_calls_for_batches_are_left_out(made_up: Setting) -> None:
    assert set(batch_calls.KNOWN) == {"tokentrellis", *PEERS}
    reason = batch.compile_all("unknown+variant", Yes(made_up), [""], [])
    assert reason == "no calls for batches are known"
