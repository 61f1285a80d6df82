"""A trace as a page: the tokens in reading order, shaded by what the mask took away; hover shows the choice.

In: a `Trace`. Out: one HTML document without external resources, some hundred bytes for each token and
alternative. Under the text there are two charts over the same axis (probability removed, budget), and a table
with the same figures for those who read without a pointer.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from .page import frame, page, script_data, tiles

if TYPE_CHECKING:
    from .traces import Trace, TraceStep

FRAME_HEIGHT = 620
_WIDTH, _LEFT = 1000, 46
_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"}

_STYLE = """
.text { font: 15px/2 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; margin-top: 10px; }
.token { border-radius: 3px; padding: 2px 0; cursor: default; outline-offset: 1px;
  box-shadow: inset 0 0 0 0.5px var(--line);
  background: color-mix(in srgb, var(--warm) calc(var(--removed) * 62%), transparent); }
.token.forced { border-bottom: 2px dotted var(--series-1); }
.token.special { color: var(--ink-3); font-size: 12px; }
.token:hover, .token:focus, .token.marked { outline: 2px solid var(--ink-2); }
.legend { display: flex; flex-wrap: wrap; gap: 18px; font-size: 13px; color: var(--ink-2); }
.ramp { display: inline-block; width: 90px; height: 11px; border-radius: 3px; margin: 0 6px;
  vertical-align: -1px;
  background: linear-gradient(90deg, transparent, color-mix(in srgb, var(--warm) 62%, transparent));
  border: 1px solid var(--line); }
#tip { position: fixed; z-index: 9; display: none; width: 340px;
  background: var(--surface); color: var(--ink);
  border: 1px solid var(--axis); border-radius: 8px; box-shadow: 0 6px 24px rgb(0 0 0 / .22);
  padding: 10px 12px; font-size: 13px; pointer-events: none; }
