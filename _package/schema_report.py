"""The report of `tokentrellis check`: a schema in, what is enforced, refused and left out of it.

The front end reads the schema and says what is wrong. It stops at the first malformed keyword; to find the
others too, that keyword is taken out of a copy and the rest is read again: one reading for each problem, at
most `MOST_READINGS`. A keyword in the schema is then refused, or asserts nothing (an annotation, or a keyword
that another one switches off), or is a word that the draft does not know, or else it is enforced. A schema
from Python may hold one object in several places, even inside itself: it is written once, so it counts once,
and the copy keeps it one. Of a file of rules the report has what may be wrong, and why it is refused.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from .grammar_options import check_rules_file
from .grammars.errors import (
    ConstraintError,
    UnsatisfiableError,
    UnsupportedFeatureError,
    format_location,
)
from .grammars.json_schema import from_json_schema
from .grammars.json_schema.keywords import DRAFT_4, DRAFT_7, DRAFT_2020, KEYWORDS
from .grammars.json_schema.references import draft_of

MOST_READINGS = 100

_ANNOTATIONS = frozenset(
    (
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
        *("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"),
        *("$defs", "definitions", "contentEncoding", "contentMediaType", "contentSchema"),
    )
)
_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    *("additionalProperties", "propertyNames", "unevaluatedProperties"),
    *("items", "additionalItems", "contains", "unevaluatedItems", "not", "if", "then", "else"),
)
_NEEDS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
"""Keywords that assert nothing without another one beside them."""

Place = tuple[str, str]
"""A JSON Pointer and words about what is there."""


class SchemaReport(NamedTuple):
    """What becomes of a schema.

    enforced: number of uses of each keyword.
    not_checked: the same for words to which the draft gives no force where they stand (titles ...).
    unknown: JSON Pointer and reason for words that are no keyword of the draft, perhaps mistyped.
    remarks: the same for what looks like a constraint and is none (an unknown format).
    refused: the same for what cannot be enforced; empty if the schema can be used.
    """

    enforced: dict[str, int]
    not_checked: dict[str, int]
    unknown: list[Place]
    remarks: list[Place]
    refused: list[Place]


def check_schema(schema: Any) -> SchemaReport:
    """Read a schema (parsed JSON) and say what becomes of its keywords."""
    refused, remarks = _read(schema)
    draft = _draft(schema)
    uses = {
        f"{place}/{_escaped(word)}": (str(word), node) for place, node in _subschemas(schema) for word in node
    }
    is_refused = {_keyword_of(place, uses) for place, _ in refused}
    is_remarked = {place for place, _ in remarks}
    enforced: Counter[str] = Counter()
    not_checked: Counter[str] = Counter()
    unknown = []
    for place, (word, node) in uses.items():
        if word in _ANNOTATIONS or word.startswith("x-"):
            not_checked[word] += 1
        elif word not in KEYWORDS[draft]:
            unknown.append((place, _unknown(word, draft)))
        elif place in is_refused:
            continue
        elif place in is_remarked:
            not_checked[word] += 1
        elif reason := _switched_off(word, node, draft):
            remarks.append((place, reason))
            not_checked[word] += 1
        else:
            enforced[word] += 1
    by_count = dict(enforced.most_common()), dict(not_checked.most_common())
    return SchemaReport(*by_count, unknown, remarks, refused)


def check_rules(source: str) -> SchemaReport:
    """Read a file of rules. Places are those of the file: rules have no keywords of their own to count."""
    remarks, error = check_rules_file(source)
    refused = [] if error is None else [_located(error)]
    return SchemaReport(
        {},
        {},
        [],
        [(source, remark) for remark in remarks],
        [(_in_file(source, at), why) for at, why in refused],
    )


def _in_file(source: str, place: str) -> str:
    return f"{source}, {place}" if place else source


def _read(schema: Any) -> tuple[list[Place], list[Place]]:
    """What is refused, and remarks."""
    refused: list[Place] = []
    unsupported: Literal["error", "ignore"] = "error"
    is_copy = False
    for _ in range(MOST_READINGS):
        try:
            return refused, list(from_json_schema(schema, unsupported=unsupported).annotations)
        except UnsatisfiableError as error:
            # Of a schema with parts taken out this says nothing.
            return refused or [_located(error)], []
        except UnsupportedFeatureError as error:
            if not error.problems:
                return [*refused, _located(error)], []
            refused += [(format_location(where), reason) for where, reason in error.problems]
            unsupported = "ignore"
        except ConstraintError as error:
            refused.append(_located(error))
            schema = schema if is_copy else _copied(schema)
            is_copy = True
            if not _take_out(schema, error.location):
                break
    return refused, []


def _draft(schema: Any) -> int:
    try:
        return draft_of(schema, DRAFT_2020)
    except UnsupportedFeatureError:  # draft 3 and before, refused above
        return DRAFT_4


def _located(error: ConstraintError) -> Place:
    place = format_location(error.location or "")
    return place, str(error) if error.location is None else str(error).removeprefix(f"{place}: ")


def _copied(schema: Any) -> Any:
    """A copy whose objects and arrays may be changed; what is one object in the schema is one in the copy."""
    copies: dict[int, Any] = {}
    pending = [schema]
    while pending:
        node = pending.pop()
        if id(node) not in copies and isinstance(node, (Mapping, list)):
            copies[id(node)] = dict(node) if isinstance(node, Mapping) else list(node)
            pending += node.values() if isinstance(node, Mapping) else node
    for copy in copies.values():
        for name, member in list(copy.items() if isinstance(copy, dict) else enumerate(copy)):
            copy[name] = copies.get(id(member), member)
    return copies.get(id(schema), schema)


def _take_out(schema: Any, location: Any) -> bool:
    """Remove the keyword at a JSON Pointer (in a list, put `true` for the schema); False: there is none."""
    if not isinstance(location, str) or not location.startswith("/"):
        return False
    parent: Any = None
    name: Any = None
    node = schema
    for token in location[1:].split("/"):
        parent, name = node, token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            name = int(name)
        elif not isinstance(node, dict) or name not in node:
            return False
        node = parent[name]
    if isinstance(parent, list):
        parent[name] = True
    else:
        del parent[name]
    return True


def _keyword_of(place: str, uses: Mapping[str, object]) -> str:
    """The use of a keyword at a JSON Pointer, or else the innermost one around it."""
    while place and place not in uses:
        place = place.rpartition("/")[0]
    return place


@lru_cache(maxsize=1024)
def _unknown(word: str, draft: int) -> str:
    since = [known for known, words in KEYWORDS.items() if word in words]
    if since:
        return f"{word!r} is a keyword of draft {_name(since[0])}, not of this schema's {_name(draft)}"
    close = difflib.get_close_matches(word[:100], sorted(KEYWORDS[draft] | _ANNOTATIONS), n=1, cutoff=0.75)
    asked = f"; did you mean {close[0]!r}?" if close else ""
    return f"{word[:100]!r} is no keyword of JSON Schema and asserts nothing{asked}"


def _switched_off(word: str, node: Mapping[str, Any], draft: int) -> str:
    if draft <= DRAFT_7 and "$ref" in node and word != "$ref":
        return f"asserts nothing beside $ref in draft {_name(draft)}"
    if word in _NEEDS and _NEEDS[word] not in node:
        return f"asserts nothing without {_NEEDS[word]!r} beside it"
    return ""


def _name(draft: int) -> str:
    return {2019: "2019-09", 2020: "2020-12"}.get(draft, str(draft))


def _escaped(token: object) -> str:
    return str(token).replace("~", "~0").replace("/", "~1")


def _subschemas(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schema and every schema inside it, as written, each once with its JSON Pointer."""
    pending = [("", schema)]
    seen = set()
    while pending:
        place, node = pending.pop()
        if not isinstance(node, Mapping) or id(node) in seen:
            continue
        seen.add(id(node))
        yield place, node
        inside = [(word, node[word]) for word in _SINGLE if word in node]
        for word in _MAPS:
            if isinstance(node.get(word), Mapping):
                inside += [(f"{word}/{_escaped(name)}", member) for name, member in node[word].items()]
        for word in _LISTS:
            if isinstance(node.get(word), list):
                inside += [(f"{word}/{index}", member) for index, member in enumerate(node[word])]
        pending += [(f"{place}/{where}", member) for where, member in reversed(inside)]
