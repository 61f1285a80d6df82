"""The command `tokentrellis`: what a user types in, JSON or a readable report out.

`generate`, `run`, `summarize`, `serve` and `bench` have modules of their own; here are the commands that look
at a schema without running a model. Results go to standard output and everything else to standard error. The
exit code is 0 for yes, 1 for no (the schema is refused, the text does not match), 2 for an error of our
family, which is one message without a traceback; and as shells have it 130 for Ctrl-C and 141 for an output
that nobody reads any more.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from . import __version__
from .benchmark.command import app as bench
from .generate_command import generate
from .grammar_options import (
    JsonOption,
    PropertyOrder,
    PropertyOrderOption,
    SchemaArgument,
    TokenizerOption,
    WhitespaceOption,
    is_rules_file,
    read_grammar,
)
from .grammars.errors import ConstraintError
from .rules_commands import convert, graph
from .run_command import run
from .serving.command import serve
from .sources import check_text, json_schema_of, read_schema
from .standard_output import BROKEN_PIPE, standard_output
from .summarize_command import summarize

if TYPE_CHECKING:
    from .schema_report import SchemaReport


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # to `_Commands`; rich would end with 1, which means no


class _Commands(TyperGroup):
    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            with standard_output():
                return super().main(*arguments, **options)
        except ConstraintError as error:
            typer.echo(f"error: {error}", err=True)
            raise SystemExit(2) from error

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError as error:  # typer would end with 1, which means no
            raise typer.Exit(BROKEN_PIPE) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command()(run)
app.command()(summarize)
app.command()(graph)
app.command()(convert)
app.command()(serve)
app.add_typer(bench, name="bench")


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"tokentrellis {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Language model output that obeys a grammar, fits its budget, and always ends."""


@app.command()
def check(schema: SchemaArgument, as_json: JsonOption = False) -> None:
    """Say what of SCHEMA is enforced and what is refused, and where (then the exit code is 1)."""
    from .schema_report import check_rules, check_schema

    is_rules = is_rules_file(schema)
    report = check_rules(schema) if is_rules else check_schema(json_schema_of(read_schema(schema)))
    if as_json:
        print(json.dumps(report._asdict(), ensure_ascii=False))
    else:
        console = _console()
        for title, counts in (("enforced", report.enforced), ("no force (annotation)", report.not_checked)):
            table = Table("keyword", "uses", title=title, title_justify="left")
            for word, count in counts.items():
                table.add_row(escape(word), str(count))
            if counts:
                console.print(table)
        places = {"unknown": report.unknown, "remark": report.remarks, "refused": report.refused}
        for kind, listed in places.items():
            for place, reason in listed:
                indented = reason.replace("\n", "\n         ")
                console.print(f"{kind:8} {place}: {indented}", markup=False)
        console.print(_verdict_of_rules(report) if is_rules else _verdict(report))
    raise typer.Exit(1 if report.refused else 0)


def _verdict_of_rules(report: SchemaReport) -> str:
    if report.refused:
        return "these rules cannot be used"
    return "these rules can be used" + (", but see above" if report.remarks else "")


def _verdict(report: SchemaReport) -> str:
    if report.refused:
        return "this schema cannot be used"
    left_out = {"unknown": len(report.unknown), "remarked": len(report.remarks)}
    if any(left_out.values()):
        counts = ", ".join(f"{count} {kind}" for kind, count in left_out.items() if count)
        return f"this schema is enforced exactly, save for what asserts nothing ({counts}: see above)"
    return "this schema is enforced exactly"


