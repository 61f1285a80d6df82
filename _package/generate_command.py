"""`tokentrellis generate`: text in, JSON by a schema out, for one text or for a file of them (`lines.py`).

What the words on the command line mean and which of them exclude each other is decided before a model is
loaded; `text_input.py` reads the texts.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any

import typer

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
from .lines import Run
from .models import load_model
from .sampler_options import ParticlesOption, SamplerOption, check_sampler_options, make_sampler
from .sources import check_text, json_schema_of, read_schema
from .text_input import (
    FileOption,
    JsonlOption,
    MaxNewTokensOption,
    MinPOption,
    ModelOption,
    OutOption,
    SeedOption,
    TemperatureOption,
    TextArgument,
    TopKOption,
    TopPOption,
    check_inputs,
    check_numbers,
    only_one,
    write_texts,
)
from .trace_option import TraceOption, check_trace, traced


def generate(
    schema: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCHEMA]", help="JSON file, '-', JSON, module:Name; or rules: .lark, .gbnf or .ebnf."
        ),
    ] = None,
    text: TextArgument = None,
    file: FileOption = None,
    jsonl: JsonlOption = None,
    out: OutOption = None,
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    seed: SeedOption = None,
    temperature: TemperatureOption = None,
    top_k: TopKOption = None,
    top_p: TopPOption = None,
    min_p: MinPOption = None,
    sampler: SamplerOption = None,
    particles: ParticlesOption = None,
    max_new_tokens: MaxNewTokensOption = None,
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
    trace: TraceOption = None,
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
    check_numbers(max_new_tokens, temperature, top_k, top_p, min_p)
    given = check_inputs(text, file, jsonl, out)
    if schema == "-" and given is None:
        raise ConstraintError("SCHEMA and TEXT cannot both be standard input", advice="name a file for one")
    check_sampler_options(sampler, particles)
    check_trace(trace, jsonl)
    layout = whitespace or ("compact" if model is None else "natural")
    grammar, described = _grammar(schema, regex, choices, layout, property_order)
    sampling: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    sampling["trace"] = trace is not None

    def begin() -> Run:
        sampling["sampler"] = make_sampler(sampler, particles)
        drafting = (drafter, draft_model)
        run = _runner(grammar, described, model, tokenizer, seed, max_new_tokens, sampling, drafting)
        return run if trace is None else traced(run, trace)

    write_texts(begin, text, file, jsonl, out, as_json)


def _check_options(
    schema: str | None, regex: str | None, choices: str | None, whitespace: str | None
) -> None:
    given = only_one({"SCHEMA": schema, "--regex": regex, "--choices": choices}, "give one of them")
    if given is None:
        raise ConstraintError("one of SCHEMA, --regex and --choices is needed", advice="see generate --help")
    if whitespace is not None and schema is None:
        raise ConstraintError(
            f"--whitespace is a layout of JSON and would do nothing with {given}", advice="leave it out"
        )


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
