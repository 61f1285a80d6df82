"""The reference page of JSON Schema, docs/json_schema.md, from the code's own tables.

Out comes a page with the keywords of every draft and what becomes of them, the formats and how exactly they
are enforced, and the limits with their values. Which keyword belongs to which draft is read off
`grammars/json_schema/keywords.py` for what is enforced, and off the meta-schemas of the drafts (those that
the `jsonschema-specifications` package carries) for the rest; limits are module constants. A test fails when
the page is stale; `python -m bench.conformance.keyword_table` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from jsonschema_specifications import REGISTRY
from tokentrellis.grammars.json_schema.formats import _BUILDERS, formats_of, is_approximated
from tokentrellis.grammars.json_schema.keywords import DRAFTS, KEYWORDS
from tokentrellis.grammars.json_schema.numbers import STANDARD_EXPONENT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "json_schema.md"
WRITTEN = {4: "4", 6: "6", 7: "7", 2019: "2019-09", 2020: "2020-12"}

# What the front end reads without enforcing anything: it says what other keywords mean.
STRUCTURE = {
    "$schema": "says the draft",
    "$id": "base of references",
    "id": "base of references",
    "$anchor": "place that `$ref` can name",
    "$dynamicAnchor": "place that `$dynamicRef` can name",
    "$recursiveAnchor": "place that `$recursiveRef` can name",
    "$defs": "holds schemas for `$ref`",
    "definitions": "holds schemas for `$ref`",
    "$vocabulary": "of a meta-schema: switches keywords on",
}
_PATTERNS = (
    "ECMA-262 without back-references to groups of more than 256 texts and "
    "`\\p{Changes_When_NFKC_Casefolded}`, which are refused; "
    "properties are those of Unicode 17.0"
)
# What is enforced with a reservation: (keyword, what).
NOTES = {
    "type": '1.0 is no integer in draft 4; later it is one, but only written with `numbers="standard"`',
    "format": 'see below; `formats="annotation"` enforces none',
    "pattern": _PATTERNS,
    "patternProperties": _PATTERNS,
    "uniqueItems": "its opposite (by `not`, `oneOf`, `if`) too; where only certain places can be equal, "
    "a budget leaves one short value to them",
    "contains": "with `uniqueItems` too, by search",
    "dependencies": "the old form of `dependentRequired` and `dependentSchemas`, in every draft",
    "$ref": "in a document or in `registry`, nothing is fetched; up to draft 7 it hides its siblings",
}
# (what is limited, module, constant). The error is LimitExceededError for all of them.
LIMITS = [
    ("alternatives of one object or array (overlapping oneOf, anyOf, if)", "formula", "MOST_ALTERNATIVES"),
    ("steps to find these", "formula", "MOST_STEPS"),
    ("`contains` of one array", "arrays", "MOST_COUNTERS"),
    ("steps to complete an array with `contains`", "array_completion", "MOST_STEPS"),
    ("values of one item that `uniqueItems` keeps count of", "distinct_items", "MOST_VALUES"),
    ("items, or keys, beyond those counted, that a budget allows for", "records", "SURPLUS"),
    ("the same for all items of one array", "distinct_items", "MOST_IN_ALL"),
    ("steps to complete an object with pending `not` clauses", "completion", "MOST_STEPS"),
    ("sets of overlapping patterns of keys", "key_kinds", "MOST_KINDS"),
    ("patterns beside `unevaluatedProperties`", "unevaluated", "MOST_PATTERNS"),
    ("`contains` beside `unevaluatedItems`", "unevaluated", "MOST_CONTAINS"),
    ("ranges of numbers, or of string lengths, in one place", "algebra", "MOST_PIECES"),
    ("digits of a number", "json_data", "_LONGEST_NUMBER"),
    ("states of numbers in one place", "decimal_automaton", "MOST_STATES"),
    ("`$ref`s that lead to nothing but another", "nodes", "_LONGEST_CHAIN"),
    ("states of one grammar", "grammar", "MOST_STATES"),
]  # fmt: skip


_PAGE = """\
# JSON Schema: what is enforced

Made by `python -m bench.conformance.keyword_table` from the code's own tables; a test compares. What cannot
be enforced is refused when the schema is read: `UnsupportedFeatureError` lists every place and its reason,
and `unsupported="ignore"` lists them in `.ignored` instead.

