"""The command line: `python -m bench.maskbench`, and its two sub-commands `compare` and `report`.

In: options. Out: in the folder `--out`: `outcomes.jsonl` (journal), `run.json`, `results.json`, `results.md`,
`results.png`; the table is printed as well. A progress bar is shown on a terminal only.
"""

# ruff: noqa: E402  (the environment must be set before numpy and torch are loaded)

from __future__ import annotations

import os

# One thread: the worker has one core, and more threads would only take turns on it.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import gc
import importlib.util
import json
import platform
import sys
import timeit
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from . import engines as engine_modules
from .compare import load_outcomes, render
from .explain import explain
from .measure import CLOCKS, Outcome, idle_step_ns
from .plot import plot
from .problems import encode_problem, read_lines
from .report import write_report
from .run import DESCRIPTION, JOURNAL, Journal, Records, read_journal, run
from .tokenizer import TokenizerFolder
from .worker import Conditions, WorkerSetupError

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
console = Console(stderr=True)


@application.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Lines {name, schema, tests: [{valid, data}]}, .jsonl or .jsonl.gz.")
    ] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="Folder with a Hugging Face tokenizer.")] = None,
    engines: Annotated[str | None, typer.Option(help="Comma-separated: NAME or NAME+VARIANT.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Draw so many schemas.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    shard: Annotated[str, typer.Option(help="i/n: every n-th schema, beginning with the i-th.")] = "1/1",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("bench/results/local/maskbench"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    common: Annotated[
        bool, typer.Option("--common", help="Also over the schemas right in all engines.")
    ] = False,
    core: Annotated[
        int | None, typer.Option(help="The core of the workers (default: the last allowed one).")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Schemas of one worker before the next engine's turn.")
    ] = 125,
    clock: Annotated[str, typer.Option(help="wall, or cpu: only while the worker runs.")] = "wall",
    warm: Annotated[
        bool, typer.Option("--warm", help="Each worker goes through its schemas once before they count.")
    ] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds for a schema with its documents.")] = 10.0,
    memory_limit: Annotated[float, typer.Option(help="Megabytes of growth for a schema.")] = 2048.0,
    explain_name: Annotated[
        str | None, typer.Option("--explain", help="Show one schema's refusals and stop.")
    ] = None,
) -> None:
    """MaskBench: time between masks, time to first mask, and verdicts, for each engine."""
    if context.invoked_subcommand is not None:
        return
    if data is None or tokenizer is None:
        raise typer.BadParameter("--data and --tokenizer are needed; see bench/README.md")
    try:
        names = chosen_engines(engines)
        folder = TokenizerFolder(tokenizer)
        if explain_name is not None:
            explain_one(data, explain_name, names, folder)
            return
        if clock not in CLOCKS:
            raise ValueError(f"--clock: must be one of {', '.join(CLOCKS)}, got {clock!r}")
        lines = read_lines(data, sample=sample, seed=seed, shard=shard)
        conditions = Conditions(time_limit, memory_limit, choose_core(core), clock, warm)
        question = {"data": data.name, "schemas": len(lines), "sample": sample, "seed": seed, "shard": shard}
        question |= {"tokenizer": tokenizer.name, "clock": clock, "tables of the vocabulary": tables(warm)}
        question |= {"time limit, s": time_limit, "memory limit, MB": memory_limit}
        description = {"question": question, "machine": describe_machine(conditions)}
        journal = Journal(out, description, resume=resume)
        measure_all(lines, names, folder, journal, conditions, batch)
    except (ValueError, OSError, ImportError, WorkerSetupError) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    finish([out], out, common)


@application.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json")],
    after: Annotated[Path, typer.Argument(metavar="B.json")],
    engine: Annotated[str | None, typer.Option(help="The engine in A (and in B).")] = None,
    against: Annotated[str | None, typer.Option(help="The engine in B, where it is another one.")] = None,
) -> None:
    """The schemas on which two results differ, and their speed where both are right."""
    try:
        first, outcomes = load_outcomes(before, engine)
        second, others = load_outcomes(after, against or engine)
    except (ValueError, OSError) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    print(render(f"{before} {first}", outcomes, f"{after} {second}", others))


@application.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, for example the shards of one.")],
    out: Annotated[Path, typer.Option(help="Where results.json, results.md and results.png go.")],
    common: Annotated[bool, typer.Option("--common")] = False,
) -> None:
    """Make the tables again from journals; the shards of a run are put together."""
    out.mkdir(parents=True, exist_ok=True)
    finish(folders, out, common)


