"""Standard output for a command: what is printed in, bytes out that any reader can take.

A character that the encoding of the output does not have (half of a surrogate pair anywhere, most of Unicode
where the locale is C) is written as JSON spells it, `\\ud800`: JSON stays JSON, and text stays readable. What
is printed is flushed before the command ends, so that a full disk is an error of ours and no words of the
interpreter after the end; a reader that went away (`| head -1`) ends the command silently.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .grammars.errors import ConstraintError

JSON_ESCAPE = "tokentrellis.json_escape"
"""For the argument `errors` of an encoding: `\\uXXXX`, a pair of them beyond U+FFFF."""

BROKEN_PIPE = 141
"""The exit code of a command whose reader went away, as shells count it: 128 and the signal SIGPIPE."""


def _json_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)), error.end


codecs.register_error(JSON_ESCAPE, _json_escape)


@contextmanager
def standard_output() -> Iterator[None]:
    """Print inside of this.

    Raises:
        ConstraintError: standard output cannot be written. SystemExit: nobody reads it any more.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=JSON_ESCAPE)
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:  # closed by `>&-`
                sys.stdout.flush()
    except BrokenPipeError:
        _discard()
        raise SystemExit(BROKEN_PIPE) from None
    except OSError as error:
        _discard()
        raise ConstraintError(f"standard output: cannot be written ({error})") from error


def _discard() -> None:
    """What is still to be written goes nowhere, or the interpreter would try again when it ends."""
    with suppress(OSError):  # without a file descriptor nothing is tried again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
