"""An automaton over the digits of a decimal number: bounds, excluded values and multiples, all exact.

In come two sets of magnitudes (one for numbers without and one for numbers with a minus sign) and the moduli,
out comes one deterministic `automaton` expression for JSON numbers without exponent. A set of magnitudes
(`Magnitudes`) is a sorted list of decimal points with a verdict for each point and for each gap between two
of them. While the integer part is read, only its prefixes of those points need to be told apart: any other
prefix is settled for each possible number of further digits, and that list of verdicts (`_Settled`) is the
state. The fraction is simpler still, as its length does not matter. A modulus adds the remainder, reduced to
what the digits to come can tell apart (the Myhill-Nerode classes for whole moduli). So the states are about
the digits of the bounds, times the remainders.

The cost is linear in the states: some 20 us for a simple bound, 3 ms for a bound of 300 digits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, prod
from typing import NamedTuple, TypeAlias

from ..errors import LimitExceededError
from ..expressions import EMPTY, Expression, automaton
from ..multiples import multiples

MOST_DIGITS = 1_000
"""The most digits before or after the point that a bound, a multiple or an excluded value may have."""

MOST_STATES = 20_000

_MOST_REMAINDERS = 30
"""Of divisors without their factors 2 and 5: more are never written down."""
_MOST_WRITTEN = 300
"""States of an automaton with divisors; where there are more, none is written down."""

_MINUS, _POINT = 1 << ord("-"), 1 << ord(".")
_DIGIT_RUNS = [[(1 << 49 + last) - (1 << 48 + first) for last in range(10)] for first in range(10)]
"""Byte sets: the digits from the first index to the second."""


def decimals(value: Fraction) -> int:
    """How many digits the decimal expansion of `value` has after the point.

    Raises LimitExceededError if it has, before or after the point, more than MOST_DIGITS (a fraction like 1/3
    too).
    """
    rest, digits = value.denominator, 0
    if rest != 1:
        rest, digits = coprime_part(rest)
    if rest != 1 or digits > MOST_DIGITS or abs(value.numerator) >= value.denominator * 10**MOST_DIGITS:
        size = max(digits, n_digits(abs(value.numerator) // value.denominator))
        raise LimitExceededError(
            "the number of digits of a bound, a multiple or an excluded number",
            given="endlessly many" if rest != 1 and digits <= MOST_DIGITS else size,
            limit=MOST_DIGITS,
            advice="write it with fewer digits, or leave it out",
        )
    return digits


def n_digits(value: int) -> int:
    """How many decimal digits an integer has; `str()` refuses a huge one."""
    size = max(value.bit_length() * 30102 // 100_000, 1)  # the logarithm of 2, rounded down
    power = 10**size
    while abs(value) >= power:
        size, power = size + 1, power * 10
    return size


class Magnitudes(NamedTuple):
    """A set of numbers from 0 up: finitely many points and the gaps between them, each inside or not.

    scale: the points are multiples of 10 ** -scale. points: ascending, times 10 ** scale, the first 0.
    at: whether each point is inside. above: whether the gap from it to the next point (or infinity) is.
    """

    scale: int
    points: tuple[int, ...]
    at: tuple[bool, ...]
    above: tuple[bool, ...]

    def __bool__(self) -> bool:
        return any(self.at) or any(self.above)


def magnitudes(
    scale: int, points: Iterable[int], at: Callable[[int], bool], above: Callable[[int], bool]
) -> Magnitudes:
    """The set with these points and 0, all times 10 ** scale; `at` and `above` are asked once for each.

    Points that change nothing are dropped.
    """
    kept: list[int] = []
    at_kept: list[bool] = []
    above_kept: list[bool] = []
    for point in sorted({0, *points}):
        here, after = at(point), above(point)
        if not kept or not here == after == above_kept[-1]:
            kept.append(point)
            at_kept.append(here)
            above_kept.append(after)
    return Magnitudes(scale, tuple(kept), tuple(at_kept), tuple(above_kept))


class _Region:
    """`Magnitudes` with what is looked up while digits are read; part of the states, by identity."""

    def __init__(self, numbers: Magnitudes) -> None:
        self.scale, self.points, self.at, self.above = numbers
        self.children: dict[int, list[int]] = {0: []}
        self.lengths: set[int] = set()
        for point in self.points:
            prefix = point // 10**self.scale
            if prefix:
                length = len(str(prefix))
                self.lengths |= {length, length + 1}
            missing = prefix not in self.children
            while missing:
                self.children.setdefault(prefix, [])
                prefix, digit = divmod(prefix, 10)
                missing = prefix not in self.children
                self.children.setdefault(prefix, []).append(digit)

    def verdict(self, value: int, power: int) -> bool:
        """Whether value * 10 ** -power (power at most `scale`) is in the set."""
        scaled = value * 10 ** (self.scale - power)
        index = bisect_left(self.points, scaled)
        found = index < len(self.points) and self.points[index] == scaled
        return self.at[index] if found else self.above[index - 1]

    def settled(self, prefix: int) -> _Digits:
        """The state after an integer part that no point's integer part begins with."""
        read = len(str(prefix))
        changes: list[tuple[int, bool]] = []
        for length in [read, *sorted(length for length in self.lengths if length > read)]:
            verdict = self.above[bisect_left(self.points, prefix * 10 ** (length - read + self.scale)) - 1]
            if not changes or changes[-1][1] != verdict:
                changes.append((length - read, verdict))
        return _settled(tuple(changes))

    def fraction(self, value: int, power: int) -> _Digits:
        """The state after a number whose digits, without the point, are `value`, `power` of them decimals."""
        unit = 10 ** (self.scale - power)
        first = bisect_left(self.points, value * unit)
        last = bisect_left(self.points, (value + 1) * unit)
        if first == last:
            return _FREE if self.above[first - 1] else _REFUSED
        if last == first + 1 and self.points[first] == value * unit:
            return _Exactly(self, first)
        return _Fraction(self, value, power)


