"""Masks for many sequences at once, and checks without a mask.

Sequences of one grammar, or of several in turn, walk through documents of their own, each beginning at
another place. In each round every engine fills all rows, in one round by a loop over the sequences, in the
next by its call for a batch; then, off the clock, each sequence goes on by its token. A figure is the time of
a round divided by the rows; the first walk through the documents is not counted. Peers get as many threads as
`threads` says (one by default; our call releases the interpreter lock and uses one). Checks are measured on
one sequence along a document: one token (`allows_token`), and a draft of eight tokens that is tried and taken
back, in nanoseconds for a byte of text.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

import numpy as np
from tokentrellis.benchmark.maskbench.engines import Engine, EngineError

from .batch_calls import KNOWN, Calls
from .setting import Setting, hide_from_collector
from .tables import Table
from .workload import orders_schema, orders_text, refusal

ROWS = (1, 8, 64, 256)
DRAFT = 8
ITEMS = 3  # orders in a document
SAME, DIFFERENT = "same grammar", "different grammars"
WAYS = ("loop", "batch call")
CHECK, DRAFTED = "one token", f"draft of {DRAFT} tokens, tried and taken back"


@dataclass
class Walker:
    """A sequence of one engine: its matcher goes through a document again and again."""

    engine: Engine[Any, Any]
    grammar: Any
    token_ids: list[int]
    place: int = 0
    matcher: Any = field(init=False)

    def __post_init__(self) -> None:
        start = self.place
        self.restart()
        while self.place < start:
            self.go_on()

    def restart(self) -> None:
        self.matcher = self.engine.matcher(self.grammar)
        self.place = 0

    def go_on(self) -> None:
        if self.place == len(self.token_ids):
            self.restart()
        if not self.engine.commit(self.matcher, self.token_ids[self.place]):
            raise EngineError(f"refuses token {self.place} of a valid document")
        self.place += 1


Documents = list[tuple[str, list[int]]]  # the mark of the schema, the tokens
Grammars = dict[str, dict[str, Any]]  # engine -> mark -> grammar


def run(
    setting: Setting,
    *,
    rounds: int = 200,
    rows: tuple[int, ...] = ROWS,
    n_grammars: int = 16,
    threads: int = 1,
) -> list[Table]:
    """Tables: masks by number of rows, checks by kind."""
    columns = tuple(setting.engines)
    masks = Table("Masks for a batch, for one row", "us", setting.reference, (), columns)
    checks = Table("Checks without a mask", "ns/byte", setting.reference, (), columns)
    engines = {name: setting.create(name) for name in setting.engines}
    for kind, marks in ((SAME, [""]), (DIFFERENT, [f"k{number}_" for number in range(n_grammars)])):
        documents = make_documents(setting, marks, max(rows))
        cases = [f"{kind}, {way}, {n_rows}" for n_rows in rows for way in WAYS]
        grammars: Grammars = {}
        for name, engine in engines.items():
            compiled = compile_all(name, engine, marks, documents)
            if isinstance(compiled, str):
                for case in cases:
                    masks.leave_out(case, name, compiled)
                continue
            grammars[name] = compiled
        for n_rows in rows:
            walkers = {
                name: make_walkers(engines[name], compiled, documents[:n_rows], setting.seed)
                for name, compiled in grammars.items()
            }
            time_masks(walkers, masks, f"{kind}, {{}}, {n_rows}", rounds, threads)
        if kind == SAME:
            time_checks(setting, engines, grammars, documents, checks, rounds, threads)
    return [masks, checks]


def make_documents(setting: Setting, marks: list[str], n_rows: int) -> Documents:
    """One for each row, the schemas in turn."""
    draw = random.Random(setting.seed)
    chosen = [marks[number % len(marks)] for number in range(n_rows)]
    return [(mark, setting.tokenizer.encode(orders_text(draw, mark, ITEMS))) for mark in chosen]


def compile_all(
    name: str, engine: Engine[Any, Any], marks: list[str], documents: Documents
) -> dict[str, Any] | str:
    """A grammar for each mark, or why the engine cannot take part. Two documents of each are tried."""
    if name.partition("+")[0] not in KNOWN:
        return "no calls for batches are known"
    compiled: dict[str, Any] = {}
    for mark in marks:
        try:
            compiled[mark] = engine.compile(orders_schema(mark))
        except EngineError as error:
            return str(error)
    for mark, token_ids in documents[: 2 * len(marks)]:
        reason = refusal(engine, compiled[mark], token_ids)
        if reason is not None:
            return reason
    return compiled


def make_walkers(
    engine: Engine[Any, Any], compiled: dict[str, Any], documents: Documents, seed: int
) -> list[Walker]:
    """The same places for every engine."""
    draw = random.Random(seed)
    return [
        Walker(engine, compiled[mark], token_ids, draw.randrange(len(token_ids)))
        for mark, token_ids in documents
    ]


def make_calls(name: str, engine: Engine[Any, Any], n_rows: int, threads: int) -> Calls:
    bitmask = np.zeros((n_rows, engine.bitmask.shape[1]), dtype=np.int32)
    return KNOWN[name.partition("+")[0]](engine, bitmask, threads)


def time_masks(walkers: dict[str, list[Walker]], table: Table, case: str, rounds: int, threads: int) -> None:
    """Loop and batch call in turn; the first walk through the documents is not counted."""
    calls = {name: make_calls(name, group[0].engine, len(group), threads) for name, group in walkers.items()}
    longest = max((len(walker.token_ids) for group in walkers.values() for walker in group), default=0)
    hide_from_collector()
    for number in range(-longest, 2 * rounds):
        for name, group in walkers.items():
            fill = calls[name].batch if number % 2 else calls[name].loop
            matchers: Any = [walker.matcher for walker in group]
            if number % 2:
                matchers = calls[name].prepare(matchers)
            start = perf_counter_ns()
            fill(matchers)
            elapsed = perf_counter_ns() - start
            if number >= 0:
                table.add(case.format(WAYS[number % 2]), name, elapsed / len(group))
            for walker in group:
                walker.go_on()


def time_checks(
    setting: Setting,
    engines: dict[str, Engine[Any, Any]],
    grammars: Grammars,
    documents: Documents,
    table: Table,
    rounds: int,
    threads: int,
) -> None:
    """One token and a draft at the same places of the same documents, by every engine in turn."""
    lengths = [len(token) for token in setting.tokenizer.token_bytes]
    calls = {name: make_calls(name, engines[name], 1, threads) for name in grammars}
    walkers = {
        name: Walker(engines[name], compiled[documents[0][0]], documents[0][1])
        for name, compiled in grammars.items()
    }
    hide_from_collector()
    for number in range(-len(documents[0][1]) // DRAFT - 1, rounds):
        for name, walker in walkers.items():
            if walker.place + DRAFT > len(walker.token_ids):
                walker.restart()
            drafted = walker.token_ids[walker.place : walker.place + DRAFT]
            start = perf_counter_ns()
            allowed = calls[name].check(walker.matcher, drafted[0])
            checked = perf_counter_ns()
            accepted = calls[name].draft(walker.matcher, drafted)
            tried = perf_counter_ns()
            if not allowed or accepted < DRAFT:
                table.leave_out(CHECK, name, "refuses a draft of a valid document")
                table.leave_out(DRAFTED, name, "refuses a draft of a valid document")
            elif number >= 0 and name not in table.reasons.get(CHECK, {}):
                table.add(CHECK, name, (checked - start) / lengths[drafted[0]])
                table.add(DRAFTED, name, (tried - checked) / sum(lengths[token] for token in drafted))
            for _ in range(DRAFT):
                walker.go_on()
