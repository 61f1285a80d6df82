"""Free text and the strings that end it -> expressions over UTF-8 bytes.

In come stop strings, out come the texts that hold none of them, and those in which the first one to appear is
the end. Which stop string has appeared is followed by the automaton of Aho and Corasick (1975), one state for
each prefix of a stop string, so that the expression costs what the strings are long, whatever they share;
reading it is one look-up a byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .errors import GrammarError
from .expressions import EMPTY, Expression, automaton, intersect
from .utf8 import ANY_TEXT

MOST_STOP_BYTES = 10_000
"""Of all stop strings together."""


def checked_strings(name: str, strings: str | Iterable[str], *, least: int = 1) -> tuple[str, ...]:
    """The argument of a function that takes a string or several, none of them empty.

    Raises GrammarError otherwise.
    """
    given = (strings,) if isinstance(strings, str) else strings
    advice = "write a string, or a list of strings"
    if not isinstance(given, Iterable) or isinstance(given, (bytes, dict)):
        raise GrammarError(f"{name} must be a string or several", got=strings, advice=advice)
    found = tuple(given)
    for text in found:
        if not isinstance(text, str) or not text:
            raise GrammarError(f"{name}: each must be a string that is not empty", got=text, advice=advice)
        encoded(text)
    if len(found) < least:
        raise GrammarError(f"{name}: at least {least} is needed", got=found, advice=advice)
    return found


def encoded(text: str) -> bytes:
    """The UTF-8 bytes of a text. Raises GrammarError for a lone surrogate, which no text contains."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise GrammarError("a text must not contain a lone surrogate", got=text) from None


def text_without(stops: Sequence[str]) -> Expression:
    """The texts that hold none of these strings, the empty text among them."""
    return _text_without(tuple(stops))


@lru_cache(1024)
def _text_without(stops: tuple[str, ...]) -> Expression:
    if not stops:
        return ANY_TEXT
    edges, ends, n_states = _occurrences(stops)
    going_on = [edge for edge in edges if edge[2] not in ends]
    return intersect(ANY_TEXT, automaton(n_states, going_on, [s for s in range(n_states) if s not in ends]))


def text_up_to(stop: str, stops: Sequence[str]) -> Expression:
    """The texts that end in `stop`, and before that hold none of the stops (`stop` is one of them)."""
    return _text_up_to(stop, tuple(stops))


@lru_cache(1024)
def _text_up_to(stop: str, stops: tuple[str, ...]) -> Expression:
    edges, ends, n_states = _occurrences(stops)
    wanted = [state for state, text in ends.items() if text.endswith(stop.encode())]
    return intersect(ANY_TEXT, automaton(n_states, edges, wanted)) if wanted else EMPTY


def _occurrences(stops: Sequence[str]) -> tuple[list[tuple[int, int, int]], dict[int, bytes], int]:
    """The automaton of the first occurrence: edges (state, byte set, state), the states where one has just
    ended, with what has been read of it, and how many states there are."""
    patterns = sorted({stop.encode() for stop in stops})
    if sum(map(len, patterns)) > MOST_STOP_BYTES:
        raise GrammarError(
            f"the stop strings must have at most {MOST_STOP_BYTES} bytes",
            got=sum(map(len, patterns)),
            advice="give shorter ones",
        )
    prefixes = sorted({p[:n] for p in patterns for n in range(len(p) + 1)}, key=lambda p: (len(p), p))
    number = {prefix: state for state, prefix in enumerate(prefixes)}
    known = set(patterns)
    ends = {state: p for p, state in number.items() if any(p[n:] in known for n in range(len(p)))}
    steps: list[
        list[int]
    ] = []  # by state, then by byte; those of a state follow from its longest proper suffix
    fallback = [0] * len(prefixes)
    edges: list[tuple[int, int, int]] = []
    for prefix, state in number.items():
        row = [0] * 256 if not prefix else list(steps[fallback[state]])
        for byte in {p[len(prefix)] for p in prefixes if len(p) > len(prefix) and p.startswith(prefix)}:
            after = number[prefix + bytes((byte,))]
            fallback[after] = row[byte] if prefix else 0
            row[byte] = after
        steps.append(row)
        if state in ends:
            continue  # what comes first is the end
        sets: dict[int, int] = {}
        for byte, after in enumerate(row):
            sets[after] = sets.get(after, 0) | 1 << byte
        edges += [(state, members, after) for after, members in sets.items()]
    return edges, ends, len(prefixes)
