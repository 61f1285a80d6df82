"""A file of texts: the lines of a JSONL file in, the same lines with what was generated out.

Each line is a text, or an object with the text under "text"; other members of the object are copied. What
comes out is the object with the value under "output" (a text becomes `{"text": ..., "output": ...}`) and,
where a program asks for it, all that is known about the result under "report". A run that was stopped is
taken up again where it ended. Before that, the lines that are there are compared with the texts: nothing is
appended to, or cut off, a file that belongs to another input.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import typer

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

from .grammars.errors import ConstraintError
from .progress import shown_progress
from .sources import check_text, parse_json, read_file, write_json
from .standard_output import JSON_ESCAPE

Run = Callable[[str, int], Any]
"""(text, number to add to the seed) -> Result"""

_ADDED = ("output", "report")


def read_records(source: Path) -> list[dict[str, Any]]:
    """The lines of a file as objects with a text; empty lines are skipped.

    Raises:
        ConstraintError: a line is something else, its text is empty, or it has a member that this run adds.
    """
    lines = read_file(source).split("\n")
    return [_record(line, f"{source}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _record(line: str, place: str) -> dict[str, Any]:
    value = parse_json(line, place)
    record = {"text": value} if isinstance(value, str) else value
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ConstraintError(f"{place}: must be a text, or an object with a text under 'text'", got=value)
    if not record["text"].strip():
        raise ConstraintError(f"{place}: the text is empty", got=value, advice="leave the line out")
    check_text(record["text"], f"{place}, the text")
    for name in _ADDED:
        if name in record:
            raise ConstraintError(
                f"{place}: has {name!r} already, where the result goes", got=value, advice="rename it"
            )
    return record


def check_target(target: Path, source: Path) -> None:
    """Raise ConstraintError if the results for `source` cannot be written to `target`."""
    try:
        is_source = target.exists() and target.samefile(source)
        is_folder, has_folder = target.is_dir(), target.parent.is_dir()
    except OSError as error:
        raise _cannot_be_written(target, error) from error
    if is_source:
        raise ConstraintError(f"{target}: is the input itself", advice="name another --out")
    if is_folder:
        raise ConstraintError(f"{target}: is a folder", advice="name a file")
    if not has_folder:
        raise ConstraintError(f"{target}: its folder does not exist", advice="make it, or name another --out")


@contextmanager
def open_target(target: Path, *, is_new: bool = False) -> Iterator[TextIO]:
    """The file that the results go to, for as long as it takes.

    is_new: begin it anew; else what is written is appended.

    Raises:
        ConstraintError: it cannot be opened or written, or another run appends to it.
    """
    try:
        with target.open("w" if is_new else "a", encoding="utf-8", errors=JSON_ESCAPE) as sink:
            if not is_new and target.is_file():
                _lock(sink, target)
            yield sink
    except OSError as error:
        raise _cannot_be_written(target, error) from error


def _lock(sink: TextIO, target: Path) -> None:
    """The same command given twice would write every line twice. Windows has no such lock, nor have some
    network drives; there nobody looks after it.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConstraintError(
            f"{target}: another run is writing to it", advice="wait for it, or name another --out"
        ) from None
    except OSError:
        return


def _cannot_be_written(target: Path, error: OSError) -> ConstraintError:
    return ConstraintError(
        f"{target}: cannot be written ({error.strerror or error})",
        advice="name another --out, or make room for it",
    )


def take_up(target: Path, source: Path, records: list[dict[str, Any]], has_reports: bool) -> int:
    """How many of the records are finished in `target`; the rest of a line that was cut off is removed.

    Raises:
        ConstraintError: what is there does not come from these records, or not with the same `--json`.
    """
    if not target.exists() or not target.stat().st_size:
        return 0
    whole, line_end, cut_off = read_file(target, errors="replace").rpartition("\n")
    finished = whole.split("\n") if line_end else []
    advice = "name another --out, or remove the file"
    if len(finished) > len(records):
        raise ConstraintError(
            f"{target}: has more lines than {source} has texts ({len(records)})",
            got=len(finished),
            advice=advice,
        )
    for number, (line, record) in enumerate(zip(finished, records, strict=False), 1):
        place = f"{target}, line {number}"
        there = parse_json(line, place)
        if not isinstance(there, dict) or {k: v for k, v in there.items() if k not in _ADDED} != record:
            raise ConstraintError(
                f"{place}: must be the result for text {number} of {source}, {write_json(record)}",
                got=there,
                advice=advice,
            )
        if "output" not in there or ("report" in there) != has_reports:
            what = "'output' and 'report', as --json writes them" if has_reports else "'output' alone"
            raise ConstraintError(f"{place}: must have {what}", got=there, advice=advice)
    _say(target, len(finished), len(records), bool(cut_off))
    if cut_off:
        try:
            data = target.read_bytes()
            os.truncate(target, data.rfind(b"\n") + 1)
        except OSError as error:
            raise _cannot_be_written(target, error) from error
    return len(finished)


def _say(target: Path, n_finished: int, n_records: int, is_cut_off: bool) -> None:
    removed = "; one that was cut off is removed" if is_cut_off else ""
    going_on = "nothing is left to do" if n_finished == n_records else f"going on with line {n_finished + 1}"
    typer.echo(f"{target}: {n_finished} of {n_records} lines are there{removed}; {going_on}", err=True)


def write_results(
    run: Run, records: list[dict[str, Any]], n_finished: int, sink: TextIO, has_reports: bool
) -> None:
    """Generate for the records from `n_finished` on, one line each, written as soon as it is finished."""

    def written() -> Iterator[int]:
        for number, record in enumerate(records[n_finished:], n_finished):
            with said_of_text(number):
                result = run(record["text"], number)
            write_line(sink, record, result.value, report_of(result) if has_reports else None)
            yield number

    watch(written(), n_finished, len(records))


@contextmanager
def said_of_text(number: int) -> Iterator[None]:
    """Errors of our family from in here say which text it was, counted from 0; people count from 1."""
    try:
        yield
    except ConstraintError as error:
        raise ConstraintError(f"text {number + 1}: {error}") from error


def write_line(sink: TextIO, record: dict[str, Any], output: Any, report: dict[str, Any] | None) -> None:
    """Write the line of a record that is finished, at once. report: None where the lines have none."""
    line = {**record, "output": output}
    if report is not None:
        line["report"] = report
    print(write_json(line), file=sink, flush=True)


def watch(written: Iterator[int], n_finished: int, n_records: int) -> None:
    """Let the lines be written, under a bar where a person looks on."""
    with shown_progress("generating", n_records, n_finished, is_said=False) as advance:
        for _ in written:
            advance("")


def report_of(result: Any) -> dict[str, Any]:
    """A `Result` as JSON has it, without a trace; the value, however deep it nests, is taken as it is."""
    report = {**vars(result), "stats": asdict(result.stats)}
    del report["trace"]
    return report
