"""`tokentrellis summarize`: a text in, a summary of a stated length out.

With a model of your own the summary is written freely, within the length. The embedded model is too small to
write; with it, and with --extract, the summary is made of sentences of the text (`decoding/extracts.py`) and
the model chooses which. Either way the length is kept, not asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .grammar_options import JsonOption, TokenizerOption, only_one
from .grammars.errors import ConstraintError
from .lines import Run
from .models import LoadedModel, load_model
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

if TYPE_CHECKING:
    from .decoding.length import Length

_BOUNDS = "N|N-M|-M|N-"
WordsOption = Annotated[str | None, typer.Option("--words", metavar=_BOUNDS, help="So many words.")]
CharactersOption = Annotated[
    str | None, typer.Option("--characters", metavar=_BOUNDS, help="So many characters.")
]
SentencesOption = Annotated[
    str | None, typer.Option("--sentences", metavar=_BOUNDS, help="So many sentences.")
]
TokensOption = Annotated[
    str | None, typer.Option("--tokens", metavar=_BOUNDS, help="So many tokens of the model; not extracted.")
]
DEFAULT_WORDS = 50


def summarize(
    text: TextArgument = None,
    words: WordsOption = None,
    characters: CharactersOption = None,
    sentences: SentencesOption = None,
    tokens: TokensOption = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="Sentences of the text alone, as with the embedded model.")
    ] = False,
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
    max_new_tokens: MaxNewTokensOption = None,
    as_json: JsonOption = False,
) -> None:
    """Summarize TEXT in exactly so many words (or characters, sentences, tokens): 50, 40-60, -60, 40-.

    Files are read and written as by `tokentrellis generate`.
    """
    length = read_length({"words": words, "characters": characters, "sentences": sentences, "tokens": tokens})
    check_numbers(max_new_tokens, temperature, top_k, top_p, min_p)
    check_inputs(text, file, jsonl, out)
    extracts = extract or model is None
    if extracts and length.kind == "tokens":
        raise ConstraintError(
            "--tokens needs a model that writes", advice="give --model, or a length in words"
        )
    options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
    options["max_new_tokens"] = max_new_tokens

    def begin() -> Run:
        return _runner(load_model(model, tokenizer), length, extracts, seed, options)

    write_texts(begin, text, file, jsonl, out, as_json)


def read_length(options: dict[str, str | None]) -> Length:
    """The one length of the command line, 50 words by default.

    Raises:
        ConstraintError: there are several, or one is no number and no range.
    """
    from .decoding.length import Length

    name = only_one({f"--{kind}": word for kind, word in options.items()}, "give one length")
    if name is None:
        return Length(words=DEFAULT_WORDS)
    kind = name.removeprefix("--")
    first, dash, last = str(options[kind]).partition("-")
    if not (first or last) or not all(part.isdecimal() and len(part) < 20 for part in (first, last) if part):
        raise ConstraintError(
            f"{name} must be a number or a range", got=options[kind], advice="write 50, 40-60, -60 or 40-"
        )
    least = int(first) if first else None
    bounds = (least, int(last) if last else None) if dash else least
    return Length(**{kind: bounds})  # type: ignore[arg-type]


def _runner(
    loaded: LoadedModel, length: Length, extracts: bool, seed: int | None, options: dict[str, Any]
) -> Run:
    from .decoding.compiled_length import compile_length
    from .decoding.extracts import extract_grammar
    from .decoding.generate import generate, read_vocabulary

    vocabulary = read_vocabulary(loaded.model, loaded.tokenizer)
    bound = None if extracts else compile_length(length, vocabulary)

    def run(text: str, number: int) -> Any:
        return generate(
            loaded.model,
            loaded.tokenizer,
            loaded.summary_prompt(text, str(length)),
            grammar=extract_grammar(text, length) if extracts else bound,
            seed=None if seed is None else seed + number,
            **options,
        )

    return run