# The states. Each has: `verdict`, whether the number may end here; `digits()`, (first digit, last digit, next
# state) for all digits that may come next; `point()`, the state after a decimal point, None where none may
# come.


class _Start(NamedTuple):
    """Nothing but a sign was read."""

    region: _Region

    @property
    def verdict(self) -> bool:
        return False

    def digits(self) -> _Runs:
        return [(0, 0, _Zero(self.region)), *_Whole(self.region, 0).digits()]

    def point(self) -> None:
        return None


class _Zero(NamedTuple):
    """The integer part is 0."""

    region: _Region

    @property
    def verdict(self) -> bool:
        return self.region.verdict(0, 0)

    def digits(self) -> _Runs:
        return []

    def point(self) -> _Digits | None:
        return _after_point(self.region.fraction(0, 0))


class _Whole(NamedTuple):
    """The integer part so far begins the integer part of some point."""

    region: _Region
    value: int

    @property
    def verdict(self) -> bool:
        return self.region.verdict(self.value, 0)

    def digits(self) -> _Runs:
        runs: _Runs = []
        base, first = self.value * 10, 0 if self.value else 1
        for digit in sorted(self.region.children[self.value]):
            if first < digit:
                runs.append((first, digit - 1, self.region.settled(base + first)))
            runs.append((digit, digit, _Whole(self.region, base + digit)))
            first = digit + 1
        if first < 10:
            runs.append((first, 9, self.region.settled(base + first)))
        return runs

    def point(self) -> _Digits | None:
        return _after_point(self.region.fraction(self.value, 0))


class _Settled(NamedTuple):
    """The verdict depends only on how many digits the integer part still gets: (count, verdict from there
    on), ...
    """

    changes: tuple[tuple[int, bool], ...]

    @property
    def verdict(self) -> bool:
        return self.changes[0][1]

    def digits(self) -> _Runs:
        if len(self.changes) == 1:
            return [(0, 9, self)] if self.verdict else []
        shifted = tuple((max(count - 1, 0), verdict) for count, verdict in self.changes)
        return [(0, 9, _settled(shifted[1:] if shifted[1][0] == 0 else shifted))]

    def point(self) -> _Digits | None:
        return _Point(_FREE) if self.verdict else None


class _Point(NamedTuple):
    """Right after the point, where at least one digit has to follow."""

    inner: _Digits

    @property
    def verdict(self) -> bool:
        return False

    def digits(self) -> _Runs:
        return self.inner.digits()

    def point(self) -> None:
        return None


class _Decided(NamedTuple):
    """No further decimal changes the verdict."""

    verdict: bool

    def digits(self) -> _Runs:
        return [(0, 9, self)] if self.verdict else []

    def point(self) -> None:
        return None


class _Exactly(NamedTuple):
    """The number equals a point; no other point is in reach."""

    region: _Region
    place: int

    @property
    def verdict(self) -> bool:
        return self.region.at[self.place]

    def digits(self) -> _Runs:
        return [(0, 0, self), (1, 9, _FREE if self.region.above[self.place] else _REFUSED)]

    def point(self) -> None:
        return None


class _Fraction(NamedTuple):
    """Some point begins with the digits so far, `power` of them decimals."""

    region: _Region
    value: int
    power: int

    @property
    def verdict(self) -> bool:
        return self.region.verdict(self.value, self.power)

    def digits(self) -> _Runs:
        return [
            (digit, digit, self.region.fraction(self.value * 10 + digit, self.power + 1))
            for digit in range(10)
        ]

    def point(self) -> None:
        return None


