"""A plain NFA simulator for regular expressions of bytes: matching and random members; the oracle of this
folder.

Thompson's construction, then sets of states. Intersections and complements are refused: what is tested here
promises to be regular.
"""

from __future__ import annotations

import random
from functools import cached_property
from hashlib import sha256

from tokentrellis.grammars.derivatives import transitions
from tokentrellis.grammars.expressions import (
    AUTOMATON,
    BYTE_CLASS,
    CONCATENATION,
    MULTIPLES,
    REPEAT,
    UNION,
    UNLIMITED,
    Expression,
)


class Simulator:
    """Matches and samples one expression."""

    def __init__(self, expression: Expression) -> None:
        self.steps: list[list[tuple[int, int]]] = []
        self.jumps: list[list[int]] = []
        self._steps: dict[tuple[frozenset[int], int], frozenset[int]] = {}
        self._digests: dict[Expression, bytes] = {}
        self._closures: dict[int, frozenset[int]] = {}
        start, self.end = self._state(), self._state()
        self._add(expression, start, self.end)
        self.start = self._close({start})

    def matches(self, data: bytes) -> bool:
        states = self.start
        for byte in data:
            states = self.step(states, byte)
        return self.end in states

    def step(self, states: frozenset[int], byte: int) -> frozenset[int]:
        key = (states, byte)
        if key not in self._steps:
            self._steps[key] = self._close(
                {after for state in states for members, after in self.steps[state] if members >> byte & 1}
            )
        return self._steps[key]

    def sample(self, choice: random.Random, stop: float = 0.3) -> bytes:
        """A random member: a random walk that ends with probability `stop` where it may; it heads for the end
        after 200 bytes. Fails for the empty language."""
        result = bytearray()
        state = choice.choice([s for s in sorted(self.start) if s in self._distance])
        while True:
            if state == self.end or (self.end in self._close({state}) and choice.random() < stop):
                return bytes(result)
            ways = [(None, after) for after in self.jumps[state]] + self.steps[state]
            ways = [way for way in ways if way[1] in self._distance]
            if len(result) > 200:
                ways = [min(ways, key=lambda way: self._distance[way[1]])]
            members, state = choice.choice(ways)
            if members is not None:
                result.append(choice.choice([byte for byte in range(256) if members >> byte & 1]))

    @cached_property
    def _distance(self) -> dict[int, int]:
        """Steps and jumps to the end, for the states that reach it."""
        before: dict[int, list[int]] = {}
        for state in range(len(self.steps)):
            for after in [*self.jumps[state], *(after for _, after in self.steps[state])]:
                before.setdefault(after, []).append(state)
        distance, pending = {self.end: 0}, [self.end]
        for state in pending:
            for source in before.get(state, ()):
                if source not in distance:
                    distance[source] = distance[state] + 1
                    pending.append(source)
        return distance

    def _digest(self, node: Expression) -> bytes:
        """A name for the structure of a node."""
        if node not in self._digests:
            payload = node.payload if node.kind != AUTOMATON else (*node.payload[:2], sorted(node.payload[2]))  # type: ignore[index]
            parts = [repr((node.kind, payload)).encode(), *map(self._digest, node.children)]
            if node.kind == UNION:
                parts[1:] = sorted(parts[1:])
            self._digests[node] = sha256(b"|".join(parts)).digest()
        return self._digests[node]

    def _state(self) -> int:
        self.steps.append([])
        self.jumps.append([])
        return len(self.steps) - 1

    def _close(self, states: set[int]) -> frozenset[int]:
        result: set[int] = set()
        for state in states:
            if state not in self._closures:
                found, pending = {state}, [state]
                while pending:
                    for after in self.jumps[pending.pop()]:
                        if after not in found:
                            found.add(after)
                            pending.append(after)
                self._closures[state] = frozenset(found)
            result |= self._closures[state]
        return frozenset(result)

    def _add(self, node: Expression, start: int, end: int) -> None:
        if node.kind == BYTE_CLASS:
            self.steps[start].append((node.payload, end))  # type: ignore[arg-type]
        elif node.kind == UNION:
            for child in sorted(node.children, key=self._digest):  # their own order changes from run to run
                self._add(child, start, end)
        elif node.kind == CONCATENATION:
            for child in node.children:
                after = self._state()
                self._add(child, start, after)
                start = after
            self.jumps[start].append(end)
        elif node.kind == REPEAT:
            self._add_repeat(node, start, end)
        elif node.kind == AUTOMATON:
            n_states, edges, accepting = node.payload  # type: ignore[misc]
            numbers = [self._state() for _ in range(n_states)]
            self.jumps[start].append(numbers[0])
            for source, members, after in edges:
                self.steps[numbers[source]].append((members, numbers[after]))
            for state in accepting:
                self.jumps[numbers[state]].append(end)
        elif node.kind == MULTIPLES:
            self._add_multiples(node, start, end)
        else:
            raise ValueError(f"not a regular node: {node.kind}")

    def _add_multiples(self, node: Expression, start: int, end: int) -> None:
        """All states of the automaton that the front end makes when it meets them."""
        numbers = {node: start}
        for state in (waiting := [node]):
            if state.nullable:
                self.jumps[numbers[state]].append(end)
            for members, after in transitions(state):
                if after not in numbers:
                    numbers[after] = self._state()
                    waiting.append(after)
                self.steps[numbers[state]].append((members, numbers[after]))

    def _add_repeat(self, node: Expression, start: int, end: int) -> None:
        least, most = node.payload  # type: ignore[misc]
        for _ in range(least):
            after = self._state()
            self._add(node.children[0], start, after)
            start = after
        if most == UNLIMITED:
            loop, after = self._state(), self._state()
            self.jumps[start].append(loop)
            self._add(node.children[0], loop, after)
            self.jumps[after].append(loop)
            self.jumps[loop].append(end)
            return
        self.jumps[start].append(end)
        for _ in range(most - least):
            after = self._state()
            self._add(node.children[0], start, after)
            self.jumps[after].append(end)
            start = after
