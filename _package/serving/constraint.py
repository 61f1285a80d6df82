"""What a request demands of the text: its members in, one grammar with a name for the cache out.

The forms that clients send: OpenAI's `response_format` (with `regex`, `grammar` and `choice` beside its own
kinds), vLLM's `structured_outputs` and its older `guided_json`, `guided_regex`, `guided_choice`,
`guided_grammar`, and SGLang's `regex` and `ebnf`. One request may have one of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..constraint import ANY_OBJECT, FORMS, Constraint, constraint_of_form, rules_constraint
from ..grammars.json_schema.layout import Whitespace
from .errors import RequestRefusedError, blamed_on
from .protocol import (
    ChoiceFormat,
    GrammarFormat,
    JsonObjectFormat,
    JsonSchemaFormat,
    RegexFormat,
    StructuredOutputs,
    WritingRequest,
)

# Older names in vLLM, and those of SGLang.
_MEMBERS = {
    **{f"guided_{form}": form for form in ("json", "regex", "choice", "grammar")},
    "regex": "regex",
    "ebnf": "grammar",
}


def constraint_of(request: WritingRequest, whitespace: Whitespace) -> Constraint | None:
    """The one constraint of a request; None: any text will do.

    whitespace: the layout of JSON where the request does not say one.

    Raises:
        RequestRefusedError: there are several, or a schema that came as text is no JSON.
    """
    found: dict[str, Constraint] = {}
    if request.response_format is not None:
        constraint = _of_response_format(request.response_format, whitespace)
        if constraint is not None:
            found["response_format"] = constraint
    if request.structured_outputs is not None:
        found["structured_outputs"] = _of_structured_outputs(request.structured_outputs, whitespace)
    for name, form in _MEMBERS.items():
        value = getattr(request, name)
        if value is not None:
            with blamed_on(name):
                found[name] = constraint_of_form(form, value, whitespace)
    return _only_one(found)


def _only_one(found: dict[str, Constraint]) -> Constraint | None:
    if len(found) > 1:
        raise RequestRefusedError(
            f"{' and '.join(found)} exclude each other", param=next(iter(found)), advice="leave one out"
        )
    for name, constraint in found.items():
        return replace(constraint, member=constraint.member or name)
    return None


def _of_response_format(given: Any, whitespace: Whitespace) -> Constraint | None:
    if isinstance(given, JsonObjectFormat):
        return Constraint("json_schema", given.schema_ or ANY_OBJECT, whitespace)
    if isinstance(given, JsonSchemaFormat):
        return Constraint("json_schema", given.json_schema.schema_, whitespace)
    if isinstance(given, RegexFormat):
        return Constraint("regex", given.pattern)
    if isinstance(given, GrammarFormat):
        return rules_constraint(given.grammar, given.syntax)
    if isinstance(given, ChoiceFormat):
        return Constraint("choice", given.choices)
    return None


def _of_structured_outputs(given: StructuredOutputs, whitespace: Whitespace) -> Constraint:
    found: dict[str, Constraint] = {}
    if given.disable_any_whitespace:
        whitespace = "compact"
    for form in FORMS:
        value = given.json_ if form == "json" else getattr(given, form)
        if value is not None and not (form == "json_object" and value is False):
            name = f"structured_outputs.{form}"
            with blamed_on(name):
                found[name] = constraint_of_form(form, value, whitespace)
    constraint = _only_one(found)
    if constraint is None:
        raise RequestRefusedError(
            "needs one of json, json_object, regex, choice and grammar", param="structured_outputs"
        )
    return constraint
