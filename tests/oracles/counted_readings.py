"""Rules with `max_tokens` and `temperature`, reading by reading: a grammar and tokens in, verdicts out.

Each way to read the tokens so far is kept by itself, as what is left of its terminal, its stack of grammar
states, and the tokens that share bytes with the text of that terminal. Nothing is merged, numbered or kept
from one question to the next. Only for grammars of terminals, calls and special tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tokentrellis.grammars.derivatives import derivative
from tokentrellis.grammars.emptiness import is_empty
from tokentrellis.grammars.expressions import SOMETHING, Expression, intersect
from tokentrellis.grammars.grammar import END, CallEdge, Grammar, TerminalEdge


class Reading(NamedTuple):
    """left: of the terminal; None: it is over. stack: innermost first. n_used: tokens of a limited one."""

    left: Expression | None
    stack: tuple[int, ...]
    n_used: int = 0


class CountedReadings:
    """The readings after no token; `after` has those after one more."""

    def __init__(
        self, grammar: Grammar, tokens: Sequence[bytes], readings: Iterable[Reading] | None = None
    ) -> None:
        self.grammar, self.tokens = grammar, tokens
        self.readings = {Reading(None, (grammar.start,))} if readings is None else set(readings)

    def after(self, token: int) -> CountedReadings:
        """None are left where the token is not allowed."""
        here = {reading._replace(n_used=reading.n_used + 1) for reading in self.readings}
        for byte in self.tokens[token]:
            here = {following for reading in here for following in self._step(reading, byte)}
        return CountedReadings(self.grammar, self.tokens, filter(self._can_end, here))

    @property
    def allowed(self) -> set[int]:
        return {token for token in range(len(self.tokens)) if self.after(token).readings}

    @property
    def may_end(self) -> bool:
        return any(
            reading.left is None and any(left is None for left, _ in self._begins(reading.stack))
            for reading in self.readings
        )

    @property
    def temperature(self) -> float | None:
        """The highest of the innermost ones of all readings in a terminal; else of what may begin."""
        stacks = [reading.stack for reading in self.readings if reading.left is not None]
        for reading in self.readings if not stacks else ():
            stacks += [stack for left, stack in self._begins(reading.stack) if left is not None]
        found = []
        for stack in stacks:
            named = [self.grammar.expand(state).temperature for state in stack]
            found += [one for one in named if one is not None][:1]
        return max(found, default=None)

    def _begins(self, stack: tuple[int, ...]) -> Iterator[tuple[Expression | None, tuple[int, ...]]]:
        """The terminals that may begin, with the stacks behind them; (None, ()): the text may be over."""
        if not stack:
            yield None, ()
            return
        expansion = self.grammar.expand(stack[0])
        for edge in expansion.edges:
            assert isinstance(edge, (TerminalEdge, CallEdge))
            rest = stack[1:] if edge.next == END else (edge.next, *stack[1:])
            if isinstance(edge, CallEdge):
                yield from self._begins((edge.start, *rest))
            elif not is_empty(edge.terminal):
                yield edge.terminal, rest
        if expansion.final:
            yield from self._begins(stack[1:])

    def _step(self, reading: Reading, byte: int) -> Iterator[Reading]:
        if reading.left is None:
            for left, stack in self._begins(reading.stack):
                if left is not None:
                    yield from self._step(Reading(left, stack, 1), byte)
            return
        left = derivative(reading.left, byte)
        if is_empty(left):
            return
        if left.nullable:
            yield Reading(None, reading.stack)
        if not is_empty(intersect(left, SOMETHING)):
            yield reading._replace(left=left)

    def _can_end(self, reading: Reading) -> bool:
        if reading.left is None or not reading.stack:
            return True
        most = self.grammar.expand(reading.stack[0]).most_tokens
        return not most or reading.n_used + max(1, self._fewest(reading.left)) <= most

    def _fewest(self, left: Expression) -> int:
        """Tokens that lead to an end of the terminal, breadth first."""
        here, seen, n_tokens = {left}, {left}, 0
        while here and not any(one.nullable for one in here):
            following = set()
            for one in here:
                for token in self.tokens:
                    after = one
                    for byte in token:
                        after = derivative(after, byte)
                    if not is_empty(after):
                        following.add(after)
            here = following - seen
            seen |= following
            n_tokens += 1
        return n_tokens if here else 1 << 20
