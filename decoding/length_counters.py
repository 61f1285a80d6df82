"""The rules of `LengthMeasure` as machines that read one character after the other.

A counter has *contexts*, small immutable values: what of the text so far still matters. `step` goes from one
to the next by the kind of a character and says whether a unit (a word, a sentence) has begun; `ends` says
whether a text may end there. None in place of a context: such a text is not written at all. What they count
is what `length_measures.py` and `sentences.py` count on the whole text, and a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

from .length_measures import (
    DIGIT,
    IDEOGRAPH,
    JOINED,
    KATAKANA,
    LETTER,
    MARK,
    MIDDLES,
    OTHER,
    class_of,
)
from .sentences import ABBREVIATIONS, CLOSING, CLOSING_ONLY, FULL_STOPS, OPENING, STOPS


class Counter(Protocol):
    """A measure, character by character."""

    def start(self) -> Hashable:
        """The context of the empty text."""

    def kind(self, character: str) -> Hashable:
        """What the counter wants to know of a character."""

    def step(self, context: Any, kind: Any) -> tuple[Hashable | None, int]:
        """The next context, and 1 if a unit begins with this character, else 0."""

    def ends(self, context: Any) -> bool:
        """Whether a text may end in this context."""


class CharacterCounter:
    """Code points."""

    def start(self) -> Hashable:
        return ()

    def kind(self, character: str) -> Hashable:
        return ()

    def step(self, context: Any, kind: Any) -> tuple[Hashable, int]:
        return (), 1

    def ends(self, context: Any) -> bool:
        return True


class RulerWordCounter:
    r"""Runs of `\w`. The context: whether the last character belongs to one."""

    def start(self) -> Hashable:
        return False

    def kind(self, character: str) -> Hashable:
        return character.isalnum() or character == "_"

    def step(self, context: bool, kind: bool) -> tuple[Hashable, int]:
        return kind, int(kind and not context)

    def ends(self, context: bool) -> bool:
        return True


class _WordContext(NamedTuple):
    """before: class of the last character that is no mark; is_counted: its word has been counted;
    is_open: a character came after it that joins a word if a neighbour of the same class follows.
    """

    before: str = OTHER
    is_counted: bool = False
    is_open: bool = False


class UnicodeWordCounter:
    """Words by Unicode's word boundaries, as `count_unicode_words`."""

    def start(self) -> Hashable:
        return _WordContext()

    def kind(self, character: str) -> Hashable:
        return class_of(character), MIDDLES.get(character, "")

    def step(self, context: _WordContext, kind: tuple[str, str]) -> tuple[Hashable, int]:
        own, joins = kind
        if own == MARK:
            return context, 0
        if context.is_open and own != context.before:
            context = _WordContext()  # what stood between joins nothing
        if context.before in joins and not context.is_open:
            return context._replace(is_open=True), 0
        is_counted = context.is_counted and (context.before, own) in JOINED
        begins = own in (LETTER, DIGIT, KATAKANA, IDEOGRAPH) and not is_counted
        return _WordContext(own, is_counted or begins), int(begins)

    def ends(self, context: _WordContext) -> bool:
        return True


class _SentenceKind(NamedTuple):
    stop: str  # "." or "\u2026", "!" for the marks that leave no doubt, "\u3002" for full-width ones, or ""
    closes: bool  # a quote, a bracket or emphasis that may stand between a stop and its blank
    closes_only: bool  # the same, and it can open nothing
    opens: bool
    blank: str  # "\n", " " for those that an empty line may have, "\v" for others, or ""
    counts: bool  # a letter or digit
    is_lower: bool
    is_initial: bool
    word: str  # the character where it belongs to an abbreviation, "#" for others of words, or ""


_PREFIXES = frozenset(word[:n] for word in ABBREVIATIONS for n in range(len(word) + 1))
_LETTERS = frozenset("".join(ABBREVIATIONS))
_NO_WORD, _INITIAL, _LONG_WORD = "", "?", "#"


class _SentenceContext(NamedTuple):
    """has_unit: the sentence that is being written has been counted.
    word: the last word in lower case, as far as it may be an abbreviation, in upper case where it is an
        initial that may begin one; or _NO_WORD, _INITIAL for others, _LONG_WORD.
    line: a line has begun with blanks alone.
    phase: "" in a text; "marks", "closing" behind a stop; "full" behind a full-width one; "pending" where
        what follows the blank decides; "opening": the same, after quotes; "tail" after a certain end.
    stop: of the phases "marks" to "opening": the marks, "..." and ".." included.
    doubt: before a single stop: "abbreviation", "initial" or "".
    ends: whether a text that stops here has ended with a sentence.
    """

    has_unit: bool = False
    word: str = _NO_WORD
    line: bool = False
    phase: str = ""
    stop: str = ""
    doubt: str = ""
    ends: bool = False


