"""What is probably a mistake in rules that can be used all the same: said when they are read.

A remark is a pair: the rule or terminal, and what may be wrong with it. There are three kinds: a rule that
nothing reaches (found where rules are read), a rule that derives no text because every way through it calls
such a rule again (options with it are left out), and a terminal of a lexer that is never read, or not
everywhere, because another one is asked first and takes a beginning of each of its texts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from .emptiness import is_empty
from .errors import ConstraintError, GrammarWarning, UnsatisfiableError
from .expressions import ANYTHING, Expression, complement, concatenate, intersect

Remark: TypeAlias = tuple[str, str]

NO_END = "derives no text: every way through it needs a rule without an end"

_MOST_SHOWN = 10
_MOST_DERIVATIVES = 2_000  # of a question whether one terminal takes all of another


def warn_about(remarks: Sequence[Remark]) -> None:
    """Say the remarks in one warning, at the line that called the function which calls this."""
    if not remarks:
        return
    shown = [f"{name}: {what}" for name, what in remarks[:_MOST_SHOWN]]
    if len(remarks) > _MOST_SHOWN:
        shown.append(f"and {len(remarks) - _MOST_SHOWN} more (see .remarks)")
    warnings.warn("; ".join(shown), GrammarWarning, stacklevel=3)


def no_text(start: str) -> UnsatisfiableError:
    """What is raised for a start rule that is one of these."""
    return UnsatisfiableError(
        f"rule {start!r} derives no text",
        advice="every way through it needs a rule without an end, or a terminal without a text",
    )


def without_end(options: Mapping[str, Sequence[Iterable[str]]]) -> list[str]:
    """The rules that derive no text. options: by rule, the rules that each of its options calls."""
    missing: dict[tuple[str, int], int] = {}  # by option: called rules of which no text is known yet
    options_of: dict[str, list[tuple[str, int]]] = {}
    found: set[str] = set()
    waiting: list[str] = []
    for name, of_rule in options.items():
        for number, called in enumerate(of_rule):
            names = set(called)
            missing[name, number] = len(names)
            for other in names:
                options_of.setdefault(other, []).append((name, number))
            if not names:
                waiting.append(name)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for option in options_of.get(name, ()):
            missing[option] -= 1
            if not missing[option]:
                waiting.append(option[0])
    return [name for name in options if name not in found]


def shadowed(
    places: Iterable[Iterable[int]], names: Sequence[str], takes_all: Callable[[int, int], bool]
) -> list[Remark]:
    """Terminals that others keep from being read.

    places: by place of a text, the terminals that may stand there, numbered in the order in which they are
    asked. takes_all(first, other): whether the first one reads a beginning of each text of the other.
    """
    allowed: dict[int, int] = {}
    taken: dict[int, dict[int, int]] = {}  # by terminal and the one that is asked first: at so many places
    for place in places:
        members = sorted(place)
        for at, number in enumerate(members):
            allowed[number] = allowed.get(number, 0) + 1
            earlier = next((other for other in members[:at] if takes_all(other, number)), None)
            if earlier is not None:
                by = taken.setdefault(number, {})
                by[earlier] = by.get(earlier, 0) + 1
    remarks = []
    for number, by in sorted(taken.items()):
        first = " or ".join(names[other] for other in sorted(by))
        why = "which is asked first and reads a beginning of each of its texts"
        if sum(by.values()) == allowed[number]:
            remarks.append((names[number], f"never read: wherever it may stand, {first} may too, {why}"))
        else:
            remarks.append((names[number], f"not read where {first} may stand too, {why}"))
    return remarks


def takes_beginnings(first: Expression, other: Expression) -> bool:
    """Whether each text of the other language begins with one of the first; False where that is not found."""
    try:
        return is_empty(intersect(other, complement(concatenate(first, ANYTHING))), limit=_MOST_DERIVATIVES)
    except ConstraintError:
        return False
