"""Is every document complete and valid within its budget, and what does the budget cost? Schemas in, a
table out.

For each schema budgets from the smallest possible to 50 tokens more. Four writers: random scores and the
embedded model, each by the likeliest token and sampled. A document that is cut off, not valid for the witness
or over its budget, and an empty mask, are failures and make the exit code 1. Then the time of masks far away
from the end of a budget, against the same masks without one, in turn. Cost: about a minute for 300 schemas
with random scores; the embedded model takes some milliseconds a token, so it is given fewer
(`--model-schemas`).
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokentrellis as tt
import torch
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.models import LoadedModel, load_model

from .conformance.witness import Witness, excuse
from .maskbench.problems import read_lines

SPARE = 50
FAR = 100_000
Score = Callable[[list[int]], npt.NDArray[np.float64]]
"""Tokens so far -> scores of the next, [vocab_size]."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="MaskBench's schemas")
    parser.add_argument("--schemas", type=int, default=300)
    parser.add_argument("--budgets", type=int, default=20, help="for each schema")
    parser.add_argument("--model-schemas", type=int, default=15, help="schemas for the embedded model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    loaded = load_model()
    vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)
    lines = list(read_lines(options.data))
    lines = random.Random(options.seed).sample(lines, min(options.schemas, len(lines)))
    ends: Counter[str] = Counter()
    ratios: list[float] = []
    for place, line in enumerate(lines):
        score = None if place >= options.model_schemas else _model_scores(loaded)
        _run_schema(line, vocabulary, options.budgets, options.seed, score, ends, ratios)
    for end, count in sorted(ends.items()):
        print(f"{end}: {count}")
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"time of a mask far from its budget / without one: {middle:.3f} ({low:.3f} to {high:.3f})")
    raise SystemExit(any(end.startswith("failed") for end in ends))


def _run_schema(
    line: dict[str, Any],
    vocabulary: tt.Vocabulary,
    n_budgets: int,
    seed: int,
    score: Score | None,
    ends: Counter[str],
    ratios: list[float],
) -> None:
    try:
        compiled = tt.compile_grammar(tt.from_json_schema(line["schema"]), vocabulary)
        witness = Witness(line["schema"], formats=True)
    except (tt.ConstraintError, ValueError) as error:
        ends[f"schema left out: {type(error).__name__}"] += 1
        return
    needed = compiled.matcher().tokens_to_finish
    rng = np.random.default_rng([seed, len(line["name"])])
    budgets = [needed + round(SPARE * n / max(1, n_budgets - 1)) for n in range(n_budgets)]
    writers: list[tuple[str, Score]] = [("random", lambda tokens: rng.normal(size=vocabulary.vocab_size))]
    writers += [] if score is None else [("embedded", score)]
    for name, scores in writers:
        for is_sampled in (False, True):
            for budget in budgets[:: 1 if name == "random" else 5]:
                end = _write(compiled, witness, budget, scores, rng if is_sampled else None, ratios)
                ends[f"{end}: {name}, {'sampled' if is_sampled else 'likeliest'}"] += 1


def _write(
    compiled: tt.CompiledGrammar,
    witness: Witness,
    budget: int,
    scores: Score,
    rng: np.random.Generator | None,
    ratios: list[float],
) -> str:
    """One document; how it ended."""
    matcher = compiled.matcher()
    bitmask = tt.allocate_bitmask(1, compiled.vocabulary.vocab_size)
    token_ids: list[int] = []
    while not matcher.is_terminated:
        if len(token_ids) % 8 == 3:
            ratios.append(_compare(matcher, bitmask))
        try:
            matcher.fill_bitmask(bitmask, budget=budget - len(token_ids))
        except tt.ConstraintError as error:
            return f"failed, {type(error).__name__}"
        allowed = np.unpackbits(bitmask[0].view(np.uint8), bitorder="little")[: len(compiled.vocabulary)]
        values = np.where(allowed == 1, scores(token_ids)[: len(allowed)], -np.inf)
        if rng is not None:
            values = values + rng.gumbel(size=len(values))
        token_ids.append(int(values.argmax()))
        matcher.accept_token(token_ids[-1])
    if len(token_ids) > budget:
        return "failed, over its budget"
    text = compiled.vocabulary.decode(token_ids).decode("utf-8", "surrogateescape")
    verdict = witness.accepts(text)
    if verdict is None:
        return "complete, the witness has no verdict"
    if not verdict and excuse(witness.schema, text):
        return "complete, the witness errs on its numbers"
    return "complete and valid" if verdict else "failed, not valid"


def _compare(matcher: tt.Matcher, bitmask: npt.NDArray[np.int32]) -> float:
    """The least time of a few masks with a budget far away, against the same without one."""
    times: dict[int | None, list[int]] = {FAR: [], None: []}
    for _ in range(5):
        for budget, taken in times.items():
            begin = time.perf_counter_ns()
            matcher.fill_bitmask(bitmask, budget=budget)
            taken.append(time.perf_counter_ns() - begin)
    return min(times[FAR]) / min(times[None])


def _model_scores(loaded: LoadedModel) -> Score:
    """The embedded model after a prompt of its own; without a cache, since documents are short."""
    prompt = loaded.tokenizer("x")["input_ids"]

    def scores(token_ids: list[int]) -> npt.NDArray[np.float64]:
        with torch.no_grad():
            logits = loaded.model(torch.tensor([prompt + token_ids])).logits[0, -1]
        return np.asarray(logits.double().numpy())

    return scores


if __name__ == "__main__":
    main()
