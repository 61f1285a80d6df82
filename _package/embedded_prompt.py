"""The prompt of the embedded model: a JSON Schema and a text become one line that the model was trained on.

What comes in is a text and a JSON Schema; what goes out is

    <|schema|>name:str, age:int, color:red|blue, born:date?<|text|>TEXT<|json|>

after which the model writes compact JSON (`,` and `:` without blanks, keys in the order of the schema,
letters outside ASCII as they are) and `<|end|>`. The schema part is a shorthand, not a translation: it
carries the keys and the kinds of values, which is all that the model can use; the grammar enforces the
rest. The notation:

    str int num bool date time datetime email url uuid any null    a value of that kind
    a|b|c          one of these values         kind?     the kind, or null where the text does not say
    [kind]         an array                    key?:kind the key may be left out
    {key:kind}     an object; the braces of the outermost object are left out

Every legal schema gets a prompt: what has no notation becomes `any`. Cost: one walk over the schema, at
most `DEPTH_LIMIT` references deep. The notation is our own; `bench/embedded` trains the model on this
very function.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

SCHEMA_MARK = "<|schema|>"
TEXT_MARK = "<|text|>"
JSON_MARK = "<|json|>"
END_MARK = "<|end|>"

DEPTH_LIMIT = 6
"""Levels of nesting that are described; deeper ones, and endless references, read `any`."""
OPTIONS_LIMIT = 40
"""Enums with more options than this are described by the kind of their first option."""

_KIND_OF_TYPE = {"string": "str", "integer": "int", "number": "num", "boolean": "bool", "null": "null"}
_KIND_OF_FORMAT = {
    "date": "date",
    "time": "time",
    "date-time": "datetime",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
    "iri": "url",
    "uuid": "uuid",
}
_PLAIN_WORD = re.compile(r"[^\s|,:?\"\\\[\]{}<>]+(?: [^\s|,:?\"\\\[\]{}<>]+)*")

Schema = Mapping[str, Any] | bool


def build_prompt(text: str, schema: Schema) -> str:
    """Return the prompt that makes the embedded model write `text` as JSON by `schema`.

    Parameters
    ----------
    text: what to extract from. Marks of the prompt inside it (`<|text|>` and the like) are broken up.
    schema: a JSON Schema as Python values; `True` and `False` are schemas too.

    Returns
    -------
    The prompt; its tokenizer adds nothing to it (no begin-of-text token).
    """
    notation = describe_schema(schema)
    return f"{SCHEMA_MARK}{_without_marks(notation)}{TEXT_MARK}{_without_marks(text.strip())}{JSON_MARK}"


def describe_schema(schema: Schema) -> str:
    """Return the shorthand of a JSON Schema, without braces around the outermost object."""
    notation = _describe(schema, schema, 0)
    if notation.startswith("{") and notation.endswith("}"):
        return notation[1:-1]
    return notation


def _without_marks(text: str) -> str:
    return text.replace("<|", "< |")


def _describe(node: Any, root: Schema, depth: int) -> str:
    if node is False:
        return "never"
    if not isinstance(node, Mapping) or depth > DEPTH_LIMIT:
        return "any"
    if "$ref" in node:
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        target = _resolve(node["$ref"], root)
        if isinstance(target, Mapping):
            return _describe({**target, **siblings}, root, depth + 1)
        return _describe(siblings, root, depth + 1) if siblings else "any"
    if "const" in node:
        return _options([node["const"]])
    if isinstance(node.get("enum"), list):
        return _options(node["enum"])
    for keyword in ("anyOf", "oneOf"):
        if isinstance(node.get(keyword), list) and "properties" not in node:
            return _join(_describe(branch, root, depth + 1) for branch in node[keyword])
    if isinstance(node.get("allOf"), list):
        return _describe(_merge(node, root), root, depth + 1)
    types = node.get("type", _implied_type(node))
    if isinstance(types, list):
        return _join(_describe_type(name, node, root, depth) for name in types)
    return _describe_type(types, node, root, depth)


def _describe_type(name: Any, node: Mapping[str, Any], root: Schema, depth: int) -> str:
    if name == "object":
        return _describe_object(node, root, depth)
    if name == "array":
        return _describe_array(node, root, depth)
    if name == "string" and isinstance(node.get("format"), str):
        return _KIND_OF_FORMAT.get(node["format"], "str")
    return _KIND_OF_TYPE.get(name, "any") if isinstance(name, str) else "any"


def _describe_object(node: Mapping[str, Any], root: Schema, depth: int) -> str:
    properties = node.get("properties")
    if not isinstance(properties, Mapping):
        properties = {}
    required = node.get("required")
    required = required if isinstance(required, list) else []
    members = []
    for key, value in properties.items():
        kind = _describe(value, root, depth + 1)
        # A kind that allows null says already that the value may be missing.
        optional = "?" if key not in required and not kind.endswith("?") else ""
        members.append(f"{_word(str(key))}{optional}:{kind}")
    return "{" + ", ".join(members) + "}"


def _describe_array(node: Mapping[str, Any], root: Schema, depth: int) -> str:
    items = node.get("prefixItems", node.get("items", True))
    if not isinstance(items, list):
        items = [items]
    return "[" + ", ".join(_describe(item, root, depth + 1) for item in items) + "]"


def _implied_type(node: Mapping[str, Any]) -> str | None:
    """The type that the keywords speak of, where the schema does not name one."""
    if "properties" in node or "required" in node:
        return "object"
    if "items" in node or "prefixItems" in node:
        return "array"
    if "pattern" in node or "format" in node or "minLength" in node or "maxLength" in node:
        return "string"
    if "minimum" in node or "maximum" in node or "multipleOf" in node:
        return "number"
    return None


def _options(values: list[Any]) -> str:
    if len(values) > OPTIONS_LIMIT:
        first = values[0]
        return "str" if isinstance(first, str) else "int" if isinstance(first, int) else "any"
    if len(values) == 2 and all(isinstance(value, bool) for value in values):
        return "bool"
    return _join(_word(value) if isinstance(value, str) else _literal(value) for value in values)


def _join(kinds: Iterable[str]) -> str:
    """Put alternatives together: null becomes a question mark, repetitions go, the order stays."""
    alternatives = list(dict.fromkeys(kinds))
    nullable = "null" in alternatives or any(kind.endswith("?") for kind in alternatives)
    alternatives = [kind.removesuffix("?") for kind in alternatives if kind not in ("null", "never")]
    if not alternatives:
        return "null" if nullable else "any"
    return "|".join(dict.fromkeys(alternatives)) + ("?" if nullable else "")


def _word(text: str) -> str:
    return text if _PLAIN_WORD.fullmatch(text) else _literal(text)


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_number)


def _number(value: Any) -> Any:
    """What json cannot write: exact numbers as schemas read from text have them, and what is no JSON."""
    return float(value) if isinstance(value, Decimal) and math.isfinite(float(value)) else str(value)


def _resolve(reference: Any, root: Schema) -> Any:
    """Follow a JSON Pointer inside the same document; anything else is unknown, hence None."""
    if reference == "#":
        return root
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    node: Any = root
    for part in reference[2:].split("/"):
        part = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node


def _merge(node: Mapping[str, Any], root: Schema) -> dict[str, Any]:
    """Join the branches of `allOf` with their siblings: properties and required keys add up."""
    merged: dict[str, Any] = {}
    siblings = {key: value for key, value in node.items() if key != "allOf"}
    for branch in [*node["allOf"], siblings]:
        if isinstance(branch, Mapping) and "$ref" in branch:
            branch = _resolve(branch["$ref"], root)
        if not isinstance(branch, Mapping):
            continue
        for key, value in branch.items():
            before = merged.get(key)
            if key == "properties" and isinstance(before, Mapping) and isinstance(value, Mapping):
                merged[key] = {**before, **value}
            elif key == "required" and isinstance(before, list) and isinstance(value, list):
                merged[key] = before + value
            else:
                merged[key] = value
    return merged
