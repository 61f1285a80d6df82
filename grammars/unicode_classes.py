"""Sets of characters as sorted ranges of code points: their algebra, and the sets that pattern syntax
names.

In come code points and names (`L`, `Script=Greek`), out come `Ranges`: tuples of (first, last) pairs, both
included, sorted, disjoint and never adjacent, so that equal sets are equal tuples and serve as keys of
caches. Surrogates are code points like any other here; `utf8.py` drops them, as no UTF-8 text contains
them.

Cost: linear in the number of ranges, after a sort.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from . import unicode_tables

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"

LAST_CODE_POINT = 0x10FFFF

NOTHING: Ranges = ()
EVERYTHING: Ranges = ((0, LAST_CODE_POINT),)


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The union of any (first, last) pairs as `Ranges`."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        elif first <= last:
            merged.append((first, last))
    return tuple(merged)


def invert(ranges: Ranges) -> Ranges:
    """All code points that are not in the set."""
    gaps = []
    start = 0
    for first, last in ranges:
        if start < first:
            gaps.append((start, first - 1))
        start = last + 1
    if start <= LAST_CODE_POINT:
        gaps.append((start, LAST_CODE_POINT))
    return tuple(gaps)


def overlap(left: Ranges, right: Ranges) -> Ranges:
    """The code points that both sets contain."""
    common = []
    i = j = 0
    while i < len(left) and j < len(right):
        first = max(left[i][0], right[j][0])
        last = min(left[i][1], right[j][1])
        if first <= last:
            common.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def contains(ranges: Ranges, code_point: int) -> bool:
    """Whether the set contains the code point."""
    return any(first <= code_point <= last for first, last in ranges)


def _of(*pairs: int | tuple[int, int]) -> Ranges:
    return merge_ranges((pair, pair) if isinstance(pair, int) else pair for pair in pairs)


ASCII_DIGITS = _of((0x30, 0x39))
ASCII_WORD = _of((0x30, 0x39), (0x41, 0x5A), 0x5F, (0x61, 0x7A))
ASCII_SPACES = _of((0x09, 0x0D), 0x20)
_SEPARATORS = (0xA0, 0x1680, (0x2000, 0x200A), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
ECMA_SPACES = _of((0x09, 0x0D), 0x20, 0xFEFF, *_SEPARATORS)
"""`\\s` in ECMA-262: WhiteSpace and LineTerminator."""
PYTHON_SPACES = _of((0x09, 0x0D), (0x1C, 0x20), 0x85, *_SEPARATORS)
"""`\\s` in Python, `str.isspace`."""
ECMA_LINE_ENDS = _of(0x0A, 0x0D, 0x2028, 0x2029)
PYTHON_LINE_ENDS = _of(0x0A)


# Where characters with case are (a superset, checked by a test): the others need not be looked at.
_CASED_BLOCKS = (
    (0x41, 0x58F),
    (0x10A0, 0x10FF),
    (0x13A0, 0x13FF),
    (0x1C80, 0x218F),
    (0x24B0, 0x24EF),
    (0x2C00, 0x2D2F),
    (0xA640, 0xABBF),
    (0xFB00, 0xFB1F),
    (0xFF20, 0xFF5F),
    (0x10400, 0x10D8F),
    (0x118A0, 0x118DF),
    (0x16E40, 0x16EFF),
    (0x1E900, 0x1E943),
)


def close_under_ascii_case(ranges: Ranges) -> Ranges:
    """The set and the other case of its ASCII letters."""
    both_cases = [
        (first ^ 0x20, last ^ 0x20) for first, last in overlap(ranges, _of((0x41, 0x5A), (0x61, 0x7A)))
    ]
    return merge_ranges([*ranges, *both_cases])


def close_under_python_case(ranges: Ranges) -> Ranges:
    """The set and what Python's `re` takes for equal when it ignores case."""
    return _close(ranges, _case_variants(True))


def close_under_case_folding(ranges: Ranges) -> Ranges:
    """The set and what simple case folding makes equal (ECMA-262 with the flags `u` and `i`)."""
    return _close(ranges, _case_variants(False))


def _close(ranges: Ranges, variants: dict[int, tuple[int, ...]]) -> Ranges:
    added = [
        (variant, variant)
        for first, last in ranges
        for block_first, block_last in _CASED_BLOCKS
        for code_point in range(max(first, block_first), min(last, block_last) + 1)
        for variant in variants.get(code_point, ())
    ]
    return merge_ranges([*ranges, *added])


