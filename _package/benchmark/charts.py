"""Charts as SVG text that needs nothing from outside: figures by row and engine in, a picture out.

The colour of an engine is its place in the list of engines, the same in all charts of a page; a run without
an engine is grey. Each mark has its figures as a tooltip, and the table of the page has them too, so that no
one has to tell colours apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from ..decoding.page import N_SERIES
from .contenders import FREE
from .maskbench.report import percentile

_WIDTH, _LEFT, _RIGHT = 1000, 210, 74
_BAR, _GAP, _ROW = 13, 3, 16
Figures = Mapping[str, Mapping[str, float | None]]
"""Row -> engine -> figure."""


def legend(engines: Sequence[str]) -> str:
    """The engines with their colours."""
    items = "".join(
        f'<span><span class="swatch" style="background:{colour_of(engines, engine)}"></span>'
        f"{escape(engine)}</span>"
        for engine in engines
    )
    return f'<div class="legend">{items}</div>'


def colour_of(engines: Sequence[str], engine: str) -> str:
    """The colour of an engine, in CSS."""
    if engine == FREE:
        return "var(--ink-3)"
    return f"var(--series-{engines.index(engine) % N_SERIES + 1})"


def bar_chart(figures: Figures, engines: Sequence[str]) -> str:
    """Shares from 0 to 1: for each row a bar for each engine; None is left empty and says so."""
    scale = (_WIDTH - _LEFT - _RIGHT) / 1.0
    marks, y = [], 6
    for row, cells in figures.items():
        height = len(engines) * (_BAR + _GAP)
        marks.append(_label(row, y + height / 2))
        for engine in engines:
            value = cells.get(engine)
            shown = "no task" if value is None else f"{100 * value:.0f} %"
            length = (value or 0) * scale
            marks.append(
                f"<g><title>{escape(f'{row}, {engine}: {shown}')}</title>"
                f'<path d="{_bar(_LEFT, y, length)}" fill="{colour_of(engines, engine)}"/>'
                f'<text class="value" x="{_LEFT + length + 6:.1f}" y="{y + _BAR - 2}">{shown}</text></g>'
            )
            y += _BAR + _GAP
        y += _ROW
    ticks = [(share, f"{100 * share:.0f} %") for share in (0, 0.25, 0.5, 0.75, 1)]
    return _svg(y, _grid([(_LEFT + share * scale, text) for share, text in ticks], y - _ROW) + "".join(marks))


def range_chart(samples: Mapping[str, Sequence[float]], engines: Sequence[str], unit: str) -> str:
    """For each engine the median, and from the 5th to the 95th percentile; a logarithmic axis."""
    known = {engine: sorted(samples[engine]) for engine in engines if samples.get(engine)}
    if not known:
        return '<p class="quiet">no samples</p>'
    everything = [
        value for values in known.values() for value in (percentile(values, 5), percentile(values, 95))
    ]
    low = 10 ** math.floor(math.log10(max(min(everything), 1e-6)))
    high = 10 ** math.ceil(math.log10(max(everything) * 1.001))
    span = _WIDTH - _LEFT - _RIGHT

    def place(value: float) -> float:
        return _LEFT + span * math.log10(max(value, low) / low) / math.log10(high / low)

    marks, y = [], 8
    for engine, values in known.items():
        first, middle, last = (percentile(values, percent) for percent in (5, 50, 95))
        colour = colour_of(engines, engine)
        span_shown = f"5 to 95 %: {show(first)} to {show(last)} {unit}"
        shown = f"median {show(middle)} {unit}, {span_shown}, {len(values)} samples"
        marks.append(_label(engine, y + 8))
        marks.append(
            f"<g><title>{escape(f'{engine}: {shown}')}</title>"
            f'<path d="M{place(first):.1f} {y + 7}H{place(last):.1f}" stroke="{colour}" stroke-width="6" '
            f'stroke-linecap="round" opacity="0.35"/>'
            f'<circle cx="{place(middle):.1f}" cy="{y + 7}" r="6" fill="{colour}" stroke="var(--surface)" '
            f'stroke-width="2"/>'
            f'<text class="value" x="{place(last) + 10:.1f}" y="{y + 11}">{show(middle)}</text></g>'
        )
        y += 26
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    ticks = [(place(10.0**decade), f"{10.0**decade:g} {unit}") for decade in decades]
    return _svg(y + 4, _grid(ticks, y) + "".join(marks))


def show(value: float | None) -> str:
    """A figure with three digits that count."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _bar(x: float, y: float, length: float) -> str:
    """Square at the base, rounded at the end."""
    radius = min(4.0, length / 2)
    return (
        f"M{x} {y}h{length - radius:.1f}a{radius:.1f} {radius:.1f} 0 0 1 {radius:.1f} {radius:.1f}"
        f"v{_BAR - 2 * radius:.1f}a{radius:.1f} {radius:.1f} 0 0 1 {-radius:.1f} {radius:.1f}H{x}Z"
    )


def _label(text: str, y: float) -> str:
    return f'<text class="value" x="{_LEFT - 12}" y="{y + 3:.1f}" text-anchor="end">{escape(text)}</text>'


def _grid(ticks: Sequence[tuple[float, str]], height: float) -> str:
    return "".join(
        f'<path d="M{x:.1f} 0V{height}" stroke="var(--line)"/>'
        f'<text x="{x:.1f}" y="{height + 16}" text-anchor="middle">{escape(text)}</text>'
        for x, text in ticks
    )


def _svg(height: float, marks: str) -> str:
    return f'<svg viewBox="0 -2 {_WIDTH} {height + 24:.0f}" role="img">{marks}</svg>'
