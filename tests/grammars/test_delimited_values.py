"""Arguments of bare names, and of strings between marks: FunctionGemma's and Gemma 4's."""

from __future__ import annotations

import random
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis.decoding.compile import compile_grammar
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.errors import UnsupportedFeatureError
from tokentrellis.grammars.tool_calls import ToolCall, parse_calls
from tokentrellis.grammars.tools import ToolGrammar, from_tools

from tests.masks import allowed_tokens

QUOTES = {"gemma4": '<|"|>', "functiongemma": "<escape>"}
MARKS = {
    "gemma4": ("<|tool_call>call:", "<tool_call|>"),
    "functiongemma": ("<start_function_call>call:", "<end_function_call>"),
}
PLACE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "near": {"type": "array", "items": {"$ref": "#/$defs/Place"}}},
    "required": ["name"],
    "additionalProperties": False,
}
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "$defs": {"Place": PLACE},
    "properties": {
        "place": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
        "Kind": {"enum": ["a", "b c", 3, None, 'a<|"|>b<escape>']},
        "text": {"type": "string", "minLength": 1, "maxLength": 4},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 3},
        "either": {"type": ["string", "boolean"]},
    },
    "required": ["text"],
    "additionalProperties": False,
}


def grammar(format: str, parameters: dict[str, Any] = PARAMETERS, **options: Any) -> ToolGrammar:
    tool = {"name": "f", "parameters": parameters}
    return from_tools([tool], format=format, tool_choice="required", **options)


def written(format: str, value: Any) -> str:
    """As the chat templates write a value."""
    quote = QUOTES[format]
    if isinstance(value, str):
        return quote + value + quote
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].lower())
        return "{" + ",".join(f"{name}:{written(format, part)}" for name, part in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(format, part) for part in value) + "]"
    return {True: "true", False: "false", None: "null"}[value] if type(value) is not int else str(value)


def call(format: str, arguments: dict[str, Any]) -> str:
    begin, end = MARKS[format]
    return f"{begin}f{written(format, arguments)}{end}"


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 3 else 5)
    if kind < 2:
        return chance.choice(["a", "b c", "", 'say "{no}", \\n', "ab\ncd", "aä€😀"])
    if kind < 5:
        return chance.choice([3, -10, True, False, None])
    if kind == 5:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(3))]
    names = ["name", "near", "a", "x-y", "3"]
    return {name: random_value(chance, depth + 1) for name in chance.sample(names, chance.randrange(3))}


def likely_value(chance: random.Random, name: str) -> Any:
    places = [{"name": "Bern"}, {"name": "", "near": [{"name": "{Thun}"}, {"name": "x", "near": []}]}, None]
    likely: dict[str, list[Any]] = {
        "place": places,
        "Kind": ["a", "b c", 3, None],
        "text": ["a", "}, x", "aä€😀"],
        "counts": [{}, {"a": 1}, {"b": -2, "x.y": 0, "3": 3}],
        "either": ["true", True, ""],
    }
    return chance.choice(likely[name])


@pytest.mark.parametrize("format", QUOTES)
def test_verdicts_are_those_of_a_validator(format: str) -> None:
    chance = random.Random(1)
    validator = jsonschema_rs.validator_for(PARAMETERS)
    whole = grammar(format)
    verdicts = [0, 0]
    for _ in range(600):
        names = [name for name in PARAMETERS["properties"] if chance.random() < 0.6]
        arguments = {
            name: random_value(chance) if chance.random() < 0.15 else likely_value(chance, name)
            for name in names
        }
        text = call(format, arguments)
        is_valid = validator.is_valid(arguments)
        assert whole.accepts(text) == is_valid, text
        assert whole.calls(text) == [ToolCall("f", arguments)]
        assert parse_calls(text, format) == [ToolCall("f", arguments)]
        verdicts[is_valid] += 1
    assert min(verdicts) > 100


