"""A process with limits: calls a function there, and says what came of it whatever happens.

In: a function of one argument, then arguments. Out: `Answer`s. The parent looks at the clock and at the
worker's resident memory while it waits; a worker over a limit is killed, a dead one is noticed, and the next
argument gets a fresh one. A worker is a fork of the parent, so what the parent has loaded costs nothing. The
limits are of wall-clock time and of growth of memory, as in `maskbench`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from .conformance.report import Finding, Report
from .maskbench.measure import resident_bytes

POLL_SECONDS = 0.02
DONE, TIMEOUT, MEMORY, CRASH = "done", "timeout", "memory", "crash"


@dataclass(frozen=True)
class Limits:
    """Seconds and megabytes of growth for one call."""

    seconds: float = 10.0
    megabytes: float = 2048.0


@dataclass(frozen=True)
class Answer:
    """What came of a call: DONE with the value, or why there is none; what it took of the limits."""

    status: str
    value: Any = None
    reason: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


class Isolated:
    """Calls `function(argument)` in a worker process; both sides of a call must pickle.

    is_fresh: the worker is a new interpreter, not a fork: for libraries with threads, such as torch. The
        function must pickle too.

    An exception of the function ends its worker: it is a crash. Errors that are answers are to be returned.
    """

    def __init__(self, function: Callable[[Any], Any], limits: Limits, *, is_fresh: bool = False) -> None:
        self._function = function
        self._limits = limits
        self._method = "spawn" if is_fresh else "fork"
        self._process: Any = None
        self._connection: Connection | None = None

    @property
    def is_running(self) -> bool:
        """Whether a worker is there; the next call starts one otherwise."""
        return self._process is not None

    def call(self, argument: Any, *, limits: Limits | None = None) -> Answer:
        """The answer to one argument. limits: other ones, for this call."""
        limits = limits or self._limits
        if self._process is None:
            self._start()
        assert self._connection is not None
        start, before, most = monotonic(), resident_bytes(self._process.pid) or 0, 0
        self._connection.send(argument)
        while True:
            seconds = monotonic() - start
            most = max(most, (resident_bytes(self._process.pid) or 0) - before)
            if self._connection in wait([self._connection, self._process.sentinel], POLL_SECONDS):
                try:
                    value = self._connection.recv()
                except (EOFError, ConnectionResetError):
                    return Answer(CRASH, reason=self._end(), seconds=seconds, megabytes=most / 1e6)
                return Answer(DONE, value, seconds=seconds, megabytes=most / 1e6)
            if not self._process.is_alive():
                return Answer(CRASH, reason=self._end(), seconds=seconds, megabytes=most / 1e6)
            if seconds > limits.seconds:
                self._end()
                reason = f"more than {limits.seconds:g} s"
                return Answer(TIMEOUT, reason=reason, seconds=seconds, megabytes=most / 1e6)
            if most > limits.megabytes * 1e6:
                self._end()
                reason = f"more than {limits.megabytes:g} MB"
                return Answer(MEMORY, reason=reason, seconds=seconds, megabytes=most / 1e6)

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        context: Any = multiprocessing.get_context(self._method)
        self._connection, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(child, self._function), daemon=True)
        self._process.start()
        child.close()

    def _end(self) -> str:
        """Kill what is left; how it ended."""
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        code = self._process.exitcode or 0
        assert self._connection is not None
        self._connection.close()
        self._process = self._connection = None
        return signal.Signals(-code).name if code < 0 else f"exit status {code}, see above"


def run_each(
    report: Report, lines: list[dict[str, Any]], function: Callable[[Any], Any], limits: Limits
) -> None:
    """Each line of a collection in a worker, one after the other; the `Outcome`s go into the report."""
    isolated = Isolated(function, limits)
    try:
        for line in lines:
            answer = isolated.call(line)
            if answer.status == DONE:
                report.add(answer.value)
            else:
                report.counts[f"schemas: {answer.status}"] += 1
                report.failures.append(Finding(answer.status, line["name"], answer.reason))
    finally:
        isolated.close()


def _serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError):
        while True:
            connection.send(function(connection.recv()))
