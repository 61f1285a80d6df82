"""Kinds of values: each draws a JSON value together with the way a text would spell it.

What goes in is a source of words; what goes out is `Value(json, text)`, for example `("2024-03-05",
"March 5th, 2024")` or `(2500, "2,500")`, and the JSON Schema that such a value obeys. The rule of the
model: a plain string is copied letter by letter; dates, times, numbers, booleans and enums are brought to
the form that JSON wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from .words import Words

# fmt: off
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December"
]
# fmt: on
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# fmt: off
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen"
]
# fmt: on
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


@dataclass
class Value:
    """A drawn value: as JSON and as the text has it. `option` is the enum option or truth."""

    json: Any
    text: str
    option: Any = None


@dataclass(frozen=True)
class Kind:
    """A kind of value: its schema, how it is drawn, and what the sentences need to know of it."""

    name: str
    schema: dict[str, Any]
    draw: Callable[[Words], Value]
    options: tuple[Any, ...] = ()
    members: dict[str, Kind] = field(default_factory=dict)


class RawNumber(str):
    """A number that keeps the digits that it was written with, so that `49.90` stays `49.90`."""


def dump_json(value: Any) -> str:
    """Write compact JSON, numbers with the digits that the text had."""
    if isinstance(value, RawNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump_json(str(key))}:{dump_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump_json(item) for item in value) + "]"
    return _dump_plain(value)


def _dump_plain(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def text_kind(draw: Callable[[Words], str]) -> Kind:
    """A string that is copied from the text."""

    def both(words: Words) -> Value:
        text = draw(words)
        return Value(text, text)

    return Kind("str", {"type": "string"}, both)


def choice_kind(*options: str) -> Kind:
    """A free string drawn from a list; the schema does not name the options."""
    flat = [option for part in options for option in part.split("|")]
    return text_kind(lambda words: words.choose(flat))


def int_kind(low: int, high: int, unit: str = "") -> Kind:
    """A whole number; small ones sometimes in words, large ones sometimes with thousands separators."""

    def draw(words: Words) -> Value:
        source = words.source
        number = (
            source.randint(low, min(high, low + 9)) if source.random() < 0.3 else source.randint(low, high)
        )
        if high > 10_000 and source.random() < 0.6:
            number = max(low, round(number, -2))
        text = str(number)
        roll = source.random()
        if (number <= 20 and roll < 0.3) or (number < 100 and roll < 0.12):
            text = "a dozen" if number == 12 and roll < 0.05 else number_in_words(number)
        elif number >= 1000 and high > 3000 and roll < 0.55:
            text = f"{number:,}"
        return Value(number, text + unit)

    return Kind("int", {"type": "integer"}, draw)


def year_kind() -> Kind:
    def draw(words: Words) -> Value:
        year = words.source.randint(1950, 2029)
        return Value(year, str(year))

    return Kind("int", {"type": "integer"}, draw)


def number_in_words(number: int) -> str:
    if number < 0:
        return "minus " + number_in_words(-number)
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def num_kind(low: float, high: float, places: int = 2) -> Kind:
    """A decimal number without a unit."""

    def draw(words: Words) -> Value:
        source = words.source
        decimals = source.choice([0, 1, places, places])
        digits = f"{source.uniform(low, high):.{decimals}f}"
        text = (
            f"{int(digits):,}"
            if decimals == 0 and float(digits) >= 1000 and source.random() < 0.4
            else digits
        )
        return Value(RawNumber(digits), text)

    return Kind("num", {"type": "number"}, draw)


def money_kind(low: float, high: float) -> Kind:
    """An amount with a currency sign, code or word, of which only the number counts."""

    def draw(words: Words) -> Value:
        source = words.source
        amount = (
            source.uniform(low, high)
            if source.random() < 0.5
            else source.uniform(low, low + (high - low) / 20)
        )
        digits = f"{amount:.2f}" if source.random() < 0.6 else str(round(amount))
        if source.random() < 0.15:
            digits = digits.split(".")[0] + source.choice([".99", ".50", ".00", ".95"])
        whole, dot, cents = digits.partition(".")
        text = (f"{int(whole):,}" if source.random() < 0.7 else whole) + dot + cents
        return Value(RawNumber(digits), with_currency(text, words))

    return Kind("num", {"type": "number"}, draw)


def with_currency(text: str, words: Words) -> str:
    roll = words.source.random()
    if roll < 0.6:
        return words.choose(["$", "$", "€", "£", "US$", "€ ", "¥"]) + text
    if roll < 0.95:
        return text + words.choose(
            [" EUR", " USD", " euros", " dollars", " €", "€", " GBP", " CHF", " pounds", " kr"]
        )
    return words.choose(["USD ", "EUR ", "CHF ", "GBP "]) + text


def date_kind(first: int = 1950, last: int = 2030) -> Kind:
    """A date: ISO 8601 in JSON, one of many spellings in the text."""

    def draw(words: Words) -> Value:
        day = draw_date(words, first, last)
        return Value(day.isoformat(), spell_date(day, words))

    return Kind("date", {"type": "string", "format": "date"}, draw)


def draw_date(words: Words, first: int, last: int) -> date:
    start = date(first, 1, 1)
    return start + timedelta(days=words.source.randrange((date(last + 1, 1, 1) - start).days))


def spell_date(day: date, words: Words) -> str:
    month, number, year = MONTHS[day.month - 1], day.day, day.year
    roll = words.source.random()
    if roll < 0.2:
        return day.isoformat()
    if roll < 0.35:
        return f"{number} {month} {year}"
    if roll < 0.5:
        return f"{month} {number}, {year}"
    if roll < 0.57:
        return f"{month} {ordinal(number)}, {year}"
    if roll < 0.63:
        return f"{words.choose(['the ', ''])}{ordinal(number)} {words.choose(['of ', ''])}{month} {year}"
    if roll < 0.70:
        return f"{number} {month[:3]} {year}"
    if roll < 0.75:
        return f"{month[:3]} {number}, {year}"
    if roll < 0.82:
        return (
            f"{number:02d}.{day.month:02d}.{year}"
            if words.source.random() < 0.6
            else f"{number}.{day.month}.{year}"
        )
    if roll < 0.90:
        # Slashes are read the American way unless the first number cannot be a month.
        return (
            f"{number}/{day.month}/{year}"
            if number > 12 and roll < 0.85
            else f"{day.month:02d}/{number:02d}/{year}"
        )
    if roll < 0.93:
        return f"{year}/{day.month:02d}/{number:02d}"
    weekday = DAYS[day.weekday()]
    return words.choose([f"{weekday}, {month} {number}, {year}", f"{weekday} {number} {month} {year}"])


def ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def spell_time(hour: int, minute: int, words: Words) -> str:
    roll = words.source.random()
    if roll < 0.4:
        return f"{hour:02d}:{minute:02d}"
    half = "am" if hour < 12 else "pm"
    half = words.choose([f" {half}", half, f" {half.upper()}", f" {half[0]}.m."])
    if minute == 0 and roll < 0.65:
        return words.choose(["noon", f"12{half}"]) if hour == 12 else f"{(hour - 1) % 12 + 1}{half}"
    return f"{(hour - 1) % 12 + 1}:{minute:02d}{half}"


def draw_clock(words: Words) -> tuple[int, int]:
    hour = words.source.randint(6, 22) if words.source.random() < 0.85 else words.source.randint(0, 23)
    return hour, words.source.choice([0, 0, 0, 15, 30, 30, 45, 10, 20, 50, 5, 25, 35, 40, 55])


def time_kind() -> Kind:
    """A time of day; RFC 3339 in JSON, so with seconds and `Z`."""

    def draw(words: Words) -> Value:
        hour, minute = draw_clock(words)
        return Value(f"{hour:02d}:{minute:02d}:00Z", spell_time(hour, minute, words))

    return Kind("time", {"type": "string", "format": "time"}, draw)


def moment_kind(first: int = 2018, last: int = 2030) -> Kind:
    """A date with a time of day."""

    def draw(words: Words) -> Value:
        day, (hour, minute) = draw_date(words, first, last), draw_clock(words)
        stamp = f"{day.isoformat()}T{hour:02d}:{minute:02d}:00Z"
        if words.source.random() < 0.15:
            return Value(stamp, stamp if words.source.random() < 0.5 else stamp[:16].replace("T", " "))
        joint = words.choose([" at ", ", ", " ", " at "])
        return Value(stamp, spell_date(day, words) + joint + spell_time(hour, minute, words))

    return Kind("datetime", {"type": "string", "format": "date-time"}, draw)


def clock_text_kind() -> Kind:
    """A time of day as a plain string, hence copied as it stands."""
    return text_kind(lambda words: spell_time(*draw_clock(words), words))


def email_kind() -> Kind:
    def draw(words: Words) -> Value:
        first, last = _slug(words.first_name()), _slug(words.last_name())
        if words.source.random() < 0.25:
            first, last = words.choose(["info", "sales", "support", "office", "hello", "jobs"]), ""
        user = first + (words.choose([".", "_", "", "-"]) + last if last else "")
        if words.source.random() < 0.2:
            user += str(words.source.randint(1, 99))
        roll = words.source.random()
        host = words.choose(["gmail", "example", "mail", "outlook"]) if roll < 0.4 else _slug(words.company())
        ending = words.choose(["com", "com", "org", "net", "de", "io", "co.uk", "fr", "es", "it"])
        address = f"{user}@{host}.{ending}"
        return Value(address, address)

    return Kind("email", {"type": "string", "format": "email"}, draw)


def url_kind() -> Kind:
    def draw(words: Words) -> Value:
        host = _slug(words.company()) + words.choose([".com", ".org", ".net", ".io", ".de", ".co.uk", ".dev"])
        path = words.choose(
            ["", "", "/", f"/{words.draw('word')}", f"/{words.draw('word')}/{words.source.randint(1, 999)}"]
        )
        address = words.choose(["https://", "https://www.", "http://"]) + host + path
        return Value(address, address)

    return Kind("url", {"type": "string", "format": "uri"}, draw)


def _slug(text: str) -> str:
    """Letters and digits that an address may have."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "", plain) or "mail"


