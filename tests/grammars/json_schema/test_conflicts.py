"""What an error about an unsatisfiable schema names: demands that exclude each other, each of them needed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import tokentrellis as tt
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars.json_schema.conflicts import MOST_PLACES, find_conflict

LONE = {"type": "string", "minLength": 4, "maxLength": 3}


def conflict_of(schema: Any) -> tuple[str, ...]:
    with pytest.raises(tt.UnsatisfiableError) as caught:
        tt.from_json_schema(schema)
    assert caught.value.location == ""
    return caught.value.places


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        (False, set()),
        ({"title": "nothing", "not": {}, "minimum": 3}, {"/not"}),
        ({"type": "integer", "minimum": 2, "maximum": 1, "multipleOf": 1}, {"/type", "/minimum", "/maximum"}),
        ({"if": True, "then": False, "else": True, "type": "string"}, {"/if"}),
        ({"enum": ["abc"], "pattern": "^x", "minLength": 1}, {"/enum", "/pattern"}),
        (
            {"type": "array", "contains": {"type": "string"}, "items": {"type": "integer"}, "minItems": 2},
            {"/type", "/contains", "/items/type"},
        ),
        (
            {
                "type": "object",
                "properties": {"a": True, "b": True},
                "required": ["c"],
                "additionalProperties": False,
            },
            {"/type", "/required", "/additionalProperties"},
        ),
        (
            {
                "type": "object",
                "properties": {"a/b": LONE, "c": {"type": "string"}},
                "required": ["a/b", "c"],
            },
            {"/type", "/required", *(f"/properties/a~1b/{word}" for word in LONE)},
        ),
        ({"anyOf": [{"enum": []}, LONE]}, {"/anyOf/0/enum", *(f"/anyOf/1/{word}" for word in LONE)}),
        ({"oneOf": [{"const": 1}, {"const": 1}]}, {"/oneOf"}),
    ],
)
def test_places(schema: Any, places: set[str]) -> None:
    assert set(conflict_of(schema)) == places


def test_the_schema_is_not_changed() -> None:
    schema = {"allOf": [LONE, {"type": "integer"}]}
    before = copy.deepcopy(schema)
    conflict_of(schema)
    assert schema == before


def test_the_message_names_the_places() -> None:
    with pytest.raises(tt.UnsatisfiableError, match=r"exclude each other: /type, /minLength, /maxLength"):
        tt.from_json_schema(LONE)


def test_a_conflict_in_a_long_list_is_found_by_halves() -> None:
    harmless = [{"properties": {f"name{number}": {"type": "string"}}} for number in range(500)]
    places = conflict_of({"allOf": [*harmless, {"type": "array", "minItems": 1}, {"maxItems": 0}]})
    assert set(places) == {"/allOf/500/type", "/allOf/500/minItems", "/allOf/501/maxItems"}


def test_a_conflict_of_many_demands_is_not_listed() -> None:
    names = [f"name{number}" for number in range(MOST_PLACES + 1)]
    schema = {
        "type": "object",
        "properties": dict.fromkeys(names, False),
        "anyOf": [{"required": [name]} for name in names],
    }
    assert conflict_of(schema) == ()


@given(st.lists(st.frozensets(st.integers(0, 5), max_size=3), min_size=1, max_size=6))
def test_what_is_found_is_a_minimal_conflict(excluded: list[frozenset[int]]) -> None:
    """Each part of `allOf` excludes some of six values; the oracle counts what is left."""

    def is_met(schema: Any) -> bool:
        parts = [part for part in schema.get("allOf", []) if part is not True and "not" in part]
        return len(set().union(*(part["not"]["enum"] for part in parts))) < 6

    schema = {"allOf": [{"not": {"enum": sorted(values)}} for values in excluded]}
    if is_met(schema):
        return
    found = [int(place.split("/")[2]) for place in find_conflict(schema, is_met)]
    assert set().union(*(excluded[index] for index in found)) == set(range(6))
    for left_out in found:
        assert set().union(*(excluded[index] for index in found if index != left_out)) != set(range(6))
