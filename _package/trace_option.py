"""`--trace`: where the trace of a generation goes, for one text: a page, JSON, or the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .grammars.errors import ConstraintError
from .lines import Run, open_target
from .sources import write_json

TERMINAL = "-"
_ENDINGS = (".html", ".json")

TraceOption = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="FILE.html|FILE.json|-",
        help="Show what happened at each token: as a page, as JSON, or ('-') in the terminal.",
    ),
]


def check_trace(target: str | None, jsonl: Path | None) -> None:
    """Raise ConstraintError, before a model is loaded, if the trace could not be written."""
    if target is None:
        return
    if jsonl is not None:
        raise ConstraintError("--trace and --jsonl exclude each other", advice="trace one text")
    if target == TERMINAL:
        return
    path = Path(target)
    if path.suffix not in _ENDINGS:
        raise ConstraintError("--trace must be '-', or a file .html or .json", got=target)
    if path.is_dir() or not path.parent.is_dir():
        raise ConstraintError(
            f"{path}: is a folder, or its folder does not exist", advice="name another --trace"
        )


def traced(run: Run, target: str) -> Run:
    """A run whose trace is written when it is over; the terminal view goes to standard error."""

    def run_and_write(text: str, number: int) -> Any:
        result = run(text, number)
        if target == TERMINAL:
            result.trace.show(Console(stderr=True, highlight=False))
        elif target.endswith(".json"):
            with open_target(Path(target), is_new=True) as sink:
                print(write_json(result.trace.to_json()), file=sink)
        else:
            result.trace.save(target)
        return result

    return run_and_write
