"""`POST /v1/responses`: the younger protocol of OpenAI in, a chat request out.

What it says of the text is what a chat request says, under other names; so it is translated, and errors get
the names back (`NAMES`). Nothing is kept between requests: an answer cannot be asked for again, or gone on
from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import Field

from .errors import RequestRefusedError
from .protocol import (
    ChatRequest,
    ChoiceFormat,
    CommonRequest,
    GrammarFormat,
    Integer,
    JsonObject,
    JsonObjectFormat,
    NamedSchema,
    RegexFormat,
    RequestPart,
    TextFormat,
)

NAMES = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
}
"""Member of the chat request -> of this protocol."""


@contextmanager
def in_its_words() -> Iterator[None]:
    """Refusals of a chat request name the members of this protocol."""
    try:
        yield
    except RequestRefusedError as error:
        if error.param in NAMES:
            error.param = error.location = NAMES[error.param]
        raise


class InputText(RequestPart):
    """A part of a message."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class InputItem(RequestPart, ABC):
    """What was said before. Items of an earlier answer have an id and a status."""

    id: str | None = None
    status: str | None = None

    @abstractmethod
    def as_chat(self) -> JsonObject:
        """The message of a chat that says the same."""


class InputMessage(InputItem):
    """A message, of the user or from an earlier answer."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[InputText]

    def as_chat(self) -> JsonObject:
        parts = self.content if isinstance(self.content, list) else []
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in parts)
        return {"role": self.role, "content": text}


class InputCall(InputItem):
    """A call from an earlier answer."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str

    def as_chat(self) -> JsonObject:
        function = {"name": self.name, "arguments": self.arguments}
        call = {"id": self.call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}


class InputCallOutput(InputItem):
    """What a call gave."""

    type: Literal["function_call_output"]
    call_id: str
    output: str

    def as_chat(self) -> JsonObject:
        return {"role": "tool", "content": self.output, "tool_call_id": self.call_id}


class ReasoningText(RequestPart):
    """A part of a block of reasoning."""

    type: Literal["reasoning_text", "summary_text"]
    text: str


class InputReasoning(InputItem):
    """A block of reasoning from an earlier answer; it belongs to what the assistant said next."""

    type: Literal["reasoning"]
    content: list[ReasoningText] | None = None
    summary: list[ReasoningText] | None = None
    encrypted_content: None = None

    def as_chat(self) -> JsonObject:
        text = "".join(part.text for part in self.content or self.summary or [])
        return {"role": "assistant", "content": "", "reasoning_content": text}


Item = InputMessage | InputCall | InputCallOutput | InputReasoning


class SchemaFormat(NamedSchema):
    """JSON by a schema."""

    type: Literal["json_schema"]


class TextSettings(RequestPart):
    """What the text has to be."""

    format: (
        Annotated[
            TextFormat | JsonObjectFormat | SchemaFormat | RegexFormat | GrammarFormat | ChoiceFormat,
            Field(discriminator="type"),
        ]
        | None
    ) = None


class FunctionTool(RequestPart):
    """A tool; its arguments are always enforced, `strict` or not."""

    type: Literal["function"]
    name: str
    parameters: JsonObject | None = None
    description: str | None = None
    strict: bool | None = None

    def as_chat(self) -> JsonObject:
        given = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": {k: v for k, v in given.items() if v is not None}}


class ToolName(RequestPart):
    """The tool that has to be called."""

    type: Literal["function"]
    name: str


class ResponsesRequest(CommonRequest):
    """`POST /v1/responses`, with `seed` and `top_k` besides."""

    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[Integer, Field(ge=1)] | None = None
    text: TextSettings | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolName | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["disabled"] | None = None
    include: Annotated[list[str], Field(max_length=0)] | None = None

    def as_chat(self) -> ChatRequest:
        """The chat request that says the same."""
        if isinstance(self.input, str):
            messages = [{"role": "user", "content": self.input}]
        else:
            messages = _conversation(self.input)
        if self.instructions is not None:
            messages = [{"role": "system", "content": self.instructions}, *messages]
        choice: Any = self.tool_choice
        if isinstance(choice, ToolName):
            choice = {"type": "function", "function": {"name": choice.name}}
        return ChatRequest.model_validate(
            {
                **{name: getattr(self, name) for name in CommonRequest.model_fields},
                "messages": messages,
                "max_completion_tokens": self.max_output_tokens,
                "response_format": self._format(),
                "tools": [tool.as_chat() for tool in self.tools] if self.tools else None,
                "tool_choice": choice,
                "parallel_tool_calls": self.parallel_tool_calls,
            }
        )

    def _format(self) -> Any:
        if self.text is None or self.text.format is None:
            return None
        format = self.text.format
        if isinstance(format, SchemaFormat):
            return {"type": "json_schema", "json_schema": {"schema": format.schema_}}
        return format


def _conversation(items: Sequence[Item]) -> list[JsonObject]:
    """The messages of a chat: what the assistant thought, said and called in one turn is one of them."""
    messages: list[JsonObject] = []
    for item in items:
        message = item.as_chat()
        last = messages[-1] if messages else None
        if last is None or last["role"] != "assistant" or message["role"] != "assistant":
            messages.append(message)
        elif "tool_calls" in message:
            last.setdefault("tool_calls", []).extend(message["tool_calls"])
        elif "reasoning_content" in message or "tool_calls" in last or last["content"]:
            messages.append(message)
        else:
            last["content"] = message["content"]
    return messages