@lru_cache(maxsize=2)
def _case_variants(python: bool) -> dict[int, tuple[int, ...]]:
    """Every cased code point with all that equal it but for case; about 10 ms, once."""
    classes: dict[str, list[int]] = {}
    for first, last in _CASED_BLOCKS:
        for code_point in range(first, last + 1):
            character = chr(code_point)
            key = _python_case_key(character) if python else _folded(character)
            classes.setdefault(key, []).append(code_point)
    return {code_point: tuple(same) for same in classes.values() if len(same) > 1 for code_point in same}


def _python_case_key(character: str) -> str:
    """Equal for characters that `re` takes for equal: its lower cases are, or share their upper case."""
    lower = character.lower()
    return (lower if len(lower) == 1 else lower[0]).upper()


def _folded(character: str) -> str:
    """Simple case folding: where Python knows only the full folding to several characters, the lower case."""
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    lower = character.lower()
    return lower if len(lower) == 1 else character


def python_word() -> Ranges:
    """`\\w` in Python: letters, numbers and the underscore."""
    return merge_ranges([*general_category("L"), *general_category("N"), (0x5F, 0x5F)])


@lru_cache(maxsize=256)
def general_category(name: str) -> Ranges:
    """The code points of a general category by its short name; `L` is the union of `Lu`, `Ll` ..."""
    members = ("Lu", "Ll", "Lt") if name == "LC" else (name,)
    return merge_ranges(
        pair
        for category, ranges in _category_table().items()
        if category.startswith(members)
        for pair in ranges
    )


def unicode_property(expression: str) -> Ranges | None:
    """What stands between the braces of `\\p{...}`: `Lu`, `Letter`, `gc=L`, `Script=Greek`, `scx=Grek`,
    `Alphabetic`, `Emoji` ...

    None: not a property that there is a table for. Names are those of ECMA-262, to the letter.
    """
    name, equals, value = expression.partition("=")
    if not equals:
        name, value = "gc", expression
    if name in ("gc", "General_Category"):
        short = _short_names(unicode_tables.LONG_CATEGORY_NAMES).get(value)
        if short:
            return general_category(short)
        return None if equals else _binary_property(value)
    if name in ("sc", "Script", "scx", "Script_Extensions"):
        short = _short_names(unicode_tables.SCRIPT_NAMES).get(value)
        if not short:
            return None
        return _script_table()[short] if name in ("sc", "Script") else _script_extensions(short)
    return None


@lru_cache(maxsize=64)
def _binary_property(name: str) -> Ranges | None:
    """The code points that have the property, by its short or long name; None: there is no table for it."""
    from . import unicode_properties  # few patterns name one, and the text is as long as that of the scripts

    aliases = dict(pair.split("=") for pair in unicode_properties.PROPERTY_ALIASES.split())
    entry = unicode_properties.BINARY_PROPERTIES.get(aliases.get(name, name))
    if entry is None:
        return None
    parts, runs = entry
    union = merge_ranges(pair for part in parts.split() for pair in unicode_property(part) or ())
    differences = _read_runs(runs, 1).get("Y", ())
    return overlap(merge_ranges([*union, *differences]), invert(overlap(union, differences)))


@lru_cache(maxsize=64)
def _script_extensions(script: str) -> Ranges:
    """The code points that are used with the script (short name): where nothing is listed, those of it."""
    from . import unicode_properties

    scripts = dict(pair.split("=") for pair in unicode_properties.EXTENSION_SETS.split())
    listed: list[tuple[int, int]] = []
    used: list[tuple[int, int]] = []
    for code, ranges in _read_runs(unicode_properties.EXTENSION_RUNS, 2).items():
        if code in scripts:
            listed.extend(ranges)
            if script in scripts[code].split(","):
                used.extend(ranges)
    return merge_ranges([*overlap(_script_table()[script], invert(merge_ranges(listed))), *used])


@lru_cache(maxsize=2)
def _short_names(pairs: str) -> dict[str, str]:
    """Short and long names, each to the short one."""
    names = {}
    for pair in pairs.split():
        short, _, long = pair.partition("=")
        names[short] = names[long] = short
    return names


@lru_cache(maxsize=1)
def _category_table() -> dict[str, Ranges]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcd"
    names = dict(zip(letters, unicode_tables.CATEGORY_NAMES.split(), strict=True))
    return {names[code]: ranges for code, ranges in _read_runs(unicode_tables.CATEGORY_RUNS, 1).items()}


@lru_cache(maxsize=1)
def _script_table() -> dict[str, Ranges]:
    return _read_runs(unicode_tables.SCRIPT_RUNS, 4)


def _read_runs(runs: str, code_length: int) -> dict[str, Ranges]:
    found: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for code, length in re.findall(rf"([A-Za-z]{{{code_length}}})([0-9]*)", runs):
        end = start + int(length or 1)
        found.setdefault(code, []).append((start, end - 1))
        start = end
    return {code: tuple(ranges) for code, ranges in found.items()}
