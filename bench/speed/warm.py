"""A schema that was met before: mask and commit in its second document.

In: schemas with documents (a file of MaskBench, else those of `compile`). Out: a table of microseconds for
one token: the average over all tokens, and the averages of single documents. Each engine compiles a schema
and reads its first valid document, with a mask for each token; then, in turns, every engine reads the next
valid document (the first again where there is no other), and that is timed. Tokentrellis is there twice: the
mask copied into the caller's row, as the peers do, and its row asked for by number (`Matcher.row_id`), which
is what a program does that keeps the rows, on a GPU for example. A step in which nothing is done is timed
with the others: the loop and the clock are in all figures.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokentrellis.benchmark.maskbench.engines import Engine, EngineError
from tokentrellis.benchmark.maskbench.measure import replay
from tokentrellis.benchmark.maskbench.problems import Problem, encode_problem, read_lines

from .compile import lines as described_lines
from .setting import OURS, Setting, hide_from_collector
from .tables import Table

LARGEST = 1000  # properties of the schemas that are used without a file
BY_NUMBER, NOTHING = "tokentrellis, row by number", "nothing"
AVERAGE, DOCUMENTS = "all tokens, average", "average of a document"


class _ByNumber(Engine[Any, Any]):
    """Asks for the number of the row, and has it written only where it has not met that number."""

    def __init__(self, engine: Engine[Any, Any]) -> None:
        self.engine = engine
        self.bitmask, self.words, self.eos_token_ids = engine.bitmask, engine.words, engine.eos_token_ids
        self.met: set[int] = set()

    def compile(self, schema: Any) -> Any:
        self.met.clear()
        return self.engine.compile(schema)

    def matcher(self, grammar: Any) -> Any:
        return grammar.matcher()

    def fill(self, matcher: Any) -> None:
        row_id = matcher.row_id()
        if row_id not in self.met:
            matcher.fill_bitmask(self.bitmask)
            if row_id >= 0:
                self.met.add(row_id)

    def commit(self, matcher: Any, token_id: int) -> bool:
        return self.engine.commit(matcher, token_id)

    def allows(self, token_id: int) -> bool:
        return True  # the row lies elsewhere; the commit checks

    def eos_allowed(self, matcher: Any) -> bool:
        return True


class _Nothing(_ByNumber):
    """A step that costs what the loop costs."""

    def fill(self, matcher: Any) -> None:
        return None

    def commit(self, matcher: Any, token_id: int) -> bool:
        return True


def run(setting: Setting, *, data: Path | None = None, sample: int | None = None) -> list[Table]:
    """The table; schemas that an engine refuses are left out for all."""
    columns = (OURS, BY_NUMBER, *setting.engines, NOTHING)
    table = Table(
        "Mask and commit, second document of a schema", "us", setting.reference, (), columns, paired=True
    )
    engines: dict[str, Engine[Any, Any]] = {name: setting.create(name) for name in setting.engines}
    if OURS in engines:
        engines |= {BY_NUMBER: _ByNumber(engines[OURS]), NOTHING: _Nothing(engines[OURS])}
    lines = (
        read_lines(data, sample=sample, seed=setting.seed) if data else described_lines(LARGEST, setting.seed)
    )
    problems = [encode_problem(line, setting.tokenizer) for line in lines]
    hide_from_collector()
    draw = random.Random(setting.seed)
    totals = dict.fromkeys(engines, 0)
    n_tokens = 0
    for problem in problems:
        samples = time_second(engines, problem, draw.sample(list(engines), len(engines)))
        if samples is None:
            continue
        n_tokens += len(samples[next(iter(engines))])
        for name, times in samples.items():
            table.add(DOCUMENTS, name, sum(times) / len(times))
            totals[name] += sum(times)
    for name, total in totals.items():
        table.add(AVERAGE, name, total / max(n_tokens, 1))
    return [table]


def time_second(
    engines: dict[str, Engine[Any, Any]], problem: Problem, order: Sequence[str]
) -> dict[str, list[int]] | None:
    """The samples of each engine in the second document; None unless all of them take both documents."""
    valid = [instance for instance in problem.instances if instance.valid and instance.token_ids]
    if not valid:
        return None
    grammars = {}
    for name, engine in engines.items():
        try:
            grammars[name] = engine.compile(problem.schema)
        except EngineError:
            return None
        if not replay(engine, grammars[name], valid[0], [])[0]:
            return None
    samples: dict[str, list[int]] = {name: [] for name in engines}
    for name in order:
        if not replay(engines[name], grammars[name], valid[-1 if len(valid) == 1 else 1], samples[name])[0]:
            return None
    return samples
