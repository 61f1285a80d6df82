"""Is every document complete and valid within its budget, and what does the budget cost? Schemas in, a
table out.

For each schema budgets from the smallest possible to 50 tokens more. Four writers: random scores and the
embedded model, each by the likeliest token and sampled. A document that is cut off, no JSON, not valid for
the witness or over its budget, and an empty mask, are failures and make the exit code 1; so does a run in
which nothing was written. Then the time of masks far away from the end of a budget, against the same masks
without one, in turn, on the vocabulary of `--tokenizer` (by default that of the embedded model, whose masks
are so short that the call is most of it). Cost: half an hour for 300 schemas and 20 budgets; all budgets of a
schema are written side by side, as one batch of the model.
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
from tokentrellis.benchmark.maskbench.problems import read_lines
from tokentrellis.decoding.bitmask import unpack_bitmask
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.models import LoadedModel, load_model

from .conformance.witness import Witness, excuse

SPARE = 50
FAR = 100_000
CALLS = 50  # timed together: a clock that counts in tens of nanoseconds cannot time one
MOST_PROMPT = 128  # tokens: a large schema is told in part, or its prompt would be most of the time
TEXT = "Ann Lee, 31, wrote on 2 May 2024 from Oslo."  # what the embedded model is to write as JSON
Scores = npt.NDArray[np.float64]
Score = Callable[[list[int], list[int]], Scores]
"""Numbers of the documents that still go on, their last tokens (none before the first) -> scores of the next,
[documents, vocab_size]."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="MaskBench's schemas")
    parser.add_argument("--schemas", type=int, default=300)
    parser.add_argument("--budgets", type=int, default=20, help="for each schema")
    parser.add_argument("--model-schemas", type=int, help="schemas for the embedded model (default: all)")
    parser.add_argument("--tokenizer", type=Path, help="folder of the tokenizer whose masks are timed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    loaded = load_model()
    vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)
    lines = read_lines(options.data)
    # In random order, not in that of the file: the first of them are the model's.
    lines = random.Random(options.seed).sample(lines, min(options.schemas, len(lines)))
    ends: Counter[str] = Counter()
    for place, line in enumerate(lines):
        is_for_model = options.model_schemas is None or place < options.model_schemas
        rng = np.random.default_rng([options.seed, place])
        _run_schema(line["schema"], vocabulary, options.budgets, rng, loaded if is_for_model else None, ends)
    for end, count in sorted(ends.items()):
        print(f"{end}: {count}")
    timed = vocabulary if options.tokenizer is None else _vocabulary_of(options.tokenizer)
    ratios = [ratio for line in lines for ratio in _compare(line["schema"], timed)]
    if ratios:
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"time of a mask far from its budget / without one, {timed.n_tokens:,} tokens:", end=" ")
        print(f"{middle:.3f} ({low:.3f} to {high:.3f}), {len(ratios)} masks")
    met = {end.partition(" ")[0].rstrip(",") for end in ends}
    raise SystemExit(int("failed" in met or "complete" not in met))


def _vocabulary_of(folder: Path) -> tt.Vocabulary:
    from transformers import AutoTokenizer

    return tt.Vocabulary.from_tokenizer(AutoTokenizer.from_pretrained(folder))


def _run_schema(
    schema: Any,
    vocabulary: tt.Vocabulary,
    n_budgets: int,
    rng: np.random.Generator,
    model: LoadedModel | None,
    ends: Counter[str],
) -> None:
    """Have every writer write within every budget; count how the documents ended."""
    try:
        compiled = tt.compile_grammar(tt.from_json_schema(schema), vocabulary)
        witness = Witness(schema, formats=True)
    except (tt.ConstraintError, ValueError) as error:
        ends[f"schema left out: {type(error).__name__}"] += 1
        return
    needed = compiled.matcher().tokens_to_finish
    budgets = [needed + round(SPARE * n / max(1, n_budgets - 1)) for n in range(n_budgets)]
    writers: list[tuple[str, Score]] = [
        ("random", lambda rows, last: rng.normal(size=(len(rows), vocabulary.vocab_size)))
    ]
    if model is not None:
        writers.append(("embedded", _ModelScores(model, schema, 2 * n_budgets)))
    for name, scores in writers:
        documents = [_Document(compiled, budget, sampled) for sampled in (False, True) for budget in budgets]
        _write(documents, scores, rng)
        for document in documents:
            way = "sampled" if document.is_sampled else "likeliest"
            ends[f"{document.failure or judge(document.text, witness)}: {name}, {way}"] += 1


