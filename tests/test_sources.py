"""SCHEMA on the command line, whatever a user names: a schema, or one message that says what to do."""

from __future__ import annotations

import io
import os
import sys
import threading
import typing
from decimal import Decimal
from pathlib import Path

import pytest
from tokentrellis.grammars.errors import ConstraintError, GrammarSyntaxError, LimitExceededError
from tokentrellis.sources import MOST_LEVELS, json_schema_of, parse_json, read_schema, write_json

MODULE = """
import enum, typing
from collections.abc import Callable
from dataclasses import dataclass
from pydantic import BaseModel
import typing_extensions

class Plain: ...
class Extended(typing_extensions.TypedDict):
    a: int
class Undefined(BaseModel):
    a: "Missing"
class Calls(BaseModel):
    a: Callable[[int], int]
@dataclass
class Holds:
    a: Plain
class Model(BaseModel):
    a: int
instance = Model(a=1)
thing = object()
number = 3
listed = [1]
nothing = None
schema = {"type": "integer"}
text = '{"type": "integer"}'
not_json = "integer"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "module_of_a_source_test"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


@pytest.mark.parametrize(
    "name", ["Plain", "Undefined", "Calls", "Holds", "thing", "number", "listed", "nothing", "not_json"]
)
def test_what_is_no_schema_is_one_error_of_ours(module: str, name: str) -> None:
    with pytest.raises(GrammarSyntaxError, match="schema must be"):
        json_schema_of(read_schema(f"{module}:{name}"))


@pytest.mark.parametrize("name", ["Extended", "Model", "instance"])
def test_types(module: str, name: str) -> None:
    assert json_schema_of(read_schema(f"{module}:{name}"))["required"] == ["a"]


@pytest.mark.parametrize("name", ["schema", "text"])
def test_schemas_in_a_module(module: str, name: str) -> None:
    assert json_schema_of(read_schema(f"{module}:{name}")) == {"type": "integer"}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it from Python 3.12 on")
def test_typing_typed_dict_says_what_to_write() -> None:
    class Point(typing.TypedDict):
        x: int

    with pytest.raises(GrammarSyntaxError, match="write `from typing_extensions import TypedDict`"):
        json_schema_of(Point)


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("x = y", "NameError"),
        ("class Own(Exception): ...\nraise Own('no settings')", "Own: no settings"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_modules_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, part: str) -> None:
    (tmp_path / "module_that_fails.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ConstraintError, match=f"cannot be imported .{part}.*, got 'module_that_fails'; look"):
        read_schema("module_that_fails:x")


def test_names_that_are_not_there(module: str) -> None:
    with pytest.raises(ConstraintError, match=r"no attribute 'Modle', got 'Modle'; did you mean 'Model'\?"):
        read_schema(f"{module}:Modle")
    with pytest.raises(ConstraintError, match="No module named 'no_such_module'"):
        read_schema("no_such_module:x")


def test_names_whose_look_up_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_with_look_up.py").write_text("def __getattr__(name): raise ValueError('not today')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    message = (
        "'Model' of the module cannot be looked up .ValueError: not today., got 'module_with_look_up:Model'"
    )
    with pytest.raises(ConstraintError, match=message):
        read_schema("module_with_look_up:Model")


def test_what_is_no_utf8_on_the_command_line() -> None:
    message = r"^SCHEMA: character 11 is no character of UTF-8, got '\\udcff'; take it out, or write"
    with pytest.raises(ConstraintError, match=message):
        read_schema('{"title":"\udcff"}')


def test_standard_input_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{\xff}"), encoding="utf-8"))
    with pytest.raises(ConstraintError, match=r"^standard input: cannot be read .*invalid start byte"):
        read_schema("-")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"title": "\udcff"}'))  # as in the locale C
    with pytest.raises(ConstraintError, match=r"^standard input: character 12 is no character of UTF-8"):
        read_schema("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConstraintError, match=r"^standard input: is closed; name a file"):
        read_schema("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_is_read_as_a_file(tmp_path: Path) -> None:
    """As `check <(command)` names one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"type": "integer"}',))
    writer.start()
    assert read_schema(str(pipe)) == {"type": "integer"}
    writer.join()


@pytest.mark.parametrize("source", ["", "x" * 5000, "a\0b", "[1]", "null", "3", "a:b:c"])
def test_words_that_are_no_schema(source: str) -> None:
    with pytest.raises(ConstraintError):
        read_schema(source)


def test_parse_json_is_exact_and_strict() -> None:
    assert parse_json('{"a": 1e999, "b": 0.10}', "x") == {"a": Decimal("1e999"), "b": Decimal("0.10")}
    with pytest.raises(GrammarSyntaxError, match="x is not JSON, which has no Infinity"):
        parse_json("[1, Infinity]", "x")
    with pytest.raises(LimitExceededError, match="digits of a number"):
        parse_json("1" * 5000, "x")
    with pytest.raises(LimitExceededError, match="levels of nesting"):
        parse_json("[" * 200_000, "x")


@pytest.mark.parametrize(
    "text",
    ['{"a": 1E+999, "b": [true, null, "é\\n", {}, []]}', "0.10", "-0.0", "1E-400", "12345678901234567890"],
)
def test_what_was_parsed_is_written_as_it_was(text: str) -> None:
    assert write_json(parse_json(text, "x")) == text


def test_write_json_never_writes_what_json_has_not() -> None:
    values = [float("inf"), float("nan"), Decimal("Infinity"), 1.5]
    assert write_json(values) == "[null, null, null, 1.5]"


def test_write_json_of_any_depth() -> None:
    value: typing.Any = {}
    for _ in range(MOST_LEVELS // 2 - 1):
        value = [1, {"a": value}]
    text = write_json(value)
    assert text.startswith('[1, {"a": [1, {"a": ')
    assert text.count("{") == text.count("}") == MOST_LEVELS // 2
    value += [value, value]
    with pytest.raises(LimitExceededError, match="levels of nesting of JSON must be at most 10000"):
        write_json(value)


def test_keys_that_come_twice(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"properties": {"a": {}, "a": {}}}')
    with pytest.raises(GrammarSyntaxError, match=r"schema\.json: the key 'a' comes twice") as caught:
        read_schema(str(path))
    assert str(caught.value).startswith("/properties/a: ")
    assert parse_json('{"a": 1, "a": 2}', "TEXT") == {
        "a": 2
    }  # of a document the last one counts, as in Python
