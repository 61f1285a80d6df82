"""Scores of an output: what a model wrote in; whether it is JSON, valid, right, and what it obeys, out.

Validity is judged by `jsonschema_rs` or `jsonschema`, whichever is installed, with formats asserted, since no
engine should be its own judge; only without both does our own grammar judge, and the report says so. A value
is right by its fields: the leaves of the expected JSON (an array of plain values is one), equal by value.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from typing import Any

from ..grammars.errors import ConstraintError
from ..grammars.json_schema import from_json_schema

MISSING = object()
Judge = Callable[[Any, str], bool]
"""(schema, text) -> whether the text is a document of the schema"""


def fields_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The leaves of a JSON value; an array of plain values is one leaf."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from fields_of(item, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for at, item in enumerate(value):
            yield from fields_of(item, (*path, at))
    else:
        yield path, value


def same(expected: Any, found: Any) -> bool:
    """Equal by value; 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def field_accuracy(expected: Any, found: Any) -> float:
    """Share of the expected fields that are right; a field too many counts as one that is wrong."""
    wanted, there = dict(fields_of(expected)), dict(fields_of(found))
    right = sum(same(value, there.get(path, MISSING)) for path, value in wanted.items())
    return right / len(wanted.keys() | there.keys())


def right_beginning(expected: Any, found: Any) -> float | None:
    """Of a long list, the share before the first item that is wrong; None: nothing long was expected.

    The list may be the only member of an object. A wrong step makes the later ones worthless in a procedure.
    """
    if isinstance(expected, dict) and len(expected) == 1:
        (name,) = expected
        found = found.get(name) if isinstance(found, dict) else None
        expected = expected[name]
    if not isinstance(expected, list) or not expected:
        return None
    n_right = 0
    for wanted, there in zip(expected, found if isinstance(found, list) else [], strict=False):
        if not same(wanted, there):
            break
        n_right += 1
    return n_right / len(expected)


def judge_name() -> str:
    """Who decides about validity here."""
    for name in ("jsonschema_rs", "jsonschema"):
        if importlib.util.find_spec(name) is not None:
            return name
    return "tokentrellis itself (install jsonschema-rs for an independent judge)"


def make_judge() -> Judge:
    """The judge of `judge_name`."""
    name = judge_name()
    if name == "jsonschema_rs":
        return _by_jsonschema_rs
    return _by_jsonschema if name == "jsonschema" else _by_grammar


def parse(text: str) -> Any:
    """The value of JSON text, or MISSING."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def _by_jsonschema_rs(schema: Any, text: str) -> bool:
    import jsonschema_rs

    value = parse(text)
    if value is MISSING:
        return False
    return bool(jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(value))


def _by_jsonschema(schema: Any, text: str) -> bool:
    import jsonschema

    value = parse(text)
    if value is MISSING:
        return False
    kind = jsonschema.validators.validator_for(schema)
    return bool(kind(schema, format_checker=kind.FORMAT_CHECKER).is_valid(value))


def _by_grammar(schema: Any, text: str) -> bool:
    grammar = from_json_schema(schema, whitespace="any", property_order="any", numbers="standard")
    try:
        return grammar.accepts(text)
    except ConstraintError:
        return False
