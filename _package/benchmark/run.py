"""A run: every engine on every task, each outcome written down as soon as it is known, resumable.

In: tasks, engines, a setting, a folder. Out: in the folder `outcomes.jsonl`, the journal, one line for each
outcome, and `run.json`, what was run. Each engine has a process of its own with the model in it, and they
take turns; a task over its limits, or a crash of an engine, ends that process, is its outcome, and costs the
next task a fresh one. A run that was interrupted goes on where it stopped; a half-written last line is
dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ..grammars.errors import ConstraintError
from .generation import Outcome, Setting, Writer
from .isolation import DONE, Isolated, Limits
from .tasks import Task

JOURNAL = "outcomes.jsonl"
DESCRIPTION = "run.json"
SETUP = Limits(seconds=600.0, megabytes=1e6)
"""For loading the model and setting the engine up."""


class Journal:
    """The outcomes of a folder, to which lines are only ever added."""

    def __init__(self, folder: Path, question: dict[str, Any], about: dict[str, Any]) -> None:
        """Raises ConstraintError for a folder that belongs to another question, or cannot be written."""
        self.path = folder / JOURNAL
        description = folder / DESCRIPTION
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if description.exists():
                check_same_question(description, question)
            # First beside it: a run that is killed here must find its description whole.
            beside = folder / f"{DESCRIPTION}.new"
            beside.write_text(json.dumps({"question": question, **about}, indent=2) + "\n")
            beside.replace(description)
            self.outcomes = read_journal(self.path) if self.path.exists() else {}
            self._file: TextIO = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise ConstraintError(
                f"{folder}: cannot be written ({error.strerror or error})", advice="choose another --out"
            ) from error

    def has(self, engine: str, task: str) -> bool:
        """Whether this outcome is known."""
        return (engine, task) in self.outcomes

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down."""
        self.outcomes[outcome.engine, outcome.task] = outcome
        self._file.write(json.dumps(asdict(outcome), separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """No more outcomes."""
        self._file.close()


def read_journal(path: Path) -> dict[tuple[str, str], Outcome]:
    """The outcomes by engine and task; a last line that was cut off is removed from the file.

    Raises:
        ConstraintError: a line is no outcome.
    """
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    outcomes = []
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], 1):
        try:
            outcomes.append(Outcome(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise ConstraintError(
                f"{path}, line {number}: is no outcome ({error})",
                got=line[:80].decode("utf-8", "replace"),
                advice="take the line out, and the run does this task again",
            ) from error
    return {(outcome.engine, outcome.task): outcome for outcome in outcomes}


def read_description(path: Path) -> dict[str, Any]:
    """What was run. Raises ConstraintError if the file does not say it, OSError if it is not there."""
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(description["question"], dict):
            return description
    except (ValueError, KeyError, TypeError):
        pass
    raise ConstraintError(f"{path}: is no description of a run", advice="choose another --out")


def check_same_question(path: Path, question: dict[str, Any]) -> None:
    """Engines may come and go between two parts of a run, the question may not change."""
    known = read_description(path)["question"]
    for name, value in question.items():
        if known.get(name) != value:
            raise ConstraintError(
                f"{path}: {name} was {known.get(name)!r} in the run that is there",
                got=value,
                advice="give the same value, or choose another --out",
            )


def run(
    tasks: Sequence[Task],
    engines: Sequence[str],
    setting: Setting,
    journal: Journal,
    limits: Limits,
    *,
    takes_turns: bool = True,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> None:
    """Do what the journal does not have yet.

    takes_turns: all engines on a task, then on the next one: what else the machine does falls on all of them
        alike. Each then keeps a model in memory; False: one engine after the other, and one model.
    report: is called for each new outcome.
    """
    bench = Bench(setting, limits, takes_turns)
    try:
        for task, missing in left_to_do(tasks, engines, journal, takes_turns=takes_turns):
            for engine in missing:
                (outcome,) = bench.write(task, [engine])
                journal.add(outcome)
                report(outcome)
    finally:
        bench.close()


def left_to_do(
    tasks: Sequence[Task], engines: Sequence[str], journal: Journal, *, takes_turns: bool
) -> Iterator[tuple[Task, list[str]]]:
    """The tasks, each with engines whose outcome the journal does not have, in the order of `run`."""
    groups = [(task, list(engines)) for task in tasks]
    if not takes_turns:
        groups = [(task, [engine]) for engine in engines for task in tasks]
    for task, those in groups:
        missing = [engine for engine in those if not journal.has(engine, task.name)]
        if missing:
            yield task, missing


class Bench:
    """The engines of one machine, each in a process of its own, which starts when it is needed.

    takes_turns: all may hold a model at the same time; False: one.
    """

    def __init__(self, setting: Setting, limits: Limits, takes_turns: bool) -> None:
        self._setting = setting
        self._limits = limits
        self._takes_turns = takes_turns
        self._workers: dict[str, Isolated] = {}

    def write(self, task: Task, engines: Sequence[str]) -> list[Outcome]:
        """What these engines make of a task, one after the other."""
        return [_outcome_of(self._worker(engine), engine, task) for engine in engines]

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers.values():
            worker.close()

    def _worker(self, engine: str) -> Isolated:
        if engine not in self._workers:
            self._workers[engine] = Isolated(self.make_writer(engine), self._limits, is_fresh=True)
        if not self._takes_turns:
            for other, worker in self._workers.items():
                if other != engine:
                    worker.close()
        return self._workers[engine]

    def make_writer(self, engine: str) -> Callable[[Any], Any]:
        """What runs in the process of an engine."""
        return Writer(engine, self._setting)


def _outcome_of(isolated: Isolated, engine: str, task: Task) -> Outcome:
    if not isolated.is_running:
        answer = isolated.call(None, limits=SETUP)
        if answer.status != DONE:
            raise ConstraintError(
                f"{engine}: the model or the engine cannot be set up ({answer.status}: {answer.reason})",
                advice="look above for what it printed",
            )
    answer = isolated.call(task.to_json())
    if answer.status == DONE:
        return Outcome(**answer.value)
    return Outcome(
        *(engine, task.name, task.group, answer.status), answer.reason, has_schema=task.schema is not None
    )
