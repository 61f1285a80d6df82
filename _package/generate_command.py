"""`tokentrellis generate`: text in, JSON by a schema out, for one text or for a file of them.

A file has one JSON value in each line: a text, or an object with the text under "text". What comes out has
the same lines with the result under "output", in the same order. A run that was stopped is taken up again
where it ended: the lines that are finished in the output are skipped, and line n draws from seed + n,
whichever run it falls into.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .grammar_options import (
    JsonOption,
    PropertyOrder,
    PropertyOrderOption,
    TokenizerOption,
    schema_grammar,
)
from .grammars.errors import ConstraintError
from .grammars.grammar import Grammar
from .models import load_model
from .sources import json_schema_of, parse_json, read_file, read_schema

Run = Callable[[str, int], Any]
"""(text, number to add to the seed) -> Result"""


def generate(
    schema: Annotated[
        str | None, typer.Argument(metavar="[SCHEMA]", help="JSON file, '-', JSON, or module:Name.")
    ] = None,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The text. Default: standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the text from this file.")] = None,
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="Many texts, one JSON value a line.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the lines go; continued if it exists.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME_OR_PATH", help="Default: the embedded model.")
    ] = None,
    tokenizer: TokenizerOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Sample, repeatably.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Sample at it.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Sample from the likeliest tokens.")] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option("--max-new-tokens", help="The output is complete within so many tokens.")
    ] = None,
    whitespace: Annotated[
        str | None,
        typer.Option(
            "--whitespace",
            metavar="natural|any|compact|N",
            help="N: N blanks a level. Default: natural; compact for the embedded model, which learnt that.",
        ),
    ] = None,
    property_order: PropertyOrderOption = PropertyOrder.SCHEMA,
    regex: Annotated[str | None, typer.Option("--regex", help="A pattern instead of SCHEMA.")] = None,
    choices: Annotated[str | None, typer.Option("--choices", help="a,b,c instead of SCHEMA.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write TEXT as JSON by SCHEMA (or by a pattern, or as one of some choices): always valid, always
    complete.
    """
    if (regex is not None or choices is not None) and schema is not None:
        if text is not None:
            raise ConstraintError("SCHEMA, --regex and --choices exclude each other", got=schema)
        schema, text = None, schema
    _check_inputs(schema, text, file, jsonl, out)
    layout = whitespace or ("compact" if model is None else "natural")
    grammar, described = _grammar(schema, regex, choices, layout, property_order)
    run = _runner(grammar, described, model, tokenizer, seed, temperature, top_p, max_new_tokens)
    if jsonl is not None:
        _generate_lines(run, jsonl, out)
        return
    result = run(_read_text(text, file), 0)
    print(json.dumps(asdict(result), ensure_ascii=False) if as_json else result.text)
    console = Console(stderr=True, highlight=False)
    if console.is_terminal and not as_json:
        stats = result.stats
        console.print(
            f"{stats.n_tokens} tokens ({stats.n_forced_tokens} forced), "
            f"{stats.tokens_per_second:.0f} tokens/s; compiled in {stats.compile_ms:.1f} ms; "
            f"mask {stats.mask_us_mean:.1f} us "
            f"(slowest {stats.mask_us_max:.1f} us); log probability {result.log_prob:.2f}",
            style="dim",
        )


def _check_inputs(
    schema: str | None, text: str | None, file: Path | None, jsonl: Path | None, out: Path | None
) -> None:
    given = [
        name for name, value in (("TEXT", text), ("--file", file), ("--jsonl", jsonl)) if value is not None
    ]
    if len(given) > 1:
        raise ConstraintError(
            f"{' and '.join(given)} exclude each other", advice="give one text, or one file"
        )
    if out is not None and jsonl is None:
        raise ConstraintError("--out goes with --jsonl", advice="redirect the output of a single text")
    if schema == "-" and not given:
        raise ConstraintError("SCHEMA and TEXT cannot both be standard input", advice="name a file for one")


def _grammar(
    schema: str | None, regex: str | None, choices: str | None, whitespace: str, property_order: PropertyOrder
) -> tuple[Grammar, Any]:
    """The grammar, and a JSON Schema that describes it to the model."""
    from .grammars.choices import from_choices
    from .grammars.regex import from_regex

    if sum(option is not None for option in (schema, regex, choices)) != 1:
        raise ConstraintError("one of SCHEMA, --regex and --choices is needed", advice="see generate --help")
    if regex is not None:
        return from_regex(regex), {"type": "string", "pattern": regex}
    if choices is not None:
        values = choices.split(",")
        return from_choices(values), {"enum": values}
    value = read_schema(str(schema))
    return schema_grammar(value, whitespace, property_order), json_schema_of(value)


def _runner(
    grammar: Grammar,
    described: Any,
    model_name: str | None,
    tokenizer_name: str | None,
    seed: int | None,
    temperature: float | None,
    top_p: float | None,
    max_new_tokens: int | None,
) -> Run:
    loaded = load_model(model_name, tokenizer_name)
    from .decoding.compile import compile_grammar
    from .decoding.generate import generate as generate_text
    from .decoding.generate import read_vocabulary

    started = time.perf_counter()
    compiled = compile_grammar(grammar, read_vocabulary(loaded.model, loaded.tokenizer))
    compile_ms = 1000 * (time.perf_counter() - started)

    def run(text: str, number: int) -> Any:
        result = generate_text(
            loaded.model,
            loaded.tokenizer,
            loaded.prompt(text, described),
            grammar=compiled,
            max_new_tokens=max_new_tokens,
            seed=None if seed is None else seed + number,
            temperature=temperature,
            top_p=top_p,
        )
        # Compiled above, once for all texts: generate() itself had nothing to compile.
        return replace(result, stats=replace(result.stats, compile_ms=compile_ms))

    return run


def _read_text(text: str | None, file: Path | None) -> str:
    if text is not None:
        return text
    return sys.stdin.read() if file is None else read_file(file)


def _generate_lines(run: Run, source: Path, target: Path | None) -> None:
    lines = [line for line in read_file(source).split("\n") if line.strip()]
    texts = [_record(line, f"{source}, line {number}") for number, line in enumerate(lines, 1)]
    if target is None:
        _write_lines(run, texts, 0, sys.stdout)
        return
    if target.resolve() == source.resolve():
        raise ConstraintError(f"{target}: is the input itself", advice="name another --out")
    if not target.parent.is_dir():
        raise ConstraintError(f"{target}: its folder does not exist", advice="make it, or name another --out")
    n_finished = _finished_lines(target)
    if n_finished > len(texts):
        raise ConstraintError(
            f"{target}: has more lines than {source}", got=n_finished, advice="name another --out"
        )
    with target.open("a", encoding="utf-8") as sink:
        _write_lines(run, texts, n_finished, sink)


def _write_lines(run: Run, texts: list[dict[str, Any]], n_finished: int, sink: TextIO) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("generating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(texts), completed=n_finished)
        for number, record in enumerate(texts[n_finished:], n_finished):
            result = run(record["text"], number)
            print(json.dumps({**record, "output": result.value}, ensure_ascii=False), file=sink, flush=True)
            progress.advance(task)


def _record(line: str, place: str) -> dict[str, Any]:
    value = parse_json(line, place)
    record = {"text": value} if isinstance(value, str) else value
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ConstraintError(f"{place}: must be a text, or an object with a text under 'text'", got=value)
    return record


def _finished_lines(target: Path) -> int:
    """How many lines are complete; the rest of one that was cut off in the middle is removed."""
    if not target.exists():
        return 0
    data = target.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        target.write_bytes(whole)
    return whole.count(b"\n")
