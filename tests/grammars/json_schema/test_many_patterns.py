"""Many `patternProperties`: the kinds of keys against `jsonschema_rs`, in the recognizer and in the core."""

from __future__ import annotations

import json
import random
import string
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis import Vocabulary, allocate_bitmask, compile_grammar
from tokentrellis.grammars.emptiness import is_empty
from tokentrellis.grammars.expressions import complement, intersect
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.key_kinds import MOST_MONITORS, kinds_of
from tokentrellis.grammars.json_schema.objects import ObjectShape
from tokentrellis.grammars.json_schema.records import ObjectRecord
from tokentrellis.grammars.json_schema.string_sets import pattern_language
from tokentrellis.grammars.utf8 import ANY_TEXT

TYPES = ["integer", "string", "boolean", "null", "array", "object"]
SAMPLES: list[Any] = [1, "a", True, None, [], {}]


def many_patterns(rng: random.Random, overlapping: bool) -> dict[str, Any]:
    """A pattern for each letter at the front; overlapping: some letters at the end have one too."""
    patterns = {f"^{letter}": {"type": rng.sample(TYPES, 4)} for letter in string.ascii_lowercase}
    if overlapping:
        patterns |= {f"{letter}$": {"type": rng.sample(TYPES, 3)} for letter in "xyz"}
    return {
        "type": "object",
        "patternProperties": patterns,
        "additionalProperties": rng.choice([True, False]),
    }


def few_texts(rng: random.Random) -> dict[str, Any]:
    """Patterns that match but a few keys each."""
    patterns: dict[str, Any] = {
        f"^{letter}:(en|nl)$": {"type": rng.sample(TYPES, 2)} for letter in string.ascii_lowercase
    }
    patterns["^a:[a-z]*$"] = {"type": rng.sample(TYPES, 4)}
    return {
        "type": "object",
        "patternProperties": patterns,
        rng.choice(["minProperties", "maxProperties"]): 2,
    }


def documents(rng: random.Random, count: int) -> list[dict[str, Any]]:
    letters = string.ascii_lowercase
    keys = [a + b for a in letters for b in "axyz1"] + [
        f"{a}:{b}" for a in letters for b in ("en", "nl", "de")
    ]
    return [
        {key: rng.choice(SAMPLES) for key in rng.sample(["", "1", *keys], rng.randint(0, 3))}
        for _ in range(count)
    ]


def schemas(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [many_patterns(rng, False), many_patterns(rng, True), few_texts(rng)]


@pytest.mark.parametrize("order", ["any", "schema"])
def test_the_same_verdict(order: Any) -> None:
    rng = random.Random(1)
    verdicts = set()
    for schema in schemas(2):
        validator = jsonschema_rs.validator_for(schema)
        grammar = from_json_schema(schema, property_order=order)
        for value in documents(rng, 40):
            valid = validator.is_valid(value)
            verdicts.add(valid)
            assert grammar.accepts(json.dumps(value)) is valid, (value, schema)
    assert verdicts == {True, False}


def test_the_core_tells_the_kinds_apart() -> None:
    rng = random.Random(3)
    vocabulary = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    mask = allocate_bitmask(1, 257)
    for schema in schemas(4):
        validator = jsonschema_rs.validator_for(schema)
        compiled = compile_grammar(from_json_schema(schema), vocabulary)
        for value in documents(rng, 30):
            matcher = compiled.matcher()
            accepted = True
            for byte in json.dumps(value).encode():
                matcher.fill_bitmask(mask)
                accepted = bool(mask[0, byte >> 5] >> (byte & 31) & 1)
                if not accepted:
                    break
                matcher.accept_token(byte)
            assert (accepted and matcher.is_accepting) is validator.is_valid(value), (value, schema)


def test_patterns_of_few_keys_are_no_monitors() -> None:
    grammar = from_json_schema(few_texts(random.Random(0)))
    values = grammar._values
    record = ObjectRecord()
    for letter in string.ascii_lowercase:
        record.alls[f"^{letter}:(en|nl)$", 1] = None
    shape = ObjectShape(record, values, True)
    assert len(shape.order) == 2 * len(string.ascii_lowercase)
    assert shape._monitors() == {}


@pytest.mark.parametrize("seed", range(5))
def test_kinds_by_brute_force(seed: int) -> None:
    """The kinds are those of all combinations that are not empty, and their languages are right."""
    rng = random.Random(seed)
    patterns = rng.sample(["^a", "^b", "b$", "ab", "^[ab]*$", "^.{2}$", "c", "^ab$"], 4)
    languages = {pattern: pattern_language(pattern) for pattern in patterns}
    found = dict(kinds_of(languages, ANY_TEXT))
    for subset in range(1 << len(patterns)):
        matched = frozenset(p for place, p in enumerate(patterns) if subset >> place & 1)
        parts = [languages[p] if p in matched else complement(languages[p]) for p in patterns]
        expected = intersect(ANY_TEXT, *parts)
        assert is_empty(expected) is (matched not in found)
        if matched in found:
            assert is_empty(intersect(expected, complement(found[matched])))
            assert is_empty(intersect(found[matched], complement(expected)))


def test_the_families_exceed_the_bits_of_the_core() -> None:
    assert len(many_patterns(random.Random(0), False)["patternProperties"]) > MOST_MONITORS
