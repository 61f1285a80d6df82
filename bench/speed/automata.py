"""Token automata: how long they take to make, how large they are, what a step costs beside a free one.

In: the vocabulary of a setting and a device. Out: tables, by grammar and by size of the batch. A step is
greedy, over random logits in float32 (bfloat16 on a GPU); unconstrained is `argmax` of the same logits. On a
GPU both run in a CUDA graph of `STEPS` steps.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import torch

from .device_timers import Timer, call_timer, graph_timer
from .hf_processors import FREE
from .setting import OURS, Setting, turns
from .tables import Table

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}
PERSON: dict[str, Any] = {
    **CLOSED,
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "married": {"type": "boolean"},
        "employment": {"enum": ["student", "employed", "retired"]},
    },
    "required": ["name", "age", "married", "employment"],
}
FIELDS = {f"field {i}": {"type": "string", "maxLength": 50} for i in range(5)}
NODE: dict[str, Any] = {
    **CLOSED,
    "properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}},
    "required": ["value"],
}
STEPS = 20
MOST_MASK_BYTES = 2**32
STEPPED = "a flat object, natural white space"  # whose steps are timed
STATES, CLASSES, MASKS = "states", "classes", "different masks"
STEP = "token automaton"


def grammars() -> dict[str, tuple[Any, int | None]]:
    """Grammars with their `max_tokens`."""
    import tokentrellis as tt

    limited = {**CLOSED, "properties": FIELDS, "required": list(FIELDS)}
    return {
        "50 choices": (tt.from_choices([f"value number {i}" for i in range(50)]), None),
        r"pattern \d{4}-\d{2}-\d{2}": (tt.from_regex(r"\d{4}-\d{2}-\d{2}"), None),
        r"pattern \w{1,20}": (tt.from_regex(r"\w{1,20}"), None),
        "a string": (tt.from_json_schema({"type": "string"}), None),
        "a flat object, compact": (tt.from_json_schema(PERSON, whitespace="compact"), None),
        STEPPED: (tt.from_json_schema(PERSON), None),
        "a list of flat objects": (tt.from_json_schema({"type": "array", "items": PERSON}), None),
        "five strings of 50 characters": (tt.from_json_schema(limited, whitespace="compact"), None),
        "a recursive list in 40 tokens": (tt.from_json_schema(NODE, whitespace="compact"), 40),
    }


def run(
    setting: Setting, *, rounds: int = 20, rows: tuple[int, ...] = (1, 64), device: str = "cpu"
) -> list[Table]:
    """Tables: time to make, sizes, bytes; steps by batch."""
    import tokentrellis as tt

    made = Table("Making a token automaton", "s", columns=(OURS,))
    sizes = Table("Its size", "count", columns=(STATES, CLASSES, MASKS))
    bytes_of = Table("Its tables", "MB", columns=(OURS,))
    steps = Table(
        f"A greedy step on {device}", "us", FREE, tuple(map(case_name, rows)), (FREE, STEP), paired=True
    )
    vocabulary = setting.vocabulary_of_ours()
    for name, (grammar, max_tokens) in grammars().items():
        compiled = tt.compile_grammar(grammar, vocabulary)
        start = perf_counter_ns()
        automaton = compiled.token_automaton(device, max_tokens=max_tokens)
        made.add(name, OURS, perf_counter_ns() - start)
        masks, _ = automaton.tables.mask_rows(max_bytes=MOST_MASK_BYTES)
        bytes_of.add(name, OURS, automaton.tables.n_bytes)
        for what, number in (
            (STATES, automaton.n_states),
            (CLASSES, automaton.n_classes),
            (MASKS, len(masks)),
        ):
            sizes.add(name, what, number)
        if name == STEPPED:
            for n_rows in rows:
                time_steps(steps, automaton, n_rows, rounds, device)
    return [made, sizes, bytes_of, steps]


def case_name(rows: int) -> str:
    return f"batch of {rows}"


def time_steps(table: Table, automaton: Any, n_rows: int, rounds: int, device: str) -> None:
    """Both ways in turn, over the same logits."""
    place = torch.device(device)
    dtype = torch.float32 if place.type == "cpu" else torch.bfloat16
    logits = torch.randn(n_rows, automaton.vocab_size, device=place, dtype=dtype)
    rows = automaton.start(n_rows)
    states, left = rows.states.clone(), rows.left.clone()

    def step(call: int) -> None:
        rows.states.copy_(states)  # each step is like the first
        rows.left.copy_(left)
        automaton.step(logits, rows)

    make_timer = call_timer if place.type == "cpu" else graph_timer
    timers: dict[str, Timer] = {
        FREE: make_timer(lambda call: logits.argmax(dim=1), place, STEPS),
        STEP: make_timer(step, place, STEPS),
    }
    for number, name in turns(timers, rounds, seed=0):
        elapsed = timers[name]()
        if number:
            table.add(case_name(n_rows), name, elapsed)
