"""A writer without a model, for the tests of a run: what a task asks for in its prompt is what happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokentrellis.benchmark.generation import Outcome
from tokentrellis.benchmark.run import Bench
from tokentrellis.benchmark.tasks import Task
from tokentrellis.grammars.errors import ConstraintError


class FakeWriter:
    """Notes each call in a file: one line, so that a test can count what was done twice."""

    def __init__(self, engine: str, setting: Any) -> None:
        self.engine = engine
        self.notes = Path(setting.model)

    def __call__(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        with self.notes.open("a") as notes:
            notes.write(f"{self.engine} {given['name']}\n")
        if given["prompt"] == "crash":
            os._exit(7)
        if given["prompt"] == "hang":
            time.sleep(1000)
        return asdict(Outcome(self.engine, given["name"], given["group"], "written", text=given["prompt"]))


class FakeBench(Bench):
    """On Ray: the worker, not only the engine, dies once where a prompt says so."""

    def write(self, task: Task, engines: Sequence[str]) -> list[Outcome]:
        died = Path(self._setting.model or "").with_name("died")
        if task.prompt == "die" and not died.exists():
            died.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        if task.prompt == "refuse":
            raise ConstraintError("the engine cannot be set up")
        return super().write(task, engines)

    def make_writer(self, engine: str) -> FakeWriter:
        return FakeWriter(engine, self._setting)
