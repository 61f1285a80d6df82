"""LALR tables against those of `lark`, state by state from the start."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tokentrellis.grammars.lalr import LalrTable, lalr_table

pytest.importorskip("lark")
from lark.common import ParserConf
from lark.exceptions import GrammarError
from lark.grammar import NonTerminal, Rule, RuleOptions, Terminal
from lark.parsers.lalr_analysis import LALR_Analyzer

N_TERMINALS = 4
END = N_TERMINALS


def random_rules(rng: random.Random) -> tuple[list[tuple[int, list[int]]], list[int]]:
    """Rules of a few names, all different, and their priorities; the first name is the start."""
    n_names = rng.randint(1, 5)
    rules = []
    for name in range(n_names):
        for _ in range(rng.randint(1, 3)):
            length = rng.choice((0, 1, 1, 2, 2, 3))
            symbols = [
                rng.randrange(N_TERMINALS) if rng.random() < 0.6 else ~rng.randrange(n_names)
                for _ in range(length)
            ]
            if (name, symbols) not in rules:
                rules.append((name, symbols))
    return rules, [rng.choice((0, 0, 0, 1, 2)) for _ in rules]


def of_lark(rules: list[tuple[int, list[int]]], priorities: list[int]) -> LALR_Analyzer | None:
    """Its analysis; None where it finds a conflict."""

    def symbol(number: int) -> Any:
        return Terminal(f"T{number}") if number >= 0 else NonTerminal(f"n{~number}")

    made = [
        Rule(
            NonTerminal(f"n{origin}"),
            [symbol(number) for number in symbols],
            order=order,
            options=RuleOptions(),
        )
        for order, (origin, symbols) in enumerate(rules)
    ]
    for rule, priority in zip(made, priorities, strict=True):
        rule.options.priority = priority
    analyzer = LALR_Analyzer(ParserConf(made, {}, ["n0"]), debug=True)
    try:
        analyzer.compute_lalr()
    except GrammarError:
        return None
    return analyzer


def differences(table: LalrTable, analyzer: LALR_Analyzer, rules: list[tuple[int, list[int]]]) -> list[str]:
    theirs: Any = analyzer.parse_table
    number_of = {(origin, tuple(symbols)): number for number, (origin, symbols) in enumerate(rules)}

    def rule_number(rule: Any) -> int:
        if rule.origin.name.startswith("$root"):
            return len(rules)
        symbols = tuple(int(s.name[1:]) if s.is_term else ~int(s.name[1:]) for s in rule.expansion)
        return number_of[int(rule.origin.name[1:]), symbols]

    found = []
    same = {table.start: theirs.start_states["n0"]}
    waiting = [table.start]
    while waiting:
        state = waiting.pop()
        actions: dict[str, Any] = {}
        steps = {f"n{name}": to for name, to in table.gotos[state].items()}
        for terminal, action in table.actions[state].items():
            name = "$END" if terminal == END else f"T{terminal}"
            if action > 0:
                steps[name] = action - 1
            else:
                actions[name] = ~action
        expected = theirs.states[same[state]]
        reductions = {n: rule_number(to) for n, (kind, to) in expected.items() if kind.name == "Reduce"}
        shifts = {n: to for n, (kind, to) in expected.items() if kind.name == "Shift"}
        if reductions != actions or shifts.keys() != steps.keys():
            found.append(f"state {state}: {actions} {sorted(steps)}, expected {reductions} {sorted(shifts)}")
            continue
        kernel = {(rule_number(p.rule), p.index) for p in same[state]}
        if not set(table.kernels[state]) <= kernel:
            found.append(f"state {state} has the items {table.kernels[state]}, expected among {kernel}")
        for name, to in steps.items():
            if to not in same:
                same[to] = shifts[name]
                waiting.append(to)
            elif same[to] != shifts[name]:
                found.append(f"{state} leads by {name} to another state")
    if same.get(table.accepting) != theirs.end_states["n0"]:
        found.append("another state accepts")
    if len(same) != len(theirs.states):
        found.append(f"{len(same)} states, expected {len(theirs.states)}")
    return found


def table_of(rules: list[tuple[int, list[int]]], priorities: list[int]) -> LalrTable | None:
    n_names = max(origin for origin, _ in rules) + 1
    return lalr_table([*rules, (n_names, [~0])], [*priorities, 0], len(rules), END)


def test_random_grammars_get_the_tables_of_lark() -> None:
    n_tables = n_conflicts = 0
    for seed in range(400):
        rules, priorities = random_rules(random.Random(seed))
        analyzer = of_lark(rules, priorities)
        table = table_of(rules, priorities)
        assert (table is None) == (analyzer is None), (seed, rules, priorities)
        if table is None or analyzer is None:
            n_conflicts += 1
            continue
        n_tables += 1
        assert differences(table, analyzer, rules) == [], (seed, rules)
    assert n_tables > 100
    assert n_conflicts > 30


def test_the_comparison_sees_a_wrong_look_ahead() -> None:
    rules = [(0, [~1, 0]), (0, [1, ~1, 2]), (1, [3])]
    table, analyzer = table_of(rules, [0] * 3), of_lark(rules, [0] * 3)
    assert table is not None
    assert analyzer is not None
    assert differences(table, analyzer, rules) == []
    for actions in table.actions:
        for terminal, action in list(actions.items()):
            if action < 0:
                actions[1] = action
                del actions[terminal]
                break
    assert differences(table, analyzer, rules) != []


def test_a_deep_chain_of_rules_needs_no_recursion() -> None:
    n = 3000
    rules = [(name, [~(name + 1)]) for name in range(n)] + [(n, [0])]
    table = table_of(rules, [0] * len(rules))
    assert table is not None
    assert len(table.kernels) == n + 3
