"""What samplers cost with a real network: checks and time for a token, particles against one, batches.

The model is the one that the package carries, so the figures are those of a small one: a larger model makes
the sampler's own part smaller. Everything that is compared runs in turns in one process; the median counts.
Times are processor time, so that other programs on the machine do not count: run it with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tokentrellis as tt
import torch
from tokentrellis.models import load_model

TEXT = "Order by Ann Lee: 12 desk lamps, shipped on Monday."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "product": {"type": "string"},
        "quantity": {"type": "integer"},
        "status": {"enum": ["paid", "shipped", "cancelled"]},
    },
    "required": ["customer", "product", "quantity", "status"],
    "additionalProperties": False,
}
BUDGET = 64


@dataclass
class Slow:
    """A predicate that takes so long for each question."""

    seconds: float = 1e-3

    def prefix(self, text: str) -> bool:
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return "Bob" not in text

    complete = prefix


class Setting:
    """The embedded model after a prompt, with a schema."""

    def __init__(self, temperature: float = 1.0) -> None:
        loaded = load_model()
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self.prompt_ids = self.tokenizer(loaded.prompt(TEXT, SCHEMA))["input_ids"]
        vocabulary = tt.Vocabulary.from_tokenizer(self.tokenizer)
        grammar = tt.from_json_schema(SCHEMA, whitespace="compact")
        self.compiled = tt.compile_grammar(grammar, vocabulary)
        self.temperature = temperature

    def law(self) -> tt.CausalLanguageModel:
        return tt.CausalLanguageModel(self.model, self.prompt_ids, temperature=self.temperature)

    def constraint(self, predicate: Any = None) -> tt.Constraint:
        return tt.Constraint(self.compiled, predicate=predicate, max_new_tokens=BUDGET)


def seconds(run: Callable[[], Any]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def report_checks() -> None:
    """Checks for a token by AWRS, and the time for a token beside full masking, at several temperatures."""
    print(
        "\n| temperature | checks a token | ms a token, AWRS | ms a token, mask "
        "| AWRS + 1 ms | mask + 1 ms | ratio |"
    )
    print("| --: | --: | --: | --: | --: | --: | --: |")
    for temperature in (0.5, 1.0, 1.5, 2.0):
        setting = Setting(temperature)
        cells: list[float] = []
        for predicate, n_runs in ((None, 5), (Slow(), 1)):
            for proposal in (
                tt.AdaptiveRejectionSampler(predicate=predicate, uses_mask=False),
                tt.MaskSampler(),
            ):
                sampler = tt.SequentialMonteCarlo(1, proposal=proposal)
                n_tokens = n_checks = 0
                total = 0.0
                for seed in range(n_runs):
                    # What a mask costs with the predicate shows after two tokens.
                    is_long = predicate is not None and isinstance(proposal, tt.MaskSampler)
                    constraint = setting.constraint(predicate)
                    law = setting.law()
                    if is_long:
                        n, spent = _two_tokens(law, constraint, proposal)
                    else:
                        begin = time.process_time()
                        run = sampler.run(law, constraint, torch.Generator().manual_seed(seed))
                        spent, n = time.process_time() - begin, len(run.particles[0].token_ids)
                    total += spent
                    n_tokens += n
                    n_checks += constraint.n_checks
                if predicate is None and not isinstance(proposal, tt.MaskSampler):
                    cells.append(n_checks / n_tokens)
                cells.append(1000 * total / n_tokens)
        shown = [f"{value:.2f}" if value < 100 else f"{value:.0f}" for value in cells]
        print(f"| {temperature} | " + " | ".join(shown) + f" | {cells[4] / cells[3]:.0f} |", flush=True)


def _two_tokens(law: Any, constraint: Any, proposal: Any) -> tuple[int, float]:
    """Time for two tokens inside a string, where the grammar allows most of the vocabulary."""
    state = constraint.start()
    for token_id in constraint.vocabulary.greedy_tokenize(b'{"customer":"A'):
        state = state.after(token_id)
    rows = law.begin([state.token_ids])
    begin = time.process_time()
    for _ in range(2):
        drawn = proposal.draw_tokens(rows.log_probs, [state], [0], torch.Generator().manual_seed(0))
        state = state.after(drawn.token_ids[0])
        rows.advance([0], [drawn.token_ids[0]])
    return 2, time.process_time() - begin


def report_particles(n_rounds: int = 5) -> None:
    """Time for N particles beside one; at a high temperature, so that their texts differ."""
    print("\n| temperature | particles | seconds | times one | different texts, mean over steps |")
    print("| --: | --: | --: | --: | --: |")
    for temperature in (1.0, 1.5):
        setting = Setting(temperature)
        times: dict[int, list[float]] = {1: [], 4: [], 16: []}
        rows: dict[int, list[float]] = {1: [], 4: [], 16: []}
        for seed in range(n_rounds):
            for n_particles, found in times.items():
                sampler = tt.SequentialMonteCarlo(n_particles, proposal=tt.AdaptiveRejectionSampler())
                law, constraint = setting.law(), setting.constraint()
                begin = time.process_time()
                run = sampler.run(law, constraint, torch.Generator().manual_seed(seed))
                found.append((time.process_time() - begin) / len(run.rows_by_step))
                rows[n_particles].append(statistics.mean(run.rows_by_step))
        one = statistics.median(times[1])
        for n_particles, found in times.items():
            middle = statistics.median(found)
            print(
                f"| {temperature} | {n_particles} | {middle:.4f} a token | {middle / one:.2f} "
                f"| {statistics.mean(rows[n_particles]):.1f} |",
                flush=True,
            )


def report_batches(n_texts: int = 64, n_rounds: int = 7) -> None:
    """Texts a second by CARS and by masked chains, for batches."""
    print("\n| sampler | batch | texts a second | times batch 1 |")
    print("| :-- | --: | --: | --: |")
    setting = Setting(1.5)
    for name, make in (
        ("masked decoding", lambda batch: tt.MetropolisHastings(n_steps=0, batch_size=batch)),
        ("CARS", lambda batch: tt.GrammarAlignedSampler("cars", batch_size=batch)),
    ):
        rates: dict[int, list[float]] = {1: [], 8: [], 32: []}
        for seed in range(n_rounds):
            for batch, found in rates.items():
                law, constraint, sampler = setting.law(), setting.constraint(), make(batch)
                random = torch.Generator().manual_seed(seed)
                n = max(8, n_texts // (8 if batch == 1 else 1))
                found.append(
                    n
                    / seconds(
                        lambda s=sampler, m=law, c=constraint, n=n, g=random: list(s.samples(m, c, n, g))
                    )
                )
        for batch, found in rates.items():
            middle = statistics.median(found)
            print(
                f"| {name} | {batch} | {middle:.2f} | {middle / statistics.median(rates[1]):.1f} |",
                flush=True,
            )
