"""`tokentrellis bench`: how well engines make a model write structured output, and what it costs.

Without a sub-command it runs a model on tasks and writes a report; `masks` is MaskBench, `suite` the official
JSON Schema Test Suite, `report` makes the page of a run again. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..decoding.arguments import checked_integer, checked_number
from ..grammar_options import ModelWhitespaceOption, TokenizerOption, layout_for, parse_whitespace
from ..grammars.errors import ConstraintError
from ..progress import shown_progress
from ..ray_options import (
    GpusPerWorkerOption,
    RayAddressOption,
    RayOption,
    WorkersOption,
    checked_workers,
)
from ..text_input import ModelOption

app = typer.Typer(
    help="Compare engines: coverage, efficiency, quality; MaskBench; the JSON Schema Test Suite.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_OWN_OPTIONS = {"ignore_unknown_options": True, "help_option_names": []}


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    engines: Annotated[
        str | None,
        typer.Option(
            help="Of tokentrellis, llguidance, xgrammar, outlines_core, unconstrained. Default: those that "
            "are installed, without outlines_core, which can take minutes for a schema."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help='Lines {"prompt" or "text", "schema", "expected", "constraints"}, all but one optional.'
        ),
    ] = None,
    sample: Annotated[int | None, typer.Option(help="Draw so many of the tasks.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sample and of the long tasks.")] = 0,
    long: Annotated[
        str, typer.Option(metavar="N,N", help="Items of the long tasks; empty: none.")
    ] = "4,8,16",
    out: Annotated[Path, typer.Option(help="Folder; a run that is there is gone on with.")] = Path(
        "bench-report"
    ),
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", help="For each output.")] = 512,
    whitespace: ModelWhitespaceOption = None,
    turns: Annotated[
        bool | None,
        typer.Option(
            "--turns/--no-turns",
            help="Engines take turns, each with a model in memory. Default: for the embedded model.",
        ),
    ] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", help="Seconds for a task.")] = 120.0,
    memory_limit: Annotated[
        float, typer.Option("--memory-limit", help="Megabytes of growth for a task.")
    ] = 8192.0,
    on_ray: RayOption = False,
    ray_address: RayAddressOption = None,
    workers: WorkersOption = None,
    gpus_per_worker: GpusPerWorkerOption = 0,
) -> None:
    """Let engines write with a model, and compare coverage, efficiency and quality.

    Without --data the tasks are those that the package carries. A run that was interrupted goes on where it
    stopped: give the same options again. The report is OUT/report.html.
    """
    if context.invoked_subcommand is not None:
        return
    from .contenders import chosen_engines, version_of
    from .generation import Setting
    from .isolation import Limits
    from .report import PAGE, write_report
    from .run import Journal, run
    from .scoring import judge_name
    from .tasks import digest_of

    checked_integer("--max-new-tokens", max_new_tokens, least=1)
    n_workers = checked_workers(on_ray, ray_address, workers, gpus_per_worker)
    limits = Limits(
        checked_number("--time-limit", time_limit, above=0),
        checked_number("--memory-limit", memory_limit, above=0),
    )
    layout = parse_whitespace(layout_for(model, whitespace))
    chosen, missing = chosen_engines(engines)
    tasks = _tasks(data, sample, seed, long)
    question = {
        "model": model,
        "tokenizer": tokenizer,
        "data": "the tasks of the package" if data is None else data.name,
        "tasks": len(tasks),
        "digest of the tasks": digest_of(tasks),
        "tokens at most": max_new_tokens,
        "layout of tokentrellis": layout,
        "seconds at most": time_limit,
    }
    about = {
        "engines": {name: version_of(name) for name in chosen},
        "machine": {
            "judge of validity": judge_name(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    }
    console = Console(stderr=True)
    for name in missing:
        console.print(f"not installed, left out: {name}")
    journal = Journal(out, question, about)
    setting = Setting(model, tokenizer, max_new_tokens, layout)
    n_known = sum(journal.has(engine, task.name) for engine in chosen for task in tasks)
    options: dict[str, Any] = {"takes_turns": model is None if turns is None else turns}
    if on_ray:
        from .ray_run import run_on_ray

        options |= {"workers": n_workers, "gpus_per_worker": gpus_per_worker, "address": ray_address}
    try:
        with shown_progress("bench", len(tasks) * len(chosen), n_known) as advance:
            (run_on_ray if on_ray else run)(
                *(tasks, chosen, setting, journal, limits),
                report=lambda outcome: advance(outcome.engine),
                **options,
            )
    finally:
        journal.close()
    print(write_report(out))
    console.print(f"the report is {out / PAGE}", highlight=False)


@app.command("report")
def make_report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a run; it may be unfinished.")],
) -> None:
    """Make the report of a run again."""
    from .report import write_report

    print(write_report(folder))


@app.command("masks", context_settings=_OWN_OPTIONS)
def masks(words: Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS]")] = None) -> None:
    """MaskBench: time between masks, time to first mask, verdicts (`bench masks --help` has its options)."""
    from .maskbench.__main__ import application

    application(list(words or []), prog_name="tokentrellis bench masks", standalone_mode=True)


@app.command("suite")
def suite(
    data: Annotated[
        Path, typer.Argument(metavar="SUITE", help="One draft: {draft, groups, remotes}, .json.gz.")
    ],
    only: Annotated[str, typer.Option(help="Only files whose name has this in it.")] = "",
    seed: Annotated[int, typer.Option(help="Of the spellings.")] = 0,
) -> None:
    """The official JSON Schema Test Suite, each document in four spellings; 1 if one verdict differs."""
    from .conformance.suite import read_suite, run_suite

    try:
        content = read_suite(data)
    except (OSError, ValueError, EOFError) as error:
        raise ConstraintError(
            f"{data}: is no test suite ({error})", advice="give gzipped JSON with draft, groups and remotes"
        ) from error
    found = run_suite(content, seed=seed, only=only)
    print(found)
    raise typer.Exit(1 if found.failures else 0)


def _tasks(data: Path | None, sample: int | None, seed: int, long: str) -> list[Any]:
    import random

    from .long_tasks import long_tasks
    from .tasks import carried_tasks, read_tasks

    if sample is not None:
        checked_integer("--sample", sample, least=1)
    try:
        sizes = [int(word) for word in long.split(",") if word.strip()]
    except ValueError:
        raise ConstraintError("--long must be numbers such as 4,8", got=long) from None
    if any(not 1 <= size <= 1000 for size in sizes):
        raise ConstraintError("--long: each number must be from 1 to 1000", got=long)
    if data is None:
        return [*carried_tasks(sample, seed), *long_tasks(sizes, seed)]
    tasks = read_tasks(data)
    if sample is not None and sample < len(tasks):
        tasks = [tasks[place] for place in sorted(random.Random(seed).sample(range(len(tasks)), sample))]
    return tasks
