"""Files of rules on the command line, in the place of a schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import run

LARK = 'start: "select" NAME? "from"\n%import .names.NAME\n%ignore " "\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("lark")
    (tmp_path / "query.lark").write_text(LARK)
    (tmp_path / "names.lark").write_text("NAME: /[a-z]+/\n")
    (tmp_path / "pairs.gbnf").write_text('root ::= [a-z] "=" [0-9]')
    (tmp_path / "list.ebnf").write_text("list = 'a', { ',', 'a' };")
    return tmp_path


def test_match(folder: Path) -> None:
    run("match", str(folder / "query.lark"), "select fromx from")
    run("match", str(folder / "pairs.gbnf"), "a=1")
    run("match", str(folder / "list.ebnf"), "a,a")
    refused = run("match", str(folder / "query.lark"), "select from from", code=1)
    assert "line 1, column 13: the text leaves the grammar" in refused.stdout
    assert (
        "line 1, column 3: the text leaves the grammar"
        in run("match", str(folder / "pairs.gbnf"), "a=b", code=1).stdout
    )


def test_mask(folder: Path, model_folder: str) -> None:
    options = ("--tokenizer", model_folder, "--json")
    report = json.loads(run("mask", str(folder / "pairs.gbnf"), "a", *options).stdout)
    assert report["bytes"] == "'='"


def test_generate(folder: Path, model_folder: str) -> None:
    options = ("--model", model_folder, "--max-new-tokens", "20")
    written = run("generate", str(folder / "list.ebnf"), "a text", *options).stdout
    assert set(written.strip()) <= {"a", ","}


def test_errors(folder: Path) -> None:
    (folder / "bad.gbnf").write_text("root ::= itm\nitem ::= [a]")
    result = run("match", str(folder / "bad.gbnf"), "a", code=2)
    assert "did you mean 'item'?" in result.stderr
    run("match", str(folder / "absent.lark"), "a", code=2)


def test_graph(folder: Path) -> None:
    for name in ("query.lark", "pairs.gbnf", "list.ebnf"):
        assert run("graph", str(folder / name)).stdout.startswith("flowchart LR\n")
    (folder / "nested.ebnf").write_text("a ::= 'x' | '(' a ')' a")
    dot = run("graph", str(folder / "nested.ebnf"), "--format", "dot", "--nodes", "1").stdout
    assert dot.startswith("digraph grammar {")
    assert "more states" in dot
    assert run("graph", '{"type": "integer"}', "--format", "html").stdout.startswith("<table>")
    run("graph", str(folder / "absent.gbnf"), code=2)
    assert "/ab+/" in run("graph", "--regex", "ab+").stdout
    assert run("graph", "--choices", "yes, no").stdout == run("graph", "--regex", "yes|no").stdout
    assert "exclude each other" in run("graph", "--regex", "a", "--choices", "b", code=2).stderr
    assert "--whitespace" in run("graph", "--regex", "a", "--whitespace", "any", code=2).stderr
    assert "one of SCHEMA" in run("graph", code=2).stderr
    assert "from 1 to" in run("graph", str(folder / "list.ebnf"), "--nodes", "100000", code=2).stderr


def test_convert(folder: Path) -> None:
    written = run("convert", str(folder / "list.ebnf"), "--to", "gbnf").stdout
    assert written == 'root ::= "a" ",a"*\n'
    (folder / "converted.gbnf").write_text(written)
    run("match", str(folder / "converted.gbnf"), "a,a")
    assert run("convert", str(folder / "pairs.gbnf"), "--to", "regex").stdout == "[a-z]=[0-9]\n"
    assert (
        run("convert", "--regex", "(ab|c){2}", "--to", "ebnf").stdout
        == 'root ::= (("ab" | "c") ("ab" | "c"))\n'
    )
    refused = run("convert", str(folder / "query.lark"), code=2).stderr
    assert "lexer='dynamic'" in refused
    dynamic = run("convert", str(folder / "query.lark"), "--lexer", "dynamic", "--to", "gbnf").stdout
    assert dynamic.startswith("root ::= ")
    run("convert", code=2)
    run("convert", "x.json", code=2)
    run("convert", str(folder / "pairs.gbnf"), "--regex", "a", code=2)


def test_warnings_go_to_standard_error(folder: Path) -> None:
    (folder / "odd.gbnf").write_text('root ::= "a"\nspare ::= "b"')
    result = run("match", str(folder / "odd.gbnf"), "a")
    assert "odd.gbnf: spare: nothing reaches it from 'root'" in result.stderr
    assert result.stdout == "the text matches\n"


def test_check(folder: Path) -> None:
    assert run("check", str(folder / "query.lark")).stdout == "these rules can be used\n"
    broken = folder / "broken.gbnf"
    broken.write_text('root ::= "a" other\nunused ::= "b"')
    refused = run("check", str(broken), code=1).stdout
    assert f"refused  {broken}, line 1, column 14: " in refused.replace("\n", "")
    assert refused.endswith("these rules cannot be used\n")
    report = json.loads(run("check", str(broken), "--json", code=1).stdout)
    assert report["refused"][0][0] == f"{broken}, line 1, column 14"
    assert report["enforced"] == {}
    broken.write_text('root ::= "a"\nunused ::= "b"')
    report = json.loads(run("check", str(broken), "--json").stdout)
    assert (report["refused"], report["remarks"][0][0]) == ([], str(broken))
    assert "unused" in report["remarks"][0][1]
    assert "cannot be read" in run("check", str(folder / "none.lark"), code=2).stderr


def test_errors_name_the_file(folder: Path) -> None:
    broken = folder / "broken.ebnf"
    broken.write_text("list = other;")
    assert f": {broken}: " in run("match", str(broken), "a", code=2).stderr
