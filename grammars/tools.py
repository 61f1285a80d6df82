"""Tools -> the grammar of answers that call them, in the form in which a model family writes calls.

In come tools (`tool_definitions.py`), a choice and a format (`call_formats.py`), out comes a `ToolGrammar`: a
composition of the format's text, the names, and a grammar of arguments for each tool. Texts look like

    reasoning? (answer | text? begin call (separator call)* end)

where reasoning is free up to its end, and free text stops where the first call begins: it cannot hold what
calls begin with, so nothing is read in two ways. Special tokens of the vocabulary are written as tokens.
Composing costs what the schemas cost; a mask in free text is the copy of one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from .argument_spellings import check_python_name, delimited_arguments, python_arguments, xml_arguments
from .call_formats import (
    GAP_SPACES,
    CallFormat,
    Element,
    Reasoning,
    checked_format,
    checked_reasoning,
    detect_format,
    elements,
)
from .composition import Composition, Skeleton
from .errors import (
    ConstraintError,
    GrammarError,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from .expressions import (
    EPSILON,
    byte_class,
    complement,
    concatenate,
    intersect,
    literal,
    optional,
    repeat,
    union,
)
from .grammar import Grammar
from .json_schema import from_json_schema
from .json_schema.layout import Whitespace
from .parameter_elements import parameter_element
from .regex import pattern_expression
from .special_tokens import checked_tokens
from .stop_strings import text_without
from .token_texts import BLANKS, write, write_reasoning, write_up_to
from .tool_calls import ToolCall, parse_calls, text_beside_calls
from .tool_definitions import Tool, checked_tools
from .utf8 import ANY_TEXT

GAP = optional(union(literal(" "), concatenate(literal("\n"), repeat(byte_class(b" "), 0, GAP_SPACES))))


class ToolGrammar(Composition):
    """What `from_tools` returns.

    tools: the tools that may be called. format: how. reasoning: what begins and ends the free block that may
    come first; None: there is none.
    """

    def __init__(
        self, skeleton: Skeleton, tools: tuple[Tool, ...], format: CallFormat, reasoning: Reasoning | None
    ) -> None:
        super().__init__(skeleton)
        self.tools = tools
        self.format = format
        self.reasoning = reasoning

    def calls(self, text: str) -> list[ToolCall]:
        """The calls in a text of this grammar, special tokens written as their names."""
        return parse_calls(text, self.format, tools=self.tools, reasoning=self.reasoning or False)

    def text_beside_calls(self, text: str) -> tuple[str, str]:
        """The reasoning and the free text of a text of this grammar, beside the calls."""
        return text_beside_calls(text, self.format, self.reasoning)

    def definitions(self) -> list[dict[str, Any]]:
        """The tools in OpenAI's form, for `tokenizer.apply_chat_template(messages, tools=...)`."""
        return [tool.definition() for tool in self.tools]


def from_tools(
    tools: Iterable[Any],
    *,
    tool_choice: str = "auto",
    parallel: bool = True,
    format: str | CallFormat | None = None,
    tokenizer: Any = None,
    special_tokens: Mapping[str, int] | None = None,
    reasoning: Reasoning | Literal[False] | None = None,
    property_order: Literal["schema", "any"] = "schema",
    whitespace: Whitespace = "natural",
) -> ToolGrammar:
    """The grammar of answers that call these tools, with arguments that obey their schemas.

    tools: functions (their signature, read by pydantic, and docstring), pydantic models, or definitions of
        OpenAI, Anthropic or MCP. Arguments that are not declared are refused, unless the schema says what
        they are (`additionalProperties`).
    tool_choice: "auto": text, or text and calls; "required": at least one call, at once; or the name of the
        tool that must be called.
    parallel: whether several calls may be made, where the format has that.
    format: how calls are written, by the name of a model family (docs/tools.md) or as a `CallFormat`; None:
        what the tokenizer's chat template says.
    tokenizer: a tokenizer of Hugging Face: its chat template says the format, its added tokens are written
        as tokens. Without one, and without special_tokens, they are read as text.
    special_tokens: name to id, for example `vocabulary.special_token_by_name`.
    reasoning: what begins and ends a block of free text that may come before everything. ("", "</think>"): it
        has begun in the prompt, and must end. None: that of the format, or ("<think>", "</think>") where the
        chat template has these. False: none.
    property_order, whitespace: of the arguments, as for `from_json_schema`.

    The calls of a text are `grammar.calls(text)`; results of `tt.generate` have them as `.calls`.

    Raises: GrammarSyntaxError for a tool that is malformed; UnresolvedReferenceError for a name that is not
        known; GrammarError for arguments of the wrong kind, or a format that cannot be told; what
        `from_json_schema` raises for a schema.
    """
    known = checked_tools(tools)
    chosen = _chosen(known, tool_choice)
    template = chat_template(tokenizer)
    how = _format(format, template, tokenizer)
    block = _reasoning(reasoning, how, template)
    names = checked_tokens(_added_tokens(tokenizer) if special_tokens is None else special_tokens)
    if type(parallel) is not bool:
        raise GrammarError("parallel must be True or False", got=parallel)
    if how.arguments == "python":
        for tool in chosen:
            check_python_name(tool.name, "a tool")
    builder = _Builder(
        how,
        chosen,
        names,
        parallel and how.parallel,
        {"property_order": property_order, "whitespace": whitespace},
    )
    return ToolGrammar(builder.build(tool_choice == "auto", block), chosen, how, block)