@pytest.mark.parametrize("format", QUOTES)
@pytest.mark.parametrize("in_tokens", [False, True])
@pytest.mark.parametrize("whitespace", ["natural", "compact", {"indent": 2}])
def test_what_is_written_is_read_back_and_valid(format: str, in_tokens: bool, whitespace: Any) -> None:
    """By random allowed tokens, within a budget, whether marks are tokens or text."""
    specials = [QUOTES[format], *(mark.removesuffix("call:") for mark in MARKS[format])] if in_tokens else []
    letters = [bytes([byte]) for byte in range(256)]
    vocabulary = Vocabulary(
        [*letters, *(name.encode() for name in specials), b""],
        eos_token_ids=[256 + len(specials)],
        special_token_ids=range(256, 256 + len(specials)),
    )
    tokens = {name: 256 + place for place, name in enumerate(specials)}
    whole = grammar(format, whitespace=whitespace, special_tokens=tokens)
    compiled = compile_grammar(whole, vocabulary)
    validator = jsonschema_rs.validator_for(PARAMETERS)
    likely = {*b'Kab<|"|>escapet{}[]:,.x ', *tokens.values()}
    chance = random.Random(f"{format} {in_tokens} {whitespace}")
    names = set()
    for _ in range(40):
        matcher, data = compiled.matcher(), bytearray()
        left = matcher.tokens_to_finish + chance.choice((0, 40, 150))
        while not matcher.is_terminated:
            allowed = allowed_tokens(matcher, left)
            token = chance.choice([token for token in allowed if token in likely] or allowed)
            matcher.accept_token(token)
            left -= 1
            data += (
                specials[token - 256].encode()
                if 256 <= token < 256 + len(specials)
                else vocabulary.token_bytes(token)
            )
        assert left >= 0
        for found in whole.calls(data.decode()):
            assert validator.is_valid(found.arguments), data
            names |= set(found.arguments)
    assert names == set(PARAMETERS["properties"])


def test_what_a_string_cannot_hold() -> None:
    """The mark: where it is a token it is not spelled either."""
    whole = grammar("gemma4", {"type": "object", "properties": {"s": {"type": "string"}}, "required": ["s"]})
    begin, end = MARKS["gemma4"]
    assert whole.accepts(f'{begin}f{{s:<|"|>"}}<|"<tool_call|><|"|>}}{end}')
    assert not whole.accepts(f'{begin}f{{s:<|"|><|"|><|"|>}}{end}')
    assert not whole.accepts(f'{begin}f{{s:"a"}}{end}')
    with pytest.raises(UnsupportedFeatureError, match="hold the mark"):
        grammar("gemma4", {"type": "object", "properties": {"s": {"const": 'a<|"|>'}}})


def test_names_that_are_not_declared_may_come_twice() -> None:
    """The last one counts, where the schema cannot tell; where it could, there are none."""
    counts = {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}
    parameters = {"type": "object", "properties": {"counts": counts}, "required": ["counts"]}
    whole = grammar("gemma4", parameters)
    begin, end = MARKS["gemma4"]
    assert whole.accepts(f"{begin}f{{counts:{{a:1,a:2}}}}{end}")
    assert whole.calls(f"{begin}f{{counts:{{a:1,a:2}}}}{end}") == [ToolCall("f", {"counts": {"a": 2}})]
    assert not whole.accepts(f"{begin}f{{counts:{{}}}}{end}")
    for wrong in ("a b", "a,b", '"a"', ""):
        assert not whole.accepts(f"{begin}f{{counts:{{{wrong}:1}}}}{end}")
    parameters["properties"]["counts"] = {**counts, "minProperties": 2}  # type: ignore[index]
    with pytest.raises(UnsupportedFeatureError, match="undeclared names that must come"):
        grammar("gemma4", parameters)


def test_items_that_must_differ() -> None:
    """They are compared as JSON, so not where there are strings."""
    numbers = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    whole = grammar("gemma4", {"type": "object", "properties": {"n": numbers}})
    begin, end = MARKS["gemma4"]
    assert whole.accepts(f"{begin}f{{n:[1, 2]}}{end}")
    assert not whole.accepts(f"{begin}f{{n:[1,1]}}{end}")
    for items in ({"type": "string"}, {"type": "object"}):
        with pytest.raises(UnsupportedFeatureError, match="items that must differ"):
            grammar("gemma4", {"type": "object", "properties": {"n": {**numbers, "items": items}}})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "{", "a]", "<", '"', "\n", "\x01"])
def test_names_that_would_not_be_read_back(name: str) -> None:
    inner = {"type": "object", "properties": {name: {"type": "integer"}}}
    for parameters in (inner, {"type": "object", "properties": {"a": inner}}):
        with pytest.raises(UnsupportedFeatureError, match="cannot be told from the punctuation"):
            grammar("functiongemma", parameters)


def test_other_spellings_are_read() -> None:
    """White space, names in marks, Python's words and JSON's strings: none of it is in the grammar."""
    begin, end = MARKS["gemma4"]
    text = f'{begin}f{{ a : {{<|"|>b c<|"|>: None}}, d:[ "x,y" , True ]\n}}{end}'
    assert parse_calls(text, "gemma4") == [ToolCall("f", {"a": {"b c": None}, "d": ["x,y", True]})]
