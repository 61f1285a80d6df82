"""Lazy terminals: those that end as soon as they can, whatever else might have gone on.

In come the rules of a grammar as numbers and the expressions of their terminals, some of them lazy; out come
the expressions that say the same without an order of reading. A lazy terminal is the texts of its language of
which no beginning is one. Where it may stand, it also ends the others: a text that begins with one of its
texts is read as that, so no other terminal that may stand at the same place goes past its end. What may stand
at one place is what a state of the LALR automaton expects, as for Lark's contextual lexer.

Cost: the automaton of a lazy terminal is made when the grammar is read, and so are the LALR states, some
tenths of a millisecond each.

Source: the documentation of llguidance, "lazy lexemes".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .derivatives import derivative, transitions
from .errors import LimitExceededError
from .expressions import (
    ANYTHING,
    EPSILON,
    SOMETHING,
    Expression,
    automaton,
    complement,
    concatenate,
    intersect,
    union,
)
from .lalr import Rule, bits, expected_terminals

MOST_STATES = 5_000
"""Of the automaton of a lazy terminal."""

MOST_PAIRS = 20_000
"""Of a lazy terminal and another one that may stand where it may."""


def shortest_only(expression: Expression) -> Expression:
    """The texts of the language no proper beginning of which belongs to it.

    Raises LimitExceededError if its automaton has more than MOST_STATES states.
    """
    if expression.nullable:
        return EPSILON
    numbers, edges = _states(expression, goes_past_ends=False)
    return automaton(len(numbers), edges, [number for state, number in numbers.items() if state.nullable])


def text_before(expression: Expression, end: bytes) -> Expression:
    """What may stand before `end` in the texts of a language that end so.

    Raises LimitExceededError as `shortest_only` does.
    """
    numbers, edges = _states(expression, goes_past_ends=True)
    accepting = []
    for state, number in numbers.items():
        for byte in end:
            state = derivative(state, byte)
        if state.nullable:
            accepting.append(number)
    return automaton(len(numbers), edges, accepting)


def _states(
    expression: Expression, *, goes_past_ends: bool
) -> tuple[dict[Expression, int], list[tuple[int, int, int]]]:
    """The states of the automaton of an expression, with their numbers, and its edges."""
    numbers = {expression: 0}
    waiting = [expression]
    edges: list[tuple[int, int, int]] = []
    while waiting:
        here = waiting.pop()
        if here.nullable and not goes_past_ends:
            continue  # what comes first is the end
        for members, after in transitions(here):
            if after not in numbers:
                if len(numbers) >= MOST_STATES:
                    raise LimitExceededError(
                        "the states of a lazy terminal",
                        given=f"more than {MOST_STATES}",
                        limit=MOST_STATES,
                        advice="write a simpler pattern",
                    )
                numbers[after] = len(numbers)
                waiting.append(after)
            edges.append((numbers[here], members, numbers[after]))
    return numbers, edges


def without_lazy(
    expression: Expression, lazy_ones: Sequence[Expression], *, is_lazy: bool = False
) -> Expression:
    """A terminal beside lazy ones: without the texts that begin with a text of one of those.

    is_lazy: it is lazy too, so that the first one to end decides, and all of those that end there.
    """
    others = [other for other in lazy_ones if other is not expression and other is not EPSILON]
    if not others:
        return expression
    beyond = concatenate(union(*others), SOMETHING if is_lazy else ANYTHING)
    return intersect(expression, complement(beyond))


def lazy_neighbours(
    rules: Sequence[tuple[str, Sequence[str | int]]], start: str, lazy: Mapping[int, Expression]
) -> dict[int, dict[Expression, None]]:
    """Of each terminal of which that is true: the lazy ones that may stand where it may.

    rules: (name, symbols); symbols are names of rules, or terminals: numbers from 0 up, another one for each
        place in the rules. lazy: of those that are lazy, the expression.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in rules))}
    numbered: list[Rule] = [
        (names[name], [~names[symbol] if isinstance(symbol, str) else symbol for symbol in symbols])
        for name, symbols in rules
    ]
    n_terminals = 1 + max((s for _, symbols in numbered for s in symbols), default=0)
    numbered.append((len(names), [~names[start]]))
    beside: dict[int, int] = {}  # lazy terminals (bits)
    lazy_bits = sum(1 << number for number in lazy)
    places = set(expected_terminals(numbered, len(rules), n_terminals))
    n_pairs = 0
    for expected in places:
        here = expected & lazy_bits
        if not here:
            continue
        for number in bits(expected & ((1 << n_terminals) - 1)):
            beside[number] = beside.get(number, 0) | here
        n_pairs += expected.bit_count() * here.bit_count()
        if n_pairs > MOST_PAIRS:
            raise LimitExceededError(
                "lazy terminals beside others, in pairs,",
                given=f"more than {MOST_PAIRS}",
                limit=MOST_PAIRS,
                advice="let one lazy terminal end with what they have in common",
            )
    return {number: dict.fromkeys(lazy[one] for one in bits(here)) for number, here in beside.items()}
