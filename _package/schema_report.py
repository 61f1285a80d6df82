"""The report of `tokentrellis check`: a schema in, what is enforced, refused and left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .grammars.errors import ConstraintError, GrammarError, UnsupportedFeatureError, format_location
from .grammars.json_schema import from_json_schema
from .grammars.json_schema.keywords import DRAFT_2020, KEYWORDS
from .grammars.json_schema.references import draft_of

_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    *("additionalProperties", "propertyNames", "unevaluatedProperties"),
    *("items", "additionalItems", "contains", "unevaluatedItems", "not", "if", "then", "else"),
)


class SchemaReport(NamedTuple):
    """What becomes of a schema.

    enforced: number of uses of each keyword.
    not_checked: the same for words to which the draft gives no force (titles, unknown words).
    remarks: JSON Pointer and reason for what looks like a constraint and is none (an unknown format).
    refused: the same for what cannot be enforced; empty if the schema can be used.
    """

    enforced: dict[str, int]
    not_checked: dict[str, int]
    remarks: list[tuple[str, str]]
    refused: list[tuple[str, str]]


def check_schema(schema: Any) -> SchemaReport:
    """Read a schema (parsed JSON) and say what becomes of its keywords."""
    refused: list[tuple[str, str]] = []
    remarks: list[tuple[str, str]] = []
    try:
        remarks = list(from_json_schema(schema).annotations)
    except UnsupportedFeatureError as error:
        listed = error.problems or [(error.location or "", error.message)]
        refused = [(format_location(where), reason) for where, reason in listed]
    except GrammarError as error:
        refused = [(format_location(error.location or ""), _without_place(error))]
    draft = draft_of(schema, DRAFT_2020)
    words = Counter(word for node in _subschemas(schema) for word in node)
    known = KEYWORDS[draft]
    return SchemaReport(
        {word: count for word, count in words.most_common() if word in known},
        {word: count for word, count in words.most_common() if word not in known},
        remarks,
        refused,
    )


def _without_place(error: ConstraintError) -> str:
    text = str(error)
    return text if error.location is None else text.removeprefix(f"{format_location(error.location)}: ")


def _subschemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and every schema inside it, as written."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if not isinstance(node, Mapping):
            continue
        yield node
        for word in _MAPS:
            if isinstance(node.get(word), Mapping):
                pending.extend(node[word].values())
        for word in _LISTS:
            if isinstance(node.get(word), list):
                pending.extend(node[word])
        pending.extend(node[word] for word in _SINGLE if word in node)
