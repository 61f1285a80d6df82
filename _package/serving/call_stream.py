"""An answer that may call tools while it is written: pieces of a text in, parts of a message out.

The text obeys a grammar of `from_tools`, so nothing has to be checked here, only found: free text goes out as
far as it cannot become the beginning of a call; a call is announced when its name and id are known; its
arguments go out as they come. That takes arguments in JSON, and free text without marks around it. What a
format writes otherwise (arguments of Python or XML, marked answers) is read when the text has ended; an id
that stands behind the arguments holds back its call. Cost: linear in the text, but for free text that is
searched once more for each beginning of a call.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from ..grammars.call_formats import CallFormat, Element, elements
from ..grammars.tools import ToolGrammar
from .text_stream import undecided

Delta = dict[str, Any]
"""A part of a message: `content`, `reasoning_content`, or one member of `tool_calls` with its index."""


class CallStream:
    """Reads one answer. grammar: the text obeys it; special tokens are written as their names."""

    def __init__(self, grammar: ToolGrammar) -> None:
        self._grammar = grammar
        self._format = grammar.format
        self._text = ""
        self._at = 0  # all before was told
        self._is_last = False
        self._reading = self._read()

    def feed(self, text: str, *, is_last: bool = False) -> list[Delta]:
        """What is certain after this piece and was not told before. is_last: the text has ended."""
        self._text += text
        self._is_last = is_last
        deltas = []
        for delta in self._reading:
            if delta is None:
                break
            deltas.append(delta)
        return deltas

    def _read(self) -> Iterator[Delta | None]:
        """The parts in their order; None where more text is needed, which is never after the last piece."""
        if self._format.arguments != "json" or self._format.answer != ("", ""):
            while not self._is_last:
                yield None
            yield from self._whole()
            return
        yield from self._reasoning()
        yield from self._content()
        yield from self._calls()

    def _whole(self) -> Iterator[Delta]:
        thought, said = self._grammar.text_beside_calls(self._text)
        if thought:
            yield {"reasoning_content": thought}
        if said:
            yield {"content": said}
        for index, call in enumerate(self._grammar.calls(self._text)):
            arguments = json.dumps(call.arguments, ensure_ascii=False, default=str)
            yield _call(index, call.name, call.id, arguments)

    def _reasoning(self) -> Iterator[Delta | None]:
        if self._grammar.reasoning is None:
            return
        begin, end = self._grammar.reasoning
        while len(self._text) < len(begin) and begin.startswith(self._text) and not self._is_last:
            yield None
        if not self._text.startswith(begin):
            return
        searched = len(begin)
        while (close := self._text.find(end, searched)) < 0:
            if self._is_last:
                return
            searched = max(searched, len(self._text) - len(end) + 1)
            yield None
        self._at = close + len(end)
        thought = self._text[len(begin) : close].strip()
        if thought:
            yield {"reasoning_content": thought}

    def _content(self) -> Iterator[Delta | None]:
        """Free text without the blanks around it, up to where calls begin."""
        while not (rest := self._text[self._at :].lstrip()) and not self._is_last:
            yield None
        self._at = len(self._text) - len(rest)
        if self._format.text_before:
            yield from self._text_up_to(self._format.first_texts())
            return
        heads = self._format.heads()
        while not self._is_last and any(
            head.startswith(self._text[self._at :]) and head != self._text[self._at :] for head in heads
        ):
            yield None
        if not self._text.startswith(tuple(heads), self._at):
            yield from self._text_up_to([])

    def _text_up_to(self, firsts: list[str]) -> Iterator[Delta | None]:
        while True:
            places = [place for first in firsts if (place := self._text.find(first, self._at)) >= 0]
            end = min(places, default=len(self._text))
            held = 0 if places or self._is_last else undecided(self._text[self._at :], firsts)
            certain = self._text[self._at : end - held].rstrip()
            if certain:
                yield {"content": certain}
            self._at += len(certain)
            if places or self._is_last:
                self._at = end
                return
            yield None

    def _calls(self) -> Iterator[Delta | None]:
        names = [tool.name for tool in self._grammar.tools]
        begin = list(elements(self._format.begin))
        heads = _heads(self._format, names, begin)
        index = 0
        while True:
            found = [match for head in heads if (match := head.search(self._text, self._at))]
            if not found:
                if self._is_last:
                    return
                yield None
                continue
            call = min(found, key=lambda match: match.start())
            self._at = call.end()
            yield from self._arguments(index, call)
            heads = _heads(self._format, names, [])
            index += 1

    def _arguments(self, index: int, head: re.Match[str]) -> Iterator[Delta | None]:
        """One call, from where its arguments begin."""
        tail = _tail(self._format)
        is_held = "id" in tail.groupindex
        if not is_held:
            yield _call(index, head["name"], head.groupdict().get("id"), "")
        value, start = _OpenValue(), self._at
        while True:
            end = value.end(self._text, self._at)
            piece, self._at = self._text[self._at : end], end
            if piece and not is_held:
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            if value.is_closed or self._is_last:
                break
            yield None
        if not is_held:
            return
        while (behind := tail.match(self._text, end)) is None and not self._is_last:
            yield None
        call_id = None if behind is None else behind["id"]
        yield _call(index, head["name"], call_id, self._text[start:end])


class _OpenValue:
    """Where a JSON object ends, read piece by piece."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_string = self._is_escaped = False
        self.is_closed = False

    def end(self, text: str, start: int) -> int:
        """Read on from a place: up to the end of the value, or of the text."""
        for place in range(start, len(text)):
            character = text[place]
            if self._is_escaped:
                self._is_escaped = False
            elif character == "\\":
                self._is_escaped = True
            elif character == '"':
                self._is_string = not self._is_string
            elif not self._is_string and character in "{[":
                self._depth += 1
            elif not self._is_string and character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self.is_closed = True
                    return place + 1
        return len(text)


