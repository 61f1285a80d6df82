"""`tokentrellis generate` beyond the common case: odd input, files that are taken up again, models that are
not there. With a tiny model of random weights."""

from __future__ import annotations

import json
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.commands import run

SCHEMA = '{"type": "object", "properties": {"age": {"enum": [1, 2]}}, "required": ["age"]}'


def no_constants(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


@pytest.mark.parametrize("number", ["1E+999", "-1E-999", "0.1"])
def test_the_report_is_json_whatever_the_numbers(model_folder: str, number: str) -> None:
    """What no float holds is written as the text has it."""
    text = run("generate", f'{{"enum": [{number}]}}', "x", "--model", model_folder, "--json").stdout
    report = json.loads(text, parse_constant=no_constants, parse_float=Decimal)
    assert report["value"] == Decimal(report["text"]) == Decimal(number)


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_made_up_from_no_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(text)
    (tmp_path / "lines.jsonl").write_text('"Ann"\n\n' + json.dumps({"text": text}) + "\n")
    assert "TEXT: the text is empty, got" in run("generate", SCHEMA, text, code=2).stderr
    assert "standard input: the text is empty" in run("generate", SCHEMA, stdin=text, code=2).stderr
    file = str(tmp_path / "empty.txt")
    assert f"{file}: the text is empty" in run("generate", SCHEMA, "--file", file, code=2).stderr
    lines = str(tmp_path / "lines.jsonl")
    message = run("generate", SCHEMA, "--jsonl", lines, code=2).stderr
    assert f"{lines}, line 3: the text is empty" in message
    assert "leave the line out" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--choices", "a,b", "--regex", "x", "text"), "--regex and --choices exclude each other, got"),
        (("--choices", "a,b", "--regex", "x"), "--regex and --choices exclude each other, got"),
        ((SCHEMA, "text", "--choices", "a,b"), "SCHEMA and --choices exclude each other, got"),
        (("--choices", "a,,b", "text"), "--choices: none of them may be empty, got 'a,,b'; write a,b,c"),
        (("--choices", "a,b", "text", "--whitespace", "any"), "--whitespace is a layout of JSON"),
        (
            (SCHEMA, "text", "--model", "./no/such"),
            "there is no such folder, got './no/such'; check the path",
        ),
        ((SCHEMA, "text", "--model", ""), "there is no such folder"),
    ],
)
def test_errors_name_the_right_thing(arguments: tuple[str, ...], message: str) -> None:
    assert message in run("generate", *arguments, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((SCHEMA, "a\udcff"), "TEXT"),
        (("--regex", "a\udcff", "text"), "--regex"),
        (("--choices", "a\udcff", "text"), "--choices"),
        (('{"title":"\udcff"}', "text"), "SCHEMA"),
    ],
)
def test_what_is_no_utf8(arguments: tuple[str, ...], name: str) -> None:
    message = run("generate", *arguments, code=2).stderr
    assert message.startswith(f"error: {name}: character ")
    assert "is no character of UTF-8, got '\\udcff'" in message


def test_a_schema_may_have_half_of_a_surrogate_pair(model_folder: str) -> None:
    schema = r'{"title": "\ud800", "properties": {"\udfff": {}}, "enum": [1]}'
    for model in ((), ("--model", model_folder)):
        assert run("generate", schema, "text", *model).stdout == "1\n"


def test_errors_of_the_run(model_folder: str) -> None:
    options = ("generate", SCHEMA, "text", "--model", model_folder)
    assert "what the prompt leaves" in run(*options, "--max-new-tokens", "5000", code=2).stderr
    assert "--top-k must be at least 1, got 0" in run(*options, "--top-k", "0", code=2).stderr
    assert "seed must be at most" in run(*options, "--seed", str(2**70), code=2).stderr


def test_top_k(model_folder: str) -> None:
    options = ("generate", SCHEMA, "text", "--model", model_folder)
    assert run(*options, "--top-k", "1", "--seed", "3").stdout == run(*options).stdout


def test_choices_may_have_blanks_around_them(model_folder: str) -> None:
    assert run("generate", "--choices", "cat , dog", "It barks.", "--model", model_folder).stdout in (
        "cat\n",
        "dog\n",
    )


def test_version() -> None:
    assert run("--version").stdout.split()[0] == "tokentrellis"
    assert run("-h").stdout == run("--help").stdout


def test_the_help_describes_the_lines() -> None:
    text = " ".join(run("generate", "--help").stdout.split())
    for part in ('text under "text"', 'value under "output"', 'under "report"', "goes on where it ended"):
        assert part in text


