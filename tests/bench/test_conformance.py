"""The conformance runs in small: that they find what is wrong, and nothing where all is right."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tokentrellis import GrammarSyntaxError, Vocabulary
from tokentrellis.benchmark import isolation
from tokentrellis.benchmark.conformance import documents, report, suite
from typer.testing import CliRunner

from bench.conformance import differential, hostile, schemas, shrink, walks, witness
from bench.conformance.__main__ import application

LIMITS = isolation.Limits(seconds=20.0, megabytes=500.0)


def small_suite(*tests: tuple[Any, bool], schema: Any, file: str = "type.json") -> dict[str, Any]:
    listed = [
        {"description": f"test {place}", "data": data, "valid": v} for place, (data, v) in enumerate(tests)
    ]
    group = {"file": file, "description": "group", "schema": schema, "tests": listed}
    return {"draft": "draft2020-12", "groups": [group], "remotes": {"http://r/": {"type": "integer"}}}


def test_a_suite_that_agrees() -> None:
    found = suite.run_suite(small_suite((1.0, True), ("x", False), schema={"$ref": "http://r/"}))
    assert found.failures == []
    assert found.counts == {"required: tests": 2, "required: agreeing": 2}


def test_a_suite_that_disagrees() -> None:
    found = suite.run_suite(small_suite((1, False), ("x", True), schema={"type": "integer"}))
    assert [finding.kind for finding in found.failures] == ["invalid accepted", "valid refused"]
    assert found.counts["required: agreeing"] == 0


def test_an_unsatisfiable_group_has_no_valid_test() -> None:
    found = suite.run_suite(small_suite((1, False), (2, True), schema=False))
    assert [finding.where for finding in found.failures] == ["type.json: group: test 1"]


def test_formats_are_asserted_in_their_own_files_only() -> None:
    schema = {"format": "ipv4"}
    assert suite.run_suite(small_suite(("x", True), schema=schema, file="format.json")).failures == []
    inside = small_suite(("x", False), schema=schema, file="optional/format/ipv4.json")
    assert suite.run_suite(inside).failures == []


def test_the_official_suite(shared_data: Path) -> None:
    path = shared_data / "json_schema_test_suite_2020-12.json.gz"
    found = suite.run_suite(suite.read_suite(path), only="ropertyNames")
    assert found.counts["required: tests"] > 10
    assert [finding for finding in found.failures if "uniqueItems" not in finding.reason] == []


def test_spellings_are_the_same_document() -> None:
    document = {"a": [1.5, {"b": "é\n", "c": None}], "": True}
    texts = dict(documents.spellings(document, random.Random(1)))
    assert len(set(texts.values())) == 4
    assert all(json.loads(text) == document for text in texts.values())


def test_repeated_keys_are_seen_at_every_depth() -> None:
    assert documents.repeats_a_key('[{"a":{"b":1,"b":2}}]')
    assert not documents.repeats_a_key('[{"a":{"b":1}},{"a":2}]')


def test_the_witness_is_excused_where_doubles_end() -> None:
    assert witness.excuse(True, '{"a":[12345678901234567890]}')
    assert witness.excuse(True, "1e999")
    assert witness.excuse(True, "-1E-99999999999999999999")
    assert not witness.excuse(True, '[1.5, -0.25e10, 0e0, "12345678901234567890", 100000000000000000000]')


def test_walks_end_in_valid_documents(byte_vocabulary: Vocabulary) -> None:
    line = {
        "name": "a",
        "schema": {"type": "object", "properties": {"a": {"enum": ["x", 2]}}, "required": ["a"]},
    }
    found = walks.run_walks([line], walks.Walker(byte_vocabulary, 10, 0, {"property_order": "any"}), LIMITS)
    assert found.failures == []
    assert found.counts["valid"] + found.counts["repeat a key"] == 10


def test_walks_notice_an_invalid_document(
    byte_vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        walks, "Witness", lambda schema, formats: witness.Witness({"type": "null"}, formats=formats)
    )
    line = {"name": "a", "schema": {"enum": [1, 2]}}
    found = walks.run_walks([line], walks.Walker(byte_vocabulary, 3, 0, {}), LIMITS)
    assert [finding.kind for finding in found.failures] == ["invalid"] * 3


def test_no_disagreement_in_a_small_run() -> None:
    comparer = differential.Comparer(40, frozenset(["uniqueItems"]))
    found = differential.run_differential(600, 5, comparer, LIMITS)
    assert found.failures == []
    assert min(found.counts["pairs, valid"], found.counts["pairs, invalid"]) > 100


def test_a_disagreement_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lax(documents.Reader):
        def __init__(self, schema: Any, **options: Any) -> None:
            super().__init__(json.loads(json.dumps(schema).replace("maxLength", "title")), **options)

    monkeypatch.setattr(differential, "Reader", Lax)
    schema = {"type": ["string", "null"], "maxLength": 2, "title": "a", "allOf": [{"minLength": 1}]}
    found = differential.compare(schema, ['"abcdef"', '"a"', "null"], "case")
    assert [finding.kind for finding in found.findings] == ["invalid accepted"]
    small = differential.shrunk(found.findings[0])
    assert list(small.schema) == ["maxLength"]
    assert len(small.document or "") < 8


def test_shrinking_keeps_the_disagreement() -> None:
    schema, document = shrink.shrink(
        {"a": [1, {"b": "keep"}], "c": 2}, [1, 2], lambda s, d: "keep" in json.dumps(s)
    )
    assert json.dumps(schema) == '{"b": "keep"}'
    assert document in (0, "", True, {})


def test_the_generator_uses_every_keyword_and_both_verdicts() -> None:
    words: set[str] = set()
    for seed in range(300):
        schema = schemas.random_schema(random.Random(seed))
        assert not schemas.refers_in_place(schema)
        witness.Witness(schema, formats=False)
        words |= set(json.dumps(schema).replace('"', " ").split())
    assert set(schemas._KEYWORDS) | {"then", "else", "minContains", "maxContains", "$ref", "$defs"} <= words


def test_references_in_place_are_seen() -> None:
    assert schemas.refers_in_place({"$defs": {"a": {"allOf": [{"not": {"$ref": "#/$defs/a"}}]}}})
    assert not schemas.refers_in_place({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}})


def give_up(argument: Any) -> Any:
    if argument == "exit":
        os._exit(3)
    if argument == "sleep":
        time.sleep(60)
    if argument == "grow":
        kept = [bytes(10**7) + os.urandom(1) for _ in range(100)]
        time.sleep(60)
        return len(kept)
    return argument


@pytest.mark.parametrize(
    ("argument", "status"),
    [
        ("exit", isolation.CRASH),
        ("sleep", isolation.TIMEOUT),
        ("grow", isolation.MEMORY),
        (5, isolation.DONE),
    ],
)
def test_a_worker_is_watched_and_replaced(argument: Any, status: str) -> None:
    seconds = 0.3 if argument == "sleep" else 30.0
    isolated = isolation.Isolated(give_up, isolation.Limits(seconds=seconds, megabytes=300.0))
    try:
        assert isolated.call(argument).status == status
        assert isolated.call("again").value == "again"
    finally:
        isolated.close()


def test_hostile_outcomes_are_told_apart() -> None:
    right = hostile.attempt(lambda: ({"type": "null"}, [("null", True), ("1", False)]))
    wrong = hostile.attempt(lambda: ({"type": "null"}, [("1", True)]))
    never = hostile.attempt(lambda: (False, [("1", True)]))
    refused = hostile.attempt(lambda: ({"type": "nil"}, []))
    assert [outcome.kind for outcome in (right, wrong, never, refused)] == [
        hostile.RIGHT,
        hostile.WRONG,
        hostile.WRONG,
        hostile.REFUSED,
    ]
    assert GrammarSyntaxError.__name__ in refused.reason


def test_a_foreign_exception_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def foreign(schema: Any) -> documents.Reader:
        raise KeyError("foreign")

    monkeypatch.setattr(hostile, "Reader", foreign)
    assert hostile.attempt(lambda: (True, [])).kind == hostile.FOREIGN


@pytest.mark.parametrize("name", ["circle", "surrogate", "lone", "pattern (a+)", "type of a wrong type"])
def test_some_hostile_cases(name: str) -> None:
    chosen = [case for known, case in hostile.CASES if name in known]
    assert chosen
    for case in chosen:
        assert hostile.attempt(case).kind in (hostile.RIGHT, hostile.REFUSED)


def test_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "suite.json.gz"
    with gzip.open(data, "wt") as file:
        json.dump(small_suite((1, True), (2, True), schema={"const": 1}), file)
    out = tmp_path / "report.json"
    result = CliRunner().invoke(application, ["suite", "--data", str(data), "--out", str(out)])
    assert result.exit_code == 1
    assert "| required: agreeing | 1 |" in result.stdout
    assert len(json.loads(out.read_text())["failures"]) == 1


def test_a_report_prints_what_is_needed_to_see_it_again() -> None:
    found = report.Report("title")
    found.failures.append(report.Finding("invalid accepted", "case", "why", {"a": 1}, "[1]"))
    assert '**invalid accepted** case: why\n  document `[1]`\n  schema `{"a": 1}`' in str(found)


def test_commands_without_the_witness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)  # an import of it fails
    monkeypatch.setattr("bench.conformance.__main__.is_installed", lambda: False)
    for name in ("__main__", "collection", "differential", "walks", "witness"):
        monkeypatch.delitem(sys.modules, f"bench.conformance.{name}")
    importlib.import_module("bench.conformance.__main__")
    refused = CliRunner().invoke(application, ["differential", "--pairs", "1"])
    assert (refused.exit_code, "pip install jsonschema-rs" in refused.stderr) == (2, True)
