"""The syntax tree of a pattern: what the parser makes and the two translations (`regex.py`,
`regex_positions.py`) read.

The nodes are plain tuples. Groups leave no node unless the pattern refers to them. Laziness is kept for the
lexers of Lark grammars (`lexeme_programs.py`): it does not change which whole texts match. Every node knows
by `needs` what its language depends on besides its own text, so that a part without assertions is recognised
by one comparison with 0 and translated without any context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from .expressions import UNLIMITED, Expression
from .unicode_classes import EVERYTHING, Ranges

# What the language of a node depends on (bits of `needs`).
NEEDS_BEGIN = 1  # whether it stands at the begin of the text
NEEDS_END = 2  # whether it stands at the end of the text
NEEDS_NEIGHBOURS = 4  # the character before or after it
NEEDS_LOOK = 8  # whether another pattern matches before or after it

# Kinds of assertions about a gap between two characters.
BEGIN, END, FINAL_END, LINE_BEGIN, LINE_END, BOUNDARY, NO_BOUNDARY, BEFORE, NOT_BEFORE, AFTER, NOT_AFTER = (
    range(11)
)

_NEEDS_OF_ASSERTION = {BEGIN: NEEDS_BEGIN, END: NEEDS_END, FINAL_END: NEEDS_END}


class Text(NamedTuple):
    """Literal characters."""

    text: str
    needs: int = 0


class Characters(NamedTuple):
    """One character of a set."""

    ranges: Ranges
    needs: int = 0


class Sequence(NamedTuple):
    """The items one after the other; none: the empty text."""

    items: tuple[Node, ...]
    needs: int = 0


class Alternation(NamedTuple):
    """Any of the options."""

    options: tuple[Node, ...]
    needs: int = 0


class Repetition(NamedTuple):
    """`item` from `least` to `most` times; most = UNLIMITED: no bound. lazy: rather fewer times."""

    item: Node
    least: int
    most: int
    needs: int = 0
    lazy: bool = False


class Assertion(NamedTuple):
    """A condition on a gap between two characters.

    `characters`: the word characters of (NO_)BOUNDARY, the line ends of LINE_BEGIN and LINE_END, what the
    next (BEFORE, NOT_BEFORE) or the previous character (AFTER, NOT_AFTER) is compared with. FINAL_END is
    Python's `$`: at the end or before a line feed that is the last character.
    """

    kind: int
    characters: Ranges
    needs: int


class Look(NamedTuple):
    """Look-ahead or look-behind with a whole pattern; `offset` is its place in the source."""

    item: Node
    ahead: bool
    negative: bool
    offset: int
    needs: int


class Capture(NamedTuple):
    """A numbered group. Only in patterns that have references; `regex_references.py` removes both."""

    item: Node
    group: int
    needs: int


class Reference(NamedTuple):
    """The text that a group holds (0: no known group); `offset` is its place in the source."""

    group: int
    ignores_case: bool
    offset: int
    needs: int = 0


class Language(NamedTuple):
    """The texts of an expression, which no pattern was written for."""

    expression: Expression
    needs: int = 0


Node: TypeAlias = (
    "Text | Characters | Sequence | Alternation | Repetition | Assertion | Look | Capture | Reference "
    "| Language"
)

NO_TEXT = Sequence(())
ANY_CHARACTERS = Repetition(Characters(EVERYTHING), 0, UNLIMITED)


def sequence(items: list[Node]) -> Node:
    """A sequence; a single item stands for itself."""
    if len(items) == 1:
        return items[0]
    needs = 0
    for item in items:
        needs |= item.needs
    return Sequence(tuple(items), needs)


def alternation(options: list[Node]) -> Node:
    """An alternation; a single option stands for itself."""
    if len(options) == 1:
        return options[0]
    needs = 0
    for option in options:
        needs |= option.needs
    return Alternation(tuple(options), needs)


def repetition(item: Node, least: int, most: int, lazy: bool = False) -> Node:
    """A repeat; a condition holds as often as one likes."""
    if item.needs and is_always_empty(item):
        return item if least else NO_TEXT
    return Repetition(item, least, most, item.needs, lazy)


def assertion(kind: int, characters: Ranges = ()) -> Assertion:
    """An assertion with what it needs."""
    return Assertion(kind, characters, _NEEDS_OF_ASSERTION.get(kind, NEEDS_NEIGHBOURS))


def look(item: Node, ahead: bool, negative: bool, offset: int) -> Node:
    """A look-around; one for a single character is an assertion about a neighbour."""
    if isinstance(item, Text) and len(item.text) == 1:
        item = Characters(((ord(item.text), ord(item.text)),))
    if isinstance(item, Characters):
        kind = (NOT_BEFORE if negative else BEFORE) if ahead else (NOT_AFTER if negative else AFTER)
        return assertion(kind, item.ranges)
    begin = item.needs & NEEDS_BEGIN if ahead else 0  # a look-behind starts wherever it likes
    return Look(item, ahead, negative, offset, NEEDS_LOOK | begin)


def with_languages(node: Node, languages: Mapping[str, Expression]) -> Node:
    """The node with languages in the place of the characters that stand for them."""
    if isinstance(node, Text):
        found: list[Node] = []
        for character in node.text:
            if character in languages:
                found.append(Language(languages[character]))
            elif found and isinstance(found[-1], Text):
                found[-1] = Text(found[-1].text + character)
            else:
                found.append(Text(character))
        return sequence(found)
    if isinstance(node, Sequence):
        return node._replace(items=tuple(with_languages(item, languages) for item in node.items))
    if isinstance(node, Alternation):
        return node._replace(options=tuple(with_languages(option, languages) for option in node.options))
    if isinstance(node, (Repetition, Look)):
        return node._replace(item=with_languages(node.item, languages))
    return node


def can_be_empty(node: Node) -> bool:
    """Whether the empty text matches in some context."""
    if isinstance(node, Text):
        return not node.text
    if isinstance(node, Characters):
        return False
    if isinstance(node, Language):
        return node.expression.nullable
    if isinstance(node, Sequence):
        return all(can_be_empty(item) for item in node.items)
    if isinstance(node, Alternation):
        return any(can_be_empty(option) for option in node.options)
    if isinstance(node, Repetition):
        return node.least == 0 or can_be_empty(node.item)
    return True


def is_always_empty(node: Node) -> bool:
    """Whether nothing but the empty text matches."""
    if isinstance(node, Sequence):
        return all(is_always_empty(item) for item in node.items)
    if isinstance(node, Alternation):
        return all(is_always_empty(option) for option in node.options)
    if isinstance(node, Repetition):
        return is_always_empty(node.item)
    return isinstance(node, (Assertion, Look))
