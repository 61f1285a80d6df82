"""Predicates: what is right, what may become right; no prefix of a right text is ever refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.samplers.predicates import (
    JsonPredicate,
    PythonPredicate,
    RegexPredicate,
    SmilesPredicate,
    SqlPredicate,
    close_json,
)

PYTHON = '''\
import os


@staticmethod
def f(a, *, b=(1,
               2)):
    """Text
    of several lines."""
    try:
        x = 1 + \\
            2
        if a: y = {'k': [a, "(b"],
                   }
        else:
            y = lambda z: f"{z!r}"
    except (OSError, ValueError) as error:  # why
        raise
    finally:
        pass
    match a:
        case [1, *_]:
            return None
    return x
'''
SQL = [
    "SELECT name FROM people",
    "select p.name, COUNT(*) AS n from people p join cities c on p.city = c.id where (age > 3) "
    "group by p.name;",
    "WITH old AS (SELECT name FROM people WHERE age > 60) SELECT name FROM old WHERE name <> ')'",
]
SCHEMA = {"people": ["name", "age", "city"], "cities": {"id": "INT", "title": "TEXT"}}
SMILES = [
    "c1ccccc1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[N+](C)(C)CC(=O)[O-]",
    "OC[C@@H](O)C=O",
    "[Na+].[Cl-]",
    "C%10CC%10",
]


def refused_prefixes(predicate: Any, text: str) -> list[str]:
    assert predicate.complete(text)
    return [text[:i] for i in range(len(text) + 1) if not predicate.prefix(text[:i])]


def test_python() -> None:
    predicate = PythonPredicate()
    assert refused_prefixes(predicate, PYTHON) == []
    for wrong in ("def f(:\n", "x = = 2\n", "  x\n", "if x:\npass\n", "x = '\n", "return 1\nx = )\n"):
        assert not predicate.complete(wrong)
    for wrong in ("def f(:\n", "x = = 2\ny", "  x\n", "if x:\ny\n", "while True:\n  break\n  else\n"):
        assert not predicate.prefix(wrong)
    assert not predicate.complete("x\0")


def test_regular_expressions() -> None:
    predicate = RegexPredicate(r"(?P<tag>[a-z]+)-(?!0)\d{2}-(?P=tag)")
    assert refused_prefixes(predicate, "ab-12-ab") == []
    for wrong in ("ab-0", "ab-12-b", "AB", "ab-12-abc"):
        assert not predicate.prefix(wrong)
    assert not predicate.complete("ab-12-a")
    with pytest.raises(tt.ArgumentValueError, match="pattern"):
        RegexPredicate("(")


def order(value: Any) -> bool:
    return value["paid"] <= value["total"]


def test_json_rules_are_heard_as_early_as_they_can_be() -> None:
    predicate = JsonPredicate(order, final_rules=[lambda value: len(value["items"]) == 2])
    assert refused_prefixes(predicate, '{"total": 20, "paid": 15, "items": [1, {"a": "}"}]}') == []
    assert predicate.prefix('{"total": 20, "paid": 3'), "30 may come"
    assert predicate.prefix('{"total": 20, "paid": 30')
    assert not predicate.prefix('{"total": 20, "paid": 30,')
    assert not predicate.prefix('{"paid": 30, "total": 20}')
    assert not predicate.complete('{"total": 20, "paid": 15, "items": [1]}')
    assert predicate.complete('{"items": [1, 2]}'), "a rule about what is not there says nothing"
    assert not predicate.complete('{"total": 1')
    for wrong in ((), (3,)):
        with pytest.raises(tt.ConstraintError):
            JsonPredicate(*wrong)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab"\\{}[]:,é', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"{,', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(value=VALUES, indent=st.sampled_from([None, 1]))
def test_beginnings_of_json_are_closed(value: Any, indent: int | None) -> None:
    """Every beginning of a container gives JSON, and all of it gives the value."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    for length in range(len(text) + 1):
        closed = close_json(text[:length])
        if isinstance(value, list | dict) and length:
            assert closed is not None
            assert isinstance(json.loads(closed), type(value))
    if isinstance(value, list | dict):
        assert json.loads(close_json(text) or "") == value


