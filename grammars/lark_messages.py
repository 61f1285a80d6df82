"""What the `lark` library says about a grammar that it cannot read, in words of ours, with what to do."""

from __future__ import annotations

import re
from typing import NamedTuple


class Said(NamedTuple):
    """A message, what to do, and the name of the rule or terminal whose last definition it is about; "": it
    is not known.
    """

    message: str
    advice: str
    name: str = ""


_SEPARATE = "begin each definition in a line of its own, as `name: ...`"
_WRITE = 'strings stand in double quotes ("..."), patterns between slashes (/.../), comments behind // or #'

# (what the library says, what we say, what to do); `name` of a pattern is what to look for.
_KNOWN = [
    (r"", "a range must go from one character to another", 'write "a".."z"'),  # an assertion
    (r"Unclosed parenthesis", "the group is not closed", "add ')'"),
    (r"Unmatched closing parenthesis", "the bracket closes nothing", "remove it"),
    (
        r"Expecting rule or terminal definition.*",
        "a name and ':' must begin a definition",
        "write name: ... for a rule, NAME: ... for a terminal",
    ),
    (
        r"Illegal name for rules or terminals",
        "a name must be all small letters (a rule) or all capitals (a terminal)",
        "rename it",
    ),
    (r"Alias expects lowercase name", "an alias (->) must be a name in small letters", "write -> name"),
    (r"Unexpected colon", "':' may stand only behind the name of a definition", _SEPARATE),
    (r"Misplaced operator", "nothing stands here that could be repeated", "put ? * + behind an item"),
    (r'Expecting option \("\|"\).*', "a definition must follow, or an option behind '|'", _SEPARATE),
    (r"Terminal names cannot contain dots", "the name of a terminal must have no dot", "use underscores"),
    (r"%import expects a name", "%import must be followed by a name", "write %import common.NUMBER"),
    (r"%ignore expects a value", "%ignore must be followed by a terminal", "write %ignore NAME"),
    (r"Incorrect type of value|Expecting a value", "this is no name, string or pattern", _WRITE),
    (r"Unexpected input", "nothing in a Lark grammar begins like this", _WRITE),
    (r"Unexpected token Token\('_NL'.*", "the line ends too early", "go on, or close what is open"),
    (r"Unexpected token Token\('[^']*', (?P<what>.*)\)", "{what} cannot stand here", _SEPARATE),
    (
        r"(?:Rule|Terminal|Template) '(?P<name>\w+)' defined more than once",
        "{name!r} is defined twice",
        "rename one of them, or join them with '|'",
    ),
    (
        r"Recursion in terminal '(?P<name>\w+)'.*",
        "terminal {name} calls itself",
        "only rules may: write it in small letters",
    ),
    (r"Terminals cannot be empty \(__IGNORE.*", "%ignore has nothing to ignore", "write %ignore NAME"),
    (r"Terminals cannot be empty \((?P<name>\w+)\)", "terminal {name} is empty", "give it a text"),
    (
        r"Empty terminals are not allowed.*",
        "a string or pattern is empty",
        "leave it out, or put ? behind what may be missing",
    ),
    (
        r"Rules aren't allowed inside terminals \(\w+\('(?P<rule>\w+)'\) in (?P<name>\w+)\)",
        "a terminal cannot call a rule, as {rule!r} is called in {name}",
        "write the rule as a terminal, or the terminal as a rule",
    ),
    (
        r"Bad Range for .*\((?P<bounds>.*) isn't allowed\)",
        "the numbers of a repeat, {bounds}, are in the wrong order",
        "swap them",
    ),
    (
        r"Wrong number of template arguments used for (?P<template>\w+) \((?P<counts>.*?)\)"
        r".*in \w+ (?P<name>\w+)\)",
        "template {template!r} is used with another number of arguments ({counts})",
        "use it with as many as it is defined with",
    ),
    (
        r"(?:Cannot|Can't) (?P<do>override|extend) (?:a nonexisting )?(?:rule|terminal) (?P<name>\w+).*",
        "%{do} of {name!r}, which cannot be done here",
        "define it or import it before",
    ),
]
_PATTERNS = [(re.compile(pattern), message, advice) for pattern, message, advice in _KNOWN]


def said_of(message: str) -> Said:
    """What a message of the library means."""
    for pattern, meaning, advice in _PATTERNS:
        found = pattern.fullmatch(message)
        if found:
            named = found.groupdict()
            return Said(meaning.format_map(named), advice, named.get("name", ""))
    return Said(f"Lark cannot read the grammar: {message}", "compare it with Lark's own documentation")
