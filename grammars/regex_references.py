r"""Back-references written out: `(["']).*\1` is `".*"|'.*'`.

In comes a syntax tree with captures and references, out comes one without. Where a group is referred to later
in the same sequence and matches but a few texts, the sequence goes on once for each of them, with the text in
place of the reference; so the language is regular. That is exact, since a search with backtracking finds a
match whenever some choice of texts gives one. Refused is what is not regular or depends on the order of the
search: groups of more than MOST_TEXTS texts, references before the end of their group, captures in a
look-around or in the rounds of a repeat that are used outside, references that ignore case.

In ECMA-262 a group that took no part matches the empty text, in Python nothing. The cost is the size of the
tree times the texts; MOST_NODES and MOST_REFERENCES bound it.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import regex_tree as tree
from .errors import LimitExceededError
from .expressions import UNLIMITED
from .regex_tree import Alternation, Capture, Characters, Look, Node, Reference, Repetition, Sequence, Text

MOST_TEXTS = 256
MOST_NODES = 20_000
MOST_REFERENCES = 100

Captured = Mapping[int, "str | None"]
"""What the groups hold; None: a group that took no part."""


class NotRegularError(Exception):
    """A reference that cannot be written out."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference.offset)
        self.reference = reference


class _TooManyTextsError(Exception):
    """A group whose texts are not to be listed."""


def without_references(node: Node, python: bool) -> Node:
    """The same language without captures and references.

    Raises NotRegularError; LimitExceededError if the pattern becomes too large.
    """
    references = _references(node)
    if len(references) > MOST_REFERENCES:
        raise LimitExceededError(
            "the back-references of a pattern", given=len(references), limit=MOST_REFERENCES
        )
    return _Writer(python, {reference.group for reference in references}).resolve(node, {})


class _Writer:
    def __init__(self, python: bool, needed: set[int]) -> None:
        self.python = python
        self.needed = needed  # the groups that are referred to
        self.n_nodes = 0
        self.n_repeats = 0  # how many repeats stand around the current node

    def resolve(self, node: Node, captured: Captured) -> Node:
        """A node, where the groups before it hold some texts."""
        self.n_nodes += bool(captured)  # the first copy is what the author wrote
        if self.n_nodes > MOST_NODES:
            raise LimitExceededError(
                "the size of a pattern with its back-references written out",
                given=f"more than {MOST_NODES}",
                limit=MOST_NODES,
            )
        if isinstance(node, Capture):
            return self.resolve_sequence((node.item,), captured)
        if isinstance(node, Sequence):
            return self.resolve_sequence(node.items, captured)
        if isinstance(node, Alternation):
            return tree.alternation([self.resolve(option, captured) for option in node.options])
        if isinstance(node, Repetition):
            self.n_repeats += 1
            item = self.resolve(node.item, captured)
            self.n_repeats -= 1
            return tree.repetition(item, node.least, node.most)
        if isinstance(node, Look):
            if not node.ahead and (inside := _referred(node.item, _groups(node.item))):
                raise NotRegularError(inside)  # a look-behind is matched backwards
            return tree.look(self.resolve(node.item, captured), node.ahead, node.negative, node.offset)
        return self.text_of(node, captured) if isinstance(node, Reference) else node

    def text_of(self, reference: Reference, captured: Captured) -> Node:
        """What a reference matches."""
        if reference.group not in captured or reference.ignores_case:
            raise NotRegularError(reference)
        text = captured[reference.group]
        if text is None and self.python:
            if self.n_repeats:  # the round before may have left a text
                raise NotRegularError(reference)
            return Characters(())
        return Text(text) if text else tree.NO_TEXT

    def resolve_sequence(self, items: tuple[Node, ...], captured: Captured) -> Node:
        """Items one after the other, with a branch for each text of the first group that is needed later."""
        done: list[Node] = []
        for place, item in enumerate(items):
            rest = items[place + 1 :]
            reference = _referred(Sequence(rest), _groups(item) & self.needed)
            if reference is None:
                done.append(self.resolve(item, captured))
                continue
            if isinstance(item, Sequence):
                return tree.sequence([*done, self.resolve_sequence((*item.items, *rest), captured)])
            try:
                texts = self.texts(item, captured)
            except _TooManyTextsError:
                raise NotRegularError(reference) from None
            branches: list[Node] = []
            nothing = dict.fromkeys(_groups(item))
            for text, found in texts:
                after = self.resolve_sequence(rest, {**captured, **nothing, **found})
                branches.append(tree.sequence([Text(text), after] if text else [after]))
            return tree.sequence([*done, tree.alternation(branches)])
        return tree.sequence(done)

    def texts(self, node: Node, captured: Captured) -> list[tuple[str, dict[int, str]]]:
        """All texts of a node, with what its groups hold then."""
        found: list[tuple[str, dict[int, str]]] = []
        if isinstance(node, Text):
            found = [(node.text, {})]
        elif isinstance(node, Characters):
            if sum(last - first + 1 for first, last in node.ranges) > MOST_TEXTS:
                raise _TooManyTextsError
            codes = [code for first, last in node.ranges for code in range(first, last + 1)]
            found = [(chr(code), {}) for code in codes if not 0xD800 <= code < 0xE000]
        elif isinstance(node, Capture):
            found = [(text, {**inner, node.group: text}) for text, inner in self.texts(node.item, captured)]
        elif isinstance(node, Sequence):
            found = self.texts_of_sequence(node.items, captured)
        elif isinstance(node, Alternation):
            found = [text for option in node.options for text in self.texts(option, captured)]
        elif isinstance(node, Repetition):
            if node.most == UNLIMITED or node.most > MOST_TEXTS or (node.most > 1 and _groups(node.item)):
                raise _TooManyTextsError
            for rounds in range(node.least, node.most + 1):
                found += self.texts_of_sequence((node.item,) * rounds, captured)
                _check(found)
        elif isinstance(node, Reference):
            written = self.text_of(node, captured)
            found = [] if isinstance(written, Characters) else self.texts(written, captured)
        else:
            raise _TooManyTextsError
        _check(found)
        return list({(text, *sorted(inner.items())): (text, inner) for text, inner in found}.values())

    def texts_of_sequence(
        self, items: tuple[Node, ...], captured: Captured
    ) -> list[tuple[str, dict[int, str]]]:
        found: list[tuple[str, dict[int, str]]] = [("", {})]
        for item in items:
            found = [
                (text + more, {**inner, **outer})
                for text, inner in found
                for more, outer in self.texts(item, {**captured, **inner})
            ]
            _check(found)
        return found


def _check(found: list[tuple[str, dict[int, str]]]) -> None:
    if len(found) > MOST_TEXTS:
        raise _TooManyTextsError


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Alternation):
        return node.options
    return (node.item,) if isinstance(node, (Capture, Repetition, Look)) else ()


def _groups(node: Node) -> set[int]:
    """The groups inside a node."""
    found = {node.group} if isinstance(node, Capture) else set()
    return found.union(*map(_groups, _children(node)))


def _references(node: Node) -> list[Reference]:
    """All references inside a node."""
    if isinstance(node, Reference):
        return [node]
    return [found for child in _children(node) for found in _references(child)]


def _referred(node: Node, groups: set[int]) -> Reference | None:
    """A reference inside a node to one of some groups."""
    return next((found for found in _references(node) if found.group in groups), None) if groups else None