def _chosen(tools: tuple[Tool, ...], choice: Any) -> tuple[Tool, ...]:
    if isinstance(choice, Mapping) and isinstance(choice.get("function"), Mapping):
        choice = choice["function"].get("name")  # as OpenAI writes it
    if not isinstance(choice, str):
        raise GrammarError('tool_choice must be "auto", "required" or the name of a tool', got=choice)
    if choice in ("auto", "required"):
        return tools
    if choice == "none":
        raise GrammarError(
            'tool_choice must be "auto", "required" or the name of a tool',
            got=choice,
            advice="for answers that call nothing leave the grammar out",
        )
    found = tuple(tool for tool in tools if tool.name == choice)
    if not found:
        raise UnresolvedReferenceError(choice, [tool.name for tool in tools], message="there is no such tool")
    return found


def _format(format: Any, template: str, tokenizer: Any) -> CallFormat:
    if format is not None:
        return checked_format(format)
    if tokenizer is None:
        raise GrammarError("how calls are written must be said", advice="give format=, or tokenizer=")
    found = detect_format(template)
    if found is None:
        raise GrammarError(
            "the chat template of the tokenizer writes calls in no form that is known",
            got=tokenizer,
            advice="give format=, by name or as a CallFormat",
        )
    return found


def _reasoning(given: Any, format: CallFormat, template: str) -> Reasoning | None:
    if given is None:
        thinks = "<think>" in template and "</think>" in template
        return format.reasoning or (("<think>", "</think>") if thinks else None)
    if given is False:
        return None
    return checked_reasoning(given)


def chat_template(tokenizer: Any) -> str:
    """The chat template of a tokenizer, of several that for tools; empty if there is none."""
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, Mapping):  # by name
        template = template.get("tool_use") or template.get("default")
    return template if isinstance(template, str) else ""


def _added_tokens(tokenizer: Any) -> dict[str, int]:
    if not hasattr(tokenizer, "get_added_vocab"):
        return {}
    # Those of white space alone may be read as text (decoding/vocabulary.py).
    return {name: token_id for name, token_id in tokenizer.get_added_vocab().items() if name.strip()}