def message_of(grammar: ToolGrammar, text: str) -> dict[str, Any]:
    """The members of a message for a whole text: `content`, `tool_calls`, `reasoning_content`."""
    said: dict[str, str] = {}
    calls: list[dict[str, Any]] = []
    for delta in CallStream(grammar).feed(text, is_last=True):
        for part in delta.pop("tool_calls", ()):
            if part["index"] == len(calls):
                calls.append({name: value for name, value in part.items() if name != "index"})
            else:
                calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
        for name, piece in delta.items():
            said[name] = said.get(name, "") + piece
    content = said.pop("content", None if calls else "")
    return {"content": content, **({"tool_calls": calls} if calls else {}), **said}


def _call(index: int, name: str, call_id: str | None, arguments: str) -> Delta:
    return {
        "tool_calls": [
            {
                "index": index,
                "id": call_id or f"call_{uuid.uuid4().hex[:24]}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
        ]
    }


def _heads(format: CallFormat, names: Iterable[str], begin: list[Element]) -> list[re.Pattern[str]]:
    """What stands before arguments, for each spelling of a call."""
    heads = []
    for template in format.calls:
        pieces = list(elements(template))
        place = [piece.kind for piece in pieces].index("arguments")
        written = _pattern([*begin, *pieces[:place]], format, names)
        heads.append(re.compile(written + r"[ \t\r\n]*(?=\{)"))
    return heads


def _tail(format: CallFormat) -> re.Pattern[str]:
    """What stands behind arguments, in the usual spelling of a call."""
    pieces = list(elements(format.calls[0]))
    place = [piece.kind for piece in pieces].index("arguments")
    return re.compile(_pattern(pieces[place + 1 :], format, ()))


def _pattern(pieces: Iterable[Element], format: CallFormat, names: Iterable[str]) -> str:
    written = ""
    for piece in pieces:
        if piece.kind == "text":
            written += re.escape(piece.text)
        elif piece.kind == "gap":
            written += r"[ \t\r\n]*"
        elif piece.kind == "name":
            longest_first = sorted(names, key=len, reverse=True)
            written += f"(?P<name>{'|'.join(map(re.escape, longest_first))})"
        elif piece.kind == "id":
            written += f"(?P<id>{format.id})"
        elif piece.kind == "optional":
            written += f"(?:{_pattern(piece.elements, format, names)})?"
    return written
