"""Formats against `jsonschema-rs` with formats asserted, and against the official test suite.

The strings are random members of each language, mutations of them and of hand-picked ones, and what real
instances have at places with a format. What our language accepts has to be valid; what is valid has to be in
the outer language, and where a format is exact, accepted. The known differences are listed by name and reason
in `DIFFERENCES`.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

import jsonschema_rs
import pytest
from tokentrellis.grammars.expressions import UNLIMITED
from tokentrellis.grammars.json_schema.formats import formats_of, text_format

from .simulator import Simulator

DATA = Path(__file__).parents[4] / "shared" / "data"
NAMES = sorted(formats_of(2020))
APPROXIMATED = {"time", "date-time", "hostname", "email", "idn-hostname", "idn-email", "regex"}

SEEDS = {
    "date": ["2024-02-29", "1900-02-28", "2000-02-29", "1999-12-31"],
    "time": ["23:59:60Z", "00:29:60+00:30", "15:59:60.5-08:00", "12:00:00.25+05:45"],
    "date-time": ["2024-02-29T23:59:60z", "2021-06-30t01:14:60+01:15", "1990-12-31T15:59:50.123-08:00"],
    "duration": ["P1Y2M3DT4H5M6S", "P3W", "PT1M", "P2DT12H"],
    "uuid": ["2eb8aa08-AA98-11ea-b4aa-73b441d16380"],
    "json-pointer": ["", "/a~0/b~1/é", "//"],
    "relative-json-pointer": ["0#", "12/a/~0", "3"],
    "ipv4": ["255.249.10.0", "1.2.3.4"],
    "ipv6": ["::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4", "a:b::c:255.1.2.3"],
    "uri": ["http://u:p@h.x:80/a/b;c?d=e/?#f", "urn:a:b",
            "mailto:a@b", "x://[v1.a:b]/", "http://[::1]:8/%4a"],
    "iri": ["http://é@例え.jp/あ?\ue000#ö", "a:/é"],
    "uri-template": ["http://a/{b:3}{?c*,d.e}", "{+x}é%41"],
    "hostname": ["a", "a-b.c0", "xn--9n2bp8q.com", f"{'a' * 63}.b", ".".join(["b" * 63] * 4), "ab--c"],
    "idn-hostname": ["例え.jp", "παράδειγμα.δοκιμή", "l·l", "a.b.c.d.e", "한국",
                     "-a", "ab--c", "a..b", "\u0300a", "a_b"],
    "email": ["a.b@c.d", '"a b\\"c"@d-e.f', "a@[1.2.3.4]", "a@[IPv6:::1]", f"{'a' * 64}@b", '""@c'],
    "idn-email": ["é.ü@例え.jp", '"é b"@x.y', f"{'é' * 32}@x", "😀@x.y"],
    "regex": ["^[a-zA-Z0-9._%+-]+@[\\w-]+\\.[a-z]{2,6}$",
              "(?=a)(?:b|c(d))*?\\u00e9[^\\]]{1,3}", "(?<!x)\\p{Lu}", "a**"],
}  # fmt: skip
SEEDS["uri-reference"] = [*SEEDS["uri"], "../a:b", "?x", "//h/"]
SEEDS["iri-reference"] = [*SEEDS["iri"], "é/b:c", "#ü"]

_DIGIT_AND_OTHER = re.compile(r"(?<![0-9])[0-9][^0-9A-Za-z:](?![0-9])|[*-/][0-9]|[0-9][*-/]")


def validator_takes_odd_digits(text: str) -> bool:
    """jsonschema-rs reads several digits at once and lets characters from `*` to `/` pass in places."""
    return _DIGIT_AND_OTHER.search(text) is not None


DIFFERENCES: dict[str, Callable[[str], bool]] = {
    # Valid for jsonschema-rs, against the RFC; so neither accepted nor in the outer language.
    "date": validator_takes_odd_digits,
    "time": validator_takes_odd_digits,
    "date-time": validator_takes_odd_digits,
    # RFC 6570 has only ucschar and iprivate as literals outside ASCII.
    "uri-template": lambda text: (
        re.search("[\x80-\x9f\ufdd0-\ufdef\ufff0-\uffff\U000e0000-\U000e0fff]", text) is not None
    ),
    # RFC 5321 has no control characters in a quoted string.
    "email": lambda text: re.search("[\x00-\x1f]", text) is not None,
    "idn-email": lambda text: re.search("[\x00-\x1f\x7f]", text) is not None,
}


def validator(name: str) -> Any:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "format": name}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


class Languages:
    """The two languages of a format, and how many characters are allowed."""

    def __init__(self, name: str) -> None:
        found = text_format(name)
        assert found is not None
        self.most = found.most
        self.content = Simulator(found.content)
        self.outer = self.content if found.outer is found.content else Simulator(found.outer)

    def accepts(self, text: str) -> bool:
        return (self.most == UNLIMITED or len(text) <= self.most) and self.content.matches(text.encode())


languages = lru_cache(maxsize=None)(Languages)


def mutated(choice: random.Random, texts: list[str], count: int) -> Iterator[str]:
    """Random insertions, deletions and replacements by characters of the texts."""
    alphabet = sorted({character for text in texts for character in text})
    for _ in range(count):
        text = list(choice.choice(texts))
        for _ in range(choice.choice([1, 1, 2, 3])):
            place = choice.randrange(len(text) + 1)
            action = choice.randrange(3)
            text[place : place + (action > 0)] = [] if action == 1 else [choice.choice(alphabet)]
        yield "".join(text)


@pytest.mark.parametrize("name", NAMES)
def test_random_texts(name: str) -> None:
    choice, ours, theirs = random.Random(7), languages(name), validator(name)
    members = [ours.content.sample(choice, choice.choice([0.02, 0.1, 0.3])).decode() for _ in range(200)]
    excused = DIFFERENCES.get(name, lambda text: False)
    seen = {True: 0, False: 0}
    for text in [*SEEDS[name], *members, *mutated(choice, SEEDS[name] * 8 + members, 1200)]:
        valid, accepted = theirs.is_valid(text), ours.accepts(text)
        seen[valid] += 1
        assert valid or not accepted, f"{text!r} is not valid"
        if valid and not excused(text):
            assert ours.outer.matches(text.encode()), f"{text!r} is valid and not in the outer language"
            assert accepted or name in APPROXIMATED, f"{text!r} is valid and refused"
    assert min(seen.values()) > 50


@pytest.mark.parametrize("name", NAMES)
def test_exactness_is_declared(name: str) -> None:
    ours = languages(name)
    assert (ours.outer is ours.content) == (name not in APPROXIMATED)


def suite_cases() -> list[tuple[str, str, bool]]:
    path = DATA / "json_schema_test_suite_2020-12.json.gz"
    if not path.exists():
        return []
    groups = json.loads(gzip.decompress(path.read_bytes()))["groups"]
    return [
        (group["schema"]["format"], test["data"], test["valid"])
        for group in groups
        if group["file"].startswith("optional/format/") and "format" in group["schema"]
        for test in group["tests"]
        if isinstance(test["data"], str) and group["schema"]["format"] in NAMES
    ]


def may_be_refused(name: str, text: str) -> bool:
    """Valid texts of the suite that the approximations leave out."""
    if name == "regex":
        return "(?<n" in text
    beyond_alphabets = (
        re.search("[^\x00-\xb6\xdf-\u017f\u0388-\u03ce\u3001-\ud7ff\uff0e\uff61]", text) is not None
    )
    if name.startswith("idn"):
        return (
            text.startswith("xn--") or beyond_alphabets or "·" in text or "\u30fb" in text or len(text) > 40
        )
    return name == "hostname" and text.startswith("xn--")


@pytest.mark.skipif(not suite_cases(), reason="the official test suite is not in ../shared/data")
def test_official_suite() -> None:
    refused = 0
    for name, text, valid in suite_cases():
        accepted = languages(name).accepts(text)
        assert valid or not accepted, f"{name}: {text!r} is not valid"
        if valid and not accepted:
            refused += 1
            assert may_be_refused(name, text), f"{name}: {text!r} is valid"
            assert languages(name).outer.matches(text.encode())
    assert refused <= 40


def places(schema: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Strings of an instance with the format that the schema has there (a rough walk, without references)."""
    if not isinstance(schema, dict):
        return
    if isinstance(value, str) and isinstance(schema.get("format"), str):
        yield schema["format"], value
    for keyword in ("allOf", "anyOf", "oneOf"):
        for option in schema[keyword] if isinstance(schema.get(keyword), list) else ():
            yield from places(option, value)
    if isinstance(value, dict) and isinstance(schema.get("properties"), dict):
        for name, child in value.items():
            yield from places(schema["properties"].get(name), child)
    if isinstance(value, list):
        for child in value:
            yield from places(schema.get("items"), child)


