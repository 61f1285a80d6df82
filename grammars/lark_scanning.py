"""Patterns of terminals as Lark's lexer can put them side by side in one regular expression.

The lexer tries all terminals at once, as named groups of one pattern. There a flag at the begin of a pattern
(`(?i)x`) is an error, a reference by number (`(a)\\1`) means another group, and a name of a group may be used
once. So flags are given a scope here, and what is referred to names that no other terminal has.
"""

from __future__ import annotations

import re

_FLAGS = re.compile(r"\(\?([aimsux]+)\)")
_OPENINGS = re.compile(r"(?:\(\?[aimsux]+[:)])*")
_PIECE = re.compile(
    r"""
    \\(?P<number>[1-9][0-9]?)           # a reference, unless three octal digits are a character
    | \\. | \[\^?\]?(?:\\.|[^\]\\])*\]  # escapes and classes, with nothing in them
    | \(\?\#[^)]*\)
    | \(\?P<(?P<name>\w+)>
    | \(\?P=(?P<reference>\w+)\)
    | (?P<group>\((?!\?))
    """,
    re.VERBOSE | re.DOTALL,
)
_OCTAL = re.compile(r"\\[0-3][0-7]{2}")
_BRACKET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()]", re.DOTALL)
_COMMENT = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|#[^\n]*", re.DOTALL)


def scoped_pattern(pattern: str, prefix: str) -> str:
    """The pattern with the same meaning as a part of a larger one.

    prefix: what the names of its groups begin with.
    """
    opened = _OPENINGS.match(pattern)[0]  # type: ignore[index]
    if "x" in opened and (":" not in opened or _is_one_group(pattern)):
        # A comment may have brackets, and would hide the one that is put behind it.
        pattern = _COMMENT.sub(lambda piece: piece[1] or "", pattern)
    found = _FLAGS.match(pattern)
    if found is None:
        return _with_names(pattern, prefix)
    return f"(?{found[1]}:{_with_names(pattern[found.end() :], prefix)})"


def _is_one_group(pattern: str) -> bool:
    """Whether the group that is opened first is closed by the last character."""
    depth = 0
    for piece in _BRACKET.finditer(pattern):
        depth += {"(": 1, ")": -1}.get(piece[0], 0)
        if depth == 0 and piece[0] == ")":
            return piece.end() == len(pattern)
    return True


def _with_names(pattern: str, prefix: str) -> str:
    n_groups = 0
    names: dict[str, int] = {}

    def renamed(found: re.Match[str]) -> str:
        nonlocal n_groups
        if found["group"] or found["name"]:
            n_groups += 1
            if found["name"]:
                names[found["name"]] = n_groups
            return f"(?P<{prefix}{n_groups}>"
        if found["number"] and not _OCTAL.match(pattern, found.start()):
            return f"(?P={prefix}{found['number']})"
        return f"(?P={prefix}{names[found['reference']]})" if found["reference"] else found[0]

    return _PIECE.sub(renamed, pattern)