class _Document:
    """One document on its way to a budget."""

    def __init__(self, compiled: tt.CompiledGrammar, budget: int, is_sampled: bool) -> None:
        self.budget, self.is_sampled = budget, is_sampled
        self.token_ids: list[int] = []
        self.failure = ""
        self._vocabulary = compiled.vocabulary
        self._matcher = compiled.matcher()
        self._bitmask = tt.allocate_bitmask(1, compiled.vocabulary.vocab_size)

    @property
    def goes_on(self) -> bool:
        return not self._matcher.is_terminated and not self.failure

    @property
    def text(self) -> bytes:
        return self._vocabulary.decode(self.token_ids)

    def write(self, scores: Scores, rng: np.random.Generator) -> None:
        """The next token, by its scores, [vocab_size]."""
        try:
            self._matcher.fill_bitmask(self._bitmask, budget=self.budget - len(self.token_ids))
            allowed = unpack_bitmask(self._bitmask, self._vocabulary.vocab_size)[0].nonzero()[0]
            if not len(allowed):
                self.failure = "failed, empty mask"
                return
            values = scores[allowed]
            if self.is_sampled:
                values = values + rng.gumbel(size=len(values))
            self.token_ids.append(int(allowed[values.argmax()]))
            self._matcher.accept_token(self.token_ids[-1])
        except tt.ConstraintError as error:
            self.failure = f"failed, {type(error).__name__}"
        if len(self.token_ids) > self.budget:
            self.failure = "failed, over its budget"


def _write(documents: list[_Document], scores: Score, rng: np.random.Generator) -> None:
    """All documents to their ends, side by side."""
    while rows := [row for row, document in enumerate(documents) if document.goes_on]:
        last = [token for row in rows for token in documents[row].token_ids[-1:]]
        for row, values in zip(rows, scores(rows, last), strict=True):
            documents[row].write(values, rng)


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


def _compare(schema: Any, vocabulary: tt.Vocabulary) -> list[float]:
    """The least time of a few masks with a budget far away against the same without one, along a document."""
    try:
        compiled = tt.compile_grammar(tt.from_json_schema(schema), vocabulary)
    except tt.ConstraintError:
        return []
    matcher, bitmask = compiled.matcher(), tt.allocate_bitmask(1, vocabulary.vocab_size)
    ratios = []
    for number, byte in enumerate(compiled.shortest_text(400)):
        if number % 8 == 3:
            times: dict[int | None, list[int]] = {FAR: [], None: []}
            for _ in range(5):
                for budget, taken in times.items():
                    begin = time.perf_counter_ns()
                    for _ in range(CALLS):
                        matcher.fill_bitmask(bitmask, budget=budget)
                    taken.append(time.perf_counter_ns() - begin)
            ratios.append(min(times[FAR]) / min(times[None]))
        if not matcher.read_bytes(bytes((byte,))):
            break
    return ratios


class _ModelScores:
    """The embedded model, asked to write `TEXT` by the schema, for all documents at once."""

    def __init__(self, loaded: LoadedModel, schema: Any, n_rows: int) -> None:
        self._model = loaded.model
        prompt = loaded.tokenizer(loaded.prompt(TEXT, schema))["input_ids"][-MOST_PROMPT:]
        with torch.inference_mode():
            output = self._model(torch.tensor([prompt]), use_cache=True)
        self._first = output.logits[:, -1]
        self._cache: Any = output.past_key_values
        self._cache.batch_repeat_interleave(n_rows)
        self._rows = list(range(n_rows))

    def __call__(self, rows: list[int], last: list[int]) -> Scores:
        if not last:
            return self._first.double().numpy().repeat(len(rows), axis=0)
        if rows != self._rows:
            self._cache.batch_select_indices(torch.tensor([self._rows.index(row) for row in rows]))
            self._rows = rows
        with torch.inference_mode():
            output = self._model(torch.tensor(last)[:, None], past_key_values=self._cache, use_cache=True)
        return np.asarray(output.logits[:, -1].double().numpy())


if __name__ == "__main__":
    main()