def phone_text(words: Words) -> str:
    shape = words.choose(
        [
            "+## ### ######",
            "(###) ###-####",
            "###-###-####",
            "+1 ### ### ####",
            "0## ### ## ##",
            "+##########",
            "+## ## ########",
            "0### ######",
            "###.###.####",
            "1-800-###-####",
        ]
    )
    return "".join(str(words.source.randint(0, 9)) if letter == "#" else letter for letter in shape)


def zip_text(words: Words) -> str:
    shape = words.choose(["#####", "#####", "####", "@@# #@@", "@# #@@", "#### @@", "###-####", "###"])
    letter = lambda: words.choose(list("ABCDEGHKLMNRSTW"))  # noqa: E731
    return "".join(
        str(words.source.randint(0, 9)) if c == "#" else letter() if c == "@" else c for c in shape
    )


def street_text(words: Words) -> str:
    number = words.source.randint(1, 400)
    name = words.last_name() if words.source.random() < 0.5 else words.draw("word").capitalize()
    roll = words.source.random()
    if roll < 0.6:
        return f"{number} {name} {words.draw('street suffix')}"
    if roll < 0.75:
        return f"{name}{words.choose(['straße', 'gasse', 'weg', 'laan', 'gatan'])} {number}"
    if roll < 0.9:
        return (
            f"{words.choose(['Rue de', 'Via', 'Calle', 'Avenida', 'Rua', 'Rue', 'Piazza'])} {name} {number}"
        )
    letter, first = words.choose(["a", "b", "B", ""]), words.draw("first_names")
    return f"{number}{letter} {first} {name} {words.draw('street suffix')}"


