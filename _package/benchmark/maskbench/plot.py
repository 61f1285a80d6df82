"""The picture of a run: how TBM and TTFM are distributed, one curve for each engine, on a logarithmic axis.

In: outcomes. Out: `results.png`. The curves are cumulative: at a time t, the share of the masks (or schemas)
that took at most t; the vertical axis is stretched at its upper end (-log10 of what is left), because the
tail is what holds up a batch. Needs matplotlib, which is optional.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .report import Outcomes

POINTS = 2000  # of a curve: more cannot be seen, and a run has millions of samples
SHARES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


def plot(outcomes: Outcomes, path: Path) -> None:
    """Draw both distributions. Raises ImportError where matplotlib is not installed."""
    from matplotlib.figure import Figure

    samples = {
        "time between masks (TBM)": {
            engine: [sample for outcome in known.values() for sample in outcome.tbm_ns]
            for engine, known in outcomes.items()
        },
        "time to first mask (TTFM)": {
            engine: [outcome.ttfm_ns for outcome in known.values() if outcome.ttfm_ns is not None]
            for engine, known in outcomes.items()
        },
    }
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(1, 2), samples.items(), strict=True):
        for engine, nanoseconds in curves.items():
            if nanoseconds:
                ordered = np.sort(np.array(nanoseconds, dtype=np.int64)) / 1000
                rest = np.geomspace(1, 1 / len(ordered), min(POINTS, len(ordered)))
                places = np.minimum((len(ordered) * (1 - rest)).astype(np.int64), len(ordered) - 1)
                axes.plot(ordered[places], -np.log10(rest), label=engine)
        axes.set(title=title, xscale="log", xlabel="microseconds", ylabel="share of samples")
        axes.set_yticks([-np.log10(1 - share) for share in SHARES], [f"{share:.4g}" for share in SHARES])
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
