"""Random expressions as trees that can be read in two ways: built by the constructors, or as sets of words.

A tree is a nested tuple, such as ("union", ("letters", "a"), ("repeat", ...)). `build` makes the `Expression`
of it, `language` computes by set operations which words up to a length belong to it, `automaton_of` asks the
independent library `interegular`. The two letters stand for any two characters, so that lengths in characters
can be tested too.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import strategies as st
from tokentrellis.grammars.expressions import (
    UNLIMITED,
    Expression,
    automaton,
    complement,
    concatenate,
    intersect,
    literal,
    repeat,
    union,
)

LETTERS = "ab"

Tree = tuple[Any, ...]


def words(longest: int) -> list[str]:
    """All words over the letters up to a length, short ones first."""
    return ["".join(word) for length in range(longest + 1) for word in product(LETTERS, repeat=length)]


def _automata() -> st.SearchStrategy[Tree]:
    states = st.integers(0, 2)
    edges = st.tuples(states, st.sampled_from(["a", "b", "ab"]), states)
    return st.tuples(
        st.just("automaton"), st.lists(edges, max_size=6).map(tuple), st.frozensets(states, max_size=2)
    )


def trees(*, boolean: bool = True, max_leaves: int = 8) -> st.SearchStrategy[Tree]:
    """Random trees; without `boolean` no intersection and no complement occurs."""
    leaves = st.one_of(
        st.just(("letters", "a")),
        st.just(("letters", "b")),
        st.just(("letters", "ab")),
        st.just(("literal", "")),
        st.sampled_from([("literal", "ab"), ("literal", "aab"), ("literal", "ba")]),
        st.just(("union",)),
        _automata(),
    )

    def grow(parts: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        bounds = st.sampled_from(
            [(0, UNLIMITED), (1, UNLIMITED), (0, 1), (2, 2), (1, 3), (0, 2), (2, UNLIMITED)]
        )
        several = st.lists(parts, min_size=2, max_size=3)
        operations = ["union", "concatenate"] + ["intersect"] * boolean
        options: list[st.SearchStrategy[Tree]] = [
            st.tuples(st.sampled_from(operations), several).map(lambda pair: (pair[0], *pair[1])),
            st.tuples(parts, bounds).map(lambda pair: ("repeat", *pair)),
        ]
        if boolean:
            options.append(parts.map(lambda part: ("complement", part)))
        return st.one_of(options)

    return st.recursive(leaves, grow, max_leaves=max_leaves)


def build(tree: Tree, letters: str = LETTERS) -> Expression:
    """The expression of a tree; the two letters stand for the characters of `letters`."""
    name, *parts = tree
    meaning = dict(zip(LETTERS, letters, strict=True))
    if name == "letters":
        return union(*[literal(meaning[letter]) for letter in parts[0]])
    if name == "literal":
        return literal("".join(meaning[letter] for letter in parts[0]))
    if name == "automaton":
        edges = [(s, sum(1 << ord(meaning[letter]) for letter in members), t) for s, members, t in parts[0]]
        return automaton(3, edges, parts[1])
    if name == "repeat":
        return repeat(build(parts[0], letters), *parts[1])
    if name == "complement" and letters != LETTERS:  # among texts of the two characters, not among all bytes
        return intersect(complement(build(parts[0], letters)), repeat(union(*map(literal, letters))))
    combine = {"union": union, "concatenate": concatenate, "intersect": intersect, "complement": complement}[
        name
    ]
    return combine(*[build(part, letters) for part in parts])


def has_automaton(tree: Tree) -> bool:
    """Whether an explicit automaton occurs in the tree: its letters have to be single bytes."""
    return tree[0] == "automaton" or any(has_automaton(part) for part in tree[1:] if _is_tree(part))


def _is_tree(part: object) -> bool:
    return isinstance(part, tuple) and bool(part) and isinstance(part[0], str)


def language(tree: Tree, longest: int) -> set[str]:
    """The words of a tree up to a length, by the definitions of the operations on sets."""
    name, *parts = tree
    if name == "letters":
        return set(parts[0])
    if name == "literal":
        return {parts[0]} if len(parts[0]) <= longest else set()
    if name == "automaton":
        return {word for word in words(longest) if _runs(parts[0], parts[1], word)}
    if name == "repeat":
        return _repeated(language(parts[0], longest), *parts[1], longest)
    sets = [language(part, longest) for part in parts]
    if name == "union":
        return set().union(*sets)
    if name == "intersect":
        return set.intersection(*sets)
    if name == "complement":
        return set(words(longest)) - sets[0]
    result = {""}
    for part in sets:
        result = _joined(result, part, longest)
    return result


def has_word(tree: Tree) -> bool:
    """Whether a tree without Boolean operations has any word, however long."""
    name, *parts = tree
    if name == "automaton":
        return any(_runs(*parts, word) for word in words(2))  # three states: a shortest word has two letters
    if name == "repeat":
        return parts[1][0] == 0 or has_word(parts[0])
    if name in ("letters", "literal"):
        return True
    return any(map(has_word, parts)) if name == "union" else all(map(has_word, parts))


def _joined(left: set[str], right: set[str], longest: int) -> set[str]:
    return {first + second for first in left for second in right if len(first + second) <= longest}


def _repeated(part: set[str], least: int, most: int, longest: int) -> set[str]:
    powers = [{""}]
    # More than `longest` parts can matter only through empty ones: `least` covers those.
    for _ in range(max(least, longest) if most == UNLIMITED else most):
        powers.append(_joined(powers[-1], part, longest))
    return set().union(*powers[least:])


def _runs(edges: tuple[tuple[int, str, int], ...], accepting: frozenset[int], word: str) -> bool:
    states = {0}
    for letter in word:
        states = {after for before, members, after in edges if before in states and letter in members}
    return bool(states & accepting)


def automaton_of(tree: Tree) -> Any:
    """The `interegular` automaton of a tree without explicit automata, over the two letters."""
    from interegular import parse_pattern

    name, *parts = tree
    alphabet = parse_pattern(LETTERS).to_fsm().alphabet  # tells the letters apart
    if name == "letters":
        return parse_pattern(f"[{parts[0]}]").to_fsm(alphabet)
    if name == "literal":
        return parse_pattern(parts[0]).to_fsm(alphabet)
    if name == "union" and not parts:
        return parse_pattern("[^\\w\\W]").to_fsm(alphabet)
    machines = [automaton_of(part) for part in parts if _is_tree(part)]
    result = machines[0]
    if name == "repeat":
        least, most = parts[1]
        return result.times(least) + (
            result.star() if most == UNLIMITED else (result | _no_word(alphabet)).times(most - least)
        )
    if name == "complement":
        return result.everythingbut()
    for machine in machines[1:]:
        result = (
            result | machine
            if name == "union"
            else result & machine
            if name == "intersect"
            else result + machine
        )
    return result


def _no_word(alphabet: Any) -> Any:
    from interegular import parse_pattern

    return parse_pattern("").to_fsm(alphabet)
