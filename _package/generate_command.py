"""`tokentrellis generate`: text in, JSON by a schema out, for one text or for a file of them (`lines.py`).

What the words on the command line mean and which of them exclude each other is decided before a model is
loaded; `text_input.py` reads the texts.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .drafters import WITH_MODEL, WITHOUT_MODEL, check_drafter
from .grammar_options import (
    ChoicesOption,
    JsonOption,
    ModelWhitespaceOption,
    OptionalSchemaArgument,
    PropertyOrder,
    PropertyOrderOption,
    RegexOption,
    TokenizerOption,
    check_grammar_options,
    layout_for,
    read_described_grammar,
)
from .grammars.errors import ConstraintError
from .lines import Run
from .sampler_options import ParticlesOption, SamplerOption, check_sampler_options
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
    write_texts,
)
from .trace_option import TraceOption, check_trace, traced
from .writer import WriterSettings, make_writer


def generate(
    schema: OptionalSchemaArgument = None,
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
    whitespace: ModelWhitespaceOption = None,
    property_order: PropertyOrderOption = PropertyOrder.SCHEMA,
    regex: RegexOption = None,
    choices: ChoicesOption = None,
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
    check_grammar_options(schema, regex, choices, whitespace)
    check_drafter(drafter, draft_model)
    check_numbers(max_new_tokens, temperature, top_k, top_p, min_p)
    given = check_inputs(text, file, jsonl, out)
    if schema == "-" and given is None:
        raise ConstraintError("SCHEMA and TEXT cannot both be standard input", advice="name a file for one")
    check_sampler_options(sampler, particles)
    check_trace(trace, jsonl)
    layout = layout_for(model, whitespace)
    grammar, described = read_described_grammar(schema, regex, choices, layout, property_order)
    sampling: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    sampling["trace"] = trace is not None

    def begin() -> Run:
        settings = WriterSettings(
            *(grammar, described, model, tokenizer, seed, max_new_tokens, sampling),
            *(sampler, particles, drafter, draft_model),
        )
        write = make_writer(settings)

        def run(text: str, number: int) -> Any:
            return write([text], number)[0]

        return run if trace is None else traced(run, trace)

    write_texts(begin, text, file, jsonl, out, as_json)
