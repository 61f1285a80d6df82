"""Structural tags: free text up to a trigger, a bound tag, and free text again."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.compile import compile_grammar
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.errors import GrammarError, GrammarSyntaxError
from tokentrellis.grammars.regex import from_regex
from tokentrellis.grammars.structural_tags import StructuralTag, from_structural_tags

from tests.masks import allowed_tokens

POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": {"type": "null"}}
TAGS = [
    {"begin": "<f=point>", "schema": POINT, "end": "</f>"},
    {"begin": "<f=word>", "content": from_regex("[a-z<]{1,4}"), "end": "</f>"},
    StructuralTag("#note ", None, "\n"),
]
TRIGGERS = ["<f=", "#note"]

_TAG = re.compile(
    r"<f=point>(?P<json>\{.*?\})</f>|<f=word>(?P<word>[a-z<]{1,4})</f>|#note (?P<note>[^\n]*)\n"
)


def test_the_beginnings_of_tags_are_the_triggers_where_none_are_given() -> None:
    tags = [
        StructuralTag("<a", from_regex("[0-9]"), ">"),
        StructuralTag("<ab", from_regex("[0-9]"), ">"),
        {"begin": "#", "content": None, "end": "#"},
    ]
    grammar = from_structural_tags(tags)
    assert grammar.triggers == ("<a", "#")
    assert grammar.accepts("x < y <a1><ab2>#no#")
    assert not grammar.accepts("<ac")
    assert [call.content for call in grammar.calls("x <a1> <ab2> #no#")] == ["1", "2", "no"]


def oracle(text: str) -> list[Any] | None:
    """The contents of the tags, or None: they are taken from the left, and between them is no trigger."""
    found: list[Any] = []
    at = 0
    while True:
        places = [place for trigger in TRIGGERS if (place := text.find(trigger, at)) >= 0]
        if not places:
            return found
        match = _TAG.match(text, min(places))
        if match is None:
            return None
        if match["json"] is not None:
            try:
                pairs = json.loads(match["json"], object_pairs_hook=lambda pairs: pairs)
            except ValueError:
                return None
            value = dict(pairs)
            if len(value) < len(pairs) or type(value.get("x", 0)) is not int:
                return None
            if any(item is not None for key, item in value.items() if key != "x"):
                return None
            found.append(value)
        else:
            found.append(match["word"] if match["word"] is not None else match["note"])
        at = match.end()


PIECES = [
    *[
        "<f=",
        "point>",
        "word>",
        '{"x": 1}',
        '{"x": 1, "y": null, "y": null}',
        '{"a": null}',
        "{}",
        "</f>",
        "ab",
    ],
    *[
        "<",
        "#note",
        " hello",
        "\n",
        "#not",
        "<f",
        "<f=word>ab</f>",
        "<f=point>{}</f>",
        "#note <f=\n",
        "é",
        "a<b",
    ],
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_verdicts_and_contents_are_those_of_a_plain_reader(pieces: list[str]) -> None:
    text = "".join(pieces)
    grammar = from_structural_tags(TAGS, TRIGGERS)
    expected = oracle(text)
    assert grammar.accepts(text) == (expected is not None), text
    if expected is not None:
        assert [call.value for call in grammar.calls(text)] == expected
        assert from_structural_tags(TAGS, TRIGGERS, at_least_one=True).accepts(text) == bool(expected)
        first = from_structural_tags(TAGS, TRIGGERS, stop_after_first=True)
        ends_after_it = (
            len(expected) == 1 and text.endswith(("</f>", "\n")) and oracle(text[:-1]) in (None, [])
        )
        assert first.accepts(text) == (not expected or ends_after_it), text


def test_walks_end_in_time_and_are_read_back() -> None:
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [piece.encode() for piece in PIECES] + [b'x": 1, "', b'y": null', b"</f> <f=word>", b"<eos>"]
    vocabulary = Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])
    grammar = from_structural_tags(TAGS, TRIGGERS, at_least_one=True)
    compiled = compile_grammar(grammar, vocabulary)
    chance, n_tags = random.Random(3), 0
    for _ in range(60):
        budget = compiled.matcher().tokens_to_finish + chance.choice((0, 3, 40))
        matcher, token_ids = compiled.matcher(), list[int]()
        while not matcher.is_terminated:
            allowed = allowed_tokens(matcher, budget - len(token_ids))
            long = [token for token in allowed if token >= 256]
            token_ids.append(chance.choice(long if long and chance.random() < 0.7 else allowed))
            matcher.accept_token(token_ids[-1])
        assert len(token_ids) <= budget
        text = vocabulary.decode(token_ids).decode()
        assert [call.value for call in grammar.calls(text)] == oracle(text), text
        n_tags += len(grammar.calls(text))
    assert n_tags > 60


def test_special_tokens_and_reasoning() -> None:
    names = {"<call>": 256, "</call>": 257, "<think>": 258, "</think>": 259}
    vocabulary = Vocabulary(
        [bytes([byte]) for byte in range(256)] + [name.encode() for name in names] + [b"<eos>"],
        eos_token_ids=[260],
        special_token_ids=range(256, 260),
    )
    tag = StructuralTag("<call>", {"type": "integer"}, "</call>")
    grammar = from_structural_tags([tag], "<call>", reasoning=("<think>", "</think>"), special_tokens=names)
    compiled = compile_grammar(grammar, vocabulary)

    def accepts(*pieces: str | int) -> bool:
        matcher = compiled.matcher()
        tokens = [t for piece in pieces for t in ([piece] if isinstance(piece, int) else piece.encode())]
        return matcher.try_accept_tokens(tokens) == len(tokens) and matcher.is_accepting

    assert accepts("a", 256, "12", 257, "b", 256, "3", 257)
    assert accepts(258, "think <call> ", 259, "\n", 256, "12", 257)
    assert not accepts("think <call> ", 256, "12", 257)  # spelled as text it is none, and may not be spelled
    assert not accepts("a", 256, "12", "</call>")
    assert not accepts("a", 258, "b", 259)
    assert not accepts(258, 256, "1", 257, 259)
    text = "<think>see <call></think> <call>12</call>"
    assert [call.value for call in grammar.calls(text)] == [12]
    begun = from_structural_tags([tag], "<call>", reasoning=("", "</think>"))
    assert begun.accepts("see <call></think><call>1</call>")
    assert not begun.accepts("<call>1</call>")


@pytest.mark.parametrize(
    ("tags", "options", "message"),
    [
        ([], {}, "at least one tag"),
        ([{"begin": "<a>", "end": ""}], {}, "tags[0].end"),
        ([{"begin": "<a>", "end": "x", "shema": {}}], {}, 'tags[0] must have "begin"'),
        ([3], {}, "tags[0] must be a StructuralTag"),
        ([StructuralTag("<b>", None, "x")], {}, "must begin with one of the triggers"),
        ([StructuralTag("<a>", None, "x")], {"triggers": ["<a>", "<b>"]}, "a trigger begins no tag"),
        (
            [StructuralTag("<a>", None, "x")],
            {"triggers": "<", "special_tokens": {"<a>": 3}},
            "within a special token",
        ),
        ([StructuralTag("<a>", None, "x")], {"reasoning": "no"}, "pair of texts"),
        ([StructuralTag("<a>", None, "x")], {"at_least_one": "no"}, "must be True or False"),
        ([StructuralTag("<a>", None, "x")], {"stop_after_first": 1}, "must be True or False"),
    ],
)
def test_errors(tags: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(GrammarError, match=re.escape(message)):
        from_structural_tags(tags, **{"triggers": "<a>", **options})


def test_reading_back_says_where_a_tag_does_not_end() -> None:
    grammar = from_structural_tags(TAGS, TRIGGERS)
    with pytest.raises(GrammarSyntaxError, match="line 2, column 3"):
        grammar.calls("a\nb <f=word>abcdef</f>")
