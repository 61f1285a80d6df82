"""`tokentrellis run`: many texts from a file, in batches here or by workers on a cluster of Ray.

What comes out is what `generate --jsonl` writes, and a run that was stopped is taken up in the same way. The
file of results is needed: it is what makes a long run safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from .decoding.arguments import checked_integer
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
from .lines import (
    check_target,
    open_target,
    read_records,
    report_of,
    said_of_text,
    take_up,
    watch,
    write_line,
)
from .ray_options import (
    GpusPerWorkerOption,
    RayAddressOption,
    RayOption,
    WorkersOption,
    checked_workers,
)
from .sampler_options import ParticlesOption, SamplerOption, check_sampler_options
from .text_input import (
    MaxNewTokensOption,
    MinPOption,
    ModelOption,
    SeedOption,
    TemperatureOption,
    TopKOption,
    TopPOption,
    check_numbers,
)
from .writer import Writer, WriterSettings, make_writer


def run(
    schema: OptionalSchemaArgument = None,
    jsonl: Annotated[
        Path, typer.Option("--jsonl", help='Lines such as "a text" or {"text": "a text"}.')
    ] = ...,  # type: ignore[assignment]
    out: Annotated[
        Path, typer.Option("--out", help='Where the lines go, with an "output" each; continued if it exists.')
    ] = ...,  # type: ignore[assignment]
    on_ray: RayOption = False,
    ray_address: RayAddressOption = None,
    workers: WorkersOption = None,
    gpus_per_worker: GpusPerWorkerOption = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Texts that share steps of the model.")] = 8,
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
    as_json: JsonOption = False,
) -> None:
    """Write the texts of a file by SCHEMA, in batches, here or on a cluster; a stopped run goes on.

    The lines are those of `generate --jsonl`. Without a seed and without sampling, texts are written in
    batches; else one by one, and line n draws from seed + n, whoever writes it.
    """
    check_grammar_options(schema, regex, choices, whitespace)
    check_numbers(max_new_tokens, temperature, top_k, top_p, min_p)
    check_sampler_options(sampler, particles)
    checked_integer("--batch-size", batch_size, least=1)
    n_workers = checked_workers(on_ray, ray_address, workers, gpus_per_worker)
    layout = layout_for(model, whitespace)
    grammar, described = read_described_grammar(schema, regex, choices, layout, property_order)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    settings = WriterSettings(
        *(grammar, described, model, tokenizer, seed, max_new_tokens, sampling), sampler, particles
    )
    records = read_records(jsonl)
    check_target(out, jsonl)
    n_finished = take_up(out, jsonl, records, as_json)
    if n_finished == len(records):
        return
    with open_target(out) as sink:
        if on_ray:
            from .ray_workers import write_lines

            written = write_lines(
                *(settings, records, n_finished, sink, as_json),
                workers=n_workers,
                batch_size=batch_size,
                gpus_per_worker=gpus_per_worker,
                address=ray_address,
            )
        else:
            written = write_batches(settings, records, n_finished, sink, as_json, batch_size)
        watch(written, n_finished, len(records))


def write_batches(
    settings: WriterSettings,
    records: list[dict[str, Any]],
    n_finished: int,
    sink: TextIO,
    has_reports: bool,
    batch_size: int,
) -> Iterator[int]:
    """Generate for the records from `n_finished` on; gives the number of each line that is written.

    Raises:
        ConstraintError: a text cannot be written for; those before it are written.
    """
    write = make_writer(settings)
    for first in range(n_finished, len(records), batch_size):
        batch = records[first : first + batch_size]
        for place, result in enumerate(_results(write, [record["text"] for record in batch], first)):
            write_line(sink, batch[place], result.value, report_of(result) if has_reports else None)
            yield first + place


def _results(write: Writer, texts: list[str], number: int) -> Iterator[Any]:
    """A result for each text; where a batch is refused, one after the other up to the text at fault."""
    if len(texts) > 1:
        try:
            yield from write(texts, number)
            return
        except ConstraintError:
            pass
    for place, text in enumerate(texts, number):
        with said_of_text(place):
            results = write([text], place)
        yield from results
