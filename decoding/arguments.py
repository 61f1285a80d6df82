"""Arguments of the public functions: what a caller passed in, a checked value or an error of our family out.

The errors are TypeErrors and ValueErrors too, as Python programmers expect. Nothing here is called in a loop
over tokens.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

from .errors import ArgumentTypeError, ArgumentValueError


def checked_integer(
    name: str, value: Any, *, least: int | None = None, most: int | None = None, advice: str = ""
) -> int:
    """A plain int within bounds; numpy integers are welcome, Booleans are not.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is no integer, or out of bounds.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be an integer", got=value, advice=advice)
    demands = [f"at least {least}"] if least is not None and number < least else []
    demands += [f"at most {most}"] if most is not None and number > most else []
    if demands:
        raise ArgumentValueError(f"{name} must be {demands[0]}", got=value, advice=advice)
    return number


def checked_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float = -math.inf,
    most: float = math.inf,
) -> float:
    """A finite float that is greater than `above`, at least `least` and at most `most`.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is no number, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentTypeError(f"{name} must be a number", got=value)
    number = float(value)
    if number == math.inf:
        raise ArgumentValueError(f"{name} must be finite", got=value)
    if not least <= number <= most or (above is not None and not number > above):
        demands = [f"greater than {above:g}" if above is not None else f"at least {least:g}"]
        demands += [] if most == math.inf else [f"at most {most:g}"]
        raise ArgumentValueError(f"{name} must be {' and '.join(demands)}", got=value)
    return number


def checked_instance(
    name: str, value: Any, kind: type | tuple[type, ...], what: str, advice: str = ""
) -> None:
    """Raise ArgumentTypeError unless `value` is of this kind, `what` in words."""
    if not isinstance(value, kind):
        raise ArgumentTypeError(f"{name} must be {what}", got=value, advice=advice)


def checked_choice(name: str, value: Any, known: Sequence[str], *, also: str = "") -> str:
    """One of a few words. also: what else the message says is welcome.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is no text, or none of these.
    """
    if isinstance(value, str) and value in known:
        return value
    kind = ArgumentValueError if isinstance(value, str) else ArgumentTypeError
    raise kind(f"{name} must be {' or '.join(map(repr, known))}{also}", got=value)


def checked_list(
    name: str, value: Any, kind: type | tuple[type, ...], what: str, advice: str = ""
) -> list[Any]:
    """A list of the members of a sequence (not a text) that are all of this kind.

    Raises:
        ArgumentTypeError: it is something else.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ArgumentTypeError(f"{name} must be a list, each member {what}", got=value, advice=advice)
    for index, member in enumerate(value):
        if not isinstance(member, kind):
            raise ArgumentTypeError(f"{name}[{index}] must be {what}", got=member, advice=advice)
    return list(value)
