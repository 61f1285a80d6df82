"""Captures while a text is written: what is certain after each byte, beside a look at all histories anew."""

from __future__ import annotations

import random

import pytest
from tokentrellis.grammars import captures
from tokentrellis.grammars.captures import CaptureReader
from tokentrellis.grammars.errors import GrammarSyntaxError
from tokentrellis.grammars.lark import from_lark
from tokentrellis.grammars.recognizer import Recognizer

TWO_READINGS = """
start: a | b
a: (x | n)* "!"
b: (y | n)* "?"
x[capture]: "k" | "l"
y[capture]: "k" | "l"
n[capture]: "n" | "n" "k"
"""
GRAMMARS = [
    TWO_READINGS,
    'start: (x | y)*\nx[capture]: "k" | "k" "l"\ny[capture]: "l" | "l" "n" | "n" x?',
    'start: x "!"\nx[capture]: y y?\ny[capture]: "k" | "l" | "n" | y2\ny2: "k" "k" x?',
    'start: (x "n")* z\nx[capture]: /[kl]+/\nz[capture]: /[kln]*/',
]


class PlainReader(CaptureReader):
    """Looks at everything each time, and forgets nothing but what it has handed out."""

    def _certain(self) -> list[captures.Captured]:
        if not hasattr(self, "handed_out"):
            self.handed_out = set[captures._Span]()
        histories = [set(captures._items(history.closed)) for history in self._ways.values()]
        common = set.intersection(*histories) - self.handed_out
        self.handed_out |= common
        return captures.in_order([found for span in common for found in self._captured(span)])


@pytest.mark.parametrize("text", GRAMMARS)
def test_what_is_certain_is_what_all_histories_have(text: str) -> None:
    grammar = from_lark(text, lexer="dynamic")
    recognizer = Recognizer(grammar)
    chance = random.Random(text)
    n_found = 0
    for _ in range(60):
        reader, plain = CaptureReader(grammar), PlainReader(grammar)
        states = recognizer.start()
        for _ in range(chance.randrange(30)):
            following = sorted(recognizer.next_bytes(states) & set(b"klln!?"))
            if not following:
                break
            byte = bytes([chance.choice(following)])
            states = recognizer.step(states, byte[0])
            found = reader.write(byte)
            assert found == plain.write(byte)
            n_found += len(found)
        if recognizer.is_accepting(states):
            found = reader.finish()
            assert found == plain.finish()
            n_found += len(found)
        else:
            with pytest.raises(GrammarSyntaxError):
                reader.finish()
    assert n_found > 20


def test_two_readings_that_stay_open_cost_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def counted(*arguments: object) -> object:
        nonlocal looked_at
        found = since(*arguments)  # type: ignore[arg-type]
        looked_at += len(found[0])
        return found

    since = captures._since
    monkeypatch.setattr(captures, "_since", counted)
    reader = CaptureReader(from_lark(TWO_READINGS, lexer="dynamic"))
    for _ in range(200):
        assert reader.write("k") == []
    assert looked_at < 10 * 200
    assert [found.name for found in reader.write("!")] == ["x"] * 200
