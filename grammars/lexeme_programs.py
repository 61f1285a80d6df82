r"""Patterns of Python's `re` -> programs of ordered choices, for a lexer that ends lexemes as `re` does.

In come syntax trees (`regex_tree.py`), out come nodes (`parse_tables.py`): what `re` would try, in its order.
A greedy repetition prefers another round, a lazy one to go on, an alternation its first option. Which match
is preferred matters here, unlike for the language of a pattern: `/\/\*.*?\*\//` ends at the first `*/`.
Look-ahead stays a condition on the text that follows, look-behind is one on the last byte, so it is taken
where a byte says enough: one character out of a set of ASCII characters, or not out of one. Word boundaries
and `$` become look-ahead where the character before is known.

Bounded repetitions are written out. Cost: linear in the pattern then; MOST_NODES bounds all programs of a
grammar.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf

from . import regex_tree as tree
from .derivatives import transitions
from .errors import LimitExceededError, UnsupportedFeatureError
from .expressions import EMPTY, EPSILON, UNLIMITED, Expression
from .parse_tables import AHEAD, FORK, NOT_AHEAD, PREVIOUS, READ, TERMINAL_END, LexemeNode
from .regex_tree import Alternation, Assertion, Characters, Look, Node, Repetition, Sequence, Text
from .unicode_classes import EVERYTHING, Ranges, invert, overlap
from .utf8 import character_class

MOST_NODES = 100_000

_ASCII: Ranges = ((0, 0x7F),)
_ALL_BYTES = (1 << 256) - 1
_LINE_FEED: Ranges = ((10, 10),)


class LexemePrograms:
    """The nodes and classes of all terminals of a grammar."""

    def __init__(self) -> None:
        self.nodes: list[LexemeNode] = []
        self.classes: list[list[tuple[int, int]]] = []
        self._class_states: dict[Expression, int] = {}

    def add(self, node: Node, terminal: int) -> int:
        """The begin of the program of a terminal.

        Raises: UnsupportedFeatureError for a condition that is not followed; LimitExceededError.
        """
        start = self._program(node, self._node(LexemeNode(TERMINAL_END, first=terminal)))
        self._check_begin(start)
        return start

    def _node(self, node: LexemeNode) -> int:
        if len(self.nodes) >= MOST_NODES:
            raise LimitExceededError(
                "the characters of all terminals, with repetitions written out,",
                given=f"more than {MOST_NODES}",
                limit=MOST_NODES,
                advice="lower the bounds of the repetitions",
            )
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _check_begin(self, start: int) -> None:
        """Refuse a condition on the character before the lexeme, and a look-ahead that nothing follows."""
        waiting, seen = [(start, True, False)], set()
        while waiting:
            item = number, at_begin, is_needed = waiting.pop()
            if item in seen:
                continue
            seen.add(item)
            node = self.nodes[number]
            if node.kind == PREVIOUS and at_begin:
                raise UnsupportedFeatureError("a condition on what comes before a terminal")
            if node.kind == TERMINAL_END and is_needed:
                raise UnsupportedFeatureError("a positive look-ahead at the end of a terminal")
            if node.kind == FORK:
                waiting.extend((target, at_begin, is_needed) for target in node.targets)
            elif node.kind == READ:
                waiting.append((node.next, False, False))
            elif node.kind != TERMINAL_END:
                waiting.append((node.next, at_begin, is_needed or node.kind == AHEAD))

    def _program(self, node: Node, after: int, before: Ranges | None = None) -> int:
        """The begin of what reads a node and goes on at `after`; before: what the last character may be."""
        if isinstance(node, Text):
            for character in reversed(node.text):
                after = self._read(((ord(character), ord(character)),), after)
            return after
        if isinstance(node, Characters):
            return self._read(node.ranges, after)
        if isinstance(node, Sequence):
            lasts = [before]
            for item in node.items:
                lasts.append(_last_characters(item, lasts[-1]))
            for item, last in zip(reversed(node.items), reversed(lasts[:-1]), strict=True):
                after = self._program(item, after, last)
            return after
        if isinstance(node, Alternation):
            return self._fork([self._program(option, after, before) for option in node.options])
        if isinstance(node, Repetition):
            return self._repetition(node, after, before)
        if isinstance(node, Look):
            return self._look(node, after)
        if isinstance(node, Assertion):
            return self._assertion(node, after, before)
        raise UnsupportedFeatureError("a back-reference in a terminal")

    def _fork(self, targets: SequenceOf[int]) -> int:
        return targets[0] if len(targets) == 1 else self._node(LexemeNode(FORK, targets=tuple(targets)))

    def _read(self, ranges: Ranges, after: int) -> int:
        expression = character_class(ranges)
        if expression is EMPTY:  # a lone surrogate
            return self._node(LexemeNode(FORK))
        return self._node(LexemeNode(READ, first=self._class_state(expression), next=after))

    def _class_state(self, expression: Expression) -> int:
        """The state from which a character of the class is read, byte by byte."""
        known = self._class_states.get(expression)
        if known is None:
            known = self._class_states[expression] = len(self.classes)
            self.classes.append([])
            self.classes[known] = [
                (members, -1 if rest is EPSILON else self._class_state(rest))
                for members, rest in transitions(expression)
            ]
        return known

    def _repetition(self, node: Repetition, after: int, before: Ranges | None) -> int:
        def choice(more: int, enough: int) -> int:
            return self._fork((enough, more) if node.lazy else (more, enough))

        if node.most == UNLIMITED:
            loop = self._node(LexemeNode(FORK))
            more = self._program(node.item, loop)
            self.nodes[loop] = LexemeNode(FORK, targets=(after, more) if node.lazy else (more, after))
            start = loop
        else:
            start = after
            for _ in range(node.most - node.least):
                start = choice(self._program(node.item, start), after)
        for _ in range(node.least):
            start = self._program(node.item, start)
        return start

    # Conditions

    def _ahead(self, item: Node, after: int, negative: bool) -> int:
        first = self._program(item, self._node(LexemeNode(TERMINAL_END)))
        return self._node(LexemeNode(NOT_AHEAD if negative else AHEAD, first=first, next=after))

    def _look(self, node: Look, after: int) -> int:
        if not node.ahead:
            raise UnsupportedFeatureError(
                "look-behind of more than one character in a terminal", advice="write the terminal without it"
            )
        if node.item.needs:
            raise UnsupportedFeatureError("a condition inside a look-ahead of a terminal")
        return self._ahead(node.item, after, node.negative)

    def _assertion(self, node: Assertion, after: int, before: Ranges | None) -> int:
        kind, characters = node.kind, node.characters
        if kind in (tree.BEFORE, tree.NOT_BEFORE):
            return self._ahead(Characters(characters), after, kind == tree.NOT_BEFORE)
        if kind in (tree.AFTER, tree.NOT_AFTER):
            return self._previous(characters if kind == tree.AFTER else invert(characters), after)
        if kind == tree.END:
            return self._ahead(Characters(EVERYTHING), after, True)
        if kind == tree.LINE_END:
            return self._ahead(Characters(invert(_LINE_FEED)), after, True)
        if kind == tree.FINAL_END:
            more = tree.sequence([Characters(_LINE_FEED), Characters(EVERYTHING)])
            return self._ahead(tree.alternation([Characters(invert(_LINE_FEED)), more]), after, True)
        if kind in (tree.BOUNDARY, tree.NO_BOUNDARY) and before is not None:
            is_word = not overlap(before, invert(characters))
            if is_word or not overlap(before, characters):
                return self._ahead(Characters(characters), after, is_word == (kind == tree.BOUNDARY))
        raise UnsupportedFeatureError(
            "a condition on what comes before a character of a terminal",
            advice="^ and \\b are followed only where the character before is known",
        )

    def _previous(self, characters: Ranges, after: int) -> int:
        """Go on if the last character is in a set; bytes beyond ASCII end a character beyond ASCII."""
        beyond = invert(_ASCII)
        if not overlap(characters, beyond):
            members = _ascii_members(characters)
        elif not overlap(invert(characters), beyond):
            members = _ALL_BYTES & ~_ascii_members(invert(characters))
        else:
            raise UnsupportedFeatureError("look-behind for some characters beyond ASCII in a terminal")
        return self._node(LexemeNode(PREVIOUS, next=after, members=members))


def _ascii_members(characters: Ranges) -> int:
    return sum(1 << byte for first, last in overlap(characters, _ASCII) for byte in range(first, last + 1))


def _last_characters(node: Node, before: Ranges | None) -> Ranges | None:
    """What the last character may be after a node; None if that is not known."""
    if isinstance(node, Text) and node.text:
        return ((ord(node.text[-1]), ord(node.text[-1])),)
    if isinstance(node, Characters):
        return node.ranges
    if isinstance(node, Repetition) and node.least and isinstance(node.item, Characters):
        return node.item.ranges
    if isinstance(node, (Assertion, Look)):
        return before
    if isinstance(node, Sequence):
        for item in node.items:
            before = _last_characters(item, before)
        return before
    return None
