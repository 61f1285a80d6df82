"""The root of the error family, and what can be wrong with a grammar before any token is seen.

Every error that this package raises for bad input derives from `ConstraintError`. What is known about the
failure stands in fields (`location`, `got`, `limit` ...), so that a program can act on it; the text is
composed from the fields when it is asked for, always in the order *where: what, got what; what to do*:

    /properties/age/multipleOf: must be greater than 0, got -2
    line 4, column 9: rule 'expr' is not defined; did you mean 'expression'?

A location is a JSON Pointer (a string; the empty one is the root), or a line and a column counted from 1 (a
tuple). If the text of the grammar is given too, a line and column are shown with the line and a caret under
the place. The errors of the later stages (vocabulary, matching, sampling) are in `decoding/errors.py`.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

Location: TypeAlias = str | tuple[int, int]

_LONGEST_VALUE = 120  # characters of a value, or of a source line, that a message shows
_MOST_LISTED = 20  # problems or names that a message lists; the fields have them all


class ConstraintError(Exception):
    """Root of the family: a constraint could not be read, compiled, followed or met.

    `message` says what is wrong in words, without the place and without the value. The optional fields:
    `location` where, `source` the text that the location points into, `got` the offending value (any object;
    `...` means that there is none to show, because `None` is a value too), `advice` what the user can do.
    """

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        source: str | None = None,
        got: object = ...,
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.source = source
        self.got = got
        self.advice = advice

    def __str__(self) -> str:
        where = "" if self.location is None else f"{format_location(self.location)}: "
        got = "" if self.got is ... else f", got {_shorten(_shown(self.got))}"
        advice = f"; {self.advice}" if self.advice else ""
        return f"{where}{self.message}{got}{advice}{self._excerpt()}"

    def _excerpt(self) -> str:
        """The source line and a caret under the place, where both are known."""
        if self.source is None or not isinstance(self.location, tuple):
            return ""
        line, column = self.location
        lines = self.source.split("\n")
        if not 1 <= line <= len(lines):
            return ""
        # Cut a window around the place: the line of a generated grammar may have megabytes.
        start = max(0, column - 1 - _LONGEST_VALUE // 2)
        window = lines[line - 1][start : start + _LONGEST_VALUE].rstrip("\r").replace("\t", " ")
        return f"\n    {window}\n    {' ' * (column - 1 - start)}^"

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which fails for required keyword-only fields.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class GrammarWarning(UserWarning):
    """A grammar can be used, but something in it is probably a mistake; `grammar.remarks` has all of it."""


class GrammarError(ConstraintError, ValueError):
    """The grammar (schema, pattern, rules) itself is at fault. Base of the four below."""


class GrammarSyntaxError(GrammarError):
    """The text is not a valid JSON Schema, regular expression, Lark or GBNF grammar."""


class UnsupportedFeatureError(GrammarError):
    """The grammar is valid and asks for something that is not implemented.

    `feature` names it. A front end that checks the whole grammar first puts everything that it found into
    `problems`, as pairs (location, reason); all of it is shown.
    """

    def __init__(
        self,
        feature: str,
        *,
        problems: Iterable[tuple[Location, str]] = (),
        location: Location | None = None,
        source: str | None = None,
        got: object = ...,
        advice: str = "",
    ) -> None:
        super().__init__(
            f"{feature} is not supported", location=location, source=source, got=got, advice=advice
        )
        self.feature = feature
        self.problems = list(problems)

    def __str__(self) -> str:
        reasons = (
            (format_location(where), reason.replace("\n", "\n    ")) for where, reason in self.problems
        )
        listed = [f"\n    {where}: {reason}" for where, reason in reasons]
        if len(listed) > _MOST_LISTED:
            listed[_MOST_LISTED:] = [f"\n    and {len(listed) - _MOST_LISTED} more (see .problems)"]
        return super().__str__() + "".join(listed)


class UnresolvedReferenceError(GrammarError):
    """A `$ref`, a rule name or a terminal name leads nowhere. `known` are the names that exist."""

    def __init__(
        self,
        reference: str,
        known: Iterable[str] = (),
        *,
        message: str = "the reference is not defined",
        location: Location | None = None,
        source: str | None = None,
        advice: str = "",
    ) -> None:
        self.reference = reference
        self.known = tuple(known)
        advice = advice or _suggestion(reference, self.known)
        super().__init__(message, location=location, source=source, got=reference, advice=advice)


class UnsatisfiableError(GrammarError):
    """No text at all satisfies the grammar; `reason` says why.

    places: JSON Pointers of demands that exclude each other, none of which could be left out, where they are
    few and were found.
    """

    def __init__(
        self,
        reason: str,
        *,
        places: Iterable[str] = (),
        location: Location | None = None,
        source: str | None = None,
        got: object = ...,
        advice: str = "",
    ) -> None:
        message = f"no text can satisfy this: {reason}"
        super().__init__(message, location=location, source=source, got=got, advice=advice)
        self.reason = reason
        self.places = tuple(places)


class LimitExceededError(ConstraintError):
    """The input is larger than a limit that protects against hostile or mistaken input.

    `what` names the limited quantity, `given` is the amount that was asked for or reached, `limit` the most
    allowed.
    """

    def __init__(
        self,
        what: str,
        *,
        given: object,
        limit: object,
        location: Location | None = None,
        source: str | None = None,
        advice: str = "",
    ) -> None:
        message = f"{what} must be at most {limit}"
        super().__init__(message, location=location, source=source, got=given, advice=advice)
        self.what = what
        self.given = given
        self.limit = limit


def format_location(location: Location) -> str:
    """Words for a location: the JSON Pointer itself, or `line 4, column 9`."""
    if isinstance(location, tuple):
        return f"line {location[0]}, column {location[1]}"
    return location or "(root)"


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """The location, counted from 1, of the character at `offset` in `source`; only line feeds end a line."""
    line_start = source.rfind("\n", 0, offset) + 1
    return source.count("\n", 0, line_start) + 1, offset - line_start + 1


def check_characters(source: str) -> None:
    """Raises GrammarSyntaxError, with the place, for half of a surrogate pair: no UTF-8 has it."""
    try:
        source.encode()
    except UnicodeEncodeError as error:
        raise GrammarSyntaxError(
            "half of a surrogate pair is no character",
            location=line_and_column(source, error.start),
            got=source[error.start],
        ) from None


def _suggestion(reference: str, known: Sequence[str]) -> str:
    # Matching is quadratic in the lengths, and both sides are the user's: bound them.
    candidates = [name for name in known[:200] if len(name) <= 100]
    close = difflib.get_close_matches(reference[:100], candidates, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    if known:
        more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
        return _shorten(f"known are {', '.join(known[:_MOST_LISTED])}") + more
    return ""


def _shown(value: object) -> str:
    """The representation of a value, also of one that Python refuses to write."""
    try:
        return repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, what nests too deep
        return f"<{type(value).__name__} that is too large to show>"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 4]} ..."
