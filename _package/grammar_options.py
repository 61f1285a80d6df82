"""The options that several commands share, and the grammar that they describe."""

from __future__ import annotations

import enum
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .grammars.errors import ConstraintError, GrammarError, GrammarWarning
from .grammars.grammar import Grammar
from .sources import check_text, json_schema_of, read_file, read_schema


class PropertyOrder(str, enum.Enum):
    """In which order an object's keys may come."""

    SCHEMA = "schema"
    ANY = "any"


SchemaArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCHEMA",
        help="JSON file, '-' for standard input, JSON, module:Name; or rules: a file .lark, .gbnf or .ebnf.",
    ),
]
OptionalSchemaArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SCHEMA]",
        help="JSON file, '-', JSON, module:Name; or rules: a file .lark, .gbnf or .ebnf.",
    ),
]
WhitespaceOption = Annotated[
    str, typer.Option("--whitespace", metavar="natural|any|compact|N", help="N: N blanks for each level.")
]
ModelWhitespaceOption = Annotated[
    str | None,
    typer.Option(
        "--whitespace",
        metavar="natural|any|compact|N",
        help="N: N blanks a level. Default: natural; compact for the embedded model, which learnt that.",
    ),
]
RegexOption = Annotated[
    str | None, typer.Option("--regex", metavar="PATTERN", help="A pattern instead of SCHEMA.")
]
ChoicesOption = Annotated[
    str | None,
    typer.Option(
        "--choices", metavar="A,B", help="Texts instead of SCHEMA; blanks around them do not count."
    ),
]
PropertyOrderOption = Annotated[PropertyOrder, typer.Option("--property-order", help="Order of the keys.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object, for programs.")]
TokenizerOption = Annotated[
    str | None, typer.Option("--tokenizer", metavar="NAME_OR_PATH", help="Default: the model's own.")
]

_RULES = (".lark", ".gbnf", ".ebnf")


def only_one(options: dict[str, str | Path | None], advice: str) -> str | None:
    """The one option that is there, if any; an error if there are several."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    if len(given) > 1:
        raise ConstraintError(f"{' and '.join(given)} exclude each other", got=given, advice=advice)
    return next(iter(given), None)


def check_grammar_options(
    schema: str | None, regex: str | None, choices: str | None, whitespace: str | None
) -> None:
    given = only_one({"SCHEMA": schema, "--regex": regex, "--choices": choices}, "give one of them")
    if given is None:
        raise ConstraintError("one of SCHEMA, --regex and --choices is needed", advice="see --help")
    if whitespace is not None and schema is None:
        raise ConstraintError(
            f"--whitespace is a layout of JSON and would do nothing with {given}", advice="leave it out"
        )


def read_described_grammar(
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


def schema_grammar(schema: Any, whitespace: str, property_order: PropertyOrder) -> Grammar:
    """The grammar of a schema as `read_schema` gave it, with the options of the command line."""
    from .grammars.json_schema import from_json_schema

    return from_json_schema(
        schema, whitespace=parse_whitespace(whitespace), property_order=property_order.value
    )


def read_grammar(source: str, whitespace: str, property_order: PropertyOrder) -> Grammar:
    """The grammar of the word SCHEMA on the command line."""
    if is_rules_file(source):
        return read_rules(source)
    return schema_grammar(read_schema(source), whitespace, property_order)


def is_rules_file(source: str) -> bool:
    """Whether the word names a file of rules, by its ending."""
    return Path(source).suffix in _RULES


def read_rules(source: str, lexer: Literal["contextual", "dynamic"] | None = None) -> Grammar:
    """The grammar in a file of rules: Lark (lexer: as for `from_lark`), GBNF or EBNF.

    What may be wrong with it is said on standard error. Errors name the file.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GrammarWarning)
        try:
            grammar = _read_rules(source, lexer)
        except GrammarError as error:
            error.message = f"{source}: {error.message}"
            raise
    for warning in caught:
        typer.echo(f"warning: {source}: {warning.message}", err=True)
    return grammar


def check_rules_file(source: str) -> tuple[list[str], GrammarError | None]:
    """What may be wrong with a file of rules, and why it cannot be used; None: it can."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GrammarWarning)
        try:
            _read_rules(source, None)
        except GrammarError as error:
            return [], error
    return [str(warning.message) for warning in caught], None


def _read_rules(source: str, lexer: Literal["contextual", "dynamic"] | None) -> Grammar:
    from .grammars.ebnf import from_ebnf
    from .grammars.gbnf import from_gbnf
    from .grammars.lark import from_lark

    path = Path(source)
    text = read_file(path)
    if path.suffix == ".gbnf":
        return from_gbnf(text)
    if path.suffix == ".ebnf":
        return from_ebnf(text)

    def load(name: str) -> str | None:
        beside = path.parent / name
        return read_file(beside) if beside.is_file() else None

    return from_lark(text, lexer=lexer, loader=load)


def layout_for(model: str | None, whitespace: str | None) -> str:
    """The layout that was asked for; else compact for the embedded model, which learnt that."""
    return whitespace or ("compact" if model is None else "natural")


def parse_whitespace(word: str) -> Any:
    """The layout of JSON that a word on the command line names."""
    if word in ("natural", "any", "compact"):
        return word
    if word.isdecimal() and len(word) < 100:  # int() refuses thousands of digits
        return {"indent": int(word)}
    raise ConstraintError("--whitespace must be natural, any, compact or a number of blanks", got=word)