#tip b { font: 600 14px ui-monospace, Menlo, Consolas, monospace; }
#tip .facts { color: var(--ink-2); margin: 2px 0 8px; }
#tip .row { display: grid; grid-template-columns: 112px 1fr 62px; gap: 8px; align-items: center; }
#tip .row code { white-space: pre; overflow: hidden; text-overflow: ellipsis; font-size: 12px; }
#tip .row.no code { text-decoration: line-through; color: var(--ink-3); }
#tip .bar { height: 9px; border-radius: 0 3px 3px 0; background: var(--series-1); min-width: 1px; }
#tip .row.no .bar { background: var(--warm); }
#tip .share { text-align: right; font-variant-numeric: tabular-nums; }
.hit:hover { fill: var(--ink); fill-opacity: .06; }
"""
_SCRIPT = """
const tip = document.getElementById("tip");
const tokens = [...document.querySelectorAll(".token[data-place]")];
const part = (kind, text, name) => {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const percent = share => share === null ? "?" : share > 0.9995 ? "100 %"
  : share >= 0.001 ? (100 * share).toFixed(1) + " %" : share > 0 ? "< 0.1 %" : "0 %";
function show(place, box) {
  const step = steps[place];
  tip.replaceChildren(part("b", step.text), part("div", step.facts, "facts"));
  for (const [text, share, isAllowed] of step.alternatives) {
    const row = part("div", undefined, isAllowed ? "row" : "row no");
    const holder = part("div"), bar = part("div", undefined, "bar");
    bar.style.width = 100 * share + "%";
    holder.append(bar);
    row.append(part("code", text), holder, part("span", percent(share), "share"));
    tip.append(row);
  }
  tip.style.display = "block";
  tip.style.left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8)) + "px";
  const below = box.bottom + 8;
  const above = Math.max(8, box.top - tip.offsetHeight - 8);
  tip.style.top = (below + tip.offsetHeight < innerHeight ? below : above) + "px";
  tokens[place].classList.add("marked");
}
function hide(place) { tip.style.display = "none"; tokens[place].classList.remove("marked"); }
for (const shown of [...tokens, ...document.querySelectorAll(".hit")]) {
  const place = Number(shown.dataset.place);
  for (const name of ["mouseenter", "focus"])
    shown.addEventListener(name, () => show(place, shown.getBoundingClientRect()));
  for (const name of ["mouseleave", "blur"]) shown.addEventListener(name, () => hide(place));
}
"""


def trace_page(trace: Trace) -> str:
    """The whole page."""
    budget = trace.steps[0].tokens_left if trace.steps else None
    known = [step.probability for step in trace.steps if step.probability]
    figures = {
        "tokens, the end included": f"{len(trace.steps)}",
        "of them forced": f"{trace.n_forced_tokens}",
        "probability removed, mean": _percent(trace.mean_removed),
        "log probability": f"{sum(map(math.log, known)):.2f}" if len(known) == len(trace.steps) else "?",
        "white space": _percent(trace.whitespace_share),
        "budget": f"{len(trace.steps)} of {budget}" if budget is not None else "none",
    }
    body = tiles(figures) + _text_section(trace) + _chart_section(trace) + _table_section(trace)
    if trace.prompt:
        shown = _clean(trace.prompt)
        body += f"<section><details><summary>Prompt</summary><pre>{shown}</pre></details></section>"
    script = f"const steps = {script_data([_step_data(step) for step in trace.steps])};{_SCRIPT}"
    return page("Trace of a generation", body + '<div id="tip"></div>', style=_STYLE, script=script)


def trace_frame(trace: Trace) -> str:
    """The page as a notebook shows it."""
    return frame(trace_page(trace), FRAME_HEIGHT)


def facts_of(step: TraceStep) -> str:
    """One line about a token."""
    facts = [f"probability {_percent(step.probability)}"]
    if step.masked_probability is not None:
        facts.append(f"{_percent(step.masked_probability)} of what is allowed")
    facts += [f"mask removed {_percent(step.removed)}", f"{step.n_allowed} allowed"]
    if step.is_forced:
        facts.append("forced")
    if step.tokens_left is not None:
        facts.append(f"{step.tokens_left} tokens left")
    if step.tokens_to_finish is not None:
        facts.append(f"{step.tokens_to_finish} to finish")
    return " · ".join(facts)


def visible(text: str) -> str:
    """A token's text in one line: white space and control characters as signs."""
    return "".join(_SIGNS.get(c, c if c.isprintable() else "·") for c in text)


def _step_data(step: TraceStep) -> dict[str, Any]:
    others = [(visible(o.text), round(o.probability, 9), o.is_allowed) for o in step.alternatives]
    return {"text": visible(step.text), "facts": facts_of(step), "alternatives": others}


def _percent(share: float | None) -> str:
    if share is None:
        return "?"
    if share > 0.9995:
        return "100 %"
    if share == 0:
        return "0 %"
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"


