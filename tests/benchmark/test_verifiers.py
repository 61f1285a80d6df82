"""The verifiers: constraints on texts, scores of values, long tasks whose answers follow from the prompt."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import tokentrellis as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.benchmark.constraints import KINDS, check_constraints, enforceable, holds, verify
from tokentrellis.benchmark.long_tasks import long_tasks
from tokentrellis.benchmark.scoring import (
    MISSING,
    _by_grammar,
    _by_jsonschema_rs,
    field_accuracy,
    parse,
    right_beginning,
)
from tokentrellis.benchmark.tasks import EXTRACTION, Task, carried_tasks, read_tasks

CASES: list[tuple[dict[str, Any], str, str]] = [  # (constraint, a text that obeys it, one that does not)
    ({"kind": "words", "exactly": 3}, "one two three", "one two"),
    ({"kind": "characters", "at_most": 4}, "abcd", "abcde"),
    ({"kind": "sentences", "at_least": 2}, "It is. It was.", "It is"),
    ({"kind": "items", "exactly": 2}, "- a\n- b", "- a\n- b\n- c"),
    ({"kind": "paragraphs", "exactly": 2}, "a\n\nb", "a\nb"),
    ({"kind": "lines", "at_most": 1}, "a\n", "a\nb"),
    ({"kind": "sections", "at_least": 1}, "# One\ntext", "#One"),
    ({"kind": "placeholders", "exactly": 1}, "Dear [name]", "Dear []"),
    ({"kind": "numbers", "exactly": 2}, "1.5 and 20", "1 2 3"),
    ({"kind": "capitalized words", "at_most": 1}, "THE end I", "THE END"),
    ({"kind": "occurrences", "text": "ab", "exactly": 2}, "ab Ab", "ab"),
    ({"kind": "letter", "letter": "z", "at_least": 2}, "Zz", "z"),
    ({"kind": "includes", "texts": ["lamp", "Desk"]}, "desk lamps", "desk"),
    ({"kind": "excludes", "texts": ["lamp"]}, "desk", "A Lamp"),
    ({"kind": "begins with", "text": "So"}, "  So it is", "so"),
    ({"kind": "ends with", "text": "end."}, "the end.\n", "the end"),
    ({"kind": "matches", "pattern": "[a-z]+"}, "abc", "abc1"),
    ({"kind": "one of", "texts": ["yes", "no"]}, " yes", "maybe"),
    ({"kind": "case", "case": "upper"}, "A 1 B", "A b"),
    ({"kind": "case", "case": "lower"}, "a 1 b", "1"),
    ({"kind": "case", "case": "title"}, "The End 1", "The end"),
    ({"kind": "quoted"}, '"a"', '"'),
    ({"kind": "json"}, '{"a": 1}', "{'a': 1}"),
]


@pytest.mark.parametrize(("spec", "right", "wrong"), CASES, ids=[case[0]["kind"] for case in CASES])
def test_each_kind_holds_and_breaks(spec: dict[str, Any], right: str, wrong: str) -> None:
    check_constraints([spec], "here")
    assert holds(spec, right)
    assert not holds(spec, wrong)


def test_every_kind_has_a_case() -> None:
    assert {case[0]["kind"] for case in CASES} == set(KINDS)


def test_loose_forgives_what_a_friendly_model_adds() -> None:
    spec = {"kind": "json"}
    (found,) = verify([spec], 'Sure, here it is:\n{"a": 1}\nAnything else?')
    assert (found["strict"], found["loose"]) == (False, True)
    (found,) = verify([{"kind": "begins with", "text": "So"}], "**So** be it")
    assert (found["strict"], found["loose"]) == (False, True)
    (found,) = verify([{"kind": "words", "exactly": 3}], "one two")
    assert (found["strict"], found["loose"]) == (False, False)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(CASES), st.text(max_size=40))
def test_what_holds_strictly_holds_loosely(case: tuple[dict[str, Any], str, str], text: str) -> None:
    (found,) = verify([case[0]], text)
    assert found["loose"] or not found["strict"]


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({}, "constraints must be a list"),
        ([{"kind": "colour"}], "must have a kind"),
        ([{"kind": "words"}], "needs one of exactly, at_least, at_most"),
        ([{"kind": "words", "exactly": -1}], "exactly is no value of its kind"),
        ([{"kind": "words", "exactly": True}], "exactly is no value of its kind"),
        ([{"kind": "words", "at_most": 3, "text": "a"}], "takes at_least, at_most, exactly"),
        ([{"kind": "includes"}], "takes texts"),
        ([{"kind": "includes", "texts": []}], "texts is no value of its kind"),
        ([{"kind": "matches", "pattern": "("}], "is no pattern"),
        ([{"kind": "case", "case": "camel"}], "case is no value of its kind"),
        ([{"kind": "json", "at_least": 1}], "takes nothing"),
    ],
)
def test_constraints_that_say_nothing_are_refused(constraints: Any, message: str) -> None:
    with pytest.raises(tt.ConstraintError, match=re.escape(message)):
        check_constraints(constraints, "here")


def test_what_a_length_can_enforce() -> None:
    length = enforceable([{"kind": "json"}, {"kind": "words", "at_least": 2, "at_most": 4}])
    assert length == tt.Length(words=(2, 4))
    assert enforceable([{"kind": "json"}]) is None


# -- scores


@pytest.mark.parametrize(
    ("expected", "found", "score"),
    [
        ({"a": 1, "b": [1, 2]}, {"a": 1.0, "b": [1, 2]}, 1.0),
        ({"a": 1, "b": 2}, {"a": 1}, 0.5),
        ({"a": 1}, {"a": 1, "b": 2}, 0.5),
        ({"a": True}, {"a": 1}, 0.0),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, 0.5),
        ({"a": 1}, MISSING, 0.0),
        ("text", "text", 1.0),
    ],
)
def test_fields(expected: Any, found: Any, score: float) -> None:
    assert field_accuracy(expected, found) == score


def test_right_beginning() -> None:
    assert right_beginning({"rows": [1, 2, 3, 4]}, {"rows": [1, 2, 9, 4]}) == 0.5
    assert right_beginning([1, 2], [1, 2, 3]) == 1
    assert right_beginning([1, 2], MISSING) == 0
    assert right_beginning({"a": 1, "b": 2}, {}) is None
    assert right_beginning({"rows": []}, {}) is None


JUDGED = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
SCHEMAS = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}, "required": ["a"]},
    {"type": "array", "items": {"type": "string", "maxLength": 2}, "minItems": 1},
    {"enum": [1, None, "a"]},
    {"type": ["string", "boolean"]},
]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(SCHEMAS), JUDGED, st.sampled_from([None, 1]))
def test_both_judges_agree(schema: Any, value: Any, indent: int | None) -> None:
    pytest.importorskip("jsonschema_rs")
    text = json.dumps(value, indent=indent)
    assert _by_grammar(schema, text) == _by_jsonschema_rs(schema, text)
    assert not _by_jsonschema_rs(schema, text + "}")
    assert not _by_grammar(schema, text + "}")


def test_what_is_no_json() -> None:
    assert parse("{") is MISSING
    assert parse("[" * 100_000) is MISSING
    assert parse("1") == 1


# -- long tasks: solved once more from the prompt alone


def solve_table(text: str) -> list[dict[str, Any]]:
    found = re.findall(r"(\w+ \w+) is (\d+) and lives in (\w+)\.", text)
    return [{"name": name, "age": int(age), "city": city} for name, age, city in found]


def solve_path(text: str) -> list[dict[str, Any]]:
    roads = {
        here: (by, there) for by, here, there in re.findall(r"A (\w+) leads from (\w+) to (\w+)\.", text)
    }
    place, goal = re.findall(r"Walk from (\w+) to (\w+),", text)[0]
    rows = []
    while place != goal:
        by, there = roads[place]
        rows.append({"from": place, "by": by, "to": there})
        place = there
    return rows


def solve_boxes(text: str) -> list[dict[str, Any]]:
    where = dict(re.findall(r"The (\w+) is in the (\w+) box\.", text))
    rows = []
    for thing, target in re.findall(r"Move the (\w+) to the (\w+) box\.", text):
        row = {"moved": thing, "out_of": where[thing], "into": target}
        where[thing] = target
        rows.append({**row, "in_box_now": list(where.values()).count(target)})
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_long_answers_follow_from_the_prompt_and_are_valid(seed: int) -> None:
    solvers = {"table": solve_table, "path": solve_path, "boxes": solve_boxes}
    tasks = list(long_tasks([1, 7, 40], seed))
    assert len({task.name for task in tasks}) == len(tasks) == 9
    for task in tasks:
        kind = task.name.split()[1]
        assert {"rows": solvers[kind](task.text)} == task.expected
        assert _by_jsonschema_rs(task.schema, json.dumps(task.expected))
        assert not _by_jsonschema_rs(task.schema, json.dumps({"rows": task.expected["rows"][1:]}))
        assert right_beginning(task.expected, task.expected) == 1
    assert [task.to_json() for task in long_tasks([1, 7, 40], seed)] == [task.to_json() for task in tasks]


# -- files of tasks


def test_the_carried_tasks_are_right_by_their_own_schema() -> None:
    tasks = read_tasks(EXTRACTION)
    assert len(tasks) == 100
    for task in tasks:
        assert _by_jsonschema_rs(task.schema, json.dumps(task.expected)), task.name
    assert len(carried_tasks(5)) == len(carried_tasks(6)) - 1
    assert [task.name for task in carried_tasks(5, seed=1)] != [
        task.name for task in carried_tasks(5, seed=2)
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "must be an object"),
        ("{", "is not JSON"),
        ('{"prompt": "a", "text": "b", "schema": true}', "needs either 'prompt' or 'text'"),
        ('{"prompt": "a"}', "nothing is asked for"),
        ('{"prompt": " ", "schema": true}', "'prompt' must be a text"),
        ('{"text": "a", "expected": 1}', "'text' is put into words with a schema"),
        ('{"prompt": "a", "schema": []}', "'schema' must be an object or a Boolean"),
        ('{"prompt": "a", "schema": true, "answer": 1}', "has unknown members, got ['answer']"),
        (
            '{"prompt": "a", "schema": true, "name": "x"}\n{"prompt": "b", "schema": true, "name": "x"}',
            "before",
        ),
        ("\n", "has no task"),
    ],
)
def test_bad_lines_are_refused(line: str, message: str, tmp_path: Any) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(line)
    with pytest.raises(tt.ConstraintError, match=re.escape(message)):
        read_tasks(path)


def test_a_task_goes_through_json(tmp_path: Any) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"prompt": "a", "expected": null}\n\n{"prompt": "b", "schema": true}\n')
    first, second = read_tasks(path)
    assert first.has_expected
    assert not second.has_expected
    assert Task(**json.loads(json.dumps(first.to_json()))) == first
    assert Task(**json.loads(json.dumps(second.to_json()))) == second
