"""Python objects that are no JSON, numbers at the limit of digits, references that lead to themselves: an
error that says where."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars.errors import ConstraintError, GrammarSyntaxError, LimitExceededError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.decimal_automaton import n_digits
from tokentrellis.grammars.json_schema.json_data import check_no_circle, check_value, fraction

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "location"),
    [
        ({1: 2}, ""),
        ({"items": {None: 2}}, "/items"),
        ({"properties": {1: {}}}, "/properties"),
        ({"patternProperties": {1: {}}}, "/patternProperties"),
        ({"dependentRequired": {1: ["a"]}}, "/dependentRequired"),
        ({"dependentSchemas": {1: {}}}, "/dependentSchemas"),
        ({"$schema": DRAFT_7, "dependencies": {1: ["a"]}}, "/dependencies"),
        ({"const": {1: 2}}, "/const"),
        ({"items": {"enum": [1, {"a": [{2: 3}]}]}}, "/items/enum/1/a/0"),
    ],
)
def test_keys_are_strings(schema: object, location: str) -> None:
    with pytest.raises(GrammarSyntaxError, match="every key must be a string") as caught:
        from_json_schema(schema)
    assert caught.value.location == location


@pytest.mark.parametrize("wrong", [b"x", object(), {1}, 1j, (1, 2), range(3), MappingProxyType({"a": 1})])
def test_constants_are_json(wrong: object) -> None:
    for schema, location in (
        ({"const": wrong}, "/const"),
        ({"enum": [1, wrong]}, "/enum/1"),
        ({"items": {"const": {"a/b": [wrong]}}}, "/items/const/a~1b/0"),
    ):
        with pytest.raises(GrammarSyntaxError, match="must be a JSON value") as caught:
            from_json_schema(schema)
        assert caught.value.location == location


def test_numbers_of_constants_are_finite() -> None:
    with pytest.raises(GrammarSyntaxError, match="a number must be finite, got inf") as caught:
        from_json_schema({"const": {"a": [float("inf")]}})
    assert caught.value.location == "/const/a/0"


def circle(schema: dict[str, Any], *path: str | int) -> dict[str, Any]:
    """The schema with itself at a place in it."""
    place: Any = schema
    for token in path[:-1]:
        place = place[token]
    place[path[-1]] = schema
    return schema


def test_what_contains_itself_is_refused() -> None:
    endless: list[object] = [1]
    endless.append(endless)
    cases: list[tuple[object, str]] = [
        ({"const": circle({"properties": {}}, "properties", "a")}, "/const/properties/a"),
        ({"enum": [0, endless]}, "/enum/1/1"),
        # Identifiers are searched for everywhere, in what asserts nothing too.
        (circle({"$ref": "#here", "default": {}}, "default", "a/b"), "/default/a~1b"),
        (
            circle({"$id": "http://x/", "items": {"$id": "y", "$defs": {}}}, "items", "$defs", "z"),
            "/items/$defs/z",
        ),
        (circle({"allOf": [{}]}, "allOf", 0), "/allOf/0"),
    ]
    for schema, location in cases:
        with pytest.raises(
            GrammarSyntaxError, match=r"must not contain itself|leads back to itself"
        ) as caught:
            from_json_schema(schema)
        assert caught.value.location == location
    registry = {"http://r/": circle({"$defs": {"a": {"$anchor": "a"}}}, "$defs", "b")}
    with pytest.raises(GrammarSyntaxError, match="must not contain itself"):
        from_json_schema({"$ref": "http://r/#a"}, registry=registry)


def test_what_is_shared_is_no_circle() -> None:
    shared: Any = {"a": [1]}
    for _ in range(100):  # as a tree it would have 2 ** 100 leaves
        shared = {"left": shared, "right": shared}
    check_no_circle(shared)
    name = {"type": "string"}
    assert from_json_schema({"properties": {"a": name, "b": {"items": name}}}).accepts('{"a":"","b":[""]}')
    assert from_json_schema({"const": [name, name]}, whitespace="any").accepts(
        '[{"type":"string"},{"type":"string"}]'
    )


@pytest.mark.parametrize("reference", ["#name", "http://r/other", "http://r/#name"])
def test_what_is_shared_too_often_is_not_searched(reference: str) -> None:
    shared: Any = {"type": "string"}
    for _ in range(60):
        shared = {"properties": {"a": shared, "b": shared}}
    with pytest.raises(LimitExceededError, match="shared counted at each place"):
        from_json_schema({"$ref": reference, "$defs": {"deep": shared}})
    with pytest.raises(LimitExceededError, match="shared counted at each place"):
        from_json_schema({"$ref": reference}, registry={"http://r/": shared})


def test_depth_is_no_matter_to_the_checks() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    check_value(deep, ())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.decimals(-9, 9, places=3) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_passes(value: object) -> None:
    check_value(value, ())


class UserError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [KeyError("boom"), RuntimeError("boom"), OSError("boom"), UserError("boom")]
)
def test_the_code_of_a_model_may_raise_anything(error: Exception) -> None:
    class Model:
        @classmethod
        def model_json_schema(cls) -> object:
            raise error

    with pytest.raises(GrammarSyntaxError, match=f"{type(error).__name__}: .?boom") as caught:
        from_json_schema(Model)
    assert caught.value.__cause__ is error
    assert caught.value.got is Model


def test_a_model_may_give_anything() -> None:
    for given_back in ([1], None, "{}", {1: 2}):
        model = type("Model", (), {"model_json_schema": staticmethod(lambda value=given_back: value)})
        with pytest.raises(GrammarSyntaxError):
            from_json_schema(model)


def test_uris_of_a_registry_are_strings() -> None:
    registry: Any = {1: {}}
    with pytest.raises(GrammarSyntaxError, match="every URI must be a string, got 1"):
        from_json_schema({}, registry=registry)


@pytest.mark.parametrize(
    ("schema", "location", "reference"),
    [
        ({"$ref": "#"}, "/$ref", "#"),
        ({"allOf": [{"$ref": "#"}]}, "/allOf/0/$ref", "#"),
        ({"items": {"$ref": "#/items"}}, "/items/$ref", "#/items"),
        (
            {
                "items": {"$ref": "#/$defs/a"},
                "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}},
            },
            "/items/$ref",
            "#/$defs/a",
        ),
        ({"$schema": DRAFT_7, "items": {"$ref": "#/items", "type": "null"}}, "/items/$ref", "#/items"),
    ],
)
def test_references_to_themselves_are_located(schema: object, location: str, reference: str) -> None:
    with pytest.raises(GrammarSyntaxError, match="the reference leads back to itself") as caught:
        from_json_schema(schema)
    assert (caught.value.location, caught.value.got) == (location, reference)


def test_a_long_chain_of_references_is_no_circle() -> None:
    def chain(length: int) -> dict[str, Any]:
        links = {str(index): {"$ref": f"#/$defs/{index + 1}"} for index in range(length)}
        return {"$ref": "#/$defs/0", "$defs": {**links, str(length): {"type": "null"}}}

    assert from_json_schema(chain(900)).accepts("null")
    with pytest.raises(LimitExceededError, match="at most 1000") as caught:
        from_json_schema(chain(1500))
    assert caught.value.location == "/$ref"


@pytest.mark.parametrize(
    ("number", "given"),
    [
        (10**1000, 1001),
        (-(10**1000), 1001),
        (10**5000 - 1, 5000),
        (Decimal("1e1000"), 1001),
        (Decimal("1e-1001"), 1001),
        (Decimal("1e999999999"), 1_000_000_000),
    ],
    ids=["1e1000", "-1e1000", "5000 nines", "Decimal 1e1000", "1e-1001", "1e999999999"],
)
def test_the_number_of_digits_is_exact(number: Any, given: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        from_json_schema({"items": {"minimum": number}})
    assert str(caught.value) == f"/items/minimum: digits of a number must be at most 1000, got {given}"


@pytest.mark.parametrize(
    "number", [10**1000 - 1, Decimal("1e999"), Decimal("1e-1000")], ids=["1000 nines", "1e999", "1e-1000"]
)
def test_as_many_digits_as_are_allowed(number: Any) -> None:
    assert fraction(number) == Fraction(number)
    assert from_json_schema({"minimum": number}).accepts("9" * 1000)


def test_digits_are_counted() -> None:
    for value in (0, 1, 9, 10, 99, 100, 2**64, 10**300 - 1, 10**300, 10**300 + 1):
        assert n_digits(value) == n_digits(-value) == len(str(value))
    assert n_digits(10**5000) == 5001


def test_what_is_multiplied_has_a_limit_too() -> None:
    schema = {"allOf": [{"multipleOf": 7**power + 1} for power in range(200, 300)]}
    with pytest.raises(ConstraintError, match=r"must be at most 1000, got [0-9]+;"):
        from_json_schema(schema)


@pytest.mark.parametrize("keyword", ["const", "enum"])
def test_a_value_that_unfolds_to_too_much_is_a_limit(keyword: str) -> None:
    value: list[Any] = [0]
    for _ in range(40):
        value = [value, value]
    with pytest.raises(LimitExceededError, match=f"/{keyword}: values in a constant"):
        from_json_schema({keyword: value})


def test_a_schema_may_share_its_parts() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        schema = {"allOf": [schema, schema]}
    assert from_json_schema(schema).accepts('"a"')
