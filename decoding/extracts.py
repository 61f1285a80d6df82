"""Extracts: a text and a length in, the grammar of its own sentences, chosen in their order, of that length
out.

What a model too small to write can still do: choose. Every text of the grammar consists of sentences of the
source, one blank between them; nothing is made up. If no choice of whole sentences has the length, a sentence
may be cut: before a comma, semicolon, colon or dash, with a full stop in its place; and if that does not do,
behind any word, with an ellipsis. A state is the next sentence and the count so far, with only such choices
as can still reach the length. Cost: sentences times length states, made when they are reached.
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
    """Made by `extract_grammar`."""

    def __init__(self, pieces: list[_Piece], least: int, most: int | None, joint: int) -> None:
        """joint: what the blank between two pieces counts."""
        self._least, self._most, self._joint = least, most, joint
        by_place: dict[int, list[_Piece]] = {}
        for piece in pieces:
            by_place.setdefault(piece.place, []).append(piece)
        self._places = [by_place[place] for place in sorted(by_place)]
        # A state, END aside: (place, count so far, whether a piece stands before).
        self._numbers: dict[tuple[int, int, bool], int] = {}
        self._keys: list[tuple[int, int, bool]] = [(0, 0, False)] * (END + 1)
        self._can_end: dict[tuple[int, int, bool], bool] = {}
        self.start = self._number((0, 0, False))

    @property
    def is_possible(self) -> bool:
        """Whether there is a text of the length at all."""
        return self._reaches((0, 0, False))

    def expand(self, state: int) -> Expansion:
        place, count, goes_on = self._keys[state]
        edges = [
            TerminalEdge(literal(f" {piece.text}" if goes_on else piece.text), self._number(after))
            for piece, after in self._choices(place, count, goes_on)
            if self._reaches(after)
        ]
        final = self._is_final(count) and goes_on
        return Expansion(edges, final=final, finish=-1 if final else 0)

    def _choices(self, place: int, count: int, goes_on: bool) -> list[tuple[_Piece, tuple[int, int, bool]]]:
        so_far = count + (self._joint if goes_on else 0)
        return [
            (piece, (later + 1, so_far + piece.count, True))
            for later in range(place, len(self._places))
            for piece in self._places[later]
            if self._most is None or so_far + piece.count <= self._most
        ]

    def _is_final(self, count: int) -> bool:
        return self._least <= count and (self._most is None or count <= self._most)

    def _reaches(self, key: tuple[int, int, bool]) -> bool:
        """Whether the length can be reached; later places are looked at first, so that this does not nest."""
        waiting = [key]
        while waiting:
            at = waiting[-1]
            if at in self._can_end:
                waiting.pop()
                continue
            following = [after for _, after in self._choices(*at)]
            unknown = [after for after in following if after not in self._can_end]
            is_final = at[2] and self._is_final(at[1])
            if unknown and not is_final:
                waiting += unknown
                continue
            self._can_end[at] = is_final or any(self._can_end[after] for after in following)
            waiting.pop()
        return self._can_end[key]

    def _number(self, key: tuple[int, int, bool]) -> int:
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
