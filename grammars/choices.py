"""A list of strings -> the grammar of exactly these strings, as raw text.

In come strings, out comes a `Grammar`. The strings are sorted by their UTF-8 bytes. Up to
MOST_IN_A_TERMINAL of them are one terminal, a trie with common prefixes once; equal subtrees are one
object, since expressions are hash-consed, so it is a minimal acyclic automaton written as an expression
(cf. Daciuk et al. 2000). More strings are a trie of grammar states that are made when they are reached,
each a range of the sorted list: a hundred thousand choices cost a sort.

Where prefixes nest deeper than MOST_NESTED inside a terminal, the strings below are listed one by one, so
that no expression is too deep for what recurses over it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from .errors import GrammarSyntaxError, UnsatisfiableError
from .expressions import EPSILON, Expression, byte_class, concatenate, union
from .grammar import Edge, Expansion, Grammar, TerminalEdge
from .regex import expansion_of

MOST_IN_A_TERMINAL = 500  # a terminal of so many takes some milliseconds to build
MOST_NESTED = 60

_SINGLE_BYTES = [byte_class(1 << byte) for byte in range(256)]


class ChoicesGrammar(Grammar):
    """Exactly one of some strings. Made by `from_choices`; pickled by its strings."""

    start = 1

    def __init__(self, choices: Sequence[str]) -> None:
        self.source = tuple(choices)
        self._ordered = sorted(set(_encode(self.source)))
        # state -> (first, last, n): the strings [first, last) of the sorted list, of which n bytes are read
        self._ranges = {self.start: (0, len(self._ordered), 0)}
        self._expansions: dict[int, Expansion] = {}

    def expand(self, state: int) -> Expansion:
        if state not in self._expansions:
            self._expansions[state] = self._expand(*self._ranges[state])
        return self._expansions[state]

    def _expand(self, first: int, last: int, n_read: int) -> Expansion:
        ordered = self._ordered
        if last - first <= MOST_IN_A_TERMINAL:
            return expansion_of(literals_expression([choice[n_read:] for choice in ordered[first:last]]))
        # The shortest string comes first, and the outermost two share what all share.
        n_shared = _shared_prefix(ordered[first], ordered[last - 1])
        if n_shared > n_read:
            shared = _bytes_expression(ordered[first][n_read:n_shared])
            return Expansion([TerminalEdge(shared, self._state(first, last, n_shared))], finish=0)
        final = len(ordered[first]) == n_read
        shortest = first if final else min(range(first, last), key=lambda index: len(ordered[index]))
        finish = -1
        edges: list[Edge] = []
        start = first + final
        while start < last:
            byte = ordered[start][n_read]
            end = bisect_right(ordered, byte, start, last, key=lambda choice: choice[n_read])
            if start <= shortest < end:
                finish = len(edges)
            edges.append(TerminalEdge(_SINGLE_BYTES[byte], self._state(start, end, n_read + 1)))
            start = end
        return Expansion(edges, final=final, finish=finish)

    def _state(self, first: int, last: int, n_read: int) -> int:
        state = len(self._ranges) + 1
        self._ranges[state] = (first, last, n_read)
        return state

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source,)


def from_choices(choices: Sequence[str]) -> Grammar:
    """The grammar of exactly these strings, written as they are: no quotes, no escapes.

    choices: any number of strings; repetitions and the empty string are fine.

    Raises: UnsatisfiableError for no strings at all; GrammarSyntaxError for what is not a sequence of
        strings, or a string with a lone surrogate, which no text contains.
    """
    if isinstance(choices, (str, bytes)) or not isinstance(choices, Sequence):
        is_list_near = isinstance(choices, Iterable) and not isinstance(choices, (str, bytes))
        advice = "write list(choices)" if is_list_near else "put a single string into a list"
        raise GrammarSyntaxError("the choices must be a list of strings", got=choices, advice=advice)
    if not choices:
        raise UnsatisfiableError("there are no choices", got=choices, advice="give at least one string")
    return ChoicesGrammar(choices)


def _encode(choices: Sequence[str]) -> list[bytes]:
    encoded = []
    for index, choice in enumerate(choices):
        if not isinstance(choice, str):
            raise GrammarSyntaxError(
                "a choice must be a string", location=f"/{index}", got=choice, advice="convert it with str()"
            )
        try:
            encoded.append(choice.encode())
        except UnicodeEncodeError:
            raise GrammarSyntaxError(
                "a choice must not contain a lone surrogate", location=f"/{index}", got=choice
            ) from None
    return encoded


def literals_expression(literals: Sequence[bytes]) -> Expression:
    """The union of the byte strings, as a trie."""
    ordered = sorted(set(literals))
    # Open branching points, outermost first: the length of their prefix, and what may follow it so far.
    depths = [0]
    options: list[list[Expression]] = [[]]
    for literal, following in zip(ordered, [*ordered, b""][1:], strict=True):
        shared = _shared_prefix(literal, following)
        start = max(shared, depths[-1])
        if start > depths[-1] and len(depths) < MOST_NESTED:
            depths.append(start)
            options.append([])
        options[-1].append(_bytes_expression(literal[depths[-1] :]))
        while depths[-1] > shared:
            # The branching point is complete. It hangs below the one before, or below a new one in between.
            depth, finished = depths.pop(), union(*options.pop())
            above = max(shared, depths[-1])
            tail = concatenate(_bytes_expression(literal[above:depth]), finished)
            if above > depths[-1]:
                depths.append(above)
                options.append([])
            options[-1].append(tail)
    return union(*options[0])


def _shared_prefix(left: bytes, right: bytes) -> int:
    """The length of the longest common prefix; by halving, as slices compare fast."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _bytes_expression(data: bytes) -> Expression:
    if len(data) == 1:
        return _SINGLE_BYTES[data[0]]
    return concatenate(*[_SINGLE_BYTES[byte] for byte in data]) if data else EPSILON
