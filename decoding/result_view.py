"""A result as a notebook shows it: the text, what was called, the figures, and the trace if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .results import Result


def result_html(result: Result) -> str:
    """HTML for a cell: it takes its colours from the notebook."""
    calls = "".join(f"<div>call: <code>{escape(repr(call))}</code></div>" for call in result.calls or ())
    cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in _figures(result))
    trace = "" if result.trace is None else result.trace._repr_html_()
    text = escape(result.text.encode("utf-8", "backslashreplace").decode())
    return f'<pre style="white-space:pre-wrap">{text}</pre>{calls}<table>{cells}</table>{trace}'


def _figures(result: Result) -> Iterator[tuple[str, str]]:
    stats = result.stats
    yield "tokens", f"{stats.n_tokens}, {stats.n_forced_tokens} of them forced"
    yield "log-probability", f"{result.log_prob:.3f}"
    if result.log_weight is not None:
        yield "log-weight", f"{result.log_weight:.3f}"
    yield "tokens a second", f"{stats.tokens_per_second:.1f}"
    if stats.n_masks:
        yield "masks", f"{stats.n_masks}, {stats.mask_us_mean:.1f} us on average"
    if stats.speculation is not None:
        yield "tokens for a pass", f"{stats.speculation.block_efficiency:.2f}"
