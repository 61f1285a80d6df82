"""The command line in this process, as the tests of its commands call it."""

from __future__ import annotations

from tokentrellis.command_line import app
from typer.testing import CliRunner, Result


def run(*arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    """The result of a command that ends with `code`; an error of Python is raised here."""
    result = CliRunner().invoke(app, arguments, input=stdin, env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result
