"""Sets of strings: unions of finite sets of words and of languages with a range of lengths.

In come keywords about strings, out come tuples of pieces. Lengths stay beside the language, never in it.
Pieces with the same range of lengths are joined into one expression, so that `not anyOf` over many patterns
stays one product and is never multiplied out.

Some formats are known only approximately (`formats.py`). `STRINGS` has the texts that are certain to meet a
keyword, or to violate it, and is what may be written; `POSSIBLE_STRINGS` has all that might, and is what a
proof that nothing meets a schema has to ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..derivatives import matches
from ..emptiness import some_length
from ..errors import LimitExceededError
from ..expressions import EMPTY, UNLIMITED, Expression, complement, intersect, literal, repeat, union
from ..length_conditions import without_length_conditions
from ..lengths import is_below, smaller_bound
from ..regex import pattern_expression
from ..utf8 import ANY_CHARACTER, ANY_TEXT
from .algebra import MOST_PIECES, Algebra
from .formats import TextFormat, text_format
from .keywords import STRING
from .nodes import Node


class Texts(NamedTuple):
    """Strings of a language whose length is from `least` to `most`."""

    content: Expression
    least: int
    most: int


ALL_STRINGS = Texts(ANY_TEXT, 0, UNLIMITED)
_FEWEST_OF_A_LENGTH = 1_000_000  # texts of each length but 0 are more than that
StringPieces = tuple["frozenset[str] | Texts", ...]


@lru_cache(4096)
def pattern_language(pattern: str) -> Expression:
    """The texts in which an ECMA-262 pattern is found."""
    return pattern_expression(pattern, syntax="ecma", search=True)


@lru_cache(4096)
def text_complement(language: Expression) -> Expression:
    """All texts that a language does not contain."""
    return EMPTY if language is ANY_TEXT else intersect(ANY_TEXT, complement(language))


@lru_cache(65536)
def text_in(language: Expression, text: str) -> bool:
    """Whether a text belongs to a language; one with a lone surrogate belongs to none."""
    return writable(text) and matches(language, text.encode())


def writable(text: str) -> bool:
    """Whether a string can occur in a document: UTF-8 has no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


class Strings(Algebra[StringPieces]):
    """Unions of sets of words and of languages with a range of lengths.

    certain: what a format of which only an inner and an outer language are known means: True: the texts for
    which the keyword (or its violation) is certain, False: those for which it is possible.
    """

    bit = STRING
    top = (ALL_STRINGS,)
    bottom = ()

    def __init__(self, certain: bool) -> None:
        self.certain = certain

    def meet(self, first: StringPieces, second: StringPieces) -> StringPieces:
        if first == self.top:
            return second
        if second == self.top:
            return first
        met = [piece for one in first for other in second if (piece := _meet_strings(one, other)) is not None]
        return _joined_strings(met) if len(met) > 1 else tuple(met)

    def join(self, first: StringPieces, second: StringPieces) -> StringPieces:
        return self.top if ALL_STRINGS in first or ALL_STRINGS in second else _joined_strings(first + second)

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> StringPieces | None:
        if word == "minLength":
            if wanted:
                return (Texts(ANY_TEXT, int(value), UNLIMITED),)
            return (Texts(ANY_TEXT, 0, int(value) - 1),) if value > 0 else ()
        if word == "maxLength":
            return (
                (Texts(ANY_TEXT, 0, int(value)),) if wanted else (Texts(ANY_TEXT, int(value) + 1, UNLIMITED),)
            )
        if word == "pattern":
            language = pattern_language(value)
            if not wanted:
                return _piece(text_complement(language))
            content, least, most = without_length_conditions(language)
            if content is EMPTY or is_below(most, least):
                return ()
            return (Texts(content, least, most),)
        if word == "format":
            found = text_format(value)
            if found is None:  # not known: an annotation, which nothing violates
                return self.top if wanted else self.bottom
            return self._format(found, wanted)
        return None

    def _format(self, found: TextFormat, wanted: bool) -> StringPieces:
        """The texts of a format, or the others: from inside if they have to be certain, else from around."""
        if wanted:
            return _piece(found.content, most=found.most) if self.certain else _piece(found.outer)
        if self.certain:
            return _piece(text_complement(found.outer))
        too_long = () if found.most == UNLIMITED else (Texts(ANY_TEXT, found.most + 1, UNLIMITED),)
        return self.join(_piece(text_complement(found.content)), too_long)

    def values(self, values: Iterable[Any], wanted: bool) -> StringPieces:
        words = frozenset(value for value in values if isinstance(value, str) and writable(value))
        if wanted:
            return (words,) if words else ()
        return (Texts(all_but(words), 0, UNLIMITED),) if words else self.top


