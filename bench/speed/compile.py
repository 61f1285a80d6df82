"""Compile time by size of the schema, and the set-up of a vocabulary beside what the tokenizer itself needs.

Schemas of 10 to 10,000 properties, of deep nesting, and with large enumerations are compiled by MaskBench's
workers: a new process for each engine in each repetition, so that no engine has met the schema, with a limit
of time and memory; within it the schemas come in an order drawn anew. Three figures: compilation; the time to
the first mask (compilation, matcher, mask); and the time to the end of a first document, compilation
included, which is where an engine pays that puts work off (documents use up to `MOST_KEYS` of the
properties). The set-up of the vocabulary begins with the tokenizer loaded and reaches to the first mask of a
trivial schema, in a new process that has loaded the engine; beside it stands the time in which transformers
loads the tokenizer. It is measured for the vocabulary given and for one made twice as large.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from tokentrellis.benchmark.maskbench.measure import CRASH, MEMORY, PASS, TIMEOUT, Outcome
from tokentrellis.benchmark.maskbench.problems import Problem, encode_problem
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder
from tokentrellis.benchmark.maskbench.worker import Conditions, Worker

from .setting import NewProcessError, Setting, create_engine, hide_from_collector, in_new_process
from .synthetic import LEAST_TOKENS, double_tokenizer, write_tokenizer
from .tables import Table
from .workload import WORDS

MOST_KEYS = 20
PROPERTIES = (10, 100, 1_000, 10_000)
LEVELS = (10, 100)
MEMBERS = (100, 1_000, 10_000)
TOKENIZER = "transformers"  # the column of the tokenizer itself


def lines(largest: int, seed: int) -> list[dict[str, Any]]:
    """MaskBench's lines `{name, schema, tests}`, each with one valid document, in the order of the report."""
    shapes: list[tuple[str, Sequence[int], Callable[[int, random.Random], tuple[Any, Any]]]] = [
        ("properties", PROPERTIES, with_properties),
        ("levels", LEVELS, with_levels),
        ("members of an enum", MEMBERS, with_members),
    ]
    result = []
    for kind, sizes, make in shapes:
        for size in sizes:
            if size <= largest:
                schema, document = make(size, random.Random(f"{seed} {kind} {size}"))
                tests = [{"valid": True, "data": document}]
                result.append({"name": f"{size:,} {kind}", "schema": schema, "tests": tests})
    return result


