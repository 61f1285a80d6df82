"""What requests demand: every form that clients send, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tokentrellis.constraint import Constraint
from tokentrellis.grammars.errors import ConstraintError, GrammarSyntaxError
from tokentrellis.serving.constraint import constraint_of
from tokentrellis.serving.errors import RequestRefusedError, error_body
from tokentrellis.serving.protocol import ChatRequest, CompletionRequest, read_request
from tokentrellis.sources import parse_json

SCHEMA = {"type": "array", "items": {"type": "integer"}}
MESSAGES = [{"role": "user", "content": "x"}]


def chat(**members: Any) -> ChatRequest:
    return read_request(ChatRequest, {"model": "m", "messages": MESSAGES, **members})


@pytest.mark.parametrize(
    ("members", "text", "other"),
    [
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
            "[1]",
            "{}",
        ),
        ({"response_format": {"type": "json_object"}}, '{"a":1}', "[1]"),
        ({"response_format": {"type": "json_object", "schema": {"maxProperties": 0}}}, "{}", '{"a":1}'),
        ({"response_format": {"type": "regex", "pattern": "a+"}}, "aa", "ab"),
        ({"response_format": {"type": "choice", "choices": ["a", "b"]}}, "b", "ab"),
        ({"response_format": {"type": "grammar", "grammar": 'root ::= "a" "b"'}}, "ab", "a"),
        ({"response_format": {"type": "grammar", "grammar": 'start: "a" "b"'}}, "ab", "a"),
        ({"response_format": {"type": "grammar", "grammar": "a = 'b';", "syntax": "ebnf"}}, "b", "a"),
        ({"structured_outputs": {"json": SCHEMA}}, "[1]", "{}"),
        ({"structured_outputs": {"json": '{"type":"null"}'}}, "null", "{}"),
        ({"structured_outputs": {"json_object": True}}, "{}", "[]"),
        ({"structured_outputs": {"regex": "[ab]"}}, "a", "c"),
        ({"structured_outputs": {"choice": ["a"]}}, "a", "b"),
        ({"structured_outputs": {"grammar": 'root ::= "a"'}}, "a", "b"),
        ({"structured_outputs": {"json": SCHEMA, "disable_any_whitespace": True}}, "[1,2]", "[1, 2]"),
        ({"guided_json": SCHEMA}, "[1, 2]", "{}"),
        ({"guided_json": '{"type":"null"}'}, "null", "{}"),
        ({"guided_regex": "a|b"}, "b", "c"),
        ({"guided_choice": ["a"]}, "a", "b"),
        ({"guided_grammar": 'start: "a"'}, "a", "b"),
        ({"regex": "a|b"}, "b", "c"),
        ({"ebnf": 'root ::= "a"'}, "a", "b"),
    ],
)
def test_every_form(members: dict[str, Any], text: str, other: str) -> None:
    pytest.importorskip("lark")
    constraint = constraint_of(chat(**members), "natural")
    assert constraint is not None
    grammar = constraint.grammar()
    assert grammar.accepts(text)
    assert not grammar.accepts(other)


def test_no_constraint() -> None:
    assert constraint_of(chat(), "natural") is None
    assert constraint_of(chat(response_format={"type": "text"}), "natural") is None


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"regex": "a", "ebnf": "b"}, "regex and ebnf exclude each other"),
        ({"structured_outputs": {}}, "structured_outputs: needs one of"),
        ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "exclude each other"),
        ({"guided_json": "{"}, "guided_json: line 1, column 2: json is not JSON"),
    ],
)
def test_contradictions(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        constraint_of(chat(**members), "natural")


@pytest.mark.parametrize(
    ("members", "message", "param"),
    [
        ({"unheard": 1}, "unheard: Extra inputs", "unheard"),
        ({"n": True}, "n: Input should be a valid integer", "n"),
        ({"temperature": "1"}, "temperature: Input should be a valid number", "temperature"),
        ({"temperature": 3}, "less than or equal to 2", "temperature"),
        ({"max_tokens": 0}, "greater than or equal to 1", "max_tokens"),
        ({"stop": [""]}, "stop", "stop"),
        ({"logit_bias": {"1": 200}}, "logit_bias", "logit_bias.1"),
        ({"messages": []}, "at least 1 item", "messages"),
        ({"messages": [{"role": "god", "content": ""}]}, "messages.0.role", "messages.0.role"),
        ({"response_format": {"type": "xml"}}, "response_format", "response_format"),
        ({"store": True}, "store", "store"),
        ({"stream_options": {"include_usage": True}}, "needs stream", "stream_options"),
        ({"top_logprobs": 3}, "needs logprobs", "top_logprobs"),
        ({"max_tokens": 3, "max_completion_tokens": 4}, "differ", "max_tokens"),
    ],
)
def test_what_is_no_request(members: dict[str, Any], message: str, param: str) -> None:
    with pytest.raises(RequestRefusedError, match=message) as caught:
        chat(**members)
    assert error_body(caught.value)["error"]["param"] == param


def test_numbers_as_json_has_them() -> None:
    request = read_request(
        CompletionRequest,
        parse_json('{"model": "m", "prompt": "x", "temperature": 0.5, "top_p": 1, "max_tokens": 1e1}', "x"),
    )
    assert (request.temperature, request.top_p, request.max_tokens) == (0.5, 1.0, 10)
    with pytest.raises(RequestRefusedError, match="temperature"):
        read_request(
            CompletionRequest, parse_json('{"model": "m", "prompt": "x", "temperature": 1e999}', "x")
        )


def test_schemas_stay_exact() -> None:
    values = parse_json('{"guided_json": {"multipleOf": 0.1, "maximum": 1e400}}', "x")
    constraint = constraint_of(chat(**values), "natural")
    assert constraint is not None
    assert constraint.key() == 'json_schema natural {"multipleOf": 0.1, "maximum": 1E+400}'


def test_keys_tell_constraints_apart() -> None:
    constraints = [
        Constraint("json_schema", {}, "natural"),
        Constraint("json_schema", {}, "compact"),
        Constraint("regex", "{}"),
        Constraint("choice", ["a", "b"]),
        Constraint("choice", ['a", "b']),
    ]
    assert len({constraint.key() for constraint in constraints}) == len(constraints)


def test_what_is_wrong_with_a_grammar_is_said() -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        Constraint("regex", "(").grammar()
    body = error_body(caught.value)["error"]
    assert (body["type"], body["code"]) == ("invalid_request_error", "invalid_grammar")
    assert body["message"] == str(caught.value)
