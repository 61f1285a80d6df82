"""One mask and one commit in named situations: what a step costs where documents spend their time.

A situation is a schema, the text that has been read, and the text that comes next, whose first token is
committed. It is measured three times: with a mask that was met before (what most steps of a server are), with
a schema that is new in a process that knows others, and in a new process (vocabulary set up and one trivial
schema compiled, nothing else); in the last two the text before was read without masks, so that nothing of the
mask is known. Compilation is not counted, so an engine that fills its tables when it compiles looks fast
there: `compile` has the other half. An engine is admitted to a situation if it allows the token that comes
next and refuses a text that the schema forbids there: one that takes a schema and ignores it is left out,
because its mask answers another question. In the warm part the engines take turns of `TURN` steps, each on a
matcher that has read the text anew. Budgets are our own idea, so the peers are not in that situation.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from tokentrellis.benchmark.maskbench.engines import Engine, EngineError

from .setting import NewProcessError, Setting, hide_from_collector, in_new_process
from .tables import Table
from .workload import WORDS

TURN = 20
NEW_SCHEMAS = 20
COLOURS = ["red", "green", "blue", "black", "white", "brown", "grey", "pink"]


@dataclass(frozen=True)
class Situation:
    """`wrong` may not come after `before`. With a budget, `spare` more than the shortest end are left."""

    name: str
    schema: dict[str, Any]
    before: str
    token: str
    wrong: str
    spare: int | None = None


@dataclass(frozen=True)
class Encoded:
    """A situation in tokens."""

    situation: Situation
    before: list[int]
    token: int
    wrong: list[int]


def situations(mark: str, seed: int = 0) -> list[Situation]:
    """All of them; another mark makes other schemas, with the same shape."""
    person = {
        "type": "object",
        "properties": {
            f"name{mark}": {"type": "string"},
            f"second{mark}": {"type": "string"},
            f"count{mark}": {"type": "integer", "minimum": 0, "maximum": 100_000},
        },
        "required": [f"name{mark}", f"second{mark}", f"count{mark}"],
        "additionalProperties": False,
    }
    draw = random.Random(seed)
    members = [f"{' '.join(draw.sample(WORDS, k=2))}{mark} {number}" for number in range(200)]
    bounded = {"type": "array", "items": {"type": "string", "maxLength": 24}, "title": mark}
    colours = [f"{colour}{mark}" for colour in COLOURS]
    unique = {"type": "array", "items": {"enum": colours}, "uniqueItems": True}
    used = f'["{colours[0]}", "{colours[2]}", "'
    name, count = f'{{"name{mark}": "Ann", "second{mark}": ', f'", "count{mark}": '
    return [
        Situation("start of an object", person, "", "{", "["),
        Situation("after a value", person, name.partition(",")[0], ",", "}"),
        Situation("inside a key", person, name.partition("econd")[0], f"econd{mark}", "name"),
        Situation("inside a free string", person, name + '"The quick', " brown", '"}'),
        Situation("inside a number", person, name + '"Lee' + count + "12", "3", "3456789"),
        Situation("inside an enum", {"enum": members}, f'"{members[7][:8]}', members[7][8:], "zzz"),
        Situation("inside a bounded string", bounded, '["The quick', " brown", " brown" * 6),
        Situation("in a uniqueItems array", unique, used, colours[1], colours[0] + '"'),
        Situation("near the budget", person, name + '"The quick', '"', '"}', spare=2),
    ]


def run(setting: Setting, *, rounds: int = 200, fresh: int = 3) -> list[Table]:
    """Tables: mask and commit met before, then both together with a new schema and in a new process."""
    order = tuple(situation.name for situation in situations("", setting.seed))
    warm_mask, warm_commit, new_schema, new_process = (
        Table(title, "us", setting.reference, order, tuple(setting.engines))
        for title in (
            "Mask, met before",
            "Commit, met before",
            "Mask and commit, new schema (its compilation not counted)",
            "Mask and commit, new process (set-up and compilation not counted)",
        )
    )
    tables = [warm_mask, warm_commit, new_schema, new_process]
    # First, while no engine is in this process: the new ones are forks of it.
    time_new_processes(setting, new_process, fresh)
    engines = {name: setting.create(name) for name in setting.engines}
    encoded = [encode(situation, setting) for situation in situations("", setting.seed)]
    grammars = [admitted(engines, one, tables) for one in encoded]
    hide_from_collector()
    for one, admitted_to in zip(encoded, grammars, strict=True):
        for turn in range(1 + -(-rounds // TURN)):
            for name, grammar in admitted_to.items():
                for mask, commit in warm_turn(engines[name], grammar, one):
                    if turn:
                        warm_mask.add(one.situation.name, name, mask)
                        warm_commit.add(one.situation.name, name, commit)
    for number in range(min(NEW_SCHEMAS, rounds)):
        time_new_schemas(setting, engines, f"_{number}", new_schema)
    return tables


def time_new_processes(setting: Setting, table: Table, fresh: int) -> None:
    """For each situation and engine `fresh` samples, each from a process that has met nothing."""
    for situation in situations("", setting.seed):
        for _ in range(fresh):
            for name in setting.engines:
                if name in table.reasons.get(situation.name, {}):
                    continue
                try:
                    answer = in_new_process(_first_step, setting, name, situation)
                except NewProcessError as error:
                    answer = str(error)
                if isinstance(answer, str):
                    table.leave_out(situation.name, name, answer)
                else:
                    table.add(situation.name, name, answer)


def admitted(
    engines: dict[str, Engine[Any, Any]], encoded: Encoded, tables: Sequence[Table]
) -> dict[str, Any]:
    """The grammars of the engines that do here what the schema says; the others are left out everywhere."""
    grammars: dict[str, Any] = {}
    for name, engine in engines.items():
        try:
            grammar = engine.compile(encoded.situation.schema)
            check_admission(engine, grammar, encoded)
        except EngineError as error:
            for table in tables:
                table.leave_out(encoded.situation.name, name, str(error))
        else:
            grammars[name] = grammar
    return grammars


def time_new_schemas(setting: Setting, engines: dict[str, Engine[Any, Any]], mark: str, table: Table) -> None:
    """One sample for each situation and engine with schemas that no engine has met."""
    for situation in situations(mark, setting.seed):
        encoded = encode(situation, setting)
        for name, engine in engines.items():
            if name in table.reasons.get(situation.name, {}):
                continue
            try:
                matcher = read(engine, engine.compile(situation.schema), encoded)
                table.add(situation.name, name, sum(step(engine, matcher, encoded)))
            except EngineError as error:
                table.leave_out(situation.name, name, str(error))


def encode(situation: Situation, setting: Setting) -> Encoded:
    """The texts one by one, so that no token lies across the place that is measured."""
    before, token, wrong = (
        setting.tokenizer.encode(text) for text in (situation.before, situation.token, situation.wrong)
    )
    return Encoded(situation, before, token[0], wrong)


def check_admission(engine: Engine[Any, Any], grammar: Any, encoded: Encoded) -> None:
    """Raises EngineError if the engine does not do here what the schema says."""
    matcher = read(engine, grammar, encoded)
    step(engine, matcher, encoded)
    matcher = read(engine, grammar, encoded)
    for token_id in encoded.wrong:
        engine.fill(matcher)
        if not engine.allows(token_id) or not engine.commit(matcher, token_id):
            return
    raise EngineError(f"does not keep the schema: takes {encoded.situation.wrong!r} here")


def warm_turn(engine: Engine[Any, Any], grammar: Any, encoded: Encoded) -> list[tuple[int, int]]:
    """`TURN` steps on matchers that have read the text with a mask for each token, as decoding does."""
    matchers = [read(engine, grammar, encoded, fill=True) for _ in range(TURN)]
    return [step(engine, matcher, encoded) for matcher in matchers]


def read(engine: Engine[Any, Any], grammar: Any, encoded: Encoded, *, fill: bool = False) -> Any:
    """A matcher that has read what comes before; with a mask for each token, if `fill`, else without."""
    matcher = engine.matcher(grammar)
    for token_id in encoded.before:
        if fill:
            engine.fill(matcher)
        if not engine.commit(matcher, token_id):
            raise EngineError("refuses the text before")
    return matcher


def step(engine: Engine[Any, Any], matcher: Any, encoded: Encoded) -> tuple[int, int]:
    """Nanoseconds for the mask and for the commit."""
    spare = encoded.situation.spare
    if spare is None:
        start = perf_counter_ns()
        engine.fill(matcher)
        filled = perf_counter_ns()
    else:
        if not hasattr(matcher, "tokens_to_finish"):
            raise EngineError("knows no budget")
        budget = matcher.tokens_to_finish + spare
        start = perf_counter_ns()
        matcher.fill_bitmask(engine.bitmask, budget=budget)
        filled = perf_counter_ns()
    if not engine.allows(encoded.token):
        raise EngineError("refuses the token that comes next")
    resumed = perf_counter_ns()
    taken = engine.commit(matcher, encoded.token)
    committed = perf_counter_ns()
    if not taken:
        raise EngineError("does not take the token that its mask allows")
    return filled - start, committed - resumed


def _first_step(setting: Setting, name: str, situation: Situation) -> int | str:
    setting.tokenizer.load()  # where processes are spawned
    engine = setting.create(name)
    encoded = encode(situation, setting)
    try:
        return sum(step(engine, read(engine, engine.compile(situation.schema), encoded), encoded))
    except EngineError as error:
        return str(error)
