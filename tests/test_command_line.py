"""The command `tokentrellis`, as a user types it; `generate` with a tiny model of random weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.commands import run
from tests.tiny_models import tiny_tokenizer

SCHEMA: dict[str, Any] = {
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 1}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
INLINE = json.dumps(SCHEMA)


def is_valid(value: Any, schema: Any = SCHEMA) -> bool:
    return jsonschema_rs.validator_for(schema).is_valid(value)


def test_generate_one_text(model_folder: str, tmp_path: Path) -> None:
    options = ("--model", model_folder, "--max-new-tokens", "40")
    first = run("generate", INLINE, "Ann is 41.", *options).stdout
    assert is_valid(json.loads(first))
    (tmp_path / "schema.json").write_text(INLINE)
    (tmp_path / "text.txt").write_text("Ann is 41.")
    schema_file, text_file = str(tmp_path / "schema.json"), str(tmp_path / "text.txt")
    assert run("generate", schema_file, "--file", text_file, *options).stdout == first
    assert run("generate", schema_file, *options, stdin="Ann is 41.").stdout == first
    assert run("generate", "-", "Ann is 41.", *options, stdin=INLINE).stdout == first


def test_generate_for_programs(model_folder: str) -> None:
    arguments = ("generate", INLINE, "Ann", "--model", model_folder, "--max-new-tokens", "40", "--json")
    report = json.loads(run(*arguments, "--seed", "3", "--temperature", "2", "--top-p", "0.9").stdout)
    assert is_valid(report["value"])
    assert report["stats"]["n_tokens"] == len(report["token_ids"]) <= 40
    assert (
        json.loads(run(*arguments, "--seed", "3", "--temperature", "2", "--top-p", "0.9").stdout)["text"]
        == (report["text"])
    )


def test_generate_by_a_pattern_or_choices(model_folder: str) -> None:
    assert (
        run("generate", "--regex", "[0-9]{4}", "A year.", "--model", model_folder).stdout.strip().isdecimal()
    )
    assert run("generate", "--choices", "yes,no", "Is it?", "--model", model_folder).stdout in (
        "yes\n",
        "no\n",
    )


def test_generate_layout(model_folder: str) -> None:
    arguments = ("generate", INLINE, "Ann", "--model", model_folder, "--max-new-tokens", "60")
    assert run(*arguments, "--whitespace", "2").stdout.startswith('{\n  "')
    assert run(*arguments, "--whitespace", "compact").stdout.startswith('{"')


def test_generate_many_lines_and_take_up_again(model_folder: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    records: list[Any] = ["Ann", {"id": 7, "text": "Bo"}, "Cy", "Di"]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    arguments = ("generate", INLINE, "--jsonl", str(source), "--model", model_folder, "--seed", "1")
    arguments += ("--max-new-tokens", "40")
    run(*arguments, "--out", str(target))
    whole = target.read_text()
    lines = [json.loads(line) for line in whole.splitlines()]
    assert [line["text"] for line in lines] == ["Ann", "Bo", "Cy", "Di"]
    assert lines[1]["id"] == 7
    assert all(is_valid(line["output"]) for line in lines)

    cut = whole[: whole.index("\n", len(whole) // 2) - 5]  # stopped in the middle of a line
    target.write_text(cut)
    run(*arguments, "--out", str(target))
    assert target.read_text() == whole
    run(*arguments, "--out", str(target))
    assert target.read_text() == whole
    assert run(*arguments).stdout == whole


def test_check_says_what_is_enforced() -> None:
    report = json.loads(run("check", INLINE, "--json").stdout)
    assert report == {
        "enforced": {
            "type": 3, "properties": 1, "required": 1, "additionalProperties": 1, "minimum": 1,
        },
        "not_checked": {"title": 1},
        "unknown": [],
        "remarks": [],
        "refused": [],
    }  # fmt: skip
    text = run("check", INLINE).stdout
    assert "additionalProperties" in text
    assert "enforced exactly" in text
    unknown = run("check", '{"type": "string", "format": "weird"}').stdout
    assert "remark   /format: the format 'weird' is not known" in unknown


def test_check_says_what_is_refused_and_where() -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": "(?<=x)y\\b(?!z)\\1"}, "b": {"minimum": "1"}}}
    result = run("check", json.dumps(schema), code=1)
    assert "cannot be used" in result.stdout
    report = json.loads(run("check", json.dumps(schema), "--json", code=1).stdout)
    assert report["refused"]
    assert all(place.startswith("/properties/") for place, _ in report["refused"])


def test_match() -> None:
    assert run("match", INLINE, '{"name": "Ann", "age": 41}').stdout == "the text matches\n"
    result = run("match", INLINE, '{"name": "Ann", "age": -41}', code=1)
    assert result.stdout.splitlines()[:3] == [
        "line 1, column 24: the text leaves the grammar",
        '    {"name": "Ann", "age": -41}',
        "                           ^",
    ]
    assert "'1' to '9'" in result.stdout
    result = run("match", INLINE, '{"name": "Ann', code=1)
    assert "line 1, column 14: the text is not finished" in result.stdout
    report = json.loads(run("match", INLINE, '{"na', "--json", code=1).stdout)
    assert (report["matches"], report["accepted_bytes"]) == (False, 4)
    assert report["expected"] == "'\\\\' or 'm'", "a key may be spelled with escapes"
    assert (report["next_bytes"], report["may_end"]) == ([ord("\\"), ord("m")], False)
    assert "expected: 'ue'" in run("match", "true", "[tr", code=1).stdout


def test_match_says_when_only_the_order_is_wrong() -> None:
    advice = "only the order of the keys is wrong: --property-order any"
    assert advice in run("match", INLINE, '{"age": 1, "name": ""}', code=1).stdout
    assert advice not in run("match", INLINE, '{"age": 1, "nam": ""}', code=1).stdout
    options = ("--property-order", "any")
    assert advice not in run("match", INLINE, '{"age": ', *options, code=1).stdout


def test_match_options() -> None:
    spread = '{  "age":1,"name":""}'
    run("match", INLINE, spread, code=1)
    run("match", INLINE, spread, "--whitespace", "any", "--property-order", "any")


def test_mask(model_folder: str) -> None:
    arguments = ("mask", INLINE, '{"name": "A", "age": 4', "--tokenizer", model_folder)
    report = json.loads(run(*arguments, "--json").stdout)
    vocabulary_size = len(tiny_tokenizer())
    assert report["vocab_size"] == vocabulary_size
    assert {"id": tiny_tokenizer()("7")["input_ids"][0], "text": "'7'"} in report["tokens"]
    assert report["tokens_to_finish"] == 2
    text = run(*arguments, "--limit", "2").stdout
    assert f"of {vocabulary_size} are allowed: '0' '1' and " in text
    assert "can end within 2 tokens, the end of the text included" in text
    assert f"and {report['n_tokens'] - 2} more" in text
    assert "more" in run(*arguments, "--limit", "0").stdout
    run(*arguments, "--limit", "-1", code=2)
    assert "leaves the grammar" in run("mask", INLINE, "[", "--tokenizer", model_folder, code=1).stdout


def test_info() -> None:
    report = json.loads(run("info", "--json").stdout)
    assert report["versions"]["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert report["versions"]["tokentrellis"]
    assert report["cores"] >= 1
    assert "transformers" in run("info").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generate", "no_such_file.json", "x"), "must be a file, '-', JSON or module:Name, got"),
        (("generate", '{"type": }', "x"), 'SCHEMA is not JSON (Expecting value)\n    {"type": }\n'),
        (("generate", "json:no_such_name", "x"), "no_such_name"),
        (("generate", '{"type": "strin"}', "x"), "/type"),
        (("generate", "[1]", "x"), "SCHEMA: a JSON Schema is an object, true or false, got '[1]'"),
        (("generate", INLINE, "x", "--file", "y"), "TEXT and --file exclude each other"),
        (("generate", "x"), "must be a file"),
        (("generate",), "one of SCHEMA, --regex and --choices is needed"),
        (("generate", INLINE, "x", "--regex", "a"), "exclude each other"),
        (("generate", INLINE, "x", "--out", "y"), "--out goes with --jsonl"),
        (("generate", "-"), "cannot both be standard input"),
        (("generate", INLINE, "--file", "no_such_file"), "no_such_file: cannot be read"),
        (("generate", INLINE, "--jsonl", "no_such_file"), "no_such_file: cannot be read"),
        (("generate", INLINE, "x", "--model", "./no_such_model"), "cannot be loaded"),
        (("generate", INLINE, "x", "--whitespace", "wide"), "must be natural, any"),
        (("match", "{", "x"), "SCHEMA is not JSON"),
    ],
)  # fmt: skip
def test_errors_are_one_message(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments, code=2, stdin="")
    assert message in result.stderr
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_errors_in_lines(tmp_path: Path, model_folder: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('"Ann"\n{"txt": "Bo"}\n')
    arguments = ("generate", INLINE, "--jsonl", str(source), "--model", model_folder)
    assert "line 2: must be a text, or an object with a text under 'text'" in run(*arguments, code=2).stderr
    source.write_text('"Ann"\n')
    target = tmp_path / "out.jsonl"
    target.write_text("1\n2\n")
    assert "has more lines than" in run(*arguments, "--out", str(target), code=2).stderr


def test_python_names_as_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shapes_for_a_test.py").write_text(
        "from pydantic import BaseModel\nclass Outer:\n  class Point(BaseModel):\n    x: int\n    y: int\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    run("match", "shapes_for_a_test:Outer.Point", '{"x": 1, "y": 2}')
    run("match", "shapes_for_a_test:Outer.Point", '{"x": 1}', code=1)
    assert (
        json.loads(run("check", "shapes_for_a_test:Outer.Point", "--json").stdout)["enforced"]["required"]
        == 1
    )


def test_as_a_module() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tokentrellis", "match", "true", "{}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, "the text matches\n")


def test_half_of_a_surrogate_pair_is_written_as_json_spells_it(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        r'{"foo\ud800": 1, "properties": {"\udfff": {"x\ud800y": 1}, "é": {}}}', encoding="utf-8"
    )
    assert r"unknown  /foo\ud800: " in run("check", str(schema)).stdout
    text = run("check", str(schema), "--json").stdout
    assert r'["/foo\ud800", ' in text
    assert [place for place, _ in json.loads(text)["unknown"]] == [
        "/foo\ud800",
        "/properties/\udfff/x\ud800y",
    ]


@pytest.mark.parametrize(("encoding", "é"), [("ascii", r"\u00e9"), ("utf-8", "é")])
def test_output_in_an_encoding_without_the_character(encoding: str, é: str) -> None:
    schema = '{"é😀": 1}'
    finished = tokentrellis("check", schema, "--json", stdout=subprocess.PIPE, PYTHONIOENCODING=encoding)
    assert finished.returncode == 0
    assert é in finished.stdout.decode(encoding)
    assert json.loads(finished.stdout.decode(encoding))["unknown"][0][0] == "/é😀"


@pytest.mark.parametrize("command", [("match",), ("mask",)])
def test_texts_that_are_no_utf8(command: tuple[str, ...]) -> None:
    message = run(*command, "true", "a\udcff", code=2).stderr
    assert "character 2 is no character of UTF-8, got '\\udcff'; take it out" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("arguments", [("check", "-"), ("match", "-", "1"), ("generate", "-", "text")])
def test_standard_input_that_is_no_utf8(arguments: tuple[str, ...]) -> None:
    message = run(*arguments, code=2, stdin=b"\xff{}").stderr
    assert message.startswith("error: standard input: cannot be read")


def test_a_number_of_blanks_that_int_does_not_read() -> None:
    message = run("match", "{}", "1", "--whitespace", "9" * 5000, code=2).stderr
    assert "--whitespace must be natural, any, compact or a number of blanks, got '9999" in message


def tokentrellis(*arguments: str, stdout: Any, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tokentrellis", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("check", "{}"), ("match", "true", "{}"), ("--help",)])
def test_an_output_that_is_full(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        finished = tokentrellis(*arguments, stdout=full)
    assert finished.returncode == 2
    assert finished.stderr.startswith(b"error: standard output: cannot be written (")
    assert finished.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("n_words", [1, 5000])
def test_an_output_that_nobody_reads(tmp_path: Path, n_words: int) -> None:
    """Neither what is printed at once, nor what waits for the end, ends in a message."""
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({f"word {number}": 1 for number in range(n_words)}))
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        finished = tokentrellis("check", str(schema), stdout=write_end)
    finally:
        os.close(write_end)
    assert (finished.returncode, finished.stderr) == (141, b"")
