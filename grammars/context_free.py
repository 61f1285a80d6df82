"""Any context-free grammar as a transition network: left recursion, hidden or not, empty rules, ambiguity.

In come rules as trees (`rules.py`), out comes a `Grammar` whose states are made on demand. A state belongs to
a *goal*, the rule that was called, and is the set of positions (`positions.py`) one of which was read last;
so options that begin alike are followed together. Symbols that lead to the same state are one edge.

The core enters a called rule before it reads anything, so no rule may call itself first. Rules that do, over
others or behind rules that may be empty, are the components of the graph of *left calls*, and inside such a
component a goal is read from the left corner up (Rosenkrantz & Lewis 1970): it begins with whatever begins
some rule of the component and is no left call; whenever a rule of the component may be complete, the reading
may go on after each of its left calls in the component. It is a loop between states: the stack does not
grow, and `expr: expr "+" term | term` costs what `term ("+" term)*` costs. Called rules are never empty: a
caller skips them instead.

Ambiguity is no matter here: the core keeps all ways to read a text at once. Cost: a state is made when it is
reached, from the positions that may follow; there are at most as many as the core allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from types import MappingProxyType
from typing import cast

from .errors import LimitExceededError, UnsupportedFeatureError
from .expressions import Expression, union
from .grammar import (
    END,
    CallEdge,
    CaptureRule,
    Edge,
    Expansion,
    Grammar,
    TerminalEdge,
    TokenEdge,
    TokenLimit,
)
from .nullable import without_empty
from .positions import NEVER, Positions
from .remarks import NO_END, Remark, no_text
from .rules import Embedded, Leaf, RuleCall, SpecialToken, Tree, calls_of, simplify, strongly_connected
from .tail_calls import TailCalls


class ContextFreeGrammar(Grammar):
    """The texts that a rule derives. Front ends give the rules; all names that are called are defined.

    rules, start_rule: as they were given. captured: by rule, how its texts are handed out. limits: by rule,
    which has to be one expression that is not nullable, the most tokens that its text takes. temperatures: by
    rule, that of its tokens. remarks: (rule, what may be wrong with it); front ends add theirs. A grammar in
    a rule (`Embedded`) is an edge for the token ~number here, which `Composition` makes a call of.

    Raises: UnsatisfiableError if there is no text; LimitExceededError for rules that are too large;
        UnsupportedFeatureError for a rule that is captured, or has a temperature, and calls itself first.
    """

    start = 1
    is_ambiguous = True

    def __init__(
        self,
        rules: Mapping[str, Tree],
        start_rule: str,
        captured: Mapping[str, CaptureRule] = MappingProxyType({}),
        limits: Mapping[str, int] = MappingProxyType({}),
        temperatures: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        kept = {*captured, *limits, *temperatures}
        if start_rule in kept:  # what is captured is called
            rules, start_rule = {**rules, "": RuleCall(start_rule)}, ""
        self.rules = rules
        self.start_rule = start_rule
        self._captured, self._limits, self._temperatures = dict(captured), dict(limits), dict(temperatures)
        self._kept = frozenset(kept)
        simplified = simplify(rules, start_rule, kept)
        self.remarks: tuple[Remark, ...] = tuple(
            (name, NO_END) for name in rules if name in simplified.without_end
        )
        self._positions = Positions(simplified)
        self._shared = {without_empty(expression) for expression in simplified.shared}
        if self._positions.shortest[start_rule] >= NEVER and start_rule not in simplified.nullable:
            if start_rule not in simplified.without_end:
                raise LimitExceededError(
                    f"the bytes of the shortest text of rule {start_rule!r}", given="more", limit=NEVER
                )
            raise no_text(start_rule or next(calls_of(rules[start_rule]), "start"))
        self._component = self._left_components()
        self.has_captures = any(name in simplified.rules for name in captured)
        for name in kept:
            if self._component.get(name):
                raise UnsupportedFeatureError(
                    f"{'capturing' if name in captured else 'a temperature for'} rule {name!r}, which calls "
                    "itself first,",
                    advice="give that to a rule that calls it and nothing else",
                )
        self.has_temperatures = any(name in simplified.rules for name in temperatures)
        self.token_limits = tuple(
            TokenLimit(name, most, cast(Expression, simplified.rules[name]))
            for name, most in limits.items()
            if isinstance(simplified.rules.get(name), Expression)
        )
        self.special_token_ids = frozenset(
            symbol.token_id for symbol in self._positions.symbols if isinstance(symbol, SpecialToken)
        )
        self._is_empty_allowed = start_rule in simplified.nullable
        self._goals: dict[str, _Goal] = {}
        self._tail_calls = TailCalls(self._goal)
        # By state: its goal and positions; none of them for the begin of a goal, no goal for the whole.
        self._places: list[tuple[str, frozenset[int]] | None] = [None, None]
        self._states: dict[tuple[str, frozenset[int]], int] = {}

    def expand(self, state: int) -> Expansion:
        place = self._places[state]
        if place is None:  # the start: nothing comes after the rule, so that it may be empty
            expansion = self._expand(self.start_rule, frozenset())
            return expansion._replace(final=True, finish=-1) if self._is_empty_allowed else expansion
        return self._expand(*place)

    def capture_of(self, state: int) -> CaptureRule | None:
        place = self._places[state]
        return None if place is None or place[1] else self._captured.get(place[0])

    def rule_name(self, state: int) -> str:
        place = self._places[state]
        if place is None:
            return self.start_rule or "start"
        return "" if place[1] else place[0]

    def _expand(self, name: str, read: frozenset[int]) -> Expansion:
        goal = self._goal(name)
        edges: list[Edge] = []
        costs: list[int] = []
        terminal_to: dict[int, int] = {}  # next state -> edge
        for symbol, positions in goal.by_symbol(read).items():
            after = self._state(goal, positions)
            cost = min(self._positions.cost(position) + goal.to_end(position) for position in positions)
            known = None if symbol in self._shared else terminal_to.get(after)
            if isinstance(symbol, Expression) and known is not None:
                edges[known] = TerminalEdge(union(cast(TerminalEdge, edges[known]).terminal, symbol), after)
                costs[known] = min(costs[known], cost)
                continue
            if isinstance(symbol, Expression):
                if symbol not in self._shared:
                    terminal_to[after] = len(edges)
                edges.append(TerminalEdge(symbol, after))
            elif isinstance(symbol, RuleCall):
                edges.append(
                    CallEdge(self._numbered(symbol.name, frozenset()), self._after_call(symbol, after))
                )
            elif isinstance(symbol, Embedded):
                edges.append(TokenEdge(~symbol.number, after))
            else:
                edges.append(TokenEdge(symbol.token_id, after))
            costs.append(cost)
        final = goal.is_complete(read)
        finish = costs.index(min(costs)) if costs and not final else -1
        if not read or name not in self._kept:
            return Expansion(edges, final=final, finish=finish)
        most_tokens, temperature = self._limits.get(name, 0), self._temperatures.get(name)
        return Expansion(edges, final=final, finish=finish, most_tokens=most_tokens, temperature=temperature)

    def _after_call(self, call: RuleCall, after: int) -> int:
        """Where to go on after a call: at the end, if the callee may read all that might follow."""
        place = self._places[after]
        if after == END or place is None or self._kept & {call.name, place[0]}:
            return after
        caller = self._goal(place[0])
        if not caller.is_complete(place[1]):
            return after
        return END if self._tail_calls.needs_no_frame(call.name, caller, place[1]) else after

    def _state(self, goal: _Goal, positions: list[int]) -> int:
        read = goal.closed(positions)
        is_said = goal.name in self._limits or goal.name in self._temperatures  # of the states of the rule
        if not is_said and goal.is_complete(read) and not goal.following(read):
            return END
        return self._numbered(goal.name, read)

    def _numbered(self, name: str, read: frozenset[int]) -> int:
        state = self._states.setdefault((name, read), len(self._places))
        if state == len(self._places):
            self._places.append((name, read))
        return state

    def _goal(self, name: str) -> _Goal:
        found = self._goals.get(name)
        if found is None:
            found = self._goals[name] = _Goal(name, self._component[name], self._positions)
        return found

    def _left_components(self) -> dict[str, frozenset[str]]:
        """By rule: those that are left corners of each other with it; none if it never calls itself first."""
        positions = self._positions

        def left_calls(name: str) -> list[str]:
            symbols = [positions.symbols[position] for position in positions.parts[name].first]
            return [symbol.name for symbol in symbols if isinstance(symbol, RuleCall)]

        found: dict[str, frozenset[str]] = {}
        for component in strongly_connected(positions.parts, left_calls):
            is_recursive = len(component) > 1 or component[0] in left_calls(component[0])
            found.update(dict.fromkeys(component, frozenset(component if is_recursive else ())))
        return found


class _Goal:
    """One called rule with its left corners.

    first: the positions at which it may begin.
    """

    def __init__(self, name: str, component: frozenset[str], positions: Positions) -> None:
        self.name = name
        self._positions = positions
        self._component = component
        firsts = [position for rule in component or (name,) for position in positions.parts[rule].first]
        # By rule of the component: what was read once it is complete as the left corner of another one.
        self._corners: dict[str, list[int]] = {rule: [] for rule in component}
        self.first: list[int] = []
        for position in sorted(firsts):
            symbol = positions.symbols[position]
            if isinstance(symbol, RuleCall) and symbol.name in component:
                self._corners[symbol.name].append(position)
            else:
                self.first.append(position)
        self._to_end: dict[int, int] = {}
        self._moves: dict[frozenset[int], dict[Leaf, frozenset[int]]] = {}

    def closed(self, read: list[int]) -> frozenset[int]:
        """The positions, and the left calls that may be complete with them."""
        found = set(read)
        waiting = list(read)
        while waiting:
            for corner in self._corners_after(waiting.pop()):
                if corner not in found:
                    found.add(corner)
                    waiting.append(corner)
        return frozenset(found)

    def _corners_after(self, position: int) -> list[int]:
        owner = self._positions.owners[position]
        return self._corners.get(owner, []) if position in self._positions.ends else []

    def moves(self, read: frozenset[int]) -> dict[Leaf, frozenset[int]]:
        """The positions, closed, that are read last after each symbol."""
        if read not in self._moves:
            self._moves[read] = {
                symbol: self.closed(positions) for symbol, positions in self.by_symbol(read).items()
            }
        return self._moves[read]

    def by_symbol(self, read: frozenset[int]) -> dict[Leaf, list[int]]:
        """The positions that may come next, by what is read there; none read: at the begin."""
        found: dict[Leaf, list[int]] = {}
        for position in self.following(read) if read else self.first:
            found.setdefault(self._positions.symbols[position], []).append(position)
        return found

    def following(self, read: frozenset[int]) -> list[int]:
        return list(
            dict.fromkeys(after for position in sorted(read) for after in self._positions.follow[position])
        )

    def is_complete(self, read: frozenset[int]) -> bool:
        """Whether the goal may be over after these positions (closed)."""
        ends, owners = self._positions.ends, self._positions.owners
        return any(position in ends and owners[position] == self.name for position in read)

    def to_end(self, position: int) -> int:
        """Bytes that complete the goal at best after a position."""
        if not self._to_end:
            self._find_ends()
        return self._to_end.get(position, NEVER)

    def _find_ends(self) -> None:
        """Dijkstra (1959), backwards from the ends of the goal."""
        positions = self._positions
        before: dict[int, list[tuple[int, int]]] = {}  # after -> (before, cost)
        for rule in self._component or (self.name,):
            for position in positions.of_rule(rule):
                for after in positions.follow[position]:
                    before.setdefault(after, []).append((position, positions.cost(after)))
                for corner in self._corners_after(position):
                    before.setdefault(corner, []).append((position, 0))
        waiting = [(0, position) for position in positions.parts[self.name].last]
        while waiting:
            cost, position = heappop(waiting)
            if position in self._to_end:
                continue
            self._to_end[position] = cost
            for earlier, step in before.get(position, ()):
                if earlier not in self._to_end:
                    heappush(waiting, (cost + step, earlier))
