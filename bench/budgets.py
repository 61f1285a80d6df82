"""Is every document complete and valid within its budget, and what does the budget cost? Schemas in, a
table out.

For each schema budgets from the smallest possible to 50 tokens more. Four writers: random scores and the
embedded model, each by the likeliest token and sampled. A document that is cut off, no JSON, not valid for
the witness or over its budget, and an empty mask, are failures and make the exit code 1; so does a run in
which nothing was written. Then the time of masks far away from the end of a budget, against the same masks
without one, in turn. Cost: about a minute for 300 schemas with random scores; a step of the embedded model
takes some milliseconds, so it is given fewer schemas (`--model-schemas`) and every fifth budget.
"""

from __future__ import annotations

import argparse
import json
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
TEXT = "Ann Lee, 31, wrote on 2 May 2024 from Oslo."  # what the embedded model is to write as JSON
Score = Callable[[list[int]], npt.NDArray[np.float64]]
"""Tokens so far -> scores of the next, [vocab_size]. Asked for each beginning of a document in turn."""


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
    lines = read_lines(options.data)
    # In random order, not in that of the file: the first of them are the model's.
    lines = random.Random(options.seed).sample(lines, min(options.schemas, len(lines)))
    ends: Counter[str] = Counter()
    ratios: list[float] = []
    for place, line in enumerate(lines):
        model = loaded if place < options.model_schemas else None
        rng = np.random.default_rng([options.seed, place])
        _run_schema(line["schema"], vocabulary, options.budgets, rng, model, ends, ratios)
    for end, count in sorted(ends.items()):
        print(f"{end}: {count}")
    if ratios:
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"time of a mask far from its budget / without one: {middle:.3f} ({low:.3f} to {high:.3f})")
    met = {end.partition(" ")[0].rstrip(",") for end in ends}
    raise SystemExit(int("failed" in met or "complete" not in met))


def _run_schema(
    schema: Any,
    vocabulary: tt.Vocabulary,
    n_budgets: int,
    rng: np.random.Generator,
    model: LoadedModel | None,
    ends: Counter[str],
    ratios: list[float],
) -> None:
    """Have every writer write within every budget; count how the documents ended, and compare masks."""
    try:
        compiled = tt.compile_grammar(tt.from_json_schema(schema), vocabulary)
        witness = Witness(schema, formats=True)
    except (tt.ConstraintError, ValueError) as error:
        ends[f"schema left out: {type(error).__name__}"] += 1
        return
    needed = compiled.matcher().tokens_to_finish
    budgets = [needed + round(SPARE * n / max(1, n_budgets - 1)) for n in range(n_budgets)]
    writers: list[tuple[str, Score, list[int]]] = [
        ("random", lambda tokens: rng.normal(size=vocabulary.vocab_size), budgets)
    ]
    if model is not None:
        writers.append(("embedded", _ModelScores(model, schema), budgets[::5]))
    for name, scores, given in writers:
        for is_sampled in (False, True):
            for budget in given:
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
        try:
            if len(token_ids) % 8 == 3:
                ratios.append(_compare(matcher, bitmask))
            matcher.fill_bitmask(bitmask, budget=budget - len(token_ids))
            allowed = np.flatnonzero(np.unpackbits(bitmask.view(np.uint8), bitorder="little"))
            if not len(allowed):
                return "failed, empty mask"
            values = scores(token_ids)[allowed]
            if rng is not None:
                values = values + rng.gumbel(size=len(values))
            token_ids.append(int(allowed[values.argmax()]))
            matcher.accept_token(token_ids[-1])
        except tt.ConstraintError as error:
            return f"failed, {type(error).__name__}"
    if len(token_ids) > budget:
        return "failed, over its budget"
    return judge(compiled.vocabulary.decode(token_ids), witness)


def judge(document: bytes, witness: Witness) -> str:
    """How a document within its budget ended."""
    try:
        text = document.decode()
        json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return "failed, no JSON"
    verdict = witness.accepts(text)
    if verdict is None:
        return "complete, the witness has no verdict"
    if verdict:
        return "complete and valid"
    return "complete, the witness errs on it" if excuse(witness.schema, text) else "failed, not valid"


def _compare(matcher: tt.Matcher, bitmask: npt.NDArray[np.int32]) -> float:
    """The least time of a few masks with a budget far away, against the same without one."""
    times: dict[int | None, list[int]] = {FAR: [], None: []}
    for _ in range(5):
        for budget, taken in times.items():
            begin = time.perf_counter_ns()
            matcher.fill_bitmask(bitmask, budget=budget)
            taken.append(time.perf_counter_ns() - begin)
    return min(times[FAR]) / min(times[None])


class _ModelScores:
    """The embedded model, asked to write `TEXT` by the schema. What it has read is kept, as in generate()."""

    def __init__(self, loaded: LoadedModel, schema: Any) -> None:
        self._model = loaded.model
        self._prompt = loaded.tokenizer(loaded.prompt(TEXT, schema))["input_ids"]
        self._cache: Any = None

    def __call__(self, token_ids: list[int]) -> npt.NDArray[np.float64]:
        is_first = not token_ids
        unread = self._prompt if is_first else token_ids[-1:]
        with torch.no_grad():
            output = self._model(
                torch.tensor([unread]), past_key_values=None if is_first else self._cache, use_cache=True
            )
        self._cache = output.past_key_values
        return np.asarray(output.logits[0, -1].double().numpy())


if __name__ == "__main__":
    main()