_FREE, _REFUSED = _Decided(True), _Decided(False)
_Digits: TypeAlias = "_Start | _Zero | _Whole | _Settled | _Point | _Decided | _Exactly | _Fraction"
_Runs: TypeAlias = "list[tuple[int, int, _Digits]]"


def _settled(changes: tuple[tuple[int, bool], ...]) -> _Digits:
    return _REFUSED if len(changes) == 1 and not changes[0][1] else _Settled(changes)


def _after_point(inner: _Digits) -> _Digits | None:
    return None if inner is _REFUSED else _Point(inner)


class _Modulus:
    """Being a multiple of `modulus` / 10 ** `power`, or not being one.

    A state is (decimals read, remainder), the former -1 before the point; None: no digits to come make it a
    multiple.
    """

    def __init__(self, quotient: Fraction, wanted: bool) -> None:
        self.wanted = wanted
        self.power = decimals(quotient)
        self.modulus = int(quotient * 10**self.power)
        self.coprime, self.tail = coprime_part(self.modulus)
        self.reduced = self.modulus // gcd(self.modulus, 10)
        self.zeros_only = self.modulus == 10**self.tail  # all digits but 0 are alike

    def digit(self, state: _Remainder, digit: int) -> _Remainder:
        if state is None:
            return None
        read, remainder = state
        if read == self.power:
            return state if digit == 0 and remainder == 0 else None
        remainder = (remainder * 10 + digit) % self.modulus
        if read < 0:
            return -1, remainder
        return None if read + 1 == self.power and remainder else (read + 1, remainder)

    def point(self, state: _Remainder) -> _Remainder:
        return None if state is None or (self.power == 0 and state[1]) else (0, state[1])

    def verdict(self, state: _Remainder) -> bool:
        if state is None:
            return not self.wanted
        return (state[1] * 10 ** (self.power - max(state[0], 0)) % self.modulus == 0) == self.wanted

    def residual(self, state: _Remainder) -> object:
        """Equal for states that no further text tells apart."""
        if state is None or state[0] == self.power:
            return state
        read, remainder = state
        if self.power:
            return read, self.verdict(state), remainder % self.reduced
        if self.zeros_only:
            zeros = 0
            while zeros < self.tail and remainder % 10 == 0:
                remainder, zeros = remainder // 10, zeros + 1
            return zeros
        classes = [remainder % self.coprime]
        shift = 1
        for _ in range(self.tail):  # the only digits that lead to a multiple, for each small number of digits
            missing = -remainder * shift % self.modulus
            classes.append(missing if missing < shift else -1)
            shift *= 10
        return tuple(classes)


_Remainder: TypeAlias = "tuple[int, int] | None"


def coprime_part(number: int) -> tuple[int, int]:
    """`number` without its factors 2 and 5, and the least n such that the rest divides 10 ** n."""
    twos = (number & -number).bit_length() - 1
    number >>= twos
    fives = 0
    while number % 5 == 0:
        number, fives = number // 5, fives + 1
    return number, max(twos, fives)


@lru_cache(maxsize=4096)
def decimal_automaton(
    positive: Magnitudes,
    negative: Magnitudes,
    multiple: Fraction | None = None,
    non_multiples: tuple[Fraction, ...] = (),
    digits_only: bool = False,
) -> Expression:
    """JSON numbers without exponent: in `positive`, or after a minus sign in `negative`; EMPTY if there is
    none.

    multiple: the number has to be a multiple of it. non_multiples: and of none of these. digits_only: no
    decimal point. Where the remainders are many, the states are made when met (`multiples.py`). Raises
    LimitExceededError for more than MOST_STATES states, or divisors too large for that too.
    """
    moduli = [] if multiple is None or (digits_only and multiple == 1) else [_Modulus(multiple, True)]
    moduli += [_Modulus(quotient, False) for quotient in non_multiples]
    if prod(modulus.coprime for modulus in moduli) > _MOST_REMAINDERS:
        return _unwritten(positive, negative, moduli, digits_only)
    builder = _Builder(moduli, digits_only)
    region = _Region(positive)
    opposite = region if negative == positive else _Region(negative)
    remainders = ((-1, 0),) * len(moduli)
    builder.state("sign", _Start(region), remainders)
    if negative:
        builder.edges.append((0, _MINUS, builder.state("digits", _Start(opposite), remainders)))
    try:
        return builder.build()
    except _TooManyRemaindersError:
        return _unwritten(positive, negative, moduli, digits_only)