def chosen_engines(names: str | None) -> list[str]:
    """The engines asked for; by default those that are installed. One asked for by name must be there."""
    if names is None:
        missing = [name for name in engine_modules.DEFAULT if not engine_modules.installed(name)]
        if missing:
            console.print(f"not installed, left out: {', '.join(missing)}")
        return [name for name in engine_modules.DEFAULT if name not in missing]
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        base = name.partition("+")[0]
        if base in engine_modules.KNOWN and not engine_modules.installed(base):
            raise ModuleNotFoundError(
                f"--engines {name}: the package is not installed; pip install '.[bench]'"
            )
    return chosen


def tables(warm: bool) -> str:
    """What the head of the results says of the tables of the vocabulary."""
    if warm:
        return "warm (every schema is compiled anew, or comes from the engine's own cache, as xgrammar's)"
    return "as a new process learns them"


def choose_core(core: int | None) -> int | None:
    """The workers' core, and the parent moved away from it where there is another."""
    if not hasattr(os, "sched_setaffinity"):
        if core is not None:
            raise ValueError("--core: this system cannot pin a process to a core; leave the option out")
        return None
    allowed = os.sched_getaffinity(0)
    chosen = max(allowed) if core is None else core
    if chosen not in allowed:
        raise ValueError(f"--core: must be one of {sorted(allowed)}, got {chosen}")
    os.sched_setaffinity(0, (allowed - {chosen}) or allowed)
    return chosen


def measure_all(
    lines: list[dict[str, Any]],
    names: list[str],
    tokenizer: TokenizerFolder,
    journal: Journal,
    conditions: Conditions,
    batch: int,
) -> None:
    """The run itself, under a progress bar."""
    tokenizer.load()
    gc.freeze()  # what the workers inherit stays shared memory
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    known = sum(journal.has(name, line["name"]) for name in names for line in lines)
    # Refreshed by hand: a thread of the bar would disturb the worker, and make the fork unsafe.
    with Progress(*columns, console=console, auto_refresh=False, disable=not console.is_terminal) as bar:
        task = bar.add_task("maskbench", total=len(lines) * len(names), completed=known)

        def advance(outcome: Outcome) -> None:
            bar.update(task, advance=1, description=outcome.engine)
            bar.refresh()

        try:
            run(lines, names, tokenizer, journal, conditions, batch=batch, report=advance)
        finally:
            journal.close()
            gc.unfreeze()


def finish(folders: list[Path], out: Path, common: bool) -> None:
    """Tables and plot from the journals of one or several folders."""
    records = Records({}, [])
    for folder in folders:
        part = read_journal(folder / JOURNAL)
        records.setups += part.setups
        for engine, known in part.outcomes.items():
            records.outcomes.setdefault(engine, {}).update(known)
    description = json.loads((folders[0] / DESCRIPTION).read_text(encoding="utf-8"))
    if len(folders) > 1:
        description["question"]["shard"] = f"{len(folders)} runs together"
    print(write_report(out, records, description, common=common))
    if importlib.util.find_spec("matplotlib") is None:
        console.print("no plot: matplotlib is not installed")
    else:
        plot(records.outcomes, out / "results.png")


def explain_one(data: Path, name: str, names: list[str], tokenizer: TokenizerFolder) -> None:
    """Print what each engine does with one schema."""
    line = next((line for line in read_lines(data) if line["name"] == name), None)
    if line is None:
        raise ValueError(f"--explain: {data} has no schema named {name!r}")
    problem = encode_problem(line, tokenizer)
    for engine_name in names:
        bitmask = np.zeros((1, (tokenizer.vocabulary_size + 31) // 32), dtype=np.int32)
        engine = engine_modules.create(engine_name, tokenizer, bitmask)
        print(f"== {engine_name}\n{explain(engine, problem, tokenizer.token_bytes)}")


def describe_machine(conditions: Conditions) -> dict[str, Any]:
    """What a reader needs to place the figures."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.partition(":")[2].strip()
            for line in information.read_text().splitlines()
            if "model name" in line
        ]
        processor = models[0] if models else processor
    python = f"{platform.python_implementation()} {sys.version.split()[0]}"
    yardstick = min(timeit.repeat("for number in range(1_000_000): number + number", number=1, repeat=5))
    return {
        "processor": processor,
        "core": conditions.core,
        "python": python,
        "numpy": np.__version__,
        "a step in which an engine does nothing, us": idle_step_ns(CLOCKS[conditions.clock]) / 1000,
        "a million additions in Python, ms": round(yardstick * 1000, 1),
    }


if __name__ == "__main__":
    application(prog_name="python -m bench.maskbench")
