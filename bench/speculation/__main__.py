"""The commands: see `bench/speculation/__init__.py`."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tokentrellis as tt
import torch

from .comparison import compare
from .device import SHAPES, device
from .training import train_json_draft, train_text_pair
from .workloads import Task, Workload, counted_passes, drafters, rivals, sampling, workload

OUT = Path("bench/results/local/speculation")
COUNTED = ("n_tokens", "n_steps", "n_nodes", "draft_ms", "target_ms", "verify_ms", "keep_ms", "mask_ms")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="make the models; minutes of one core")
    training.add_argument("--json-minutes", type=float, default=4.0)
    training.add_argument("--text-minutes", type=float, default=2.5)
    for name, text in (
        ("efficiency", "tokens for each pass, by drafter"),
        ("compare", "two drafters and more on the same prompts, with standard errors"),
        ("clock", "time against plain decoding, drafts switched off where they do not pay"),
        ("greedy", "whether greedy outputs are the same"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--kind", choices=("json", "text"), default="json")
        command.add_argument("--count", type=int, default=16, help="prompts")
        command.add_argument("--nodes", type=int, default=16, help="most nodes of a tree")
        command.add_argument("--only", default="", help="drafters whose name contains this")
        command.add_argument("--rule", choices=("recursive", "traversal"), default="recursive")
        command.add_argument("--sampled", action="store_true", help="draw; default: greedy")
        command.add_argument("--temperature", type=float, default=1.0, help="with --sampled")
        command.add_argument(
            "--tokens", type=int, help="most tokens of an output (clock); default: the task's"
        )
        command.add_argument("--drafters", default="", help="names, with semicolons between (compare)")
        command.add_argument("--repeats", type=int, default=1, help="seeds for each prompt (compare)")
        command.add_argument("--batch", type=int, default=20, help="rows of a batch (greedy)")
    curve = commands.add_parser(
        "device", help="cost of a pass by size of tree here, and what follows from it"
    )
    curve.add_argument("--shape", choices=tuple(SHAPES), help="default: 1b on a GPU, else small")
    curve.add_argument("--draft-share", type=float, default=0.125, help="layers of the draft model")
    curve.add_argument("--prompt", type=int, default=512, help="tokens")
    curve.add_argument("--new-tokens", type=int, default=128)
    curve.add_argument("--repeats", type=int, default=7)
    curve.add_argument("--warm-ups", type=int, default=2)
    curve.add_argument(
        "--given", action="append", default=[], metavar="NAME:NODES:TOKENS:DRAFT_PASSES", help="other cases"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.command == "train":
        train_json_draft(options.json_minutes)
        train_text_pair(options.text_minutes)
        return
    if options.command == "device":
        write("device", options, device(options))
        return
    load = workload(options.kind, options.count)
    lines = {"efficiency": efficiency, "compare": compare, "clock": clock, "greedy": greedy}[options.command](
        load, options
    )
    name = f"{options.command}_{options.kind}_{'sampled' if options.sampled else 'greedy'}_{options.nodes}"
    write(name, options, lines)


def write(name: str, options: argparse.Namespace, lines: list[dict[str, Any]]) -> None:
    """Keep the figures."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps([vars(options), lines], indent=1) + "\n", encoding="utf-8")


def chosen(load: Workload, options: argparse.Namespace) -> dict[str, Any]:
    """Drafters by name, new ones."""
    found = drafters(load.pair, options.nodes)
    return {name: make for name, make in found.items() if options.only in name}


