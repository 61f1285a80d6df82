"""Numbers against exact arithmetic: every short text, and random decimals near the points of a constraint."""

from __future__ import annotations

import itertools
import json
import random
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.errors import LimitExceededError
from tokentrellis.grammars.expressions import AUTOMATON, EMPTY, Expression
from tokentrellis.grammars.json_schema.numbers import (
    FINITE_NUMBER,
    INTEGER,
    NUMBER,
    STANDARD_EXPONENT,
    number_language,
    number_values,
)

from .simulator import Simulator

JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
SCIENTIFIC = re.compile(r"-?[1-9](\.[0-9]+)?[eE][+-]?[0-9]+", re.ASCII)


def satisfies(value: Fraction, constraint: dict) -> bool:
    """The meaning of the arguments of `number_language`, literally."""
    lower, upper = constraint.get("lower"), constraint.get("upper")
    if lower is not None and (value < lower or (constraint.get("lower_open") and value == lower)):
        return False
    if upper is not None and (value > upper or (constraint.get("upper_open") and value == upper)):
        return False
    if any((value / quotient).denominator != 1 for quotient in constraint.get("multiples", ())):
        return False
    if any((value / quotient).denominator == 1 for quotient in constraint.get("non_multiples", ())):
        return False
    if constraint.get("integer") is not None and (value.denominator == 1) != constraint["integer"]:
        return False
    return value not in constraint.get("excluded", ())


def must_be_accepted(text: str, constraint: dict) -> bool:
    """Whether the spelling of this number, whose value is right, is one that the module promises."""
    exponent = "e" in text.lower()
    if constraint.get("integer") and constraint.get("numbers") != "standard":
        return not exponent and "." not in text
    if not exponent:
        return True
    if constraint.get("numbers") != "standard":
        power = int(text.lower().partition("e")[2])
        if not -324 <= power <= (307 if SCIENTIFIC.fullmatch(text) else 99):
            return False
    if constraint.get("numbers") == "standard" and (
        Fraction(text.lower().partition("e")[0]) == 0
        or abs(int(text.lower().partition("e")[2])) <= STANDARD_EXPONENT
    ):
        return True
    narrowed = (
        constraint.get("multiples")
        or constraint.get("non_multiples")
        or constraint.get("integer") is not None
    )
    signs_only = not any(constraint.get(name) for name in ("lower", "upper", "excluded"))
    if not narrowed:
        return signs_only or SCIENTIFIC.fullmatch(text) is not None
    return False


CONSTRAINTS: list[dict] = [
    {},
    {"lower": Fraction(0)},
    {"lower": Fraction(0), "lower_open": True},
    {"upper": Fraction(0)},
    {"upper": Fraction(0), "upper_open": True},
    {"lower": Fraction(0), "upper": Fraction(0)},
    {"lower": Fraction(0), "upper": Fraction(1)},
    {"lower": Fraction(0), "upper": Fraction(100), "upper_open": True},
    {"lower": Fraction(-180), "upper": Fraction(180)},
    {"lower": Fraction(1), "upper": Fraction(435), "integer": True},
    {"lower": Fraction(-1, 4), "upper": Fraction("10.45"), "lower_open": True},
    {"lower": Fraction("-34.5"), "upper": Fraction(-3)},
    {"lower": Fraction("0.05"), "upper": Fraction("0.35")},
    {"lower": Fraction("0.05"), "upper": Fraction("0.3"), "integer": True},
    {"lower": Fraction("0.5"), "integer": True, "numbers": "standard"},
    {"integer": True, "numbers": "standard"},
    {"integer": True, "lower": Fraction(-5), "upper": Fraction(144), "numbers": "standard"},
    {"lower": Fraction("0.4"), "upper": Fraction(144), "numbers": "standard"},
    {"integer": False},
    {"integer": False, "lower": Fraction(3)},
    {"multiples": [Fraction("0.01")]},
    {"multiples": [Fraction("0.1")], "lower": Fraction(-3), "upper": Fraction("3.45")},
    {"multiples": [Fraction(3)], "integer": True},
    {"multiples": [Fraction(3)], "integer": True, "lower": Fraction(10), "upper": Fraction(545)},
    {"multiples": [Fraction(12), Fraction(5, 2)]},
    {"multiples": [Fraction(40)], "integer": True},
    {"multiples": [Fraction(1, 4)], "non_multiples": [Fraction(1, 2)]},
    {"multiples": [Fraction(3, 20)], "numbers": "standard"},
    {"non_multiples": [Fraction(1, 5), Fraction(3)]},
    {"non_multiples": [Fraction(40)], "upper": Fraction(400)},
    {"multiples": [Fraction(2)], "non_multiples": [Fraction(3)], "integer": True},
    {"excluded": [Fraction(0), Fraction(5), Fraction(-1, 4), Fraction(30)]},
    {"excluded": [Fraction(4), Fraction(5)], "integer": True, "lower": Fraction(3), "upper": Fraction(13)},
    {"excluded": [Fraction(1)], "lower": Fraction(1), "upper": Fraction(2)},
    {"multiples": [Fraction(5)], "excluded": [Fraction(10), Fraction(45)], "lower": Fraction(-5)},
]


