"""Lengths of texts: the stated rules on cases of each kind, and words against another implementation."""

from __future__ import annotations

import random

import pytest
import tokentrellis as tt

from tests.tiny_models import tiny_tokenizer

WORDS = {
    "": 0,
    " -- ": 0,
    "don't": 1,
    "can\u2019t stop": 2,
    "3.14 and 1,000,000": 3,
    "e.g. this": 2,
    "well-known": 2,
    "a.b..c": 2,
    "foo@bar.com": 2,
    "snake_case _": 1,
    "e\u0301a": 1,
    "नमस्ते दुनिया": 2,
    "日本語": 3,
    "テスト": 1,
}
SENTENCES = {
    "": 0,
    "...": 0,
    "no stop": 1,
    "Hi. There.": 2,
    'Mr. Smith went. He said "No." Then he left.': 3,
    "It is 3.5 m wide. Really?!": 2,
    "J. Smith came, e.g. today. I did. So did I. Good.": 4,
    "well... perhaps": 1,
    "A title\n\nA text. More": 3,
    "そうです。はい\uff01": 2,
    "**One.** Two. _Three._ Four": 4,
    "one \u2043 two": 1,
}
ITEMS = {
    "": 0,
    "no list": 0,
    "- a\n- b\n  - inside\n- c": 3,
    "Here:\n 1. a\n 2. b\n10) c": 3,
    "* a\n\n\u2022 b\n- ": 2,
    '["a", ["b", "c"]]': 2,
    "[not JSON\n- a": 1,
}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (kind, text, n)
        for kind, cases in (("words", WORDS), ("sentences", SENTENCES), ("items", ITEMS))
        for text, n in cases.items()
    ],
)
def test_the_rules(kind: str, text: str, expected: int) -> None:
    assert tt.LengthMeasure(kind).count(text) == expected


def test_characters_and_tokens() -> None:
    assert tt.LengthMeasure("characters").count("a\U0001f600 e\u0301") == 5
    assert tt.LengthMeasure("tokens", tokenizer=str.split).count("one two") == 2
    tokenizer = tiny_tokenizer()
    ids = tokenizer("Ann Lee", add_special_tokens=False)["input_ids"]
    assert tt.LengthMeasure("tokens", tokenizer=tokenizer).count("Ann Lee") == len(ids)


def test_words_as_ruler_counts_them() -> None:
    measure = tt.LengthMeasure("words", words=r"\w+")
    for text in WORDS:
        assert measure.count(text) == tt.count_words(text)
    assert measure.count("don't") == 2


def test_words_agree_with_another_implementation() -> None:
    regex = pytest.importorskip("regex")
    source = random.Random(0)
    alphabet = "ab1.,'_:; -\u0301\u00e9\u0434\u306e\u65e5\u30a2\u30fck\n"
    measure = tt.LengthMeasure("words")
    for _ in range(3000):
        text = "".join(source.choice(alphabet) for _ in range(source.randint(1, 12)))
        pieces = regex.split(r"(?V1w)\b", text)
        assert measure.count(text) == sum(any(map(str.isalnum, piece)) for piece in pieces), text


def test_what_a_prompt_says() -> None:
    assert tt.LengthMeasure("words").phrase(1) == "1 word"
    assert tt.LengthMeasure("sentences").phrase(3) == "3 sentences"
    assert tt.LengthMeasure("items").phrase(2) == "2 items of a list"


def test_wrong_arguments_are_refused() -> None:
    for wrong in ("Words", "", None, 3):
        with pytest.raises(tt.ArgumentValueError, match="kind"):
            tt.LengthMeasure(wrong)  # type: ignore[arg-type]
    with pytest.raises(tt.ArgumentTypeError, match="tokenizer"):
        tt.LengthMeasure("tokens")
    with pytest.raises(tt.ArgumentValueError, match="words"):
        tt.LengthMeasure("words", words="ascii")
    with pytest.raises(tt.ArgumentTypeError, match="ids"):
        tt.LengthMeasure("tokens", tokenizer=str.upper).count("x")