@pytest.mark.skipif(
    not (DATA / "maskbench_dev.jsonl.gz").exists(), reason="MaskBench is not in ../shared/data"
)
def test_strings_of_real_instances() -> None:
    found: set[tuple[str, str]] = set()
    with gzip.open(DATA / "maskbench_dev.jsonl.gz") as lines:
        for line in lines:
            if b'"format"' in line:
                entry = json.loads(line)
                for test in entry["tests"]:
                    found.update(places(entry["schema"], test["data"]))
    known = [(name, text) for name, text in found if name in NAMES]
    assert len(known) > 300
    validators = {name: validator(name) for name in NAMES}
    for name, text in known:
        assert languages(name).accepts(text) == validators[name].is_valid(text), f"{name}: {text!r}"


def test_leap_seconds() -> None:
    """Every quarter of an hour, by arithmetic; beyond, nothing that is not 23:59:60 in UTC."""
    ours = languages("time")
    for local in range(1440):
        for offset in range(-1425, 1440, 15):
            sign = "-" if offset < 0 else "+"
            text = f"{clock(local)}:60{sign}{clock(abs(offset))}"
            if local % 15 == 14 or choice_of_a_few(local, offset):
                assert ours.accepts(text) == ((local - offset) % 1440 == 1439), text


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def choice_of_a_few(local: int, offset: int) -> bool:
    return (local * 31 + offset) % 97 == 0


