"""The requests of the OpenAI protocol: JSON in, checked requests out.

A member that is not known, or that would have no effect here, is refused: nothing that a client wrote is
ignored silently. The members that never change a text by their definition (`user`, `metadata` ...) are the
exception. Numbers arrive exact (`Decimal`), so that the schemas in a request stay as they were written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from .errors import RequestRefusedError

MOST_STOP_STRINGS = 4
MOST_STOP_CHARACTERS = 1000
MOST_TOP_LOGPROBS = 20
MOST_BIASES = 1024

_MOST_LISTED = 5  # problems that a message lists


def _to_float(value: object) -> object:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise PydanticCustomError("number", "Input should be a number that a float can hold") from None
    return value


def _to_integer(value: object) -> object:
    """Whole numbers that were written with a fraction or an exponent are integers in JSON."""
    # `adjusted` before all arithmetic: that refuses very large exponents by errors of its own.
    if isinstance(value, Decimal) and value.adjusted() < 19 and value == value.to_integral_value():
        return int(value)
    return value


Number = Annotated[float, BeforeValidator(_to_float), Field(allow_inf_nan=False)]
Integer = Annotated[int, BeforeValidator(_to_integer)]
Stop = Annotated[str, Field(min_length=1, max_length=MOST_STOP_CHARACTERS)]
JsonObject = dict[str, Any]


class RequestPart(BaseModel):
    """A JSON object of a request: members that are not known are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(RequestPart):
    """A part of a message."""

    type: Literal["text"]
    text: str


class Message(RequestPart):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[JsonObject] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    # What else clients send back of an earlier answer, when they send all of it; `parsed` is the content
    # as OpenAI's client read it.
    parsed: Any = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    audio: None = None
    function_call: None = None

    def for_template(self) -> JsonObject:
        """What chat templates know of."""
        unknown = {"parsed", "annotations", "audio", "function_call"}
        return {**self.model_dump(exclude_none=True, exclude=unknown), "content": self.text()}

    def text(self) -> str:
        """The content, its parts put together."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class NamedSchema(RequestPart):
    """What `response_format` carries for `json_schema`. A schema is always enforced, `strict` or not."""

    name: str | None = None
    description: str | None = None
    schema_: JsonObject | bool = Field(alias="schema")
    strict: bool | None = None


class TextFormat(RequestPart):
    """No constraint."""

    type: Literal["text"]


class JsonObjectFormat(RequestPart):
    """Any JSON object; some servers take a schema here too."""

    type: Literal["json_object"]
    schema_: JsonObject | None = Field(None, alias="schema")


class JsonSchemaFormat(RequestPart):
    """JSON by a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


class RegexFormat(RequestPart):
    """A text that a pattern matches from begin to end."""

    type: Literal["regex"]
    pattern: str


class GrammarFormat(RequestPart):
    """A text by rules; without a syntax they are GBNF where they have `::=`, and else Lark."""

    type: Literal["grammar"]
    grammar: str
    syntax: Literal["lark", "gbnf", "ebnf"] | None = None


class ChoiceFormat(RequestPart):
    """One of some texts."""

    type: Literal["choice"]
    choices: list[str]


ResponseFormat = Annotated[
    TextFormat | JsonObjectFormat | JsonSchemaFormat | RegexFormat | GrammarFormat | ChoiceFormat,
    Field(discriminator="type"),
]


class StructuredOutputs(RequestPart):
    """vLLM's extension; `disable_any_whitespace` is our compact layout."""

    json_: JsonObject | bool | str | None = Field(None, alias="json")
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    disable_any_whitespace: bool = False


class StreamOptions(RequestPart):
    """include_usage: one more event at the end, with the counts."""

    include_usage: bool = False
    include_obfuscation: Literal[False] | None = None


