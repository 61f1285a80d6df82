"""Calls after which nothing need be remembered, though more may follow.

A rule that is called leaves a frame on the stack, the state to go on with. If the call is the last thing in a
rule there is none. There need be none either where whatever the frame allows may be read by the callee itself
before it is over: `s: s s | "a"` and `e: e "+" e | "n"` then keep one stack for a text of any length, where a
general parser keeps one for each way to divide it and takes time cubic in the length.

The condition, for a callee C and a state s to go on with: s may end the rule, and from every state in which C
may be over, all that may follow s may be read (as sequences of symbols, a rule that is called being one).
Then C, and C followed by what s allows, are the same texts. It is a question about deterministic automata,
answered by walking pairs of states; most are over at the first symbol. Cost: MOST_PAIRS pairs at most, once
for each call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from .rules import Leaf

MOST_PAIRS = 2_000

Place = frozenset[int]
"""The positions one of which was read last, closed; none at the begin of a rule."""


class Automaton(Protocol):
    """The states of one rule."""

    name: str

    def moves(self, read: Place) -> Mapping[Leaf, Place]:
        """The states after each symbol."""

    def is_complete(self, read: Place) -> bool:
        """Whether the rule may be over."""


class TailCalls:
    """Answers, each found once."""

    def __init__(self, automaton_of: Callable[[str], Automaton]) -> None:
        self._automaton_of = automaton_of
        self._known: dict[tuple[str, str, Place], bool] = {}

    def needs_no_frame(self, callee: str, caller: Automaton, after: Place) -> bool:
        """Whether a call of a rule, after which a caller is in a state where it may be over, needs none."""
        key = (callee, caller.name, after)
        if key not in self._known:
            self._known[key] = self._reads_all(self._automaton_of(callee), caller, after)
        return self._known[key]

    def _reads_all(self, callee: Automaton, caller: Automaton, after: Place) -> bool:
        """Whether from all states where the callee may be over it reads whatever follows `after`."""
        begin: Place = frozenset()
        states, seen = [begin], {begin}
        pairs: set[tuple[Place, Place]] = set()  # of the caller's states and the callee's, that must include
        while states:
            state = states.pop()
            if (
                state
                and callee.is_complete(state)
                and not self._includes(callee, caller, after, state, pairs)
            ):
                return False
            for following in callee.moves(state).values():
                if following not in seen:
                    seen.add(following)
                    states.append(following)
            if len(seen) > MOST_PAIRS:
                return False
        return True

    def _includes(
        self,
        callee: Automaton,
        caller: Automaton,
        smaller: Place,
        larger: Place,
        pairs: set[tuple[Place, Place]],
    ) -> bool:
        """Whether all that leads from a state of the caller to its end also leads from one of the callee."""
        waiting = [(smaller, larger)]
        while waiting:
            pair = waiting.pop()
            if pair in pairs:
                continue
            pairs.add(pair)
            here, there = pair
            if len(pairs) > MOST_PAIRS or (caller.is_complete(here) and not callee.is_complete(there)):
                return False
            ways = callee.moves(there)
            for symbol, after in caller.moves(here).items():
                if symbol not in ways:
                    return False
                waiting.append((after, ways[symbol]))
        return True
