"""The command line: `python -m bench.conformance suite|collection|walks|differential|hostile`.

In: options. Out: a report on standard output, and as JSON in the file `--out`; the exit status is 1 if there
is a failure.
"""

# ruff: noqa: E402  (the environment must be set before numpy is loaded)

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import pickle
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from tokentrellis import Vocabulary
from tokentrellis.benchmark.conformance.report import Report
from tokentrellis.benchmark.conformance.suite import read_suite, run_suite
from tokentrellis.benchmark.isolation import Limits
from tokentrellis.benchmark.maskbench.problems import read_lines

from .collection import Judge, run_collection
from .differential import Comparer, run_differential, shrunk
from .drafts import URIS
from .hostile import run_hostile
from .walks import Walker, run_walks
from .witness import is_installed

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

Data = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="Lines {name, schema, tests}, .jsonl or .jsonl.gz.")
]
Sample = Annotated[int | None, typer.Option(min=1, help="Draw so many schemas.")]
Shard = Annotated[str, typer.Option(help="i/n: every n-th schema, beginning with the i-th.")]
Order = Annotated[str, typer.Option(help="Order of the keys: schema or any.")]
Whitespace = Annotated[str, typer.Option(help="natural, any or compact.")]
Numbers = Annotated[str, typer.Option(help="plain or standard.")]
Out = Annotated[Path | None, typer.Option(help="Write the whole report as JSON.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Only = Annotated[str, typer.Option(help="Only cases whose name has this in it.")]
Seconds = Annotated[float, typer.Option(help="Limit for one schema, wall clock.")]
Megabytes = Annotated[float, typer.Option(help="Limit for one schema, growth of memory.")]


@application.command()
def suite(
    data: Annotated[
        Path,
        typer.Option(
            exists=True, dir_okay=False, help="The suite of one draft: {draft, groups, remotes}, .json.gz."
        ),
    ],
    seed: Seed = 0,
    only: Only = "",
    out: Out = None,
) -> None:
    """The official JSON Schema Test Suite."""
    finish(run_suite(read_suite(data), seed=seed, only=only), out)


def check_witness() -> None:
    """Stop with words, before anything is done, if the witness is not installed."""
    if not is_installed():
        print("jsonschema-rs, the second judge, is not installed: pip install jsonschema-rs", file=sys.stderr)
        raise typer.Exit(2)


def chosen_lines(data: Path, sample: int | None, seed: int, shard: str, only: str) -> list[dict[str, Any]]:
    try:
        lines = read_lines(data, sample=sample, seed=seed, shard=shard)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return [line for line in lines if only in line["name"]]


@application.command()
def collection(
    data: Data,
    sample: Sample = None,
    shard: Shard = "1/1",
    order: Order = "any",
    whitespace: Whitespace = "any",
    numbers: Numbers = "standard",
    seed: Seed = 0,
    only: Only = "",
    seconds: Seconds = 10.0,
    megabytes: Megabytes = 2048.0,
    out: Out = None,
) -> None:
    """Real schemas with labelled documents."""
    check_witness()
    lines = chosen_lines(data, sample, seed, shard, only)
    judge = Judge({"property_order": order, "whitespace": whitespace, "numbers": numbers})
    finish(run_collection(lines, judge, Limits(seconds, megabytes)), out)


@application.command()
def walks(
    data: Data,
    tokenizer: Annotated[
        Path, typer.Option(help="Folder of a Hugging Face tokenizer, or a pickled Vocabulary.")
    ],
    walks: Annotated[int, typer.Option(min=1, help="Walks for each schema.")] = 10,
    sample: Sample = None,
    shard: Shard = "1/1",
    order: Order = "schema",
    whitespace: Whitespace = "natural",
    numbers: Numbers = "plain",
    seed: Seed = 0,
    only: Only = "",
    seconds: Seconds = 60.0,
    megabytes: Megabytes = 4096.0,
    out: Out = None,
) -> None:
    """Random walks over the allowed tokens."""
    check_witness()
    lines = chosen_lines(data, sample, seed, shard, only)
    options: dict[str, Any] = {"property_order": order, "whitespace": whitespace, "numbers": numbers}
    walker = Walker(load_vocabulary(tokenizer), walks, seed, options)
    finish(run_walks(lines, walker, Limits(seconds, megabytes)), out)


@application.command()
def differential(
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of a schema and a document.")] = 100_000,
    documents: Annotated[int, typer.Option(min=10, help="Documents for each schema.")] = 50,
    without: Annotated[str, typer.Option(help="Keywords that are not used, comma-separated.")] = "",
    draft: Annotated[str, typer.Option(help="4, 6, 7, 2019-09 or 2020-12.")] = "2020-12",
    shrink: Annotated[int, typer.Option(help="Make so many disagreements smaller.")] = 10,
    seed: Seed = 0,
    seconds: Seconds = 10.0,
    megabytes: Megabytes = 2048.0,
    out: Out = None,
) -> None:
    """Random schemas, against jsonschema_rs."""
    check_witness()
    if draft not in URIS:
        raise typer.BadParameter(f"--draft: must be one of {', '.join(URIS)}, got {draft!r}")
    comparer = Comparer(documents, frozenset(filter(None, without.split(","))), draft)
    report = run_differential(pairs, seed, comparer, Limits(seconds, megabytes))
    first_of_each = {f.where: f for f in reversed(report.failures) if f.document is not None}
    for finding in list(first_of_each.values())[:shrink]:
        report.failures[report.failures.index(finding)] = shrunk(finding)
    finish(report, out)


@application.command()
def hostile(only: Only = "", seconds: Seconds = 10.0, megabytes: Megabytes = 2048.0, out: Out = None) -> None:
    """Schemas made to hang or to crash."""
    finish(run_hostile(Limits(seconds, megabytes), only=only), out)


def load_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a tokenizer's folder, or a pickled one."""
    if path.is_file():
        with path.open("rb") as file:
            vocabulary = pickle.load(file)
        if not isinstance(vocabulary, Vocabulary):
            raise typer.BadParameter(f"{path} is no pickled Vocabulary")
        return vocabulary
    from transformers import AutoTokenizer

    return Vocabulary.from_tokenizer(AutoTokenizer.from_pretrained(path))


def finish(report: Report, out: Path | None) -> None:
    """Print and write the report; fail if there are failures."""
    print(report)
    if out is not None:
        report.write(out)
    if report.failures:
        raise typer.Exit(1)


if __name__ == "__main__":
    application(prog_name="python -m bench.conformance")