def _piece(content: Expression, most: int = UNLIMITED) -> StringPieces:
    return () if content is EMPTY else (Texts(content, 0, most),)


def format_verdict(found: TextFormat, text: str) -> bool | None:
    """Whether a text is certain to be of a format (True) or not to be (False); None: not known."""
    if (found.most == UNLIMITED or len(text) <= found.most) and text_in(found.content, text):
        return True
    return None if text_in(found.outer, text) else False


def without_words(content: Expression, words: Iterable[str]) -> Expression:
    """A language without some texts."""
    listed = union(*[literal(word) for word in words])
    return content if listed is EMPTY else intersect(content, complement(listed))


# All texts but some words are what the opposites of `enum` and `const` ask for. What is asked of such a
# language is told from the words; by its derivatives each answer would take 0.1 ms.
_words_missing: WeakKeyDictionary[Expression, frozenset[str]] = WeakKeyDictionary()


@lru_cache(4096)
def all_but(words: frozenset[str]) -> Expression:
    """All texts but some words."""
    language = without_words(ANY_TEXT, words)
    if words:
        _words_missing[language] = words
    return language


def some_length_of(texts: Texts) -> int | None:
    """The length of some text, of a shortest one where that is quickly told; None: there is none."""
    if texts.content is ANY_TEXT:
        return texts.least
    missing = _words_missing.get(texts.content)
    if missing is not None and len(missing) < _FEWEST_OF_A_LENGTH:
        least = 1 if texts.least == 0 and "" in missing else texts.least
        return None if is_below(texts.most, least) else least
    return some_length(texts.content, texts.least, texts.most)


def _meet_strings(
    one: frozenset[str] | Texts, other: frozenset[str] | Texts
) -> frozenset[str] | Texts | None:
    if isinstance(one, Texts):
        return _meet_texts(one, other) if isinstance(other, Texts) else _fitting(other, one)
    return _fitting(one, other) if isinstance(other, Texts) else one & other or None


def _fitting(words: frozenset[str], texts: Texts) -> frozenset[str] | None:
    """The words that belong to a language; None: none does."""
    if texts.least == 0 and texts.most == UNLIMITED:
        missing = _words_missing.get(texts.content)
        if missing is not None:
            return words - missing or None
    return frozenset([word for word in words if _fits(texts, word)]) or None


def _meet_texts(one: Texts, other: Texts) -> Texts | None:
    least = max(one.least, other.least)
    most = smaller_bound(one.most, other.most)
    if is_below(most, least):
        return None
    if one.content is ANY_TEXT:
        content = other.content
    elif other.content is ANY_TEXT:
        content = one.content
    elif one.content in _words_missing and other.content in _words_missing:
        content = all_but(_words_missing[one.content] | _words_missing[other.content])
    else:
        content, fewest, largest = without_length_conditions(intersect(one.content, other.content))
        least, most = max(least, fewest), smaller_bound(most, largest)
    return None if content is EMPTY or is_below(most, least) else Texts(content, least, most)


def _fits(texts: Texts, word: str) -> bool:
    if len(word) < texts.least or (texts.most != UNLIMITED and len(word) > texts.most):
        return False
    if texts.content is ANY_TEXT:
        return True
    missing = _words_missing.get(texts.content)
    return text_in(texts.content, word) if missing is None else word not in missing


def _joined_strings(pieces: Iterable[frozenset[str] | Texts]) -> StringPieces:
    words: frozenset[str] = frozenset()
    by_length: dict[tuple[int, int], list[Expression]] = {}
    for piece in pieces:
        if isinstance(piece, Texts):
            by_length.setdefault((piece.least, piece.most), []).append(piece.content)
        else:
            words |= piece
    if len(by_length) > MOST_PIECES:
        raise LimitExceededError(
            "ranges of string lengths in one place", given=len(by_length), limit=MOST_PIECES
        )
    texts = tuple(
        Texts(contents[0] if len(contents) == 1 else union(*contents), least, most)
        for (least, most), contents in by_length.items()
    )
    words = frozenset(word for word in words if not any(_fits(text, word) for text in texts))
    return (words, *texts) if words else texts


def as_expression(pieces: StringPieces) -> Expression:
    """All strings of a union of pieces as one expression, lengths included."""
    options = []
    for piece in pieces:
        if not isinstance(piece, Texts):
            options.append(union(*[literal(word) for word in piece]))
        elif piece.least == 0 and piece.most == UNLIMITED:
            options.append(piece.content)
        else:
            options.append(intersect(piece.content, repeat(ANY_CHARACTER, piece.least, piece.most)))
    return union(*options)


STRINGS, POSSIBLE_STRINGS = Strings(certain=True), Strings(certain=False)
