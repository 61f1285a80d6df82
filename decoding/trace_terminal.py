"""A trace in a terminal: one line for each token, with a bar for what the mask took away.

In: a `Trace`. Out: something that `rich` prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from .trace_page import visible

if TYPE_CHECKING:
    from .traces import Trace, TraceStep

BAR = 10
MOST_ALTERNATIVES = 3


def trace_table(trace: Trace) -> Group:
    """The output with its forced tokens marked, the table, and the figures of the whole."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "token", "p", "removed by the mask", "allowed", "left", "instead"):
        table.add_column(name, justify="right" if name in ("", "p", "allowed", "left") else "left")
    for place, step in enumerate(trace.steps, 1):
        table.add_row(
            f"{place}",
            Text(visible(step.text), style="cyan" if step.is_forced else ""),
            "?" if step.probability is None else f"{step.probability:.3f}",
            _bar(step.removed),
            f"{step.n_allowed}",
            "" if step.tokens_left is None else f"{step.tokens_left}",
            _others(step),
        )
    summary = (
        f"{len(trace.steps)} tokens, {trace.n_forced_tokens} forced (cyan); the mask removed "
        f"{100 * trace.mean_removed:.1f} % on average; {100 * trace.whitespace_share:.1f} % white space"
    )
    return Group(table, Text(summary, style="dim"))


def _bar(share: float) -> Text:
    n_full = round(share * BAR)
    return (
        Text("█" * n_full, style="red") + Text("·" * (BAR - n_full), style="dim") + f" {100 * share:5.1f} %"
    )


def _others(step: TraceStep) -> Text:
    """The likeliest other tokens; struck through, if they were forbidden."""
    shown = Text()
    others = [other for other in step.alternatives if other.token_id != step.token_id]
    for other in others[:MOST_ALTERNATIVES]:
        if other.probability >= 0.0005:
            style = "" if other.is_allowed else "red strike"
            shown += Text(visible(other.text), style=style) + Text(f" {other.probability:.3f}  ", style="dim")
    return shown
