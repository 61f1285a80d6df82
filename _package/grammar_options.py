"""The options that several commands share, and the grammar that they describe."""

from __future__ import annotations

import enum
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .grammars.errors import ConstraintError, GrammarWarning
from .grammars.grammar import Grammar
from .sources import read_file, read_schema


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
WhitespaceOption = Annotated[
    str, typer.Option("--whitespace", metavar="natural|any|compact|N", help="N: N blanks for each level.")
]
PropertyOrderOption = Annotated[PropertyOrder, typer.Option("--property-order", help="Order of the keys.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object, for programs.")]
TokenizerOption = Annotated[
    str | None, typer.Option("--tokenizer", metavar="NAME_OR_PATH", help="Default: the model's own.")
]

_RULES = (".lark", ".gbnf", ".ebnf")


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

    What may be wrong with it is said on standard error.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GrammarWarning)
        grammar = _read_rules(source, lexer)
    for warning in caught:
        typer.echo(f"warning: {source}: {warning.message}", err=True)
    return grammar


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


def parse_whitespace(word: str) -> Any:
    """The layout of JSON that a word on the command line names."""
    if word in ("natural", "any", "compact"):
        return word
    if word.isdecimal() and len(word) < 100:  # int() refuses thousands of digits
        return {"indent": int(word)}
    raise ConstraintError("--whitespace must be natural, any, compact or a number of blanks", got=word)
