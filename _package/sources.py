"""What the command line calls SCHEMA and TEXT: a word on the command line in, a schema or a text out.

SCHEMA is the path of a JSON file, `-` for standard input, JSON itself, or `module:Name` for whatever
`from_json_schema` takes from Python (a pydantic model, a dataclass, an Enum ...), imported from the current
folder or from what is installed.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from .grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    line_and_column,
)

MOST_LEVELS = 10_000
"""Levels of nesting that `write_json` writes; only what contains itself has more."""

# The code of a user's module may raise anything, and a script that was not meant to be imported may exit.
_MODULE_ERRORS = (Exception, SystemExit)
_PYTHON_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def read_schema(source: str) -> Any:
    """The schema as parsed JSON, or the Python object that `module:Name` names.

    Raises:
        GrammarSyntaxError: the text is not JSON. ConstraintError: there is no such file, module or name.
    """
    if source == "-":
        return parse_schema(read_standard_input(), "standard input")
    if source.lstrip().startswith("{") or source in ("true", "false"):
        return parse_schema(check_text(source, "SCHEMA"), "SCHEMA")
    if _is_file(source):
        return parse_schema(read_file(Path(source)), source)
    if _PYTHON_NAME.fullmatch(source):
        return _import_name(source)
    if _is_json(source):
        raise GrammarSyntaxError("SCHEMA: a JSON Schema is an object, true or false", got=source)
    raise ConstraintError(
        "SCHEMA: must be a file, '-', JSON or module:Name",
        got=source,
        advice="check the path" if "." in source or os.sep in source else "put JSON into quotes",
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def json_schema_of(schema: Any) -> Any:
    """The JSON Schema of whatever `from_json_schema` takes, as parsed JSON: what a prompt can show.

    Raises:
        GrammarSyntaxError: it is no schema, and pydantic cannot make one of it.
    """
    from .grammars.json_schema.source import read_schema as schema_of

    return schema_of(schema)


def check_text(text: str, name: str) -> str:
    """The text itself.

    Raises:
        ConstraintError: it has half of a surrogate pair, which stands for what is no UTF-8 on a command line,
            and which no tokenizer takes.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConstraintError(
            f"{name}: character {error.start + 1} is no character of UTF-8",
            got=text[error.start : error.end],
            advice="take it out, or write UTF-8, in a locale with UTF-8",
        ) from error
    return text


def read_standard_input() -> str:
    """The text on standard input.

    Raises:
        ConstraintError: it is closed, or no text.
    """
    if sys.stdin is None:
        raise ConstraintError("standard input: is closed", advice="name a file")
    try:
        return check_text(sys.stdin.read(), "standard input")
    except (OSError, UnicodeDecodeError) as error:
        raise ConstraintError(f"standard input: cannot be read ({error})") from error


def read_file(path: Path, errors: str = "strict") -> str:
    """The text of a UTF-8 file; errors: as for `bytes.decode`.

    Raises:
        ConstraintError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors=errors)
    except (OSError, UnicodeDecodeError) as error:
        raise ConstraintError(f"{path}: cannot be read ({error})") from error


def parse_schema(text: str, name: str) -> Any:
    """The JSON of a schema, as `parse_json` reads it; no object may have a key twice.

    Raises:
        GrammarSyntaxError: one has, with its JSON Pointer; or as `parse_json`.
        LimitExceededError: as there.
    """
    from .grammars.json_schema.repeated_keys import KeyWatch, repeated_key_error

    watch = KeyWatch()
    schema = parse_json(text, name, watch.object_of)
    if watch.is_repeated:
        error = repeated_key_error(text)
        error.message = f"{name}: {error.message}"
        raise error
    return schema


def parse_json(
    text: str, name: str, object_of: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None
) -> Any:
    """JSON as Python values; numbers with a fraction or an exponent are exact, as `Decimal`.

    object_of: makes an object of its members; by default the last of equal keys counts.

    Raises:
        GrammarSyntaxError: with line, column and the line itself. LimitExceededError: it nests too deep, or a
            number has too many digits.
    """

    def refuse(word: str) -> NoReturn:
        raise GrammarSyntaxError(
            f"{name} is not JSON, which has no {word}", got=word, advice="write a number"
        )

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=object_of)
    except json.JSONDecodeError as error:
        raise GrammarSyntaxError(
            f"{name} is not JSON ({error.msg})", location=line_and_column(text, error.pos), source=text
        ) from error
    except RecursionError:
        raise LimitExceededError(
            f"{name}: levels of nesting", given="more", limit="what json reads"
        ) from None
    except GrammarSyntaxError:  # of refuse(); it is a ValueError too
        raise
    except (ValueError, ArithmeticError) as error:  # more digits than int or Decimal take
        raise LimitExceededError(f"{name}: digits of a number", given="more", limit=4300) from error


def write_json(value: Any) -> str:
    """One line of JSON; a Decimal is written digit by digit, a number that JSON does not have as null.

    It does not recurse: what json reads can be written, however deep it nests.

    Raises:
        LimitExceededError: there are more than `MOST_LEVELS` levels of nesting.
    """
    written: list[str] = []
    unfinished = [(iter([("", value)]), "")]  # (text in front of a member, the member), and what closes it
    while unfinished:
        members, end = unfinished[-1]
        for before, member in members:
            written.append(before)
            if isinstance(member, (Mapping, list, tuple)):
                is_object = isinstance(member, Mapping)
                written.append("{" if is_object else "[")
                unfinished.append((_members(member), "}" if is_object else "]"))
                break
            written.append(_write_scalar(member))
        else:
            written.append(end)
            unfinished.pop()
        if len(unfinished) > MOST_LEVELS:
            raise LimitExceededError("levels of nesting of JSON", given="more", limit=MOST_LEVELS)
    return "".join(written)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """What comes in front of each member of an object or array, and the member."""
    is_object = isinstance(value, Mapping)
    for index, item in enumerate(value.items() if is_object else value):
        comma = ", " if index else ""
        if is_object:
            yield f"{comma}{json.dumps(str(item[0]), ensure_ascii=False)}: ", item[1]
        else:
            yield comma, item


def _write_scalar(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else "null"
    if isinstance(value, float):
        return json.dumps(value) if math.isfinite(value) else "null"
    return json.dumps(value, ensure_ascii=False)


def _is_file(source: str) -> bool:
    """Whether something can be read there; it may be a pipe, as `<(command)` gives one."""
    try:
        return Path(source).exists() and not Path(source).is_dir()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def _import_name(source: str) -> Any:
    module_name, _, name = source.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        value: Any = importlib.import_module(module_name)
    except _MODULE_ERRORS as error:
        raise ConstraintError(
            f"SCHEMA: the module cannot be imported ({type(error).__name__}: {error})",
            got=module_name,
            advice=f"look for the cause with `python -c 'import {module_name}'`",
        ) from error
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            known = [known for known in dir(value) if not known.startswith("_")]
            raise UnresolvedReferenceError(part, known, message=f"SCHEMA: {error}") from error
        except _MODULE_ERRORS as error:
            raise ConstraintError(
                f"SCHEMA: {part!r} of the module cannot be looked up ({type(error).__name__}: {error})",
                got=source,
                advice=f"look for the cause with `python -c 'import {module_name}; {module_name}.{name}'`",
            ) from error
    return value