def efficiency(load: Workload, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Tokens for each pass of the target after the prompt's, each drafter with a tree in each step."""
    target = load.pair.target
    rows = []
    print("| drafter | tokens a pass | nodes a step | mask, % | keep, % | draft / target time |")
    print("|:--|--:|--:|--:|--:|--:|")
    for name, make in chosen(load, options).items():
        drafter = tt.Speculation(make(), max_nodes=options.nodes, adaptive=False, rule=options.rule)
        total: dict[str, float] = {}
        for number, task in enumerate(load.tasks):
            drafted = target.generate(
                **task.options(),
                **sampling(options.sampled, options.temperature),
                custom_generate=drafter.decode,
                generator=torch.Generator().manual_seed(number),
            )
            check(task, drafted.sequences[0, task.ids.shape[1] :].tolist())
            for key in COUNTED:
                total[key] = total.get(key, 0.0) + getattr(drafted.statistics, key)
        whole = sum(total[key] for key in ("draft_ms", "target_ms", "verify_ms", "keep_ms"))
        rows.append({"name": name, "block_efficiency": total["n_tokens"] / total["n_steps"], **total})
        per_step = {key: total[key] / total["n_steps"] for key in ("n_tokens", "n_nodes")}
        print(
            f"| {name} | {per_step['n_tokens']:.2f} | {per_step['n_nodes']:.1f} "
            f"| {100 * total['mask_ms'] / whole:.1f} | {100 * total['keep_ms'] / whole:.1f} "
            f"| {total['draft_ms'] / total['target_ms']:.2f} |",
            flush=True,
        )
    for name, extra in rivals(load.pair).items():
        if options.only in name:
            n_tokens, n_steps, n_nodes = rival(load, extra, options)
            rows.append({"name": name, "block_efficiency": n_tokens / n_steps})
            print(f"| {name} | {n_tokens / n_steps:.2f} | {n_nodes / n_steps:.1f} | | | |", flush=True)
    return rows


def check(task: Task, token_ids: list[int]) -> None:
    """Stop unless the output is complete by the grammar of the task."""
    if task.compiled is not None:
        matcher = task.compiled.matcher()
        if matcher.try_accept_tokens(token_ids) < len(token_ids) or not matcher.is_terminated:
            raise SystemExit(f"an output is not valid: {task.compiled.vocabulary.decode(token_ids)!r}")


def rival(load: Workload, extra: dict[str, Any], options: argparse.Namespace) -> tuple[int, int, int]:
    """Tokens, passes and drafted tokens of transformers' own, the prompt's pass not counted."""
    n_tokens = n_steps = n_nodes = 0
    for number, task in enumerate(load.tasks):
        torch.manual_seed(number)
        with counted_passes(load.pair.target) as passes:
            ids = load.pair.target.generate(
                **task.options(), **sampling(options.sampled, options.temperature), **extra
            )
        # The first pass reads the prompt and the first draft.
        n_tokens += len(ids[0]) - task.ids.shape[1]
        n_steps += len(passes)
        n_nodes += sum(passes) - len(passes) - task.ids.shape[1] + 1
    return n_tokens, n_steps, n_nodes


def clock(load: Workload, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Processor time a token of plain decoding by that of decoding with a drafter that may switch itself off.

    The prompts are gone through in turn, plainly and with drafts. The first ones, in which the drafter
    finds out what pays, are counted too; another drafter warms up.
    """
    rows = []
    if options.tokens is not None:
        load = replace(load, tasks=[replace(task, max_new_tokens=options.tokens) for task in load.tasks])
    print("| drafter | plain / drafted time | median | tokens a pass | steps with a draft, % |")
    print("|:--|--:|--:|--:|--:|")
    for name, make in chosen(load, options).items():
        drafter = tt.Speculation(make(), max_nodes=options.nodes, rule=options.rule)
        times: list[tuple[float, float]] = []
        n_tokens = n_steps = n_drafted = 0
        for number, task in enumerate([load.tasks[0], *load.tasks]):
            torch.manual_seed(number)
            plain = processor_time(load, task, options, {})
            used = drafter if number else tt.Speculation(make(), max_nodes=options.nodes, rule=options.rule)
            recorder = Recorder(used, torch.Generator().manual_seed(number))
            drafted = processor_time(load, task, options, {"custom_generate": recorder})
            if number:
                times.append((plain, drafted))
                n_tokens += recorder.statistics.n_tokens
                n_steps += recorder.statistics.n_steps
                n_drafted += recorder.statistics.n_draft_steps
        ratio = sum(plain for plain, _ in times) / sum(drafted for _, drafted in times)
        middle = statistics.median(plain / drafted for plain, drafted in times)
        rows.append({"name": name, "ratio": ratio, "median": middle, "times": times})
        print(
            f"| {name} | {ratio:.2f} | {middle:.2f} | {n_tokens / n_steps:.2f} "
            f"| {100 * n_drafted / n_steps:.0f} |",
            flush=True,
        )
    return rows


class Recorder:
    """Decodes as a `Speculation` does and keeps the statistics."""

    def __init__(self, drafter: tt.Speculation, generator: torch.Generator) -> None:
        self._drafter = drafter
        self._generator = generator
        self.statistics: Any = None

    def __call__(self, model: Any, input_ids: torch.Tensor, **inputs: Any) -> torch.Tensor:
        # As for `custom_generate=drafter`: plain `generate()` does not add up log-probabilities either.
        drafted = self._drafter._decode(
            model, input_ids, generator=self._generator, needs_log_probs=False, **inputs
        )
        self.statistics = drafted.statistics
        return drafted.sequences


def processor_time(load: Workload, task: Task, options: argparse.Namespace, extra: dict[str, Any]) -> float:
    """Seconds of this process for each new token (drawn outputs have not the same lengths): what other
    programs do on the machine does not count.
    """
    arguments = {**task.options(), **sampling(options.sampled, options.temperature), **extra}
    begin = time.process_time()
    ids = load.pair.target.generate(**arguments)
    return (time.process_time() - begin) / (ids.shape[1] - task.ids.shape[1])


def greedy(load: Workload, options: argparse.Namespace) -> list[dict[str, Any]]:
    """How many outputs of 128 tokens, in batches and without a grammar, are those of plain decoding."""
    target, tokenizer = load.pair.target, load.pair.tokenizer
    rows = []
    prompts = [tokenizer.decode(task.ids[0, : 8 + at % 40]) for at, task in enumerate(load.tasks)]
    batches = [prompts[at : at + options.batch] for at in range(0, len(prompts), options.batch)]
    inputs = [
        tokenizer(batch, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False)
        for batch in batches
    ]
    limits = {"max_new_tokens": 128, "do_sample": False}
    plain = [target.generate(**batch, **limits) for batch in inputs]
    for name, make in chosen(load, options).items():
        drafter = tt.Speculation(make(), max_nodes=options.nodes, adaptive=False, rule=options.rule)
        same = n_rows = 0
        for batch, expected in zip(inputs, plain, strict=True):
            found = target.generate(**batch, **limits, custom_generate=drafter)
            same += sum(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
            n_rows += len(expected)
        rows.append({"name": name, "same": same, "of": n_rows})
        print(f"{name}: {same} of {n_rows} outputs are the same", flush=True)
    return rows


if __name__ == "__main__":
    main()