def check(simulator: Simulator, text: str, constraint: dict) -> bool:
    accepted = simulator.matches(text.encode())
    if JSON_NUMBER.fullmatch(text) is None or not satisfies(Fraction(text), constraint):
        assert not accepted, f"{text} accepted for {constraint}"
    elif must_be_accepted(text, constraint):
        assert accepted, f"{text} refused for {constraint}"
    return accepted


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)
def test_short_texts(constraint: dict) -> None:
    language = number_language(**constraint)
    simulator = Simulator(language)
    random_choice = random.Random(1)
    texts = ["".join(t) for length in range(4) for t in itertools.product("-01345.eE+", repeat=length)]
    for _ in range(1000):
        texts.append("".join(random_choice.choices("-0123459.e+", [3, 5, 3, 2, 2, 2, 2, 1, 5, 2, 1], k=6)))
    texts += [f"{a}{b}" for a in ("", "-") for b in random_decimals(random_choice, constraint, 400)]
    accepted = sum(check(simulator, text, constraint) for text in texts)
    assert (accepted == 0) == (language is EMPTY)


ZEROS = ("0", "-0", "0.00", "0e5", "0.0E-17", "-0e+99", "0.000e999", "0e123456789012345678901234567890")
LARGE_MULTIPLES: list[dict] = [
    {"multiples": [Fraction(quotient) for quotient in (7, 11, 13, 17)]},
    {"multiples": [Fraction(12345678)], "upper": Fraction(5)},
    {"multiples": [Fraction("0.123456789")], "integer": True},
    {"upper": Fraction(10**999)},
]


@pytest.mark.parametrize("constraint", [*CONSTRAINTS, *LARGE_MULTIPLES], ids=str)
def test_zero_has_every_spelling_of_the_standard(constraint: dict) -> None:
    language = number_language(**{**constraint, "numbers": "standard"})
    accepted = [matches(language, text.encode()) for text in ZEROS]
    assert accepted == [satisfies(Fraction(0), constraint)] * len(ZEROS)
    no_numbers = ("00", "0.", "0e", "0.0e+", "0e1.0", "-", "+0", "0e0e0")
    assert not any(matches(language, text.encode()) for text in no_numbers)


def random_decimals(choice: random.Random, constraint: dict, count: int) -> list[str]:
    """Spellings of numbers near the bounds, of multiples, and anywhere; with and without exponents."""
    near = [
        abs(v)
        for v in [constraint.get("lower"), constraint.get("upper"), *constraint.get("excluded", ())]
        if v
    ]
    result = []
    for _ in range(count):
        value = (
            choice.choice(near) if near and choice.random() < 0.6 else Fraction(choice.randrange(10**4), 100)
        )
        if constraint.get("multiples") and choice.random() < 0.6:
            value = constraint["multiples"][0] * choice.randrange(200)
        value = abs(value + choice.choice([0, 0, 0, 1, -1]) * Fraction(1, 10 ** choice.randrange(5)))
        exponent = choice.choice([None, None, 0, 1, 2, 5, 18, 25, -1, -2, -3, -19, -22])
        result.append(spell(value, exponent) + "0" * choice.choice([0, 0, 1, 3]) * (exponent is None))
        order = next(n for n in range(-9, 99) if value < Fraction(10) ** (n + 1)) if value else 0
        result.append(spell(value, order + choice.choice([0, 0, 0, 1, -1])))
    return result


