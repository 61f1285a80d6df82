"""The official JSON Schema Test Suite: the verdict on each document, in several spellings.

In: a gzipped file `{draft, groups: [{file, description, schema, tests}], remotes: {URI: schema}}`, which is
the suite's folder of one draft in one piece. Out: a report. A test agrees if every spelling of its document
gets the suite's verdict. Files in `optional/` are counted apart, those of `optional/format/` with formats
asserted, as their authors mean them; everywhere else `format` is an
annotation, which is the default of the standard.

Source: github.com/json-schema-org/JSON-Schema-Test-Suite.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from ...grammars.errors import ConstraintError, UnsatisfiableError
from .documents import Reader, spellings
from .report import Finding, Report, named

REQUIRED, OPTIONAL, FORMAT = "required", "optional", "optional, format"


def read_suite(path: Path) -> dict[str, Any]:
    """The suite as data."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        suite: dict[str, Any] = json.load(file)
        return suite


def run_suite(suite: dict[str, Any], *, seed: int = 0, only: str = "") -> Report:
    """Every group whose file name has `only` in it."""
    report = Report(f"JSON Schema Test Suite, {suite['draft']}")
    agreeing, tests = Counter[str](), Counter[str]()
    rng = random.Random(seed)
    for group in suite["groups"]:
        if only not in group["file"]:
            continue
        kind = kind_of(group["file"])
        wrong = disagreements(group, suite["remotes"], rng)
        tests[kind] += len(group["tests"])
        agreeing[kind] += len(group["tests"]) - len({finding.where for finding in wrong})
        report.failures += wrong
    for kind in (REQUIRED, OPTIONAL, FORMAT):
        if tests[kind]:
            report.counts[f"{kind}: tests"] = tests[kind]
            report.counts[f"{kind}: agreeing"] = agreeing[kind]
    return report


def kind_of(file: str) -> str:
    """Required, optional, or optional with formats asserted."""
    if file.startswith(("optional/format/", "optional/format.")):
        return FORMAT
    return OPTIONAL if file.startswith("optional/") else REQUIRED


def disagreements(group: dict[str, Any], remotes: dict[str, Any], rng: random.Random) -> list[Finding]:
    """The tests of a group whose verdict is not the suite's, once each."""
    place = f"{group['file']}: {group['description']}"
    formats = "assertion" if kind_of(group["file"]) == FORMAT else "annotation"
    schema = group["schema"]
    reader = None
    try:
        reader = Reader(schema, registry=remotes, formats=formats)
    except UnsatisfiableError:
        pass  # so it has no valid document: all tests have to be of invalid ones
    except ConstraintError as error:
        reason = named(error)
        return [
            Finding("refused", f"{place}: {test['description']}", reason, schema) for test in group["tests"]
        ]
    found = []
    for test in group["tests"]:
        wrong = _wrong_spelling(reader, test, rng)
        if wrong is not None:
            kind, reason, text = wrong
            found.append(Finding(kind, f"{place}: {test['description']}", reason, schema, text))
    return found


def _wrong_spelling(
    reader: Reader | None, test: dict[str, Any], rng: random.Random
) -> tuple[str, str, str] | None:
    """(kind, reason, text) of the first spelling with another verdict; None if all agree."""
    for name, text in spellings(test["data"], rng):
        try:
            accepted = reader is not None and reader.accepts(text)
        except ConstraintError as error:
            return "error while reading", f"{name}: {named(error)}", text
        if accepted != test["valid"]:
            if accepted:
                return "invalid accepted", name, text
            place = "unsatisfiable" if reader is None else f"from byte {reader.refused_at(text)}"
            return "valid refused", f"{name}, {place}", text
    return None
