"""Tasks: lines of a JSONL file, or those that the package carries, in; what a model is asked to write out.

A line is an object with `prompt` (given to the model as it is) or `text` (put into words for the model, with
its schema); and, as far as there is one: `schema`, what the output has to be; `expected`, the right value;
`constraints` (`constraints.py`); `group`, under which it is reported; `name`.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..grammars.errors import ConstraintError
from ..sources import read_file, write_json
from .constraints import check_constraints

EXTRACTION = Path(__file__).with_name("extraction.jsonl")
"""A hundred short texts with a schema and the right value each, written by hand."""

_MEMBERS = ("name", "group", "prompt", "text", "schema", "expected", "constraints")
NOT_GIVEN = {"not": "given"}
"""Stands for an expected value that a task does not have: JSON has no other word for nothing."""


@dataclass(frozen=True)
class Task:
    """One output that is wanted. schema None: free text. `expected` is NOT_GIVEN where nothing is known."""

    name: str
    group: str
    prompt: str = ""
    text: str = ""
    schema: Any = None
    expected: Any = field(default_factory=lambda: NOT_GIVEN)
    constraints: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_expected(self) -> bool:
        """Whether the right value is known."""
        return bool(self.expected != NOT_GIVEN)

    def to_json(self) -> dict[str, Any]:
        """The task as `Task(**...)` takes it again."""
        return asdict(self)


def read_tasks(path: Path) -> list[Task]:
    """The tasks of a file.

    Raises:
        ConstraintError: a line is no task, or has a name that was there before.
    """
    tasks: dict[str, Task] = {}
    for number, line in enumerate(read_file(path).split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConstraintError(f"{place}: is not JSON ({error})", got=line[:80]) from error
        task = make_task(given, place, f"line {number}", path.stem)
        if task.name in tasks:
            raise ConstraintError(f"{place}: has a name that was there before", got=task.name)
        tasks[task.name] = task
    if not tasks:
        raise ConstraintError(f"{path}: has no task", advice="write one JSON object a line")
    return list(tasks.values())


def make_task(given: Any, place: str, name: str, group: str) -> Task:
    """A checked task of one line."""
    if not isinstance(given, dict):
        raise ConstraintError(f"{place}: must be an object", got=given)
    unknown = sorted(set(given) - set(_MEMBERS))
    if unknown:
        raise ConstraintError(
            f"{place}: has unknown members", got=unknown, advice=f"use {', '.join(_MEMBERS)}"
        )
    if ("prompt" in given) == ("text" in given):
        raise ConstraintError(f"{place}: needs either 'prompt' or 'text'", got=sorted(given))
    for member in ("name", "group", "prompt", "text"):
        if member in given and not (isinstance(given[member], str) and given[member].strip()):
            raise ConstraintError(f"{place}: {member!r} must be a text", got=given[member])
    if "text" in given and "schema" not in given:
        raise ConstraintError(
            f"{place}: 'text' is put into words with a schema", advice="add 'schema', or write 'prompt'"
        )
    if "schema" in given and not isinstance(given["schema"], (dict, bool)):
        raise ConstraintError(f"{place}: 'schema' must be an object or a Boolean", got=given["schema"])
    check_constraints(given.get("constraints", []), place)
    if not {"schema", "expected", "constraints"} & set(given):
        raise ConstraintError(
            f"{place}: nothing is asked for", advice="add 'schema', 'expected' or 'constraints'"
        )
    return Task(**{"name": name, "group": group, **given})


def carried_tasks(sample: int | None = None, seed: int = 0) -> list[Task]:
    """The tasks that the package carries: short extraction, long lists, texts of a stated length.

    sample: so many of the extraction tasks, drawn by the seed.
    """
    extraction = read_tasks(EXTRACTION)
    if sample is not None and sample < len(extraction):
        chosen = sorted(random.Random(seed).sample(range(len(extraction)), sample))
        extraction = [extraction[place] for place in chosen]
    return [*extraction, *_length_tasks()]


def _length_tasks() -> Iterator[Task]:
    subjects = ("Ann Lee ordered", "The report says", "Our shop opens", "On Monday we met")
    for place, subject in enumerate(subjects):
        limits: tuple[dict[str, Any], ...] = (
            {"kind": "words", "at_least": 5 + place, "at_most": 8 + place},
            {"kind": "characters", "at_least": 30, "at_most": 40 + 5 * place},
            {"kind": "sentences", "exactly": 1 + place % 2},
        )
        for spec in limits:
            yield Task(f"length {place} {spec['kind']}", "length", prompt=subject, constraints=[spec])


def digest_of(tasks: list[Task]) -> str:
    """What tells two lists of tasks apart."""
    text = "\n".join(write_json(task.to_json()) for task in tasks)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
