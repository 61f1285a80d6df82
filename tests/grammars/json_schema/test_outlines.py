"""What the core reads by itself (plain schemas, objects and arrays handed over whole) allows what the front
end says state by state, and costs the same; names are offered at sight only if something meets what they ask
for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokentrellis import Matcher, Vocabulary, compile_grammar
from tokentrellis.grammars.errors import GrammarSyntaxError, LimitExceededError, UnsatisfiableError
from tokentrellis.grammars.grammar import Expansion, Grammar, PlainArray, PlainObject
from tokentrellis.grammars.json_schema import JsonSchemaGrammar, from_json_schema
from tokentrellis.grammars.json_schema.at_sight import surely_met
from tokentrellis.grammars.json_schema.formats import formats_of
from tokentrellis.grammars.json_schema.references import References

from tests.masks import allowed_tokens

from .generation import random_schema

LAYOUTS: tuple[Any, ...] = ("any", "compact", "natural", {"indent": 1})
PIECES = (
    '{"',
    '":',
    '": ',
    '","',
    '", "',
    '"a"',
    '{"a":',
    "[{",
    "[[",
    "]}",
    "],",
    "}}",
    "},",
    "[]",
    "{}",
    '":[{"',
)
VOCABULARY = Vocabulary(
    [bytes([b]) for b in range(256)] + [p.encode() for p in PIECES] + [b""], eos_token_ids=[272]
)
NAMES = ("a", "b", "c", "ab", "\u00e9")
STEPS = 25
BUDGETS = (2, 5, 9)


class OneByOne(Grammar):
    """The same grammar, each state of which is asked for."""

    def __init__(self, grammar: JsonSchemaGrammar) -> None:
        self.grammar = grammar
        self.start = grammar.start
        self.distinct_keys, self.distinct_items = grammar.distinct_keys, grammar.distinct_items

    def expand(self, state: int) -> Expansion:
        return self.grammar.expand(state)

    def successor(self, state: int, edge: int, label: int) -> int:
        return self.grammar.successor(state, edge, label)

    def recall(self, state: int, items: Sequence[bytes]) -> int:
        return self.grammar.recall(state, items)


SCALARS: tuple[Any, ...] = (
    True,
    {},
    {"title": "anything"},
    {"type": "string"},
    {"type": "integer", "description": "a number"},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": ["null", "object"]},
    {"type": "object"},
    {"type": "array"},
    {"type": "string", "minLength": 2},
    {"type": "string", "minLength": 1, "maxLength": 3},
    {"type": "string", "minLength": 3, "maxLength": 1},
    {"type": "string", "maxLength": 1.0},
    {"type": "string", "pattern": "^[a-c]+$"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "unknown"},
    {"type": "integer", "minimum": 3, "maximum": 12},
    {"type": "integer", "minimum": 3, "maximum": 2},
    {"type": "number", "exclusiveMinimum": 1.5},
    {"type": "integer", "multipleOf": 4},
    {"enum": ["b", "a", "ab", "b"]},
    {"type": "string", "enum": ["x"]},
    {"type": "string", "enum": ["a", 1]},
    {"type": "integer", "enum": ["a", 1]},
    {"enum": ["\u00e9", "a"]},
    {"enum": ["null", "\u00e9"]},
    {"enum": ["aaaaaaaa", "b"]},
    {"const": "a"},
    {"maxLength": 2},
    {"$id": "http://example.com/other", "type": "string"},
    {"type": "array", "minItems": 1, "items": False},
    {"type": "array", "maxItems": 2, "items": {"type": "null"}},
    {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b"]}},
    {"type": "object", "required": ["z"]},
    {"type": "object", "minProperties": 1},
    {"not": {"type": "string"}},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"anyOf": [{"type": "integer", "minimum": 3, "maximum": 2}, False]},
    {"anyOf": [{"$ref": "#/$defs/list"}, {"type": "null"}], "title": "perhaps"},
    {"anyOf": [{"type": "string"}, {"type": "null"}], "type": "string"},
)
DEFINITIONS = {
    "scalar": {"type": "integer"},
    "again": {"$ref": "#/$defs/scalar"},
    "list": {"type": "array", "items": {"$ref": "#/$defs/named"}},
    "named": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/list"}, "b": {"$ref": "#/$defs/named"}, "c": False},
        "required": ["a"],
    },
}
SCHEMA_URIS = ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-04/schema#")


def plain_schema(rng: random.Random, depth: int = 0) -> Any:
    """Simple objects and arrays, mostly."""
    kind = rng.random()
    if depth > 2 or kind < 0.3:
        return rng.choice(SCALARS)
    if kind < 0.35:
        return {"$ref": rng.choice(["#", "#/$defs/scalar", "#/$defs/again", "#/$defs/list", "#/$defs/named"])}
    if kind < 0.65:
        names = rng.sample(NAMES, rng.randrange(len(NAMES)))
        schema: dict[str, Any] = {"type": "object"}
        if names:
            schema["properties"] = {name: plain_schema(rng, depth + 1) for name in names}
        if rng.random() < 0.6:
            schema["required"] = rng.sample(NAMES, rng.randrange(3))
        if rng.random() < 0.6:
            schema["additionalProperties"] = rng.choice([True, {"type": "null"}])
            if set(schema.get("required", ())) <= set(names):
                schema["additionalProperties"] = rng.choice([False, {"type": "null"}])
        return schema
    if kind < 0.95:
        schema = {"type": "array", "items": plain_schema(rng, depth + 1)}
        if rng.random() < 0.4:
            schema["prefixItems"] = [plain_schema(rng, depth + 1) for _ in range(rng.randrange(1, 3))]
        if rng.random() < 0.4:
            schema["minItems"] = rng.randrange(3)
        if rng.random() < 0.4:
            schema["maxItems"] = rng.randrange(schema.get("minItems", 0), 4)
        return schema
    return {"anyOf": [plain_schema(rng, depth + 1), plain_schema(rng, depth + 1)]}


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("seed", range(80))
def test_the_same_as_state_by_state(seed: int, order: Any) -> None:
    rng = random.Random(seed)
    schema = plain_schema(rng) if seed % 8 else random_schema(rng)
    if isinstance(schema, dict) and seed % 8:
        schema = {"$schema": rng.choice(SCHEMA_URIS), "$defs": DEFINITIONS, **schema}
    options: dict[str, Any] = {
        "property_order": order,
        "whitespace": LAYOUTS[seed % len(LAYOUTS)],
        "numbers": rng.choice(["plain", "standard"]),
        "unsupported": rng.choice(["error", "ignore"]),
        "formats": rng.choice(["assertion", "annotation"]),
    }
    try:
        grammar, twin = from_json_schema(schema, **options), from_json_schema(schema, **options)
    except (UnsatisfiableError, GrammarSyntaxError):
        return
    whole = compile_grammar(grammar, VOCABULARY).matcher()
    one_by_one = compile_grammar(OneByOne(twin), VOCABULARY).matcher()
    for _ in range(3):
        walk_both(whole, one_by_one, rng)
        whole.reset()
        one_by_one.reset()


def walk_both(whole: Matcher, one_by_one: Matcher, rng: random.Random) -> None:
    """Random allowed tokens; at each step both say the same."""
    for _ in range(STEPS):
        allowed = allowed_tokens(whole)
        assert allowed == allowed_tokens(one_by_one)
        assert whole.tokens_to_finish == one_by_one.tokens_to_finish
        budget = whole.tokens_to_finish + rng.choice(BUDGETS)
        assert allowed_tokens(whole, budget) == allowed_tokens(one_by_one, budget)
        assert whole.is_accepting == one_by_one.is_accepting
        token = rng.choice(allowed)
        whole.accept_token(token)
        one_by_one.accept_token(token)
        if whole.is_terminated:
            return


@pytest.mark.parametrize("whitespace", LAYOUTS)
@pytest.mark.parametrize(
    "words", [["null", "\u00e9"], ["aaaaaaaa", "b"], ["\n\n\n", "\\\\", "\t", "ab", "a"]]
)
def test_words_cost_what_the_shortest_costs(words: list[str], whitespace: Any) -> None:
    """Also where an array may end instead, so that no word is what the state finishes with."""
    schema = {"type": "array", "items": {"enum": words}}
    whole = compile_grammar(from_json_schema(schema, whitespace=whitespace), VOCABULARY)
    one_by_one = compile_grammar(OneByOne(from_json_schema(schema, whitespace=whitespace)), VOCABULARY)
    for seed in range(5):
        walk_both(whole.matcher(), one_by_one.matcher(), random.Random(seed))


def test_objects_and_arrays_are_handed_over() -> None:
    """The test above compares two things: simple objects and arrays are not asked for state by state."""
    schema = {"properties": {"a": {"type": "array"}}, "required": ["a"], "additionalProperties": False}
    grammar = from_json_schema({"type": "object", **schema}, whitespace="compact")
    (opening,) = grammar.expand(grammar.start).edges
    outline = grammar.unfold(opening.next)  # type: ignore[union-attr]
    assert isinstance(outline, PlainObject)
    assert (outline.usable, list(outline.required), outline.others) == (1, [0], None)
    (opening,) = grammar.expand(grammar.value(opening.next, 0)).edges  # type: ignore[union-attr]
    assert isinstance(grammar.unfold(opening.next), PlainArray)  # type: ignore[union-attr]


class Counted(JsonSchemaGrammar):
    """Counts what the core asks."""

    asked: list[int]

    def unfold(self, state: int) -> Any:
        self.asked.append(state)
        return super().unfold(state)

    def value(self, state: int, label: int) -> int:
        self.asked.append(state)
        return super().value(state, label)


def questions(schema: dict[str, Any], text: str) -> int:
    """How often the front end is asked while a text is read with a mask for each byte."""
    grammar = from_json_schema(schema, whitespace="compact", property_order="any")
    grammar.__class__ = Counted
    assert isinstance(grammar, Counted)
    grammar.asked = []
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    for byte in text.encode():
        assert byte in allowed_tokens(matcher)
        matcher.accept_token(byte)
    assert matcher.is_accepting
    return len(grammar.asked)


def test_the_core_reads_plain_schemas_by_itself() -> None:
    """The laws above compare two things: the front end is asked about what is not plain, and nothing else."""
    schema = {
        "$schema": SCHEMA_URIS[1],
        "id": "http://example.com/whole",
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 9, "description": "what it is called"},
            "kind": {"enum": ["new", "old"]},
            "parts": {"type": "array", "items": {"$ref": "#"}, "maxItems": 3},
            "more": {},
        },
        "required": ["name"],
    }
    text = '{"name":"a","kind":"old","parts":[{"name":"b","z":[1,{"y":null}]}],"more":"c"}'
    assert questions(schema, text) <= 2  # what any value is, after a colon and in an array
    schema["properties"]["more"] = {"anyOf": [{"type": "string"}, {"minimum": 3}]}
    assert questions(schema, text) > 2


def test_values_that_nest_too_deep_are_an_error_of_ours() -> None:
    deep: Any = {"type": "string"}
    for _ in range(3000):
        deep = {"type": "array", "minItems": 1, "items": deep}
    grammar = from_json_schema({"type": "object", "properties": {"a": deep}}, whitespace="compact")
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    matcher.accept_token(ord("{"))
    with pytest.raises(LimitExceededError, match="depth"):
        allowed_tokens(matcher)


_BOUNDS = st.integers(-2, 3)
_COUNTS = st.integers(0, 2)
_ANYTHING = st.sampled_from([True, False, {}, {"type": "string"}, {"enum": []}, {"not": {}}])
_ASKING = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["string", "number", "integer", "boolean", "array", "object", ["null", "object"]]
        ),
        "enum": st.lists(st.sampled_from(["a", "", "\ud800", 1, None]), max_size=2),
        "minLength": _COUNTS,
        "maxLength": _COUNTS,
        "minimum": _BOUNDS,
        "maximum": _BOUNDS,
        "exclusiveMaximum": _BOUNDS,
        "items": _ANYTHING,
        "minItems": _COUNTS,
        "maxItems": _COUNTS,
        "uniqueItems": st.booleans(),
        "properties": st.dictionaries(st.sampled_from("ab"), _ANYTHING, max_size=2),
        "additionalProperties": _ANYTHING,
        "required": st.lists(st.sampled_from("ab"), max_size=1),
        "minProperties": _COUNTS,
        "description": st.just("an annotation"),
        "not": _ANYTHING,
        "pattern": st.sampled_from(["a", "^$", "^[^\\s\\S]", "a^b", "(?=a)b", "(?!)"]),
        "format": st.sampled_from(["date", "regex", "unknown"]),
        "const": st.sampled_from(["a", "\ud800", 1, [2], None]),
        "anyOf": st.lists(_ANYTHING, min_size=1, max_size=2),
        "$ref": st.sampled_from(["#/definitions/false", "#/definitions/text", "#/definitions/self"]),
        "id": st.just("a.json"),
        "$id": st.just("a.json"),
    },
)
_DEFINITIONS = {
    "false": False,
    "text": {"type": "string"},
    "self": {"$ref": "#/definitions/other"},
    "other": {"type": "object", "properties": {"a": {"$ref": "#/definitions/other"}}, "required": ["a"]},
}


def met_at_sight(schema: Any, draft: int) -> bool:
    document = {"$schema": DRAFTS[draft], "definitions": _DEFINITIONS}
    return surely_met(schema, References(document).root)


@given(_ASKING, st.sampled_from([4, 6, 7, 2019, 2020]))
def test_what_is_met_at_sight_is_met(schema: dict[str, Any], draft: int) -> None:
    if "$ref" in schema and ("id" in schema or "$id" in schema):
        return  # the reference would lead elsewhere
    if met_at_sight(schema, draft):
        document = {"$schema": DRAFTS[draft], "definitions": _DEFINITIONS}
        document |= {"properties": {"x": schema}, "required": ["x"]}
        with suppress(GrammarSyntaxError):  # it is about schemas that are well-formed
            from_json_schema(document, unsupported="ignore")


@pytest.mark.parametrize("name", sorted(formats_of(2020)))
def test_every_format_has_texts(name: str) -> None:
    schema = {"type": "string", "format": name}
    assert met_at_sight(schema, 2020)
    from_json_schema(schema)


DRAFTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}


def test_met_at_sight() -> None:
    """Common schemas are: the law above is not empty."""
    for schema in (
        True,
        {},
        {"type": "string", "maxLength": 0},
        {"type": "integer", "minimum": 3},
        {"enum": ["a", 1]},
        {"type": "array", "items": False},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {"a": {"enum": ["a"]}}, "required": ["a"]},
        {"type": ["object", "null"]},
        {"type": ["object", "null"], "required": ["a"]},
        {"required": ["a"]},
        {"$ref": "#/definitions/text"},
        {"type": "string", "pattern": "^a"},
        {"type": "number", "minimum": 0.5, "maximum": 1.5},
        {"type": "array", "minItems": 2, "items": {"type": "string"}},
        {"anyOf": [False, {"type": "null"}]},
        {"const": 1},
        {"type": "string", "id": "a.json"},
    ):
        assert met_at_sight(schema, 2020)
    for schema in (
        False,
        {"not": {}},
        {"$ref": "#/definitions/self"},
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"type": "number", "minimum": 0.5, "maximum": 0.75},
        {"type": "array", "minItems": 1, "items": False},
        {"type": "string", "pattern": "^[^\\s\\S]"},
    ):
        assert not met_at_sight(schema, 2020)
