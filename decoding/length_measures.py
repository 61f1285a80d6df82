"""How long a text is: a text in, a number of words, characters, sentences, tokens or list items out.

The five measures of length control. Each has one stated rule, so that a length that is asked for, measured
and reported is always the same thing:

- words: by Unicode's default word boundaries (UAX #29): runs of letters, digits and connectors ("_"), with a
  single apostrophe, full stop, colon or middle dot between letters, and a single comma, full stop, semicolon
  or apostrophe between digits. "don't", "3.14" and "e.g." are one word each, "well-known" is two. Marks
  belong to the letter before them. Ideographs and Hiragana are a word each, as the rule has them. Two things
  differ: runs of Thai, Lao, Khmer and Burmese are one word instead of one for each letter (a dictionary is
  needed for these), and Hebrew gershayim divide. With `words=r"\\w+"` it is `count_words`, as Ruler counts.
- characters: Unicode code points, blanks included.
- sentences: the rule of `sentences.py`, which also tells a `TerminationProcessor` where a text may end.
- tokens: ids that a tokenizer gives, without special tokens.
- items: lines with a bullet or a number in front, at the outermost level that occurs; members, if the text is
  a JSON array.

Cost: one pass over the text. Source of the rules: Unicode Standard Annex #29, "Unicode Text Segmentation".
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from .arguments import checked_instance, checked_integer
from .errors import ArgumentTypeError, ArgumentValueError
from .length_bands import count_words
from .sentences import count_sentences

KINDS = ("words", "characters", "sentences", "tokens", "items")
UNICODE_WORDS = "unicode"
RULER_WORDS = r"\w+"


@dataclass(frozen=True)
class LengthMeasure:
    """A way to measure texts.

    kind: "words", "characters" (code points), "sentences", "tokens" or "items".
    words: "unicode" (Unicode word boundaries) or r"\\w+" (as Ruler counts); for words only.
    tokenizer: for tokens, one of transformers, or a function from a text to a list of ids.

    Raises:
        ArgumentTypeError, ArgumentValueError: there is no such measure, or tokens have no tokenizer.
    """

    kind: str = "words"
    words: str = UNICODE_WORDS
    tokenizer: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise ArgumentValueError(f"kind must be one of {', '.join(KINDS)}", got=self.kind)
        if not isinstance(self.words, str) or self.words not in (UNICODE_WORDS, RULER_WORDS):
            raise ArgumentValueError(f"words must be {UNICODE_WORDS!r} or {RULER_WORDS!r}", got=self.words)
        if self.kind == "tokens" and not callable(self.tokenizer):
            raise ArgumentTypeError(
                "tokenizer must be one of transformers or a function", got=self.tokenizer, advice="pass one"
            )

    def count(self, text: str) -> int:
        """The length of a text.

        Raises:
            ArgumentTypeError: it is no text, or the tokenizer does not give a list of ids.
        """
        checked_instance("text", text, str, "a text")
        if self.kind == "words":
            return count_words(text) if self.words == RULER_WORDS else count_unicode_words(text)
        if self.kind == "characters":
            return len(text)
        if self.kind == "sentences":
            return count_sentences(text)
        return count_items(text) if self.kind == "items" else count_tokens(self.tokenizer, text)

    def phrase(self, n: int) -> str:
        """What a prompt says: "1 word", "50 words", "3 items of a list".

        Raises:
            ArgumentTypeError, ArgumentValueError: this is no number of words.
        """
        n = checked_integer("n", n, least=0)
        unit = self.kind if n != 1 else self.kind[:-1]
        return f"{n} {unit} of a list" if self.kind == "items" else f"{n} {unit}"


def as_measure(name: str, value: Any) -> LengthMeasure:
    """A measure, given itself or its kind.

    Raises:
        ArgumentTypeError, ArgumentValueError: there is no such measure.
    """
    if isinstance(value, LengthMeasure):
        return value
    checked_instance(name, value, str, f"a LengthMeasure or one of {', '.join(KINDS)}")
    return LengthMeasure(value)


def count_tokens(tokenizer: Any, text: str) -> int:
    """Ids of a text, without special tokens.

    tokenizer: one of transformers, or a function from a text to ids.

    Raises:
        ArgumentTypeError: it gives something else.
    """
    is_plain = not hasattr(tokenizer, "eos_token_id")
    given = tokenizer(text) if is_plain else tokenizer(text, add_special_tokens=False)["input_ids"]
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise ArgumentTypeError("tokenizer must give a list of ids", got=given)
    return len(given)


# Classes of characters for the word rule. Ideographs and Hiragana (I) join nothing, Katakana (K) itself.
LETTER, DIGIT, CONNECTOR, KATAKANA, IDEOGRAPH, MARK, OTHER = "LN_KIE "
MIDDLES = {
    **dict.fromkeys(":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a", LETTER),
    **dict.fromkeys(
        ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b", DIGIT
    ),
    **dict.fromkeys("'.\u2018\u2019\u2024\ufe52\uff07\uff0e", LETTER + DIGIT),
}
JOINED = {
    *((a, b) for a in (LETTER, DIGIT) for b in (LETTER, DIGIT)),
    *((a, CONNECTOR) for a in (LETTER, DIGIT, KATAKANA, CONNECTOR)),
    *((CONNECTOR, b) for b in (LETTER, DIGIT, KATAKANA)),
    (KATAKANA, KATAKANA),
}
_KATAKANA_BLOCKS = (("\u30a1", "\u30fa"), ("\u30fc", "\u30ff"), ("\u31f0", "\u31ff"), ("\uff66", "\uff9f"))
_IDEOGRAPH_BLOCKS = (
    *(("\U00020000", "\U0003ffff"), ("\u4e00", "\u9fff"), ("\u3400", "\u4dbf")),
    *(("\u3005", "\u3007"), ("\u3041", "\u309f"), ("\uf900", "\ufaff")),
)
_FIRST_EASTERN = "\u3005"


def count_unicode_words(text: str) -> int:
    """Words by Unicode's word boundaries: the pieces between them that have a letter, digit or ideograph."""
    classes = [(kind, character) for character in text if (kind := class_of(character)) != MARK]
    n_words = 0
    before, is_counted = OTHER, False
    for index, (kind, character) in enumerate(classes):
        if character in MIDDLES and 0 < index < len(classes) - 1:
            neighbour = classes[index - 1][0]
            if neighbour == classes[index + 1][0] and neighbour in MIDDLES[character]:
                continue  # the word goes on
        if (before, kind) not in JOINED:
            is_counted = False
        if kind not in (OTHER, CONNECTOR) and not is_counted:
            n_words += 1
            is_counted = True
        before = kind
    return n_words


def class_of(character: str) -> str:
    """One of the seven classes of the word rule."""
    is_eastern = character >= _FIRST_EASTERN
    if is_eastern and any(first <= character <= last for first, last in _KATAKANA_BLOCKS):
        return KATAKANA
    category = unicodedata.category(character)
    if category in ("Mn", "Mc", "Me", "Cf"):
        return MARK
    if is_eastern and any(first <= character <= last for first, last in _IDEOGRAPH_BLOCKS):
        return IDEOGRAPH
    if category == "Nd":
        return DIGIT
    if category == "Pc":
        return CONNECTOR
    return LETTER if category[0] == "L" or category == "Nl" else OTHER


_ITEM = re.compile(
    r"^([ \t]*)(?:[-*+\u2022\u2023\u25e6\u2043\u2219\u2013]|\(?\d{1,9}[.)])[ \t]+\S", re.MULTILINE
)


def count_items(text: str) -> int:
    """Members of a JSON array, else lines with a bullet or number, of those that are least indented."""
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list):
            return len(value)
    widths = [len(match.group(1).expandtabs(4)) for match in _ITEM.finditer(text)]
    return sum(width <= min(widths) + 1 for width in widths)
