"""`bench.budgets` on two schemas: its table, and its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import budgets


def test_the_table_of_two_schemas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "schemas.jsonl"
    schemas = [{"enum": [1, 20]}, {"type": "array", "items": {"type": "boolean"}, "minItems": 2}]
    lines = [{"name": f"s{i}", "schema": schema, "tests": []} for i, schema in enumerate(schemas)]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ["--data", str(data), "--budgets", "2", "--model-schemas", "1"]
    monkeypatch.setattr(sys, "argv", ["budgets", *options])
    with pytest.raises(SystemExit) as end:
        budgets.main()
    assert not end.value.code
    printed = capsys.readouterr().out
    assert "complete and valid: random, sampled: 4" in printed
    assert "complete and valid: embedded, likeliest: 1" in printed
    assert "far from its budget" in printed
