"""Requests that are wrong, or mean harm: each ends in a status from 400 to 499, and the server goes on.

The application is called in this process, without a network, so that thousands of requests take seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tokentrellis.serving.endpoint import make_application
from tokentrellis.serving.engine import Engine

from tests.serving.running_server import NAME, make_engine

N_REQUESTS = 2000
CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"

Sent = tuple[str, str, bytes]  # method, path, body

_WRONG_VALUES: list[Any] = [None, True, -1, 0.5, 10**400, "", "x", [], [None], {}, {"a": 1}, "\ud800", [[]]]
# For each member the values above that are no error.
_RIGHT: dict[str, list[Any]] = {
    "model": [],
    "temperature": [None, 0.5],
    "top_p": [None, 0.5],
    "top_k": [None, -1],
    "n": [None],
    "seed": [None, -1],
    "max_tokens": [None],
    "stop": [None, "x", "\ud800", []],
    "stream": [None, True],
    "stream_options": [None],
    "frequency_penalty": [None, -1, 0.5],
    "logit_bias": [None, {}],
    "response_format": [None],
    "structured_outputs": [None],
    "guided_choice": [None],
    "guided_regex": [None, "", "x"],
    "guided_json": [None, True, {}],  # {"a": 1} is a schema with an unknown word
    "logprobs": [None],
}
_RIGHT_OF_RESPONSES: dict[str, list[Any]] = {
    "model": [],
    "input": ["x"],
    "max_output_tokens": [None],
    "temperature": [None, 0.5],
    "text": [None, {}],
    "tools": [None, []],
    "tool_choice": [None],
    "stream": [None, True],
    "store": [None],
    "previous_response_id": [],
}
_BAD_SCHEMAS: list[Any] = [
    False,
    {"type": "strin"},
    {"type": ["string", 3]},
    {"pattern": "("},
    {"pattern": "(a)\\1b(?<x>"},
    {"$ref": "#/nowhere"},
    {"$ref": "http://example.org/schema"},
    {"minimum": "3"},
    {"multipleOf": 0},
    {"enum": []},
    {"required": "a"},
    {"properties": []},
    {"items": 3},
    {"allOf": {}},
    {"type": "string", "minLength": 5, "maxLength": 2},
    {"type": "integer", "minimum": 1, "maximum": 0},
    {"allOf": [{"type": "string"}, {"type": "null"}]},
    {"not": {}},
    {"const": 1, "type": "string"},
    {"$ref": "#"},
]
_BAD_MEMBERS: list[dict[str, Any]] = [
    {"unheard": 1},
    {"echo": True},
    {"best_of": 5},
    {"suffix": "x"},
    {"model": "another"},
    {"n": 10**9},
    {"max_tokens": 10**9},
    {"max_tokens": 10**30},
    {"seed": 10**30},
    {"guided_regex": "("},
    {"guided_regex": "a{1000000000}"},
    {"guided_regex": "[z-a]"},
    {"guided_regex": "(?P<a"},
    {"guided_regex": "a{50}", "max_tokens": 2},
    {"guided_grammar": "root ::= root"},
    {"guided_grammar": "root ::= nobody"},
    {"guided_grammar": 'start: "a'},
    {"guided_grammar": ""},
    {"guided_choice": []},
    {"guided_choice": ["\ud800"]},
    {"guided_choice": ["a"], "guided_regex": "b"},
    {"guided_choice": ["a"], "stop": "a"},
    {"guided_json": "{"},
    {"guided_json": "[1]"},
    {"response_format": {"type": "grammar", "grammar": "x", "syntax": "yacc"}},
    {"response_format": {"type": "json_schema"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
    {"structured_outputs": {"json_object": False}},
    {"structured_outputs": {"structural_tag": "x"}},
    {"logit_bias": {"-1": 1}},
    {"logit_bias": {"a": 1}},
    {"logit_bias": {"1": 1000}},
    {"stop": ["a"] * 5},
    {"stop": "x" * 2000},
    {"stream_options": {"include_usage": True}},
]
_BAD_BODIES: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"3",
    b'"x"',
    b"\xff\xfe",
    b"NaN",
    b'{"model": NaN}',
    b'{"model": "tokentrellis-embedded", "prompt": "x", "messages": [], "max_tokens": 1e99999999}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1" * 5000,
    b"{} {}",
    b"\x00",
    b" " * (1 << 20) + b"x",
]
_BAD_PLACES: list[tuple[str, str]] = [
    ("GET", CHAT),
    ("PUT", COMPLETIONS),
    ("POST", "/v1/models"),
    ("POST", "/v1/nothing"),
    ("GET", "/"),
    ("DELETE", "/v1/models"),
    ("GET", "/v1/chat/completions/../../etc/passwd"),
]


def valid(chance: random.Random) -> tuple[str, dict[str, Any]]:
    if chance.random() < 0.5:
        return CHAT, {"model": NAME, "messages": [{"role": "user", "content": "Ann"}], "max_tokens": 30}
    return COMPLETIONS, {"model": NAME, "prompt": "Ann", "max_tokens": 30}


def wrong_value(chance: random.Random) -> Sent:
    path, body = valid(chance)
    name = chance.choice(list(_RIGHT))
    right = [json.dumps(value) for value in _RIGHT[name]]
    value = chance.choice([value for value in _WRONG_VALUES if json.dumps(value) not in right])
    if name == "logprobs" and (value is True) == (path == CHAT):
        value = "x"
    if name == "guided_json" and value == {"a": 1}:
        value = []
    return "POST", path, json.dumps({**body, name: value}).encode()


def wrong_response_request(chance: random.Random) -> Sent:
    body = {"model": NAME, "input": "Ann", "max_output_tokens": 30}
    if chance.random() < 0.3:
        format = {"type": "json_schema", "name": "x", "schema": chance.choice(_BAD_SCHEMAS)}
        return "POST", RESPONSES, json.dumps({**body, "text": {"format": format}}).encode()
    name = chance.choice(list(_RIGHT_OF_RESPONSES))
    right = [json.dumps(value) for value in _RIGHT_OF_RESPONSES[name]]
    value = chance.choice([value for value in _WRONG_VALUES if json.dumps(value) not in right])
    return "POST", RESPONSES, json.dumps({**body, name: value}).encode()


def wrong_schema(chance: random.Random) -> Sent:
    path, body = valid(chance)
    schema = chance.choice(_BAD_SCHEMAS)
    for _ in range(chance.randrange(3)):
        around = chance.choice(
            [
                {"type": "object", "properties": {"a": schema}, "required": ["a"]},
                {"type": "array", "items": schema, "minItems": 1},
            ]
        )
        if schema != {"$ref": "#"}:
            schema = around
    given = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
    if chance.random() < 0.3:
        given = {"guided_json": schema}
    return "POST", path, json.dumps({**body, **given}).encode()


def wrong_members(chance: random.Random) -> Sent:
    path, body = valid(chance)
    return "POST", path, json.dumps({**body, **chance.choice(_BAD_MEMBERS)}).encode()


def wrong_messages(chance: random.Random) -> Sent:
    content: Any = chance.choice([None, "", 3, [], {}, [{"type": "image_url"}], "\ud83d", "x " * 4000])
    message: Any = chance.choice(
        [{"role": "user", "content": content}, {"content": "x"}, {"role": "x", "content": "x"}, "x", None]
    )
    return "POST", CHAT, json.dumps({"model": NAME, "messages": [message]}).encode()


def wrong_prompt(chance: random.Random) -> Sent:
    prompt: Any = chance.choice(["", None, 3, [], [[]], ["a", 3], [-1], [10**9], [True], {}, ["x", ""]])
    return "POST", COMPLETIONS, json.dumps({"model": NAME, "prompt": prompt}).encode()


def wrong_body(chance: random.Random) -> Sent:
    return "POST", chance.choice([CHAT, COMPLETIONS]), chance.choice(_BAD_BODIES)


def wrong_place(chance: random.Random) -> Sent:
    method, path = chance.choice(_BAD_PLACES)
    return method, path, b"{}"


def cut_off(chance: random.Random) -> Sent:
    path, body = valid(chance)
    raw = json.dumps(body).encode()
    return "POST", path, raw[: chance.randrange(len(raw))]


KINDS: list[Callable[[random.Random], Sent]] = [
    wrong_value,
    wrong_schema,
    wrong_members,
    wrong_messages,
    wrong_prompt,
    wrong_body,
    wrong_place,
    wrong_response_request,
    cut_off,
]


def exchange(engine: Engine, requests: list[Sent]) -> list[httpx.Response]:
    """The answers, sixteen at a time."""

    async def run() -> list[httpx.Response]:
        application = make_application(engine)
        transport = httpx.ASGITransport(application)
        turn = asyncio.Semaphore(16)
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=120) as client,
        ):

            async def one(method: str, path: str, body: bytes) -> httpx.Response:
                async with turn:
                    return await client.request(method, path, content=body)

            return await asyncio.gather(*(one(*request) for request in requests))

    return asyncio.run(run())


def test_two_thousand_bad_requests() -> None:
    chance = random.Random(2)
    requests = [KINDS[number % len(KINDS)](chance) for number in range(N_REQUESTS)]
    good = json.dumps(valid(chance)[1] | {"guided_choice": ["yes"]}).encode()
    path = CHAT if b"messages" in good else COMPLETIONS
    *answers, last = exchange(make_engine(), [*requests, ("POST", path, good)])
    for request, answer in zip(requests, answers, strict=True):
        assert 400 <= answer.status_code < 500, (request[0], request[1], request[2][:300], answer.text)
        error = answer.json()["error"]
        assert error["message"]
        assert len(error["message"]) <= 4000
        assert "Traceback" not in error["message"]
        assert error["code"]
    assert last.status_code == 200, "and still it serves"


_NESTED: Any = {}
for _ in range(400):
    _NESTED = {"type": "array", "items": _NESTED, "minItems": 1}
HOSTILE: list[dict[str, Any]] = [
    {"guided_regex": "((a{1,500}){1,500}){1,500}"},
    {"guided_regex": "(a|aa)*" * 200 + "b"},
    {"guided_regex": "(?=.*a)(?=.*b)(?=.*c)(?=.*d)" * 20 + ".*"},
    {"guided_regex": "(.*" * 300 + ")" * 300},
    {"guided_json": _NESTED},
    {"guided_json": {"allOf": [{"pattern": f"^.*[ab].{{{n}}}$"} for n in range(30)]}},
    {"guided_json": {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 50}}, "$ref": "#/$defs/a"}},
    {
        "guided_json": {
            "type": "object",
            "properties": {f"p{n}": {"$ref": "#"} for n in range(1500)},
        }
    },
    {"guided_json": {"oneOf": [{"properties": {f"p{n}": {"type": "string"}}} for n in range(40)]}},
    {"guided_json": {"type": "array", "uniqueItems": True, "minItems": 500, "items": {"type": "integer"}}},
    {
        "guided_json": {
            "type": "array",
            "uniqueItems": True,
            "minItems": 100,
            "items": {"type": "integer", "minimum": 0, "maximum": 120},
        },
        "max_tokens": 600,
    },
    {"guided_grammar": "root ::= " + "(" * 3000 + '"a"' + ")" * 3000},
    {"guided_grammar": "root ::= " + " | ".join(f'"{n}" root' for n in range(2000)) + ' | "."'},
    {"guided_choice": ["x" * n for n in range(1, 600)]},
    {"prompt": ["a"] * 3000, "max_tokens": 1},
]


# A deadline may strike inside a finaliser, which Python reports and ignores; then it strikes again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_requests_that_mean_harm() -> None:
    """They may be served, within the limits, or refused; the server goes on."""
    body = {"model": NAME, "prompt": "Ann", "max_tokens": 40, "temperature": 0}
    requests = [("POST", COMPLETIONS, json.dumps({**body, **members}).encode()) for members in HOSTILE]
    requests.append(("POST", COMPLETIONS, json.dumps(body).encode()))
    *answers, last = exchange(make_engine(compile_seconds=1.0, mask_seconds=0.5), requests)
    for members, answer in zip(HOSTILE, answers, strict=True):
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (str(members)[:200], answer.text)
        assert answer.status_code == 200 or answer.json()["error"]["param"] in (*members, "max_tokens"), (
            answer.text
        )
    assert last.status_code == 200


def test_more_prompts_than_ever_wait() -> None:
    """To try again later would not help."""
    body = {"model": NAME, "prompt": ["a"] * 5, "max_tokens": 1}
    many, few = exchange(
        make_engine(most_waiting=4),
        [
            ("POST", COMPLETIONS, json.dumps(body).encode()),
            ("POST", COMPLETIONS, json.dumps({**body, "prompt": ["a"] * 4}).encode()),
        ],
    )
    assert (many.status_code, few.status_code) == (400, 200)
    assert "must be at most 4 prompts in one request" in many.json()["error"]["message"]
    assert many.json()["error"]["param"] == "prompt"


def test_a_client_that_leaves_while_it_sends(caplog: pytest.LogCaptureFixture) -> None:
    """That is its own affair: no failure of the server, and no traceback in its log."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": CHAT, "headers": [], "query_string": b""}
    asyncio.run(make_application(make_engine())(scope, receive, send))
    assert sent[0]["status"] == 499
    assert not caplog.records