def spell(value: Fraction, exponent: int | None = None) -> str:
    mantissa = value / Fraction(10) ** (exponent or 0)
    power = next(n for n in range(60) if (mantissa * 10**n).denominator == 1)
    digits = str(int(mantissa * 10**power)).rjust(power + 1, "0")
    text = f"{digits[:-power]}.{digits[-power:]}" if power else digits
    return text if exponent is None else f"{text}e{exponent:+03d}"


points = st.fractions(min_value=-2000, max_value=2000).map(
    lambda v: Fraction(round(v * 100), 100)
) | st.integers(-30, 2000).map(Fraction)
quotients = st.sampled_from(
    [
        Fraction(text)
        for text in [
            "0.01",
            "0.02",
            "0.1",
            "0.25",
            "0.5",
            "1.5",
            "1",
            "2",
            "3",
            "4",
            "6",
            "7",
            "10",
            "12",
            "20",
        ]
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    lower=st.none() | points,
    upper=st.none() | points,
    lower_open=st.booleans(),
    upper_open=st.booleans(),
    multiples=st.lists(quotients, max_size=2),
    non_multiples=st.lists(quotients, max_size=2),
    integer=st.sampled_from([None, None, True, False]),
    excluded=st.lists(points, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_random_constraints(seed: int, **constraint: object) -> None:
    language = number_language(**constraint)  # type: ignore[arg-type]
    simulator = Simulator(language)
    choice = random.Random(seed)
    accepted = 0
    for text in random_decimals(choice, constraint, 60):
        accepted += check(simulator, choice.choice(["", "-"]) + text, constraint)
    if language is EMPTY:
        assert accepted == 0
    else:
        for _ in range(10):
            text = simulator.sample(choice)
            assert satisfies(Fraction(text.decode()), constraint), (text, constraint)


def has_solution(constraint: dict) -> bool:
    """Whether a multiple of the least step lies in closed bounds (all that the next test asks)."""
    step = Fraction(1, 100)
    first = -(-constraint["lower"] // step)
    last = constraint["upper"] // step
    return any(satisfies(step * n, constraint) for n in range(int(first), int(last) + 1))


@settings(max_examples=100, deadline=None)
@given(
    lower=st.integers(-300, 300),
    width=st.integers(0, 200),
    multiples=st.lists(quotients, min_size=1, max_size=2),
    non_multiples=st.lists(quotients, max_size=2),
)
def test_empty_exactly_when_no_number_qualifies(
    lower: int, width: int, multiples: list, non_multiples: list
) -> None:
    constraint = {
        "lower": Fraction(lower, 100),
        "upper": Fraction(lower + width, 100),
        "multiples": multiples,
        "non_multiples": non_multiples,
    }
    assert (number_language(**constraint) is EMPTY) == (not has_solution(constraint))


@pytest.mark.parametrize(
    ("constraint", "texts"),
    [
        ({"lower": Fraction(0)}, [1e-06, 1.5e20, 1e16, 0.0, 5e-324, 1.7976931348623157e308, 1]),
        ({"lower": Fraction(0), "upper": Fraction(1)}, [1e-06, 2.5e-300, 0.1, 1.0, 1, 0]),
        ({"lower": Fraction(-180), "upper": Fraction(180)}, [-1e-05, -180.0, 179.99999999999997]),
        ({"multiples": [Fraction("0.01")]}, [0.01, 19.99, 1e16, 1.2345678901234567e25, 7]),
        ({"excluded": [Fraction(10**20)]}, [1e19, 1.5e20, 1e21, 10**19]),
        ({"integer": False}, [0.5, 1e-07]),
        ({"integer": True}, [0, -7, 10**40]),
    ],
)
def test_what_python_writes(constraint: dict, texts: list) -> None:
    simulator = Simulator(number_language(**constraint))
    for value in texts:
        assert simulator.matches(json.dumps(value).encode()), value


def test_unconstrained() -> None:
    assert number_language() is FINITE_NUMBER
    assert number_language(integer=True) is INTEGER
    assert number_language(numbers="standard") is NUMBER


@pytest.mark.parametrize("constraint", [{}, {"lower": Fraction(0)}, {"lower": Fraction(1)}], ids=str)
def test_plain_exponents_are_those_of_doubles(constraint: dict) -> None:
    """Whatever has an exponent is read as a finite float; MaskBench has documents like these."""
    plain = Simulator(number_language(**constraint))
    for text in ("1e10", "1E+7", "2.5e307", "9.99999999999999999e+307", "1.0e00000099"):
        assert plain.matches(text.encode()), text
    for text in ("27E007343", "1e309", "1e999", "1.8e308", "1.79769313486231571e308", "12e308", "10e1000"):
        assert not plain.matches(text.encode()), text
    standard = Simulator(number_language(numbers="standard"))
    assert standard.matches(b"27E007343")
    if constraint.get("lower") != 1:
        for text in ("1E-7", "5e-324", "1.7976931348623157e308", "1.7e308", "1e308"):
            assert plain.matches(text.encode()), text
        assert not plain.matches(b"1e-400")
        choice = random.Random(7)
        for _ in range(200):
            assert abs(float(plain.sample(choice).decode())) < float("inf")


def test_nothing_is_hidden_behind_intersections() -> None:
    for constraint in CONSTRAINTS:
        assert number_language(**constraint).regular


def states(expression: Expression) -> int:
    return (
        expression.payload[0] if expression.kind == AUTOMATON else 1 + sum(map(states, expression.children))
    )  # type: ignore[index]


@pytest.mark.parametrize(
    ("constraint", "most"),
    [
        ({"integer": True, "lower": Fraction(0)}, 6),
        ({"integer": True, "lower": Fraction(0), "upper": Fraction(100)}, 10),
        ({"integer": True, "lower": Fraction(1), "upper": Fraction(65535)}, 15),
        ({"integer": True, "multiples": [Fraction(10)]}, 5),
        ({"integer": True, "multiples": [Fraction(10**30)]}, 40),
        ({"integer": True, "lower": Fraction(1), "upper": Fraction(10**308)}, 1000),
    ],
)
def test_few_states(constraint: dict, most: int) -> None:
    assert states(number_language(**constraint)) <= most


def test_values() -> None:
    values = [Fraction(0), Fraction(12), Fraction(-3, 4), Fraction(1, 10**7), Fraction(-(10**20))]
    plain = Simulator(number_values(values))
    for text in (
        "0",
        "-0",
        "12",
        "-0.75",
        "-0.7500",
        "-7.5e-1",
        "1e-07",
        "0.0000001",
        "1.00E-7",
        f"-{10**20}",
    ):
        assert plain.matches(text.encode()), text
    for text in ("12.0", "0.75", "", "-12", "1", "-1e20", "0e0", "-0.075", "-75e-2", "1e-070"):
        assert not plain.matches(text.encode()), text
    loose = Simulator(number_values(values, integers_plain=False))
    for text in ("0.0", "-0.0", "12.0", "12", "1.2e1", "-1e+20", "1e-7"):
        assert loose.matches(text.encode()), text
    standard = Simulator(number_values(values, numbers="standard"))
    for text in ("120e-1", "0.0012e4", "12.0", "-1e20", "-75e-2", "-10000e16"):
        assert standard.matches(text.encode()), text
    assert not standard.matches(b"12e1")
    assert number_values([]) is EMPTY


@settings(max_examples=30, deadline=None)
@given(values=st.lists(points, min_size=1, max_size=4), seed=st.integers(0, 2**32))
def test_sampled_spellings_of_values(values: list[Fraction], seed: int) -> None:
    choice = random.Random(seed)
    for options in ({}, {"integers_plain": False}, {"numbers": "standard"}):
        simulator = Simulator(number_values(values, **options))  # type: ignore[arg-type]
        for _ in range(5):
            assert Fraction(simulator.sample(choice).decode()) in values
        for value in values:
            assert simulator.matches((("-" if value < 0 else "") + spell(abs(value))).encode())


def test_limits() -> None:
    with pytest.raises(LimitExceededError, match="digits"):
        number_language(upper=Fraction(10**100_000))
    with pytest.raises(LimitExceededError, match="digits"):
        number_language(multiples=[Fraction(1, 3)])
    with pytest.raises(LimitExceededError, match="digits"):
        number_values([Fraction(10**5_000)])
    with pytest.raises(LimitExceededError, match="multipleOf"):
        number_language(multiples=[Fraction(10**40 + 1)], integer=True)
    assert number_language(multiples=[Fraction(10**9)], integer=True) is not EMPTY
