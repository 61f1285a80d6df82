"""`/v1/responses`, with OpenAI's own client: texts, schemas, calls, streams, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel
from tokentrellis.serving.protocol import read_request
from tokentrellis.serving.response_request import ResponsesRequest

from tests.serving.running_server import NAME, make_engine, serving

TEXT = "Order by Ann Lee: 12 desk lamps."
SCHEMA = {
    "type": "object",
    "properties": {"customer": {"type": "string"}, "quantity": {"type": "integer"}},
    "required": ["customer", "quantity"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "name": "enter_order", "parameters": SCHEMA, "strict": True}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(make_engine()) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        yield client


def by_schema() -> Any:
    return {"format": {"type": "json_schema", "name": "order", "schema": SCHEMA, "strict": True}}


def test_a_schema_and_what_chat_says_to_it(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model=NAME, input=TEXT, text=by_schema(), temperature=0, max_output_tokens=60, instructions="Extract."
    )
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert set(json.loads(answer.output_text)) == {"customer", "quantity"}
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.text is not None
    assert answer.text.format is not None
    assert answer.text.format.type == "json_schema"
    chat = client.chat.completions.create(
        model=NAME,
        messages=[{"role": "system", "content": "Extract."}, {"role": "user", "content": TEXT}],
        response_format={"type": "json_schema", "json_schema": {"name": "order", "schema": SCHEMA}},
        temperature=0,
        max_tokens=60,
    )
    assert chat.choices[0].message.content == answer.output_text
    assert chat.usage is not None
    assert chat.usage.completion_tokens == answer.usage.output_tokens


def test_pydantic_through_the_client(client: openai.OpenAI) -> None:
    class Order(BaseModel):
        customer: str
        quantity: int

    answer = client.responses.parse(model=NAME, input=TEXT, text_format=Order, temperature=0)
    assert isinstance(answer.output_parsed, Order)


def test_a_text_that_was_cut_off_says_so(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model=NAME, input=TEXT, max_output_tokens=2, extra_body={"seed": 1, "top_k": 3}
    )
    if answer.status == "incomplete":
        assert answer.incomplete_details is not None
        assert answer.incomplete_details.reason == "max_output_tokens"
    else:
        assert answer.status == "completed"
    assert answer.usage is not None
    assert answer.usage.output_tokens <= 2


def test_a_stream_is_put_together_by_the_client(client: openai.OpenAI) -> None:
    options: dict[str, Any] = {"model": NAME, "input": TEXT, "text": by_schema(), "temperature": 0}
    whole = client.responses.create(**options)
    kinds, text = [], ""
    with client.responses.stream(**options) as stream:
        for number, event in enumerate(stream):
            kinds.append(event.type)
            assert event.sequence_number == number
            text += event.delta if event.type == "response.output_text.delta" else ""
        final = stream.get_final_response()
    assert text == final.output_text == whole.output_text
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert kinds.count("response.output_text.delta") > 3
    assert final.usage == whole.usage


def test_calls_whole_and_in_a_stream(client: openai.OpenAI) -> None:
    options: dict[str, Any] = {
        "model": NAME,
        "input": TEXT,
        "tools": [TOOL],
        "tool_choice": {"type": "function", "name": "enter_order"},
        "parallel_tool_calls": False,
        "temperature": 0,
        "max_output_tokens": 100,
    }
    (whole,) = client.responses.create(**options).output
    assert whole.type == "function_call"
    assert (whole.name, set(json.loads(whole.arguments))) == ("enter_order", {"customer", "quantity"})
    arguments, n_pieces = "", 0
    with client.responses.stream(**options) as stream:
        for event in stream:
            if event.type == "response.function_call_arguments.delta":
                arguments += event.delta
                n_pieces += 1
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert arguments == call.arguments == whole.arguments
    assert n_pieces > 2


def test_a_conversation_goes_on_with_its_items(client: openai.OpenAI) -> None:
    first = client.responses.create(
        model=NAME, input=TEXT, tools=[TOOL], tool_choice="required", parallel_tool_calls=False
    )
    (call,) = [item for item in first.output if item.type == "function_call"]
    items: list[Any] = [
        {"role": "user", "content": [{"type": "input_text", "text": TEXT}]},
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "done"},
    ]
    again = client.responses.create(
        model=NAME,
        input=items,
        text={"format": {"type": "choice", "choices": ["yes", "no"]}},  # type: ignore[dict-item, misc]
    )
    assert again.output_text in ("yes", "no")
    message = again.output[0].model_dump(exclude_none=True)
    client.responses.create(model=NAME, input=[*items, message], text={"format": {"type": "json_object"}})


def test_items_of_one_turn_are_one_message() -> None:
    def call(number: int) -> dict[str, Any]:
        return {"type": "function_call", "call_id": f"c{number}", "name": "look", "arguments": "{}"}

    items: list[Any] = [
        {"role": "user", "content": "Look."},
        {
            "type": "reasoning",
            "id": "r",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        call(1),
        call(2),
        {"type": "function_call_output", "call_id": "c1", "output": "a"},
        {"type": "function_call_output", "call_id": "c2", "output": "b"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "So."}]},
        call(3),
        {"role": "assistant", "content": "That was it."},
    ]
    request = read_request(ResponsesRequest, {"model": NAME, "input": items, "instructions": "Be short."})
    messages = request.as_chat().messages
    assert [(message.role, message.text(), message.reasoning_content) for message in messages] == [
        ("system", "Be short.", None),
        ("user", "Look.", None),
        ("assistant", "I look.", "Hm."),
        ("tool", "a", None),
        ("tool", "b", None),
        ("assistant", "", "So."),
        ("assistant", "That was it.", None),
    ]
    calls = [[found["id"] for found in message.tool_calls or []] for message in messages]
    assert calls == [[], [], ["c1", "c2"], [], [], ["c3"], []]


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "unknown_parameter"),
        ({"store": True}, "store", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": [{"type": "image"}]}, "input", "invalid_value"),
        ({"input": " "}, "input", "invalid_value"),
        ({"input": "x " * 5000}, "input", "context_length_exceeded"),
        ({"max_output_tokens": 1, "text": by_schema()}, "max_output_tokens", "max_tokens_too_small"),
        ({"max_output_tokens": 10**6}, "max_output_tokens", "context_length_exceeded"),
        ({"text": {"format": {"type": "regex", "pattern": "("}}}, "text.format", "invalid_grammar"),
        ({"tools": [TOOL, TOOL]}, "tools", "invalid_grammar"),
        ({"model": "other"}, "model", "model_not_found"),
    ],
)
def test_refusals(address: str, members: dict[str, Any], param: str, code: str) -> None:
    body = {"model": NAME, "input": TEXT, **members}
    response = httpx.post(f"{address}/v1/responses", json=body, timeout=60)
    assert response.status_code == (404 if code == "model_not_found" else 400), response.text
    error = response.json()["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert error["message"].startswith(param.partition(".")[0])


def test_numbers_of_schemas_come_back_exact(address: str) -> None:
    text = '{"format": {"type": "json_schema", "schema": {"type": "number", "minimum": 0.50, "maximum": 3}}}'
    body = f'{{"model": "{NAME}", "input": "x", "max_output_tokens": 30, "text": {text}}}'
    answer = httpx.post(f"{address}/v1/responses", content=body, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["text"]["format"]["schema"] == {"type": "number", "minimum": 0.5, "maximum": 3}
    assert '"minimum": 0.50' in answer.text


def test_half_of_a_surrogate_pair_comes_back(address: str) -> None:
    for is_streamed in (False, True):
        body = {"model": NAME, "input": "x", "max_output_tokens": 3, "user": "\ud83d", "stream": is_streamed}
        answer = httpx.post(f"{address}/v1/responses", content=json.dumps(body), timeout=60)
        assert answer.status_code == 200
        assert r'"user": "\ud83d"' in answer.text
