"""`bench.budgets` on two schemas: its table, its verdicts, and its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import budgets
from bench.conformance.witness import Witness


def run(folder: Path, schemas: list[Any], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of a run with two budgets for each schema, the first schema also for the model."""
    data = folder / "schemas.jsonl"
    lines = [{"name": f"s{i}", "schema": schema, "tests": []} for i, schema in enumerate(schemas)]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ["--data", str(data), "--budgets", "2", "--model-schemas", "1"]
    monkeypatch.setattr(sys, "argv", ["budgets", *options])
    with pytest.raises(SystemExit) as end:
        budgets.main()
    return end.value.code


def test_the_table_of_two_schemas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = [{"enum": [1, 20]}, {"type": "array", "items": {"type": "boolean"}, "minItems": 2}]
    assert run(tmp_path, schemas, monkeypatch) == 0
    printed = capsys.readouterr().out
    assert "complete and valid: random, sampled: 4" in printed
    assert "complete and valid: embedded, likeliest: 2" in printed
    assert "far from its budget" in printed


def test_a_run_that_writes_nothing_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, [False], monkeypatch) == 1
    assert "schema left out" in capsys.readouterr().out


def test_a_wrong_document_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The witness has another schema than the grammar: no document is right."""
    monkeypatch.setattr(budgets, "Witness", lambda schema, formats: Witness({"const": 2}, formats=formats))
    assert run(tmp_path, [{"const": 1}], monkeypatch) == 1
    assert "failed, not valid: random, likeliest: 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (b'{"a": 1}', "complete and valid"),
        (b'{"a": 1, "b": 2}', "complete and valid"),
        (b'{"a": "1"}', "failed, not valid"),
        (b'{"a": 1', "failed, no JSON"),
        (b"", "failed, no JSON"),
        (b'{"b": "\xff", "a": 1}', "failed, no JSON"),
        (b'{"a": 1.2345678901234567}', "complete, the witness errs on it"),
    ],
)
def test_verdicts(document: bytes, verdict: str) -> None:
    schema = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert budgets.judge(document, Witness(schema, formats=True)) == verdict
