"""A schema of draft 2020-12 rewritten for an older draft, so that one generator serves all.

In: a schema of the generator (`schemas.py`), a draft. Out: a schema that states the draft and uses the words
that the draft has for the same things; keywords that it does not have are left out. Up to draft 7 a reference
hides what stands beside it, which is left as it is: the readers have to know.
"""

from __future__ import annotations

from typing import Any

URIS = {
    "4": "http://json-schema.org/draft-04/schema#",
    "6": "http://json-schema.org/draft-06/schema#",
    "7": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs")
_ONE = (
    *("additionalProperties", "items", "not", "propertyNames", "contains", "if", "then", "else"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
_SINCE_2019 = (
    *("unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains"),
    *("dependentRequired", "dependentSchemas"),
)
_SINCE = {"6": ("const", "contains", "propertyNames"), "7": ("if", "then", "else"), "2019-09": _SINCE_2019}


def in_draft(schema: dict[str, Any], draft: str) -> dict[str, Any]:
    """The schema for a draft, a key of `URIS`."""
    rewritten = schema if draft == "2020-12" else _rewritten(schema, draft)
    return {"$schema": URIS[draft], **rewritten}


def _rewritten(schema: Any, draft: str) -> Any:
    if not isinstance(schema, dict):
        return ({} if schema else {"not": {}}) if draft == "4" else schema
    made = dict(schema)
    for word in _LISTS:
        if word in made:
            made[word] = [_rewritten(member, draft) for member in made[word]]
    for word in _MAPS:
        if word in made:
            made[word] = {name: _rewritten(member, draft) for name, member in made[word].items()}
    for word in _ONE:
        if word in made:
            made[word] = _rewritten(made[word], draft)
    if "prefixItems" in made:
        if "items" in made:
            made["additionalItems"] = made.pop("items")
        made["items"] = made.pop("prefixItems")
    if draft != "2019-09":
        dependencies = {**made.get("dependentRequired", {}), **made.get("dependentSchemas", {})}
        if dependencies:
            made["dependencies"] = dependencies
    for since, words in _SINCE.items():
        if float(draft[:4]) < float(since[:4]):
            for word in words:
                made.pop(word, None)
    if draft == "4":
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if exclusive in made:
                made[bound] = made[exclusive]
                made[exclusive] = True
    return made
