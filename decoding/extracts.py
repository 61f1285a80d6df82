"""Extracts: a text and a length in, the grammar of choices of its own sentences that have the length out.

What a model too small to write can still do: choose. Every text of the grammar consists of sentences of the
source, one blank between them; nothing is made up. If no choice of whole sentences has the length, a sentence
may be cut: before a comma, semicolon, colon or dash, with a full stop in its place; and if that does not do,
behind any word, with an ellipsis. A state is the next sentence, the count so far and how the last piece
ended, with only such choices as can still reach the length, found by adding up sets of counts from the end.
Cost: sentences times length states, made when they are reached.

Words and characters of pieces add up. Sentences do not always: "Wait..." before a small letter, or an initial
before anything, ends none. Where sentences are counted, pieces follow each other only where they do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..grammars.errors import LimitExceededError, UnsatisfiableError
from ..grammars.expressions import literal
from ..grammars.grammar import END, Expansion, Grammar, TerminalEdge
from .arguments import checked_instance
from .errors import ArgumentTypeError, ArgumentValueError
from .length import Length
from .sentences import ends_sentence, split_sentences

_CLAUSE_END = re.compile(r"\s*(?:[,;:]|\s[-\u2013\u2014])\s")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD_END = re.compile(r"(?<=\w)\s+(?=\w)")

_FIRM, _OPEN, _JOINED = range(3)
"""How a piece ends: it ends a sentence whatever follows; only before no small letter; only at the end."""
MOST_BEGINNINGS = 10_000_000
"""Characters of all beginnings of sentences together, which grow with the square of a sentence."""
MOST_ENTRIES = 20_000_000
"""Of the table of shortest ways, 4 bytes each; a longer text is finished by whatever comes next."""
_FAR = 1 << 30


@dataclass(frozen=True)
class _Piece:
    """A sentence, or the beginning of one. place: which sentence of the source. n_bytes: with a blank.

    end: _FIRM, _OPEN or _JOINED. is_low: it can only follow what is _FIRM.
    """

    text: str
    place: int
    count: int
    n_bytes: int
    end: int = _FIRM
    is_low: bool = False

    def may_follow(self, end: int) -> bool:
        return end == _FIRM or (end == _OPEN and not self.is_low)


def _make_piece(text: str, place: int, count: Callable[[str], int], *, of_sentences: bool) -> _Piece:
    units, n_bytes = count(text), len(text.encode()) + 1
    if not of_sentences:
        return _Piece(text, place, units, n_bytes)
    ends_before = [count(f"{text} {following}") == units + 1 for following in ("so.", "So.")]
    end = _FIRM if all(ends_before) else _OPEN if ends_before[1] else _JOINED
    return _Piece(text, place, units, n_bytes, end, is_low=count(f"So. {text}") != units + 1)


class ExtractGrammar(Grammar):
    """Made by `extract_grammar`. A state, END aside, is (the next place, the count so far, the last end)."""

    def __init__(self, pieces: list[_Piece], least: int, most: int | None, joint: int) -> None:
        """joint: what the blank between two pieces counts."""
        by_place: dict[int, list[_Piece]] = {}
        for piece in pieces:
            by_place.setdefault(piece.place, []).append(piece)
        self._places = [by_place[place] for place in sorted(by_place)]
        self._ends = range(1 + max((piece.end for piece in pieces), default=_FIRM))
        self._joint = joint
        self._least = least
        longest = sum(joint + max(piece.count for piece in place) for place in self._places)
        self._most = longest if most is None else min(most, longest)
        self._sums = self._find_sums()
        self._ways: list[list[npt.NDArray[np.int32]]] | None = None
        # Each piece counts the blank before it, so the first one, which has none, begins one lower.
        self._keys: list[tuple[int, int, int]] = [(0, -joint, _FIRM)] * (END + 1)
        self._numbers: dict[tuple[int, int, int], int] = {}
        self.start = self._number((0, -joint, _FIRM))

    @property
    def is_possible(self) -> bool:
        """Whether there is a text of the length at all."""
        return self._least <= self._most and any(
            self._reaches(place + 1, piece.count, piece.end)
            for place, pieces in enumerate(self._places)
            for piece in pieces
        )

    def expand(self, state: int) -> Expansion:
        place, count, end = self._keys[state]
        goes_on = state != self.start
        nexts = [
            (piece, (later + 1, total, piece.end))
            for later in range(place, len(self._places))
            for piece in self._places[later]
            if piece.may_follow(end)
            and self._reaches(later + 1, total := count + self._joint + piece.count, piece.end)
        ]
        edges = [
            TerminalEdge(literal(f" {piece.text}" if goes_on else piece.text), self._number(key))
            for piece, key in nexts
        ]
        if goes_on and self._least <= count <= self._most:
            return Expansion(edges, final=True, finish=-1)
        costs = [piece.n_bytes + self._bytes_to_end(key) for piece, key in nexts]
        return Expansion(edges, finish=costs.index(min(costs)) if costs else 0)

    def _find_sums(self) -> list[list[int]]:
        """By place and end a bit set: what can be counted from there on, up to the most."""
        sums = [[1] * len(self._ends)]
        within = (1 << (self._most + self._joint + 1)) - 1
        for pieces in reversed(self._places):
            later = sums[-1]
            here = list(later)
            for piece in pieces:
                counts = later[piece.end] << (self._joint + piece.count)
                for end in self._ends:
                    if piece.may_follow(end):
                        here[end] |= counts & within
            sums.append(here)
        return sums[::-1]

    def _reaches(self, place: int, count: int, end: int) -> bool:
        """Whether a text that has a piece, and this count, can have the length in the end."""
        if count > self._most:
            return False
        lowest = max(0, self._least - count)
        wanted = (1 << (self._most - count + 1)) - (1 << lowest)
        return bool(self._sums[place][end] & wanted)

    def _bytes_to_end(self, key: tuple[int, int, int]) -> int:
        """The fewest with which a text can be finished; 0 where the table of them would be too large."""
        place, count, end = key
        if len(self._ends) * (len(self._places) + 1) * (self._most + 1) > MOST_ENTRIES:
            return 0
        if self._ways is None:
            self._ways = self._find_ways()
        return int(self._ways[place][end][count])

    def _find_ways(self) -> list[list[npt.NDArray[np.int32]]]:
        """By place and end, for each count: the fewest bytes to the end."""
        over = np.full(self._most + 1, _FAR, dtype=np.int32)
        over[self._least :] = 0
        ways = [[over] * len(self._ends)]
        for pieces in reversed(self._places):
            later = ways[-1]
            here = [way.copy() for way in later]
            for piece in pieces:
                units = self._joint + piece.count
                onward = later[piece.end][units:] + piece.n_bytes
                for end in self._ends:
                    if piece.may_follow(end):
                        reached = here[end][: len(onward)]
                        np.minimum(reached, onward, out=reached)
            ways.append(here)
        return ways[::-1]

    def _number(self, key: tuple[int, int, int]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key)
        return number


def extract_grammar(text: str, length: Length) -> ExtractGrammar:
    """The grammar of the extracts of a text.

    length: in words, characters or sentences. Sentences are cut only for words and characters.

    Raises:
        UnsatisfiableError: the text has no extract of this length: it is shorter.
        LimitExceededError: sentences are so long that there are too many ways to cut them.
        ArgumentValueError: the text has lone surrogates, which no UTF-8 spells.
        ArgumentTypeError: this is no text, or no length in one of the three units.
    """
    checked_instance("text", text, str, "a text")
    if _SURROGATE.search(text):
        raise ArgumentValueError(
            "text must not contain lone surrogates", got=text, advice="decode it as UTF-8"
        )
    checked_instance("length", length, Length, "a Length", "write tt.Length(words=50)")
    if length.kind not in ("words", "characters", "sentences"):
        raise ArgumentTypeError("length must be in words, characters or sentences", got=str(length))
    measure = length.measure()
    joint = 1 if length.kind == "characters" else 0
    sentences = [" ".join(sentence.split()) for sentence in split_sentences(text)]
    ended = [s if ends_sentence(s.encode()) else f"{s.rstrip(',;:')}." for s in sentences]
    beginnings = [(sentence, place) for place, sentence in enumerate(ended)]
    for cut, mark in ((None, ""), (_CLAUSE_END, "."), (_WORD_END, "\u2026")):
        if cut is not None and length.kind != "sentences" and length.most is not None:
            beginnings += _cut(sentences, cut, mark, measure.count, length.most)
        pieces = [
            _make_piece(piece, place, measure.count, of_sentences=length.kind == "sentences")
            for piece, place in dict.fromkeys(beginnings)
        ]
        grammar = ExtractGrammar(pieces, length.least, length.most, joint)
        if grammar.is_possible:
            return grammar
    raise UnsatisfiableError(
        f"the text has no extract of {length}", advice="ask for a shorter one, or a range"
    )


def _cut(
    sentences: list[str], cut: re.Pattern[str], mark: str, count: Callable[[str], int], most: int
) -> list[tuple[str, int]]:
    """Beginnings of sentences that are not too long, and the places of the sentences."""
    beginnings: list[tuple[str, int]] = []
    n_characters = 0
    for place, sentence in enumerate(sentences):
        for match in cut.finditer(sentence):
            piece = sentence[: match.start()] + mark
            if count(piece) > most:
                break  # longer ones have no fewer units
            n_characters += len(piece)
            if n_characters > MOST_BEGINNINGS:
                raise LimitExceededError(
                    "characters of all beginnings of sentences",
                    given="more",
                    limit=MOST_BEGINNINGS,
                    advice="ask for a range, or for a shorter text; or end the sentences of the text",
                )
            beginnings.append((piece, place))
    return beginnings
