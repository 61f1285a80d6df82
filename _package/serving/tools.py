"""Calls of tools: what a request says about its tools in, a constraint out.

The format of calls is that of the model's chat template; a model without one, such as the embedded, writes
them as Hermes does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..constraint import Constraint
from ..grammars.call_formats import CallFormat, checked_format, detect_format
from ..grammars.grammar import Grammar
from ..grammars.json_schema.layout import Whitespace
from ..grammars.tools import chat_template, from_tools
from ..sources import write_json
from .errors import RequestRefusedError
from .protocol import ChatRequest, JsonObject, WritingRequest

_WITHOUT_TEMPLATE = "hermes"


class ModelTools(NamedTuple):
    """How a model writes calls. special_tokens: name to id. tokenizer: its chat template says the rest."""

    format: CallFormat | None
    special_tokens: Mapping[str, int]
    tokenizer: Any


def tools_of_model(tokenizer: Any, special_tokens: Mapping[str, int]) -> ModelTools:
    """What the tokenizer's chat template says; a format of None: it shows no known one."""
    template = chat_template(tokenizer)
    found = detect_format(template) if template else checked_format(_WITHOUT_TEMPLATE)
    return ModelTools(found, dict(special_tokens), tokenizer)


@dataclass(frozen=True)
class ToolConstraint(Constraint):
    """Answers that may or must call tools. value: tools, choice and parallel, as the request has them."""

    model: ModelTools = field(default=ModelTools(None, {}, None), compare=False)

    def key(self) -> str:
        return f"{self.kind} {self.whitespace} {write_json(self.value)}"

    def grammar(self) -> Grammar:
        """Raises what `from_tools` raises."""
        return from_tools(
            self.value["tools"],
            tool_choice=self.value["choice"],
            parallel=self.value["parallel"],
            format=self.model.format,
            tokenizer=self.model.tokenizer,
            special_tokens=self.model.special_tokens,
            whitespace=self.whitespace,
        )

    def described(self) -> Any:
        """The arguments of the tool that comes first: what a model without a chat template is told."""
        for tool in self.value["tools"]:
            function = _function(tool)
            if self.value["choice"] in ("auto", "required", function.get("name")):
                return function.get("parameters", {})
        return {}


def _function(tool: JsonObject) -> JsonObject:
    """What a definition says; it may be wrong still."""
    function = tool.get("function", tool)
    return function if isinstance(function, dict) else {}


def tool_constraint(
    request: WritingRequest, model: ModelTools, whitespace: Whitespace
) -> ToolConstraint | None:
    """What the tools of a request demand of the text; None: it has none, or must not call them.

    Raises:
        RequestRefusedError: the choice names no tool, or it is not known how the model writes calls.
    """
    if not isinstance(request, ChatRequest):
        return None
    choice = request.tool_choice
    if not request.tools:
        if choice not in (None, "none", "auto"):
            raise RequestRefusedError("needs tools", param="tool_choice", got=choice)
        return None
    if choice == "none":
        return None
    if isinstance(choice, Mapping):
        function = choice.get("function")
        choice = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(choice, str):
            raise RequestRefusedError("names no function", param="tool_choice", got=request.tool_choice)
    names = [_function(tool).get("name") for tool in request.tools]
    if choice not in (None, "auto", "required", *names):
        raise RequestRefusedError(
            "there is no such tool",
            param="tool_choice",
            got=choice,
            advice=f"known are {', '.join(map(str, names))}",
        )
    if model.format is None:
        raise RequestRefusedError(
            "it is not known how this model writes calls",
            param="tools",
            code="unsupported_feature",
            advice="ask for the arguments with response_format",
        )
    value = {
        "tools": request.tools,
        "choice": choice or "auto",
        "parallel": request.parallel_tool_calls is not False,
    }
    return ToolConstraint("tools", value, whitespace, member="tools", model=model)
