"""What is known of a JSON value while it is written: always a beginning of what it becomes.

The oracle completes a prefix in the obvious way, character by character, and lets `json.loads` read it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from typing import Any

import pytest
import tokentrellis as tt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.partial_json import DEEPEST_TOLD

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["\ud83d", "😀", '"\\', "\ud83d\n", "\x00"]),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=3), children, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = st.builds(
    lambda value, is_ascii, indent: json.dumps(value, ensure_ascii=is_ascii, indent=indent),
    VALUES,
    st.booleans(),
    st.sampled_from([None, 0, 2]),
)


def is_beginning(part: Any, whole: Any) -> bool:
    """Whether a value may grow to another one."""
    if isinstance(part, str):
        return isinstance(whole, str) and whole.startswith(part)
    if isinstance(part, list):
        if not isinstance(whole, list) or len(part) > len(whole):
            return False
        return part[:-1] == whole[: len(part)][:-1] and all(
            is_beginning(*pair) for pair in zip(part[-1:], whole[len(part) - 1 :], strict=False)
        )
    if isinstance(part, dict):
        if not isinstance(whole, dict) or list(part) != list(whole)[: len(part)]:
            return False
        return all(
            part[key] == whole[key] if key != list(part)[-1] else is_beginning(part[key], whole[key])
            for key in part
        )
    if isinstance(part, bool) or part is None:
        return part is whole
    return isinstance(whole, (int, float)) and not isinstance(whole, bool)


def completed(prefix: str) -> Any:
    """By trying: leave out characters at the end until closing what is open gives JSON; `...`: never."""
    for length in range(len(prefix), 0, -1):
        kept = prefix[:length]
        for end in ("", '"'):
            try:
                return json.loads(kept + end + closers(kept + end))
            except ValueError:
                continue
    return ...


def closers(text: str) -> str:
    outside = re.sub(r'"(?:\\.|[^"\\])*"', "", text, flags=re.DOTALL)
    opened: list[str] = []
    for character in outside:
        if character in "[{":
            opened.append("]" if character == "[" else "}")
        elif character in "]}" and opened:
            opened.pop()
    return "".join(reversed(opened))


def has_half_a_pair(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
@example('{"a": [1, -2.50e+3, true, "x\\ud83d\\ude00\\n"], "b": {"c": null}}')
def test_each_prefix_has_a_beginning_of_the_value(document: str) -> None:
    whole = json.loads(document)
    reader = tt.PartialJson()
    for length in range(len(document) + 1):
        part = tt.partial_json(document[:length])
        assert reader.value == part
        if reader.has_value:
            assert is_beginning(part, whole)
        if length < len(document):
            reader.write(document[length])
    assert tt.partial_json(document) == whole
    assert reader.is_complete


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
@example('{"a": {"b": [[], {}, ""]}, "c": -0.5e-1}')
def test_nothing_that_is_known_is_left_out(document: str) -> None:
    for length in range(1, len(document) + 1):
        expected = completed(document[:length])
        reader = tt.PartialJson()
        reader.write(document[:length])
        if expected is ...:
            assert not reader.has_value
        elif not has_half_a_pair(json.dumps(expected, ensure_ascii=False)):
            assert reader.value == expected


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, st.lists(st.integers(0, 60)))
def test_pieces_do_not_matter(document: str, cuts: list[int]) -> None:
    whole = tt.PartialJson()
    expected = whole.write(document)
    reader = tt.PartialJson()
    closed: list[tt.ClosedValue] = []
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(document)], strict=True):
        closed += copy.deepcopy(reader.write(document[first:last]))
        _ = reader.value
    assert reader.value == whole.value == json.loads(document)
    assert closed == expected


def test_values_are_told_when_they_close() -> None:
    reader = tt.PartialJson()
    assert reader.write('{"name": "An') == []
    assert reader.value == {"name": "An"}
    assert reader.write('n", "sizes": [1, 2') == [
        tt.ClosedValue(("name",), "Ann"),
        tt.ClosedValue(("sizes", 0), 1),
    ]
    assert reader.value == {"name": "Ann", "sizes": [1, 2]}
    assert not reader.is_complete
    assert reader.write("0]}\n") == [
        tt.ClosedValue(("sizes", 1), 20),
        tt.ClosedValue(("sizes",), [1, 20]),
        tt.ClosedValue((), {"name": "Ann", "sizes": [1, 20]}),
    ]
    assert reader.is_complete


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("  ", None),
        ("-", None),
        ("tru", None),
        ("12", 12),
        ("12.", 12),
        ("1e", 1),
        ('"a\\', "a"),
        ('"a\\u00', "a"),
        ('"\\ud83d', ""),
        ('"\\ud83d\\ude00', "😀"),
        ('"\\ud83dx', "\ud83dx"),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a": 1, "a": ', {}),
        ('{"a": 1, "a": 2', {"a": 2}),
        ("[1,", [1]),
        ("[[", [[]]),
        ("[fal", []),
    ],
)
def test_what_is_left_out(text: str, value: Any) -> None:
    assert tt.partial_json(text) == value


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='[]{}",:\\u0d8eE1.-+ truefalsn\n\x01', max_size=12))
def test_other_texts_are_refused_where_they_stop_being_json(text: str) -> None:
    """What is not refused is a whole document, or can be completed; a refused text is not JSON."""
    reader = tt.PartialJson()
    with contextlib.suppress(tt.GrammarSyntaxError):
        reader.write(text)
        if reader.is_complete:
            assert json.loads(text) == reader.value
        return
    with pytest.raises(ValueError, match="line"):
        json.loads(text)
    with pytest.raises(tt.GrammarSyntaxError, match="line"):
        reader.write("")  # it stays refused


def test_errors_say_where() -> None:
    reader = tt.PartialJson()
    reader.write('{"a": 1,\n "b"')
    with pytest.raises(tt.GrammarSyntaxError, match=r"line 2, column 6: .*expected ':', got '='"):
        reader.write(" = 2")
    for text, message in [
        ("[1 2", "',' or the end"),
        ("nul!", "'null'"),
        ('"\\x', "escape"),
        ("01", "nothing"),
    ]:
        with pytest.raises(tt.GrammarSyntaxError, match=message):
            tt.partial_json(text)


def test_a_long_stream_and_a_deep_one_are_read() -> None:
    reader = tt.PartialJson()
    for _ in range(50_000):
        reader.write("[")
    assert reader.has_value
    n_told = sum(len(reader.write("]")) for _ in range(50_000))
    assert n_told == DEEPEST_TOLD + 1
    assert reader.is_complete
    assert tt.partial_json('["' + "x" * 10**6) == ["x" * 10**6]
    assert str(tt.partial_json("1" * 5000)) == "1" * 5000
