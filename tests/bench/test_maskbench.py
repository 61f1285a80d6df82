"""The harness of MaskBench, driven by an engine made of lists of texts: what is counted, timed, survived."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokentrellis.benchmark.maskbench import __main__ as command
from tokentrellis.benchmark.maskbench import (
    compare,
    engines,
    explain,
    measure,
    plot,
    problems,
    report,
    run,
    worker,
)
from tokentrellis.benchmark.maskbench.measure import Failure, Outcome
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder
from typer.testing import CliRunner

from tests.bench.fake_engine import ByteTokenizer, FakeEngine

FAKE = "tests.bench.fake_engine"
TOKENIZER = ByteTokenizer()


def line(name: str, accepts: list[Any], *tests: tuple[bool, Any], fault: str = "") -> dict[str, Any]:
    schema = {"texts": [json.dumps(data, ensure_ascii=False) for data in accepts], "fault": fault}
    return {
        "name": name,
        "schema": schema,
        "tests": [{"valid": valid, "data": data} for valid, data in tests],
    }


def measured(described: dict[str, Any]) -> Outcome:
    """The outcome under a clock that goes on by one with each look."""
    engine = FakeEngine(TOKENIZER, np.zeros((1, 9), dtype=np.int32))
    ticks = itertools.count()
    return measure.measure(engine, problems.encode_problem(described, TOKENIZER), clock=lambda: next(ticks))


def conditions(seconds: float = 10.0, megabytes: float = 2048.0) -> worker.Conditions:
    return worker.Conditions(seconds, megabytes)


# -- the clock and the verdicts


def test_a_right_schema_passes_and_every_token_is_timed() -> None:
    outcome = measured(line("a", ["?x", {"k": 1}], (True, "?x"), (True, {"k": 1}), (False, "?y")))
    assert outcome.status == measure.PASS
    assert outcome.failures == []
    assert (outcome.compile_ns, outcome.ttfm_ns) == (1, 2)
    # Mask and commit are a tick each; the look-up of the bit lies between two ticks and is not counted. The
    # invalid document is refused at its third token, whose mask counts, and which is not committed.
    assert outcome.tbm_ns == [2] * len('"?x"') + [2] * len('{"k": 1}') + [2, 2, 1]


@pytest.mark.parametrize(
    ("described", "failure"),
    [
        (
            line("refused", ["abc"], (True, "abd")),
            Failure(0, "valid refused", 3, "the mask forbids the token"),
        ),
        (
            line("too long", ["abc"], (True, "ab"), fault=""),
            Failure(0, "valid refused", 3, "the mask forbids the token"),
        ),
        (
            line("accepted", ["abc"], (True, "abc"), (False, "abc")),
            Failure(1, "invalid accepted", 5, "accepted to the end"),
        ),
        (
            line("commit", ["a"], (True, "a"), fault="commit"),
            Failure(0, "valid refused", 1, "the mask allows the token, but it cannot be committed"),
        ),
        (
            line("mask", ["a"], (True, "a"), fault="mask"),
            Failure(0, "valid refused", 1, "this mask is too large"),
        ),
        (
            line("mask", ["a"], (False, "b"), fault="mask"),
            Failure(0, "mask failed", 1, "this mask is too large"),
        ),
    ],
)
def test_a_wrong_verdict_says_where_and_why(described: dict[str, Any], failure: Failure) -> None:
    outcome = measured(described)
    assert outcome.status == measure.WRONG
    assert outcome.failures == [failure]


def test_a_valid_document_needs_eos_at_its_end() -> None:
    outcome = measured(line("prefix", [12, 13], (True, 1)))
    assert outcome.failures == [Failure(0, "valid refused", 1, "the text may not end here")]
    assert measured(line("prefix", [12, 13], (False, 1))).status == measure.PASS


def test_a_refused_schema_has_no_times() -> None:
    outcome = measured(line("refused", [], (True, 1), fault="refuse"))
    assert (outcome.status, outcome.reason) == (measure.COMPILE_ERROR, "this schema is not supported")
    assert outcome.ttfm_ns is None
    assert outcome.tbm_ns == []


def test_the_sign_bit_of_a_word_is_read() -> None:
    engine = FakeEngine(TOKENIZER, np.zeros((1, 9), dtype=np.int32))
    engine.fill(engine.matcher({"texts": ["?"]}))
    assert [token for token in range(257) if engine.allows(token)] == [ord("?")]
    assert explain.allowed_tokens(engine, 257) == [ord("?")]


# -- figures


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1000, 12345])
def test_percentiles_are_the_samples_at_n_p_over_100(size: int) -> None:
    samples = random.Random(size).choices(range(10**6), k=size)
    rows = report.time_rows("TBM", samples)
    ordered = sorted(samples)
    assert rows["TBM avg"] == pytest.approx(sum(samples) / size / 1000)
    assert rows["TBM max"] == max(samples) / 1000
    for percent in (25, 50, 75, 90, 95, 99, 99.9):
        assert rows[f"TBM p{percent:g}"] == ordered[int(size * percent / 100)] / 1000


def test_percentiles_of_nothing_are_absent() -> None:
    assert set(report.time_rows("TTFM", []).values()) == {None}


def test_counts_are_of_schemas_and_a_schema_can_fail_in_two_ways() -> None:
    refused, accepted = Failure(0, "valid refused", 0, ""), Failure(1, "invalid accepted", 0, "")
    rows = report.count_rows(
        [
            Outcome("e", "a", measure.PASS),
            Outcome("e", "b", measure.WRONG, failures=[refused, refused, accepted]),
            Outcome("e", "c", measure.WRONG, failures=[accepted]),
            Outcome("e", "d", measure.COMPILE_ERROR),
            Outcome("e", "e", measure.TIMEOUT),
            Outcome("e", "f", measure.CRASH),
            Outcome("e", "g", measure.MEMORY),
        ]
    )
    assert list(rows.values()) == [1, 1, 1, 2, 0, 1, 1, 1]


def test_common_figures_are_over_the_schemas_right_everywhere() -> None:
    def outcome(engine: str, name: str, status: str, time: int, pattern: bool = False) -> Outcome:
        return Outcome(engine, name, status, ttfm_ns=time, tbm_ns=[time, time], uses_pattern=pattern)

    outcomes = {
        "one": {
            n: outcome("one", n, measure.PASS, t, n == "c")
            for n, t in (("a", 1000), ("b", 9000), ("c", 3000))
        },
        "two": {
            n: outcome("two", n, s, 5000, n == "c") for n, s in (("a", "pass"), ("b", "wrong"), ("c", "pass"))
        },
    }
    tables = report.make_tables(outcomes, common=True)
    assert tables[report.ALL]["one"]["TBM max"] == 9
    assert tables[report.COMMON]["one"]["TBM max"] == 3
    assert tables[report.COMMON]["one"]["tokens"] == 4
    assert tables[report.PLAIN]["one"]["TTFM avg"] == 1
    assert tables[report.PATTERNED]["two"]["TTFM avg"] == 5
    text = report.to_markdown(tables, {}, {})
    assert "| TBM max | 9 | 5 |" in text


# -- processes, limits, the journal


def test_a_worker_survives_nothing_and_the_run_survives_everything(tmp_path: Path) -> None:
    good = [line(f"good {number}", ["x"], (True, "x"), (False, "y")) for number in range(5)]
    bad = [
        line("hang", ["x"], (True, "x"), fault="hang"),
        line("hang in a mask", ["x"], (True, "x"), fault="hang in a mask"),
        line("exception", ["x"], fault="exception"),
        line("abort", ["x"], fault="abort"),
        line("memory", ["x"], fault="memory"),
    ]
    lines = [problem for pair in zip(good, bad, strict=True) for problem in pair]
    journal = run.Journal(tmp_path, {"question": {}}, resume=False)
    run.run(lines, [FAKE], TOKENIZER, journal, conditions(seconds=1.0, megabytes=100.0))
    journal.close()
    outcomes = run.read_journal(tmp_path / run.JOURNAL).outcomes[FAKE]
    assert list(outcomes) == [problem["name"] for problem in lines]
    assert {outcomes[problem["name"]].status for problem in good} == {measure.PASS}
    statuses = {problem["name"]: outcomes[problem["name"]].status for problem in bad}
    assert statuses == {
        "hang": measure.TIMEOUT,
        "hang in a mask": measure.TIMEOUT,
        "exception": measure.CRASH,
        "abort": measure.CRASH,
        "memory": measure.MEMORY,
    }
    assert outcomes["hang"].reason == "more than 1 s while compiling"
    assert outcomes["hang in a mask"].reason == "more than 1 s while document 0"
    assert "a bug in the engine" in outcomes["exception"].reason
    assert "SIGABRT" in outcomes["abort"].reason
    assert len(journal.records.setups) == len(bad)  # a new worker after each death, none after the last


def test_a_warm_run_goes_through_a_batch_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(name, ["x"], (True, "x")) for name in "ab"]
    lines.insert(1, line("abort", ["x"], fault="abort"))
    asked: list[str] = []
    ask = worker.Worker.measure

    def note(self: worker.Worker, problem: problems.Problem) -> Outcome:
        asked.append(problem.name)
        return ask(self, problem)

    monkeypatch.setattr(worker.Worker, "measure", note)
    journal = run.Journal(tmp_path, {"question": {}}, resume=False)
    limits = worker.Conditions(10.0, 2048.0, warm=True)
    run.run(lines, [FAKE], TOKENIZER, journal, limits)
    journal.close()
    outcomes = run.read_journal(tmp_path / run.JOURNAL).outcomes[FAKE]
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "a": measure.PASS,
        "abort": measure.CRASH,
        "b": measure.PASS,
    }
    assert asked == ["a", "abort", "a", "b", "a", "b"]  # the first worker dies; the second one knows of what
    assert outcomes["a"].tbm_ns


def test_an_engine_that_cannot_start_ends_the_run(tmp_path: Path) -> None:
    journal = run.Journal(tmp_path, {"question": {}}, resume=False)
    with pytest.raises(worker.WorkerSetupError, match="this engine cannot be set up"):
        run.run([line("a", ["x"])], [f"{FAKE}+broken"], TOKENIZER, journal, conditions())
    journal.close()


def test_engines_take_turns_on_each_batch(tmp_path: Path) -> None:
    lines = [line(name, ["x"], (True, "x")) for name in "abc"]
    journal = run.Journal(tmp_path, {"question": {}}, resume=False)
    order: list[tuple[str, str]] = []
    twin = f"{FAKE}+twin"
    run.run(
        lines,
        [FAKE, twin],
        TOKENIZER,
        journal,
        conditions(),
        batch=2,
        report=lambda o: order.append((o.engine, o.name)),
    )
    journal.close()
    assert order == [(FAKE, "a"), (FAKE, "b"), (twin, "a"), (twin, "b"), (FAKE, "c"), (twin, "c")]
    assert [setup.engine for setup in journal.records.setups] == [FAKE, twin, FAKE, twin]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    lines = [line(str(number), ["x"], (True, "x")) for number in range(7)]
    question = {"question": {"seed": 1}}
    journal = run.Journal(tmp_path, question, resume=False)

    def interrupt(outcome: Outcome) -> None:
        if outcome.name == "3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(lines, [FAKE], TOKENIZER, journal, conditions(), batch=5, report=interrupt)
    journal.close()
    with (tmp_path / run.JOURNAL).open("a") as file:
        file.write('{"kind":"outcome","engine":"tests.be')  # the machine went down while a line was written
    before = run.read_journal(tmp_path / run.JOURNAL).outcomes[FAKE]
    assert list(before) == ["0", "1", "2", "3"]

    with pytest.raises(FileExistsError, match="--resume"):
        run.Journal(tmp_path, question, resume=False)
    with pytest.raises(ValueError, match="seed was 1 and is now 2"):
        run.Journal(tmp_path, {"question": {"seed": 2}}, resume=True)

    journal = run.Journal(tmp_path, question, resume=True)
    added: list[str] = []
    run.run(lines, [FAKE], TOKENIZER, journal, conditions(), batch=5, report=lambda o: added.append(o.name))
    journal.close()
    assert added == ["4", "5", "6"]
    after = run.read_journal(tmp_path / run.JOURNAL).outcomes[FAKE]
    assert list(after) == [problem["name"] for problem in lines]
    assert all(after[name] == outcome for name, outcome in before.items())


# -- data


def write_data(path: Path, lines: list[dict[str, Any]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in lines)
    return path


def test_samples_are_drawn_with_a_seed_and_shards_share_them_out(tmp_path: Path) -> None:
    path = write_data(tmp_path / "data.jsonl.gz", [line(str(number), []) for number in range(50)])

    def names(**options: Any) -> list[str]:
        return [one["name"] for one in problems.read_lines(path, **options)]

    sample = names(sample=20, seed=3)
    assert sample == names(sample=20, seed=3) != names(sample=20, seed=4)
    assert sample == sorted(sample, key=int)
    shards = [names(sample=20, seed=3, shard=f"{part}/3") for part in (1, 2, 3)]
    assert [len(shard) for shard in shards] == [7, 7, 6]
    assert sorted(itertools.chain(*shards), key=int) == sample
    for shard in ("0/3", "4/3", "1", "a/b", "-1/2"):
        with pytest.raises(ValueError, match="--shard"):
            names(shard=shard)


def test_bad_lines_are_named(tmp_path: Path) -> None:
    twice = write_data(tmp_path / "twice.jsonl.gz", [line("a", []), line("a", [])])
    with pytest.raises(ValueError, match="line 2: name 'a' is repeated"):
        problems.read_lines(twice)
    bare = write_data(tmp_path / "bare.jsonl.gz", [{"name": "a", "schema": {}}])
    with pytest.raises(ValueError, match=r"line 1: keys \['tests'\] are missing"):
        problems.read_lines(bare)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"items": [{"pattern": "a"}]}, True),
        ({"anyOf": [{"format": "date"}]}, True),
        ({"patternProperties": {"a": True}}, True),
        ({"properties": {"format": {"type": "string"}, "pattern": True}}, False),
        (True, False),
    ],
)
def test_schemas_with_patterns_are_told_apart(schema: Any, expected: bool) -> None:
    assert problems.Problem("a", schema, []).uses_pattern is expected


# -- engines by name


def test_engine_names_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is not an engine"):
        engines.find_module("no_such_engine")
    with pytest.raises(ValueError, match="no variant 'x'; known variants: broken, twin"):
        engines.options_of(f"{FAKE}+x", engines.find_module(FAKE))
    monkeypatch.setattr(engines, "installed", lambda name: name == "tokentrellis")
    assert command.chosen_engines(None) == ["tokentrellis"]
    with pytest.raises(ModuleNotFoundError, match="llguidance"):
        command.chosen_engines("tokentrellis, llguidance+lenient")


# -- what people read


def test_explain_points_at_the_byte() -> None:
    engine = FakeEngine(TOKENIZER, np.zeros((1, 9), dtype=np.int32))
    described = line(
        "a", ["\u00e9ab", "\u00e9cb", "\u00e9"], (True, "\u00e9xb"), (False, "\u00e9ab"), (False, 1)
    )
    text = explain.explain(engine, problems.encode_problem(described, TOKENIZER), TOKENIZER.token_bytes)
    assert text.splitlines()[1:] == [
        "document 0, valid: refused, WRONG",
        "  at byte 3, token 3 'x': the mask forbids the token",
        '    "\u00e9xb"',
        "      ^",
        "  next expected: '\"', 'a', 'c'",
        "document 1, invalid: accepted, WRONG",
        "document 2, invalid: refused, right",
        "  at byte 0, token 0 '1': the mask forbids the token",
        "    1",
        "    ^",
        "  next expected: '\"'",
    ]


def test_explain_looks_inside_a_token() -> None:
    assert explain.longest_shared_beginning(b"abcd", [b"x", b"abz", b"a"]) == 2
    assert explain.longest_shared_beginning(b"abcd", [b"abcdef", b"q"]) == 4
    assert explain.longest_shared_beginning(b"abcd", []) == 0
    assert explain.describe_bytes({*b"abcx", 0xC3}, True) == "'a' to 'c', 'x', byte 0xc3, end of text"
    shown, mark = explain.caret(b"x" * 100 + b"!" + b"y" * 100, 100)
    assert shown[mark.index("^")] == "!"


def test_compare_lists_what_changed_worse_first() -> None:
    def brief(status: str, *kinds: str) -> dict[str, Any]:
        failures = [{"kind": kind} for kind in kinds]
        return {
            "status": status,
            "reason": "why",
            "failures": failures,
            "tokens": 2,
            "tbm_sum_ns": 4000,
            "ttfm_ns": 8000,
        }

    before = {
        "a": brief("pass"),
        "b": brief("compile error"),
        "c": brief("pass"),
        "d": brief("wrong", "valid refused"),
    }
    after = {
        "a": brief("pass") | {"tbm_sum_ns": 2000},
        "b": brief("pass"),
        "c": brief("timeout"),
        "d": brief("wrong", "valid refused", "invalid accepted"),
        "e": brief("pass"),
    }
    found = compare.differences(before, after)
    assert [(difference.name, difference.worse) for difference in found] == [
        ("c", True),
        ("d", True),
        ("b", False),
    ]
    assert found[1].after == "invalid accepted"
    figures = compare.speed(before, after)
    assert (figures["schemas right in both"], figures["TBM avg before"], figures["TBM avg after"]) == (
        1,
        2,
        1,
    )
    assert "A / B = 2.00" in compare.render("A", before, "B", after)


@pytest.fixture
def unpinned() -> Iterator[None]:
    """The command pins processes to cores; the test process gets its own back."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, allowed)


