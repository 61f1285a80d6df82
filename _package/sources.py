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
from collections.abc import Mapping
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

# What the code of a user's module may raise when it is imported.
_IMPORT_ERRORS = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, NameError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError),
)
_PYTHON_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def read_schema(source: str) -> Any:
    """The schema as parsed JSON, or the Python object that `module:Name` names.

    Raises:
        GrammarSyntaxError: the text is not JSON. ConstraintError: there is no such file, module or name.
    """
    if source == "-":
        return parse_json(sys.stdin.read(), "standard input")
    if source.lstrip().startswith("{") or source in ("true", "false"):
        return parse_json(source, "SCHEMA")
    if _is_file(source):
        return parse_json(read_file(Path(source)), source)
    if _PYTHON_NAME.fullmatch(source):
        return _import_name(source)
    raise ConstraintError(
        "SCHEMA: must be a file, '-', JSON or module:Name",
        got=source,
        advice="check the path" if "." in source or os.sep in source else "put JSON into quotes",
    )


def json_schema_of(schema: Any) -> Any:
    """The JSON Schema of whatever `from_json_schema` takes, as parsed JSON: what a prompt can show.

    Raises:
        GrammarSyntaxError: it is no schema, and pydantic cannot make one of it.
    """
    from .grammars.json_schema.source import read_schema as schema_of

    return schema_of(schema)


def read_file(path: Path, errors: str = "strict") -> str:
    """The text of a UTF-8 file; errors: as for `bytes.decode`.

    Raises:
        ConstraintError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors=errors)
    except (OSError, UnicodeDecodeError) as error:
        raise ConstraintError(f"{path}: cannot be read ({error})") from error


def parse_json(text: str, name: str) -> Any:
    """JSON as Python values; numbers with a fraction or an exponent are exact, as `Decimal`.

    Raises:
        GrammarSyntaxError: with line, column and the line itself. LimitExceededError: it nests too deep, or a
            number has too many digits.
    """

    def refuse(word: str) -> NoReturn:
        raise GrammarSyntaxError(
            f"{name} is not JSON, which has no {word}", got=word, advice="write a number"
        )

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=refuse)
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
    """One line of JSON; a Decimal is written digit by digit, a number that JSON does not have as null."""
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else "null"
    if isinstance(value, float):
        return json.dumps(value) if math.isfinite(value) else "null"
    if isinstance(value, Mapping):
        members = (f"{write_json(str(name))}: {write_json(member)}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(write_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _is_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def _import_name(source: str) -> Any:
    module_name, _, name = source.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except _IMPORT_ERRORS as error:
        raise ConstraintError(
            f"SCHEMA: the module cannot be imported ({type(error).__name__}: {error})",
            got=module_name,
            advice=f"look for the cause with `python -c 'import {module_name}'`",
        ) from error
    value: Any = module
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            known = [known for known in dir(value) if not known.startswith("_")]
            raise UnresolvedReferenceError(part, known, message=f"SCHEMA: {error}") from error
    return value