def with_properties(size: int, draw: random.Random) -> tuple[Any, Any]:
    """An object, every tenth property required (ten at most), values of all kinds; the document has some."""
    kinds: list[tuple[Any, Any]] = [
        ({"type": "string"}, "some text"),
        ({"type": "integer"}, 17),
        ({"type": "string", "maxLength": 40}, "short"),
        ({"type": "boolean"}, True),
        ({"enum": ["red", "green", "blue"]}, "green"),
        ({"type": "array", "items": {"type": "number"}}, [1.5, 2]),
        ({"type": ["string", "null"]}, None),
    ]
    names = [f"{draw.choice(WORDS)}_{draw.choice(WORDS)}_{number}" for number in range(size)]
    chosen = {name: draw.choice(kinds) for name in names}
    required = names[:: max(10, size // 10)]
    shown = set(required) | set(draw.sample(names, k=min(size, MOST_KEYS - len(required))))
    schema = {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in chosen.items()},
        "required": required,
        "additionalProperties": False,
    }
    return schema, {name: value for name, (_, value) in chosen.items() if name in shown}


def with_levels(size: int, draw: random.Random) -> tuple[Any, Any]:
    """Objects in objects."""
    schema: dict[str, Any] = {"type": "integer"}
    document: Any = 1
    for level in reversed(range(size)):
        name, other = f"{draw.choice(WORDS)}_{level}", f"{draw.choice(WORDS)}_note"
        schema = {
            "type": "object",
            "properties": {other: {"type": "string"}, name: schema},
            "required": [name],
            "additionalProperties": False,
        }
        document = {name: document}
    return schema, document


def with_members(size: int, draw: random.Random) -> tuple[Any, Any]:
    """A list of members of a large enumeration."""
    members = [f"{' '.join(draw.choices(WORDS, k=3))} {number}" for number in range(size)]
    return {"type": "array", "items": {"enum": members}}, draw.sample(members, k=5)


def run(
    setting: Setting, *, rounds: int = 5, largest: int = 10_000, doubled: bool = True, seconds: float = 60.0
) -> list[Table]:
    """Tables: compilation, first mask, first document, set-up of the vocabulary."""
    described = lines(largest, setting.seed)
    order = tuple(line["name"] for line in described)
    compiled, first_mask, document = (
        Table(title, "ms", setting.reference, order, tuple(setting.engines), paired=True)
        for title in ("Compilation", "Time to the first mask", "Compilation and first document")
    )
    setup = Table("Set-up of the vocabulary", "ms", TOKENIZER, paired=True)
    problems = [encode_problem(line, setting.tokenizer) for line in described]
    conditions = Conditions(seconds=seconds)
    hopeless: set[tuple[str, str]] = set()  # engine and schema: over a limit once, not tried again
    for repetition in range(rounds):
        random.Random(setting.seed + repetition).shuffle(problems)
        for name in setting.engines:
            missing = [problem for problem in problems if (name, problem.name) not in hopeless]
            for outcome in outcomes(name, missing, setting.tokenizer, conditions):
                if outcome.status in (TIMEOUT, CRASH, MEMORY):
                    hopeless.add((name, outcome.name))
                keep(outcome, name, compiled, first_mask, document)
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        tiny, double = Path(temporary) / "tiny", Path(temporary) / "double"
        write_tokenizer(tiny, LEAST_TOKENS, setting.seed)
        tokenizers = [setting.tokenizer]
        if doubled:
            try:
                double_tokenizer(setting.tokenizer.folder, double, setting.seed)
                tokenizers.append(TokenizerFolder(double))
            except ValueError as error:
                setup.leave_out("twice as many tokens", TOKENIZER, str(error))
        time_setups(setting, tokenizers, TokenizerFolder(tiny), setup, rounds)
    return [compiled, first_mask, document, setup]


def outcomes(
    name: str, problems: Sequence[Problem], tokenizer: TokenizerFolder, conditions: Conditions
) -> Iterator[Outcome]:
    """What a new worker (or several, if one dies) makes of the problems."""
    worker = Worker(name, tokenizer, conditions)
    try:
        for problem in problems:
            if worker.dead:
                worker = Worker(name, tokenizer, conditions)
            yield worker.measure(problem)
    finally:
        worker.close()


def keep(outcome: Outcome, name: str, compiled: Table, first_mask: Table, document: Table) -> None:
    """Put an outcome into the tables. An engine that refuses the document has compiled something else."""
    if outcome.status == PASS and outcome.compile_ns is not None and outcome.ttfm_ns is not None:
        compiled.add(outcome.name, name, outcome.compile_ns)
        first_mask.add(outcome.name, name, outcome.ttfm_ns)
        # The first mask is in both, the second time as a mask that was met before: microseconds.
        document.add(outcome.name, name, outcome.ttfm_ns + sum(outcome.tbm_ns))
        return
    for table in (compiled, first_mask, document):
        table.leave_out(outcome.name, name, f"{outcome.status}: {outcome.reason}")


def time_setups(
    setting: Setting,
    tokenizers: Sequence[TokenizerFolder],
    tiny: TokenizerFolder,
    table: Table,
    rounds: int,
) -> None:
    """Each engine's vocabulary in a new process; between them transformers reads the tokenizer."""
    names = list(dict.fromkeys(name.partition("+")[0] for name in setting.engines))
    tiny.load()
    for tokenizer in tokenizers:
        tokenizer.load()
        case = f"{tokenizer.vocabulary_size:,} tokens"
        for _ in range(rounds):
            start = perf_counter_ns()
            _ = TokenizerFolder(tokenizer.folder).huggingface
            table.add(case, TOKENIZER, perf_counter_ns() - start)
            for name in names:
                try:
                    table.add(case, name, in_new_process(_set_up, name, tokenizer, tiny))
                except NewProcessError as error:
                    table.leave_out(case, name, str(error))


def _set_up(name: str, tokenizer: TokenizerFolder, tiny: TokenizerFolder) -> int:
    """Nanoseconds to the first mask of a trivial schema, in a process that knows a tiny vocabulary."""
    tiny.load()  # where processes are spawned
    tokenizer.load()
    create_engine(name, tiny)
    hide_from_collector()
    start = perf_counter_ns()
    create_engine(name, tokenizer)
    return perf_counter_ns() - start
