"""The reference of the command line: every command with its arguments and options, as Markdown.

In: the application. Out: one page, with what `--help` says of each command.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main
from tokentrellis.command_line import app

PLACE = "api/commands.md"
_OPENING = """\
# The command line

Every command has `--help`. Errors go to standard error, say what to do, and end with exit code 2.
"""


def page() -> str:
    parts = [_OPENING]
    for name, command in _commands("tokentrellis", typer.main.get_command(app)):
        parts += [f"## `{name}` {{#{name.replace(' ', '-')}}}\n", _plain(command.help or "") + "\n"]
        context = command.context_class(command, info_name=name)
        records = [parameter.get_help_record(context) for parameter in command.params]
        rows = [f"| `{given}` | {_plain(said)} |" for given, said in filter(None, records)]
        if rows:
            parts.append("\n".join(["| | |", "| :-- | :-- |", *rows]) + "\n")
    return "\n".join(parts)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Commands as `click` has them, or the copy of it that typer carries; groups before their members."""
    if command.params:
        yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {part}", below)


def _plain(text: str) -> str:
    """Without a meaning for Markdown, in a table too, which takes bars only in code."""
    for character in "\\*_<[]|":
        text = text.replace(character, "\\" + character)
    return text
