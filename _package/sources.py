"""What the command line calls SCHEMA and TEXT: a word on the command line in, a schema or a text out.

SCHEMA is the path of a JSON file, `-` for standard input, JSON itself, or `module:Name` for whatever
`from_json_schema` takes from Python (a pydantic model, a dataclass, an Enum ...), imported from the current
folder or from what is installed.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from .grammars.errors import ConstraintError, GrammarSyntaxError, line_and_column

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
    if Path(source).is_file():
        return parse_json(read_file(Path(source)), source)
    if _PYTHON_NAME.fullmatch(source):
        return _import_name(source)
    raise ConstraintError(
        "SCHEMA: must be a file, '-', JSON or module:Name",
        got=source,
        advice="check the path" if "." in source or os.sep in source else "put JSON into quotes",
    )


def json_schema_of(schema: Any) -> Any:
    """The JSON Schema of what `read_schema` gave, as parsed JSON: what a prompt can show."""
    if isinstance(schema, (dict, bool)):
        return schema
    from pydantic import TypeAdapter

    return TypeAdapter(schema).json_schema()


def read_file(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        ConstraintError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConstraintError(f"{path}: cannot be read ({error})") from error


def parse_json(text: str, name: str) -> Any:
    """JSON as Python values.

    Raises:
        GrammarSyntaxError: with line, column and the line itself.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise GrammarSyntaxError(
            f"{name} is not JSON ({error.msg})", location=line_and_column(text, error.pos), source=text
        ) from error


def _import_name(source: str) -> Any:
    module_name, _, name = source.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        value = importlib.import_module(module_name)
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError) as error:
        raise ConstraintError(f"SCHEMA: {error}", got=source) from error
    return value
