"""Drafters against each other on the same prompts: tokens for each pass, and differences from the first one.

All get trees of the same number of nodes, in every step. A figure is tokens by passes, both summed over all
prompts and seeds; its standard error, and that of a difference, is the jackknife's over prompts: a prompt is
left out with all its seeds, for both drafters at once, so what makes a prompt easy for both does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import tokentrellis as tt
import torch

from .workloads import Workload, drafters, sampling

Counts = list[tuple[int, int]]
"""By prompt: tokens and passes, summed over its seeds."""


def compare(load: Workload, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the drafters that `--drafters` names."""
    known = drafters(load.pair, options.nodes)
    names = [name.strip() for name in options.drafters.split(";") if name.strip()]
    if not names or not set(names) <= set(known):
        raise SystemExit("--drafters: take some of " + "; ".join(known))
    found: dict[str, Counts] = {}
    rows = []
    print("| drafter | tokens a pass | against the first |")
    print("|:--|--:|--:|")
    for name in names:
        found[name] = counts(load, known[name], options)
        own, first = found[name], found[names[0]]
        difference = [
            ratio(own) - ratio(first),
            jackknife(lambda left: ratio(left[0]) - ratio(left[1]), own, first),
        ]
        error = jackknife(lambda left: ratio(left[0]), own)
        rows.append(
            {"name": name, "ratio": ratio(own), "error": error, "difference": difference, "counts": own}
        )
        print(
            f"| {name} | {ratio(own):.3f} +- {error:.3f} | {difference[0]:+.3f} +- {difference[1]:.3f} |",
            flush=True,
        )
    return rows


def counts(load: Workload, make: Callable[[], tt.Drafter], options: argparse.Namespace) -> Counts:
    """A new drafter, all prompts in turn, once for each seed."""
    drafter = tt.Speculation(make(), max_nodes=options.nodes, adaptive=False, rule=options.rule)
    drawing = sampling(options.sampled, options.temperature)
    sums = [(0, 0)] * len(load.tasks)
    for repeat in range(options.repeats):
        for number, task in enumerate(load.tasks):
            drafted = load.pair.target.generate(
                **task.options(),
                **drawing,
                custom_generate=drafter.decode,
                generator=torch.Generator().manual_seed(1000 * repeat + number),
            )
            tokens, steps = sums[number]
            statistics = drafted.statistics
            sums[number] = tokens + statistics.n_tokens, steps + statistics.n_steps
    return sums


def ratio(counted: Counts) -> float:
    """Tokens for each pass."""
    return sum(tokens for tokens, _ in counted) / max(1, sum(steps for _, steps in counted))


def jackknife(figure: Callable[[Sequence[Counts]], float], *samples: Counts) -> float:
    """The standard error of a figure of samples over the same prompts."""
    n_prompts = len(samples[0])
    without = [
        figure([[*sample[:place], *sample[place + 1 :]] for sample in samples]) for place in range(n_prompts)
    ]
    mean = sum(without) / n_prompts
    return float((sum((value - mean) ** 2 for value in without) * (n_prompts - 1) / n_prompts) ** 0.5)