class CommonRequest(RequestPart):
    """What all kinds of requests have in common."""

    model: str
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    top_k: Annotated[Integer, Field(ge=-1, lt=2**31)] | None = None
    seed: Annotated[Integer, Field(ge=-(2**63), lt=2**63)] | None = None
    stream: bool | None = None
    # Without effect on a text, by their definition.
    user: str | None = None
    metadata: JsonObject | None = None
    store: Literal[False] | None = None
    service_tier: Literal["auto", "default"] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class WritingRequest(CommonRequest, ABC):
    """What chats and completions have in common."""

    max_tokens: Annotated[Integer, Field(ge=1)] | None = None
    n: Annotated[Integer, Field(ge=1)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOP_STRINGS)] | None = None
    stream_options: StreamOptions | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    logit_bias: (
        Annotated[dict[str, Annotated[Number, Field(ge=-100, le=100)]], Field(max_length=MOST_BIASES)] | None
    ) = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    guided_json: JsonObject | bool | str | None = None
    guided_regex: str | None = None
    guided_choice: list[str] | None = None
    guided_grammar: str | None = None
    regex: str | None = None
    ebnf: str | None = None

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """The strings before which a text ends."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def token_limit(self) -> int | None:
        """Most tokens of one text, the end of the text included."""
        return self.max_tokens

    @property
    def limit_member(self) -> str:
        """The member that says `token_limit`."""
        return "max_tokens"

    @property
    @abstractmethod
    def text_member(self) -> str:
        """The member that the prompt is made of."""

    @property
    @abstractmethod
    def n_top_logprobs(self) -> int | None:
        """Alternatives that are wanted beside each token; None: no log-probabilities at all."""


class ChatRequest(WritingRequest):
    """`POST /v1/chat/completions`"""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Annotated[Integer, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=MOST_TOP_LOGPROBS)] | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None

    @property
    def token_limit(self) -> int | None:
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def text_member(self) -> str:
        return "messages"

    @property
    def limit_member(self) -> str:
        return "max_tokens" if self.max_completion_tokens is None else "max_completion_tokens"

    @property
    def n_top_logprobs(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(WritingRequest):
    """`POST /v1/completions`"""

    prompt: str | Annotated[list[str] | list[Integer] | list[list[Integer]], Field(min_length=1)]
    logprobs: Annotated[Integer, Field(ge=0, le=MOST_TOP_LOGPROBS)] | None = None
    echo: Literal[False] | None = None
    best_of: Integer | None = None
    suffix: None = None

    @property
    def text_member(self) -> str:
        return "prompt"

    @property
    def n_top_logprobs(self) -> int | None:
        return self.logprobs


Request = TypeVar("Request", bound=RequestPart)


def read_request(kind: type[Request], values: Any) -> Request:
    """A checked request of this kind, from parsed JSON.

    Raises:
        RequestRefusedError: it is no such request; all that is wrong is in one message.
    """
    if not isinstance(values, dict):
        raise RequestRefusedError("the body must be a JSON object", code="invalid_value", got=values)
    try:
        request = kind.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, values) from None
    except RecursionError:
        raise RequestRefusedError("the body nests too deep", code="limit_exceeded") from None
    if isinstance(request, WritingRequest):
        _check_together(request)
    return request


def _check_together(request: WritingRequest) -> None:
    """Raise RequestRefusedError for members that would do nothing, or contradict each other."""
    if request.stream_options is not None and not request.stream:
        raise RequestRefusedError("needs stream to be true", param="stream_options")
    if isinstance(request, ChatRequest):
        limits = {request.max_tokens, request.max_completion_tokens} - {None}
        if len(limits) > 1:
            raise RequestRefusedError(
                "max_tokens and max_completion_tokens differ", param="max_tokens", advice="leave one out"
            )
        if request.top_logprobs is not None and not request.logprobs:
            raise RequestRefusedError("needs logprobs to be true", param="top_logprobs")
    if isinstance(request, CompletionRequest) and request.best_of not in (None, request.n or 1):
        raise RequestRefusedError(
            "must be the same as n: all texts are returned", param="best_of", got=request.best_of
        )


def _refusal(error: ValidationError, values: JsonObject) -> RequestRefusedError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    found: dict[str, str] = {}
    for problem in problems:
        name = _place(problem["loc"], values, is_missing=problem["type"] == "missing")
        found.setdefault(name, f"{name}: {problem['msg']}")
    listed = list(found.values())
    more = f"; and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
    is_unknown = {problem["type"] for problem in problems} == {"extra_forbidden"}
    refusal = RequestRefusedError(
        "; ".join(listed[:_MOST_LISTED]) + more, code="unknown_parameter" if is_unknown else "invalid_value"
    )
    refusal.param = next(iter(found))
    return refusal


def _place(location: Sequence[int | str], values: Any, *, is_missing: bool) -> str:
    """`messages.0.role`: names and numbers on the way, without those of alternatives that were tried."""
    parts = []
    for depth, part in enumerate(location):
        if isinstance(values, dict) and part in values:
            values = values[str(part)]
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        elif not (is_missing and depth == len(location) - 1):
            continue
        parts.append(str(part)[:80])
    return ".".join(parts[:8]) or "body"
