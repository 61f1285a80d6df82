"""What a text has to be, as requests to servers and engines say it: a kind and a text in, a grammar out.

A constraint is data: it can be compared, kept as a key and sent to another process, and becomes a grammar
where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .grammars.choices import from_choices
from .grammars.ebnf import from_ebnf
from .grammars.gbnf import from_gbnf
from .grammars.grammar import Grammar
from .grammars.json_schema import from_json_schema
from .grammars.json_schema.layout import Whitespace
from .grammars.lark import from_lark
from .grammars.regex import from_regex
from .sources import check_text, json_schema_of, parse_schema, write_json

ANY_OBJECT = {"type": "object"}
MOST_LEARNT_STATES = 20_000
"""A compiled grammar learns while it is used; caches make one anew that has learnt so much."""
COMPILED_UNTIL_FORGOTTEN = 500
"""After so many compilations caches call `forget_results`."""

_READERS: dict[str, Callable[[Any], Grammar]] = {
    "regex": from_regex,
    "choice": from_choices,
    "lark": from_lark,
    "gbnf": from_gbnf,
    "ebnf": from_ebnf,
}


@dataclass(frozen=True)
class Constraint:
    """What a text has to be.

    kind: "json_schema", "regex", "choice", "lark", "gbnf" or "ebnf". value: the schema, pattern, choices or
    rules. whitespace: the layout of JSON; without meaning for the other kinds. member: the part of a request
    that says so, for errors.
    """

    kind: str
    value: Any
    whitespace: Whitespace = "natural"
    member: str = field(default="", compare=False)

    def key(self) -> str:
        """Equal for equal constraints; its length is the size of the constraint."""
        layout = str(self.whitespace) if self.kind == "json_schema" else ""
        return f"{self.kind} {layout} {write_json(self.value)}"

    def grammar(self) -> Grammar:
        """Read it.

        Raises:
            GrammarError, LimitExceededError: it is wrong, unsatisfiable, not supported or too large.
            ConstraintError: it has half of a surrogate pair.
        """
        if self.kind == "json_schema":
            return from_json_schema(self.value, whitespace=self.whitespace)
        if isinstance(self.value, str):
            check_text(self.value, self.kind)
        return _READERS[self.kind](self.value)

    def described(self) -> Any:
        """A JSON Schema that tells a model what is wanted; rules have none that says more than a text."""
        if self.kind == "json_schema":
            return self.value
        if self.kind == "regex":
            return {"type": "string", "pattern": self.value}
        return {"enum": self.value} if self.kind == "choice" else {"type": "string"}


FORMS = ("json", "json_object", "regex", "choice", "grammar")
"""What vLLM calls the kinds of constraints."""


def constraint_of_form(form: str, value: Any, whitespace: Whitespace = "natural") -> Constraint:
    """The constraint of one of `FORMS`; a schema may be given as its text, or as a type that has one.

    Raises:
        GrammarSyntaxError: that text is no JSON, or there is no schema.
    """
    if form == "json":
        schema = parse_schema(value, form) if isinstance(value, str) else value
        if not isinstance(schema, (dict, bool)):  # the key of a constraint is its JSON
            schema = json_schema_of(schema)
        return Constraint("json_schema", schema, whitespace)
    if form == "json_object":
        return Constraint("json_schema", ANY_OBJECT, whitespace)
    return rules_constraint(value) if form == "grammar" else Constraint(form, value)


def rules_constraint(text: str, syntax: str | None = None) -> Constraint:
    """The constraint of some rules; without a syntax they are GBNF where they have `::=`, and else Lark."""
    return Constraint(syntax or ("gbnf" if "::=" in text else "lark"), text)
