"""`tokentrellis generate`: text in, JSON by a schema out, for one text or for a file of them (`lines.py`).

What the words on the command line mean and which of them exclude each other is decided, and everything that
is to be read is read, and the output is opened, before a model is loaded: a mistake costs no waiting. In a
file, line n draws from seed + n, whichever run it falls into.
"""

from __future__ import annotations

import math
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .decoding.arguments import checked_integer, checked_number
from .drafters import WITH_MODEL, WITHOUT_MODEL, check_drafter, make_drafter
from .grammar_options import (
    JsonOption,
    PropertyOrder,
    PropertyOrderOption,
    TokenizerOption,
    is_rules_file,
    read_rules,
    schema_grammar,
)
from .grammars.errors import ConstraintError
from .grammars.grammar import Grammar
from .lines import Run, check_target, open_target, read_records, report_of, take_up, write_results
from .models import load_model
from .sampler_options import ParticlesOption, SamplerOption, check_sampler_options, make_sampler
from .sources import check_text, json_schema_of, read_file, read_schema, read_standard_input, write_json


def generate(
    schema: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCHEMA]", help="JSON file, '-', JSON, module:Name; or rules: .lark, .gbnf or .ebnf."
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The text. Default: standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the text from this file.")] = None,
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", help='Many texts: lines such as "a text" or {"text": "a text"}.')
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help='Where the lines go, with an "output" each; continued if it exists.'),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME_OR_PATH", help="Default: the embedded model.")
    ] = None,
    tokenizer: TokenizerOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Sample, repeatably.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Sample at it.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Sample from the K likeliest tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", help="Sample from the likeliest tokens of this probability.")
    ] = None,
    sampler: SamplerOption = None,
    particles: ParticlesOption = None,
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
    choices: Annotated[
        str | None,
        typer.Option("--choices", help="a,b,c instead of SCHEMA; blanks around them do not count."),
    ] = None,
    drafter: Annotated[
        str | None,
        typer.Option(
            "--drafter",
            metavar="|".join((*WITHOUT_MODEL, *WITH_MODEL)),
            help="Write several tokens in one pass where that is faster; the output is as without.",
        ),
    ] = None,
    draft_model: Annotated[
        str | None,
        typer.Option(
            "--draft-model", metavar="NAME_OR_PATH", help=f"A smaller model for {', '.join(WITH_MODEL)}."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write TEXT as JSON by SCHEMA (or by rules, a pattern, or as one of some choices): always valid, always
    complete.

    With --jsonl each line is a text in quotes, or an object with the text under "text" (its other members are
    copied). The same lines come out, as objects with the value under "output" and, with --json, everything
    about the result under "report". With --out, a run that was stopped goes on where it ended.
    """
    if schema is not None and text is None and (regex is not None or choices is not None):
        schema, text = None, schema  # a single word beside --regex or --choices is the text
    _check_options(schema, regex, choices, whitespace)
    check_drafter(drafter, draft_model)
    _check_numbers(max_new_tokens, temperature, top_k, top_p)
    _check_inputs(schema, text, file, jsonl, out)
    check_sampler_options(sampler, particles)
    layout = whitespace or ("compact" if model is None else "natural")
    grammar, described = _grammar(schema, regex, choices, layout, property_order)
    records = [] if jsonl is None else read_records(jsonl)
    if jsonl is None:
        text = _read_text(text, file)
    elif out is not None:
        check_target(out, jsonl)
    n_finished = 0 if jsonl is None or out is None else take_up(out, jsonl, records, as_json)
    if jsonl is not None and n_finished == len(records):
        return
    sampling: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    with nullcontext(sys.stdout) if out is None else open_target(out) as sink:
        sampling["sampler"] = make_sampler(sampler, particles)
        drafting = (drafter, draft_model)
        run = _runner(grammar, described, model, tokenizer, seed, max_new_tokens, sampling, drafting)
        if jsonl is None:
            _print_result(run(str(text), 0), as_json)
        else:
            write_results(run, records, n_finished, sink, as_json)


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


def _given(options: dict[str, str | Path | None], advice: str) -> str | None:
    """The one option that is there, if any; an error if there are several."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    if len(given) > 1:
        raise ConstraintError(f"{' and '.join(given)} exclude each other", got=given, advice=advice)
    return next(iter(given), None)


def _check_numbers(
    max_new_tokens: int | None, temperature: float | None, top_k: int | None, top_p: float | None
) -> None:
    """Before a model is loaded, which takes seconds."""
    for name, integer in (("--max-new-tokens", max_new_tokens), ("--top-k", top_k)):
        if integer is not None:
            checked_integer(name, integer, least=1)
    for name, number, most in (("--temperature", temperature, math.inf), ("--top-p", top_p, 1.0)):
        if number is not None:
            checked_number(name, number, above=0, most=most)


def _check_options(
    schema: str | None, regex: str | None, choices: str | None, whitespace: str | None
) -> None:
    given = _given({"SCHEMA": schema, "--regex": regex, "--choices": choices}, "give one of them")
    if given is None:
        raise ConstraintError("one of SCHEMA, --regex and --choices is needed", advice="see generate --help")
    if whitespace is not None and schema is None:
        raise ConstraintError(
            f"--whitespace is a layout of JSON and would do nothing with {given}", advice="leave it out"
        )


def _check_inputs(
    schema: str | None, text: str | None, file: Path | None, jsonl: Path | None, out: Path | None
) -> None:
    given = _given({"TEXT": text, "--file": file, "--jsonl": jsonl}, "give one text, or one file")
    if out is not None and jsonl is None:
        raise ConstraintError("--out goes with --jsonl", advice="redirect the output of a single text")
    if schema == "-" and given is None:
        raise ConstraintError("SCHEMA and TEXT cannot both be standard input", advice="name a file for one")


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
            f"{name}: the text is empty", got=found, advice="give a text to write as JSON; nothing is made up"
        )
    return found


def _grammar(
    schema: str | None, regex: str | None, choices: str | None, whitespace: str, property_order: PropertyOrder
) -> tuple[Grammar, Any]:
    """The grammar, and a JSON Schema that describes it to the model."""
    from .grammars.choices import from_choices
    from .grammars.regex import from_regex

    if regex is not None:
        check_text(regex, "--regex")
        return from_regex(regex), {"type": "string", "pattern": regex}
    if choices is not None:
        values = [choice.strip() for choice in choices.split(",")]
        if not all(values):
            raise ConstraintError("--choices: none of them may be empty", got=choices, advice="write a,b,c")
        check_text(choices, "--choices")
        return from_choices(values), {"enum": values}
    if is_rules_file(str(schema)):
        return read_rules(str(schema)), {"type": "string"}
    value = read_schema(str(schema))
    return schema_grammar(value, whitespace, property_order), json_schema_of(value)


def _runner(
    grammar: Grammar,
    described: Any,
    model_name: str | None,
    tokenizer_name: str | None,
    seed: int | None,
    max_new_tokens: int | None,
    sampling: dict[str, Any],
    drafting: tuple[str | None, str | None],
) -> Run:
    loaded = load_model(model_name, tokenizer_name)
    drafter_name, draft_model = drafting
    drafter = None if drafter_name is None else make_drafter(drafter_name, draft_model, loaded)
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
            drafter=drafter,
            **sampling,
        )
        # Compiled above, once for all texts: generate() itself had nothing to compile.
        return replace(result, stats=replace(result.stats, compile_ms=compile_ms))

    return run
