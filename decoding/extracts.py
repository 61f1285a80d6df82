"""Extracts: a text and a length in, the grammar of its own sentences, chosen in their order, of that length
out.

What a model too small to write can still do: choose. Every text of the grammar consists of sentences of the
source, one blank between them; nothing is made up. If no choice of whole sentences has the length, a sentence
may be cut: before a comma, semicolon, colon or dash, with a full stop in its place; and if that does not do,
behind any word, with an ellipsis. A state is the next sentence and the count so far, with only such choices
as can still reach the length, found by adding up sets of counts from the end. Cost: sentences times length
states, made when they are reached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..grammars.errors import UnsatisfiableError
from ..grammars.expressions import literal
from ..grammars.grammar import END, Expansion, Grammar, TerminalEdge
from .arguments import checked_instance
from .errors import ArgumentTypeError
from .length import Length
from .sentences import ends_sentence, split_sentences

_CLAUSE_END = re.compile(r"\s*(?:[,;:]|\s[-\u2013\u2014])\s")
_WORD_END = re.compile(r"(?<=\w)\s+(?=\w)")


@dataclass(frozen=True)
class _Piece:
    """A sentence, or the beginning of one. place: which sentence of the source."""

    text: str
    place: int
    count: int


class ExtractGrammar(Grammar):
    """Made by `extract_grammar`. A state, END aside, is (the next place, the count so far)."""

    def __init__(self, pieces: list[_Piece], least: int, most: int | None, joint: int) -> None:
        """joint: what the blank between two pieces counts."""
        by_place: dict[int, list[_Piece]] = {}
        for piece in pieces:
            by_place.setdefault(piece.place, []).append(piece)
        self._places = [by_place[place] for place in sorted(by_place)]
        self._joint = joint
        self._least = least
        longest = sum(joint + max(piece.count for piece in place) for place in self._places)
        self._most = longest if most is None else min(most, longest)
        self._sums = self._find_sums()
        # Each piece counts the blank before it, so the first one, which has none, begins one lower.
        self._keys: list[tuple[int, int]] = [(0, -joint)] * (END + 1)
        self._numbers: dict[tuple[int, int], int] = {}
        self.start = self._number((0, -joint))

    @property
    def is_possible(self) -> bool:
        """Whether there is a text of the length at all."""
        return self._least <= self._most and any(
            self._reaches(place + 1, piece.count)
            for place, pieces in enumerate(self._places)
            for piece in pieces
        )

    def expand(self, state: int) -> Expansion:
        place, count = self._keys[state]
        goes_on = state != self.start
        edges = [
            TerminalEdge(
                literal(f" {piece.text}" if goes_on else piece.text), self._number((later + 1, total))
            )
            for later in range(place, len(self._places))
            for piece in self._places[later]
            if self._reaches(later + 1, total := count + self._joint + piece.count)
        ]
        is_final = goes_on and self._least <= count <= self._most
        return Expansion(edges, final=is_final, finish=-1 if is_final else 0)

    def _find_sums(self) -> list[int]:
        """By place a bit set: what the pieces from there on can count together, up to the most."""
        sums = [1]
        within = (1 << (self._most + self._joint + 1)) - 1
        for pieces in reversed(self._places):
            later = sums[-1]
            here = later
            for piece in pieces:
                here |= later << (self._joint + piece.count)
            sums.append(here & within)
        return sums[::-1]

    def _reaches(self, place: int, count: int) -> bool:
        """Whether a text that has a piece, and this count, can have the length in the end."""
        if count > self._most:
            return False
        lowest = max(0, self._least - count)
        wanted = (1 << (self._most - count + 1)) - (1 << lowest)
        return bool(self._sums[place] & wanted)

    def _number(self, key: tuple[int, int]) -> int:
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
        ArgumentTypeError: this is no text, or no length in one of the three units.
    """
    checked_instance("text", text, str, "a text")
    checked_instance("length", length, Length, "a Length", "write tt.Length(words=50)")
    if length.kind not in ("words", "characters", "sentences"):
        raise ArgumentTypeError("length must be in words, characters or sentences", got=str(length))
    measure = length.measure()
    joint = 1 if length.kind == "characters" else 0
    sentences = [" ".join(sentence.split()) for sentence in split_sentences(text)]
    beginnings: list[tuple[str, int]] = []
    for cut, mark in ((None, "."), (_CLAUSE_END, "."), (_WORD_END, "\u2026")):
        for place, sentence in enumerate(sentences):
            if cut is None:
                ended = sentence if ends_sentence(sentence.encode()) else f"{sentence.rstrip(',;:')}."
                beginnings.append((ended, place))
            elif length.kind != "sentences":
                beginnings += [(sentence[: m.start()] + mark, place) for m in cut.finditer(sentence)]
        pieces = [_Piece(piece, place, measure.count(piece)) for piece, place in dict.fromkeys(beginnings)]
        grammar = ExtractGrammar(pieces, length.least, length.most, joint)
        if grammar.is_possible:
            return grammar
    raise UnsatisfiableError(
        f"the text has no extract of {length}", advice="ask for a shorter one, or a range"
    )
