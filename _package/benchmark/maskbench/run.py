"""A run: every engine on every problem, batch by batch, each outcome written down as soon as it is known.

In: problems, engines, limits, a folder. Out: `outcomes.jsonl` in that folder, the journal, one line for each
outcome with its raw times (a few bytes for each token), and `run.json`, what was run. The engines take turns
on each batch, on the same core, each in a fresh worker: noise and clock speed are shared, and no engine
profits from a longer life than another. A run that was interrupted goes on where it stopped (`resume`); a
half-written last line is dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from .measure import Outcome
from .problems import Problem, encode_problem
from .tokenizer import Tokenizer
from .worker import Conditions, Worker

JOURNAL = "outcomes.jsonl"
DESCRIPTION = "run.json"


@dataclass(frozen=True)
class Setup:
    """One start of an engine: how long its vocabulary took, and its version."""

    engine: str
    version: str
    setup_seconds: float


@dataclass
class Records:
    """All that a journal holds: outcomes by engine and schema, in the order of the run."""

    outcomes: dict[str, dict[str, Outcome]]
    setups: list[Setup]


class Journal:
    """The file of outcomes, to which lines are only ever added."""

    def __init__(self, folder: Path, description: dict[str, Any], *, resume: bool) -> None:
        """Raises FileExistsError for a journal without `resume`, ValueError for one of another run."""
        self.path = folder / JOURNAL
        about = folder / DESCRIPTION
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size and not resume:
            raise FileExistsError(f"{self.path}: exists already; go on with --resume or choose another --out")
        if about.exists() and resume:
            _check_same_run(about, description)
        about.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        self.records = read_journal(self.path) if self.path.exists() else Records({}, [])
        self._file: TextIO = self.path.open("a", encoding="utf-8")

    def has(self, engine: str, name: str) -> bool:
        return name in self.records.outcomes.get(engine, {})

    def add(self, outcome: Outcome) -> None:
        self.records.outcomes.setdefault(outcome.engine, {})[outcome.name] = outcome
        self._write("outcome", outcome.to_json())

    def add_setup(self, setup: Setup) -> None:
        self.records.setups.append(setup)
        self._write("setup", vars(setup))

    def close(self) -> None:
        self._file.close()

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        self._file.write(json.dumps({"kind": kind, **record}, separators=(",", ":")) + "\n")
        self._file.flush()


def read_journal(path: Path) -> Records:
    """Read a journal; a last line that was cut off in the middle is removed from the file."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    records = Records({}, [])
    for line in data[:whole].splitlines():
        record = json.loads(line)
        if record.pop("kind") == "setup":
            records.setups.append(Setup(**record))
        else:
            outcome = Outcome.from_json(record)
            records.outcomes.setdefault(outcome.engine, {})[outcome.name] = outcome
    return records


def _check_same_run(about: Path, description: dict[str, Any]) -> None:
    """The engines may change between two parts of a run, the question may not."""
    known = json.loads(about.read_text(encoding="utf-8"))
    for key, value in description["question"].items():
        if known["question"].get(key) != value:
            raise ValueError(
                f"{about}: --resume: {key} was {known['question'].get(key)!r} and is now {value!r}; "
                "give the same value or choose another --out"
            )


def run(
    lines: Sequence[dict[str, Any]],
    engines: Sequence[str],
    tokenizer: Tokenizer,
    journal: Journal,
    conditions: Conditions,
    *,
    batch: int = 125,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> None:
    """Measure what the journal does not have yet. `report` is called for each new outcome."""
    for first in range(0, len(lines), batch):
        chosen = [
            line
            for line in lines[first : first + batch]
            if any(not journal.has(e, line["name"]) for e in engines)
        ]
        problems = [encode_problem(line, tokenizer) for line in chosen]
        for engine in engines:
            missing = [problem for problem in problems if not journal.has(engine, problem.name)]
            start = partial(Worker, engine, tokenizer, conditions)
            for outcome in measure_batch(start, missing, tokenizer.token_bytes, journal, conditions.warm):
                journal.add(outcome)
                report(outcome)


def measure_batch(
    start: Callable[[], Worker],
    problems: Sequence[Problem],
    token_bytes: list[bytes],
    journal: Journal,
    warm: bool = False,
) -> Iterator[Outcome]:
    """One engine on one batch, with a new worker at the start and after each one that died.

    warm: each worker goes through all problems once before they count. Every schema is compiled anew
    then, unless the engine keeps a cache of its own; what kills a worker in the rehearsal has that as its
    outcome.
    """
    worker: Worker | None = None
    fatal: dict[str, Outcome] = {}
    try:
        for problem in problems:
            while worker is None or worker.dead:
                worker = start()
                journal.add_setup(Setup(worker.engine, worker.version, worker.setup_seconds))
                if warm:
                    _rehearse(worker, [other for other in problems if other.name not in fatal], fatal)
            outcome = fatal.get(problem.name) or worker.measure(problem)
            for failure in outcome.failures:
                failure.byte = problem.instances[failure.test].byte_offset(failure.token, token_bytes)
            yield outcome
    finally:
        if worker is not None:
            worker.close()


def _rehearse(worker: Worker, problems: Sequence[Problem], fatal: dict[str, Outcome]) -> None:
    """Go through the problems without a record, but for one that the worker dies of: `fatal` gets it."""
    for problem in problems:
        outcome = worker.measure(problem)
        if worker.dead:
            fatal[problem.name] = outcome
            return
