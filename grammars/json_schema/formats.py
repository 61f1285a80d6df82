"""The formats of JSON Schema as regular languages over the UTF-8 bytes of the (decoded) text.

In comes the name of a format, out comes its `TextFormat`, or None for a name that no draft defines: such a
format is an annotation. Each format is a pattern after the grammar of its RFC, read by `grammars/regex.py`;
those of the network are in `internet_formats.py`, that of regular expressions in `regex_format.py`. They are
built when first asked for, in about a millisecond, and kept.

Most formats are regular, so the language is the format, exactly. Seven are not, or only at a price, and have
two languages, one inside and one around the format: `content` has only valid texts, `outer` has all valid
texts and is what a negated format has to be the complement of:

- time and date-time: a leap second (`:60`) beside an offset is accepted for offsets in whole quarters of an
  hour, as are in use; all 1,440 minutes would make ten thousand states;
- hostname (and so email): a label `xn--...` is valid if its Punycode decodes to a valid label, which no
  automaton can tell. It is left out, and so are other labels with hyphens in the third and fourth place;
- idn-hostname and idn-email: see `internet_formats.py`; regex: see `regex_format.py`.

Formats are asserted as `jsonschema-rs` and the official test suite do: what either calls invalid is not in
`content`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from ..expressions import UNLIMITED, Expression, concatenate, literal, repeat, union
from ..regex import pattern_expression
from ..utf8 import ANY_CHARACTER, ANY_TEXT
from . import internet_formats as internet
from .regex_format import regular_expressions


class TextFormat(NamedTuple):
    """A format.

    content: each of its texts of at most `most` characters (UNLIMITED: no bound) is valid.
    outer: contains every valid text; the same object as `content` where the language is exact.
    """

    content: Expression
    outer: Expression
    most: int = UNLIMITED


def _pattern(pattern: str) -> Expression:
    return pattern_expression(pattern, search=False)


# Dates and times: RFC 3339, section 5.6 and appendix A.

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
DATE = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_FRACTION = r"(?:\.[0-9]+)?"
_HOUR, _MINUTE = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_OFFSET = f"[+-]{_HOUR}:{_MINUTE}"
_ORDINARY_TIME = f"{_HOUR}:{_MINUTE}:{_MINUTE}{_FRACTION}(?:[Zz]|{_OFFSET})"


def _leap_seconds() -> Expression:
    """The times that are 23:59:60 in UTC.

    An eastern offset is the time of day plus one minute, a western one what is left to midnight.
    """
    numbers = [literal(f"{number:02}") for number in range(24)]
    plus, minus = literal("+"), literal("-")
    quarters = []  # (after the hour, minutes of an eastern offset, minutes of a western one)
    for minute in (14, 29, 44):
        second = _pattern(f":{minute}:60{_FRACTION}")
        quarters.append((second, literal(f":{minute + 1}"), literal(f":{59 - minute}")))
    last, full = _pattern(f":59:60{_FRACTION}"), literal(":00")
    options = []
    for hour in range(24):
        west = numbers[23 - hour]
        minutes = [
            concatenate(
                last, union(concatenate(plus, numbers[(hour + 1) % 24], full), concatenate(minus, west, full))
            )
        ]
        for second, east_end, west_end in quarters:
            offsets = union(concatenate(plus, numbers[hour], east_end), concatenate(minus, west, west_end))
            minutes.append(concatenate(second, offsets))
        options.append(concatenate(numbers[hour], union(*minutes)))
    return union(_pattern(f"23:59:60{_FRACTION}[Zz]"), *options)


def _time() -> TextFormat:
    loose = f"{_HOUR}:{_MINUTE}:(?:{_MINUTE}|60){_FRACTION}(?:[Zz]|{_OFFSET})"
    return TextFormat(union(_pattern(_ORDINARY_TIME), _leap_seconds()), _pattern(loose))


def _date_time() -> TextFormat:
    day, time = _pattern(f"{DATE}[Tt]"), _time()
    return TextFormat(concatenate(day, time.content), concatenate(day, time.outer))


_DAY_PARTS = "(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)"
_TIME_PARTS = "T(?:[0-9]+S|[0-9]+M(?:[0-9]+S)?|[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?)"
DURATION = f"P(?:{_DAY_PARTS}(?:{_TIME_PARTS})?|{_TIME_PARTS}|[0-9]+W)"

# RFC 9562, section 4; RFC 6901, section 3; Relative JSON Pointers, section 3.

UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
JSON_POINTER = r"(?:/(?:[^/~]|~[01])*)*"
RELATIVE_JSON_POINTER = f"(?:0|[1-9][0-9]*)(?:#|{JSON_POINTER})"


def _exact(source: str | Callable[[], Expression]) -> Callable[[], TextFormat]:
    def build() -> TextFormat:
        language = _pattern(source) if isinstance(source, str) else source()
        return TextFormat(language, language)

    return build


_BUILDERS: dict[str, Callable[[], TextFormat]] = {
    "date": _exact(DATE),
    "time": _time,
    "date-time": _date_time,
    "duration": _exact(DURATION),
    "uuid": _exact(UUID),
    "json-pointer": _exact(JSON_POINTER),
    "relative-json-pointer": _exact(RELATIVE_JSON_POINTER),
    "ipv4": _exact(internet.IPV4),
    "ipv6": _exact(internet.ipv6),
    "uri": _exact(lambda: internet.resource(international=False, relative=False)),
    "uri-reference": _exact(lambda: internet.resource(international=False, relative=True)),
    "iri": _exact(lambda: internet.resource(international=True, relative=False)),
    "iri-reference": _exact(lambda: internet.resource(international=True, relative=True)),
    "uri-template": _exact(internet.URI_TEMPLATE),
    "hostname": lambda: TextFormat(
        _pattern(internet.HOSTNAME), _pattern(internet.LOOSE_HOSTNAME), internet.MOST_HOSTNAME
    ),
    "idn-hostname": lambda: TextFormat(
        _pattern(internet.IDN_HOSTNAME), repeat(ANY_CHARACTER, 1), internet.MOST_HOSTNAME
    ),
    "email": lambda: TextFormat(*internet.email(False), internet.MOST_EMAIL),
    "idn-email": lambda: TextFormat(*internet.email(True), internet.MOST_EMAIL),
    "regex": lambda: TextFormat(regular_expressions(), ANY_TEXT),
}

_SINCE = {
    4: ["date-time", "date", "time", "email", "idn-email", "hostname", "ipv4", "ipv6", "uri", "regex"],
    6: ["uri-reference", "uri-template", "json-pointer"],
    7: ["idn-hostname", "iri", "iri-reference", "relative-json-pointer"],
    2019: ["duration", "uuid"],
}


def formats_of(draft: int) -> frozenset[str]:
    """The names that are asserted in a draft (4, 6, 7, 2019 or 2020), as `jsonschema-rs` has it.

    It is the drafts' own lists, but that names of draft 3 (date, time, regex) live on in draft 4.
    """
    return frozenset(name for since, names in _SINCE.items() if since <= draft for name in names)


@cache
def text_format(name: str) -> TextFormat | None:
    """The format of this name; None: no draft defines it."""
    build = _BUILDERS.get(name)
    return build() if build else None


def format_names() -> frozenset[str]:
    """The names of all formats that some draft defines."""
    return frozenset(_BUILDERS)


def is_approximated(name: str) -> bool:
    """Whether a format is known, but not exactly: its two languages differ."""
    found = text_format(name)
    return found is not None and found.outer is not found.content
