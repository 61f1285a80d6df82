r"""The format `regex`: a regular sublanguage of the regular expressions of ECMA-262.

Parentheses nest without bound, group names must differ, back-references need their group, and ranges and
counts must ascend: the format is not regular. What is built here holds only valid regular expressions
(without the `u` flag) and all that is usual: alternatives, groups up to four levels deep, one of them
named, look-around outside of groups, `* + ? {n} {n,} {n,m}` and their lazy forms, classes with ranges of
letters and of digits, escapes, some Unicode properties. Not in it: several named groups, back-references,
ranges between other characters, counts of more than four digits.
"""

from __future__ import annotations

from ..expressions import Expression, concatenate, literal, optional, repeat, union
from ..regex import pattern_expression

_DEPTH = 4

_ESCAPE = (
    r"\\(?:[dDwWsStnvfr -/:-@[-`{-~]|c[A-Za-z]|x[0-9A-Fa-f]{2}|"
    r"u(?:[0-9A-CE-Fa-ce-f][0-9A-Fa-f]|[Dd][0-7])[0-9A-Fa-f]{2}|"
    r"[pP]\{(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|Alphabetic|ASCII|Any)\})"
)


def _ascending(first: str, last: str) -> str:
    """Ranges between two characters of a block."""
    block = [chr(code) for code in range(ord(first), ord(last) + 1)]
    return "|".join(f"{character}-[{character}-{last}]" for character in block)


def _class() -> str:
    ranges = "|".join(_ascending(*ends) for ends in ("09", "AZ", "az"))
    single = r"[^\\\]\[\-&^]"
    item = rf"(?:{ranges}|{single}|{_ESCAPE}|\\b)"
    return rf"\[\^?-?(?:{item}(?:{item}|\^)*)?-?\]"


def _quantifier() -> str:
    digits = "|".join(f"{first},[{first}-9]" for first in range(10))
    tens = "|".join(f"{first}[0-9],[{first + 1}-9][0-9]" for first in range(1, 9))
    longer = "[0-9],[1-9][0-9]{1,3}|[1-9][0-9],[1-9][0-9]{2,3}|[1-9][0-9]{2},[1-9][0-9]{3}"
    return rf"(?:[*+?]|\{{(?:[0-9]{{1,4}},?|{digits}|{tens}|{longer})\}})\??"


def regular_expressions() -> Expression:
    """The language of texts that are certainly valid regular expressions."""
    atom = _whole(rf"[^^$\\.*+?()[\]{{}}|]|\.|{_ESCAPE}|{_class()}")
    quantifier = optional(_whole(_quantifier()))
    gap = _whole(r"[|^$]|\\[bB]")  # what cannot be repeated
    group, look, close = _whole(r"\((?:\?:)?"), _whole(r"\(\?<?[=!]"), literal(")")
    inner = repeat(union(concatenate(atom, quantifier), gap))
    for _ in range(_DEPTH - 1):
        nested = concatenate(group, inner, close)
        inner = repeat(union(concatenate(union(atom, nested), quantifier), gap))
    nested = concatenate(group, inner, close)
    look_around = concatenate(look, inner, close)  # only here: at every level it would double the automaton
    parts = repeat(union(concatenate(union(atom, nested), quantifier), look_around, gap))
    named = concatenate(_whole(r"\(\?<[A-Za-z_$][0-9A-Za-z_$]{0,30}>"), inner, close, quantifier)
    return concatenate(parts, optional(concatenate(named, parts)))  # one name: no other can be equal to it


def _whole(pattern: str) -> Expression:
    return pattern_expression(pattern, search=False)
