"""Patterns of real schemas, against `jsonschema-rs` on texts that the schemas' instances contain."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.errors import ConstraintError
from tokentrellis.grammars.regex import pattern_expression

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "maskbench_dev.jsonl.gz"

MOST_REFUSED = 1  # one back-reference


def patterns_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        if isinstance(schema.get("patternProperties"), dict):
            yield from schema["patternProperties"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from patterns_of(part)


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        yield from strings_of(list(value.values()))
    elif isinstance(value, list):
        for part in value:
            yield from strings_of(part)


@pytest.fixture(scope="module")
def schemas() -> list[dict[str, Any]]:
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not in ../shared/data")
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_nearly_all_patterns_are_accepted(schemas: list[dict[str, Any]]) -> None:
    patterns = {pattern for entry in schemas for pattern in patterns_of(entry["schema"])}
    refused = {}
    for pattern in patterns:
        try:
            pattern_expression(pattern, search=True)
        except ConstraintError as error:
            refused[pattern] = str(error)
    assert len(patterns) > 1000
    assert len(refused) <= MOST_REFUSED, refused


def mutations(text: str, generator: random.Random) -> Iterator[str]:
    yield text
    yield text + "\n"
    for _ in range(4):
        at = generator.randrange(len(text) + 1)
        character = generator.choice("aZ09 -_./:\u00e9\n" + text)
        yield generator.choice(
            [text[:at] + character + text[at:], text[:at] + text[at + 1 :], text[at:], text[:at]]
        )


def test_verdicts_agree_with_jsonschema_rs(schemas: list[dict[str, Any]]) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    generator = random.Random(20260719)
    n_verdicts = {True: 0, False: 0}
    entries = [entry for entry in schemas if any(patterns_of(entry["schema"]))]
    for entry in generator.sample(entries, min(len(entries), 60)):
        texts = {text for test in entry["tests"] for text in strings_of(test["data"]) if len(text) < 60}
        candidates = sorted({mutation for text in sorted(texts) for mutation in mutations(text, generator)})
        for pattern in sorted(set(patterns_of(entry["schema"])))[:10]:
            try:
                expression = pattern_expression(pattern, search=True)
                validator = jsonschema_rs.validator_for({"pattern": pattern})
            except (ConstraintError, jsonschema_rs.ValidationError):
                continue
            for text in generator.sample(candidates, min(len(candidates), 20)):
                verdict = validator.is_valid(text)
                n_verdicts[verdict] += 1
                assert matches(expression, text.encode()) == verdict, (pattern, text)
    assert min(n_verdicts.values()) > 100