@app.command()
def match(
    schema: SchemaArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The document.")],
    whitespace: WhitespaceOption = "natural",
    property_order: PropertyOrderOption = PropertyOrder.SCHEMA,
    as_json: JsonOption = False,
) -> None:
    """Match TEXT with SCHEMA; show where it leaves the grammar, if it does, and what was expected there."""
    from .expected import describe_next, match_text, next_bytes, place_and_caret

    check_text(text, "TEXT")
    progress = match_text(read_grammar(schema, whitespace, property_order), text)
    expected = "" if progress.is_complete else describe_next(progress)
    if as_json:
        report = {
            "matches": progress.is_complete,
            "accepted_bytes": progress.n_accepted,
            "expected": expected,
            **next_bytes(progress),
        }
        print(json.dumps(report, ensure_ascii=False))
    elif progress.is_complete:
        print("the text matches")
    else:
        print(f"{place_and_caret(text, progress)}\nexpected: {expected}")
        if property_order is PropertyOrder.SCHEMA and _matches_in_any_order(schema, whitespace, text):
            print("only the order of the keys is wrong: --property-order any takes them in every order")
    raise typer.Exit(0 if progress.is_complete else 1)


def _matches_in_any_order(schema: str, whitespace: str, text: str) -> bool:
    from .expected import match_text

    if schema == "-":
        return False
    grammar = read_grammar(schema, whitespace, PropertyOrder.ANY)
    return match_text(grammar, text).is_complete


@app.command()
def mask(
    schema: SchemaArgument,
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The beginning of a document.")] = "",
    tokenizer: TokenizerOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Tokens to show at most.")] = 40,
    whitespace: WhitespaceOption = "natural",
    property_order: PropertyOrderOption = PropertyOrder.SCHEMA,
    as_json: JsonOption = False,
) -> None:
    """Show what may come after PREFIX: the bytes, the tokens of a vocabulary, and how many it takes to the
    end.
    """
    from .decoding.compile import compile_grammar
    from .decoding.vocabulary import Vocabulary
    from .expected import allowed_ids, describe_next, match_text, next_bytes, place_and_caret, token_name
    from .models import load_tokenizer

    check_text(prefix, "PREFIX")
    grammar = read_grammar(schema, whitespace, property_order)
    progress = match_text(grammar, prefix)
    if not progress.is_prefix:
        print(f"{place_and_caret(prefix, progress)}\nexpected: {describe_next(progress)}")
        raise typer.Exit(1)
    vocabulary = Vocabulary.from_tokenizer(load_tokenizer(tokenizer))
    matcher = compile_grammar(grammar, vocabulary).matcher()
    matcher.read_bytes(prefix.encode())
    allowed = allowed_ids(matcher, vocabulary.vocab_size)
    shown = [token_name(vocabulary, token_id) for token_id in allowed[:limit]]
    if as_json:
        report = {
            "bytes": describe_next(progress),
            **next_bytes(progress),
            "n_tokens": len(allowed),
            "vocab_size": vocabulary.vocab_size,
            "tokens": [{"id": i, "text": name} for i, name in zip(allowed, shown, strict=False)],
            "tokens_to_finish": matcher.tokens_to_finish,
        }
        print(json.dumps(report, ensure_ascii=False))
        return
    print(f"next:   {describe_next(progress)}")
    more = f" and {len(allowed) - limit} more" if len(allowed) > limit else ""
    print(f"tokens: {len(allowed)} of {vocabulary.vocab_size} are allowed: {' '.join(shown)}{more}")
    print(f"finish: the text can end within {matcher.tokens_to_finish} tokens, the end of the text included")


@app.command()
def info(as_json: JsonOption = False) -> None:
    """Show versions, the processor, and the card of the embedded model."""
    from .models import embedded_card

    names = ("tokentrellis", "numpy", "torch", "transformers", "tokenizers", "pydantic", "referencing")
    report: dict[str, Any] = {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in names},
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "embedded_model": embedded_card(),
    }
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for name, version in report["versions"].items():
        print(f"{name:26}{version or 'not installed'}")
    print(f"{'processor':26}{report['processor']}, {report['cores']} cores")
    for name, value in report["embedded_model"].items():
        print(f"{'embedded ' + name:26}{value}")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor_name() -> str:
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _console() -> Console:
    return _Console(highlight=False, soft_wrap=True)


def main() -> None:
    """The entry point of the command `tokentrellis`."""
    app()
