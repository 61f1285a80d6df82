"""Numbers that are multiples of a large number: an automaton whose states are made when met.

In comes an explicit automaton of decimal numbers (the bounds) with divisors, out comes a node of kind
`MULTIPLES`: the texts of the automaton whose value is a multiple of one number and of none of some others.
With 123,456,789 remainders it is never written down; a state is (state of the bounds, decimals read,
remainder), and whether it can be completed is arithmetic, not search. Where the bounds say nothing about the
digits to come but how many they may be (almost everywhere), n more digits reach a whole interval of 10 ** n
values, so a multiple of w is among them if the first one is not beyond it. At most 2 ** k candidates have to
be tried against k unwanted divisors: k progressions that cover 2 ** k integers in a row cover all integers
(Crittenden and Vanden Eynden 1970), and these do not cover 1. Elsewhere the digits begin a bound, so there is
one way to go on like it and nine to leave it.

This is the slow twin of `_ext/multiples.hpp`, and what emptiness and shortest texts are answered with. A
question costs some ten microseconds for each digit of the divisor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd, lcm
from typing import NamedTuple, cast
from weakref import WeakValueDictionary

from .errors import LimitExceededError
from .expressions import AUTOMATON, EMPTY, MULTIPLES, Expression, hash_consed

MOST_DIGITS = 36
"""The most digits of the least common multiple of all divisors (the core has integers of 128 bits)."""

MOST_UNWANTED = 12

_MINUS, _POINT, _ZERO = ord("-"), ord("."), ord("0")


def multiples(base: Expression, divisor: int, unwanted: Sequence[int] = (), decimals: int = 0) -> Expression:
    """The texts of `base` whose value, times 10 ** decimals, is a multiple of `divisor` and of none of
    `unwanted`.

    base: an `automaton`, deterministic, of JSON numbers without exponent. divisor: 0 for none. EMPTY if
    there is no such text. Raises LimitExceededError if the common multiple of the divisors has more than
    MOST_DIGITS digits.
    """
    if base is EMPTY or (divisor and any(divisor % other == 0 for other in unwanted)):
        return EMPTY
    if base.kind != AUTOMATON:
        raise ValueError("base: must be an automaton")
    common = lcm(divisor or 1, *unwanted)
    if common << len(unwanted) >= 10**MOST_DIGITS or decimals > MOST_DIGITS:
        raise LimitExceededError(
            "the digits of the common multiple of all multipleOf",
            given=max(common.bit_length() * 3 // 10 + 1, decimals),
            limit=MOST_DIGITS,
            advice="use a multipleOf with fewer digits, or fewer of them together",
        )
    if len(unwanted) > MOST_UNWANTED:
        raise LimitExceededError(
            "the number of multipleOf that must not hold", given=len(unwanted), limit=MOST_UNWANTED
        )
    node = hash_consed(MULTIPLES, (base,), (divisor, tuple(sorted(set(unwanted))), decimals))
    reader = _reader(node)
    return EMPTY if reader.shortest(reader.start) is None else node


def divisors_of(node: Expression) -> tuple[int, tuple[int, ...], int]:
    """The divisor that is wanted (0: none), those that must not divide, and the decimals, of such a node."""
    return cast("tuple[int, tuple[int, ...], int]", node.payload)


class State(NamedTuple):
    """bounds: the state of the base automaton. decimals: how many were read; -1 before the point; one more
    than the divisors have: some digit after those was not 0. remainder: of all digits read, as one integer.
    """

    bounds: int
    decimals: int
    remainder: int


class MultiplesReader:
    """What a node of kind MULTIPLES reads, step by step."""

    start = State(0, -1, 0)

    def __init__(self, node: Expression) -> None:
        divisor, unwanted, decimals = divisors_of(node)
        self.divisor, self.any_value, self.unwanted, self.decimals = (
            divisor or 1,
            divisor == 0,
            unwanted,
            decimals,
        )
        self.common: int = lcm(self.divisor, *self.unwanted)
        n_states, transitions, accepting = cast(
            "tuple[int, tuple[tuple[int, int, int], ...], frozenset[int]]", node.children[0].payload
        )
        self.accepting = accepting
        self.edges: list[dict[int, int]] = [{} for _ in range(n_states)]
        for state, members, after in transitions:
            for byte in (_MINUS, _POINT, *range(_ZERO, _ZERO + 10)):
                if members >> byte & 1:
                    self.edges[state][byte] = after
        # The state after any digit, -1: no digit may come; None: it depends on the digit.
        self.after_any = [self._after_any(edges) for edges in self.edges]
        self.free = self._free_states()
        # More digits reach nothing that fewer do not: every state was met, and every candidate was in reach.
        self.most = n_states + len(str(self.common << len(self.unwanted))) + self.decimals + 1
        # What divides the digits, read as an integer, after 0, 1, ... decimals.
        missing = [10 ** (self.decimals - read) for read in range(self.decimals + 1)]
        self.divisors: list[int] = [self.divisor // gcd(self.divisor, unit) for unit in missing]
        self.others = [[other // gcd(other, unit) for other in self.unwanted] for unit in missing]

    def _free_states(self) -> list[bool]:
        """The states where, as far as the digits to come, only their number counts."""
        free = [
            self.after_any[state] is not None and _MINUS not in self.edges[state]
            for state in range(len(self.edges))
        ]
        while True:
            bound = [
                state
                for state, edges in enumerate(self.edges)
                if free[state] and not all(free[after] for after in edges.values())
            ]
            if not bound:
                return free
            for state in bound:
                free[state] = False

    @staticmethod
    def _after_any(edges: dict[int, int]) -> int | None:
        after = {edges.get(byte, -1) for byte in range(_ZERO, _ZERO + 10)}
        return after.pop() if len(after) == 1 else None

    def accepts(self, state: State) -> bool:
        return state.bounds in self.accepting and self._right(state.remainder, state.decimals)

    def _right(self, value: int, decimals: int) -> bool:
        if decimals > self.decimals:
            return True
        read = max(decimals, 0)
        return value % self.divisors[read] == 0 and all(value % other for other in self.others[read])

    def step(self, state: State, byte: int) -> State | None:
        """The state after one byte more, None: no text begins so."""
        after = self._step(state, byte)
        return None if after is None or self.shortest(after) is None else after

    def _step(self, state: State, byte: int) -> State | None:
        bounds = self.edges[state.bounds].get(byte)
        if bounds is None:
            return None
        if byte == _MINUS:
            return State(bounds, -1, 0)
        if byte == _POINT:
            return State(bounds, 0, state.remainder)
        if state.decimals >= self.decimals:
            if byte == _ZERO or state.decimals > self.decimals:
                return State(bounds, state.decimals, state.remainder)
            return State(bounds, self.decimals + 1, 0) if self.any_value else None
        read = state.decimals + (state.decimals >= 0)
        return State(bounds, read, (state.remainder * 10 + byte - _ZERO) % self.common)

    def shortest(self, state: State) -> int | None:
        """The fewest bytes to the end; None: there is no way."""
        best: int | None = None
        level, seen, length = [state], {state}, 0
        while level and (best is None or length < best):
            following: list[State] = []
            for here in level:
                if self.accepts(here):
                    return length if best is None else min(best, length)
                if self.free[here.bounds]:
                    found = self._shortest_free(here)
                    if found is not None and (best is None or length + found < best):
                        best = length + found
                    continue
                for byte in self.edges[here.bounds]:
                    after = self._step(here, byte)
                    if after is not None and after not in seen:
                        seen.add(after)
                        following.append(after)
            level, length = following, length + 1
        return best

    def _shortest_free(self, state: State) -> int | None:
        """The same where only the number of digits counts."""
        best: int | None = None
        bounds: int | None = state.bounds
        for digits in range(self.most):
            if bounds is None or bounds < 0 or (best is not None and digits >= best):
                break
            if bounds in self.accepting and self._reaches(state, digits, 0):
                best = digits
                break
            point = self.edges[bounds].get(_POINT)
            for places in range(self.most if point is not None else 0):
                if point is None or point < 0 or (best is not None and digits + 1 + places >= best):
                    break
                if point in self.accepting and self._reaches(state, digits, places, True):
                    best = digits + 1 + places
                point = self.after_any[point]
            bounds = self.after_any[bounds]
        return best

    def _reaches(self, state: State, digits: int, places: int, point: bool = False) -> bool:
        """Whether `digits` digits, then (`point`) a point and `places` more, can make a right value."""
        if point:
            count, decimals = digits + places, places
        else:
            count, decimals = digits, state.decimals + digits if state.decimals >= 0 else -1
        if decimals > self.decimals:
            if self.any_value:
                return digits + places > 0 or state.decimals > self.decimals
            count, decimals = count - (decimals - self.decimals), self.decimals
        divisor, others = self.divisors[max(decimals, 0)], self.others[max(decimals, 0)]
        first = state.remainder * 10**count
        candidate = first + -first % divisor
        for _ in range(1 << len(others)):
            if candidate >= first + 10**count:
                return False
            if all(candidate % other for other in others):
                return True
            candidate += divisor
        return False


@lru_cache(1 << 10)
def _reader(node: Expression) -> MultiplesReader:
    return MultiplesReader(node)


class MultiplesState(Expression):
    """What a node of kind MULTIPLES reads from one of its states on."""

    __slots__ = ("base", "state")

    base: Expression
    state: State

    def __reduce__(self) -> tuple:
        return _at, (self.base, self.state)


_states: WeakValueDictionary[tuple[int, State], MultiplesState] = WeakValueDictionary()


def _at(base: Expression, state: State) -> Expression:
    """The (only) node for `base` started in `state`."""
    if state == MultiplesReader.start:
        return base
    known = _states.get((id(base), state))
    if known is not None:
        return known
    node = MultiplesState()
    node.base, node.state = base, state
    node.kind, node.children, node.payload = MULTIPLES, base.children, base.payload
    node.nullable, node.regular = _reader(base).accepts(state), True
    return _states.setdefault((id(base), state), node)


def _position(node: Expression) -> tuple[MultiplesReader, Expression, State]:
    if isinstance(node, MultiplesState):
        return _reader(node.base), node.base, node.state
    return _reader(node), node, MultiplesReader.start


@lru_cache(1 << 12)
def edges_of_multiples(node: Expression) -> tuple[tuple[int, Expression], ...]:
    """Byte sets and what may follow them, for a node of kind MULTIPLES or a derivative of one."""
    reader, base, state = _position(node)
    found: dict[State, int] = {}
    for byte in sorted(reader.edges[state.bounds]):
        after = reader.step(state, byte)
        if after is not None:
            found[after] = found.get(after, 0) | 1 << byte
    return tuple((members, _at(base, after)) for after, members in found.items())


def shortest_multiple(node: Expression) -> bytes:
    """A shortest text of such a node."""
    reader, _, state = _position(node)
    text = bytearray()
    left = reader.shortest(state)
    while left:
        for byte in sorted(reader.edges[state.bounds]):
            after = reader.step(state, byte)
            if after is not None and reader.shortest(after) == left - 1:
                text.append(byte)
                state, left = after, left - 1
                break
    return bytes(text)


def length_of_multiple(node: Expression) -> int:
    """The length of a shortest text of such a node."""
    reader, _, state = _position(node)
    length = reader.shortest(state)
    assert length is not None  # else the node would be EMPTY
    return length