def _clean(text: str) -> str:
    """Escaped, and without what no page may contain."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "·" for c in text))


def _text_section(trace: Trace) -> str:
    spans = []
    for place, step in enumerate(trace.steps):
        is_special = place == len(trace.steps) - 1 and not trace.text.endswith(step.text)
        kinds = "token" + " forced" * step.is_forced + " special" * is_special
        shown = _clean(step.text.replace("\n", "↵\n").replace("\t", "⇥\t").replace("\r", "␍"))
        spans.append(
            f'<span class="{kinds}" tabindex="0" data-place="{place}" '
            f'style="--removed:{step.removed:.3f}">{shown}</span>'
        )
    return (
        "<section><h2>Output</h2>"
        '<div class="legend"><span>probability removed by the mask: 0 %<span class="ramp"></span>100 %</span>'
        '<span><span class="token forced">text</span> forced: the grammar left no choice</span>'
        "<span>hover a token for the alternatives</span></div>"
        f'<div class="text">{"".join(spans)}</div></section>'
    )


def _chart_section(trace: Trace) -> str:
    n_steps = max(1, len(trace.steps))
    width = (_WIDTH - _LEFT) / n_steps
    height = 96
    bars = "".join(
        f'<rect x="{_LEFT + place * width:.2f}" y="{height - step.removed * height:.2f}" '
        f'width="{max(0.6, width - min(2.0, width / 4)):.2f}" height="{step.removed * height:.2f}" '
        'fill="var(--warm)"/>'
        for place, step in enumerate(trace.steps)
    )
    parts = [
        "<h2>Probability mass removed by the mask, token by token</h2>",
        _svg(height, bars, n_steps, width, ("0 %", "50 %", "100 %")),
    ]
    lefts = [step.tokens_left for step in trace.steps]
    needs = [step.tokens_to_finish for step in trace.steps]
    if lefts and lefts[0] is not None:
        most = max(1, *(left or 0 for left in lefts), *(need or 0 for need in needs))
        lines = _line([left or 0 for left in lefts], most, width, height, "var(--series-1)")
        legend = '<span style="color:var(--series-1)">━</span> tokens left in the budget'
        if needs[0] is not None:
            lines += _line([need or 0 for need in needs], most, width, height, "var(--series-2)")
            legend += ' &nbsp; <span style="color:var(--series-2)">━</span> tokens needed to finish'
        parts += [
            f'<h2 style="margin-top:18px">Budget</h2><div class="legend">{legend}</div>',
            _svg(height, lines, n_steps, width, ("0", f"{most // 2}", f"{most}")),
        ]
    return f"<section>{''.join(parts)}</section>"


def _line(values: list[int], most: int, width: float, height: int, colour: str) -> str:
    points = " ".join(
        f"{_LEFT + (place + 0.5) * width:.1f},{height - value / most * height:.1f}"
        for place, value in enumerate(values)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _svg(height: int, marks: str, n_steps: int, width: float, labels: tuple[str, str, str]) -> str:
    """A chart over the tokens: three lines of a grid, marks, and a strip for the pointer for each token."""
    grid = "".join(
        f'<path d="M{_LEFT} {height - height * place / 2}H{_WIDTH}" '
        f'stroke="var(--{"axis" if place == 0 else "line"})"/>'
        f'<text x="{_LEFT - 6}" y="{height - height * place / 2 + 4}" text-anchor="end">{label}</text>'
        for place, label in enumerate(labels)
    )
    strips = "".join(
        f'<rect class="hit" data-place="{place}" x="{_LEFT + place * width:.2f}" y="0" width="{width:.2f}" '
        f'height="{height}" fill="transparent"/>'
        for place in range(n_steps)
    )
    ticks = sorted({0, n_steps // 4, n_steps // 2, 3 * n_steps // 4, n_steps - 1})
    numbers = "".join(
        f'<text x="{_LEFT + (place + 0.5) * width:.1f}" y="{height + 16}" '
        f'text-anchor="middle">{place + 1}</text>'
        for place in ticks
    )
    return f'<svg viewBox="0 -8 {_WIDTH + 8} {height + 30}" role="img">{grid}{marks}{numbers}{strips}</svg>'


def _table_section(trace: Trace) -> str:
    names = ("", "token", "probability", "among allowed", "removed", "allowed", "forced", "left", "to finish")
    head = "".join(f"<th{' class=number' if i > 1 else ''}>{name}</th>" for i, name in enumerate(names))
    rows = []
    for place, step in enumerate(trace.steps):
        cells = (
            _percent(step.probability),
            _percent(step.masked_probability),
            _percent(step.removed),
            f"{step.n_allowed}",
            "yes" if step.is_forced else "",
            "" if step.tokens_left is None else f"{step.tokens_left}",
            "" if step.tokens_to_finish is None else f"{step.tokens_to_finish}",
        )
        figures = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows.append(
            f'<tr><td class="quiet">{place + 1}</td>'
            f"<td><code>{_clean(visible(step.text))}</code></td>{figures}</tr>"
        )
    return (
        "<section><details><summary>All tokens as a table</summary>"
        f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div></details></section>'
    )
