"""What the commands that run a model share: their options, and texts in, results out.

Texts come as one word, a file, standard input, or as lines of a JSONL file (`lines.py`). Everything that is
to be read is read, and the output is opened, before a model is loaded: a mistake costs no waiting. In a file,
line n draws from seed + n, whichever run it falls into.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .decoding.arguments import checked_integer, checked_number
from .grammar_options import only_one
from .grammars.errors import ConstraintError
from .lines import Run, check_target, open_target, read_records, report_of, take_up, write_results
from .sources import check_text, read_file, read_standard_input, write_json

TextArgument = Annotated[
    str | None, typer.Argument(metavar="[TEXT]", help="The text. Default: standard input.")
]
FileOption = Annotated[Path | None, typer.Option("--file", help="Read the text from this file.")]
JsonlOption = Annotated[
    Path | None, typer.Option("--jsonl", help='Many texts: lines such as "a text" or {"text": "a text"}.')
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help='Where the lines go, with an "output" each; continued if it exists.'),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="NAME_OR_PATH", help="Default: the embedded model.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Sample, repeatably.")]
TemperatureOption = Annotated[float | None, typer.Option("--temperature", help="Sample at it.")]
TopKOption = Annotated[int | None, typer.Option("--top-k", help="Sample from the K likeliest tokens.")]
TopPOption = Annotated[
    float | None, typer.Option("--top-p", help="Sample from the likeliest tokens of this probability.")
]
MinPOption = Annotated[
    float | None,
    typer.Option(
        "--min-p", help="Sample from the tokens of at least this share of the likeliest one's probability."
    ),
]
MaxNewTokensOption = Annotated[
    int | None, typer.Option("--max-new-tokens", help="The output is complete within so many tokens.")
]


def check_numbers(
    max_new_tokens: int | None,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
) -> None:
    """Before a model is loaded, which takes seconds."""
    for name, integer in (("--max-new-tokens", max_new_tokens), ("--top-k", top_k)):
        if integer is not None:
            checked_integer(name, integer, least=1)
    shares = (("--top-p", top_p, 1.0), ("--min-p", min_p, 1.0))
    for name, number, most in (("--temperature", temperature, math.inf), *shares):
        if number is not None:
            checked_number(name, number, above=0, most=most)


def check_inputs(text: str | None, file: Path | None, jsonl: Path | None, out: Path | None) -> str | None:
    """The one source of texts that was named, if any; an error where options exclude each other."""
    given = only_one({"TEXT": text, "--file": file, "--jsonl": jsonl}, "give one text, or one file")
    if out is not None and jsonl is None:
        raise ConstraintError("--out goes with --jsonl", advice="redirect the output of a single text")
    return given


def write_texts(
    begin: Callable[[], Run],
    text: str | None,
    file: Path | None,
    jsonl: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run over one text, or over the lines of a file, and write what comes out.

    begin: loads the model, once there is something to do.
    """
    records = [] if jsonl is None else read_records(jsonl)
    if jsonl is None:
        text = _read_text(text, file)
    elif out is not None:
        check_target(out, jsonl)
    n_finished = 0 if jsonl is None or out is None else take_up(out, jsonl, records, as_json)
    if jsonl is not None and n_finished == len(records):
        return
    with nullcontext(sys.stdout) if out is None else open_target(out) as sink:
        run = begin()
        if jsonl is None:
            _print_result(run(str(text), 0), as_json)
        else:
            write_results(run, records, n_finished, sink, as_json)


def _read_text(text: str | None, file: Path | None) -> str:
    if text is None and file is None and sys.stdin is not None and sys.stdin.isatty():
        typer.echo("reading the text from the terminal; end it with an end-of-file character", err=True)
    name = "TEXT" if text is not None else "standard input" if file is None else str(file)
    if text is not None:
        found = check_text(text, name)
    else:
        found = read_standard_input() if file is None else read_file(file)
    if not found.strip():
        raise ConstraintError(
            f"{name}: the text is empty", got=found, advice="give a text; nothing is made up"
        )
    return found


def _print_result(result: Any, as_json: bool) -> None:
    print(write_json(report_of(result)) if as_json else result.text)
    console = Console(stderr=True, highlight=False)
    if console.is_terminal and not as_json:
        stats = result.stats
        console.print(
            f"{stats.n_tokens} tokens ({stats.n_forced_tokens} forced), "
            f"{stats.tokens_per_second:.0f} tokens/s; compiled in {stats.compile_ms:.1f} ms; "
            f"mask {stats.mask_us_mean:.1f} us "
            f"(slowest {stats.mask_us_max:.1f} us); log probability {result.log_prob:.2f}"
            f"{_describe_drafts(stats.speculation)}",
            style="dim",
        )


def _describe_drafts(speculation: Any) -> str:
    if speculation is None:
        return ""
    return (
        f"; {speculation.block_efficiency:.2f} tokens a pass, "
        f"drafts in {speculation.n_draft_steps} of {speculation.n_steps}"
    )
