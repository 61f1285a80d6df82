"""From the syntax tree of a pattern to the `Expression` of the texts that it matches.

Parts without anchors are translated node by node. Anchors may stand anywhere. They are solved while the tree
is translated from right to left: each part is given what follows it up to the end of the text, so that `$` is
the question whether that can be empty; a part that has to know whether it begins the text (`^`) is translated
for both cases. Look-ahead is an intersection with what follows, look-behind one with what comes before.
Repeats whose body depends on both ends, and conditions on neighbouring characters, go to
`regex_positions.py`. All but look-around of several characters stays regular: no intersection, no complement.

Cost: linear in the expanded pattern in practice; MOST_STEPS and `most_positions` bound what is built.
"""

from __future__ import annotations

from typing import cast

from . import regex_tree as tree
from .errors import (
    LimitExceededError,
    UnsupportedFeatureError,
    line_and_column,
)
from .expressions import (
    EMPTY,
    EPSILON,
    UNLIMITED,
    Expression,
    complement,
    concatenate,
    intersect,
    optional,
    repeat,
    union,
)
from .nullable import without_empty
from .regex_nodes import (
    first_look,
    is_anchor,
    is_condition,
    items_of,
    last_look_behind,
    looks_among,
    needs_of_items,
)
from .regex_plain import (
    ANY_TEXT_POSITIONS,
    SINGLE_BYTES,
    count_positions,
    plain_factors,
    plain_language,
    put_before,
    put_behind_any,
)
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
)
from .utf8 import ANY_CHARACTER, ANY_TEXT

MOST_STEPS = 50_000
MOST_OPEN_CASES = (
    32  # parts that may be empty, one after the other, before one that has to know where it stands
)

_FINAL_LINE_FEED = optional(SINGLE_BYTES[0x0A])  # what may follow Python's `$`
_SOME_TEXT = repeat(ANY_CHARACTER, 1)


class _NeedsPositionsError(Exception):
    """The pattern depends on its context in a way that only the automaton of its positions follows."""


class Translation:
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
            found = put_before([plain_language(tree.alternation(plain))], self.after)
            languages.append(put_behind_any(found) if self.search else found)
        result = union(*languages)
        if "{" in self.pattern or len(self.pattern) > 500 or self.n_steps > 200:  # else it cannot be large
            n_positions = count_positions(result, {ANY_TEXT: ANY_TEXT_POSITIONS})
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
        is_anchored = is_anchor(option.items[0] if isinstance(option, Sequence) else option, tree.BEGIN)
        if option.needs & NEEDS_LOOK:
            node, conditions, is_anchored = self._split_looks(option)
            items = items_of(node)
            if (place := last_look_behind(items)) is not None:
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
                language = put_behind_any(self._followed_by(node, self.after, False, True))
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
        n_leading = next((i for i, item in enumerate(items) if not is_condition(item)), len(items))
        leading, items = items[:n_leading], items[n_leading:]
        is_begin = any(is_anchor(item, tree.BEGIN) for item in leading)
        if is_begin or not self.search:
            looks = looks_among(leading, ahead=True)
            conditions += map(self._look_language, looks)
            leading = [item for item in leading if item not in looks]
        items = [*leading, *items]
        n_trailing = next((i for i, item in enumerate(items[::-1]) if not is_condition(item)), len(items))
        items, trailing = items[: len(items) - n_trailing], items[len(items) - n_trailing :]
        if not self.search or any(is_anchor(item, tree.END) for item in trailing):
            looks = looks_among(trailing, ahead=False)
            conditions += map(self._look_language, looks)
            trailing = [item for item in trailing if item not in looks]
        return tree.sequence([*items, *trailing]), conditions, is_begin

    def _looking_back(self, items: tuple[Node, ...], place: int) -> Expression:
        """A sequence with a look-behind: what comes before it is intersected with what it asks of that.

        Exact when neither side has to know of the other.
        """
        before, look, after = items[:place], items[place], tree.sequence(list(items[place + 1 :]))
        if isinstance(look, Alternation):  # with a look-behind in some option: each becomes a sequence
            sequences = [
                tree.sequence([*before, *items_of(option), *items_of(after)]) for option in look.options
            ]
            return union(*map(self._option, sequences))
        look, left = cast(Look, look), tree.sequence(list(before))
        needs = look.item.needs | needs_of_items(left)
        if needs & (NEEDS_END | NEEDS_NEIGHBOURS) or after.needs & NEEDS_BEGIN:
            raise self._unsupported_look(look)
        outer, self.after = self.after, EPSILON
        texts = self._option(left) if left.needs else plain_language(left)
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
                language = put_behind_any(self._followed_by(look.item, EPSILON, False, True))
        except _NeedsPositionsError:
            language = self._positions(look.item, not look.ahead, look.ahead)
        return complement(language) if look.negative else language

    def _unsupported_look(self, node: Node) -> UnsupportedFeatureError:
        look = first_look(node)
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
            return put_before([plain_language(node)], rest)
        if isinstance(node, Sequence):
            return self._sequence(node, rest, begin, end)
        if isinstance(node, Alternation):
            languages = [self._followed_by(part, rest, begin, end) for part in node.options if part.needs]
            plain = [option for option in node.options if not option.needs]
            if plain:
                languages.append(put_before([plain_language(tree.alternation(plain))], rest))
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
                rest = put_before(plain_factors(items[start:stop]), rest)
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
        there = concatenate(without_empty(plain_language(item)), self._followed_by(later, rest, False, end))
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
        return put_before([later], rest)

    def _repetition_to_end(self, node: Repetition, rest: Expression, end: bool) -> Expression:
        """A repeat whose body contains `$`: at the end of the text the last round may use it."""
        item, least, most = node.item, node.least, node.most
        inner = self._followed_by(item, EPSILON, False, False)
        language = put_before([repeat(inner, least, most)], rest)
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
        return intersect(repeat(plain_language(last), node.least, node.most), *forbidden)


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
