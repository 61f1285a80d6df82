"""A page that needs nothing from outside: a title and parts of HTML in, one HTML document out.

The style has a light and a dark half, chosen by the reader's system and changed by a button. Traces and the
reports of benchmarks share it. Colours that stand for engines (`--series-1` ...) keep their order and their
distance for readers who do not see all colours, in both halves.
"""

from __future__ import annotations

import base64
import json
from html import escape
from typing import Any

N_SERIES = 8

_LIGHT = """
  --page: #f6f6f3; --surface: #fcfcfb; --ink: #0b0b0b; --ink-2: #52514e; --ink-3: #807f7a;
  --line: #e1e0d9; --axis: #c3c2b7; --hover: #efeeea; --warm: #d9480f; --bad: #c92a2a; --good: #0b7a3b;
  --series-1: #2a78d6; --series-2: #1baf7a; --series-3: #eda100; --series-4: #008300;
  --series-5: #4a3aa7; --series-6: #e34948; --series-7: #e87ba4; --series-8: #eb6834;
"""
_DARK = """
  --page: #0d0d0d; --surface: #1a1a19; --ink: #ffffff; --ink-2: #c3c2b7; --ink-3: #8f8e87;
  --line: #2c2c2a; --axis: #4a4a46; --hover: #262624; --warm: #ff8a50; --bad: #ff7b7b; --good: #55c98a;
  --series-1: #3987e5; --series-2: #199e70; --series-3: #c98500; --series-4: #008300;
  --series-5: #9085e9; --series-6: #e66767; --series-7: #d55181; --series-8: #d95926;
"""
_STYLE = """
:root { color-scheme: light; LIGHT }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { color-scheme: dark; DARK } }
:root[data-theme=dark] { color-scheme: dark; DARK }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 60px; }
header { display: flex; align-items: baseline; gap: 16px; }
h1 { font-size: 22px; margin: 0; flex: 1; } h2 { font-size: 16px; margin: 0 0 4px; }
p { margin: 4px 0 10px; color: var(--ink-2); max-width: 78ch; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 18px; margin-top: 16px; }
button { font: inherit; font-size: 13px; color: var(--ink-2); background: var(--surface);
  border: 1px solid var(--axis); border-radius: 6px; padding: 3px 10px; cursor: pointer; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
.tile { background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 14px; min-width: 118px; flex: 1; }
.tile b { display: block; font-size: 21px; font-weight: 600; }
.tile span { color: var(--ink-2); font-size: 13px; }
.wide { overflow-x: auto; } svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--ink-2); font: 12px system-ui, sans-serif; } svg .value { fill: var(--ink); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--ink-2); font-weight: 600; white-space: nowrap; } .number { text-align: right; }
td code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0 0; color: var(--ink-2); }
summary { cursor: pointer; color: var(--ink-2); } .quiet { color: var(--ink-3); }
"""
_SWITCH = """
document.getElementById("theme").onclick = () => {
  const root = document.documentElement;
  const isDark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
};
"""


def page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """The document. body: HTML; style and script: what this page adds."""
    shared = _STYLE.replace("LIGHT", _LIGHT).replace("DARK", _DARK)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{shared}{style}</style></head>\n"
        f'<body><main><header><h1>{escape(title)}</h1><button id="theme">light / dark</button></header>\n'
        f"{body}\n</main><script>{_SWITCH}{script}</script></body></html>\n"
    )


def tiles(values: dict[str, str]) -> str:
    """The main figures, each with its name under it."""
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
            for name, value in values.items()
        )
        + "</div>"
    )


def script_data(value: Any) -> str:
    """JSON that may stand inside of a script."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


def frame(document: str, height: int) -> str:
    """A document inside of another page, from whose style and scripts it is kept apart."""
    data = base64.b64encode(document.encode("utf-8", "backslashreplace")).decode()
    return (
        f'<iframe src="data:text/html;charset=utf-8;base64,{data}" sandbox="allow-scripts" '
        f'style="width:100%;height:{height}px;border:0"></iframe>'
    )
