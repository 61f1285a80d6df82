"""Numbers of JSON in Python: digits in, an int, a float, or a Decimal where these would lose too much."""

from __future__ import annotations

import math
from decimal import Decimal


def read_integer(digits: str) -> int | Decimal:
    """An int; a Decimal where Python refuses to read as many digits."""
    return int(digits) if len(digits) < 4000 else Decimal(digits)


def read_fraction(digits: str) -> float | Decimal:
    """A float; a Decimal where that would be infinite, or zero for what is not zero."""
    number = float(digits)
    if math.isfinite(number) and (number or not digits.lower().partition("e")[0].strip("-0.")):
        return number
    try:
        return Decimal(digits)
    except ArithmeticError:  # an exponent of more than 18 digits
        return number