def test_an_unknown_model_fails_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no hub answers, only what was downloaded counts: no connection is tried twice."""
    opened: list[str] = []

    def refuse(request: Any, timeout: float) -> None:
        opened.append(request.full_url)
        assert timeout <= 5
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("waits to try again"))
    message = run("generate", SCHEMA, "text", "--model", "no-such-owner/no-such-model", code=2).stderr
    assert "got 'no-such-owner/no-such-model'; give a folder" in message
    assert message.count("\n") == 1
    assert len(opened) == 1


class TestLines:
    """--jsonl and --out."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        source = tmp_path / "in.jsonl"
        source.write_text('"Ann"\n\n{"id": 0.10, "text": "Bo"}\n"Zoé"\n', encoding="utf-8")
        return source

    def run(self, model_folder: str, source: Path, target: Path, *more: str, code: int = 0) -> Result:
        files = ("--jsonl", str(source), "--out", str(target))
        return run("generate", SCHEMA, *files, "--model", model_folder, *more, code=code)

    def test_members_are_copied_as_they_are(self, model_folder: str, source: Path) -> None:
        target = source.with_name("out.jsonl")
        assert self.run(model_folder, source, target).stderr == ""
        assert '{"id": 0.10, "text": "Bo", "output": {"age": ' in target.read_text(encoding="utf-8")

    def test_reports(self, model_folder: str, source: Path) -> None:
        target = source.with_name("out.jsonl")
        self.run(model_folder, source, target, "--json")
        for line in target.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            assert record["report"]["value"] == record["output"] == json.loads(record["report"]["text"])
            assert record["report"]["stats"]["n_tokens"] == len(record["report"]["token_ids"])
        message = self.run(model_folder, source, target, code=2).stderr
        assert "line 1: must have 'output' alone" in message

    def test_going_on_says_so(self, model_folder: str, source: Path) -> None:
        target = source.with_name("out.jsonl")
        self.run(model_folder, source, target)
        whole = target.read_bytes()
        assert (
            f"{target}: 3 of 3 lines are there; nothing is left to do"
            in self.run(model_folder, source, target).stderr
        )
        target.write_bytes(whole[: whole.index("é".encode()) + 1])  # in the middle of a character
        message = self.run(model_folder, source, target).stderr
        assert "2 of 3 lines are there; one that was cut off is removed; going on with line 3" in message
        assert target.read_bytes() == whole
        target.write_bytes(b"")
        assert self.run(model_folder, source, target).stderr == ""
        assert target.read_bytes() == whole

    def test_the_results_of_other_texts_are_not_continued(self, model_folder: str, source: Path) -> None:
        target = source.with_name("out.jsonl")
        other = b'{"text": "Ann", "output": {"age": 1}}\n{"text": "Cy", "output": 2}\n{"te'
        target.write_bytes(other)
        message = self.run(model_folder, source, target, code=2).stderr
        assert (
            f'{target}, line 2: must be the result for text 2 of {source}, {{"id": 0.10, "text": "Bo"}}'
            in message
        )
        assert "name another --out, or remove the file" in message
        assert target.read_bytes() == other, "nothing is cut off either"
        target.write_text("no JSON\n")
        assert "line 1 is not JSON" in self.run(model_folder, source, target, code=2).stderr

    def test_targets_that_cannot_be(self, model_folder: str, source: Path) -> None:
        assert "is the input itself" in self.run(model_folder, source, source, code=2).stderr
        assert "is a folder" in self.run(model_folder, source, source.parent, code=2).stderr
        assert "does not exist" in self.run(model_folder, source, source.parent / "a" / "b", code=2).stderr

    def test_targets_that_cannot_be_written(self, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """That is found before a model is looked for."""
        loop = source.with_name("loop")
        loop.symlink_to(loop)
        read_only = source.with_name("read_only")
        read_only.write_text("")

        def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
            if path == read_only and arguments == ("a",):
                raise PermissionError(13, "Permission denied", str(path))
            return opened(path, *arguments, **options)

        opened = Path.open
        monkeypatch.setattr(Path, "open", refuse)
        for target in (loop, read_only, source.with_name("a" * 300)):
            message = self.run("./no/such/model", source, target, code=2).stderr
            assert message.startswith(f"error: {target}: cannot be written (")
            assert message.count("\n") == 1

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_a_target_that_is_full(self, model_folder: str, source: Path) -> None:
        message = self.run(model_folder, source, Path("/dev/full"), code=2).stderr
        assert message.startswith("error: /dev/full: cannot be written (No space left on device)")

    def test_texts_that_are_no_text(self, model_folder: str, source: Path) -> None:
        source.write_text('"Ann"\n{"text": "a\\ud800"}\n')
        message = self.run(model_folder, source, source.with_name("out.jsonl"), code=2).stderr
        assert f"{source}, line 2, the text: character 2 is no character of UTF-8" in message

    def test_other_members_may_have_half_of_a_surrogate_pair(self, model_folder: str, source: Path) -> None:
        source.write_text('{"id": "\\ud800", "text": "Ann"}\n')
        target = source.with_name("out.jsonl")
        self.run(model_folder, source, target)
        assert target.read_text(encoding="utf-8").startswith('{"id": "\\ud800", "text": "Ann", "output": ')
        assert "1 of 1 lines are there" in self.run(model_folder, source, target).stderr

    def test_members_that_would_be_overwritten(self, model_folder: str, source: Path) -> None:
        source.write_text('{"text": "Bo", "output": 3}\n')
        message = self.run(model_folder, source, source.with_name("out.jsonl"), code=2).stderr
        assert "line 1: has 'output' already" in message
