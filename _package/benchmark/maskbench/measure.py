"""The clock: one engine, one schema, all its documents.

In: an engine and a `Problem`. Out: an `Outcome`: whether the engine was right, where it was not, and the
times in nanoseconds. Each call of the engine is timed by itself with `perf_counter_ns`; looking up the
token's bit is outside the clock. Everything here is the same for all engines; `idle_step_ns` is
what it costs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableSequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any

from .engines import Engine, EngineError
from .problems import Instance, Problem

Clock = Callable[[], int]  # nanoseconds
# Wall is what a user waits for. Where others use the machine too, they make its tail; there `cpu`, the time
# that the process itself ran, is steadier. It costs more to read, which every step then contains.
CLOCKS: dict[str, Clock] = {"wall": perf_counter_ns, "cpu": process_time_ns}

PASS = "pass"
COMPILE_ERROR = "compile error"
WRONG = "wrong"
TIMEOUT = "timeout"
CRASH = "crash"
MEMORY = "memory"

VALID_REFUSED = "valid refused"
INVALID_ACCEPTED = "invalid accepted"
MASK_FAILED = (
    "mask failed"  # an error of the engine on an invalid document: neither accepted nor properly refused
)


@dataclass
class Failure:
    """A document on which the engine was wrong. `token` counts from 0; EOS is the one after the last."""

    test: int
    kind: str
    token: int
    reason: str
    byte: int = -1


@dataclass
class Outcome:
    """What one engine made of one schema. Times are nanoseconds, absent where the worker was killed."""

    engine: str
    name: str
    status: str
    reason: str = ""
    failures: list[Failure] = field(default_factory=list)
    compile_ns: int | None = None
    ttfm_ns: int | None = None
    tbm_ns: list[int] = field(default_factory=list)
    memory_growth: int | None = None
    preemptions: int | None = None
    uses_pattern: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Outcome:
        return cls(**{**record, "failures": [Failure(**failure) for failure in record["failures"]]})


def measure(
    engine: Engine[Any, Any],
    problem: Problem,
    name: str = "",
    *,
    clock: Clock = perf_counter_ns,
    progress: MutableSequence[int] | None = None,
) -> Outcome:
    """Compile the schema, replay its documents. `progress[0]` says where: 0 compiling, then 1 + document."""
    outcome = Outcome(name, problem.name, PASS, uses_pattern=problem.uses_pattern)
    position: MutableSequence[int] = [0] if progress is None else progress
    position[0] = 0
    before = resident_bytes(os.getpid())
    try:
        start = clock()
        grammar = engine.compile(problem.schema)
        compiled = clock()
        matcher = engine.matcher(grammar)
        engine.fill(matcher)
        first_mask = clock()
    except EngineError as error:
        outcome.status, outcome.reason = COMPILE_ERROR, str(error)
        return outcome
    outcome.compile_ns, outcome.ttfm_ns = compiled - start, first_mask - start

    for number, instance in enumerate(problem.instances):
        position[0] = number + 1
        accepted, token, reason = replay(engine, grammar, instance, outcome.tbm_ns, clock)
        kind = _judge(instance.valid, accepted)
        if kind is not None:
            outcome.failures.append(Failure(number, kind, token, reason))
    after = resident_bytes(os.getpid())  # the grammar still lives
    if before is not None and after is not None:
        outcome.memory_growth = after - before
    if outcome.failures:
        first = outcome.failures[0]
        outcome.status, outcome.reason = WRONG, f"test {first.test}: {first.kind}: {first.reason}"
    return outcome


def resident_bytes(process_id: int | None) -> int | None:
    """Resident memory of a process, None where there is no /proc (there the memory limit does not act)."""
    try:
        pages = Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def idle_step_ns(clock: Clock) -> int:
    """What a step costs in which the engine does nothing: the median, by the same calls as in `replay`."""

    def nothing(*arguments: object) -> bool:
        return True

    samples = []
    for token_id in range(2001):
        start = clock()
        nothing(None)
        filled = clock()
        resumed = clock()
        nothing(None, token_id)
        committed = clock()
        samples.append(filled - start + committed - resumed)
    return sorted(samples)[len(samples) // 2]


def replay(
    engine: Engine[Any, Any],
    grammar: Any,
    instance: Instance,
    samples: list[int],
    clock: Clock = perf_counter_ns,
) -> tuple[bool | None, int, str]:
    """Feed one document; one time sample for each token tried is appended to `samples`.

    Gives (accepted, token at which the replay ended, reason); accepted is None where the engine failed.
    """
    fill, commit, allows = engine.fill, engine.commit, engine.allows
    matcher = engine.matcher(grammar)
    token = 0
    try:
        for token, token_id in enumerate(instance.token_ids):
            start = clock()
            fill(matcher)
            filled = clock()
            if not allows(token_id):
                samples.append(filled - start)
                return False, token, "the mask forbids the token"
            resumed = clock()
            taken = commit(matcher, token_id)
            committed = clock()
            samples.append(filled - start + committed - resumed)
            if not taken:
                return False, token, "the mask allows the token, but it cannot be committed"
        token = len(instance.token_ids)
        if not engine.eos_allowed(matcher):
            return False, token, "the text may not end here"
    except EngineError as error:
        return None, token, str(error)
    return True, token, "accepted to the end"


def _judge(valid: bool, accepted: bool | None) -> str | None:
    if valid:
        return None if accepted else VALID_REFUSED
    if accepted is None:
        return MASK_FAILED
    return INVALID_ACCEPTED if accepted else None
