"""The vocabulary: which keywords each draft has, what their values must look like, and one common form for
all drafts.

In comes a schema as written (a dict) and the number of its draft, out comes `rules_of(...)`: a new, small
dict with the assertions and applicators only, in the vocabulary of 2020-12. Boolean `exclusiveMinimum` (draft
4), arrays of `items` with `additionalItems` (to 2019-09) and `dependencies` are rewritten; `$ref` hides its
siblings up to draft 7; titles, descriptions, defaults and unknown keywords are annotations and vanish. So no
other file knows about drafts. The cost is one look-up for each keyword of the one schema; sub-schemas are not
touched.

`malformed` says what is wrong with the value of one keyword. Source: the meta-schemas of the drafts 4, 6, 7,
2019-09 and 2020-12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

Rules: TypeAlias = "dict[str, Any]"

NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = 1, 2, 4, 8, 16, 32
ALL_TYPES = 63
TYPES = {
    "null": NULL,
    "boolean": BOOLEAN,
    "number": NUMBER,
    "integer": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
}

DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019, DRAFT_2020 = 4, 6, 7, 2019, 2020
DRAFTS = {
    "http://json-schema.org/draft-04/schema": DRAFT_4,
    "http://json-schema.org/draft-06/schema": DRAFT_6,
    "http://json-schema.org/draft-07/schema": DRAFT_7,
    "https://json-schema.org/draft/2019-09/schema": DRAFT_2019,
    "https://json-schema.org/draft/2020-12/schema": DRAFT_2020,
    "http://json-schema.org/schema": DRAFT_2020,
    "https://json-schema.org/schema": DRAFT_2020,
}

# How the value of a keyword is nested: in the common form and as written.
SCHEMA, SCHEMA_LIST, SCHEMA_MAP = 1, 2, 3
SHAPES = {
    **dict.fromkeys(
        (
            "additionalProperties",
            "propertyNames",
            "items",
            "contains",
            "not",
            "if",
            "then",
            "else",
            "unevaluatedItems",
            "unevaluatedProperties",
        ),
        SCHEMA,
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), SCHEMA_LIST),
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), SCHEMA_MAP),
}

_IN_EVERY_DRAFT = [
    "type",
    "enum",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "$ref",
]
_SINCE: dict[int, list[str]] = {
    DRAFT_4: _IN_EVERY_DRAFT,
    DRAFT_6: ["const", "contains", "propertyNames"],
    DRAFT_7: ["if", "then", "else"],
    DRAFT_2019: [
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
        "unevaluatedItems",
        "minContains",
        "maxContains",
    ],
    DRAFT_2020: ["prefixItems", "$dynamicRef"],
}
KEYWORDS: dict[int, frozenset[str]] = {
    draft: frozenset(word for since, words in _SINCE.items() if since <= draft for word in words)
    | (frozenset(["additionalItems"]) if draft < DRAFT_2020 else frozenset())
    | (frozenset(["$recursiveRef"]) if draft == DRAFT_2019 else frozenset())
    for draft in _SINCE
}

_REWRITTEN = frozenset(
    ("dependencies", "additionalItems", "$ref", "items", "exclusiveMinimum", "exclusiveMaximum")
)


def rules_of(schema: Mapping[str, Any], draft: int) -> Rules:
    """The assertions of one schema object in the common form. The schema is well-formed (`malformed` found
    nothing)."""
    known = KEYWORDS[draft]
    rules = {word: value for word, value in schema.items() if word in known}
    if not _REWRITTEN.isdisjoint(rules):
        _rewrite(rules, draft)
    if "if" not in rules and ("then" in rules or "else" in rules):
        rules.pop("then", None)
        rules.pop("else", None)
    return rules


def bare_type(schema: Mapping[str, Any], draft: int) -> str | None:
    """The type of a schema that says one type and no more, as half of all schemas do; else None."""
    kind = schema.get("type")
    if type(kind) is not str or kind not in TYPES or "$id" in schema or "id" in schema:
        return None
    return kind if len(schema) == 1 or len(KEYWORDS[draft].intersection(schema)) == 1 else None


def _rewrite(rules: Rules, draft: int) -> None:
    if "$ref" in rules and draft <= DRAFT_7:
        reference = rules["$ref"]
        rules.clear()
        rules["$ref"] = reference
        return
    if draft == DRAFT_4:
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if rules.pop(exclusive, False) is True and bound in rules:
                rules[exclusive] = rules.pop(bound)
    additional = rules.pop("additionalItems", True)
    if isinstance(rules.get("items"), list):
        rules["prefixItems"] = rules.pop("items")
        if additional is not True:
            rules["items"] = additional
    for name, needs in rules.pop("dependencies", {}).items():
        word = "dependentRequired" if isinstance(needs, (list, str)) else "dependentSchemas"
        known = rules[word] = dict(rules.get(word, {}))
        known[name] = [needs] if isinstance(needs, str) else needs


def malformed(word: str, value: object, draft: int) -> str:
    """What is wrong with the value of a keyword that the draft knows: the words after "must be", or ""."""
    check = CHECKS.get(word)
    return "" if check is None else check(value, draft)


def is_schema(value: object) -> bool:
    """Whether the value has the form of a schema: an object or a Boolean."""
    return isinstance(value, (bool, Mapping))


def is_number(value: object) -> bool:
    """Whether the value is a JSON number."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether a JSON number has no fraction, however large it is."""
    if isinstance(value, float):
        return value.is_integer()
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return True