@pytest.mark.usefixtures("unpinned")
def test_the_command_from_data_to_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TokenizerFolder", lambda folder: TOKENIZER)
    monkeypatch.setattr(command, "plot", lambda outcomes, path: path.touch())  # drawn in a test of its own
    lines = [line("good", ["x"], (True, "x"), (False, "y")), line("bad", ["x"], (True, "y"))]
    data = write_data(tmp_path / "data.jsonl.gz", lines)
    shared = ["--data", str(data), "--tokenizer", str(tmp_path), "--engines", FAKE]
    runner = CliRunner()
    for shard in ("1/2", "2/2"):
        out = tmp_path / shard.replace("/", "of")
        result = runner.invoke(
            command.application, [*shared, "--shard", shard, "--out", str(out), "--common"]
        )
        assert result.exit_code == 0, result.output
        assert {path.name for path in out.iterdir()} >= {
            "outcomes.jsonl",
            "run.json",
            "results.json",
            "results.md",
        }
    refused = runner.invoke(command.application, [*shared, "--shard", "2/2", "--out", str(out)])
    assert refused.exit_code == 2

    whole = tmp_path / "whole"
    parts = [str(tmp_path / "1of2"), str(tmp_path / "2of2")]
    assert runner.invoke(command.application, ["report", *parts, "--out", str(whole)]).exit_code == 0
    results = json.loads((whole / "results.json").read_text())
    assert results["tables"][report.ALL][FAKE]["passing"] == 1
    assert results["outcomes"][FAKE]["bad"]["failures"][0]["byte"] == 1
    both = str(whole / "results.json")
    assert "0 differ" in runner.invoke(command.application, ["compare", both, both]).output

    explained = runner.invoke(command.application, [*shared, "--explain", "bad"])
    assert "next expected: 'x'" in explained.output
    assert runner.invoke(command.application, [*shared, "--explain", "absent"]).exit_code == 2


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    outcome = Outcome("e", "a", measure.PASS, ttfm_ns=5000, tbm_ns=list(range(1, 5000)))
    plot.plot({"e": {"a": outcome}, "empty": {}}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["byte-level", "sentencepiece"])
