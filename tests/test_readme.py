"""Every code block of the README is run: Python as it stands, commands through the command line.

What a command prints must be what the README shows. Only what a model writes may differ (it is trained anew
now and then): there, both must be valid.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jsonschema_rs
import pytest
from tokentrellis.command_line import app
from tokentrellis.decoding.length_measures import count_unicode_words
from tokentrellis.models import EMBEDDED_FOLDER
from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON_BLOCKS = [text for language, text in BLOCKS if language == "python"]
EXIT_CODES = {"check": (0, 1), "match": (0, 1)}  # 1: no is an answer too


def commands() -> Iterator[tuple[str, str]]:
    """(command, the output that the README shows, perhaps none)."""
    for language, text in BLOCKS:
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output


def test_every_block_is_python_or_console() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "console"}
    assert len(PYTHON_BLOCKS) >= 4
    assert len(list(commands())) >= 8


@pytest.mark.parametrize("code", PYTHON_BLOCKS, ids=range(len(PYTHON_BLOCKS)))
def test_python(code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = ModuleType("readme_block")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), module.__dict__)
    assert bool(capsys.readouterr().out) == ("print(" in code)


@pytest.mark.parametrize(("command", "output"), [item for item in commands() if item[0].startswith("make ")])
def test_make_targets_exist(command: str, output: str) -> None:
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert not output


@pytest.mark.parametrize(
    ("command", "output"), [item for item in commands() if not item[0].startswith("make ")]
)
def test_commands(command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = tmp_path / "texts.jsonl"
    lines.write_text('"Bo Chen ordered a kettle."\n', encoding="utf-8")
    stands_for = {
        "NAME_OR_PATH": str(EMBEDDED_FOLDER),
        "texts.jsonl": str(lines),
        "results.jsonl": str(tmp_path / "results.jsonl"),
        "trace.html": str(tmp_path / "trace.html"),
    }
    program, *arguments = [stands_for.get(word, word) for word in shlex.split(command)]
    assert program == "tokentrellis"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code in EXIT_CODES.get(arguments[0], (0,)), result.output
    if arguments[0] == "summarize":
        assert count_unicode_words(result.stdout) == int(arguments[-1])
        return
    if arguments[0] != "generate":
        assert not output or result.stdout == output
        return
    if arguments[1].endswith(".json"):
        validator = jsonschema_rs.validator_for(json.loads((ROOT / arguments[1]).read_text()))
        for text in filter(None, (result.stdout, output)):
            assert validator.is_valid(json.loads(text))
    if "--jsonl" in arguments:
        (line,) = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
        assert validator.is_valid(json.loads(line)["output"])
