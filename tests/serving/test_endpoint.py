"""The endpoint as its clients see it: OpenAI's own client against a server with the embedded model."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

import httpx
import jsonschema_rs
import openai
import pytest
import tokentrellis as tt
from pydantic import BaseModel
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.serving.engine import Engine

from tests.serving.running_server import NAME, embedded, make_engine, serving

TEXT = "Order by Ann Lee: 12 desk lamps, shipped on Monday."
SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {"customer": {"type": "string"}, "quantity": {"type": "integer", "minimum": 10}},
        "required": ["customer", "quantity"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"status": {"enum": ["paid", "shipped"]}, "items": {"type": "array", "maxItems": 3}},
        "required": ["status"],
    },
    {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 1, "maxItems": 2},
    {"anyOf": [{"type": "null"}, {"type": "number", "multipleOf": 0.5}]},
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    with serving(engine) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": TEXT}]
    return client.chat.completions.create(**{"model": NAME, "messages": messages, **options})


def without_end() -> dict[str, int]:
    """A bias with which a text never ends by itself."""
    eos = read_vocabulary(embedded().model, embedded().tokenizer).eos_token_ids
    return {str(token_id): -100 for token_id in eos}


def by_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def test_many_requests_at_the_same_time(client: openai.OpenAI) -> None:
    """Mixed schemas, patterns and choices, eight at a time: every answer is valid and complete."""
    demands: list[tuple[dict[str, Any], Any]] = [
        ({"response_format": by_schema(schema)}, jsonschema_rs.validator_for(schema)) for schema in SCHEMAS
    ]
    demands += [({"extra_body": {"guided_choice": ["yes", "no"]}}, ("yes", "no"))]
    demands += [({"extra_body": {"structured_outputs": {"regex": "[a-z]{3}"}}}, None)]

    def one(number: int) -> None:
        options, check = demands[number % len(demands)]
        answer = ask(client, max_tokens=40 + number % 20, temperature=number % 3 / 2, seed=number, **options)
        (choice,) = answer.choices
        assert choice.finish_reason == "stop"
        assert answer.usage.completion_tokens <= 40 + number % 20
        if check is None:
            assert len(choice.message.content) == 3
        elif isinstance(check, tuple):
            assert choice.message.content in check
        else:
            check.validate(json.loads(choice.message.content))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(48)))


def test_pydantic_through_the_client(client: openai.OpenAI) -> None:
    class Status(str, Enum):
        PAID = "paid"
        SHIPPED = "shipped"

    class Order(BaseModel):
        customer: str
        quantity: int
        status: Status

    answer = client.chat.completions.parse(
        model=NAME, messages=[{"role": "user", "content": TEXT}], response_format=Order, temperature=0
    )
    assert isinstance(answer.choices[0].message.parsed, Order)


def test_greedy_answers_are_those_of_generate(client: openai.OpenAI) -> None:
    loaded = embedded()
    for schema in SCHEMAS:
        answer = ask(client, response_format=by_schema(schema), temperature=0, max_tokens=60)
        result = tt.generate(
            loaded.model,
            loaded.tokenizer,
            loaded.prompt(TEXT, schema),
            grammar=tt.from_json_schema(schema, whitespace="compact"),
            max_new_tokens=60,
        )
        assert answer.choices[0].message.content == result.text
        assert answer.usage.completion_tokens == len(result.token_ids)
        assert answer.usage.prompt_tokens == len(loaded.tokenizer(loaded.prompt(TEXT, schema))["input_ids"])


def test_streams_say_what_answers_say(client: openai.OpenAI) -> None:
    options: dict[str, Any] = {
        "response_format": by_schema(SCHEMAS[0]),
        "n": 3,
        "seed": 5,
        "max_tokens": 60,
        "logprobs": True,
        "top_logprobs": 2,
    }
    whole = ask(client, **options)
    texts, reasons, logprobs = ["", "", ""], [None] * 3, [[], [], []]  # type: ignore[var-annotated]
    usage = None
    for chunk in ask(client, stream=True, stream_options={"include_usage": True}, **options):
        usage = chunk.usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
            logprobs[choice.index] += choice.logprobs.content if choice.logprobs else []
    assert texts == [choice.message.content for choice in whole.choices]
    assert reasons == ["stop"] * 3
    assert usage == whole.usage
    for choice, streamed in zip(whole.choices, logprobs, strict=True):
        assert [item.token for item in streamed] == [item.token for item in choice.logprobs.content]
        assert "".join(item.token for item in streamed) == choice.message.content
        assert all(len(item.top_logprobs) == 2 for item in streamed)


def test_completions(client: openai.OpenAI) -> None:
    loaded = embedded()
    prompt = loaded.prompt(TEXT, SCHEMAS[0])
    token_ids = loaded.tokenizer(prompt)["input_ids"]
    extra = {"guided_json": SCHEMAS[0]}
    options: dict[str, Any] = {"model": NAME, "max_tokens": 60, "temperature": 0, "extra_body": extra}
    by_text = client.completions.create(prompt=[prompt, prompt], logprobs=1, **options)
    by_ids = client.completions.create(prompt=token_ids, **options)
    texts = [choice.text for choice in [*by_text.choices, *by_ids.choices]]
    assert len(set(texts)) == 1
    assert json.loads(texts[0])["quantity"] >= 10
    logprobs = by_text.choices[1].logprobs
    assert "".join(logprobs.tokens) == texts[0]
    assert logprobs.text_offset[:2] == [0, len(logprobs.tokens[0])]
    assert by_text.usage.prompt_tokens == 2 * len(token_ids)
    streamed = client.completions.create(prompt=prompt, stream=True, **options)
    assert "".join(chunk.choices[0].text for chunk in streamed) == texts[0]


def test_stop_strings(client: openai.OpenAI) -> None:
    options: dict[str, Any] = {"max_tokens": 30, "temperature": 0, "logit_bias": without_end()}
    free = client.completions.create(model=NAME, prompt=TEXT, **options)
    text = free.choices[0].text
    assert free.choices[0].finish_reason == "length"
    stop = text[4:6]
    stopped = client.completions.create(model=NAME, prompt=TEXT, stop=[stop], **options)
    assert stopped.choices[0].text == text[: text.index(stop)]
    assert stopped.choices[0].finish_reason == "stop"


def test_max_tokens_is_enough_or_refused(client: openai.OpenAI) -> None:
    vocabulary = read_vocabulary(embedded().model, embedded().tokenizer)
    grammar = tt.from_json_schema(SCHEMAS[0], whitespace="compact")
    needed = tt.compile_grammar(grammar, vocabulary).matcher().tokens_to_finish
    answer = ask(client, response_format=by_schema(SCHEMAS[0]), max_tokens=needed)
    assert answer.choices[0].finish_reason == "stop"
    assert grammar.accepts(answer.choices[0].message.content)
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, response_format=by_schema(SCHEMAS[0]), max_tokens=needed - 1)
    assert caught.value.code == "max_tokens_too_small"
    assert f"{needed} are always enough" in caught.value.message
    assert f"got {needed - 1}" in caught.value.message


@pytest.mark.parametrize(
    ("options", "status", "part", "param"),
    [
        ({"response_format": by_schema({"type": "strin"})}, 400, "/type", "response_format"),
        ({"response_format": by_schema({"$ref": "#/nowhere"})}, 400, "nowhere", "response_format"),
        (
            {"response_format": by_schema({"type": "string", "pattern": "(a+)\\1"})},
            400,
            "/pattern",
            "response_format",
        ),
        ({"response_format": by_schema(False)}, 400, "no text can satisfy", "response_format"),
        ({"extra_body": {"guided_regex": "("}}, 400, "line 1, column", "guided_regex"),
        ({"extra_body": {"guided_grammar": 'root ::= "'}}, 400, "line 1", "guided_grammar"),
        ({"extra_body": {"guided_choice": []}}, 400, "no choices", "guided_choice"),
        ({"extra_body": {"regex": "a", "ebnf": "b"}}, 400, "exclude each other", "regex"),
        ({"model": "other"}, 404, "no such model", "model"),
        ({"n": 9}, 400, "n: must be at most 8", "n"),
        ({"stop": "x", "response_format": by_schema({})}, 400, "stop: would cut off", "stop"),
        ({"max_tokens": 10**6}, 400, "context_length_exceeded", "max_tokens"),
        ({"messages": [{"role": "user", "content": "x " * 5000}]}, 400, "context", "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "needs a text", "messages"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, 400, "no character", "messages"),
        ({"logit_bias": {"99999": 1}}, 400, "token id", "logit_bias"),
        ({"extra_body": {"unheard": 1}}, 400, "unheard", "unheard"),
    ],
)
def test_refusals(address: str, options: dict[str, Any], status: int, part: str, param: str) -> None:
    body = {"model": NAME, "messages": [{"role": "user", "content": TEXT}], **options}
    body |= body.pop("extra_body", {})
    response = httpx.post(f"{address}/v1/chat/completions", content=json.dumps(body), timeout=60)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert part in error["message"] + str(error["code"])
    assert (error["param"], error["type"]) == (
        param,
        "not_found_error" if status == 404 else "invalid_request_error",
    )
    assert error["code"]
    assert "Traceback" not in error["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b'{"model": ', "invalid_json"),
        (b'{"n": NaN}', "invalid_json"),
        (b"\xff", "invalid_json"),
        (b"[" * 10**5, "invalid_json"),
        (b"[]", "invalid_value"),
    ],
)
def test_bodies_that_are_no_request(address: str, body: bytes, code: str) -> None:
    response = httpx.post(f"{address}/v1/chat/completions", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"], error["type"]) == (code, None, "invalid_request_error")


def test_places_and_methods(address: str) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/completions", 405),
        ("POST", "/health", 405),
    ):
        response = httpx.request(method, address + path)
        assert response.status_code == status
        assert response.json()["error"]["code"] == ("not_found" if status == 404 else "method_not_allowed")
    assert httpx.get(f"{address}/health").json()["status"] == "ok"
    assert httpx.get(f"{address}/v1/models").json()["data"][0]["id"] == NAME


def test_a_client_that_leaves_takes_its_jobs_along(
    address: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Any] = []
    submit = engine.scheduler.submit
    monkeypatch.setattr(engine.scheduler, "submit", lambda new: (jobs.extend(new), submit(new)))
    endless = {"model": NAME, "prompt": "a", "max_tokens": 400, "logit_bias": without_end()}
    host, port = address.removeprefix("http://").split(":")
    for number, stream in enumerate((True, False), start=1):
        body = json.dumps({**endless, "stream": stream}).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head.encode() + body)
            if stream:
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            else:
                # The row of the first may still be there.
                while len(jobs) < number or not engine.scheduler.n_rows:
                    httpx.get(f"{address}/health")
        for _ in range(10_000):
            if jobs[-1].is_cancelled:
                break
            httpx.get(f"{address}/health")
        assert jobs[-1].is_cancelled
    assert len(jobs) == 2


def test_keys() -> None:
    with serving(make_engine(), ["first", "second"]) as address:
        for key, is_right in (("first", True), ("second", True), ("third", False), ("x", False)):
            response = httpx.get(f"{address}/v1/models", headers={"Authorization": f"Bearer {key}"})
            assert response.status_code == (200 if is_right else 401)
        assert httpx.post(f"{address}/v1/completions", content=b"").status_code == 401
        assert httpx.get(f"{address}/health").status_code == 200
        with pytest.raises(openai.AuthenticationError):
            ask(openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0))


def test_limits() -> None:
    engine = make_engine(most_body_bytes=3000, most_grammar_characters=500, most_new_tokens=20, most_rows=1)
    with serving(engine) as address:

        def post(**members: Any) -> httpx.Response:
            body = {"model": NAME, "messages": [{"role": "user", "content": TEXT}], **members}
            return httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)

        assert post(user="x" * 3000).status_code == 413
        large = post(guided_choice=["x" * 600])
        assert (large.status_code, large.json()["error"]["code"]) == (400, "limit_exceeded")
        assert post(max_tokens=21).status_code == 400
        assert post(guided_regex="a{100}").status_code == 400
        assert post(n=2).status_code == 400
        assert post(max_tokens=20).json()["usage"]["completion_tokens"] <= 20
