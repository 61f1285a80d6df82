"""LALR(1) parse tables of a context-free grammar in numbers.

In come rules as (origin, symbols): terminals are numbers from 0 up, names of rules are ~0, ~1 and so on. The
states are the sets of LR(0) items (Knuth 1965), the look-ahead of their reductions is that of DeRemer &
Pennello (TOPLAS 4(4), 1982), with sets of terminals as the bits of an int. Where a terminal may be shifted
that is done; of two rules that could be reduced the one with the higher priority is, and there is no table if
neither has. Cost: some 0.1 ms for a state; `lark` makes the same tables (tests compare them) in several times
that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

Rule = tuple[int, Sequence[int]]


@dataclass
class LalrTable:
    """States by number. kernels: items as (rule, symbols read); actions: by terminal, state + 1 to shift,
    ~rule to reduce; gotos: by the number of a rule name. has_conflicts: somewhere there was a choice."""

    kernels: list[list[tuple[int, int]]] = field(default_factory=list)
    actions: list[dict[int, int]] = field(default_factory=list)
    gotos: list[dict[int, int]] = field(default_factory=list)
    start: int = 0
    accepting: int = 0
    has_conflicts: bool = False


def lalr_table(rules: Sequence[Rule], priorities: Sequence[int], root: int, end: int) -> LalrTable | None:
    """The table of a grammar; None if two rules with the same priority could be reduced in one place.

    root: the rule that reads the start and nothing else. end: the terminal that stands for the end.
    """
    return _Lalr(rules, priorities, root, end).table()


def expected_terminals(rules: Sequence[Rule], root: int, end: int) -> list[int]:
    """By LALR(1) state, conflicts or not, the terminals (bits) that may come next: those that it shifts, and
    those that follow what it may reduce."""
    return _Lalr(rules, [0] * len(rules), root, end).expected()


class _Lalr:
    """Items are numbers: one for each place in each rule, in order."""

    def __init__(self, rules: Sequence[Rule], priorities: Sequence[int], root: int, end: int) -> None:
        self.rules, self.priorities, self.root, self.end = rules, priorities, root, end
        self.first_item: list[int] = []
        self.next_symbol: list[int | None] = []
        self.rule_of: list[int] = []
        self.rules_of: dict[int, list[int]] = {}
        for number, (origin, symbols) in enumerate(rules):
            self.first_item.append(len(self.next_symbol))
            self.next_symbol += [*symbols, None]
            self.rule_of += [number] * (len(symbols) + 1)
            self.rules_of.setdefault(~origin, []).append(number)
        self.nullable = self._nullable()
        self.beginnings: dict[int, list[int]] = {}
        self.kernels: list[tuple[int, ...]] = []
        self.closures: list[list[int]] = []
        self.transitions: list[dict[int, int]] = []

    def table(self) -> LalrTable | None:
        self._make_states()
        lookaheads = self._lookaheads()
        made = LalrTable()
        for state, kernel in enumerate(self.kernels):
            made.kernels.append([self._place(item) for item in kernel])
            moves = self.transitions[state]
            made.gotos.append({~symbol: to for symbol, to in moves.items() if symbol < 0})
            actions = {symbol: to + 1 for symbol, to in moves.items() if symbol >= 0}
            for terminal, rule in self._reductions(lookaheads[state]):
                if rule is None:
                    return None
                made.has_conflicts |= terminal in actions
                actions.setdefault(terminal, ~rule)
            made.has_conflicts |= _overlap(lookaheads[state])
            made.actions.append(actions)
            if self.first_item[self.root] + 1 in kernel:
                made.accepting = state
        return made

    def expected(self) -> list[int]:
        self._make_states()
        return [
            sum(1 << symbol for symbol in moves if symbol >= 0) | reduce(or_, lookaheads.values(), 0)
            for moves, lookaheads in zip(self.transitions, self._lookaheads(), strict=True)
        ]

    def _place(self, item: int) -> tuple[int, int]:
        rule = self.rule_of[item]
        return rule, item - self.first_item[rule]

    def _nullable(self) -> set[int]:
        found: set[int] = set()
        changed = True
        while changed:
            changed = False
            for origin, symbols in self.rules:
                if ~origin not in found and all(symbol in found for symbol in symbols):
                    found.add(~origin)
                    changed = True
        return found

    # ---- LR(0) ---------------------------------------------------------------------------------------------
    def _begin(self, name: int) -> list[int]:
        """The items with which a name may begin."""
        known = self.beginnings.get(name)
        if known is not None:
            return known
        found: list[int] = []
        seen, waiting = {name}, [name]
        while waiting:
            for rule in self.rules_of.get(waiting.pop(), ()):
                item = self.first_item[rule]
                found.append(item)
                symbol = self.next_symbol[item]
                if symbol is not None and symbol < 0 and symbol not in seen:
                    seen.add(symbol)
                    waiting.append(symbol)
        self.beginnings[name] = found
        return found

    def _make_states(self) -> None:
        numbers: dict[tuple[int, ...], int] = {}

        def number(kernel: tuple[int, ...]) -> int:
            made = numbers.setdefault(kernel, len(self.kernels))
            if made == len(self.kernels):
                self.kernels.append(kernel)
            return made

        number((self.first_item[self.root],))
        for kernel in self.kernels:  # grows below
            closure = dict.fromkeys(kernel)
            for item in kernel:
                symbol = self.next_symbol[item]
                if symbol is not None and symbol < 0:
                    closure.update(dict.fromkeys(self._begin(symbol)))
            moves: dict[int, list[int]] = {}
            for item in closure:
                symbol = self.next_symbol[item]
                if symbol is not None:
                    moves.setdefault(symbol, []).append(item + 1)
            self.closures.append(list(closure))
            self.transitions.append({symbol: number(tuple(sorted(to))) for symbol, to in moves.items()})

    # ---- look-ahead ----------------------------------------------------------------------------------------
    def _lookaheads(self) -> list[dict[int, int]]:
        """By state: of each rule that may be reduced, the terminals (bits) that may follow."""
        index = {
            (state, symbol): number
            for number, (state, symbol) in enumerate(
                (state, symbol)
                for state, moves in enumerate(self.transitions)
                for symbol in moves
                if symbol < 0
            )
        }
        follow = [0] * len(index)
        reads: list[list[int]] = [[] for _ in index]
        for (state, name), number in index.items():
            after = self.transitions[state][name]
            for symbol in self.transitions[after]:
                if symbol >= 0:
                    follow[number] |= 1 << symbol
                elif symbol in self.nullable:
                    reads[number].append(index[after, symbol])
        follow[index[0, self.rules[self.root][1][0]]] |= 1 << self.end
        _close(follow, reads)
        includes, lookback = self._includes(index)
        _close(follow, includes)
        lookaheads: list[dict[int, int]] = [{} for _ in self.kernels]
        for number, places in enumerate(lookback):
            for state, rule in places:
                lookaheads[state][rule] = lookaheads[state].get(rule, 0) | follow[number]
        return lookaheads

    def _includes(
        self, index: dict[tuple[int, int], int]
    ) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
        """Of each step by a name: the steps whose followers follow it too; where its rules are complete."""
        includes: list[list[int]] = [[] for _ in index]
        lookback: list[list[tuple[int, int]]] = [[] for _ in index]
        tails = [self._nullable_tail(symbols) for _, symbols in self.rules]
        for state, closure in enumerate(self.closures):
            for item in closure:
                rule, n_read = self._place(item)
                origin, symbols = self.rules[rule]
                number = index.get((state, ~origin))
                if number is None:
                    continue
                at = state
                for place in range(n_read, len(symbols)):
                    symbol = symbols[place]
                    if symbol < 0 and place >= tails[rule]:
                        includes[index[at, symbol]].append(number)
                    at = self.transitions[at][symbol]
                if n_read == 0:
                    lookback[number].append((at, rule))
        return includes, lookback

    def _nullable_tail(self, symbols: Sequence[int]) -> int:
        """The first place of a rule after which all may be empty."""
        place = len(symbols) - 1
        while place > 0 and symbols[place] in self.nullable:
            place -= 1
        return place

    def _reductions(self, lookaheads: dict[int, int]) -> Iterator[tuple[int, int | None]]:
        """The rule to reduce at each terminal; None where there are several with the highest priority."""
        by_priority = sorted(lookaheads, key=lambda rule: -self.priorities[rule])
        taken: dict[int, int] = {}  # priority -> terminals of which it decides
        done = 0
        for rule in by_priority:
            priority = self.priorities[rule]
            for terminal in bits(lookaheads[rule] & taken.get(priority, 0)):
                yield terminal, None
            for terminal in bits(lookaheads[rule] & ~done):
                yield terminal, rule
            taken[priority] = taken.get(priority, 0) | (lookaheads[rule] & ~done)
            done |= lookaheads[rule]


def _overlap(lookaheads: dict[int, int]) -> bool:
    """Whether a terminal may follow two rules that may be reduced."""
    seen = 0
    for terminals in lookaheads.values():
        if seen & terminals:
            return True
        seen |= terminals
    return False


def _close(values: list[int], includes: list[list[int]]) -> None:
    """Make each value the union of those that it reaches."""
    users: list[list[int]] = [[] for _ in values]
    for number, others in enumerate(includes):
        for other in others:
            users[other].append(number)
    waiting = list(range(len(values)))
    while waiting:
        at = waiting.pop()
        value = values[at]
        for user in users[at]:
            if value & ~values[user]:
                values[user] |= value
                waiting.append(user)


def bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
