"""Whether a language has texts, how long they are, which come first: what the front ends ask while they
compile.

In comes an expression over the UTF-8 bytes of texts, and often a range of lengths in characters (code
points: every byte but the continuation bytes 0x80 to 0xBF begins one). Out comes emptiness, a shortest
text, a count or the first texts.

Most questions are answered by the syntax: a regular expression is empty only if it is the object `EMPTY`,
and the range of its lengths follows from its parts. Whether there is any text is found best first, by what
seems to be missing: of fifteen patterns that must hold at once, a text meets one after the other, while the
derivatives that a complete search meets are all combinations of them. The rest is searched breadth-first
over the derivatives, one character at a time: a *level* is the set of all derivatives after k characters.
Levels repeat sooner or later, since each follows from the one before; then the search jumps, so that
`minLength` 10000 costs as little as `minLength` 10. Everything is remembered. The cost is one derivative for
each state met, some ten microseconds; `limit` bounds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from heapq import heapify, heappop, heappush

from .derivatives import matches, transitions
from .errors import LimitExceededError
from .expressions import CONCATENATION, EMPTY, INTERSECTION, UNION, UNLIMITED, Expression
from .length_conditions import shortest
from .lengths import (
    CONTINUATIONS,
    Lengths,
    count_characters,
    is_below,
    length_range,
    shortest_by_syntax,
    smaller_bound,
    smallest_byte,
)
from .utf8 import ANY_TEXT

__all__ = [
    "DEFAULT_LIMIT",
    "Lengths",
    "count_up_to",
    "is_empty",
    "length_range",
    "shortest_length",
    "shortest_text",
    "some_length",
    "texts",
]

DEFAULT_LIMIT = 6_000

_LONGEST_CHARACTER = 4  # bytes of UTF-8
_MOST_GUIDED = 1_000  # characters that a text must have, for it to be searched best first
_UNSETTLED = 1_000
_MANY_PARTS = 12
_VISITS_PER_STATE = 20  # in one search, on average, at most
_REMEMBERED = 1 << 16


def is_empty(
    expression: Expression, least: int = 0, most: int = UNLIMITED, *, limit: int = DEFAULT_LIMIT
) -> bool:
    """Whether no text of the language has from `least` to `most` characters.

    Raises LimitExceededError if more than `limit` states had to be searched.
    """
    if expression is EMPTY:
        return True
    if least == 0 and (expression.nullable or (expression.regular and most == UNLIMITED)):
        return False
    return some_length(expression, least, most, limit=limit) is None


@lru_cache(_REMEMBERED)
def some_length(
    expression: Expression, least: int = 0, most: int = UNLIMITED, *, limit: int = DEFAULT_LIMIT
) -> int | None:
    """A length from `least` to `most`, in characters, that a text has, often the smallest; None: no text.

    Costs far less than `shortest_length` where many languages are intersected. Raises LimitExceededError if
    more than `limit` states had to be searched.
    """
    if not expression.regular and least <= _MOST_GUIDED:
        joined = _joined_length(expression)
        if joined is not None and least <= joined and not is_below(most, joined):
            return joined
        with suppress(LimitExceededError):  # the search by levels may still end: its levels repeat
            return _Search(limit).some_length(expression, least, most)
    return shortest_length(expression, least, most, limit=limit)


@lru_cache(_REMEMBERED)
def shortest_length(
    expression: Expression, least: int = 0, most: int = UNLIMITED, *, limit: int = DEFAULT_LIMIT
) -> int | None:
    """The smallest length from `least` to `most`, in characters, that a text has; None: no text.

    Raises LimitExceededError if more than `limit` states had to be searched.
    """
    if least == 0 and expression.nullable:
        return 0
    if expression.regular:
        lengths = length_range(expression)
        if lengths is None or is_below(lengths.most, least) or is_below(most, max(least, lengths.least)):
            return None
        if lengths.contiguous or least <= lengths.least:
            return max(least, lengths.least)
    return _Search(limit).shortest_length(expression, least, most)


@lru_cache(_REMEMBERED)
def shortest_text(
    expression: Expression, least: int = 0, most: int = UNLIMITED, *, limit: int = DEFAULT_LIMIT
) -> bytes | None:
    """A text with from `least` to `most` characters: fewest characters, then fewest bytes; None: no text.

    Raises LimitExceededError if more than `limit` states had to be searched.
    """
    if expression.regular:
        if expression is EMPTY:
            return None
        text = shortest_by_syntax(expression)
        length = count_characters(text)
        if length >= least:
            return None if is_below(most, length) else text
    length_needed = shortest_length(expression, least, most, limit=limit)
    return None if length_needed is None else _text_of_length(expression, length_needed)


def count_up_to(expression: Expression, n: int, least: int = 0, most: int = UNLIMITED) -> int:
    """How many texts with from `least` to `most` characters there are; `n` if there are `n` or more.

    Raises LimitExceededError if more states than `DEFAULT_LIMIT` had to be searched.
    """
    if n <= 0 or is_empty(expression, least, most):
        return 0
    if n == 1:
        return 1
    if expression.regular:
        lengths = length_range(expression)
        if lengths is not None and lengths.contiguous:
            longest = smaller_bound(lengths.most, most)
            if longest == UNLIMITED or longest - max(lengths.least, least) + 1 >= n:
                return n
    return _count_paths(expression, n, least, most)


def texts(expression: Expression, n: int, least: int = 0, most: int = UNLIMITED) -> Iterator[bytes]:
    """The first `n` texts with from `least` to `most` characters: by length, then by their bytes.

    Raises LimitExceededError if more states than `DEFAULT_LIMIT` had to be searched.
    """
    length = shortest_length(expression, least, most)
    while n > 0 and length is not None:
        for text in _texts_of_length(expression, length):
            yield text
            n -= 1
            if n == 0:
                return
        length = shortest_length(expression, length + 1, most) if length != most else None


# The searches.


@lru_cache(_REMEMBERED)
def _joined_length(expression: Expression) -> int | None:
    """The length of the shortest texts of all parts in a row, if that is a text: where many words have to
    occur, nothing has to be searched."""
    if expression.kind != INTERSECTION or len(expression.children) < _MANY_PARTS:
        return None
    parts = [part for part in expression.children if part.regular and not part.nullable]
    text = b"".join(map(shortest_by_syntax, parts))
    return count_characters(text) if all(matches(part, text) for part in expression.children) else None


@lru_cache(_REMEMBERED)
def _missing(expression: Expression) -> int:
    """A rough estimate of what is missing to a text: `_UNSETTLED` for each language that may still be missed,
    and characters. So a word once found counts for more than the beginnings of several others."""
    if expression is ANY_TEXT or (expression.kind == UNION and ANY_TEXT in expression.children):
        return 0
    if expression.kind == INTERSECTION:
        return sum(map(_missing, expression.children))
    if expression.regular:
        lengths = length_range(expression)
        return _UNSETTLED + (0 if lengths is None or expression.nullable else min(lengths.least, _UNSETTLED))
    if expression.kind == UNION:
        return min(map(_missing, expression.children))
    if expression.kind == CONCATENATION:
        return sum(map(_missing, expression.children))
    return _UNSETTLED + (not expression.nullable)


@lru_cache(_REMEMBERED)
def _steps(expression: Expression) -> tuple[tuple[Expression, ...], tuple[Expression, ...]]:
    """The derivatives by bytes that begin a character, and those by continuation bytes."""
    beginning, continuing = [], []
    for members, after in transitions(expression):
        if members & ~CONTINUATIONS:
            beginning.append(after)
        if members & CONTINUATIONS:
            continuing.append(after)
    return tuple(beginning), tuple(continuing)


class _Search:
    """One breadth-first search over derivatives, character by character, under a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.met: set[Expression] = set()
        self.work = 0

    def some_length(self, expression: Expression, least: int, most: int) -> int | None:
        """The length of some text within the bounds, always going on where the least seems to be missing."""
        # What is waiting: (estimate, order of discovery, length, state).
        waiting = [(_missing(expression), 0, 0, expression)]
        n_found = 0
        lengths = {(expression, 0): 0}  # by state and length, as far as that is below `least`
        while waiting:
            _, _, length, state = heappop(waiting)
            self.count(state)
            if state.nullable and length >= least:
                return length
            for weight, following in zip((1, 0), _steps(state), strict=True):
                longer = length + weight
                for after in following:
                    if is_below(most, longer + shortest(after)):
                        continue
                    place = (after, min(longer, least))
                    if longer < lengths.get(place, longer + 1):
                        lengths[place] = longer
                        estimate = _missing(after) + max(least - longer, 0)
                        n_found += 1
                        heappush(waiting, (estimate, n_found, longer, after))
        return None

    def shortest_length(self, expression: Expression, least: int, most: int) -> int | None:
        """The smallest number of characters from `least` to `most` after which a text may end."""
        length, level = least, set(self.level(expression, least))
        seen: set[Expression] = set()
        while level and not is_below(most, length):
            if any(state.nullable for state in level):
                return length
            seen |= level
            level = self.following(level) - seen
            length += 1
        return None

    def level(self, expression: Expression, length: int) -> frozenset[Expression]:
        """All derivatives after exactly `length` characters.

        Each level follows from the one before, so as soon as one comes again, all that follows is known.
        """
        levels = [frozenset(self.closed({expression}))]
        index = {levels[0]: 0}
        while len(levels) <= length:
            following = frozenset(self.following(levels[-1]))
            if following in index:
                loop = index[following]
                return levels[loop + (length - loop) % (len(levels) - loop)]
            index[following] = len(levels)
            levels.append(following)
        return levels[length]

    def following(self, level: Iterable[Expression]) -> set[Expression]:
        """All derivatives one character later."""
        return self.closed({after for before in level for after in _steps(before)[0]})

    def closed(self, level: set[Expression]) -> set[Expression]:
        """The level together with what continuation bytes lead to."""
        waiting = list(level)
        while waiting:
            state = waiting.pop()
            self.count(state)
            for after in _steps(state)[1]:
                if after not in level:
                    level.add(after)
                    waiting.append(after)
        return level

    def count(self, state: Expression) -> None:
        """Keeps the number of states, and of visits to them, in bounds."""
        self.met.add(state)
        self.work += 1 + len(state.children) ** 2 // 300  # each part has transitions of its own
        if len(self.met) > self.limit or self.work > _VISITS_PER_STATE * self.limit:
            raise LimitExceededError(
                "states of an expression that are searched for a text",
                given=max(len(self.met), self.work // _VISITS_PER_STATE),
                limit=self.limit,
                advice="simplify the patterns that have to hold at once, or lower the length limits",
            )


def _text_of_length(expression: Expression, length: int) -> bytes:
    """A text with exactly `length` characters (there is one) and the fewest bytes."""
    # For each derivative: the fewest bytes that lead to it, and these bytes as a chain (chain before, byte).
    level: dict[Expression, tuple[int, tuple]] = {expression: (0, ())}
    for remaining in range(length, -1, -1):
        waiting = [(cost, order, state) for order, (state, (cost, _)) in enumerate(level.items())]
        heapify(waiting)
        following: dict[Expression, tuple[int, tuple]] = {}
        while waiting:
            cost, order, state = heappop(waiting)
            known_cost, chain = level[state]
            if known_cost < cost:
                continue
            for members, after in transitions(state):
                beginning, continuing = members & ~CONTINUATIONS, members & CONTINUATIONS
                if beginning and remaining and (after not in following or cost + 1 < following[after][0]):
                    following[after] = (cost + 1, (chain, smallest_byte(beginning)))
                if continuing and (after not in level or cost + 1 < level[after][0]):
                    level[after] = (cost + 1, (chain, smallest_byte(continuing)))
                    heappush(waiting, (cost + 1, len(level) + order, after))
        if remaining:
            level = following
    _, chain = min((entry for state, entry in level.items() if state.nullable), key=lambda entry: entry[0])
    text = bytearray()
    while chain:
        chain, byte = chain
        text.append(byte)
    return bytes(reversed(text))


def _count_paths(expression: Expression, n: int, least: int, most: int) -> int:
    """`count_up_to` for a language that has texts: derivatives are deterministic, so texts are paths."""
    search = _Search(DEFAULT_LIMIT)
    level = {expression: 1}
    total = length = 0
    while level and not is_below(most, length):
        if most == UNLIMITED and length > len(search.met):
            return n  # a path longer than the number of states has a loop
        following: dict[Expression, int] = {}
        for _ in range(_LONGEST_CHARACTER):
            continued: dict[Expression, int] = {}
            for state, paths in level.items():
                search.count(state)
                total += paths if state.nullable and length >= least else 0
                for members, after in transitions(state):
                    if is_empty(after):
                        continue
                    for target, allowed in (
                        (following, members & ~CONTINUATIONS),
                        (continued, members & CONTINUATIONS),
                    ):
                        if allowed:
                            target[after] = min(n, target.get(after, 0) + paths * allowed.bit_count())
            level = continued
        if total >= n:
            return n
        level = following
        length += 1
    return total


def _texts_of_length(expression: Expression, length: int) -> Iterator[bytes]:
    """All texts with exactly `length` characters, ordered by their bytes."""
    if expression.nullable and length == 0:
        yield b""
    text = bytearray()
    ways = [_ways_on(expression, length, 0)]
    while ways:
        step = next(ways[-1], None)
        if step is None:
            ways.pop()
            del text[-1:]
            continue
        byte, after, remaining, continuations = step
        text.append(byte)
        if after.nullable and remaining == 0:
            yield bytes(text)
        ways.append(_ways_on(after, remaining, continuations))


def _ways_on(
    expression: Expression, remaining: int, continuations: int
) -> Iterator[tuple[int, Expression, int, int]]:
    """For each byte that can be completed: (byte, derivative, characters to come, continuations in a row)."""
    targets = {
        byte: after
        for members, after in transitions(expression)
        for byte in range(256)
        if members >> byte & 1
    }
    for byte in sorted(targets):
        is_continuation = 0x80 <= byte <= 0xBF
        left = remaining if is_continuation else remaining - 1
        in_a_row = continuations + 1 if is_continuation else 0
        if left >= 0 and in_a_row < _LONGEST_CHARACTER and not is_empty(targets[byte], left, left):
            yield byte, targets[byte], left, in_a_row