class _Builder:
    """The states of a grammar of calls."""

    def __init__(
        self,
        format: CallFormat,
        tools: tuple[Tool, ...],
        special_tokens: Mapping[str, int],
        parallel: bool,
        options: Mapping[str, Any],
    ) -> None:
        self.format = format
        self.tools = tools
        self.special_tokens = special_tokens
        self.parallel = parallel
        self.skeleton = Skeleton()
        self.arguments = {tool.name: self._arguments(tool, options) for tool in tools}

    def build(self, may_answer: bool, reasoning: Reasoning | None) -> Skeleton:
        skeleton = self.skeleton
        body, end = skeleton.state(), skeleton.state()
        skeleton.end(end)
        if self.format.turn_end and self.format.turn_end not in self.special_tokens:
            skeleton.end(self.text(end, self.format.turn_end))
        # Where answers begin with a mark, nothing stands before it.
        blanks = EPSILON if self.format.answer[0] else BLANKS
        write_reasoning(skeleton, reasoning, body, self.special_tokens, blanks)
        calls = skeleton.state()  # before the first call; then: after the text that calls begin with
        first, after_first = self.section(calls, end)
        # Templates of several families begin calls on a new line.
        skeleton.join(body, BLANKS if self.format.text_before and not may_answer else EPSILON, calls)
        if may_answer:
            self.answer(body, end, first)
            if self.format.text_before and first:
                (stop,) = write_up_to(skeleton, body, [first], self.special_tokens)
                skeleton.skip(stop, after_first)
        return skeleton

    def text(self, state: int, text: str) -> int:
        return write(self.skeleton, state, text, self.special_tokens)

    def answer(self, body: int, end: int, first: str) -> None:
        """Text without a call."""
        before, after = self.format.answer
        state = self.text(body, before)
        if after:
            (state,) = write_up_to(self.skeleton, state, [after], self.special_tokens)
            self.skeleton.skip(state, end)
        elif before:
            self.skeleton.join(state, ANY_TEXT, end)
        else:
            text = text_without([first] if first and self.format.text_before else [])
            if not self.format.text_before:
                heads = union(*map(literal, self.format.heads()))
                call = concatenate(repeat(byte_class(b" \t\r\n")), heads, ANY_TEXT)
                text = intersect(text, complement(call))
            self.skeleton.join(state, text, end)

    def section(self, state: int, end: int) -> tuple[str, int]:
        """Calls with what stands around them. The text that they begin with, and the state after it."""
        skeleton, format = self.skeleton, self.format
        begin = list(elements(format.begin))
        before = skeleton.state()  # a call
        after = skeleton.state()
        first, after_first = "", state
        if begin:
            first, after_first = self.first_of(state, begin)
            skeleton.skip(self.template(after_first, begin[bool(first) :]), before)
        else:
            skeleton.skip(state, before)
        for number, call in enumerate(format.calls):
            pieces = list(elements(call))
            text, behind = self.first_of(before, pieces)
            if not begin and number == 0:
                first, after_first = text, behind
            self.call(behind, pieces[bool(text) :], after)
        if self.parallel:
            skeleton.skip(self.template(after, elements(format.separator)), before)
        skeleton.skip(self.template(after, elements(format.end)), end)
        return first, after_first

    def first_of(self, state: int, pieces: Sequence[Element]) -> tuple[str, int]:
        """The text that comes first, if one does, and the state after it."""
        if not pieces or pieces[0].kind != "text":
            return "", state
        return pieces[0].text, self.text(state, pieces[0].text)

    def call(self, state: int, pieces: Sequence[Element], end: int) -> None:
        """One call, of any of the tools."""
        kinds = [piece.kind for piece in pieces]
        if "name" not in kinds or "arguments" not in kinds or kinds.index("arguments") < kinds.index("name"):
            raise GrammarError(
                "the template of a call must have «name», and later «arguments»", got=self.format.calls
            )
        name, arguments = kinds.index("name"), kinds.index("arguments")
        state = self.template(state, pieces[:name])
        after = self.skeleton.state()
        for tool in self.tools:
            here = self.skeleton.join(state, literal(tool.name))
            here = self.template(here, pieces[name + 1 : arguments])
            self.skeleton.join(here, self.arguments[tool.name], after)
        self.skeleton.skip(self.template(after, pieces[arguments + 1 :]), end)

    def template(self, state: int, pieces: Iterable[Element]) -> int:
        """Join what a template says; the state after it."""
        for piece in pieces:
            if piece.kind == "text":
                state = self.text(state, piece.text)
            elif piece.kind == "gap":
                state = self.skeleton.join(state, GAP)
            elif piece.kind == "id":
                state = self.skeleton.join(state, pattern_expression(self.format.id, search=False))
            elif piece.kind == "optional":
                after = self.template(state, piece.elements)
                self.skeleton.skip(state, after)
                state = after
        return state

    def _arguments(self, tool: Tool, options: Mapping[str, Any]) -> Grammar:
        try:
            if self.format.arguments == "python":
                return python_arguments(tool.parameters, options)
            if self.format.arguments == "xml":
                element = parameter_element(self.format.parameter)
                return xml_arguments(tool.parameters, options, element, self.special_tokens)
            if self.format.arguments == "delimited":
                return delimited_arguments(tool.parameters, options, self.format.quote, self.special_tokens)
            return from_json_schema(dict(tool.parameters), **options)
        except UnsatisfiableError as error:
            raise UnsatisfiableError(
                f"the tool {tool.name} cannot be called: no arguments satisfy its schema ({error})"
            ) from None
        except ConstraintError as error:
            place = f"/{tool.name}/parameters"
            if isinstance(error.location, str):
                error.location = place + error.location
            if isinstance(error, UnsupportedFeatureError):
                error.problems = [(f"{place}{where}", reason) for where, reason in error.problems]
            raise
