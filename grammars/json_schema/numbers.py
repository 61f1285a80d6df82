"""JSON numbers as regular languages: bounds, multiples, excluded and enumerated values, in exact decimals.

In come what a schema demands of a number (`Fraction`s, read from the text, never floats), out comes an
`Expression` over the bytes of the number, without white space, EMPTY where no number qualifies. A number
without exponent is read by one deterministic automaton (`decimal_automaton.py`). Which numbers *with* an
exponent meet a bound is not a regular language (it compares the length of the mantissa with the value of the
exponent), so there the spelling is narrowed, never the value:

- without bounds other than 0, without multiples and exclusions: every mantissa;
- else scientific notation, one digit other than 0 before the point, as Python, JavaScript, C and Java write
  it: `1e-06`, `1.5e+20`. The exponents that fit are intervals, which depend only on how the mantissa compares
  with the digits of the bounds. Multiples are written so from 1e16 on, where 17 digits (what tells any two
  floats apart) leave none after the point, and non-multiples below the least positive multiple;
- `numbers="standard"` adds 0 with every exponent, and every mantissa with exponents from -16 to 16, as scaled
  automata; fewer where these automata are large, from -1 to 1 for multiples of a large number (whose
  remainders are not written down, `multiples.py`).

Unless `numbers` is "standard", an integer is plain digits (`-0` too, where 0 is allowed), and an exponent is
from -324 to 99, up to 307 in scientific notation, and 308 as far as doubles go where there is no bound but 0:
Python and JavaScript read 1e999 as infinity. How many digits stand before the point is not limited.

Building takes about 0.1 ms for common constraints (1 ms with bounds, exponents and a new digit pattern) and
is memoised.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Literal, TypeAlias

from ..expressions import (
    AUTOMATON,
    EMPTY,
    MULTIPLES,
    UNLIMITED,
    Expression,
    byte_class,
    byte_range,
    concatenate,
    literal,
    optional,
    repeat,
    union,
)
from .decimal_automaton import Magnitudes, coprime_part, decimal_automaton, decimals, magnitudes

Spelling = Literal["plain", "standard"]

STANDARD_EXPONENT = 16
"""The largest exponent, up and down, that `numbers="standard"` gives to every mantissa of a constrained
number, as long as the automata for them stay small (`_MOST_SCALED_STATES`); small exponents come first.
"""
_MOST_SCALED_STATES = 8_000
_FEW = 16  # values that are written down one by one

_DOUBLE_DIGITS = 17  # what tells any two floats of 64 bits apart

_digit, _nonzero = byte_range(0x30, 0x39), byte_range(0x31, 0x39)
_Intervals: TypeAlias = "tuple[tuple[int | None, int | None], ...]"
"""From, to (both included; None: no end), ascending."""

_zeros, _minus, _point, _e = repeat(literal("0")), literal("-"), literal("."), byte_class(b"eE")
_plus_or_minus = byte_class(b"+-")
_exponent = optional(concatenate(_e, optional(_plus_or_minus), repeat(_digit, 1)))
_LEAST_EXPONENT, _MOST_EXPONENT = -324, 307  # 5e-324 is the least positive double, 9.99e307 is finite
_MOST_ANYWHERE = 99  # however many digits stand before the point, short of two hundred
_fraction = optional(concatenate(_point, repeat(_digit, 1)))
_zero = concatenate(literal("0"), optional(concatenate(_point, repeat(literal("0"), 1))))
_positive = union(
    concatenate(_nonzero, repeat(_digit), _fraction),
    concatenate(literal("0."), _zeros, _nonzero, repeat(_digit)),
)
_unsigned = concatenate(union(literal("0"), concatenate(_nonzero, repeat(_digit))), _fraction)

_zeros_anyhow = concatenate(optional(_minus), _zero, _exponent)
"""The number 0, however it is spelled."""

NUMBER = concatenate(optional(_minus), _unsigned, _exponent)
"""Every JSON number (RFC 8259, section 6)."""

INTEGER = concatenate(optional(_minus), union(literal("0"), concatenate(_nonzero, repeat(_digit))))
"""Every JSON number without point and exponent."""


def number_language(
    *,
    lower: Fraction | None = None,
    lower_open: bool = False,
    upper: Fraction | None = None,
    upper_open: bool = False,
    multiples: Sequence[Fraction] = (),
    non_multiples: Sequence[Fraction] = (),
    integer: bool | None = None,
    excluded: Collection[Fraction] = (),
    numbers: Spelling = "plain",
    n_others: int = 0,
) -> Expression:
    """The spellings of the numbers from `lower` to `upper` (None: no bound; open: without the bound itself).

    multiples: each divides the number. non_multiples: none does. Both are positive. integer: True, the value
    is an integer; False, it is not. excluded: values that are not allowed. numbers: which spellings, see the
    module. n_others: languages beside this one in a union, which share the limit of what "standard" adds.
    Raises LimitExceededError for more than 1,000 digits in a value or too many states for the
    multiples.
    """
    divisors, non_divisors = set(multiples), set(non_multiples)
    if integer is not None:
        (divisors if integer else non_divisors).add(Fraction(1))
    multiple = _least_common_multiple(divisors) if divisors else None
    if any(multiple is not None and (multiple / quotient).denominator == 1 for quotient in non_divisors):
        return EMPTY
    # What is no multiple of 2 is none of 4 either.
    kept = [a for a in non_divisors if not any(a != b and (a / b).denominator == 1 for b in non_divisors)]
    scale = max([decimals(value) for value in (lower, upper, *excluded) if value is not None], default=0)
    low = None if lower is None else _scaled_up(lower, scale)
    high = None if upper is None else _scaled_up(upper, scale)
    points = frozenset([_scaled_up(value, scale) for value in excluded])
    return _number_language(
        _half(scale, low, lower_open, high, upper_open, points),
        _half(
            scale,
            None if high is None else -high,
            upper_open,
            None if low is None else -low,
            lower_open,
            frozenset([-point for point in points]),
        ),
        multiple,
        tuple(sorted(kept)),
        bool(integer),
        _MOST_SCALED_STATES // (n_others + 1) if numbers == "standard" else 0,
    )


def _scaled_up(value: Fraction, scale: int) -> int:
    return value.numerator * 10**scale // value.denominator


def number_values(
    values: Collection[Fraction], *, numbers: Spelling = "plain", integers_plain: bool = True
) -> Expression:
    """The spellings of finitely many values: decimal, with any number of zeros at the end, and scientific.

    integers_plain: an integer is spelled as digits only (has no effect where `numbers` is "standard").
    """
    standard = numbers == "standard"
    as_digits = [] if standard or not integers_plain else [v for v in values if v.denominator == 1]
    options = [_digits(value) for value in as_digits]
    others = frozenset(values).difference(as_digits)
    if len(others) <= _FEW:
        options += [_spellings(value, standard) for value in others]
    else:
        scale = max(map(decimals, others))
        points = frozenset([_scaled_up(value, scale) for value in others])
        opposite = frozenset([-point for point in points])
        halves = [
            magnitudes(scale, [point for point in side if point > 0], side.__contains__, lambda _: False)
            for side in (points, opposite)
        ]
        options.append(_number_language(*halves, None, (), False, _MOST_SCALED_STATES * standard))
    return union(*options)


@lru_cache(maxsize=4096)
def _spellings(value: Fraction, standard: bool) -> Expression:
    """What `number_values` allows for one value, written down at once."""
    if not value:
        return _zeros_anyhow if standard else concatenate(optional(_minus), _zero)
    scale = decimals(value)
    point = abs(_scaled_up(value, scale))
    options = [_decimal(point, scale)]
    exponents = {len(str(point)) - 1 - scale}  # scientific notation
    if standard:
        exponents.update(range(-STANDARD_EXPONENT, STANDARD_EXPONENT + 1))
    options += [concatenate(_decimal(point, scale + e), _exponents(e, e)) for e in sorted(exponents)]
    spelled = union(*options)
    return spelled if value > 0 else concatenate(_minus, spelled)


def _decimal(point: int, scale: int) -> Expression:
    """The number point * 10 ** -scale (from 0 up) without exponent, with any number of zeros at the end."""
    digits = str(point) + "0" * -scale
    whole, tail = (digits, "") if scale <= 0 else (digits[:-scale] or "0", digits[-scale:].rjust(scale, "0"))
    tail = tail.rstrip("0")
    if tail:
        return concatenate(literal(f"{whole}.{tail}"), _zeros)
    return concatenate(literal(whole), optional(concatenate(_point, repeat(literal("0"), 1))))


def _digits(value: Fraction) -> Expression:
    decimals(value)  # checks the size
    return literal(str(value.numerator)) if value else concatenate(optional(_minus), literal("0"))


def _half(
    scale: int,
    lower: int | None,
    lower_open: bool,
    upper: int | None,
    upper_open: bool,
    excluded: Collection[int],
) -> Magnitudes:
    """The numbers from 0 up that the bounds admit, except the excluded ones; all times 10 ** scale."""

    def above(point: int) -> bool:
        return (lower is None or point >= lower) and (upper is None or point < upper)

    def at(point: int) -> bool:
        return (
            (lower is None or point > lower or (point == lower and not lower_open))
            and (upper is None or point < upper or (point == upper and not upper_open))
            and point not in excluded
        )

    points = [point for point in (lower, upper, *excluded) if point is not None and point > 0]
    return magnitudes(scale, points, at, above)


def _least_common_multiple(values: Collection[Fraction]) -> Fraction:
    return Fraction(lcm(*[v.numerator for v in values]), gcd(*[v.denominator for v in values]))


@lru_cache(maxsize=4096)
def _number_language(
    positive: Magnitudes,
    negative: Magnitudes,
    multiple: Fraction | None,
    non_multiples: tuple[Fraction, ...],
    integer: bool,
    most_scaled: int,
) -> Expression:
    """most_scaled: about how many states the automata for other mantissas may have; 0: only the plain
    spellings."""
    if integer and not most_scaled:
        if multiple == 1 and not non_multiples and positive == negative == _EVERYTHING:
            return INTEGER
        return decimal_automaton(positive, negative, multiple, non_multiples, True)
    if multiple is None and not non_multiples and len(positive.points) == len(negative.points) == 1:
        return _sign_language(positive, negative, not most_scaled)
    options = [decimal_automaton(positive, negative, multiple, non_multiples)]
    if positive == negative:
        options.append(
            concatenate(optional(_minus), _scientific(positive, multiple, non_multiples, not most_scaled))
        )
    else:
        options.append(_scientific(positive, multiple, non_multiples, not most_scaled))
        options.append(concatenate(_minus, _scientific(negative, multiple, non_multiples, not most_scaled)))
    if most_scaled:
        if positive.at[0] and not non_multiples:
            options.append(_zeros_anyhow)
        n_states = 0
        for exponent in sorted(range(-STANDARD_EXPONENT, STANDARD_EXPONENT + 1), key=abs):
            mantissa = _scaled(positive, negative, multiple, non_multiples, exponent)
            options.append(concatenate(mantissa, _exponents(exponent, exponent)))
            if mantissa.kind == AUTOMATON:
                n_states += mantissa.payload[0]  # type: ignore[index]
            elif mantissa.kind == MULTIPLES:  # read side by side, a thousand remainders in a step
                n_states += _MOST_SCALED_STATES // 3
            if n_states > most_scaled:
                break
    return union(*options)


_EVERYTHING = Magnitudes(0, (0,), (True,), (True,))


def _sign_language(positive: Magnitudes, negative: Magnitudes, finite: bool) -> Expression:
    """The spellings where the sign alone decides."""
    if positive == negative == _EVERYTHING:
        return FINITE_NUMBER if finite else NUMBER
    positives = _finite(_positive, True) if finite else concatenate(_positive, _exponent)
    zeros = _finite(_zero, False) if finite else concatenate(_zero, _exponent)
    options = [
        positives if positive.above[0] else EMPTY,
        concatenate(_minus, positives) if negative.above[0] else EMPTY,
        concatenate(optional(_minus), zeros) if positive.at[0] else EMPTY,
    ]
    return union(*options)


@lru_cache
def _finite(mantissa: Expression, scientific: bool) -> Expression:
    """Mantissas with exponents for which a double has room; scientific: they contain all from 1 to 10."""
    options = [concatenate(mantissa, optional(_exponents(_LEAST_EXPONENT, _MOST_ANYWHERE)))]
    if scientific:
        options.append(
            concatenate(_nonzero, _fraction, _exponents(_MOST_ANYWHERE + 1, _MOST_EXPONENT)),
        )
        largest = [10**16, 17976931348623157]  # 1.7976931348623157e308 is the largest double
        below = magnitudes(16, largest, lambda point: point in largest, lambda point: point == largest[0])
        options.append(
            concatenate(
                decimal_automaton(below, _NOTHING), _exponents(_MOST_EXPONENT + 1, _MOST_EXPONENT + 1)
            )
        )
    return union(*options)


def _scaled(
    positive: Magnitudes,
    negative: Magnitudes,
    multiple: Fraction | None,
    non_multiples: tuple[Fraction, ...],
    exponent: int,
) -> Expression:
    """The mantissas of all spellings with this exponent: decimal numbers that meet the constraint divided by
    10 ** exponent.
    """
    unit = Fraction(10) ** exponent
    return decimal_automaton(
        _shifted(positive, exponent),
        _shifted(negative, exponent),
        multiple / unit if multiple else None,
        tuple([quotient / unit for quotient in non_multiples]),
    )


def _shifted(numbers: Magnitudes, exponent: int) -> Magnitudes:
    """The set divided by 10 ** exponent."""
    scale = numbers.scale + exponent
    points = numbers.points if scale >= 0 else tuple([point * 10**-scale for point in numbers.points])
    return numbers._replace(scale=max(scale, 0), points=points)


@lru_cache(maxsize=4096)
def _scientific(
    numbers: Magnitudes, multiple: Fraction | None, non_multiples: tuple[Fraction, ...], finite: bool
) -> Expression:
    """The positive numbers of the set in scientific notation, as far as multiples allow it.

    finite: with exponents from -324 to 307 only.
    """
    least, most = (_LEAST_EXPONENT, _MOST_EXPONENT) if finite else (None, None)
    mantissa_step = None
    if multiple is not None:
        coprime, tail = coprime_part(int(multiple * 10 ** decimals(multiple)))
        if coprime != 1 or non_multiples:
            return EMPTY
        least = _DOUBLE_DIGITS - 1 + tail - decimals(multiple)
        mantissa_step = Fraction(1, 10 ** (_DOUBLE_DIGITS - 1))
    elif non_multiples:
        below = _magnitude_order(min(non_multiples)) - 1
        most = below if most is None else min(below, most)
    # Mantissas with the same exponents: between (or at) the mantissas of the points, ascending from 1 to 10.
    digits = [str(point) for point in numbers.points[1:]]
    width = max(map(len, digits), default=1)
    orders = [len(text) - 1 - numbers.scale for text in digits]
    mantissas = [int(text.ljust(width, "0")) for text in digits]  # times 10 ** (width - 1)
    starts = sorted({10 ** (width - 1), *mantissas})
    groups: dict[_Intervals, set[tuple[int, bool]]] = {}
    for start in starts:
        for exactly in (True, False):
            chosen = _fitting_exponents(numbers, orders, mantissas, start, exactly, least, most)
            if chosen:
                groups.setdefault(chosen, set()).add((start, exactly))
    options = []
    for chosen, parts in groups.items():
        inside = magnitudes(
            width - 1,
            [*starts, 10**width],
            lambda point, parts=parts: (point, True) in parts,  # type: ignore[misc]
            lambda point, parts=parts: (point, False) in parts,  # type: ignore[misc]
        )
        mantissa = _mantissa(inside, mantissa_step)
        options.append(concatenate(mantissa, union(*[_exponents(*interval) for interval in chosen])))
    return union(*options)


def _mantissa(inside: Magnitudes, step: Fraction | None) -> Expression:
    """The decimal numbers of the set, which lies between 1 and 10."""
    unit = 10**inside.scale
    if inside == (inside.scale, (0, unit, 10 * unit), (False, True, False), (False, True, False)):  # all
        decimal_places = repeat(_digit, 1, UNLIMITED if step is None else decimals(step))
        return concatenate(_nonzero, optional(concatenate(_point, decimal_places)))
    return decimal_automaton(inside, _NOTHING, step)


_NOTHING = Magnitudes(0, (0,), (False,), (False,))


def _magnitude_order(value: Fraction) -> int:
    """The exponent of `value` in scientific notation."""
    order = len(str(value.numerator)) - len(str(value.denominator))
    return order if value >= Fraction(10) ** order else order - 1


def _fitting_exponents(
    numbers: Magnitudes,
    orders: Sequence[int],
    mantissas: Sequence[int],
    mantissa: int,
    exactly: bool,
    least: int | None,
    most: int | None,
) -> _Intervals:
    """The exponents from `least` to `most` for a mantissa that equals `mantissa` or is slightly above it.

    orders, mantissas: the points in scientific notation, all mantissas times the same power of 10.
    """
    points = list(zip(orders, mantissas, strict=True))

    def verdict(exponent: int) -> bool:
        index = bisect_right(points, (exponent, mantissa))
        at_point = exactly and index and points[index - 1] == (exponent, mantissa)
        return numbers.at[index] if at_point else numbers.above[index]

    changes = sorted({order + step for order in orders for step in (0, 1)})
    intervals: list[tuple[int | None, int | None]] = []
    for first, after in zip([None, *changes], [*changes, None], strict=True):
        probe = first if first is not None else after - 1 if after is not None else 0
        last = None if after is None else after - 1
        first = least if first is None or (least is not None and first < least) else first
        last = most if last is None or (most is not None and last > most) else last
        if not verdict(probe) or (first is not None and last is not None and first > last):
            continue
        if intervals and first is not None and intervals[-1][1] == first - 1:
            first = intervals.pop()[0]
        intervals.append((first, last))
    return tuple(intervals)


@lru_cache(maxsize=4096)
def _exponents(first: int | None, last: int | None) -> Expression:
    """The exponents from `first` to `last` (None: no end), `e` included; leading zeros are allowed."""
    options = []
    if (first is None or first <= 0) and (last is None or last >= 0):
        options.append(concatenate(optional(_plus_or_minus), repeat(literal("0"), 1)))
    upwards = _natural_numbers(first, last)
    options.append(concatenate(optional(literal("+")), _zeros, upwards))
    downwards = _natural_numbers(None if last is None else -last, None if first is None else -first)
    options.append(concatenate(_minus, _zeros, downwards))
    return concatenate(_e, union(*options))


def _natural_numbers(first: int | None, last: int | None) -> Expression:
    """The digits, without leading zeros, of the integers from `first` (at least 1) to `last`."""
    first = max(first or 1, 1)
    if last is None and first == 1:
        return concatenate(_nonzero, repeat(_digit))
    if last is not None and last < first:
        return EMPTY
    if last is not None and last < 10:
        return byte_range(0x30 + first, 0x30 + last)
    inside = magnitudes(
        0,
        [first] if last is None else [first, last],
        lambda point: point >= first and (last is None or point <= last),
        lambda point: point >= first and (last is None or point < last),
    )
    return decimal_automaton(inside, _NOTHING, None, (), True)


FINITE_NUMBER = concatenate(optional(_minus), _finite(_unsigned, True))
"""Every JSON number, but with exponents only for which a double has room."""
