"""JSON Schema -> Grammar: an alternating tree automaton over literal sets, unfolded while it is walked.

The steps in order: `source.py` reads what the user gave; `json_data.py` refuses what no JSON holds;
`references.py` knows where `$ref` leads; `survey.py` checks the whole schema once and lists what is not
supported; `nodes.py` names sub-schemas, wanted or not wanted, and the demands made of them; `scalars.py`
turns demands on strings and numbers into languages; `rules.py` and `formula.py` turn demands on objects and
arrays into alternative `records.py`; `objects.py` and `arrays.py` walk such a record key by key, item by
item; `values.py` decides whether anything meets a demand, and what is shortest (`conflicts.py`: why nothing
does); `grammar.py` writes it all as states and edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from referencing import Registry

from ..errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from .conflicts import find_conflict
from .formula import Formulas
from .grammar import JsonSchemaGrammar
from .json_data import written
from .layout import Layout, Whitespace
from .nodes import Demand, Nodes
from .numbers import Spelling
from .references import References
from .scalars import ScalarLanguages
from .source import read_schema
from .survey import Survey
from .values import Values

__all__ = ["JsonSchemaGrammar", "from_json_schema"]


def from_json_schema(
    schema: object,
    *,
    whitespace: Whitespace = "natural",
    property_order: Literal["schema", "any"] = "schema",
    unsupported: Literal["error", "ignore"] = "error",
    registry: Mapping[str, Any] | Registry[Any] | None = None,
    base_uri: str = "",
    numbers: Spelling = "plain",
    formats: Literal["assertion", "annotation"] = "assertion",
) -> JsonSchemaGrammar:
    """The grammar of the JSON documents that a JSON Schema (drafts 4 to 2020-12, by `$schema`) allows.

    schema: a dict, JSON text, a Boolean, a pydantic model, dataclass, TypedDict, Enum or any annotation that
        pydantic understands. Of a dict, parts are read when a document reaches them: do not change it later.
    whitespace: what stands between tokens. "natural": in each gap nothing, one space, or one line feed and at
        most 40 spaces or tabs; "any": all that JSON allows; "compact": nothing; {"indent": n}: as
        `json.dumps(indent=n)`.
    property_order: "schema": properties as written, then required ones that are not listed, then others;
        "any": in any order.
    unsupported: what to do about keywords that are not enforced: "error" raises, "ignore" lists them in
        `.ignored`.
    registry: other documents that `$ref` may mean: URI -> schema, or a `referencing.Registry`.
    base_uri: the URI of this one. Nothing is ever fetched.
    numbers: "plain" writes an integer as digits only, and exponents only as far as 64-bit floats go (1e10,
        1E-7, not 1e999, which Python reads as infinity); "standard" takes the spellings of the standard (1.0
        and 1e3 as integers, 1e999), but an integer as digits only in draft 4, where 1.0 is none. Either way
        what is narrowed is the spelling, never the value: under a bound other than 0, `multipleOf`, an
        integer or excluded values not every exponent is there (docs/json_schema.md, Numbers).
    formats: "assertion": a known `format` is enforced, an unknown one listed in `.annotations`; "annotation":
        none is enforced, all are listed (the default of the standard).

    No object has a key twice. A grammar pickles by its schema and these options (a registry must be a dict).

    Raises GrammarSyntaxError (malformed), UnresolvedReferenceError, UnsupportedFeatureError (all problems at
    once, in `.problems`), UnsatisfiableError (no document is valid) and LimitExceededError.
    """
    _check_choice("property_order", property_order, ("schema", "any"))
    _check_choice("unsupported", unsupported, ("error", "ignore"))
    _check_choice("numbers", numbers, ("plain", "standard"))
    _check_choice("formats", formats, ("assertion", "annotation"))
    if not isinstance(base_uri, str):
        raise GrammarSyntaxError("base_uri must be a string", got=base_uri)
    if registry is not None and not isinstance(registry, (Mapping, Registry)):
        raise GrammarSyntaxError(
            "registry must be a dict from URIs to schemas or a referencing.Registry", got=registry
        )
    for uri in registry if isinstance(registry, Mapping) else ():
        if not isinstance(uri, str):
            raise GrammarSyntaxError("registry: every URI must be a string", got=uri)
    layout = Layout(whitespace)
    try:
        read = read_schema(schema)

        def make_grammar(schema: Any) -> JsonSchemaGrammar:
            references = References(schema, base_uri, registry)
            survey = Survey(schema, references.root, asserts_formats=formats == "assertion")
            _report(survey, unsupported)
            values, demand = _read(schema, references, survey, property_order == "any", numbers)
            return JsonSchemaGrammar(
                values,
                demand,
                layout,
                tuple(survey.problems),
                tuple(survey.annotations),
                survey.distinct_items,
            )

        grammar = _explaining_conflicts(make_grammar, read)
    except RecursionError:
        raise LimitExceededError("depth of the schema", given="more", limit="what the stack holds") from None
    options: dict[str, Any] = {
        "whitespace": layout.whitespace,
        "property_order": property_order,
        "unsupported": unsupported,
        "registry": registry,
        "base_uri": base_uri,
        "numbers": numbers,
        "formats": formats,
    }
    grammar.origin = (partial(from_json_schema, **options), read)
    return grammar


def _explaining_conflicts(make_grammar: Callable[[Any], JsonSchemaGrammar], schema: Any) -> JsonSchemaGrammar:
    """The grammar of a schema; the error where nothing meets it names the demands that are to blame."""

    def is_met(schema: Any) -> bool:
        try:
            make_grammar(schema)
        except UnsatisfiableError:
            return False
        except ConstraintError:
            return True
        return True

    try:
        return make_grammar(schema)
    except UnsatisfiableError as error:
        places = find_conflict(schema, is_met) if isinstance(schema, dict) else ()
        if not places:
            raise
        reason = f"{error.reason}: {', '.join(places)}" if len(places) > 1 else f"nothing meets {places[0]}"
        raise UnsatisfiableError(reason, location="", places=places) from None


def _report(survey: Survey, unsupported: str) -> None:
    """Raises UnsupportedFeatureError with all problems, if that is what was asked for."""
    if survey.problems and unsupported == "error":
        problems = sorted(set(survey.problems))
        feature = "a part of this schema" if len(problems) == 1 else f"this schema ({len(problems)} places)"
        raise UnsupportedFeatureError(
            feature,
            problems=problems,
            advice="change these, or pass unsupported='ignore' to leave them unenforced",
        )


def _read(
    schema: Any,
    references: References,
    survey: Survey,
    any_order: bool,
    numbers: Spelling,
) -> tuple[Values, Demand]:
    """The demand of the schema, inhabited; if it is not plain, with its first expansion made: what exceeds a
    limit at the root is found now."""
    nodes = Nodes(survey.dropped)
    for chained, context, pointer, reference in survey.chained:
        try:
            nodes.literal(chained, context)
        except GrammarSyntaxError as error:
            error.location, error.got = written(pointer), reference
            raise
        except LimitExceededError as error:
            error.location = written(pointer)
            raise
    scalars = ScalarLanguages(nodes, numbers)
    formulas = Formulas(nodes, scalars)
    values = Values(nodes, scalars, formulas, references.root, any_order, survey.contains)
    demand = nodes.demand((nodes.literal(schema, references.root),))
    if demand is None or not values.exist(demand):
        if demand is not None and scalars.approximates and formulas.possible(demand):
            raise UnsupportedFeatureError(
                "a schema that only strings without a certain verdict on their `format` might meet",
                location="",
                advice="leave out the `format`, or list values that are certain to meet it",
            )
        reason = "the schema is `false`" if demand is None else "its demands exclude each other"
        raise UnsatisfiableError(reason, location="")
    if not values.is_plain(demand):
        values.value(demand)
    return values, demand


def _check_choice(name: str, given: object, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise GrammarSyntaxError(f"{name} must be {' or '.join(map(repr, choices))}", got=given)
