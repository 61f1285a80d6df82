"""Rules as trees (`grammars/rules.py`) over a few letters: random ones, and their obvious meaning.

`derives` asks of every rule which parts of a text it derives, and asks again until nothing changes: left
recursion, empty rules and ambiguity need no thought. Terminals are matched by `re`-free, literal comparison
of derivatives. Cost: the fourth power of the length of the text, and worse.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product

from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.expressions import UNLIMITED, Expression, byte_class, literal, optional, repeat
from tokentrellis.grammars.rules import Choice, Repetition, RuleCall, Sequence, Tree

Span = tuple[int, int]

_TERMINALS = (
    *map(literal, ("a", "b", "ab", "aa")),
    byte_class(b"ab"),
    repeat(literal("a"), 1),
    optional(literal("b")),
    repeat(byte_class(b"ab")),
)


def derives(rules: Mapping[str, Tree], start: str, text: bytes) -> bool:
    """Whether the rule derives the whole text."""
    spans: dict[str, set[Span]] = {name: set() for name in rules}
    while True:
        more = {name: _spans(tree, text, spans) for name, tree in rules.items()}
        if more == spans:
            return (0, len(text)) in spans[start]
        spans = more


def _spans(tree: Tree, text: bytes, spans: Mapping[str, set[Span]]) -> set[Span]:
    places = range(len(text) + 1)
    if isinstance(tree, Expression):
        return {(i, j) for i in places for j in places if i <= j and matches(tree, text[i:j])}
    if isinstance(tree, RuleCall):
        return set(spans[tree.name])
    if isinstance(tree, Choice):
        return {span for option in tree.options for span in _spans(option, text, spans)}
    if isinstance(tree, Sequence):
        found = {(i, i) for i in places}
        for item in tree.items:
            found = _joined(found, _spans(item, text, spans))
        return found
    assert isinstance(tree, Repetition)
    item = _spans(tree.item, text, spans)
    found = {(i, i) for i in places}
    for _ in range(tree.least):
        found = _joined(found, item)
    # Rounds that read nothing add nothing, so that as many as the text is long suffice.
    rounds = len(text) if tree.most == UNLIMITED else tree.most - tree.least
    for _ in range(rounds):
        found |= _joined(found, item)
    return found


def _joined(left: set[Span], right: set[Span]) -> set[Span]:
    return {(i, k) for i, j in left for j2, k in right if j == j2}


def random_rules(rng: random.Random) -> dict[str, Tree]:
    """A few rules that call each other in every place; `r0` is the start."""
    names = [f"r{index}" for index in range(rng.randint(1, 4))]
    return {name: _random_tree(rng, names, 3) for name in names}


def _random_tree(rng: random.Random, names: list[str], depth: int) -> Tree:
    kind = rng.random() if depth else 0.0
    if kind < 0.4:
        return RuleCall(rng.choice(names)) if rng.random() < 0.5 else rng.choice(_TERMINALS)
    if kind < 0.7:
        return Sequence(tuple(_random_tree(rng, names, depth - 1) for _ in range(rng.randint(0, 3))))
    if kind < 0.9:
        return Choice(tuple(_random_tree(rng, names, depth - 1) for _ in range(rng.randint(1, 3))))
    least = rng.randint(0, 2)
    return Repetition(_random_tree(rng, names, depth - 1), least, rng.choice((UNLIMITED, least, least + 1)))


def all_texts(longest: int, letters: bytes = b"ab") -> list[bytes]:
    """All texts over the letters up to a length, the shortest first."""
    return [bytes(text) for length in range(longest + 1) for text in product(letters, repeat=length)]