class SentenceCounter:
    """Sentences by the rule of `sentences.py`.

    ends_at_sentence: a text may end only where `ends_sentence` says so; False: anywhere.
    """

    def __init__(self, *, ends_at_sentence: bool) -> None:
        self._ends_at_sentence = ends_at_sentence

    def start(self) -> Hashable:
        return _SentenceContext()

    def kind(self, character: str) -> Hashable:
        is_word = character.isalnum() or character in "_."
        blank = "" if not character.isspace() else character if character == "\n" else "\v"
        lowered = character.lower()
        return _SentenceKind(
            stop=_stop_of(character),
            closes=character in CLOSING,
            closes_only=character in CLOSING_ONLY,
            opens=character in OPENING,
            blank=" " if character in " \t\r" else blank,
            counts=character.isalnum(),
            is_lower=character.islower(),
            is_initial=is_word and character.isupper() and character != "I",
            word=(lowered if lowered in _LETTERS else "#") if is_word else "",
        )

    def ends(self, context: _SentenceContext) -> bool:
        return context.ends or not self._ends_at_sentence

    def step(self, context: _SentenceContext, kind: _SentenceKind) -> tuple[Hashable, int]:
        context = _settle(context, kind)
        if kind.stop:
            after = _after_stop(context, kind.stop)
        elif kind.blank:
            after = _after_blank(context)
        elif kind.closes and context.phase in ("marks", "closing", "full"):
            after = context._replace(phase="closing" if context.phase != "full" else "full")
        elif kind.opens and context.phase in ("pending", "opening"):
            after = context._replace(phase="opening", ends=False)
        else:
            stays = kind.closes_only and context.ends
            after = context._replace(phase="tail" if stays else "", stop="", doubt="", ends=stays)
        if kind.blank == "\n" and context.line:
            after = after._replace(has_unit=False)
        unit = int(kind.counts and not after.has_unit)
        return after._replace(
            has_unit=after.has_unit or bool(unit),
            word=_longer_word(context.word, kind),
            line=kind.blank == "\n" or (kind.blank == " " and context.line),
        ), unit


def _stop_of(character: str) -> str:
    """As `_SentenceKind.stop`."""
    if character in STOPS:
        return character if character in ".\u2026" else "!"
    return "\u3002" if character in FULL_STOPS else ""


def _settle(context: _SentenceContext, kind: _SentenceKind) -> _SentenceContext:
    """Decide about a stop whose blank has come, if this character decides."""
    waits = context.phase == "pending" and (kind.blank or kind.opens)
    if context.phase not in ("pending", "opening") or waits or (context.phase == "opening" and kind.opens):
        return context
    is_end = not context.doubt and not kind.is_lower
    return context._replace(has_unit=context.has_unit and not is_end, phase="tail")


def _after_stop(context: _SentenceContext, stop: str) -> _SentenceContext:
    if stop == "\u3002":
        return context._replace(has_unit=False, phase="full", stop="", doubt="", ends=True)
    if context.phase == "marks":
        run = context.stop + stop
        marks = run if run in (".", "..", "...") else "!"
        return context._replace(stop=marks, ends=True)
    doubt = ""
    if stop == ".":
        is_initial = context.word == _INITIAL or context.word.isupper()
        doubt = "abbreviation" if context.word in ABBREVIATIONS else "initial" if is_initial else ""
    return context._replace(phase="marks", stop=stop, doubt=doubt, ends=doubt != "abbreviation")


def _after_blank(context: _SentenceContext) -> _SentenceContext:
    if context.phase in ("marks", "closing"):
        is_single = context.stop == "."
        if is_single or context.stop in ("...", "\u2026"):
            return context._replace(phase="pending", doubt=context.doubt if is_single else "")
        return context._replace(has_unit=False, phase="tail", stop="", doubt="")
    if context.phase in ("pending", "tail"):
        return context
    return context._replace(phase="tail" if context.ends else "", stop="", doubt="")


def _longer_word(word: str, kind: _SentenceKind) -> str:
    """The last word, with one character more."""
    if not kind.word:
        return _NO_WORD
    longer = word.lower() + kind.word
    if word == _NO_WORD and kind.is_initial:
        return longer.upper() if longer in _PREFIXES else _INITIAL
    return longer if longer in _PREFIXES else _LONG_WORD


_BULLETS = "-*+\u2022\u2023\u25e6\u2043\u2219\u2013"
_MOST_DIGITS = 9


class ItemCounter:
    """Lines with a bullet or a number in front; nothing else is written. As `count_items` counts them.

    The context: "" at the beginning of a line, digits behind that, "." behind a bullet or a full stop, " "
    behind a blank, "x" in the text of an item, the only place where a list may end or go on in a new line.
    """

    def start(self) -> Hashable:
        return ""

    def kind(self, character: str) -> Hashable:
        if character in _BULLETS:
            return "-"
        if character in "0123456789":
            return "0"
        if character in ".)":
            return "."
        if character in " \t":
            return " "
        # Other white space may be no line of its own in one place and one in another: not in a list.
        if character == "\n":
            return character
        return "" if character.isspace() else "x"

    def step(self, context: str, kind: str) -> tuple[Hashable | None, int]:
        if not kind:
            return None, 0
        if context == "x":
            return ("", 0) if kind == "\n" else ("x", 0)
        if context == "":
            return {"-": ".", "0": "0"}.get(kind), 0
        if context[0] == "0":
            if kind == "0" and len(context) < _MOST_DIGITS:
                return context + "0", 0
            return ("." if kind == "." else None), 0
        if kind == " ":
            return " ", 0
        return ("x", 1) if context == " " and kind != "\n" else (None, 0)

    def ends(self, context: str) -> bool:
        return context == "x"
