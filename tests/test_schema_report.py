"""What `check` says of a schema: everything that is wrong at once, and each word where it belongs."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tokentrellis.command_line import app
from tokentrellis.schema_report import check_schema
from typer.testing import CliRunner

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def test_one_syntax_error_does_not_hide_the_others() -> None:
    schema: dict[str, Any] = {
        "properties": {
            "a": {"minimum": "3", "pattern": r"(a*)\1"},
            "b": {"type": "strng"},
            "c": {"allOf": [{"maximum": 3}, 7]},
            "d/e": {"pattern": "("},
        },
        "patternProperties": {"[": {}, r"(x*)\1": {}},
        "required": "a",
    }
    before = json.dumps(schema)
    report = check_schema(schema)
    assert sorted(place for place, _ in report.refused) == [
        "/patternProperties/(x*)\\1",
        "/patternProperties/[",
        "/properties/a/minimum",
        "/properties/a/pattern",
        "/properties/b/type",
        "/properties/c/allOf/1",
        "/properties/d~1e/pattern",
        "/required",
    ]
    assert json.dumps(schema) == before, "the schema itself is left alone"
    assert report.enforced == {"properties": 1, "maximum": 1}, "what is refused is not enforced"


def test_unknown_words_are_told_from_annotations() -> None:
    schema = {
        "title": "x",
        "x-order": 1,
        "propertes": {"a": {"minimum": "3"}},
        "properties": {"title": {"tpye": "string"}, "requird": {"zebra": 1}},
        "dependentSchemas": {"a": {"nullable": True}},
    }
    report = check_schema(schema)
    nothing = "is no keyword of JSON Schema and asserts nothing"
    assert report.unknown == [
        ("/propertes", f"'propertes' {nothing}; did you mean 'properties'?"),
        ("/properties/title/tpye", f"'tpye' {nothing}; did you mean 'type'?"),
        ("/properties/requird/zebra", f"'zebra' {nothing}"),
        ("/dependentSchemas/a/nullable", f"'nullable' {nothing}"),
    ]
    assert report.enforced == {"properties": 1, "dependentSchemas": 1}
    assert report.not_checked == {"title": 1, "x-order": 1}
    assert not report.refused


@pytest.mark.parametrize(
    ("schema", "place", "reason"),
    [
        ({"format": "weird"}, "/format", "the format 'weird' is not known and asserts nothing"),
        ({"then": {"minimum": 1}}, "/then", "asserts nothing without 'if' beside it"),
        ({"minContains": 1}, "/minContains", "asserts nothing without 'contains' beside it"),
        (
            {"$schema": DRAFT_7, "definitions": {"a": {}}, "$ref": "#/definitions/a", "minimum": 3},
            "/minimum",
            "asserts nothing beside $ref in draft 7",
        ),
    ],
)
def test_keywords_without_force_are_not_called_enforced(
    schema: dict[str, Any], place: str, reason: str
) -> None:
    report = check_schema(schema)
    word = place[1:]
    assert report.remarks == [(place, reason)]
    assert word not in report.enforced
    assert report.not_checked[word] == 1


def test_a_keyword_of_another_draft() -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "const": 3}
    assert check_schema(schema).unknown == [
        ("/const", "'const' is a keyword of draft 6, not of this schema's 4")
    ]


@pytest.mark.parametrize(
    ("schema", "place", "part"),
    [
        (False, "(root)", "no text can satisfy this"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "(root)", "exclude each other"),
        ({"$ref": "#/x"}, "/$ref", "leads nowhere"),
        ({"$schema": "http://json-schema.org/draft-03/schema#", "required": True}, "/$schema", "this draft"),
        ({"const": Decimal("1e99999")}, "/const", "digits of a number"),
        ({"maxItems": Decimal("1e99999")}, "/maxItems", "digits of a number"),
    ],
)
def test_one_reason_to_refuse(schema: Any, place: str, part: str) -> None:
    ((where, reason),) = check_schema(schema).refused
    assert where == place
    assert part in reason


def test_carets_stand_under_their_place() -> None:
    result = CliRunner().invoke(app, ["check", '{"pattern": "(a*)c\\\\1"}'], env={"COLUMNS": "200"})
    lines = result.stdout.splitlines()
    (index,) = [index for index, line in enumerate(lines) if line.startswith("refused")]
    assert lines[index + 1].endswith(r"(a*)c\1")
    assert lines[index + 2].index("^") == lines[index + 1].index("\\")
    assert result.exit_code == 1


def test_the_verdict_mentions_what_asserts_nothing() -> None:
    result = CliRunner().invoke(app, ["check", '{"type": "object", "requird": ["a"], "format": "x"}'])
    assert "save for what asserts nothing (1 unknown, 1 remarked: see above)" in " ".join(
        result.stdout.split()
    )
    assert result.exit_code == 0


def test_a_schema_that_contains_itself() -> None:
    """As Python objects can; each keyword is written once."""
    schema: dict[str, Any] = {"type": "object", "requird": 1, "minimum": "3"}
    schema["properties"] = {"a": schema, "b": {"maximum": 5, "items": schema}}
    report = check_schema(schema)
    assert report.enforced == {"type": 1, "properties": 1, "maximum": 1, "items": 1}
    assert [place for place, _ in report.unknown] == ["/requird"]
    assert [place for place, _ in report.refused] == ["/minimum"], "not once for each way that leads there"
    assert schema["minimum"] == "3", "the schema itself is left alone"


def test_a_schema_with_shared_parts_takes_no_longer_than_its_text() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(60):
        schema = {"properties": {"a": schema, "b": schema}}
    assert check_schema(schema).enforced == {"properties": 60, "type": 1}


def test_words_that_are_no_text() -> None:
    report = check_schema({1: 2, "minimum": 3})
    assert report.refused or report.unknown == [
        ("/1", "'1' is no keyword of JSON Schema and asserts nothing")
    ]
