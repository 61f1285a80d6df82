"""The command: ways to tell the length in, a table of errors (and a plot, with matplotlib) out."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import tokentrellis as tt
import torch

from .language import EOS, SENTENCES, TOKENS
from .training import KINDS, LONGEST, SHORTEST, Outcome, sample, train

INSIDE = (8, 16, 32, 48)
OUTSIDE = (64, 80)

Outcomes = dict[str, list[Outcome]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--samples", type=int, default=64, help="responses for each target")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("bench/results/local/length_control"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    vocabulary = tt.Vocabulary(TOKENS, eos_token_ids=[EOS])
    compiled = tt.compile_grammar(tt.from_regex(f"({SENTENCES})+"), vocabulary)
    outcomes: Outcomes = {}
    for kind in options.kinds:
        begin = time.perf_counter()
        model = train(kind, options.steps)
        targets = INSIDE + OUTSIDE
        outcomes[kind] = [sample(model, kind, target, options.samples) for target in targets]
        if kind != "orpe, at most":
            outcomes[f"{kind} + grammar"] = [
                sample(model, kind, target, options.samples, compiled) for target in targets
            ]
        print(f"{kind}: {time.perf_counter() - begin:.0f} s", flush=True)
    table = render(outcomes)
    print(f"\nTrained on {SHORTEST} to {LONGEST} tokens, EOS included.\n\n{table}")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "length_control.md").write_text(table, encoding="utf-8")
    rows = {kind: [asdict(outcome) for outcome in found] for kind, found in outcomes.items()}
    (options.out / "length_control.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    plot(outcomes, options.out / "length_control.png")


def render(outcomes: Outcomes) -> str:
    """Markdown: mean error in tokens (share of exact ones) for each target; over, on a stop, valid in all."""
    heads = [f"{target}" for target in INSIDE] + [f"{target}, outside" for target in OUTSIDE]
    heads = ["mean error (exact, %)", *heads, "over, %", "ends on a stop, %", "valid, %"]
    lines = [_line(heads), _line([":--"] + ["--:"] * (len(heads) - 1))]
    for kind, found in outcomes.items():
        cells = [f"{outcome.error:.2f} ({outcome.exact:.0f})" for outcome in found]
        valid = [outcome.valid for outcome in found if outcome.valid is not None]
        cells.append(f"{sum(outcome.over for outcome in found) / len(found):.0f}")
        cells.append(f"{sum(outcome.ends_on_stop for outcome in found) / len(found):.0f}")
        cells.append(f"{sum(valid) / len(valid):.0f}" if valid else "")
        lines.append(_line([kind, *cells]))
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plot(outcomes: Outcomes, path: Path) -> None:
    """Mean error by target, the trained range shaded; nothing without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    axes.axvspan(SHORTEST, LONGEST, alpha=0.1)
    for kind, found in outcomes.items():
        if not kind.endswith("+ grammar"):
            axes.plot(
                [outcome.target for outcome in found],
                [outcome.error for outcome in found],
                label=kind,
                marker="o",
            )
    axes.set(xlabel="target, tokens", ylabel="mean error, tokens", yscale="symlog")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
