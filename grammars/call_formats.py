"""How model families write tool calls: a table, and how its templates are read.

A `CallFormat` says what stands before the first call, between two and after the last, and how a call is
written. Templates are text, in which

    «name» «arguments» «id»   the parts of a call
    a blank, a line break     a gap: nothing, one space, or one line break and up to 20 spaces
    ␠ ␤                       a space, a line break that must be there
    ⟨...⟩                     what may be left out

Whatever in a template is the name of a special token of the vocabulary is written as this token, everything
else as text. `detect` are strings that together give a family away in its chat template; the first format of
the table that has all of them is taken. Sources: the chat templates that the families publish with their
models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .errors import GrammarError, UnresolvedReferenceError
from .parameter_elements import parameter_element
from .stop_strings import checked_strings, encoded

GAP_SPACES = 20
MOST_OPTIONAL = 50
"""Parts ⟨...⟩ of a template."""

Reasoning = tuple[str, str]
"""What begins and ends a block of free text."""

_PARTS: tuple[Literal["name", "arguments", "id"], ...] = ("name", "arguments", "id")
Kind = Literal["text", "gap", "name", "arguments", "id", "optional"]


class Element(NamedTuple):
    """A piece of a template. text: of text; elements: of what is optional."""

    kind: Kind
    text: str = ""
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True)
class CallFormat:
    """How calls are written.

    calls: templates of one call, the usual one first; further ones are other spellings.
    begin, separator, end: before the first call, between two, after the last.
    arguments: "json", an object; "python", keyword arguments; "xml", an element for each; "delimited", bare
        names and values, strings as they are between two quotes.
    parameter: the template of such an element, with «name», «value», and, if it has one, «is_text»: true for
        a string. Strings stand in it as they are, other values as JSON.
    quote: what stands before and after a string that is delimited.
    id: a pattern for an id.
    parallel: whether there may be several calls.
    text_before: whether free text may come before the calls.
    reasoning: what begins and ends a block of free text that may come first; ("", end): one that the prompt
        has begun, and that must end.
    answer: what stands before and after free text without a call.
    turn_end: what may stand after everything. Models have it as an end-of-sequence token, which no grammar
        writes; in a text without special tokens it is text.
    detect: all of them are in the chat template.
    """

    name: str
    calls: tuple[str, ...]
    begin: str = ""
    separator: str = " "
    end: str = ""
    arguments: Literal["json", "python", "xml", "delimited"] = "json"
    parameter: str = "<parameter=«name»>␤«value»␤</parameter>␤"
    quote: str = '<|"|>'
    id: str = "[a-zA-Z0-9]{9}"
    parallel: bool = True
    text_before: bool = True
    reasoning: tuple[str, str] | None = None
    answer: tuple[str, str] = ("", "")
    turn_end: str = ""
    detect: tuple[str, ...] = ()

    def first_texts(self) -> list[str]:
        """What calls may begin with, up to the first gap or name: where free text has to stop."""
        return [
            text for call in self.calls for text in _first_texts([*elements(self.begin), *elements(call)])
        ]

    def heads(self) -> list[str]:
        """What an answer must not begin with, after blanks: a tag, or the bracket of a call."""
        return [text if text.startswith("<") else text[0] for text in self.first_texts()]


_JSON_CALL = '{"name": "«name»", "arguments": «arguments»}'
_TOOL_CALL = "<tool_call> " + _JSON_CALL + " </tool_call>"
_LLAMA_CALL = '{"name": "«name»", "parameters": «arguments»}'
_HARMONY_JSON = "⟨␠⟨<|constrain|>⟩json⟩<|message|>«arguments»"
# The tokens of DeepSeek have wide bars and blocks: <|tool_call_begin|>, with U+FF5C and U+2581.
_CALLS_BEGIN, _CALLS_END, _CALL_BEGIN, _CALL_SEPARATOR, _CALL_END = (
    "<\uff5ctool\u2581calls\u2581begin\uff5c>",
    "<\uff5ctool\u2581calls\u2581end\uff5c>",
    "<\uff5ctool\u2581call\u2581begin\uff5c>",
    "<\uff5ctool\u2581sep\uff5c>",
    "<\uff5ctool\u2581call\u2581end\uff5c>",
)

_DSML = "\uff5cDSML\uff5c"

FORMATS = (
    CallFormat(
        "command",
        ('{"tool_call_id": "«id»", "tool_name": "«name»", "parameters": «arguments»}',),
        begin="<|START_ACTION|>[ ",
        separator=", ",
        end=" ]<|END_ACTION|>",
        id="[0-9]{1,4}",
        text_before=False,
        reasoning=("<|START_THINKING|>", "<|END_THINKING|>"),
        answer=("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        detect=("<|START_ACTION|>",),
    ),
    CallFormat(
        "command_r",
        ('{ "tool_name": "«name»", "parameters": «arguments» }',),
        begin="Action:␠```json␤[ ",
        separator=", ",
        end=" ]```",
        detect=("Action:", "```json", "tool_name"),
    ),
    CallFormat(
        "deepseek_v3",
        (f"{_CALL_BEGIN}function{_CALL_SEPARATOR}«name»␤```json␤«arguments»␤```{_CALL_END}",),
        begin=_CALLS_BEGIN,
        separator="\n",
        end=" " + _CALLS_END,
        detect=(_CALLS_BEGIN, "```json"),
    ),
    CallFormat(
        "deepseek_v31",
        (f"{_CALL_BEGIN}«name»{_CALL_SEPARATOR}«arguments»{_CALL_END}",),
        begin=_CALLS_BEGIN,
        end=_CALLS_END,
        detect=(_CALLS_BEGIN,),
    ),
    CallFormat(
        "harmony",
        (
            "<|channel|>commentary␠to=functions.«name»" + _HARMONY_JSON,
            "␠to=functions.«name»<|channel|>commentary" + _HARMONY_JSON,
        ),
        parallel=False,
        text_before=False,
        reasoning=("<|channel|>analysis<|message|>", "<|end|><|start|>assistant"),
        answer=("<|channel|>final<|message|>", ""),
        turn_end="<|call|>",
        detect=("<|channel|>", "<|message|>"),
    ),
    CallFormat(
        "mistral_v11",
        ("[TOOL_CALLS]«name»⟨[CALL_ID]«id»⟩[ARGS]«arguments»",),
        separator="",
        detect=("[TOOL_CALLS]", "[ARGS]"),
    ),
    CallFormat(
        "mistral",
        ('{"name": "«name»", "arguments": «arguments»⟨, "id": "«id»"⟩}',),
        begin="[TOOL_CALLS] [",
        separator=", ",
        end="]",
        detect=("[TOOL_CALLS]",),
    ),
    CallFormat(
        "qwen3_coder",
        ("<tool_call> <function=«name»>␤«arguments»</function> </tool_call>",),
        arguments="xml",
        detect=("<function=", "<parameter="),
    ),
    CallFormat(
        "phi4_functools",
        (_JSON_CALL,),
        begin="functools[",
        separator=", ",
        end="]",
        detect=("functools[",),
    ),
    CallFormat(
        "phi4_object",
        ("<|tool_call|>" + _JSON_CALL + "<|/tool_call|>",),
        detect=("<|tool_call|>", "tojson) + '<|/tool_call|>'"),
    ),
    CallFormat(
        "phi4",
        (_JSON_CALL,),
        begin="<|tool_call|>[",
        separator=", ",
        end="]<|/tool_call|>",
        detect=("<|tool|>", "<|/tool|>"),
    ),
    CallFormat(
        "glm45",
        ("<tool_call>«name»␤«arguments»</tool_call>",),
        separator="\n",
        arguments="xml",
        parameter="<arg_key>«name»</arg_key>␤<arg_value>«value»</arg_value>␤",
        reasoning=("\n<think>", "</think>"),
        detect=("<arg_key>", "<arg_value>"),
    ),
    CallFormat(
        "kimi_k2",
        ("<|tool_call_begin|>functions.«name»:«id»<|tool_call_argument_begin|>«arguments»<|tool_call_end|>",),
        begin="<|tool_calls_section_begin|>",
        separator=" ",
        end=" <|tool_calls_section_end|>",
        id="[0-9]{1,4}",
        reasoning=("<think>", "</think>"),
        detect=("<|tool_calls_section_begin|>",),
    ),
    CallFormat(
        "minimax_m2",
        ('<invoke␠name="«name»">␤«arguments»</invoke>␤',),
        begin="<minimax:tool_call>␤",
        separator="",
        end="</minimax:tool_call>",
        arguments="xml",
        parameter='<parameter name="«name»">«value»</parameter>␤',
        reasoning=("<think>", "</think>"),
        detect=("<minimax:tool_call>",),
    ),
    CallFormat(
        "deepseek_v32",
        (f'<{_DSML}invoke␠name="«name»">␤«arguments» </{_DSML}invoke>',),
        begin=f"<{_DSML}function_calls>␤",
        separator="␤",
        end=f"␤</{_DSML}function_calls>",
        arguments="xml",
        parameter=f'<{_DSML}parameter name="«name»" string="«is_text»">«value»</{_DSML}parameter>␤',
        detect=(_DSML, "function_calls>"),
    ),
    CallFormat("hermes", (_TOOL_CALL,), detect=("<tool_call>",)),
    CallFormat("qwen", (_TOOL_CALL,)),
    CallFormat(
        "llama4",
        (_LLAMA_CALL,),
        begin="⟨<|python_start|>⟩⟨<|python_end|>⟩",
        text_before=False,
        detect=("<|header_start|>", '"parameters": '),
    ),
    CallFormat(
        "llama3",
        (_LLAMA_CALL,),
        begin="⟨<|python_tag|>⟩",
        separator="; ",
        text_before=False,
        detect=("<|start_header_id|>", '"parameters": '),
    ),
    CallFormat(
        "llama_pythonic",
        ("«name»(«arguments»)",),
        begin="⟨<|python_start|>⟩[",
        separator=", ",
        end="]⟨<|python_end|>⟩",
        arguments="python",
        text_before=False,
        detect=("func_name1(params_name1",),
    ),
    CallFormat(
        "gemma4",
        ("<|tool_call>call:«name»{«arguments»}<tool_call|>",),
        arguments="delimited",
        reasoning=("<|channel>thought\n", "<channel|>"),
        turn_end="<|tool_response>",
        detect=("<|tool_call>call:",),
    ),
    CallFormat(
        "functiongemma",
        ("<start_function_call>call:«name»{«arguments»}<end_function_call>",),
        arguments="delimited",
        quote="<escape>",
        turn_end="<start_function_response>",
        detect=("<start_function_call>",),
    ),
    CallFormat(
        "gemma",
        ("«name»(«arguments»)",),
        begin="```tool_code␤",
        separator="␤",
        end="␤```",
        arguments="python",
        detect=("<start_of_turn>",),
    ),
)
FORMAT_BY_NAME: Mapping[str, CallFormat] = {format.name: format for format in FORMATS}


def elements(template: str) -> Iterator[Element]:
    """The pieces of a template in their order; text is as long as it can be."""
    text = ""
    at = 0
    while at < len(template):
        word = next((name for name in _PARTS if template.startswith(f"«{name}»", at)), None)
        character = template[at]
        if word is None and character not in " \n⟨":
            text += {"␠": " ", "␤": "\n"}.get(character, character)
            at += 1
            continue
        if text:
            yield Element("text", text)
            text = ""
        if word is not None:
            yield Element(word)
            at += len(word) + 2
        elif character == "⟨":
            close = _closing(template, at)
            yield Element("optional", elements=tuple(elements(template[at + 1 : close])))
            at = close + 1
        else:
            yield Element("gap", character)
            at += 1
    if text:
        yield Element("text", text)


def _closing(template: str, at: int) -> int:
    """Where what opens at a place closes."""
    depth = 0
    for place in range(at, len(template)):
        depth += {"⟨": 1, "⟩": -1}.get(template[place], 0)
        if depth == 0:
            return place
    raise GrammarError("a template has a ⟨ without its ⟩", got=template)


def _first_texts(pieces: Iterable[Element]) -> Iterator[str]:
    for piece in pieces:
        if piece.kind == "text":
            yield piece.text
        if piece.kind != "optional":
            return
        yield from _first_texts(piece.elements)


def checked_format(format: Any) -> CallFormat:
    """A format by its name, or one that was made by the caller.

    Raises: UnresolvedReferenceError for a name that is not known, GrammarError for what is neither.
    """
    if isinstance(format, CallFormat):
        _check(format)
        return format
    if not isinstance(format, str):
        raise GrammarError(
            "format must be the name of a call format, or a CallFormat",
            got=format,
            advice=f"one of {', '.join(FORMAT_BY_NAME)}; or give the tokenizer, whose chat template says it",
        )
    if format not in FORMAT_BY_NAME:
        raise UnresolvedReferenceError(format, list(FORMAT_BY_NAME), message="the call format is not known")
    return FORMAT_BY_NAME[format]


def checked_reasoning(given: Any) -> Reasoning:
    """What begins and ends a block of reasoning. Raises GrammarError if it is no pair of texts."""
    if not isinstance(given, tuple) or len(given) != 2 or not all(isinstance(text, str) for text in given):
        raise GrammarError('reasoning must be a pair of texts, such as ("<think>", "</think>")', got=given)
    begin, end = given
    checked_strings("reasoning", end)
    encoded(begin)
    return begin, end


def after_reasoning(text: str, block: Reasoning | None) -> int:
    """Where a text goes on after its block of reasoning; 0 if it has none."""
    if block is None or not text.startswith(block[0]):
        return 0
    close = text.find(block[1], len(block[0]))
    return 0 if close < 0 else close + len(block[1])


def _check(format: CallFormat) -> None:
    """Raise GrammarError for a format whose fields are of the wrong kind."""
    pairs = [format.answer, *([format.reasoning] if format.reasoning is not None else [])]
    are_pairs = all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)
    if not isinstance(format.calls, tuple) or not format.calls or not are_pairs:
        raise GrammarError("a CallFormat must have a tuple of calls, and pairs of texts", got=format)
    texts = [format.begin, format.separator, format.end, format.turn_end, format.id, format.parameter]
    texts += [format.quote]
    texts += [*format.calls, *(text for pair in pairs for text in pair)]
    if not all(isinstance(text, str) for text in texts):
        raise GrammarError("the templates of a CallFormat must be strings", got=format)
    if any(text.count("⟨") > MOST_OPTIONAL for text in texts):
        raise GrammarError(
            f"a template may have at most {MOST_OPTIONAL} parts that may be left out", got=format
        )
    if format.arguments not in ("json", "python", "xml", "delimited"):
        raise GrammarError('arguments must be "json", "python", "xml" or "delimited"', got=format.arguments)
    encoded(format.quote)
    if not format.quote or any(format.quote.endswith(format.quote[:n]) for n in range(1, len(format.quote))):
        raise GrammarError("a quote must be a text that does not end as it begins", got=format.quote)
    if format.arguments == "xml":
        parameter_element(format.parameter)
    try:
        re.compile(format.id)
    except (re.error, RecursionError, OverflowError) as error:
        raise GrammarError(f"id must be a pattern ({error})", got=format.id) from None


def detect_format(chat_template: str) -> CallFormat | None:
    """The format that a chat template writes; None if it is none of the table."""
    return next(
        (
            format
            for format in FORMATS
            if format.detect and all(mark in chat_template for mark in format.detect)
        ),
        None,
    )
