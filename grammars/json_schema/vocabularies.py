"""Vocabularies: which keywords a meta-schema of the user's own switches on.

In comes a meta-schema (what `$schema` of a schema names, given in the registry), out comes a `Dialect`:
the keywords that assert nothing under it, whether it asks for formats to be asserted, and the vocabularies
that it requires and nobody here knows. Only `$vocabulary` is looked at; a meta-schema without it has all
keywords.

Source: JSON Schema Core 2020-12, section 8.1.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .keywords import KEYWORDS

_APPLICATORS = frozenset(
    (
        "prefixItems",
        "items",
        "contains",
        "additionalProperties",
        "properties",
        "patternProperties",
        "dependentSchemas",
        "propertyNames",
        "if",
        "then",
        "else",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
    )
)
_OLD_APPLICATORS = _APPLICATORS | {"additionalItems"}
_UNEVALUATED = frozenset(("unevaluatedItems", "unevaluatedProperties"))
_OTHERS = frozenset(("$ref", "$dynamicRef", "$recursiveRef", "format", "dependencies"))
_VALIDATION = (
    frozenset(word for words in KEYWORDS.values() for word in words)
    - _OLD_APPLICATORS
    - _UNEVALUATED
    - _OTHERS
)
_KNOWN: dict[str, frozenset[str]] = {
    **{
        f"https://json-schema.org/draft/{draft}/vocab/{name}": frozenset[str]()
        for draft in ("2019-09", "2020-12")
        for name in ("core", "meta-data", "content", "format", "format-annotation", "format-assertion")
    },
    "https://json-schema.org/draft/2019-09/vocab/applicator": _OLD_APPLICATORS | _UNEVALUATED,
    "https://json-schema.org/draft/2019-09/vocab/validation": _VALIDATION,
    "https://json-schema.org/draft/2020-12/vocab/applicator": _APPLICATORS,
    "https://json-schema.org/draft/2020-12/vocab/unevaluated": _UNEVALUATED,
    "https://json-schema.org/draft/2020-12/vocab/validation": _VALIDATION,
}


class Dialect(NamedTuple):
    """left_out: keywords that assert nothing. asserts_formats: whether formats are to be asserted.
    not_known: vocabularies that are required."""

    left_out: frozenset[str] = frozenset()
    asserts_formats: bool = False
    not_known: tuple[str, ...] = ()


STANDARD = Dialect()


def dialect_of(meta_schema: Any) -> Dialect:
    """The dialect that a meta-schema describes."""
    listed = meta_schema.get("$vocabulary") if isinstance(meta_schema, Mapping) else None
    if not isinstance(listed, Mapping):
        return STANDARD
    switched_on = frozenset[str]().union(*(_KNOWN.get(name, ()) for name in listed))
    return Dialect(
        (_OLD_APPLICATORS | _UNEVALUATED | _VALIDATION) - switched_on,
        any(isinstance(name, str) and name.endswith("/vocab/format-assertion") for name in listed),
        tuple(name for name, required in listed.items() if required is True and name not in _KNOWN),
    )
