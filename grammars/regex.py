"""Regular expressions: pattern text -> `Expression` over UTF-8 bytes, and -> `Grammar`.

`pattern_expression` gives the language of whole texts in which a pattern is found (search, as JSON
Schema's `pattern` asks), or which it matches from begin to end. The parser (`regex_parser.py`) makes a
syntax tree; parts without anchors are translated node by node. Anchors may stand anywhere. They are solved
while the tree is translated from right to left: each part is given what follows it up to the end of the
text, so that `$` is the question whether that can be empty; a part that has to know whether it begins the
text (`^`) is translated for both cases. Look-ahead is an intersection with what follows, look-behind one
with what comes before. Repeats whose
body depends on both ends, and conditions on neighbouring characters, go to `regex_positions.py`. All but
look-around of several characters stays regular: no intersection, no complement.

What would not be exact is refused. Cost: linear in the expanded pattern in practice, some tens of
microseconds for common ones; MOST_STEPS and `most_positions` bound what is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, cast

from . import regex_tree as tree
from .errors import (
    GrammarSyntaxError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
    line_and_column,
)
from .expressions import (
    AUTOMATON,
    BYTE_CLASS,
    CONCATENATION,
    EMPTY,
    EPSILON,
    REPEAT,
    UNLIMITED,
    Expression,
    byte_class,
    complement,
    concatenate,
    intersect,
    optional,
    repeat,
    union,
)
from .grammar import END, Expansion, Grammar, TerminalEdge
from .nullable import bounds, without_empty
from .regex_parser import parse_pattern
from .regex_positions import positions_expression
from .regex_tree import (
    NEEDS_BEGIN,
    NEEDS_END,
    NEEDS_LOOK,
    NEEDS_NEIGHBOURS,
    Alternation,
    Assertion,
    Characters,
    Look,
    Node,
    Repetition,
    Sequence,
    Text,
)
from .utf8 import ANY_CHARACTER, ANY_TEXT, character_class

Syntax = Literal["ecma", "python"]

MOST_POSITIONS = 200_000
MOST_STEPS = 50_000
MOST_OPEN_CASES = (
    32  # parts that may be empty, one after the other, before one that has to know where it stands
)

_SINGLE_BYTES = [byte_class(1 << byte) for byte in range(256)]
_FINAL_LINE_FEED = optional(_SINGLE_BYTES[0x0A])  # what may follow Python's `$`
_SOME_TEXT = repeat(ANY_CHARACTER, 1)


@lru_cache(maxsize=2048)
def pattern_expression(
    pattern: str, *, syntax: Syntax = "ecma", search: bool, most_positions: int = MOST_POSITIONS
) -> Expression:
    """The UTF-8 encodings of the whole texts that match.

    syntax: "ecma": ECMA-262 with the `u` flag, but lenient as annex B is with escaped punctuation and
        unmatched braces; "python": the standard library's `re` for `str` patterns, as of Python 3.14
        (`\\B` matches the empty text).
    search: whether the pattern may match anywhere in the text (`re.search`) or must match all of it
        (`re.fullmatch`).
    most_positions: how many byte classes the pattern may have after bounded repeats are written out.

    A pattern that nothing matches gives `EMPTY`, unless a look-around is what contradicts the rest.

    Raises: GrammarSyntaxError, UnsupportedFeatureError, LimitExceededError.
    """
    return _Translation(pattern, parse_pattern(pattern, syntax), search).expression(most_positions)


class _NeedsPositionsError(Exception):
    """The pattern depends on its context in a way that only the automaton of its positions follows."""


class _Translation:
    """One pattern on its way to an expression."""

    def __init__(self, pattern: str, node: Node, search: bool) -> None:
        self.pattern = pattern
        self.node = node
        self.search = search
        self.after = ANY_TEXT if search else EPSILON  # what follows the match
        self.n_steps = 0
        self.n_open_cases = 0

    def expression(self, most_positions: int) -> Expression:
        """The language of the whole texts."""
        options = self.node.options if isinstance(self.node, Alternation) else (self.node,)
        plain = [option for option in options if not option.needs]
        languages = [self._option(option) for option in options if option.needs]
        if plain:
            found = _before([_plain(tree.alternation(plain))], self.after)
            languages.append(_behind_any(found) if self.search else found)
        result = union(*languages)
        if "{" in self.pattern or len(self.pattern) > 500 or self.n_steps > 200:  # else it cannot be large
            n_positions = count_positions(result, {ANY_TEXT: _ANY_TEXT_POSITIONS})
            if n_positions > most_positions:
                raise LimitExceededError(
                    "the size of a pattern with its repeats written out, in byte classes,",
                    given=n_positions,
                    limit=most_positions,
                    advice="lower the bounds of its repeats",
                )
        return result

    def _option(self, option: Node) -> Expression:
        """The language of one alternative that has assertions."""
        node = option
        conditions: list[Expression] = []
        is_anchored = _is_anchor(option.items[0] if isinstance(option, Sequence) else option, tree.BEGIN)
        if option.needs & NEEDS_LOOK:
            node, conditions, is_anchored = self._split_looks(option)
            items = _items(node)
            if (place := _last_look_behind(items)) is not None:
                language = self._looking_back(items, place)
                return intersect(language, *conditions) if conditions else language
        try:
            if is_anchored or not self.search:
                language = self._followed_by(node, self.after, True, True)
            elif node.needs & NEEDS_BEGIN:
                language = union(
                    self._followed_by(node, self.after, True, True),
                    concatenate(_SOME_TEXT, self._followed_by(node, self.after, False, True)),
                )
            else:
                language = _behind_any(self._followed_by(node, self.after, False, True))
        except _NeedsPositionsError:
            language = self._positions(node, self.search, self.search)
        return intersect(language, *conditions) if conditions else language

    def _positions(self, node: Node, open_begin: bool, open_end: bool) -> Expression:
        if node.needs & NEEDS_LOOK:
            raise self._unsupported_look(node)
        before = [tree.ANY_CHARACTERS] if open_begin else []
        after = [tree.ANY_CHARACTERS] if open_end else []
        return positions_expression(tree.sequence([*before, node, *after]))

    # Look-around at the edges of the text: conditions on all of it

    def _split_looks(self, option: Node) -> tuple[Node, list[Expression], bool]:
        """Take off the look-aheads at the begin of the text and the look-behinds at its end.

        Returns what is left, the languages that the whole text must be in, and whether the option can match
        at the begin of the text only.
        """
        items = list(option.items) if isinstance(option, Sequence) else [option]
        conditions: list[Expression] = []
        n_leading = next((i for i, item in enumerate(items) if not _is_condition(item)), len(items))
        leading, items = items[:n_leading], items[n_leading:]
        is_begin = any(_is_anchor(item, tree.BEGIN) for item in leading)
        if is_begin or not self.search:
            looks = _looks(leading, ahead=True)
            conditions += map(self._look_language, looks)
            leading = [item for item in leading if item not in looks]
        items = [*leading, *items]
        n_trailing = next((i for i, item in enumerate(items[::-1]) if not _is_condition(item)), len(items))
        items, trailing = items[: len(items) - n_trailing], items[len(items) - n_trailing :]
        if not self.search or any(_is_anchor(item, tree.END) for item in trailing):
            looks = _looks(trailing, ahead=False)
            conditions += map(self._look_language, looks)
            trailing = [item for item in trailing if item not in looks]
        return tree.sequence([*items, *trailing]), conditions, is_begin

    def _looking_back(self, items: tuple[Node, ...], place: int) -> Expression:
        """A sequence with a look-behind: what comes before it is intersected with what it asks of that.

        Exact when neither side has to know of the other.
        """
        before, look, after = items[:place], items[place], tree.sequence(list(items[place + 1 :]))
        if isinstance(look, Alternation):  # with a look-behind in some option: each becomes a sequence
            sequences = [tree.sequence([*before, *_items(option), *_items(after)]) for option in look.options]
            return union(*map(self._option, sequences))
        look, left = cast(Look, look), tree.sequence(list(before))
        needs = look.item.needs | _needs_of_items(left)
        if needs & (NEEDS_END | NEEDS_NEIGHBOURS) or after.needs & NEEDS_BEGIN:
            raise self._unsupported_look(look)
        outer, self.after = self.after, EPSILON
        texts = self._option(left) if left.needs else _plain(left)
        self.after = outer
        if self.search and not left.needs:
            texts = concatenate(ANY_TEXT, texts)
        try:
            return concatenate(
                intersect(texts, self._look_language(look)), self._followed_by(after, outer, False, True)
            )
        except _NeedsPositionsError:
            raise self._unsupported_look(look) from None

    def _look_language(self, look: Look) -> Expression:
        """The whole texts of which a look-ahead at their begin, or a look-behind at their end, holds."""
        try:
            if look.ahead:
                language = self._followed_by(look.item, ANY_TEXT, True, True)
            elif look.item.needs & NEEDS_BEGIN:
                language = union(
                    self._followed_by(look.item, EPSILON, True, True),
                    concatenate(_SOME_TEXT, self._followed_by(look.item, EPSILON, False, True)),
                )
            else:
                language = _behind_any(self._followed_by(look.item, EPSILON, False, True))
        except _NeedsPositionsError:
            language = self._positions(look.item, not look.ahead, look.ahead)
        return complement(language) if look.negative else language

    def _unsupported_look(self, node: Node) -> UnsupportedFeatureError:
        look = _first_look(node)
        name = "look-ahead" if look.ahead else "look-behind"
        return UnsupportedFeatureError(
            f"a {name} in this place",
            location=line_and_column(self.pattern, look.offset),
            source=self.pattern,
            advice="look-around of several characters is supported outside of repeats, look-behind not "
            "beside conditions on neighbours; write the condition without it",
        )

    # The translation from right to left

    def _followed_by(self, node: Node, rest: Expression, begin: bool, end: bool) -> Expression:
        """The texts of `node` with a text of `rest` after them.

        begin: whether the node stands at the begin of the text. end: whether the text ends after `rest`;
        if not, at least one more character follows.

        Raises: _NeedsPositionsError, UnsupportedFeatureError, LimitExceededError.
        """
        self.n_steps += 1
        if self.n_steps > MOST_STEPS:
            raise LimitExceededError(
                "the work on the anchors of a pattern", given=f"more than {MOST_STEPS}", limit=MOST_STEPS
            )
        if rest is EMPTY:
            return EMPTY
        if not node.needs:
            return _before([_plain(node)], rest)
        if isinstance(node, Sequence):
            return self._sequence(node, rest, begin, end)
        if isinstance(node, Alternation):
            languages = [self._followed_by(part, rest, begin, end) for part in node.options if part.needs]
            plain = [option for option in node.options if not option.needs]
            if plain:
                languages.append(_before([_plain(tree.alternation(plain))], rest))
            return union(*languages)
        if isinstance(node, Repetition):
            return self._repetition(node, rest, begin, end)
        if isinstance(node, Assertion):
            return _assertion(node, rest, begin, end)
        return self._look_ahead(cast(Look, node), rest, begin, end)

    def _sequence(self, node: Sequence, rest: Expression, begin: bool, end: bool) -> Expression:
        items = node.items
        n_at_begin = 0  # how many items may stand at the begin of the text and have to know it
        if begin and node.needs & NEEDS_BEGIN:
            n_at_begin = max(i for i, item in enumerate(items) if item.needs & NEEDS_BEGIN) + 1
            for i, item in enumerate(items[: n_at_begin - 1]):
                if not tree.can_be_empty(item):
                    n_at_begin = i + 1
                    break
                if not tree.is_always_empty(item):
                    return self._after_optional(items, i, rest, end)
        rest = self._backwards(items[n_at_begin:], rest, False, end)
        return self._backwards(items[:n_at_begin], rest, True, end)

    def _backwards(self, items: tuple[Node, ...], rest: Expression, begin: bool, end: bool) -> Expression:
        """Items before `rest`, which all stand at the begin of the text or not; plain ones in one step."""
        stop = len(items)
        while stop:
            start = stop
            while start and not items[start - 1].needs:
                start -= 1
            if start < stop:
                rest = _before(_plain_parts(items[start:stop]), rest)
            else:
                start -= 1
                rest = self._followed_by(items[start], rest, begin, end)
            stop = start
        return rest

    def _after_optional(self, items: tuple[Node, ...], i: int, rest: Expression, end: bool) -> Expression:
        """A sequence at the begin of the text whose item `i` may be empty, before one that needs to know."""
        item, later = items[i], tree.sequence(list(items[i + 1 :]))
        if item.needs or self.n_open_cases == MOST_OPEN_CASES:
            raise _NeedsPositionsError
        self.n_open_cases += 1
        there = concatenate(without_empty(_plain(item)), self._followed_by(later, rest, False, end))
        language = union(there, self._followed_by(later, rest, True, end))
        self.n_open_cases -= 1
        for condition in reversed(items[:i]):
            language = self._followed_by(condition, language, True, end)
        return language

    def _repetition(self, node: Repetition, rest: Expression, begin: bool, end: bool) -> Expression:
        item, least, most = node.item, node.least, node.most
        if most == 0:
            return rest
        if (least, most) == (0, 1):
            return union(rest, self._followed_by(item, rest, begin, end))
        if least == most == 1:
            return self._followed_by(item, rest, begin, end)
        if node.needs & NEEDS_LOOK:
            return self._guarded_characters(node, rest, begin, end)
        if node.needs == NEEDS_END:
            return self._repetition_to_end(node, rest, end)
        if node.needs != NEEDS_BEGIN:
            raise _NeedsPositionsError
        inner = self._followed_by(item, EPSILON, False, end)
        later = repeat(inner, least, most)
        if begin:
            first = self._followed_by(item, EPSILON, True, end)
            fewest = 0 if first.nullable else max(least - 1, 0)
            fewer = most if most == UNLIMITED else most - 1
            later = union(later, concatenate(first, repeat(inner, fewest, fewer)))
        return _before([later], rest)

    def _repetition_to_end(self, node: Repetition, rest: Expression, end: bool) -> Expression:
        """A repeat whose body contains `$`: at the end of the text the last round may use it."""
        item, least, most = node.item, node.least, node.most
        inner = self._followed_by(item, EPSILON, False, False)
        language = _before([repeat(inner, least, most)], rest)
        if end and rest.nullable:
            last = self._followed_by(item, EPSILON, False, True)
            fewest = 0 if last.nullable else max(least - 1, 0)
            fewer = most if most == UNLIMITED else most - 1
            language = union(language, concatenate(repeat(inner, fewest, fewer), last))
        return language

    def _look_ahead(self, node: Look, rest: Expression, begin: bool, end: bool) -> Expression:
        """What follows, up to the end of the text, intersected with what the look-ahead asks of it."""
        if not node.ahead or not end:
            raise self._unsupported_look(node)
        try:
            language = self._followed_by(node.item, ANY_TEXT, begin, True)
        except _NeedsPositionsError:
            raise self._unsupported_look(node) from None
        return intersect(complement(language) if node.negative else language, rest)

    def _guarded_characters(self, node: Repetition, rest: Expression, begin: bool, end: bool) -> Expression:
        """`((?!x).)*` at the end of the text: no suffix but the empty one may begin with x.

        Exact when each round reads one character, so that rounds begin everywhere, and the text ends
        after them.
        """
        if rest is ANY_TEXT and node.least == 0:
            return ANY_TEXT  # no round at all is enough
        *looks, last = node.item.items if isinstance(node.item, Sequence) else (node.item,)
        is_exact = isinstance(last, Characters) and rest is EPSILON and end and node.needs == NEEDS_LOOK
        if not is_exact:
            raise self._unsupported_look(node)
        forbidden = []
        for look in looks:
            if not isinstance(look, Look) or not look.ahead:
                raise self._unsupported_look(node)
            wrong = self._followed_by(look.item, ANY_TEXT, False, True)
            if not look.negative:
                wrong = intersect(complement(wrong), ANY_TEXT)
            forbidden.append(complement(concatenate(ANY_TEXT, without_empty(wrong))))
        return intersect(repeat(_plain(last), node.least, node.most), *forbidden)


def _assertion(node: Assertion, rest: Expression, begin: bool, end: bool) -> Expression:
    if node.kind == tree.BEGIN:
        return rest if begin else EMPTY
    if node.kind == tree.END:
        return EPSILON if end and rest.nullable else EMPTY
    if node.kind == tree.FINAL_END and end:
        if rest is EPSILON:
            return EPSILON
        if rest is ANY_TEXT or rest is _FINAL_LINE_FEED:
            return _FINAL_LINE_FEED
    raise _NeedsPositionsError


def _is_condition(node: Node) -> bool:
    return isinstance(node, (Assertion, Look))


def _looks(nodes: Iterable[Node], ahead: bool) -> list[Look]:
    return [node for node in nodes if isinstance(node, Look) and node.ahead == ahead]


def _is_anchor(node: Node, kind: int) -> bool:
    return isinstance(node, Assertion) and node.kind == kind


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _needs_of_items(node: Node) -> int:
    """What the items of a sequence need; a look-ahead needs the end."""
    needs = 0
    for item in _items(node):
        needs |= NEEDS_END if isinstance(item, Look) and item.ahead else item.needs
    return needs


def _last_look_behind(items: tuple[Node, ...]) -> int | None:
    """The place of the last item that is a look-behind, or a choice with one; None if there is none."""
    return next((i for i in range(len(items) - 1, -1, -1) if _looks_back(items[i])), None)


def _looks_back(node: Node) -> bool:
    if isinstance(node, Alternation):
        return any(map(_looks_back, (item for option in node.options for item in _items(option))))
    return isinstance(node, Look) and not node.ahead


def _first_look(node: Node) -> Look:
    while not isinstance(node, Look):
        if isinstance(node, Repetition):
            node = node.item
        else:
            parts = node.items if isinstance(node, Sequence) else cast(Alternation, node).options
            node = next(part for part in parts if part.needs & NEEDS_LOOK)
    return node


# Parts without assertions


def _plain(node: Node) -> Expression:
    """The language of a node that has no assertions."""
    if isinstance(node, Characters):
        return character_class(node.ranges)
    if isinstance(node, Repetition):
        return repeat(_plain(node.item), node.least, node.most)
    if isinstance(node, Alternation):
        return union(*[_plain(option) for option in node.options])
    return concatenate(*_plain_parts(node.items if isinstance(node, Sequence) else (node,)))


def _plain_parts(items: tuple[Node, ...]) -> list[Expression]:
    """The factors of a sequence of nodes without assertions; literal text byte by byte."""
    parts = []
    for item in items:
        if isinstance(item, Text):
            parts.extend([_SINGLE_BYTES[byte] for byte in item.text.encode()])
        else:
            parts.append(_plain(item))
    return parts


def _before(parts: list[Expression], rest: Expression) -> Expression:
    """The parts, then `rest`. Before any text, what is optional at the end of them makes no difference."""
    if rest is not ANY_TEXT:
        return concatenate(*parts, rest)
    parts = [
        factor for part in parts for factor in (part.children if part.kind == CONCATENATION else (part,))
    ]
    while parts and parts[-1].nullable:
        parts.pop()
    if parts and parts[-1].kind == REPEAT:
        least, _ = bounds(parts[-1])
        parts[-1] = repeat(parts[-1].children[0], least, least)
    return concatenate(*parts, rest)


def _behind_any(language: Expression) -> Expression:
    """Any text, then `language`; the mirror image of `_before`."""
    parts = list(language.children) if language.kind == CONCATENATION else [language]
    n_optional = next((i for i, part in enumerate(parts) if not part.nullable), len(parts))
    if n_optional == len(parts):
        return ANY_TEXT
    parts = parts[n_optional:]
    if parts[0].kind == REPEAT:
        least, _ = bounds(parts[0])
        parts[0] = repeat(parts[0].children[0], least, least)
    return concatenate(ANY_TEXT, *parts)


def count_positions(expression: Expression, known: dict[Expression, int]) -> int:
    """How many byte classes the expression has when its repeats are written out."""
    count = known.get(expression)
    if count is None:
        if expression.kind == BYTE_CLASS:
            count = 1
        elif expression.kind == AUTOMATON:
            count = len(cast("tuple[int, tuple[object, ...], object]", expression.payload)[1])
        else:
            count = sum(count_positions(child, known) for child in expression.children)
            if expression.kind == REPEAT:
                least, most = bounds(expression)
                count *= max(least, 1) if most == UNLIMITED else most
        known[expression] = count
    return count


_ANY_TEXT_POSITIONS = count_positions(ANY_TEXT, {})


# The grammar


class RegexGrammar(Grammar):
    """The texts that a pattern matches as a whole. Made by `from_regex`; pickled by its source."""

    start = 1

    def __init__(self, pattern: str, syntax: Syntax) -> None:
        self.source = pattern
        self.syntax = syntax
        expression = pattern_expression(pattern, syntax=syntax, search=False)
        if expression is EMPTY:
            raise UnsatisfiableError("the pattern matches nothing", source=pattern, got=pattern)
        self.expression = expression

    def expand(self, state: int) -> Expansion:
        return expansion_of(self.expression)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source, self.syntax)


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
    if syntax not in ("python", "ecma"):
        raise GrammarSyntaxError("syntax must be 'python' or 'ecma'", got=syntax)
    return RegexGrammar(pattern, syntax)
