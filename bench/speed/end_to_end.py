"""Tokens per second of transformers' `generate()`: without a grammar, and with each engine's processor.

The model has Llama's shape, the tokenizer's vocabulary and random weights. What it writes is decided
beforehand: a processor that stands before the grammar's raises the score of the next token of a valid
document, a long list of orders. So every run, the one without a grammar too, generates the same tokens, and
their number; the grammars have to allow each of them, else the engine is left out. Greedy decoding, no EOS.
In each round every engine generates once, in an order drawn anew; the first round is not counted (kernels are
compiled, tables are learnt). Ours runs twice, with a copy of the scores and in place. The figure is the
number of all rows' tokens by the time of `generate()`; its ratio to the run without a grammar in the same
round is what constraints cost, and the median of these ratios is what the issue asks for. On a CPU the model
is tiny, which makes that ratio harsh (a real model hides more), and a second table has the time within the
processors, for a step of all rows. On a machine that others use, the clock `cpu` counts only the time in
which this process ran, on all its threads.
"""

from __future__ import annotations

import gc
import random
from time import perf_counter_ns
from typing import Any

import torch
from tokentrellis.benchmark.maskbench.measure import CLOCKS, Clock
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

from .device_timers import synchronize
from .hf_processors import FREE, IN_PLACE, Factory, make_factories
from .setting import OURS, Setting, hide_from_collector, turns
from .tables import Table
from .workload import orders_schema, orders_text

BATCHES = (1, 8, 64)
PROMPT_LENGTH = 16
ROUNDS_FOR_STEPS = 4  # in every fourth round a generation more, for the times of single steps
CERTAIN = 1e4  # a score above all others, finite in every dtype


class ScriptedProcessor(LogitsProcessor):
    """Makes the model want the next token of each row's document. script: int64, shape [rows, tokens]."""

    def __init__(self, script: torch.Tensor) -> None:
        self.script = script

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        wanted = self.script[:, input_ids.shape[1] - PROMPT_LENGTH, None]
        return scores.scatter(1, wanted, CERTAIN)  # type: ignore[return-value]


class TimedProcessor(LogitsProcessor):
    """Notes the nanoseconds of each call of another processor."""

    def __init__(self, inner: LogitsProcessor, clock: Clock) -> None:
        self.inner = inner
        self.clock = clock
        self.samples: list[int] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        start = self.clock()
        result = self.inner(input_ids, scores)
        self.samples.append(self.clock() - start)
        return result


def make_model(
    vocabulary_size: int, hidden_size: int, layers: int, context: int, device: str, seed: int
) -> Any:
    """A LlamaForCausalLM with random weights; bfloat16 on a GPU."""
    torch.manual_seed(seed)
    heads = max(1, hidden_size // 64)
    config = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=hidden_size,
        intermediate_size=3 * hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    with torch.device(device):
        model: Any = LlamaForCausalLM(config)
    return model.to(dtype).eval()


def run(
    setting: Setting,
    *,
    rounds: int = 11,
    batches: tuple[int, ...] = BATCHES,
    new_tokens: int = 48,
    hidden_size: int,
    layers: int,
    device: str = "cpu",
    threads: int = 1,
    clock: str = "wall",
) -> list[Table]:
    """Tables: tokens per second by batch; on a CPU, the time in the processors."""
    title = f"generate() on {device}, {new_tokens} tokens for each row"
    cases, columns = tuple(map(case_name, batches)), (FREE, OURS, OURS + IN_PLACE, *setting.engines)
    table = Table(title, "tokens/s", FREE, cases, columns, paired=True)
    inside = Table("In the processor, for one step of all rows", "us", setting.reference, cases, columns)
    script = make_script(setting, max(batches), new_tokens)
    factories = make_factories(setting, orders_schema(), script.tolist(), [table], threads)
    size = setting.tokenizer.vocabulary_size
    model = make_model(size, hidden_size, layers, PROMPT_LENGTH + new_tokens, device, setting.seed)
    hide_from_collector()
    for batch in batches:
        of_batch = script[:batch].to(device)
        time_engines(model, of_batch, factories, table, inside, rounds, setting.seed, CLOCKS[clock])
    return [table, inside] if device == "cpu" else [table]


def time_engines(
    model: Any,
    script: torch.Tensor,
    factories: dict[str, Factory],
    table: Table,
    inside: Table,
    rounds: int,
    seed: int,
    clock: Clock,
) -> None:
    """Rounds of one generation for each engine; the first is not counted."""
    case = case_name(len(script))
    for number, name in turns(factories, rounds, seed):
        if name in table.reasons.get(case, {}):
            continue
        gc.collect()
        elapsed, _ = time_generation(model, script, factories[name], clock)
        if elapsed is None:
            table.leave_out(case, name, "does not write the document")
        elif number:
            table.add(case, name, elapsed / script.numel())
        if number % ROUNDS_FOR_STEPS == 0 and elapsed is not None:  # once more: these clocks cost time
            _, steps = time_generation(model, script, factories[name], clock, times_steps=True)
            for sample in steps:
                inside.add(case, name, sample)


def model_size(device: str, hidden_size: int | None, layers: int | None) -> dict[str, int]:
    """What was not given depends on the device."""
    usual = (64, 2) if device == "cpu" else (2048, 16)
    return {"hidden_size": hidden_size or usual[0], "layers": layers or usual[1]}


def case_name(batch: int) -> str:
    return f"batch of {batch}"


def make_script(setting: Setting, rows: int, n_tokens: int) -> torch.Tensor:
    """Tokens of the beginnings of documents that are longer, int64, shape [rows, n_tokens]."""
    draw = random.Random(setting.seed)
    documents = [
        setting.tokenizer.encode(orders_text(draw, n_items=n_tokens))[:n_tokens] for _ in range(rows)
    ]
    return torch.tensor(documents)


def time_generation(
    model: Any,
    script: torch.Tensor,
    make: Factory,
    clock: Clock = perf_counter_ns,
    *,
    times_steps: bool = False,
) -> tuple[int | None, list[int]]:
    """Nanoseconds of one `generate()`, None if it did not write the script; and, where they are asked for, of
    the steps after the first in the grammar's processor.
    """
    generator = torch.Generator().manual_seed(0)
    prompt = torch.randint(0, 256, (len(script), PROMPT_LENGTH), generator=generator).to(script.device)
    arguments: dict[str, Any] = {
        "attention_mask": torch.ones_like(prompt),
        "max_new_tokens": script.shape[1],
        "do_sample": False,
    }
    synchronize(script.device)
    start = clock()
    made = make()
    timed = [TimedProcessor(processor, clock) for processor in made] if times_steps else []
    processors = LogitsProcessorList([ScriptedProcessor(script), *(timed or made)])
    output = model.generate(prompt, logits_processor=processors, **arguments)
    synchronize(script.device)
    elapsed = clock() - start
    steps = [sample for processor in timed for sample in processor.samples[1:]]
    return (elapsed if torch.equal(output[:, PROMPT_LENGTH:], script) else None), steps
