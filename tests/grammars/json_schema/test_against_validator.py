"""The grammar against `jsonschema_rs`: the same verdict on random instances, walks end in valid documents.

A document that repeats a key is not compared: undeclared keys may repeat, and a validator sees only the last.
"""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.json_schema import JsonSchemaGrammar, from_json_schema

from .generation import SCALARS, random_schema, random_value
from .walks import walk

SEEDS = range(60)
COMPOSITES: tuple[Any, ...] = ([], {}, [1, "a"], {"a": 1}, {"a": 1, "b": "ab"}, [[], {}])


def grammar_or_none(schema: Any, **options: Any) -> JsonSchemaGrammar | None:
    try:
        return from_json_schema(schema, **options)
    except UnsatisfiableError:
        return None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_verdict(seed: int) -> None:
    rng = random.Random(seed)
    schema = random_schema(rng)
    grammar = grammar_or_none(schema, whitespace="any", property_order="any", numbers="standard")
    validator = jsonschema_rs.validator_for(schema)
    for value in [*SCALARS, *COMPOSITES, *(random_value(rng) for _ in range(30))]:
        accepted = grammar is not None and grammar.accepts(json.dumps(value))
        assert accepted is validator.is_valid(value), (value, schema)


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_walk_ends_in_a_valid_document(seed: int, order: str) -> None:
    rng = random.Random(1000 + seed)
    schema = random_schema(rng)
    grammar = grammar_or_none(schema, property_order=order)
    if grammar is None:
        return
    validator = jsonschema_rs.validator_for(schema)
    for budget in (0, 2, 6, 15, 30):
        text = walk(grammar, rng, budget)
        if not repeats_a_key(text):
            assert validator.is_valid(json.loads(text)), (text, schema)


def repeats_a_key(text: str) -> bool:
    """Whether an object of the document has the same key twice."""
    repeated = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        repeated = repeated or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return repeated


def test_the_random_schemas_are_worth_it() -> None:
    """Most have documents, and both verdicts occur often: the tests above can fail."""
    verdicts = {True: 0, False: 0}
    for seed in SEEDS:
        rng = random.Random(seed)
        validator = jsonschema_rs.validator_for(random_schema(rng))
        for value in (*SCALARS, *COMPOSITES):
            verdicts[validator.is_valid(value)] += 1
    assert min(verdicts.values()) > sum(verdicts.values()) // 5
