"""The commands that look at rules: `graph` shows a grammar, `convert` writes it in another notation."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from .grammar_options import (
    ChoicesOption,
    OptionalSchemaArgument,
    PropertyOrder,
    PropertyOrderOption,
    RegexOption,
    check_grammar_options,
    is_rules_file,
    read_described_grammar,
    read_rules,
)
from .grammars.errors import ConstraintError


class GraphFormat(str, enum.Enum):
    """How a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    HTML = "html"


class RuleNotation(str, enum.Enum):
    """What rules can be written in."""

    GBNF = "gbnf"
    EBNF = "ebnf"
    LARK = "lark"
    REGEX = "regex"


class LarkLexer(str, enum.Enum):
    """How a Lark grammar divides a text."""

    CONTEXTUAL = "contextual"
    DYNAMIC = "dynamic"


def graph(
    schema: OptionalSchemaArgument = None,
    form: Annotated[
        GraphFormat, typer.Option("--format", help="dot is for Graphviz, html is a table.")
    ] = GraphFormat.MERMAID,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Nodes to show at most.")] = 40,
    whitespace: Annotated[
        str | None, typer.Option("--whitespace", metavar="natural|any|compact|N", help="Default: natural.")
    ] = None,
    property_order: PropertyOrderOption = PropertyOrder.SCHEMA,
    regex: RegexOption = None,
    choices: ChoicesOption = None,
) -> None:
    """Write the states of SCHEMA, a pattern or choices, or the rules for Lark's lexer, as a graph."""
    from .grammars.graph import grammar_graph

    check_grammar_options(schema, regex, choices, whitespace)
    grammar, _ = read_described_grammar(schema, regex, choices, whitespace or "natural", property_order)
    found = grammar_graph(grammar, max_nodes=nodes)
    if form == GraphFormat.HTML:
        written = found._repr_html_()
    else:
        written = found.dot if form == GraphFormat.DOT else found.mermaid
    print(written.rstrip("\n"))


def convert(
    rules: Annotated[
        str | None, typer.Argument(metavar="[RULES]", help="A file .lark, .gbnf or .ebnf.")
    ] = None,
    to: Annotated[RuleNotation, typer.Option("--to", help="What to write.")] = RuleNotation.GBNF,
    regex: RegexOption = None,
    lexer: Annotated[
        LarkLexer | None,
        typer.Option("--lexer", help="Of a Lark grammar: only one whose lexer is dynamic can be converted."),
    ] = None,
) -> None:
    """Write RULES in another notation, for the same texts; what it cannot say is refused with the reason."""
    from .grammars.conversion import convert_grammar
    from .grammars.regex import from_regex

    if (rules is None) == (regex is None):
        raise ConstraintError("convert needs RULES or --regex", advice="give one of them")
    if regex is not None:
        grammar = from_regex(regex)
    elif rules is not None and is_rules_file(rules):
        grammar = read_rules(rules, None if lexer is None else lexer.value)
    else:
        raise ConstraintError("RULES: must be a file .lark, .gbnf or .ebnf", got=rules)
    print(convert_grammar(grammar, to.value).rstrip("\n"))