## Keywords

{keywords}

Any other keyword is unknown to every draft and is an annotation.

## Formats

Approximated: only texts of the format are written, but not all of them; a listed value (`enum`, `const`)
whose verdict is not certain is refused. A name that is not here is an annotation, listed in `.annotations`.

{formats}

## Numbers

Every value that a schema allows can be written without an exponent. With one, not in every spelling, where a
schema says more of a number than its sign (bounds, `multipleOf`, `type: integer`, excluded or listed values):
which spellings meet a bound is not a regular language.

- Both: scientific notation (`1e-06`, `1.5e+20`). Multiples are written so from where 17 digits leave none
  after the point (1e16 for integers), and only where some power of ten is a multiple: `3e99` is not written
  under `multipleOf: 3`.
- `numbers="plain"`: exponents as far as 64-bit floats go, and integers as digits only.
- `numbers="standard"`: besides, 0 with every exponent, and every mantissa with exponents from
  {least_exponent} to {most_exponent}; fewer where that takes too many states.

## Limits

Beyond a limit stands a `LimitExceededError` with the limit and what was given.

{limits}
"""


def page() -> str:
    """The whole page."""
    return _PAGE.format(
        keywords=_table(("keyword", "drafts", "what becomes of it"), _keywords()),
        formats=_table(("format", "enforced", "known to the drafts"), _formats()),
        limits=_table(("what", "at most"), _limits()),
        least_exponent=-STANDARD_EXPONENT,
        most_exponent=STANDARD_EXPONENT,
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple(":--" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def words_of_drafts() -> dict[str, list[int]]:
    """Every keyword that a meta-schema names, or that is enforced, and the drafts that have it."""
    found: dict[str, set[int]] = {}
    for uri, draft in DRAFTS.items():
        for schema in _meta_schemas(uri):
            for word in schema.get("properties", {}):
                found.setdefault(word, set()).add(draft)
    # The meta-schema of 2020-12 names what was given up, that of draft 7 forgot `writeOnly`.
    found["$recursiveAnchor"] = {2019}
    found["writeOnly"].add(7)
    for word in frozenset[str]().union(*KEYWORDS.values()):
        found[word] = {draft for draft, words in KEYWORDS.items() if word in words}
    return {
        word: sorted(drafts) for word, drafts in sorted(found.items(), key=lambda entry: entry[0].lower())
    }


def _meta_schemas(uri: str) -> list[Any]:
    """A meta-schema and those of its vocabularies."""
    for name in (uri, uri + "#"):
        found = REGISTRY.get(name)
        if found is not None:
            parts = found.contents.get("$vocabulary", {})
            named = [REGISTRY.get(part.replace("/vocab/", "/meta/")) for part in parts]
            return [found.contents, *(part.contents for part in named if part is not None)]
    return []


def _span(drafts: list[int]) -> str:
    known = list(WRITTEN)
    if drafts == known:
        return "all"
    if drafts == known[known.index(drafts[0]) : known.index(drafts[-1]) + 1] and len(drafts) > 1:
        return f"{WRITTEN[drafts[0]]} to {WRITTEN[drafts[-1]]}"
    return ", ".join(WRITTEN[draft] for draft in drafts)


def _keywords() -> Iterable[tuple[str, str, str]]:
    for word, drafts in words_of_drafts().items():
        if any(word in KEYWORDS[draft] for draft in drafts):
            verdict = "enforced" + (f": {NOTES[word]}" if word in NOTES else "")
        elif word in STRUCTURE:
            verdict = f"read: {STRUCTURE[word]}"
        else:
            verdict = "annotation"
        yield f"`{word}`", _span(drafts), verdict


def _formats() -> Iterable[tuple[str, str, str]]:
    for name in sorted(_BUILDERS):
        drafts = [draft for draft in WRITTEN if name in formats_of(draft)]
        yield f"`{name}`", "approximated" if is_approximated(name) else "exactly", _span(drafts)


def _limits() -> Iterable[tuple[str, str]]:
    for what, module, constant in LIMITS:
        value = getattr(import_module(f"tokentrellis.grammars.json_schema.{module}"), constant)
        yield what, f"{value:,}"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