def test_dates_by_the_calendar() -> None:
    ours = languages("date")
    for year in [*range(0, 10000, 100), *range(1896, 2030)]:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        assert ours.accepts(f"{year:04}-02-29") == leap
        assert not ours.accepts(f"{year:04}-02-30")
    for month in range(100):
        for day in range(100):
            days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] if 1 <= month <= 12 else 0
            assert ours.accepts(f"2023-{month:02}-{day:02}") == (1 <= day <= days)


def test_letters_of_international_names() -> None:
    """Every letter of the alphabets is valid alone, and labels of the greatest length are."""
    ours, theirs, choice = languages("idn-hostname"), validator("idn-hostname"), random.Random(3)
    letters = [chr(code) for code in range(0x80, 0xD7FF) if ours.accepts(chr(code))]
    assert len(letters) > 30_000
    assert all(theirs.is_valid(letter) for letter in letters)
    letters = [letter for letter in letters if bidirectional(letter) == "L"]  # others are not mixed
    for _ in range(3000):
        few = choice.choices(letters, k=choice.choice([1, 2, 12]))
        text = "".join(choice.choices([*few, "a", "1"], k=11))
        assert ours.accepts(text)
        assert theirs.is_valid(text), ascii(text)


def test_names() -> None:
    assert text_format("color") is None
    assert text_format("host-name") is None
    assert text_format("") is None
    assert formats_of(4) < formats_of(6) < formats_of(7) < formats_of(2019) == formats_of(2020)


@pytest.mark.parametrize(
    ("draft", "uri"),
    [
        (4, "http://json-schema.org/draft-04/schema#"),
        (6, "http://json-schema.org/draft-06/schema#"),
        (7, "http://json-schema.org/draft-07/schema#"),
        (2019, "https://json-schema.org/draft/2019-09/schema"),
        (2020, "https://json-schema.org/draft/2020-12/schema"),
    ],
)
def test_names_of_the_drafts(draft: int, uri: str) -> None:
    asserted = set()
    for name in [*NAMES, "color", "host-name", "ip-address", "phone", "style", "utc-millisec", "int32"]:
        theirs = jsonschema_rs.validator_for({"$schema": uri, "format": name}, validate_formats=True)
        if not theirs.is_valid("\\ %zz("):
            asserted.add(name)
    assert asserted == formats_of(draft)
