"""What a schema may be given as: a dict, JSON text, a Boolean, a pydantic model, or any type that pydantic
understands.

Out comes the schema as data. Text is read with exact decimals. Types (models, dataclasses, TypedDicts, Enums,
any annotation) are asked for their JSON Schema; pydantic is imported only for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, cast

from ..errors import GrammarSyntaxError, LimitExceededError, line_and_column
from .repeated_keys import KeyWatch, repeated_key_error


def read_schema(source: object) -> Any:
    """The schema as a dict or a Boolean.

    Raises GrammarSyntaxError for what is no schema, or text in which an object has a key twice,
    LimitExceededError for text that nests too deep.
    """
    if isinstance(source, (bool, dict)):
        return source
    if isinstance(source, (str, bytes, bytearray)):
        return _parsed(source)
    if isinstance(source, Mapping):
        return dict(source)
    if source is None or isinstance(source, (int, float, Decimal, list, tuple, set)):
        raise GrammarSyntaxError(
            "schema must be a dict, a Boolean, JSON text or a type", location="", got=source
        )
    return _schema_of_type(source)


def _parsed(text: str | bytes | bytearray) -> Any:
    watch = KeyWatch()
    try:
        if not isinstance(text, str):
            text = text.decode("utf-8")
        schema = json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=watch.object_of
        )
    except UnicodeDecodeError as error:
        raise GrammarSyntaxError("the schema must be UTF-8", got=bytes(text[:40])) from error  # type: ignore[arg-type]
    except GrammarSyntaxError:  # of _no_constant; it is a ValueError too
        raise
    except json.JSONDecodeError as error:
        assert isinstance(text, str)
        raise GrammarSyntaxError(
            f"the schema must be JSON ({error.msg})",
            location=line_and_column(text, error.pos),
            source=text,
            advice="patterns, choices, rules are read by from_regex, from_choices, from_lark and from_gbnf",
        ) from error
    except RecursionError:
        raise LimitExceededError(
            "levels of nesting of the schema", given="more", limit="what json reads"
        ) from None
    except (ValueError, ArithmeticError) as error:  # more digits than int or Decimal take
        raise LimitExceededError("digits of a number", given="more", limit=4300) from error
    if watch.is_repeated:
        raise repeated_key_error(text)
    if not isinstance(schema, (bool, dict)):
        raise GrammarSyntaxError("a schema must be an object or a Boolean", location="", got=schema)
    return schema


def _no_constant(name: str) -> NoReturn:
    raise GrammarSyntaxError(f"the schema must be JSON, and JSON has no {name}", got=name)


def _schema_of_type(source: object) -> Any:
    try:
        from pydantic import TypeAdapter
    except ImportError as error:
        raise GrammarSyntaxError(
            "a type needs pydantic to become a schema",
            got=source,
            advice="install pydantic, or give the schema",
        ) from error
    try:
        method = getattr(source, "model_json_schema", None)
        return method() if callable(method) else TypeAdapter(cast(Any, source)).json_schema()
    except Exception as error:  # code of the user's runs here, which may raise anything
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise GrammarSyntaxError(
            f"schema must be a dict, a Boolean, JSON text or a type that pydantic understands ({reason})",
            got=source,
            advice=_ADVICE.get(str(getattr(error, "code", "")), "give a type, or the schema itself"),
        ) from error


_ADVICE = {  # by pydantic's name of the problem
    "typed-dict-version": "write `from typing_extensions import TypedDict`",
    "class-not-fully-defined": "define every type that it names before it is used",
    "undefined-annotation": "define every type that it names before it is used",
}
