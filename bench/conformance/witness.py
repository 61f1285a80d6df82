"""The witness: `jsonschema_rs`, and where its testimony is known to depart from the standard.

In: a schema, documents. Out: its verdict, or None where it has none (it cannot read the schema, or a number
is too large for it), and the reason why a disagreement may be its own. The rules of RFC 8259 and
of JSON Schema 2020-12 decide; each reason here names what it departs from.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from typing import Any

LARGEST_EXPONENT = 290
DIGITS_OF_A_DOUBLE = 15


def is_installed() -> bool:
    """Whether there is a witness at all; commands that need none run without."""
    return importlib.util.find_spec("jsonschema_rs") is not None


class Witness:
    """A validator of one schema. Raises ValueError if it cannot read the schema."""

    def __init__(self, schema: Any, *, formats: bool) -> None:
        import jsonschema_rs

        self.schema = schema
        try:
            self._validator = jsonschema_rs.validator_for(
                schema, validate_formats=formats, ignore_unknown_formats=True, offline=True
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise ValueError(str(error).partition("\n")[0]) from error

    def accepts(self, text: str) -> bool | None:
        """Its verdict on a document; None if it has none."""
        try:
            return bool(self._validator.is_valid(json.loads(text)))
        except ValueError:
            return None

    def why_not(self, text: str) -> str:
        """What it says against a document, in one line."""
        error = next(iter(self._validator.iter_errors(json.loads(text))), None)
        if error is None:
            return "nothing"
        path = "/".join(map(str, error.instance_path))
        return f"{error.kind.name} at /{path}: {' '.join(error.message.split())[:160]}"


def excuse(schema: Any, text: str) -> str:
    """Why the witness may be wrong about a document; "" if no reason is known. Its numbers are doubles."""
    if isinstance(schema, dict) and "2019-09" in str(schema.get("$schema")):
        words = json.dumps(schema)
        if '"contains"' in words and '"unevaluatedItems"' in words:
            return "2019-09: `contains` evaluates no items (applicator vocabulary, 9.3.1.3 and 9.3.1.4)"
    for number in numbers_of(text):
        mantissa, _, exponent = number.lower().partition("e")
        digits = mantissa.replace(".", "").lstrip("-0").rstrip("0")
        if len(digits) > DIGITS_OF_A_DOUBLE:
            return "a number with more digits than a double"
        if digits and (
            len(mantissa) > LARGEST_EXPONENT
            or len(exponent) > 4
            or abs(int(exponent or 0)) > LARGEST_EXPONENT
        ):
            return "a number beyond a double"
    return ""


def numbers_of(text: str) -> Iterator[str]:
    """The numbers of a document, as they are written."""

    class Number(str):
        __slots__ = ()

    waiting = [json.loads(text, parse_float=Number, parse_int=Number)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Number):
            yield value
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
