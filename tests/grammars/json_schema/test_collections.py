"""Schemas from elsewhere: the JSON-Schema-Test-Suite (2020-12), and a sample of the schemas of MaskBench.

Both lie beside the repository, in `../shared/data`; where they are absent the tests are skipped.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tokentrellis.grammars.errors import LimitExceededError, UnsatisfiableError, UnsupportedFeatureError
from tokentrellis.grammars.json_schema import from_json_schema

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
SUITE = DATA / "json_schema_test_suite_2020-12.json.gz"
MASKBENCH = DATA / "maskbench_dev.jsonl.gz"
EVERY = 97  # of the schemas of MaskBench, one in so many

# Tests of the suite that are not met, and why: (file, description of the group).
NOT_MET = {
    ("multipleOf.json", "float division = inf"),  # a multipleOf with nine digits needs too many states
    ("vocabulary.json", "schema that uses custom metaschema with with no validation vocabulary"),
}


@pytest.mark.skipif(not SUITE.exists(), reason=f"{SUITE} is absent")
def test_suite_of_2020_12() -> None:
    with gzip.open(SUITE, "rt", encoding="utf-8") as lines:
        suite = json.load(lines)
    counts: Counter[str] = Counter()
    wrong = []
    for group in suite["groups"]:
        file = group["file"]
        # Formats are asserted here; the required tests of format.json say that they are annotations.
        if file.startswith("optional") or file == "format.json" or (file, group["description"]) in NOT_MET:
            continue
        try:
            grammar = from_json_schema(
                group["schema"],
                whitespace="any",
                property_order="any",
                numbers="standard",
                registry=suite["remotes"],
            )
        except UnsatisfiableError:
            grammar = None
        for test in group["tests"]:
            accepted = grammar is not None and grammar.accepts(json.dumps(test["data"], ensure_ascii=False))
            counts["tests"] += 1
            if accepted is not test["valid"]:
                wrong.append((file, group["description"], test["description"]))
    assert not wrong
    assert counts["tests"] > 1100


@pytest.mark.skipif(not MASKBENCH.exists(), reason=f"{MASKBENCH} is absent")
def test_sample_of_maskbench() -> None:
    counts: Counter[str] = Counter()
    wrong = []
    with gzip.open(MASKBENCH, "rt", encoding="utf-8") as lines:
        sample = [json.loads(line) for index, line in enumerate(lines) if index % EVERY == 0]
    for entry in sample:
        try:
            grammar = from_json_schema(entry["schema"], whitespace="any", property_order="any")
        except (UnsupportedFeatureError, LimitExceededError):
            counts["refused"] += 1
            continue
        except UnsatisfiableError:
            grammar = None
        for test in entry["tests"]:
            wrong.extend(verdict(entry["name"], grammar, test))
            counts["instances"] += 1
    assert not wrong
    assert counts["instances"] > 2 * len(sample)
    assert counts["refused"] <= len(sample) // 20


def verdict(name: str, grammar: Any, test: dict[str, Any]) -> list[str]:
    """The name, if the grammar does not say about an instance what its label says."""
    accepted = grammar is not None and grammar.accepts(json.dumps(test["data"], ensure_ascii=False))
    return [] if accepted is test["valid"] else [f"{name}: {json.dumps(test['data'])[:200]}"]
