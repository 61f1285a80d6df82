"""Text while it is written: the same whatever the tokens, and never a part of a stop string."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tokentrellis.serving.text_stream import TextStream

LETTERS = "abé😀"
stops = st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3)


def cut(text: str, stop_strings: list[str]) -> str:
    """The oracle: character by character, up to the first stop string that is complete."""
    for end in range(len(text) + 1):
        found = [stop for stop in stop_strings if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))]
    return text


@given(st.text(LETTERS, max_size=12), stops, st.data())
def test_any_tokens_give_the_same_text(text: str, stop_strings: list[str], data: st.DataObject) -> None:
    raw = text.encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    bounds = [0, *places, len(raw)]
    stream = TextStream(stop_strings)
    pieces = [stream.feed(raw[a:b]) for a, b in pairwise(bounds)]
    wanted = cut(text, stop_strings)
    assert wanted.startswith("".join(pieces)), "what was said is never taken back"
    pieces.append(stream.feed(b"", is_last=True))
    assert "".join(pieces) == wanted
    assert stream.is_stopped == any(stop in text for stop in stop_strings)
    assert stream.feed(b"more", is_last=True) == ("" if stream.is_stopped else "more")


def test_only_what_is_undecided_is_held_back() -> None:
    stream = TextStream(["</s>"])
    assert [stream.feed(data) for data in (b"a<", b"/", b"b</s", b"\xc3", b"\xa9")] == [
        "a",
        "",
        "</b",
        "",
        "</sé",
    ]


def test_bytes_that_are_no_text_are_replaced() -> None:
    stream = TextStream()
    assert stream.feed(b"a\xff\xc3") == "a\ufffd"
    assert stream.feed(b"", is_last=True) == "\ufffd"
