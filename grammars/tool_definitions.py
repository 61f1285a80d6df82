"""What tools may be given as -> their names, descriptions and the schemas of their arguments.

In come Python functions (their signature, read by pydantic, and their docstring), pydantic models, or
definitions as OpenAI, Anthropic and MCP write them; out comes a `Tool` for each. An argument that is not
declared is not written, unless the schema itself says what such arguments are.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import GrammarError, GrammarSyntaxError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")
_SCHEMAS = ("parameters", "input_schema", "inputSchema")
_OPENS = (
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
)


@dataclass(frozen=True)
class Tool:
    """A tool. parameters: the JSON Schema of its arguments, an object."""

    name: str
    parameters: Mapping[str, Any]
    description: str = ""

    def definition(self) -> dict[str, Any]:
        """The definition in OpenAI's form, as `apply_chat_template(..., tools=[...])` takes it."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}


def checked_tools(tools: Iterable[Any]) -> tuple[Tool, ...]:
    """The argument `tools` of `from_tools`.

    Raises GrammarError for what is no list of tools, GrammarSyntaxError for a definition that is malformed or
    a name that comes twice.
    """
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise GrammarError("tools must be a list of tools", got=tools, advice="put a single tool into a list")
    found = tuple(_tool(tool, f"/{place}") for place, tool in enumerate(tools))
    if not found:
        raise GrammarError("there must be at least one tool", got=found)
    for place, tool in enumerate(found):
        if not _NAME.fullmatch(tool.name):
            raise GrammarSyntaxError(
                "the name of a tool must be letters, digits and _ . : / -, at most 128",
                location=f"/{place}/name",
                got=tool.name,
            )
        if tool.name in {other.name for other in found[:place]}:
            raise GrammarSyntaxError("two tools have the same name", location=f"/{place}/name", got=tool.name)
    return found


def _tool(tool: Any, where: str) -> Tool:
    if isinstance(tool, Tool):
        return tool
    if isinstance(tool, Mapping):
        return _from_definition(tool, where)
    if isinstance(tool, type) and hasattr(tool, "model_json_schema"):
        schema = tool.model_json_schema()
        own = inspect.cleandoc(tool.__doc__) if tool.__doc__ else ""
        return Tool(tool.__name__, _closed(_without(schema, "title", "description")), own)
    if callable(tool) and not isinstance(tool, type):
        return _from_function(tool, where)
    raise GrammarSyntaxError(
        "a tool must be a function, a pydantic model or a definition",
        location=where,
        got=tool,
        advice='write {"name": ..., "parameters": {a JSON Schema}}',
    )


def _from_definition(definition: Mapping[str, Any], where: str) -> Tool:
    """A definition of OpenAI (nested, or flat as in its Responses), Anthropic or MCP."""
    kind = definition.get("type", "function")
    inner = definition.get("function", definition)
    if kind != "function" or not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise GrammarSyntaxError(
            "a tool definition must have a name",
            location=where,
            got=dict(definition),
            advice='write {"type": "function", "function": {"name": ..., "parameters": {...}}}',
        )
    schema: Any = next((inner[name] for name in _SCHEMAS if inner.get(name) is not None), {})
    if not isinstance(schema, Mapping):
        raise GrammarSyntaxError(
            "the parameters of a tool must be a JSON Schema", location=f"{where}/parameters", got=schema
        )
    if schema.get("type", "object") != "object":
        raise GrammarSyntaxError(
            "the arguments of a tool must be an object",
            location=f"{where}/parameters/type",
            got=schema["type"],
        )
    if not schema:
        schema = {"type": "object", "properties": {}}
    description = inner.get("description") or ""
    return Tool(inner["name"], _closed(schema), str(description))


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of arguments: an object, with none but the declared ones where it leaves that open."""
    closed: dict[str, Any] = {"type": "object", **schema}
    if not any(name in closed for name in _OPENS) and "properties" in closed:
        closed["additionalProperties"] = False
    return closed


def _from_function(function: Any, where: str) -> Tool:
    """A tool out of a signature and a docstring."""
    try:
        from pydantic import ConfigDict, Field, create_model
        from pydantic.errors import PydanticUserError
    except ImportError:
        raise GrammarError(
            "a function needs pydantic to become a tool",
            got=function,
            advice="install it, or give a definition",
        ) from None
    description, notes = _docstring(inspect.getdoc(function) or "")
    name = getattr(function, "__name__", type(function).__name__)
    fields: dict[str, Any] = {}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise GrammarSyntaxError(
                    "the arguments of a tool must have names, and be given by them",
                    location=where,
                    got=f"{name}{inspect.signature(function)}",
                )
            default = ... if parameter.default is parameter.empty else parameter.default
            note = notes.get(parameter.name)
            fields[parameter.name] = (hints.get(parameter.name, Any), Field(default, description=note))
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema()
    except (PydanticUserError, TypeError, NameError, ValueError) as error:
        if isinstance(error, GrammarError):
            raise
        raise GrammarSyntaxError(
            f"the signature of a tool cannot be read ({str(error).splitlines()[0]})",
            location=where,
            got=function,
        ) from None
    return Tool(name, _without(schema, "title"), description)


def _without(schema: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in names}


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and what is said of each argument, under `Args:` or as `:param name:`."""
    head, *rest = re.split(r"(?m)^(?:Args|Arguments|Parameters):?\s*$", text, maxsplit=1)
    section = rest[0] if rest else ""
    notes = dict(re.findall(r"(?m)^\s*:param\s+(?:\w+\s+)?(\w+):\s*(.+)$", head))
    notes.update(re.findall(r"(?m)^\s+(\w+)\s*(?:\([^)]*\))?:\s*(.+)$", section))
    return re.split(r"(?m)^\s*(?::\w|Returns:|Raises:)", head)[0].strip(), notes
