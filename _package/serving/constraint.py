"""What a request demands of the text: its members in, one grammar with a name for the cache out.

The forms that clients send: OpenAI's `response_format` (with `regex`, `grammar` and `choice` beside its own
kinds), vLLM's `structured_outputs` and its older `guided_json`, `guided_regex`, `guided_choice`,
`guided_grammar`, and SGLang's `regex` and `ebnf`. One request may have one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..grammars.choices import from_choices
from ..grammars.ebnf import from_ebnf
from ..grammars.gbnf import from_gbnf
from ..grammars.grammar import Grammar
from ..grammars.json_schema import from_json_schema
from ..grammars.json_schema.layout import Whitespace
from ..grammars.lark import from_lark
from ..grammars.regex import from_regex
from ..sources import check_text, parse_json, write_json
from .errors import RequestRefusedError
from .protocol import (
    ChoiceFormat,
    GrammarFormat,
    JsonObjectFormat,
    JsonSchemaFormat,
    RegexFormat,
    StructuredOutputs,
    WritingRequest,
)

_READERS: dict[str, Callable[[Any], Grammar]] = {
    "regex": from_regex,
    "choice": from_choices,
    "lark": from_lark,
    "gbnf": from_gbnf,
    "ebnf": from_ebnf,
}
_ANY_OBJECT = {"type": "object"}


@dataclass(frozen=True)
class Constraint:
    """What a text has to be.

    kind: "json_schema", "regex", "choice", "lark", "gbnf" or "ebnf". value: the schema, pattern, choices or
    rules. whitespace: the layout of JSON; without meaning for the other kinds.
    """

    kind: str
    value: Any
    whitespace: Whitespace = "natural"

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


def constraint_of(request: WritingRequest, whitespace: Whitespace) -> Constraint | None:
    """The one constraint of a request; None: any text will do.

    whitespace: the layout of JSON where the request does not say one.

    Raises:
        RequestRefusedError: there are several. GrammarSyntaxError: a schema that came as text is no JSON.
    """
    found: dict[str, Constraint] = {}
    if request.response_format is not None:
        constraint = _of_response_format(request.response_format, whitespace)
        if constraint is not None:
            found["response_format"] = constraint
    if request.structured_outputs is not None:
        found["structured_outputs"] = _of_structured_outputs(request.structured_outputs, whitespace)
    if request.guided_json is not None:
        schema = _schema(request.guided_json, "guided_json")
        found["guided_json"] = Constraint("json_schema", schema, whitespace)
    for name, kind in (("guided_regex", "regex"), ("guided_choice", "choice"), ("regex", "regex")):
        value = getattr(request, name)
        if value is not None:
            found[name] = Constraint(kind, value)
    for name in ("guided_grammar", "ebnf"):
        value = getattr(request, name)
        if value is not None:
            found[name] = _of_rules(value)
    return _only_one(found)


def _only_one(found: dict[str, Constraint]) -> Constraint | None:
    if len(found) > 1:
        raise RequestRefusedError(
            f"{' and '.join(found)} exclude each other", param=next(iter(found)), advice="leave one out"
        )
    return next(iter(found.values()), None)


def _of_response_format(given: Any, whitespace: Whitespace) -> Constraint | None:
    if isinstance(given, JsonObjectFormat):
        return Constraint("json_schema", given.schema_ or _ANY_OBJECT, whitespace)
    if isinstance(given, JsonSchemaFormat):
        return Constraint("json_schema", given.json_schema.schema_, whitespace)
    if isinstance(given, RegexFormat):
        return Constraint("regex", given.pattern)
    if isinstance(given, GrammarFormat):
        return _of_rules(given.grammar, given.syntax)
    if isinstance(given, ChoiceFormat):
        return Constraint("choice", given.choices)
    return None


def _of_structured_outputs(given: StructuredOutputs, whitespace: Whitespace) -> Constraint:
    found: dict[str, Constraint] = {}
    if given.disable_any_whitespace:
        whitespace = "compact"
    if given.json_ is not None:
        schema = _schema(given.json_, "structured_outputs.json")
        found["structured_outputs.json"] = Constraint("json_schema", schema, whitespace)
    if given.json_object:
        found["structured_outputs.json_object"] = Constraint("json_schema", _ANY_OBJECT, whitespace)
    if given.regex is not None:
        found["structured_outputs.regex"] = Constraint("regex", given.regex)
    if given.choice is not None:
        found["structured_outputs.choice"] = Constraint("choice", given.choice)
    if given.grammar is not None:
        found["structured_outputs.grammar"] = _of_rules(given.grammar)
    constraint = _only_one(found)
    if constraint is None:
        raise RequestRefusedError(
            "needs one of json, json_object, regex, choice and grammar", param="structured_outputs"
        )
    return constraint


def _of_rules(text: str, syntax: str | None = None) -> Constraint:
    return Constraint(syntax or ("gbnf" if "::=" in text else "lark"), text)


def _schema(given: Any, name: str) -> Any:
    return parse_json(given, name) if isinstance(given, str) else given
