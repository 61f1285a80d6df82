"""Calls of tools through the endpoint, with OpenAI's client: definitions in, calls that obey them out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
import tokentrellis as tt
from tokentrellis.grammars.tools import ToolGrammar
from tokentrellis.serving.call_stream import message_of
from tokentrellis.serving.protocol import ChatRequest
from tokentrellis.serving.tools import ModelTools, tool_constraint, tools_of_model

from tests.chat_templates import QWEN_3, TEMPLATES
from tests.serving.running_server import NAME, make_engine, serving

TEXT = "Order by Ann Lee: 12 desk lamps."
ORDER = {
    "type": "function",
    "function": {
        "name": "enter_order",
        "parameters": {
            "type": "object",
            "properties": {"customer": {"type": "string"}, "quantity": {"type": "integer"}},
            "required": ["customer", "quantity"],
        },
    },
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(make_engine()) as found:
        yield found


def client(address: str) -> Any:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0, timeout=120)


def ask(address: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": TEXT}]
    return client(address).chat.completions.create(
        model=NAME, messages=messages, temperature=0, max_tokens=100, **options
    )


def assert_order(call: Any) -> None:
    assert (call.type, call.function.name) == ("function", "enter_order")
    assert call.id
    arguments = json.loads(call.function.arguments)
    assert set(arguments) == {"customer", "quantity"}
    assert list(map(type, arguments.values())) == [str, int]


@pytest.mark.parametrize(
    "choice",
    ["required", {"type": "function", "function": {"name": "enter_order"}}],
    ids=["required", "named"],
)
def test_a_call(address: str, choice: Any) -> None:
    answer = ask(address, tools=[ORDER], tool_choice=choice, parallel_tool_calls=False).choices[0]
    assert answer.finish_reason == "tool_calls"
    assert answer.message.content is None
    (call,) = answer.message.tool_calls
    assert_order(call)


def test_a_named_tool_is_the_one_that_is_called(address: str) -> None:
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = ask(address, tools=[ORDER, WEATHER], tool_choice=choice, parallel_tool_calls=False).choices[0]
    assert [call.function.name for call in answer.message.tool_calls] == ["weather"]


def test_a_stream_has_the_same_call(address: str) -> None:
    options: dict[str, Any] = {"tools": [ORDER], "tool_choice": "required", "parallel_tool_calls": False}
    whole = ask(address, **options).choices[0].message.tool_calls[0].function
    name, arguments, reasons = "", "", []
    for event in ask(address, stream=True, **options):
        for call in event.choices[0].delta.tool_calls or []:
            assert call.index == 0
            name += call.function.name or ""
            arguments += call.function.arguments or ""
        reasons.append(event.choices[0].finish_reason)
    assert (name, arguments) == (whole.name, whole.arguments)
    assert reasons[-1] == "tool_calls"
    assert set(reasons[:-1]) == {None}
    assert len(reasons) > 6  # the arguments came in pieces


def test_a_stream_is_put_together_by_the_client(address: str) -> None:
    """OpenAI's own accumulation of a stream, with log-probabilities for each token."""
    with client(address).chat.completions.stream(
        model=NAME,
        messages=[{"role": "user", "content": TEXT}],
        tools=[ORDER],
        tool_choice="required",
        max_tokens=100,
        temperature=0,
        logprobs=True,
        parallel_tool_calls=False,
        stream_options={"include_usage": True},
    ) as stream:
        pieces = [
            event.arguments_delta for event in stream if event.type == "tool_calls.function.arguments.delta"
        ]
        final = stream.get_final_completion()
    (choice,) = final.choices
    assert_order(choice.message.tool_calls[0])
    assert "".join(pieces) == choice.message.tool_calls[0].function.arguments
    assert len(pieces) > 2
    assert len(choice.logprobs.content) == final.usage.completion_tokens - 1  # the end of the text has none


def test_a_conversation_with_results_of_tools_is_taken(address: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "user", "content": TEXT},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    answer = client(address).chat.completions.create(
        model=NAME, messages=messages, tools=[ORDER], tool_choice="required", max_tokens=200
    )
    assert answer.choices[0].message.tool_calls


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"tools": [{"type": "function", "function": {"name": 3}}]}, "name"),
        ({"tools": [ORDER, ORDER]}, "enter_order"),
        ({"tools": [ORDER], "tool_choice": "no_such_tool"}, "no_such_tool"),
        ({"tools": [ORDER], "tool_choice": {"type": "function"}}, "names no function"),
        ({"tools": [{"function": 3}], "tool_choice": "required"}, "tool definition"),
        ({"tool_choice": "required"}, "needs tools"),
        ({"tools": [ORDER], "response_format": {"type": "json_object"}}, "exclude each other"),
        ({"tools": [ORDER], "stop": "x"}, "cut off"),
        ({"tools": [ORDER], "tool_choice": "required", "max_tokens": 3}, "always enough"),
    ],
)
def test_refusals(address: str, options: dict[str, Any], part: str) -> None:
    body = {"model": NAME, "messages": [{"role": "user", "content": TEXT}], **options}
    response = httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)
    assert response.status_code == 400, response.text
    assert part in response.json()["error"]["message"]
    if part in ("no_such_tool", "names no function"):
        assert response.json()["error"]["param"] == "tool_choice"


def test_without_a_choice_tools_change_nothing() -> None:
    body = {"model": NAME, "messages": [{"role": "user", "content": TEXT}], "tools": [ORDER]}
    request = ChatRequest.model_validate({**body, "tool_choice": "none"})
    assert tool_constraint(request, ModelTools(None, {}, None), "natural") is None
    with pytest.raises(tt.ConstraintError, match="not known how this model writes calls"):
        tool_constraint(ChatRequest.model_validate(body), ModelTools(None, {}, None), "natural")


@pytest.mark.parametrize("template", [QWEN_3, TEMPLATES["glm45"], TEMPLATES["llama3"]])
def test_reasoning_is_written_as_the_model_writes_it(template: str) -> None:
    tokenizer = SimpleNamespace(chat_template=template)
    body = {"model": NAME, "messages": [{"role": "user", "content": TEXT}], "tools": [ORDER]}
    constraint = tool_constraint(ChatRequest.model_validate(body), tools_of_model(tokenizer, {}), "natural")
    assert constraint is not None
    served, known = constraint.grammar(), tt.from_tools([ORDER], tokenizer=tokenizer)
    assert isinstance(served, ToolGrammar)
    assert (served.format, served.reasoning) == (known.format, known.reasoning)


@pytest.mark.parametrize(
    ("text", "said", "thought", "n_calls"),
    [
        ("It is late.", "It is late.", None, 0),
        ('I look.\n<tool_call>\n{"name": "weather", "arguments": {}}\n</tool_call>', "I look.", None, 1),
        ('<tool_call>\n{"name": "weather", "arguments": {}}\n</tool_call>', None, None, 1),
        ("<think>Hm.</think>\nYes.", "Yes.", "Hm.", 0),
    ],
)
def test_messages(text: str, said: str | None, thought: str | None, n_calls: int) -> None:
    grammar = tt.from_tools([WEATHER], format="hermes", reasoning=("<think>", "</think>"))
    assert grammar.accepts(text)
    message = message_of(grammar, text)
    assert message["content"] == said
    assert message.get("reasoning_content") == thought
    assert len(message.get("tool_calls", [])) == n_calls