def test_sql() -> None:
    pytest.importorskip("sqlglot")
    predicate = SqlPredicate(SCHEMA, dialect="sqlite")
    for text in SQL:
        assert refused_prefixes(predicate, text) == []
    for wrong in (
        "SELECT nme FROM people",
        "SELECT count(*) FROM persons",
        "SELECT people.title FROM people",
        "DROP TABLE people",
        "SELECT name FROM people; SELECT name FROM people",
        "SELECT name FROM people WHERE",
        "",
    ):
        assert not predicate.complete(wrong)
    for wrong in ("DROP", "SELECT name)", "SELECT 1; x"):
        assert not predicate.prefix(wrong)
    with pytest.raises(tt.ArgumentValueError, match="dialect"):
        SqlPredicate(SCHEMA, dialect="klingon")


def test_smiles() -> None:
    pytest.importorskip("partialsmiles")
    predicate = SmilesPredicate()
    for text in SMILES:
        assert refused_prefixes(predicate, text) == []
    for wrong in ("C1CC", "F(F)F", "c1cc1", "CX", ""):
        assert not predicate.complete(wrong)
    for wrong in ("CC)", "F(F)", "CX"):
        assert not predicate.prefix(wrong)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(tt.ArgumentValueError, match=r"tokentrellis\[sql\]"):
        SqlPredicate(SCHEMA)


def test_with_a_grammar_and_a_sampler(byte_vocabulary: tt.Vocabulary) -> None:
    """A rule across fields beside a grammar, from a model that knows of neither."""
    grammar = tt.from_regex(r'\{"low":[123],"high":[123]\}')
    compiled = tt.compile_grammar(grammar, byte_vocabulary)
    model = tt.FunctionModel(lambda prefix: [-5.55] * 257, vocab_size=257)
    predicate = JsonPredicate(lambda value: value["low"] < value["high"])
    proposal = tt.AdaptiveRejectionSampler(predicate=predicate)
    import torch

    run = tt.SequentialMonteCarlo(200, proposal=proposal).run(
        model,
        tt.Constraint(compiled, predicate=predicate, max_new_tokens=30),
        torch.Generator().manual_seed(0),
    )
    found = {tuple(json.loads(text).values()): share for text, share in run.posterior.items()}
    assert set(found) == {(1, 2), (1, 3), (2, 3)}
    assert all(abs(share - 1 / 3) < 0.15 for share in found.values())


def test_rules_answer_yes_or_no() -> None:
    """One that forgets to return would refuse everything, one that returns a value would refuse nothing."""
    assert JsonPredicate(lambda value: np.bool_(value["a"] > 1)).complete('{"a": 2}')
    for wrong in (lambda value: None, lambda value: value["a"]):
        with pytest.raises(tt.ArgumentTypeError, match="a rule must answer True or False of"):
            JsonPredicate(wrong).complete('{"a": 2}')
    with pytest.raises(tt.ArgumentTypeError, match="final_rules must be a list"):
        JsonPredicate(final_rules=bool)  # type: ignore[arg-type]


def test_a_query_in_brackets() -> None:
    predicate = SqlPredicate({"orders": ["id"]})
    for text in ("(SELECT id FROM orders)", "(SELECT id FROM orders) UNION (SELECT id FROM orders)"):
        assert predicate.complete(text)
        assert all(predicate.prefix(text[:end]) for end in range(len(text) + 1))


@pytest.mark.parametrize("columns", ["id", 3, None])
def test_columns_are_a_list(columns: Any) -> None:
    with pytest.raises(tt.ArgumentTypeError, match=r"schema\['orders'\] must be a list of columns"):
        SqlPredicate({"orders": columns})


def test_a_rule_that_fails_is_shown_the_value() -> None:
    predicate = JsonPredicate(lambda value: value["a"] < value["b"])
    with pytest.raises(tt.ArgumentTypeError, match=r"of 7, got TypeError.*; give the schema as"):
        predicate.complete("7")


@pytest.mark.parametrize("text", ["true", " false ", "null", "-7.5e3", '"a\\n"', "", "  "])
def test_values_without_brackets(text: str) -> None:
    predicate = JsonPredicate(lambda value: True)
    assert all(predicate.prefix(text[:end]) for end in range(len(text) + 1))
    for wrong in ("nope", "True", "NaN", "x", "+1"):
        assert not predicate.prefix(wrong)
        assert not predicate.complete(wrong)
