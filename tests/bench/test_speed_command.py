"""The command line of bench/speed, and the instructions that it counts and compares with a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.speed import __main__ as command
from bench.speed import batch, instructions, masks, memory, warm
from bench.speed import compile as compile_benchmark
from bench.speed.setting import Setting
from bench.speed.tables import Table
from tests.bench.speed_setting import N_TOKENS

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from bench.speed import automata, end_to_end  # noqa: E402  (they need torch)


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
