"""What may be a tool: functions, models and definitions; what is refused, and with which words."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from tokentrellis.grammars.call_formats import CallFormat
from tokentrellis.grammars.errors import ConstraintError, GrammarError
from tokentrellis.grammars.tool_calls import parse_calls
from tokentrellis.grammars.tools import from_tools
from tokentrellis.grammars.witness import shortest_document

from tests.weather_tools import TOOLS, WEATHER


def get_price(item: str, currency: Literal["EUR", "CHF"] = "EUR", amounts: list[int] | None = None) -> float:
    """The price of an item.

    It may take a while.

    Args:
        item: what it is called
        currency (str): of the price

    Returns:
        the price
    """
    return 0.0


def test_tools_from_functions_and_models() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Point(pydantic.BaseModel):
        """A place."""

        x: int
        y: int = 0

    whole = from_tools(
        [
            get_price,
            Point,
            {"name": "now"},
            {"name": "mcp", "inputSchema": {"type": "object", "maxProperties": 1}},
        ],
        format="hermes",
        tool_choice="required",
    )
    price, point, *_ = whole.definitions()
    assert price["function"]["description"] == "The price of an item.\n\nIt may take a while."
    properties = price["function"]["parameters"]["properties"]
    assert properties["item"]["description"] == "what it is called"
    assert properties["currency"]["description"] == "of the price"
    assert price["function"]["parameters"]["required"] == ["item"]
    assert (point["function"]["name"], point["function"]["description"]) == ("Point", "A place.")
    for name, arguments, is_right in (
        ("get_price", '{"item": "tea", "amounts": null}', True),
        ("get_price", '{"item": "tea", "currency": "USD"}', False),
        ("get_price", '{"item": "tea", "colour": "green"}', False),
        ("Point", '{"x": 1, "y": 2}', True),
        ("Point", '{"x": 1, "z": 2}', False),
        ("now", "{}", True),
        ("now", '{"a": 1}', False),
        ("mcp", '{"a": 1}', True),
        ("mcp", '{"a": 1, "b": 1}', False),
    ):
        text = f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'
        assert whole.accepts(text) == is_right, text


def test_references_of_each_tool_are_its_own() -> None:
    tools = [
        {
            "name": name,
            "parameters": {
                "properties": {"v": {"$ref": "#/$defs/V"}},
                "$defs": {"V": {"const": value}},
                "required": ["v"],
            },
        }
        for name, value in (("one", 1), ("two", 2))
    ]
    for family, text in (
        ("llama3", '{"name": "%s", "parameters": {"v": %d}}'),
        ("gemma", "```tool_code\n%s(v=%d)\n```"),
    ):
        whole = from_tools(tools, format=family, tool_choice="required")
        assert whole.accepts(text % ("one", 1))
        assert whole.accepts(text % ("two", 2))
        assert not whole.accepts(text % ("one", 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: from_tools([], format="hermes"), "at least one tool"),
        (lambda: from_tools(WEATHER, format="hermes"), "put a single tool into a list"),
        (lambda: from_tools([WEATHER, WEATHER], format="hermes"), "/1/name: two tools have the same name"),
        (lambda: from_tools([{"name": "a b"}], format="hermes"), "letters, digits"),
        (lambda: from_tools([3], format="hermes"), "a function, a pydantic model or a definition"),
        (lambda: from_tools([{"parameters": {}}], format="hermes"), "must have a name"),
        (lambda: from_tools([{"name": "a", "parameters": 3}], format="hermes"), "must be a JSON Schema"),
        (lambda: from_tools([lambda *a: 0], format="hermes"), "must have names"),
        (
            lambda: from_tools(
                [{"name": "a", "parameters": {"properties": {"x": False}, "required": ["x"]}}],
                format="llama3",
            ),
            "the tool a cannot be called",
        ),
        (lambda: from_tools(TOOLS, format="herms"), "hermes"),
        (lambda: from_tools(TOOLS, format=3), "the name of a call format"),  # type: ignore[arg-type]
        (lambda: from_tools(TOOLS), "give format=, or tokenizer="),
        (lambda: from_tools(TOOLS, tokenizer=object()), "in no form that is known"),
        (lambda: from_tools(TOOLS, format="hermes", tool_choice="get_wether"), "get_weather"),
        (lambda: from_tools(TOOLS, format="hermes", tool_choice=3), "tool_choice must be"),  # type: ignore[arg-type]
        (lambda: from_tools(TOOLS, format="hermes", parallel=2), "parallel must be"),  # type: ignore[arg-type]
        (lambda: from_tools(TOOLS, format="hermes", reasoning="x"), "pair of texts"),  # type: ignore[arg-type]
        (lambda: from_tools(TOOLS, format="hermes", special_tokens={"a": -1}), "special_tokens must map"),
        (lambda: from_tools(TOOLS, format=CallFormat("x", ("«arguments» «name»",))), "must have «name»"),
        (lambda: from_tools(TOOLS, format=CallFormat("x", "«name»«arguments»")), "a tuple of calls"),  # type: ignore[arg-type]
        (lambda: from_tools(TOOLS, format=CallFormat("x", ("⟨«name»«arguments»",))), "without its ⟩"),
        (lambda: from_tools(TOOLS, format=CallFormat("x", ("",))), "must have «name»"),
        (
            lambda: from_tools(
                TOOLS, format=CallFormat("x", ("⟨" * 3000 + "«name»«arguments»" + "⟩" * 3000,))
            ),
            "at most 50 parts",
        ),
        (lambda: parse_calls("", CallFormat("x", ("«name»«arguments»",), id="(")), "id must be a pattern"),
        (lambda: parse_calls("", CallFormat("x", ("a",), arguments="yaml")), '"xml" or "delimited"'),  # type: ignore[arg-type]
        (lambda: parse_calls("", CallFormat("x", ("a",), quote="")), "a quote must be a text"),
        (lambda: parse_calls("", CallFormat("x", ("a",), quote="<|<")), "does not end as it begins"),
        (lambda: from_tools([{"name": "a", "parameters": {"anyOf": [{}]}}], format="gemma"), "anyOf"),
        (lambda: parse_calls(b"", "hermes"), "text must be a str"),  # type: ignore[arg-type]
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(GrammarError, match=re.escape(message)) as caught:
        make()
    assert isinstance(caught.value, ConstraintError)


def with_arguments(properties: dict[str, Any]) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "object", "properties": properties}}


@pytest.mark.parametrize("format", ["llama_pythonic", "gemma", "qwen3_coder", "hermes"])
@pytest.mark.parametrize("parameters", [{}, {"type": "object", "properties": {}}])
def test_a_tool_without_arguments(format: str, parameters: dict[str, Any]) -> None:
    tools = [{"name": "stop", "parameters": parameters}, {"name": "go"}]
    grammar = from_tools(tools, format=format, tool_choice="required", parallel=False)
    text = shortest_document(grammar, grammar.start)
    assert text is not None
    (call,) = grammar.calls(text.decode())
    assert call.arguments == {}


@pytest.mark.parametrize(
    ("tool", "options", "message"),
    [
        ({"name": "a-b"}, {"format": "gemma"}, "name of a tool that Python does not take .*'a-b'"),
        (with_arguments({"from": {}}), {"format": "gemma"}, "name of an argument that Python .*'from'"),
        (with_arguments({"q": {"type": "objct"}}), {}, "^/f/parameters/properties/q/type: must be one of"),
        ({"name": "f", "parameters": {"type": "string"}}, {}, "^/0/parameters/type: .* must be an object"),
        ({"name": "f"}, {"tool_choice": "none"}, "leave the grammar out"),
        (
            {"name": "f", "parameters": {"properties": {}, "additionalProperties": {"type": "number"}}},
            {"format": "qwen3_coder"},
            "cannot obey additionalProperties",
        ),
    ],
)
def test_tools_that_cannot_be_called(tool: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        from_tools([tool], **{"format": "hermes", **options})
