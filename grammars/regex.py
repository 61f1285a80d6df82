"""Regular expressions: pattern text -> `Expression` over UTF-8 bytes, and -> `Grammar`.

`pattern_expression` gives the language of whole texts in which a pattern is found (search, as JSON
Schema's `pattern` asks), or which it matches from begin to end. The parser (`regex_parser.py`) makes a
syntax tree, `regex_translation.py` an expression of it. What would not be exact is refused. Cost: linear in
the expanded pattern in practice, some tens of microseconds for common ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from .emptiness import is_empty
from .errors import GrammarSyntaxError, LimitExceededError, UnsatisfiableError, check_characters
from .expressions import EMPTY, Expression
from .grammar import END, Expansion, Grammar, TerminalEdge
from .nullable import without_empty
from .regex_parser import parse_pattern
from .regex_translation import Translation
from .regex_tree import with_languages

Syntax = Literal["ecma", "python"]

MOST_POSITIONS = 200_000
_LONGEST_SEARCHED = 200
_MOST_SEARCHED = 300  # derivatives, for a text of a pattern whose look-arounds may exclude each other


@lru_cache(maxsize=2048)
def pattern_expression(
    pattern: str,
    *,
    syntax: Syntax = "ecma",
    search: bool,
    most_positions: int = MOST_POSITIONS,
    languages: tuple[tuple[str, Expression], ...] = (),
) -> Expression:
    """The UTF-8 encodings of the whole texts that match.

    syntax: "ecma": ECMA-262 with the `u` flag, but lenient as annex B is with escaped punctuation and
        unmatched braces; "python": the standard library's `re` for `str` patterns, as of Python 3.14
        (`\\B` matches the empty text).
    search: whether the pattern may match anywhere in the text (`re.search`) or must match all of it
        (`re.fullmatch`).
    most_positions: how many byte classes the pattern may have after bounded repeats are written out.

    languages: characters, each with the language that it stands for in the pattern.

    A pattern that nothing matches gives `EMPTY`, unless a look-around is what contradicts the rest.

    Raises: GrammarSyntaxError, UnsupportedFeatureError, LimitExceededError.
    """
    node = parse_pattern(pattern, syntax)
    if languages:
        node = with_languages(node, dict(languages))
    return Translation(pattern, node, search).expression(most_positions)


class RegexGrammar(Grammar):
    """The texts that a pattern matches as a whole. Made by `from_regex`; pickled by its source."""

    start = 1

    def __init__(self, pattern: str, syntax: Syntax) -> None:
        self.source = pattern
        self.syntax = syntax
        expression = pattern_expression(pattern, syntax=syntax, search=False)
        if _matches_nothing(expression, pattern):
            raise UnsatisfiableError(
                "the pattern matches nothing",
                source=pattern,
                got=pattern,
                advice="look for parts, or look-arounds, that exclude each other",
            )
        self.expression = expression

    def expand(self, state: int) -> Expansion:
        return expansion_of(self.expression)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source, self.syntax)


def _matches_nothing(expression: Expression, pattern: str) -> bool:
    """Whether there is no text; False where that is not found soon (long patterns have long derivatives)."""
    if expression is EMPTY or len(pattern) > _LONGEST_SEARCHED:
        return expression is EMPTY
    try:
        return is_empty(expression, limit=_MOST_SEARCHED)
    except LimitExceededError:
        return False


def expansion_of(expression: Expression) -> Expansion:
    """The only state of a grammar that is one terminal, which may be nullable."""
    terminal = without_empty(expression)
    edges = [] if terminal is EMPTY else [TerminalEdge(terminal, END)]
    return Expansion(edges, final=expression.nullable, finish=-1 if expression.nullable else 0)


def from_regex(pattern: str, *, syntax: Syntax = "python") -> Grammar:
    """The grammar of the texts that the pattern matches from begin to end (`re.fullmatch`).

    syntax: "python" (the standard library's `re`) or "ecma" (ECMA-262, as in JSON Schema).

    Raises: GrammarSyntaxError, UnsupportedFeatureError (most back-references, possessive quantifiers,
        look-behind in repeats ...), LimitExceededError, UnsatisfiableError.
    """
    if not isinstance(pattern, str):
        raise GrammarSyntaxError("a pattern must be a string", got=pattern, advice="write it as text, r'...'")
    check_characters(pattern)
    if syntax not in ("python", "ecma"):
        raise GrammarSyntaxError("syntax must be 'python' or 'ecma'", got=syntax)
    return RegexGrammar(pattern, syntax)
