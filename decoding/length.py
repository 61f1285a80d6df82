"""`Length`: how long a text shall be, as the user says it. Numbers in, a checked and comparable object out.

What is counted, and how, is said in `length_measures.py`; how it is kept in `length_matcher.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .arguments import checked_choice, checked_integer
from .errors import ArgumentTypeError, ArgumentValueError
from .length_measures import KINDS, RULER_WORDS, UNICODE_WORDS, LengthMeasure
from .sentences import ENDS_AT

MOST_UNITS = 1_000_000
Bounds = int | tuple[int | None, int | None] | None
"""Exactly so many; from the first to the second, None for no bound; or not bound at all."""


@dataclass(frozen=True)
class Length:
    """A length, in one of five units: `Length(words=50)`, `Length(characters=(200, 280))`.

    words, characters, sentences, tokens, items: the number wanted, or the least and the most, either of which
        may be None. One of the five. `Length.at_most(words=50)` and `Length.at_least(words=50)` say the same
        as (None, 50) and (50, None).
        Characters are code points. Tokens are those that are generated, EOS not counted: a tokenizer may cut
        the same text otherwise. Items are lines with a bullet or a number in front, and nothing else.
        The other rules are those of `LengthMeasure`.
    word_rule: "unicode" (Unicode's word boundaries) or r"\\w+" (as Ruler counts).
    ends_at: "sentence": a text ends where a sentence does, by the rule of `sentences.py`, if the length
        allows it. "anywhere". None: "sentence" for free texts, "anywhere" for lists and with a grammar.

    Raises:
        ArgumentTypeError, ArgumentValueError: none or several of the five are given, or bounds are no
            integers, below 0, above `MOST_UNITS`, or the least is above the most; or an option says nothing
            about this unit: a word rule without words, the end of a sentence for items.
    """

    words: Bounds = None
    characters: Bounds = None
    sentences: Bounds = None
    tokens: Bounds = None
    items: Bounds = None
    word_rule: str = field(default=UNICODE_WORDS, kw_only=True)
    ends_at: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ArgumentValueError(
                f"Length must be given one of {', '.join(KINDS)}",
                got=given or None,
                advice="write Length(words=50), or use a grammar for what one length cannot say",
            )
        checked_choice("word_rule", self.word_rule, (UNICODE_WORDS, RULER_WORDS))
        if self.word_rule != UNICODE_WORDS and given != ["words"]:
            raise ArgumentValueError(
                f"word_rule does nothing for {given[0]}", got=self.word_rule, advice="leave it out"
            )
        if self.ends_at is not None:
            checked_choice("ends_at", self.ends_at, ENDS_AT, also=", or None")
        if self.ends_at == "sentence" and given == ["items"]:
            raise ArgumentValueError(
                "ends_at must not be 'sentence' for items: a list ends with its last item",
                got=self.ends_at,
                advice="leave it out",
            )
        object.__setattr__(self, given[0], _checked_bounds(given[0], getattr(self, given[0])))

    @classmethod
    def at_most(cls, **units: Any) -> Length:
        """`Length.at_most(words=50)`: no more than 50. Options as for `Length`."""
        bounds: dict[str, Any] = {name: (None, n) if name in KINDS else n for name, n in units.items()}
        return cls(**bounds)

    @classmethod
    def at_least(cls, **units: Any) -> Length:
        """`Length.at_least(words=50)`: no fewer than 50. Options as for `Length`."""
        bounds: dict[str, Any] = {name: (n, None) if name in KINDS else n for name, n in units.items()}
        return cls(**bounds)

    @property
    def kind(self) -> str:
        """The unit: one of `length_measures.KINDS`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def least(self) -> int:
        """Units that a text must have."""
        bounds = getattr(self, self.kind)
        return bounds if isinstance(bounds, int) else bounds[0] or 0

    @property
    def most(self) -> int | None:
        """Units that a text may have; None: any number."""
        bounds = getattr(self, self.kind)
        return bounds if isinstance(bounds, int) else bounds[1]

    def allows(self, count: int) -> bool:
        """Whether a text may have so many units."""
        return self.least <= count and (self.most is None or count <= self.most)

    def measure(self, tokenizer: Any = None) -> LengthMeasure:
        """What counts these units in a finished text. tokenizer: for tokens."""
        return LengthMeasure(self.kind, words=self.word_rule, tokenizer=tokenizer)

    def __str__(self) -> str:
        least, most = self.least, self.most
        if least == most:
            return f"exactly {least} {self.kind if least != 1 else self.kind[:-1]}"
        if most is None:
            return f"at least {least} {self.kind}"
        return f"{least} to {most} {self.kind}" if least else f"at most {most} {self.kind}"


def _checked_bounds(name: str, bounds: Any) -> int | tuple[int | None, int | None]:
    if isinstance(bounds, (str, bytes)) or not isinstance(bounds, Sequence):
        return checked_integer(name, bounds, least=0, most=MOST_UNITS)
    if len(bounds) != 2 or all(bound is None for bound in bounds):
        raise ArgumentTypeError(f"{name} must be an integer, or the least and the most", got=bounds)
    least, most = (
        None if bound is None else checked_integer(name, bound, least=0, most=MOST_UNITS) for bound in bounds
    )
    if least is not None and most is not None and least > most:
        raise ArgumentValueError(f"{name}: the least must not be above the most", got=bounds)
    return least, most
