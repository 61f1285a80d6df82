"""A process that measures one engine, and the limits that hold around it.

In: an engine's name, a tokenizer, conditions; then problems, one at a time. Out: outcomes. The parent
waits for each outcome and looks at the clock and at the worker's resident memory; a worker that runs over a
limit is killed, a worker that dies is noticed, and either is written down as the outcome of that schema. What
the engine prints goes to a file, whose end becomes the reason of a crash.

Where the system can fork, a worker is a fork of the parent, which has the tokenizer loaded but never an
engine: so each worker is fresh, and ready in the time that the engine itself needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from . import engines
from .measure import CLOCKS, CRASH, MEMORY, TIMEOUT, Outcome, measure, resident_bytes
from .problems import Problem
from .tokenizer import Tokenizer

POLL_SECONDS = 0.05
SETUP_SECONDS = 300.0
REASON_CHARACTERS = 600
# Compiled once at set-up: what an engine imports or makes on first use is not TTFM.
WARM_UP = {"type": "null"}


@dataclass(frozen=True)
class Conditions:
    """Under which a schema is measured, the same for all engines.

    `seconds` of wall-clock time and `megabytes` of growth of resident memory are the limits for a schema with
    all its documents; `core` is the worker's core (None: any), `clock` a name in `measure.CLOCKS`.
    `warm`: each worker goes through its schemas once before they count, so that what an engine keeps of a
    vocabulary is there.
    """

    seconds: float = 10.0
    megabytes: float = 2048.0
    core: int | None = None
    clock: str = "wall"
    warm: bool = False


class WorkerSetupError(Exception):
    """The engine could not be set up, so nothing can be measured."""


class Worker:
    """A running worker. After an outcome by limit or crash it is `dead`, and a new one must be made.

    `setup_seconds` is what the engine took to build its vocabulary; loading the tokenizer is not in it.
    Raises WorkerSetupError if the engine cannot be set up.
    """

    def __init__(self, engine: str, tokenizer: Tokenizer, conditions: Conditions) -> None:
        self.engine = engine
        self.conditions = conditions
        self.dead = False
        # A raw array, not a message: the worker says where it is without waking the parent.
        self._position = multiprocessing.RawArray(ctypes.c_int, 1)
        descriptor, path = tempfile.mkstemp(prefix="maskbench-", suffix=".txt")
        os.close(descriptor)
        self._printed = Path(path)
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._connection, child = context.Pipe()
        arguments = (child, engine, tokenizer, conditions, self._position, self._printed)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        child.close()
        ready = self._receive(SETUP_SECONDS, float("inf"))
        if not isinstance(ready, tuple):
            reason = self._end(ready)
            raise WorkerSetupError(f"{engine}: the engine could not be set up: {reason}")
        self.setup_seconds: float = ready[0]
        self.version: str = ready[1]

    def measure(self, problem: Problem) -> Outcome:
        """The outcome of one problem, whatever happens to the worker."""
        self._position[0] = 0
        self._connection.send(problem)
        answer = self._receive(self.conditions.seconds, self.conditions.megabytes)
        if isinstance(answer, Outcome):
            return answer
        place = f"document {self._position[0] - 1}" if self._position[0] else "compiling"
        reason = f"{self._end(answer)} while {place}" if answer != CRASH else f"{place}: {self._end(answer)}"
        return Outcome(self.engine, problem.name, answer, reason, uses_pattern=problem.uses_pattern)

    def close(self) -> None:
        """End the worker in peace."""
        if not self.dead:
            with contextlib.suppress(BrokenPipeError):
                self._connection.send(None)
            self._process.join(5)
            self._end(None)

    def _receive(self, seconds: float, megabytes: float) -> Any:
        """What the worker sends next, or TIMEOUT, MEMORY or CRASH if it does not come to that."""
        deadline = monotonic() + seconds
        before = resident_bytes(self._process.pid)
        while True:
            if self._connection in wait([self._connection, self._process.sentinel], POLL_SECONDS):
                try:
                    return self._connection.recv()
                except (EOFError, ConnectionResetError):
                    return CRASH
            if not self._process.is_alive():
                return CRASH
            if monotonic() > deadline:
                return TIMEOUT
            now = resident_bytes(self._process.pid)
            if before is not None and now is not None and now - before > megabytes * 1e6:
                return MEMORY

    def _end(self, cause: str | None) -> str:
        """Kill what is left of the worker and give the reason in words."""
        self.dead = True
        if cause != CRASH:
            self._process.kill()
        self._process.join()
        self._connection.close()
        printed = self._printed.read_text(encoding="utf-8", errors="replace").strip()
        self._printed.unlink()
        if cause == TIMEOUT:
            return f"more than {self.conditions.seconds:g} s"
        if cause == MEMORY:
            return f"more than {self.conditions.megabytes:g} MB more memory"
        code = self._process.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"{how}: {printed[-REASON_CHARACTERS:]}" if printed else how


def _serve(
    connection: Connection,
    name: str,
    tokenizer: Tokenizer,
    conditions: Conditions,
    position: Any,
    printed: Path,
) -> None:
    """The worker's whole life: set the engine up, then answer problems until None comes."""
    file = printed.open("w", buffering=1)
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = file
    faulthandler.disable()  # its stack would push the engine's own last words out of the reason
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if conditions.core is not None:
        os.sched_setaffinity(0, {conditions.core})
    bitmask = np.zeros((1, (tokenizer.vocabulary_size + 31) // 32), dtype=np.int32)
    tokenizer.load()
    engines.find_module(name)
    start = perf_counter()
    engine = engines.create(name, tokenizer, bitmask)
    engine.fill(engine.matcher(engine.compile(WARM_UP)))
    setup_seconds = perf_counter() - start
    # The harness's own objects leave the collector's sight: an engine pays only for garbage that it makes.
    gc.collect()
    gc.freeze()
    _return_free_memory()
    connection.send((setup_seconds, engines.version(name)))
    while (problem := connection.recv()) is not None:
        gc.collect()
        preempted = _preemptions()
        outcome = measure(engine, problem, name, clock=CLOCKS[conditions.clock], progress=position)
        outcome.preemptions = _preemptions() - preempted
        connection.send(outcome)


def _return_free_memory() -> None:
    """Give back what the set-up freed: an engine that grows into it would seem to need no memory (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _preemptions() -> int:
    """How often the system took the core away from this process: what a noisy machine shows up by."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