def _type(value: object, draft: int) -> str:
    if isinstance(value, str) and value in TYPES:
        return ""
    names = value if isinstance(value, list) else [value]
    wrong = any(not isinstance(name, str) or name not in TYPES for name in names)
    return f"one of {', '.join(TYPES)}, or an array of them" if wrong or names == [] else ""


def _schema(value: object, draft: int) -> str:
    return "" if type(value) is dict or is_schema(value) else "a schema (an object or a Boolean)"


def _schema_list(value: object, draft: int) -> str:
    return "" if isinstance(value, list) and value else "an array of schemas that is not empty"


def _object(value: object, draft: int) -> str:
    return "" if type(value) is dict or isinstance(value, Mapping) else "an object"


def _list(value: object, draft: int) -> str:
    return "" if isinstance(value, list) else "an array"


def _items(value: object, draft: int) -> str:
    if isinstance(value, list) and draft < DRAFT_2020:
        return ""
    if isinstance(value, list):
        return (
            "a schema (an array of schemas is `prefixItems` in 2020-12; or state an older draft in $schema)"
        )
    return _schema(value, draft)


def _strings(value: object, draft: int) -> str:
    if not isinstance(value, list):
        return "an array of strings"
    for name in value:
        if not isinstance(name, str):
            return "an array of strings"
    return ""


def _string(value: object, draft: int) -> str:
    return "" if isinstance(value, str) else "a string"


def _boolean(value: object, draft: int) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _count(value: object, draft: int) -> str:
    right = is_number(value) and is_whole(value) and value >= 0  # type: ignore[operator]
    return "" if right else "an integer that is not negative"


def _number(value: object, draft: int) -> str:
    return "" if is_number(value) else "a number"


def _exclusive(value: object, draft: int) -> str:
    if draft == DRAFT_4:
        return "" if isinstance(value, bool) else "true or false in draft 4"
    return "" if is_number(value) else "a number (it is a Boolean in draft 4 only)"


def _positive(value: object, draft: int) -> str:
    return "" if is_number(value) and value > 0 else "a number greater than 0"  # type: ignore[operator]


def _string_lists(value: object, draft: int) -> str:
    right = isinstance(value, Mapping) and not any(_strings(names, draft) for names in value.values())
    return "" if right else "an object of arrays of strings"


def _dependencies(value: object, draft: int) -> str:
    right = isinstance(value, Mapping) and all(
        is_schema(needs) or isinstance(needs, str) or not _strings(needs, draft) for needs in value.values()
    )
    return "" if right else "an object of schemas and arrays of strings"


CHECKS: dict[str, Callable[[object, int], str]] = {
    "type": _type,
    "enum": _list,
    "required": _strings,
    "properties": _object,
    "patternProperties": _object,
    "dependentSchemas": _object,
    "dependentRequired": _string_lists,
    "dependencies": _dependencies,
    "allOf": _schema_list,
    "anyOf": _schema_list,
    "oneOf": _schema_list,
    "prefixItems": _schema_list,
    "items": _items,
    "pattern": _string,
    "format": _string,
    "$ref": _string,
    "$dynamicRef": _string,
    "$recursiveRef": _string,
    "uniqueItems": _boolean,
    "exclusiveMinimum": _exclusive,
    "exclusiveMaximum": _exclusive,
    "minimum": _number,
    "maximum": _number,
    "multipleOf": _positive,
    **dict.fromkeys(
        (
            "additionalProperties",
            "additionalItems",
            "propertyNames",
            "contains",
            "not",
            "if",
            "then",
            "else",
            "unevaluatedItems",
            "unevaluatedProperties",
        ),
        _schema,
    ),
    **dict.fromkeys(
        (
            "minProperties",
            "maxProperties",
            "minItems",
            "maxItems",
            "minLength",
            "maxLength",
            "minContains",
            "maxContains",
        ),
        _count,
    ),
}
