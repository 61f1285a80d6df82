"""Calls out of a text: a format (`call_formats.py`) read backwards.

In come a text, special tokens written as their names, and its format; out come the calls: name, arguments
and id. Reasoning is passed over, and so is free text up to what calls begin with; from there on the text must
be what the format says, though white space may be any; values are read by `call_values.py`. Cost: linear in
the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from .argument_spellings import value_kinds, with_shared
from .call_formats import (
    CallFormat,
    Element,
    after_reasoning,
    checked_format,
    checked_reasoning,
    elements,
)
from .call_values import MismatchError, after_blanks, read_name, read_value
from .errors import GrammarError, GrammarSyntaxError, line_and_column
from .parameter_elements import parameter_element
from .tool_definitions import Tool, checked_tools

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]*")
_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=\s*")
_LONGEST_SHOWN = 200


class ToolCall(NamedTuple):
    """A call. id: what the model wrote as its id; None where the format has none."""

    name: str
    arguments: dict[str, Any]
    id: str | None = None


def parse_calls(
    text: str,
    format: str | CallFormat,
    *,
    tools: Iterable[Any] | None = None,
    reasoning: tuple[str, str] | Literal[False] | None = None,
) -> list[ToolCall]:
    """The calls in an output of a model, in their order; none if it is text alone.

    text: the output, with special tokens written as their names (`skip_special_tokens=False`).
    format: the name of the call format, or a `CallFormat`.
    tools: what may be called, as `from_tools` takes it: then other names are errors, and
        arguments of XML that are strings are told from others. None: any name.
    reasoning: what begins and ends a block before everything. None: that of the format, if it has one. False:
        there is none, and what would begin one is text.

    Raises: GrammarSyntaxError with the place, where a call begins and is not what the format says;
        GrammarError for what is no text.
    """
    if not isinstance(text, str):
        raise GrammarError("text must be a str", got=text, advice="decode it first")
    known = None if tools is None else {tool.name: tool for tool in checked_tools(tools)}
    how = checked_format(format)
    block = (
        how.reasoning if reasoning is None else None if reasoning is False else checked_reasoning(reasoning)
    )
    reader = _Reader(how, text, known)
    try:
        return reader.read(block)
    except MismatchError as error:
        raise GrammarSyntaxError(
            "a call begins here and is not what the format says",
            location=line_and_column(text, error.place),
            source=text,
            got=text[error.place : error.place + _LONGEST_SHOWN],
            advice=f"expected {error.expected}",
        ) from None


def text_beside_calls(
    text: str, format: CallFormat, reasoning: tuple[str, str] | None = None
) -> tuple[str, str]:
    """What an output says beside its calls: the block of reasoning, and the free text after it.

    text, format: as for `parse_calls`. reasoning: what begins and ends the block; None: there is none. Both
        come without what begins and ends them.
    """
    reader = _Reader(format, text, None)
    start = reader.at = after_reasoning(text, reasoning)
    begin, end = reasoning or ("", "")
    thought = text[len(begin) : start - len(end)] if start else ""
    is_called = reader.find_first()
    said = text[start : reader.at if is_called else len(text)]
    before, after = format.answer
    said = said.strip()
    if before and said.startswith(before):
        said = said.removeprefix(before).removesuffix(after)
    return thought.strip(), said


class _Reader:
    def __init__(self, format: CallFormat, text: str, tools: Mapping[str, Tool] | None) -> None:
        self.format = format
        self.text = text
        self.tools = tools
        self.at = 0

    def read(self, reasoning: tuple[str, str] | None) -> list[ToolCall]:
        self.at = after_reasoning(self.text, reasoning)
        before, _ = self.format.answer
        if before and self.text.startswith(before, self.at):
            return []
        if not self.find_first():
            return []
        self.match(elements(self.format.begin))
        calls = [self.call()]
        while True:
            here = self.at
            if self.tries(elements(self.format.end)) and self.at_end():
                return calls
            self.at = here
            self.match(elements(self.format.separator))
            if self.at == here and self.at == len(self.text):
                return calls
            calls.append(self.call())

    def find_first(self) -> bool:
        """Go to where the calls begin, if there are any."""
        if self.format.text_before:
            firsts = self.format.first_texts()
            places = [place for first in firsts if (place := self.text.find(first, self.at)) >= 0]
            if places:
                self.at = min(places)
            return bool(places)
        here = after_blanks(self.text, self.at)
        heads = tuple(self.format.heads())
        if self.text.startswith(heads, self.at):
            return True  # a blank may be what it begins with
        self.at = here
        return self.text.startswith(heads, here)

    def at_end(self) -> bool:
        """Whether nothing comes any more but what ends the turn."""
        at = after_blanks(self.text, self.at)
        if self.format.turn_end and self.text.startswith(self.format.turn_end, at):
            at = after_blanks(self.text, at + len(self.format.turn_end))
        return at == len(self.text)

    def call(self) -> ToolCall:
        here, furthest = self.at, MismatchError(self.at, "a call")
        for template in self.format.calls:
            self.at = here
            try:
                parts: dict[str, Any] = {}
                self.match(elements(template), parts)
                return ToolCall(parts["name"], parts["arguments"], parts.get("id"))
            except MismatchError as error:
                furthest = max(furthest, error, key=lambda mismatch: mismatch.place)
        raise furthest

    def tries(self, pieces: Iterable[Element], parts: dict[str, Any] | None = None) -> bool:
        here = self.at
        try:
            self.match(pieces, parts)
        except MismatchError:
            self.at = here
            return False
        return True

    def match(self, pieces: Iterable[Element], parts: dict[str, Any] | None = None) -> None:
        for piece in pieces:
            if piece.kind == "text":
                if not self.text.startswith(piece.text, self.at):
                    raise MismatchError(self.at, repr(piece.text))
                self.at += len(piece.text)
            elif piece.kind == "gap":
                self.at = after_blanks(self.text, self.at)
            elif piece.kind == "optional":
                self.tries(piece.elements, parts)
            elif parts is not None:
                parts[piece.kind] = getattr(self, f"read_{piece.kind}")(parts)

    def read_name(self, parts: Mapping[str, Any]) -> str:
        found = _NAME.match(self.text, self.at)
        name = found[0] if found else ""
        if self.tools is not None:  # a name may be followed by characters that names have
            known = [tool for tool in self.tools if self.text.startswith(tool, self.at)]
            name = max(known, key=len, default="")
        if not name:
            raise MismatchError(self.at, "the name of a tool")
        self.at += len(name)
        return name

    def read_id(self, parts: Mapping[str, Any]) -> str:
        found = re.compile(self.format.id).match(self.text, self.at)
        if not found:
            raise MismatchError(self.at, f"an id that matches {self.format.id}")
        self.at = found.end()
        return found[0]

    def read_arguments(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        if self.format.arguments == "python":
            return self.read_keywords()
        if self.format.arguments == "delimited":
            return self.read_members()
        if self.format.arguments == "xml":
            return self.read_elements(None if self.tools is None else self.tools[parts["name"]])
        value = self.read_value()
        if not isinstance(value, dict):
            raise MismatchError(self.at, "an object")
        return value

    def read_keywords(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            keyword = _KEYWORD.match(self.text, self.at)
            if keyword is None:
                if found:
                    raise MismatchError(self.at, "an argument")
                return found
            self.at = keyword.end()
            found[keyword[1]] = self.read_value()
            self.at = after_blanks(self.text, self.at)
            if not self.text.startswith(",", self.at):
                return found
            self.at += 1

    def read_members(self) -> dict[str, Any]:
        """Names and values up to a bracket, which is not read."""
        found: dict[str, Any] = {}
        self.at = after_blanks(self.text, self.at)
        while not self.text.startswith("}", self.at):
            if found:
                if not self.text.startswith(",", self.at):
                    raise MismatchError(self.at, "',' or '}'")
                self.at += 1
            name, self.at = read_name(self.text, self.at, self.format.quote)
            found[name], self.at = read_value(self.text, self.at, self.format.quote)
            self.at = after_blanks(self.text, self.at)
        return found

    def read_elements(self, tool: Tool | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        element = parameter_element(self.format.parameter)
        end = element.end
        while (parameter := element.pattern.match(self.text, self.at)) is not None:
            # Nothing between two line breaks may be one of them.
            begin = parameter.end() - (end.startswith("\n") and self.text[parameter.end() - 1] == "\n")
            close = self.text.find(end, begin)
            if close < 0:
                raise MismatchError(parameter.end(), repr(end))
            raw, name = self.text[parameter.end() : close], parameter["name"]
            if element.says_kind:
                is_text = parameter["is_text"] == "true"
                found[name] = _xml_value(raw, (is_text, not is_text))
            else:
                found[name] = _xml_value(raw, _kinds(tool, name))
            self.at = close + len(end)
        self.at = after_blanks(self.text, self.at)
        return found

    def read_value(self) -> Any:
        """A value of JSON, or with the words of Python."""
        value, self.at = read_value(self.text, self.at)
        return value


def _xml_value(raw: str, kinds: tuple[bool, bool]) -> Any:
    """kinds: whether the value may be a string, and whether it may be something else."""
    may_be_text, may_be_other = kinds
    if not may_be_other:
        return raw
    try:
        value, end = read_value(raw, 0)
    except MismatchError:
        return raw
    return raw if raw[end:].strip() or (may_be_text and isinstance(value, str)) else value


def _kinds(tool: Tool | None, name: str) -> tuple[bool, bool]:
    """Of an argument, as `_xml_value` has them."""
    schema = {} if tool is None else tool.parameters.get("properties", {}).get(name, {})
    if tool is None or not isinstance(schema, Mapping):
        return True, True
    return value_kinds(with_shared(tool.parameters, schema))
