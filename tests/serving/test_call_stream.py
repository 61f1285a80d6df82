"""Answers that call tools, cut into pieces: the parts together are what `parse_calls` reads of the whole."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.grammars.call_formats import FORMATS
from tokentrellis.grammars.tools import ToolGrammar
from tokentrellis.serving.call_stream import CallStream, message_of

from tests.masks import allowed_tokens

LOOK = {
    "name": "look",
    "parameters": {"type": "object", "properties": {"q": {"type": "string", "maxLength": 5}}},
}
LOOK_UP = {
    "name": "look_up",
    "parameters": {
        "type": "object",
        "properties": {"q": {"type": "string", "maxLength": 5}, "n": {"type": "array", "maxItems": 2}},
        "required": ["q"],
    },
}
LIKELY = {*b'<>[]{}ab "\\\n/tol_c', 256}
NAMES = [format.name for format in FORMATS]
IN_PIECES = [format.name for format in FORMATS if format.arguments == "json" and format.answer == ("", "")]


@lru_cache
def grammar(name: str, choice: str, thinks: bool | None) -> ToolGrammar:
    """thinks: whether there is a block of reasoning before; None: as the format has it."""
    reasoning = ("<think>", "</think>") if thinks else thinks
    return tt.from_tools([LOOK, LOOK_UP], format=name, tool_choice=choice, reasoning=reasoning)


def random_text(source: ToolGrammar, chance: random.Random, budget: int) -> str:
    """Random allowed bytes, mostly of those that free text is made of and calls begin with."""
    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    matcher = tt.compile_grammar(source, vocabulary).matcher()
    written = bytearray()
    while True:
        allowed = allowed_tokens(matcher, budget - len(written))
        likely = [token for token in allowed if token in LIKELY] or allowed
        token = chance.choice(likely)
        matcher.accept_token(token)
        if matcher.is_terminated:
            return written.decode()
        written.append(token)


def read_in_pieces(source: ToolGrammar, text: str, chance: random.Random) -> list[dict[str, Any]]:
    stream, deltas, at = CallStream(source), list[dict[str, Any]](), 0
    while at < len(text):
        end = min(len(text), at + chance.choice((1, 1, 2, 7)))
        deltas += stream.feed(text[at:end])
        at = end
    return deltas + stream.feed("", is_last=True)


def put_together(deltas: list[dict[str, Any]]) -> tuple[str, str, list[tuple[str, Any]]]:
    """Reasoning, content and calls, as a client puts them together."""
    thought = "".join(delta.get("reasoning_content", "") for delta in deltas)
    content = "".join(delta.get("content", "") for delta in deltas)
    calls: dict[int, dict[str, str]] = {}
    for part in (part for delta in deltas for part in delta.get("tool_calls", ())):
        if part["index"] not in calls:
            assert part["index"] == len(calls)
            assert part["id"]
            assert part["type"] == "function"
            calls[part["index"]] = {"name": part["function"]["name"], "arguments": ""}
        calls[part["index"]]["arguments"] += part["function"]["arguments"]
    return thought, content, [(call["name"], json.loads(call["arguments"])) for call in calls.values()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_pieces_are_the_whole(name: str, choice: str) -> None:
    chance = random.Random(f"{name} {choice}")
    n_calls = 0
    for trial in range(12):
        thinks = trial % 3 == 0 and not name.startswith(("harmony", "command"))
        source = grammar(name, choice, thinks or None)
        text = random_text(source, chance, chance.choice((250, 310, 400)))
        thought, said = source.text_beside_calls(text)
        calls = [(call.name, call.arguments) for call in source.calls(text)]
        assert put_together(read_in_pieces(source, text, chance)) == (thought, said, calls), text
        message = message_of(source, text)
        assert message.get("reasoning_content", "") == thought
        assert (message["content"] or "") == said
        assert len(message.get("tool_calls", [])) == len(calls)
        n_calls += len(calls)
    assert n_calls or choice == "auto"


def test_what_comes_when() -> None:
    """Text before it may become a call is held back, and arguments come with the piece that has them."""
    stream = CallStream(grammar("hermes", "auto", True))
    assert stream.feed("<think>Hm") == []
    assert stream.feed(".</think>\n\nI ") == [{"reasoning_content": "Hm."}, {"content": "I"}]
    assert stream.feed("look. <tool") == [{"content": " look."}]
    assert stream.feed("box> <tool_call>\n") == [{"content": " <toolbox>"}]
    assert stream.feed('{"name": "look') == []  # or look_up
    (begin,) = stream.feed('_up", "arguments": {')[:1]
    assert begin["tool_calls"][0]["function"] == {"name": "look_up", "arguments": ""}
    assert stream.feed('"q": "}\\"') == [
        {"tool_calls": [{"index": 0, "function": {"arguments": '"q": "}\\"'}}]}
    ]
    assert stream.feed('"}}') == [{"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]}]
    assert stream.feed("\n</tool_call>") == []
    assert stream.feed("", is_last=True) == []


@pytest.mark.parametrize("name", [format.name for format in FORMATS if format.text_before])
def test_text_before_calls(name: str) -> None:
    chance = random.Random(name)
    source = grammar(name, "auto", False)
    for before in ("Let me see.", "\n [a] <b>, `c`\n\n", "", "  "):
        text = before + random_text(grammar(name, "required", False), chance, 300)
        assert source.accepts(text)
        thought, content, calls = put_together(read_in_pieces(source, text, chance))
        assert (thought, content) == ("", before.strip())
        assert calls == [(call.name, call.arguments) for call in source.calls(text)]
        assert calls


@pytest.mark.parametrize("name", IN_PIECES)
def test_arguments_come_in_pieces(name: str) -> None:
    """Save where an id stands behind them: then the call is held back until that is known."""
    source = grammar(name, "required", False)
    text = random_text(source, random.Random(name), 300)
    stream = CallStream(source)
    deltas = [delta for piece in text for delta in stream.feed(piece)]
    parts = [part for delta in deltas for part in delta["tool_calls"] if part["index"] == 0]
    assert len(parts) == 1 if name == "mistral" else len(parts) > 2
