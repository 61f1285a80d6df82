"""Every code block of the documentation: Python is run, commands and JSON are read.

Blocks of `py` are for engines and clusters that are not here; they must be Python, and are not run.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
from tokentrellis.command_line import app

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = [
    (page.name, language, code)
    for page in sorted(DOCS.glob("*.md"))
    for language, code in re.findall(
        r"^```([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
]


def blocks(language: str) -> list[object]:
    found = [(page, code) for page, tongue, code in BLOCKS if tongue == language]
    return [pytest.param(*block, id=f"{block[0]}-{index}") for index, block in enumerate(found)]


def commands() -> list[object]:
    found: list[object] = []
    for page, language, code in BLOCKS:
        for line in re.findall(r"^\$ (.*)", code, flags=re.MULTILINE) if language == "console" else ():
            words = shlex.split(line, comments=True)
            if words[0] == "tokentrellis":
                found.append(pytest.param(words[1:], id=f"{page}: {line[:60]}"))
    return found


def test_languages() -> None:
    assert {language for _, language, _ in BLOCKS} == {"python", "py", "console", "json", "mermaid"}


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python(
    page: str,
    code: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("lark")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec", dont_inherit=True), ModuleType("docs_block").__dict__)
    assert ("print(" not in code) or capsys.readouterr().out


@pytest.mark.parametrize(("page", "code"), blocks("py"))
def test_python_that_is_not_run(page: str, code: str) -> None:
    ast.parse(code, page)


@pytest.mark.parametrize(("page", "code"), blocks("json"))
def test_json_lines(page: str, code: str) -> None:
    for line in code.splitlines():
        json.loads(line)


@pytest.mark.parametrize("words", commands())
def test_command_has_these_options(words: list[str]) -> None:
    """A command is read with its options and not run: most name files and models of the reader's."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):  # click's, or the one that typer carries
        command, words = command.commands[words[0]], words[1:]
    assert command.name != "tokentrellis"
    with command.make_context(command.name, words):
        pass
