"""Short ways give what the general ways give: types that stand alone, plain arrays, all texts but some words,
costs read off keywords, documents searched for identifiers once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.grammars import utf8
from tokentrellis.grammars.emptiness import shortest_length
from tokentrellis.grammars.expressions import UNLIMITED
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.algebra import NEVER
from tokentrellis.grammars.json_schema.keywords import ARRAY, DRAFTS, OBJECT, bare_type
from tokentrellis.grammars.json_schema.nodes import BARE_TYPES, SCALARS
from tokentrellis.grammars.json_schema.references import References
from tokentrellis.grammars.json_schema.rules import plain_array
from tokentrellis.grammars.json_schema.scalars import BARE_SCALARS
from tokentrellis.grammars.json_schema.string_sets import (
    STRINGS,
    Texts,
    all_but,
    some_length_of,
    text_in,
    without_words,
)

_WORDS = st.frozensets(st.sampled_from(["", "a", "b", "ab", "é", "\U0001f600", "abc"]))
_BOUNDS = st.sampled_from([(0, UNLIMITED), (0, 0), (0, 1), (1, 2), (2, UNLIMITED)])


@pytest.mark.parametrize("kind", BARE_TYPES)
@pytest.mark.parametrize("draft", DRAFTS)
def test_types_that_stand_alone(kind: str, draft: str) -> None:
    schema = {"type": kind}
    values = from_json_schema({"$schema": draft, "properties": {"a": schema}})._values
    (literal,) = demand = (values.nodes.literal(schema, values.context),)
    assert literal == BARE_TYPES[kind]
    types = values.formulas.types(demand)
    assert values.scalars.of(demand, types & SCALARS) == BARE_SCALARS[kind]
    assert values.cost(demand) == values._cheapest(demand) + 1
    assert (not values.value(demand).objects) == (kind != "object")
    assert (not values.value(demand).arrays) == (kind != "array")


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "description": "d", "const": "x"}, None),
        ({"type": "string", "title": "t", "default": "x"}, "string"),
        ({"type": ["string"]}, None),
        ({"type": "text"}, None),
        ({"title": "t"}, None),
        ({"type": "object", "$id": "http://a.example/"}, None),
        ({"type": "string", "$ref": "#"}, None),
    ],
)
def test_which_schemas_say_a_type_and_no_more(schema: dict[str, object], kind: str | None) -> None:
    assert bare_type(schema, 2020) == kind


@given(_WORDS, _BOUNDS)
def test_all_texts_but_some_words_tell_their_shortest(words: frozenset[str], bounds: tuple[int, int]) -> None:
    content = without_words(utf8.ANY_TEXT, words)
    assert some_length_of(Texts(all_but(words), *bounds)) == shortest_length(content, *bounds)


@given(_WORDS, _WORDS, _WORDS)
def test_meeting_all_texts_but_some_words(
    first: frozenset[str], second: frozenset[str], listed: frozenset[str]
) -> None:
    met = STRINGS.meet((Texts(all_but(first), 0, UNLIMITED),), (Texts(all_but(second), 0, UNLIMITED),))
    (piece,) = met
    assert isinstance(piece, Texts)
    for word in ["", "a", "b", "ab", "é", "\U0001f600", "abc", "other"]:
        assert text_in(piece.content, word) == (word not in first | second)
    left = STRINGS.meet((listed,), met) if listed else ()
    assert left == ((listed - first - second,) if listed - first - second else ())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}, "é": False}, "required": ["a", "b"]},
        {"type": "object", "required": ["\ud800"]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "object", "required": ["q"]}}, "required": ["a"]},
    ],
)
def test_costs_read_off_keywords_are_those_of_the_shapes(schema: dict[str, object]) -> None:
    root = {"properties": {"x": schema}}
    values = from_json_schema(root)._values
    demand = (values.nodes.literal(schema, values.context),)
    quick = values.cost(demand)
    for shape in values.shapes(demand, OBJECT):
        assert values.cost(shape) == (shape.cost(values.cost) + 1 if quick < NEVER else NEVER)


def test_documents_are_searched_for_identifiers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from referencing import Registry

    searches = []
    crawl = Registry.crawl
    monkeypatch.setattr(Registry, "crawl", lambda self: (searches.append(self), crawl(self))[1])
    schema = {
        "$id": "http://a.example/root",
        "$defs": {
            **{f"d{number}": {"$anchor": f"n{number}", "const": number} for number in range(20)},
            "inner": {"$id": "inner", "$defs": {"x": {"$anchor": "x", "const": "x"}}, "$ref": "#x"},
        },
        "anyOf": [*({"$ref": f"#n{number}"} for number in range(20)), {"$ref": "inner#x"}],
    }
    grammar = from_json_schema(schema)
    assert grammar.accepts("7")
    assert grammar.accepts('"x"')
    assert not grammar.accepts("20")
    assert len(searches) <= 3


def test_a_document_found_without_a_search_is_not_searched_for() -> None:
    references = References({"$id": "http://a.example/root", "$defs": {"x": {"const": 1}}})
    schema, _ = references.root.resolve("http://a.example/root#/$defs/x")
    assert schema == {"const": 1}
    assert not references._crawled


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["array", ["array", "null"]])},
        optional={
            "items": st.sampled_from([True, False, {"type": "string"}, {"type": "array", "minItems": 2}]),
            "prefixItems": st.lists(st.sampled_from([True, False, {"const": 1}]), min_size=1, max_size=2),
            "contains": st.sampled_from([True, False, {"const": 1}]),
            "maxContains": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "minItems": st.integers(0, 3),
            "maxItems": st.integers(0, 3),
        },
    )
)
def test_plain_arrays(schema: dict[str, object]) -> None:
    values = from_json_schema({"properties": {"x": schema}})._values
    (literal,) = demand = (values.nodes.literal(schema, values.context),)
    node = values.nodes.all[literal >> 1]
    record = plain_array(values.nodes, node)
    general = values.formulas.records(demand, ARRAY)
    assert [record.key()] == [one.key() for one in general] if record else not general
    values.cost(demand)
    for shape in values.shapes(demand, ARRAY):
        known = values.cost(shape)
        cost = shape.cost(values.cost)
        assert known == (cost + 1 if cost < NEVER else NEVER)


def test_documents_searched_once_keep_the_dynamic_scope() -> None:
    pytest.importorskip("jsonschema_specifications")
    draft = "https://json-schema.org/draft/2020-12/schema"
    grammar = from_json_schema({"$schema": draft, "$ref": draft})
    assert grammar.accepts('{"$defs":{"foo":{"type":"integer"}}}')
    assert not grammar.accepts('{"$defs":{"foo":{"type":1}}}')
