"""Steps of decoding on a device: without a grammar, with a token automaton, with masks made on the CPU.

The model is made up: blocks of a Llama's size without attention, and a projection to the vocabulary whose
rows are the embeddings too, so that each token depends on the one before. It runs twice, once with no block
at all: nothing is as harsh, since the projection alone is then what hides the grammar. Every step takes the
likeliest token. On a GPU all `STEPS` steps are one CUDA graph, unconstrained and with the token automaton,
whose states never leave the device; what differs is the cost of the grammar, and one row's tokens are checked
by a matcher. The second table calls each step from Python, with the logits processors of `hf_processors`:
there masks are made on the CPU, and the tokens have to come to it first, as they do in the run without a
grammar, since a server has to see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

import torch
from tokentrellis.benchmark.maskbench.engines import EngineError

from .device_timers import Timer, Work, call_timer, graph_timer, synchronize
from .hf_processors import FREE, IN_PLACE, Factory, make_factories
from .setting import OURS, Setting, turns
from .tables import Table

STEPS = 16  # fewer than the tokens of any document of the schema
BUDGET = 256  # of tokens: the rule that ends in time is at work
HIDDEN, LAYERS = 4096, 16  # on a GPU
SMALL_HIDDEN, SMALL_LAYERS = 64, 1  # on a CPU
AUTOMATON = "token automaton"
SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"enum": ["new", "paid", "shipped", "lost"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{4}$"},
        "gift": {"type": "boolean"},
    },
    "required": ["status", "count", "code", "gift"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Finite:
    """A compiled grammar and its token automaton, or why there is none."""

    compiled: Any
    automaton: Any
    reason: str = ""


class StepModel:
    """Random weights. embeddings: shape [tokens, hidden]; blocks: pairs of up and down projections."""

    def __init__(self, n_tokens: int, hidden: int, layers: int, place: torch.device, seed: int) -> None:
        generator = torch.Generator(place).manual_seed(seed)
        dtype = torch.bfloat16 if place.type == "cuda" else torch.float32

        def weights(rows: int, columns: int) -> torch.Tensor:
            drawn = torch.randn(rows, columns, generator=generator, device=place, dtype=dtype)
            return drawn / columns**0.5

        self.embeddings = weights(n_tokens, hidden)
        self.blocks = [(weights(3 * hidden, hidden), weights(hidden, 3 * hidden)) for _ in range(layers)]

    def logits(self, token_ids: torch.Tensor) -> torch.Tensor:
        """token_ids: int64, shape [rows]; gives the shape [rows, tokens]."""
        state = self.embeddings[token_ids]
        for up, down in self.blocks:
            state = state + torch.relu(state @ up.T) @ down.T
        return state @ self.embeddings.T


def run_steps(
    setting: Setting,
    rounds: int,
    place: torch.device,
    rows: tuple[int, ...],
    hidden: int | None,
    layers: int | None,
) -> list[Table]:
    """Two tables: all steps in one graph; each step from Python."""
    on_gpu = place.type == "cuda"
    hidden = hidden or (HIDDEN if on_gpu else SMALL_HIDDEN)
    layers = layers or (LAYERS if on_gpu else SMALL_LAYERS)
    how = "in one CUDA graph" if on_gpu else "without a graph"
    graphs = Table(f"A step of {STEPS}, {how}, hidden size {hidden}", "us", FREE, paired=True)
    columns, cases = (
        (FREE, OURS, OURS + IN_PLACE, *setting.engines),
        tuple(case_name(n_rows, layers) for n_rows in rows),
    )
    calls = Table("A step from Python, masks made on the CPU", "us", FREE, cases, columns, paired=True)
    factories = make_factories(setting, SCHEMA, [], [calls])
    finite = compile_finite(setting, place)
    for blocks in (0, layers):
        model = StepModel(setting.tokenizer.vocabulary_size, hidden, blocks, place, setting.seed)
        for n_rows in rows:
            case = case_name(n_rows, blocks)
            starts = torch.arange(n_rows, device=place)
            time_automaton(graphs, case, finite, model, starts, rounds)
            if blocks:
                time_processors(calls, case, model, starts, factories, rounds, setting.seed)
    return [graphs, calls]


def case_name(rows: int, blocks: int) -> str:
    return f"batch of {rows}, " + (f"{blocks} blocks" if blocks else "projection alone")


def free_work(model: StepModel, starts: torch.Tensor) -> Work:
    """`STEPS` steps without a grammar; gives the tokens, shape [rows, STEPS]."""

    def work(call: int) -> torch.Tensor:
        token_ids, written = starts, []
        for _ in range(STEPS):
            token_ids = model.logits(token_ids).argmax(-1)
            written.append(token_ids)
        return torch.stack(written, dim=1)

    return work


def automaton_work(automaton: Any, model: StepModel, starts: torch.Tensor) -> Work:
    """The same with a token automaton, whose step masks, chooses, and goes on."""
    rows = automaton.start(len(starts), budgets=BUDGET)
    states, left = rows.states.clone(), rows.left.clone()

    def work(call: int) -> torch.Tensor:
        rows.states.copy_(states)
        rows.left.copy_(left)
        token_ids, written = starts, []
        for _ in range(STEPS):
            token_ids = automaton.step(model.logits(token_ids), rows)
            written.append(token_ids)
        return torch.stack(written, dim=1)

    return work


def time_automaton(
    table: Table, case: str, finite: Finite, model: StepModel, starts: torch.Tensor, rounds: int
) -> None:
    """Both ways in turn; the token automaton is left out, with the reason, where it cannot take part."""
    place = starts.device
    make_timer = graph_timer if place.type == "cuda" else call_timer
    timers: dict[str, Timer] = {FREE: make_timer(free_work(model, starts), place, 1)}
    if finite.automaton is None:
        table.leave_out(case, AUTOMATON, finite.reason)
    else:
        work = automaton_work(finite.automaton, model, starts)
        written: Any = work(0)
        if finite.compiled.matcher().try_accept_tokens(written[0].tolist()) < STEPS:
            table.leave_out(case, AUTOMATON, "writes a token that the grammar forbids")
        else:
            timers[AUTOMATON] = make_timer(work, place, 1)
    for number, name in turns(timers, rounds, seed=0):
        elapsed = timers[name]() / STEPS
        if number:
            table.add(case, name, elapsed)


def compile_finite(setting: Setting, place: torch.device) -> Finite:
    """A grammar of finitely many states, so that the whole of it can go to the device."""
    import tokentrellis as tt

    compiled: Any = tt.compile_grammar(
        tt.from_json_schema(SCHEMA, whitespace="compact"), setting.vocabulary_of_ours()
    )
    try:
        return Finite(compiled, compiled.token_automaton(device=place))
    except tt.ConstraintError as error:
        return Finite(compiled, None, str(error))


def time_processors(
    table: Table,
    case: str,
    model: StepModel,
    starts: torch.Tensor,
    factories: dict[str, Factory],
    rounds: int,
    seed: int,
) -> None:
    """Rounds of `STEPS` steps for each engine; the first is not counted."""
    for number, name in turns(factories, rounds, seed):
        if name in table.reasons.get(case, {}):
            continue
        try:
            elapsed = time_steps(model, starts, factories[name])
        except (EngineError, AssertionError, RuntimeError) as error:
            table.leave_out(case, name, f"does not take its own tokens: {error}")
        else:
            if number:
                table.add(case, name, elapsed)


def time_steps(model: StepModel, starts: torch.Tensor, make: Factory) -> float:
    """Nanoseconds of a step. In the first one, which is not counted, processors make their matchers."""
    processors = make()
    input_ids = starts[:, None]
    start = 0
    for step in range(STEPS):
        if step == 1:
            synchronize(starts.device)
            start = perf_counter_ns()
        scores: Any = model.logits(input_ids[:, -1]).float()
        for processor in processors:
            scores = processor(input_ids, scores)
        token_ids = scores.argmax(-1)
        token_ids.tolist()  # the host sees every token
        input_ids = torch.cat([input_ids, token_ids[:, None]], dim=1)
    synchronize(starts.device)
    return (perf_counter_ns() - start) / (STEPS - 1)
