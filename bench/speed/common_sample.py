"""MaskBench on samples that all engines take: the figures by which engines are compared.

In: MaskBench's file and a tokenizer. Out: for each part `maskbench_PART.json`, `.md` and `.png`. The slower
the engines, the smaller the sample: the two fastest take 1,000 schemas, xgrammar's two settings need
seconds for many schemas, outlines minutes, so that its limit of time is short and most of its schemas end
there. In a part whose name ends in `_warm` the tables of the vocabulary are. Each part runs as `python -m
bench.maskbench` runs it; the journals are not kept.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tokentrellis.benchmark.maskbench import engines

from .setting import ROOT, describe_sources

FAST = ("tokentrellis", "llguidance")
# Part: engines, schemas, seconds for a schema.
PARTS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "1000": (FAST, 1000, 10),
    "1000_warm": (FAST, 1000, 10),
    "150": ((*FAST, "xgrammar", "xgrammar+default"), 150, 10),
    "25": ((*FAST, "outlines"), 25, 8),
}


def run(data: Path, tokenizer: Path, seed: int, out: Path) -> None:
    """Run the parts whose engines are installed, and say which are left out."""
    for name, (wanted, sample, seconds) in PARTS.items():
        chosen = installed(wanted)
        missing = sorted(set(wanted) - set(chosen))
        if missing:
            print(f"maskbench, {sample} schemas: not installed, left out: {', '.join(missing)}")
        with tempfile.TemporaryDirectory(prefix="speed-") as folder:
            command = [
                *(sys.executable, "-m", "bench.maskbench", "--common", "--engines", ",".join(chosen)),
                *("--data", str(data.resolve()), "--tokenizer", str(tokenizer.resolve())),
                *("--sample", str(sample), "--seed", str(seed), "--time-limit", str(seconds)),
                *("--out", folder),
                *(("--warm",) if name.endswith("_warm") else ()),
            ]
            subprocess.run(command, cwd=ROOT, check=True)
            keep(Path(folder), out, f"maskbench_{name}")


def installed(wanted: Sequence[str]) -> list[str]:
    """Those of the engines that are there."""
    return [engine for engine in wanted if engines.installed(engine.partition("+")[0])]


def keep(folder: Path, out: Path, name: str) -> None:
    """The tables and the plot of a run, without the outcomes schema by schema."""
    out.mkdir(parents=True, exist_ok=True)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    del results["outcomes"]
    results["machine"] |= describe_sources()
    (out / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    shutil.copy(folder / "results.md", out / f"{name}.md")
    if (folder / "results.png").exists():
        shutil.copy(folder / "results.png", out / f"{name}.png")
