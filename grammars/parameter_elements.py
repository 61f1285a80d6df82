"""How a call format writes one argument as an element of its own: its template, forwards and backwards.

    <parameter=«name»>␤«value»␤</parameter>␤

In comes such a template; out come the texts before and after a value, for the grammar, and the pattern that
finds a name, for the reader. «is_text» stands for "true" where the value is a string, which is written as it
is, and for "false" where it is JSON. What ends a value is all that follows it up to a line break that is the
last thing in the template: no value that is a string contains it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import GrammarError

NAME = re.compile(r"[^\n<>\"]+")
"""The name of an argument that can be told from what stands around it."""
_WORDS = {True: "true", False: "false"}


class ParameterElement:
    """One template. end: what ends a value. tail: what must follow that, a line break or nothing."""

    def __init__(self, template: str) -> None:
        if template.count("«name»") != 1 or template.count("«value»") != 1:
            raise GrammarError("parameter must have «name» and «value» once each", got=template)
        text = template.replace("␠", " ").replace("␤", "\n")
        self._before, after = text.split("«value»")
        if "«name»" not in self._before or not after.strip("\n"):
            raise GrammarError("parameter must have «name» before «value», and an end after it", got=template)
        self.end = after.removesuffix("\n")
        self.tail = after[len(self.end) :]
        pattern = re.escape(self._before).replace(re.escape("«name»"), f"(?P<name>{NAME.pattern})")
        self.pattern = re.compile(r"\s*" + pattern.replace(re.escape("«is_text»"), "(?P<is_text>true|false)"))

    @property
    def says_kind(self) -> bool:
        """Whether it says if a value is a string."""
        return "«is_text»" in self._before

    def begin(self, name: str, is_text: bool) -> str:
        """What stands before a value."""
        return self._before.replace("«name»", name).replace("«is_text»", _WORDS[is_text])


@lru_cache(64)
def parameter_element(template: str) -> ParameterElement:
    """A template, read once. Raises GrammarError for what is none."""
    return ParameterElement(template)
