"""Token automata: how long they take to make, how large they are, what a step costs beside a free one.

    python -m bench.token_automaton --tokenizer FOLDER [--device cuda] [--batches 1 64 256]

A step is greedy, over random logits in float32 (bfloat16 on a GPU). Unconstrained is `argmax` of the same
logits. On a GPU both run in a CUDA graph of 20 steps; figures are the best of five runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import tokentrellis as tt
import torch
from tokentrellis.grammars.grammar import Grammar

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


def grammars() -> dict[str, tuple[Grammar, int | None]]:
    """Grammars with their `max_tokens`."""
    compact = {"whitespace": "compact"}
    choices = [f"value number {i}" for i in range(50)]
    limited = {**CLOSED, "properties": FIELDS, "required": list(FIELDS)}
    return {
        "50 choices": (tt.from_choices(choices), None),
        r"pattern \d{4}-\d{2}-\d{2}": (tt.from_regex(r"\d{4}-\d{2}-\d{2}"), None),
        r"pattern \w{1,20}": (tt.from_regex(r"\w{1,20}"), None),
        "a string": (tt.from_json_schema({"type": "string"}), None),
        "a flat object, compact": (tt.from_json_schema(PERSON, whitespace="compact"), None),
        "a flat object, natural white space": (tt.from_json_schema(PERSON), None),
        "a list of flat objects": (tt.from_json_schema({"type": "array", "items": PERSON}), None),
        "five strings of 50 characters": (tt.from_json_schema(limited, whitespace="compact"), None),
        "a recursive list in 40 tokens": (tt.from_json_schema(NODE, **compact), 40),  # type: ignore[arg-type]
    }


def seconds(device: str, run: Callable[[], object]) -> float:
    """Of one call, the best of five; on a GPU inside a CUDA graph."""
    call: Callable[[], object] = run
    if device != "cpu":
        run()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(STEPS):
                run()
        call = graph.replay
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(1 if device != "cpu" else STEPS):
            call()
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begin) / STEPS)
    return best


def measure_steps(automaton: tt.TokenAutomaton, device: str, batches: list[int]) -> None:
    print("\n| batch | unconstrained, us | step, us |\n| --: | --: | --: |")
    for batch in batches:
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        logits = torch.randn(batch, automaton.vocab_size, device=device, dtype=dtype)
        rows = automaton.start(batch)
        # States stay: each step is like the first.
        states, left = rows.states.clone(), rows.left.clone()

        def step(logits: torch.Tensor = logits, rows: Any = rows, first: Any = (states, left)) -> None:
            rows.states.copy_(first[0])
            rows.left.copy_(first[1])
            automaton.step(logits, rows)

        def unconstrained(logits: torch.Tensor = logits) -> None:
            logits.argmax(dim=1)

        plain, constrained = seconds(device, unconstrained), seconds(device, step)
        print(f"| {batch} | {plain * 1e6:.0f} | {constrained * 1e6:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="folder or name of a Hugging Face tokenizer")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 64])
    options = parser.parse_args()
    from transformers import AutoTokenizer

    vocabulary = tt.Vocabulary.from_tokenizer(AutoTokenizer.from_pretrained(options.tokenizer))
    print("| grammar | seconds | states | classes | tables, MB | different masks |")
    print("| :-- | --: | --: | --: | --: | --: |")
    chosen = None
    for name, (grammar, max_tokens) in grammars().items():
        compiled = tt.compile_grammar(grammar, vocabulary)
        begin = time.perf_counter()
        automaton = compiled.token_automaton(options.device, max_tokens=max_tokens)
        spent = time.perf_counter() - begin
        masks, _ = automaton.tables.mask_rows(max_bytes=2**32)
        size = automaton.tables.n_bytes / 1e6
        print(
            f"| {name} | {spent:.2f} | {automaton.n_states:,} | {automaton.n_classes} | {size:.1f}"
            f" | {len(masks):,} |",
            flush=True,
        )
        if name.endswith("natural white space"):
            chosen = automaton
    assert chosen is not None
    measure_steps(chosen, options.device, options.batches)


if __name__ == "__main__":
    main()