def _unwritten(
    positive: Magnitudes, negative: Magnitudes, moduli: Sequence[_Modulus], digits_only: bool
) -> Expression:
    """The automaton of the bounds, with the remainders counted while it reads."""
    power = max(modulus.power for modulus in moduli)
    divisors = [modulus.modulus * 10 ** (power - modulus.power) for modulus in moduli]
    wanted = [divisor for divisor, modulus in zip(divisors, moduli, strict=True) if modulus.wanted]
    unwanted = [divisor for divisor, modulus in zip(divisors, moduli, strict=True) if not modulus.wanted]
    base = decimal_automaton(positive, negative, None, (), digits_only)
    return multiples(base, wanted[0] if wanted else 0, unwanted, power)


class _TooManyRemaindersError(Exception):
    """Stops the building of an automaton."""


class _Builder:
    """The product of digit states and remainders, breadth first; equal residual languages share a state."""

    def __init__(self, moduli: Sequence[_Modulus], digits_only: bool) -> None:
        self.moduli = moduli
        self.digits_only = digits_only
        # Powers of ten are about where the zeros are: written down in any case.
        self.zeros_only = all(modulus.zeros_only for modulus in moduli)
        self.most_written = MOST_STATES if self.zeros_only else _MOST_WRITTEN
        self.numbers: dict[tuple[object, ...], int] = {}
        self.states: list[tuple[_Digits, tuple[_Remainder, ...]]] = []
        self.edges: list[tuple[int, int, int]] = []
        self.accepting: list[int] = []

    def state(self, kind: str, digits: _Digits, remainders: tuple[_Remainder, ...]) -> int:
        classes = tuple(map(_Modulus.residual, self.moduli, remainders)) if remainders else ()
        key = (kind, type(digits), digits, classes)
        number = self.numbers.setdefault(key, len(self.states))
        if number == len(self.states):
            if self.moduli and number >= self.most_written:
                raise _TooManyRemaindersError
            if number >= MOST_STATES:
                raise LimitExceededError(
                    "the states of numbers",
                    given=f"more than {number}",
                    limit=MOST_STATES,
                    advice="list fewer numbers",
                )
            self.states.append((digits, remainders))
        return number

    def build(self) -> Expression:
        number = 0
        while number < len(self.states):  # `expand` appends to them
            self.expand(number, *self.states[number])
            number += 1
        return self.trimmed()

    def expand(self, number: int, digits: _Digits, remainders: tuple[_Remainder, ...]) -> None:
        if digits.verdict and all(map(_Modulus.verdict, self.moduli, remainders)):
            self.accepting.append(number)
        targets: dict[int, int] = {}
        for first, last, after in digits.digits():
            if after is _REFUSED:
                continue
            if not self.moduli:
                target = self.state("digits", after, ())
                targets[target] = targets.get(target, 0) | _DIGIT_RUNS[first][last]
                continue
            for digit, until in self.runs(first, last):
                stepped = tuple(
                    [m.digit(rest, digit) for m, rest in zip(self.moduli, remainders, strict=True)]
                )
                if not self.hopeless(stepped):
                    target = self.state("digits", after, stepped)
                    targets[target] = targets.get(target, 0) | _DIGIT_RUNS[digit][until]
        after_point = None if self.digits_only else digits.point()
        if after_point is not None:
            stepped = tuple(map(_Modulus.point, self.moduli, remainders))
            if not self.hopeless(stepped):
                targets[self.state("digits", after_point, stepped)] = _POINT
        self.edges += [(number, members, target) for target, members in targets.items()]

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The digits from `first` to `last` in runs that no modulus tells apart."""
        if not self.zeros_only:
            return [(digit, digit) for digit in range(first, last + 1)]
        zero = [(0, 0)] if first == 0 else []
        return zero if last == 0 else [*zero, (max(first, 1), last)]

    def hopeless(self, remainders: tuple[_Remainder, ...]) -> bool:
        return None in remainders and any(
            modulus.wanted and rest is None for modulus, rest in zip(self.moduli, remainders, strict=True)
        )

    def trimmed(self) -> Expression:
        """Only the states that reach an accepting one, numbered anew."""
        before: dict[int, list[int]] = {}
        for source, _, target in self.edges:
            before.setdefault(target, []).append(source)
        alive, pending = set(self.accepting), list(self.accepting)
        while pending:
            for source in before.get(pending.pop(), ()):
                if source not in alive:
                    alive.add(source)
                    pending.append(source)
        if 0 not in alive:
            return EMPTY
        number = {state: new for new, state in enumerate(sorted(alive))}
        edges = [
            (number[a], members, number[b]) for a, members, b in self.edges if a in number and b in number
        ]
        return automaton(len(number), edges, [number[state] for state in self.accepting])