def test_token_bytes_spell_the_documents(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    merges = [("a", "b"), ("ab", "a")]
    if kind == "byte-level":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        tokens = [*alphabet, *(left + right for left, right in merges)]
        model = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
        model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        model.decoder = decoders.ByteLevel()
    else:
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
        tokens = [*alphabet, "\u2581", *"abcdefgh", *(left + right for left, right in merges)]
        vocabulary = {token: number for number, token in enumerate(tokens)}
        model = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<0x00>"))
        model.normalizer = normalizers.Replace(" ", "\u2581")
    model.add_special_tokens(["<eos>"])
    model.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>"})
    )
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 300}))
    tokenizer = TokenizerFolder(tmp_path)
    for text in ('{"abab": "\u00e9\U0001f600 \\u0000", "b": [1.5e-7, true, null]}', "\n\t  x", "?" * 40):
        spelt = [tokenizer.token_bytes[token_id] for token_id in tokenizer.encode(text)]
        assert b"".join(spelt) == text.encode()
    assert len(tokenizer.encode("aba")) == 1
    assert tokenizer.vocabulary_size == len(tokenizer.token_bytes) == 300
    assert tokenizer.eos_token_ids == [len(tokens)]
    assert tokenizer.token_bytes[len(tokens)] == b""
    with pytest.raises(FileNotFoundError, match="is no folder"):
        TokenizerFolder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"has no tokenizer\.json"):
        TokenizerFolder(tmp_path / "empty")