def enum_kind(**options: str) -> Kind:
    """One of a few options; the text says it in one of the ways listed for it (`|` between them).

    An underscore in an option stands for a blank or another joint, chosen anew for every schema.
    """
    ways = {name: [name.replace("_", " "), *filter(None, said.split("|"))] for name, said in options.items()}

    def draw(words: Words) -> Value:
        name = words.choose(list(ways))
        text = ways[name][0] if words.source.random() < 0.55 else words.choose(ways[name])
        return Value(name, text, option=name)

    return Kind("enum", {"enum": list(ways)}, draw, options=tuple(ways))


YES = ["yes", "Yes", "true", "True", "yes", "Y", "on", "✓", "yep", "correct", "of course", "certainly"]
NO = ["no", "No", "false", "False", "no", "N", "off", "✗", "nope", "none", "not at all", "not yet"]


def bool_kind(chance: float = 0.5) -> Kind:
    """A truth; in sentences the phrase says it, after a label a word does."""

    def draw(words: Words) -> Value:
        truth = words.source.random() < chance
        return Value(truth, words.choose(YES if truth else NO), option=truth)

    return Kind("bool", {"type": "boolean"}, draw)


def list_kind(draw_item: Callable[[Words], str], most: int = 4) -> Kind:
    """An array of strings, said as an enumeration."""

    def draw(words: Words) -> Value:
        count = words.source.randint(1, most)
        items = list(dict.fromkeys(draw_item(words) for _ in range(count)))
        return Value(items, enumerate_items(items, words))

    return Kind("list", {"type": "array", "items": {"type": "string"}}, draw)


def enumerate_items(items: list[str], words: Words) -> str:
    if len(items) == 1:
        return items[0]
    roll = words.source.random()
    if roll < 0.7:
        joint = words.choose([" and ", " and ", ", and ", " & ", " as well as ", " plus "])
        return ", ".join(items[:-1]) + joint + items[-1]
    return words.choose([", ", ", ", "; ", " / ", " + ", "/"]).join(items)


def choices_list(text: str, most: int = 4) -> Kind:
    options = text.split("|")
    return list_kind(
        lambda words: words.choose(options) if words.source.random() < 0.75 else words.draw("word"), most
    )
