"""Formats that are known only approximately, in every place of a schema: what is accepted is valid.

"xn--9n2bp8q.a" is a valid host name and "xn--X" is none, which the automata cannot tell: both are in the
outer language and not in the inner one. So neither may be accepted where the verdict on the format decides.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis.grammars.errors import UnsatisfiableError, UnsupportedFeatureError
from tokentrellis.grammars.grammar import StringEdge
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.formats import is_approximated, text_format
from tokentrellis.grammars.json_schema.string_sets import format_verdict

HOST = {"format": "hostname"}
UNCERTAIN = ["xn--9n2bp8q.a", "xn--X"]
TEXTS = [*UNCERTAIN, "a", "a.b-c", "", "-", "a b", "a" * 63, "a" * 64, ".".join(["b" * 63] * 4), "x" * 300]


def object_of(member: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"k": member}, "required": ["k"], "additionalProperties": False}


STRING_SCHEMAS: list[Any] = [
    {"not": HOST},
    {"not": {"not": HOST}},
    {"minLength": 1, "not": {"format": "time"}},
    {"anyOf": [{"not": HOST}, {"const": "a"}]},
    {"not": HOST, "enum": TEXTS},
    {"allOf": [HOST, {"enum": TEXTS}]},
    {"oneOf": [HOST, {"enum": TEXTS}]},
    {"oneOf": [{"allOf": [HOST, {"enum": UNCERTAIN}]}, {"enum": [*UNCERTAIN, "a"]}]},
    {"not": {"oneOf": [HOST, {"enum": TEXTS}]}},
    {"if": HOST, "then": {"maxLength": 3}, "else": {"maxLength": 15}},
    {"if": HOST, "then": False},
    {"minLength": 64, "maxLength": 64, "not": HOST},
]
OBJECT_SCHEMAS: list[Any] = [
    {"oneOf": [object_of(HOST), object_of({"enum": [*UNCERTAIN, "-"]})]},
    {"not": {"oneOf": [object_of(HOST), object_of({"enum": UNCERTAIN})]}},
    {**object_of({"enum": [*UNCERTAIN, "a"]}), "anyOf": [object_of(HOST), {"required": ["b"]}]},
    {**object_of({"enum": [*UNCERTAIN, "-"]}), "anyOf": [object_of({"not": HOST}), {"required": ["b"]}]},
    {"if": object_of(HOST), "then": object_of({"maxLength": 3}), "else": object_of({"maxLength": 15})},
]
KEY_SCHEMAS: list[Any] = [
    {"type": "object", "propertyNames": HOST},
    {"type": "object", "not": {"propertyNames": HOST}},
    {"oneOf": [{"type": "object", "propertyNames": HOST}, {"type": "object", "required": ["xn--X"]}]},
    {"oneOf": [{"type": "object", "propertyNames": HOST}, {"type": "object", "required": ["xn--9n2bp8q.a"]}]},
]
CASES = (
    [(schema, TEXTS) for schema in STRING_SCHEMAS]
    + [(schema, [{"k": text} for text in TEXTS]) for schema in OBJECT_SCHEMAS]
    + [(schema, [{text: 1} for text in TEXTS]) for schema in KEY_SCHEMAS]
)


@pytest.mark.parametrize(("schema", "values"), CASES, ids=[json.dumps(case[0])[:100] for case in CASES])
def test_what_is_accepted_is_valid(schema: Any, values: list[Any]) -> None:
    theirs = jsonschema_rs.validator_for(schema, validate_formats=True)
    ours = from_json_schema(schema, whitespace="any", property_order="any")
    for value in values:
        if ours.accepts(json.dumps(value)):
            assert theirs.is_valid(value), value


def test_what_is_certain_is_accepted() -> None:
    refused = from_json_schema({"not": HOST})
    assert refused.accepts('"-"')
    assert refused.accepts('"a b"')
    assert not refused.accepts("1")
    assert not refused.accepts('"a.b"')
    listed = from_json_schema({"allOf": [HOST, {"enum": [*UNCERTAIN, "a.b", "-"]}]})
    assert listed.accepts('"a.b"')
    other = from_json_schema({"oneOf": [object_of(HOST), object_of({"enum": ["a", "-"]})]})
    assert other.accepts('{"k":"-"}')
    assert other.accepts('{"k":"b"}')
    assert not other.accepts('{"k":"a"}')


@pytest.mark.parametrize("beside", [{"enum": ["a", "xn--X"]}, {"const": "xn--9n2bp8q.a"}])
def test_a_listed_value_with_no_verdict_is_not_supported(beside: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedFeatureError, match="xn--") as caught:
        from_json_schema({"properties": {"a": {**HOST, **beside}}})
    assert [where for where, _ in caught.value.problems] == ["/properties/a/format"]


def test_a_schema_that_only_uncertain_strings_might_meet_is_not_called_unsatisfiable() -> None:
    with pytest.raises(UnsupportedFeatureError, match="verdict"):
        from_json_schema({"type": "string", "not": {"format": "regex"}})
    with pytest.raises(UnsatisfiableError):
        from_json_schema({"allOf": [HOST, {"not": HOST}, {"const": "-"}]})


def test_listed_values_with_a_verdict_are_filtered() -> None:
    grammar = from_json_schema({**HOST, "enum": ["a.b", "-", "c"]})
    assert [grammar.accepts(json.dumps(text)) for text in ("a.b", "-", "c")] == [True, False, True]
    with pytest.raises(UnsatisfiableError):
        from_json_schema({**HOST, "const": "-"})


def test_verdicts() -> None:
    found = text_format("hostname")
    assert found is not None
    assert [format_verdict(found, text) for text in ("a.b", "-", *UNCERTAIN)] == [True, False, None, None]
    assert format_verdict(found, ".".join(["b" * 63] * 4)) is None  # 255 characters: left to a counter
    assert is_approximated("hostname")
    assert not is_approximated("date")
    assert not is_approximated("color")


@pytest.mark.parametrize(("name", "most"), [("hostname", 253), ("email", 254), ("idn-email", 254)])
def test_lengths_stay_beside_the_language(name: str, most: int) -> None:
    """An intersection would make each of these a product in the core."""
    grammar = from_json_schema({"type": "string", "format": name, "minLength": 3})
    (edge,) = grammar.expand(grammar.start).edges
    assert isinstance(edge, StringEdge)
    assert edge.terminal.content.regular
    assert (edge.least, edge.most) == (3, most)
