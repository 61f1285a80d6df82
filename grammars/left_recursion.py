"""Rules that call themselves first -> rules for the same texts that do not.

For notations whose readers refuse them: llama.cpp reads GBNF from the top down. In come rules as trees
(`rules.py`), out come the same rules but for those in a cycle of *left calls*: of each such rule the options
are listed by what they begin with, what begins with an earlier rule of the cycle is put in its place, and
`a: a x | y` becomes `a: y x*` (Paull 1975). Where rules of the cycle may be empty, all rules are first
rewritten so that none is, and calls of them may be missing instead. Cost: the options that are listed,
MOST_OPTIONS at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .errors import LimitExceededError, UnsupportedFeatureError
from .expressions import EMPTY, UNLIMITED, Expression
from .nullable import without_empty
from .rules import (
    NOTHING,
    Choice,
    Repetition,
    RuleCall,
    Sequence,
    Tree,
    components,
    is_nullable,
    nullable_rules,
    strongly_connected,
)

MOST_OPTIONS = 2_000

Option = tuple[Tree, ...]


def without_left_recursion(rules: Mapping[str, Tree], start: str) -> dict[str, Tree]:
    """The rules that the start reaches, none of which calls itself first.

    Raises: UnsupportedFeatureError where that is not found; LimitExceededError beyond MOST_OPTIONS options.
    """
    changed, cycles = _rewritten(rules, start)
    if cycles:
        changed, cycles = _rewritten(_without_empty_rules(rules, start), start)
    if cycles:
        raise UnsupportedFeatureError(
            f"rule {cycles[0][0]!r}, which calls itself first in a way that is not rewritten,",
            advice="let it read something before it calls itself, or convert to another notation",
        )
    return changed


def _rewritten(rules: Mapping[str, Tree], start: str) -> tuple[dict[str, Tree], list[list[str]]]:
    """The rules with each cycle of left calls rewritten, and the cycles that are still there."""
    changed = dict(rules)
    nullable = _nullable(changed, start)
    for cycle in list(_cycles(changed, nullable)):
        changed.update(_Cycle(changed, nullable, cycle).rewritten())
    return changed, list(_cycles(changed, _nullable(changed, start)))


def _without_empty_rules(rules: Mapping[str, Tree], start: str) -> dict[str, Tree]:
    """The rules without the empty text, but for the start; calls of what could be empty may be missing."""
    nullable = _nullable(rules, start)
    renamed = {name: name for name in rules}
    if start in nullable:
        while start in renamed.values():
            renamed[start] += "-text"

    def some(tree: Tree) -> Tree:
        if isinstance(tree, RuleCall):
            return RuleCall(renamed[tree.name])
        if isinstance(tree, Expression):
            expression = without_empty(tree)
            return NOTHING if expression is EMPTY else expression
        if isinstance(tree, Choice):
            return Choice(tuple(some(option) for option in tree.options))
        if isinstance(tree, Repetition):
            item = some(tree.item) if is_nullable(tree.item, nullable) else whole(tree.item)
            least = 1 if is_nullable(tree.item, nullable) else max(1, tree.least)
            return NOTHING if tree.most == 0 else Repetition(item, least, tree.most)
        if isinstance(tree, Sequence):
            if not is_nullable(tree, nullable):
                return Sequence(tuple(map(whole, tree.items)))
            options = [
                Sequence((some(item), *map(whole, tree.items[place + 1 :])))
                for place, item in enumerate(tree.items)
            ]
            return Choice(tuple(options))
        return tree

    def whole(tree: Tree) -> Tree:
        if isinstance(tree, Expression):
            return tree
        return Repetition(some(tree), 0, 1) if is_nullable(tree, nullable) else some(tree)

    changed = {renamed[name]: some(tree) for name, tree in rules.items()}
    return {start: whole(RuleCall(start)), **changed} if start in nullable else changed


def _nullable(rules: Mapping[str, Tree], start: str) -> set[str]:
    return nullable_rules(rules, components(rules, [start]))


def _cycles(rules: Mapping[str, Tree], nullable: set[str]) -> Iterator[list[str]]:
    """The rules that call themselves first, those together that do so over each other."""

    def first_calls(name: str) -> list[str]:
        return [called for called in _first_calls(rules[name], nullable) if called in rules]

    for component in strongly_connected(list(rules), first_calls):
        if len(component) > 1 or component[0] in first_calls(component[0]):
            yield sorted(component, key=list(rules).index)


def _first_calls(tree: Tree, nullable: set[str]) -> Iterator[str]:
    """The rules that a tree may call before it reads anything."""
    if isinstance(tree, RuleCall):
        yield tree.name
    elif isinstance(tree, Choice):
        for option in tree.options:
            yield from _first_calls(option, nullable)
    elif isinstance(tree, Repetition):
        yield from _first_calls(tree.item, nullable)
    elif isinstance(tree, Sequence):
        for item in tree.items:
            yield from _first_calls(item, nullable)
            if not is_nullable(item, nullable):
                return


class _Cycle:
    """Rules that call each other first."""

    def __init__(self, rules: Mapping[str, Tree], nullable: set[str], names: list[str]) -> None:
        self.rules, self.nullable, self.names = rules, nullable, names
        self.n_options = 0

    def rewritten(self) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        for place, name in enumerate(self.names):
            options = self.options((self.rules[name],))
            for earlier in self.names[:place]:
                known = self.options((found[earlier],))
                options = [
                    new
                    for option in options
                    for new in (
                        [head + option[1:] for head in known]
                        if option[:1] == (RuleCall(earlier),)
                        else [option]
                    )
                ]
                self.count(len(options))
            found[name] = self.without_itself(name, options)
        return found

    def without_itself(self, name: str, options: list[Option]) -> Tree:
        """`a: a x | y` as `a: y x*`."""
        begins = [Sequence(option) for option in options if option[:1] != (RuleCall(name),)]
        further = [
            Sequence(option[1:]) for option in options if option[:1] == (RuleCall(name),) and option[1:]
        ]
        if not begins:
            return NOTHING
        if not further:
            return Choice(tuple(begins))
        more = Repetition(Choice(tuple(further)), 0, UNLIMITED)
        return Choice(tuple(Sequence((begin, more)) for begin in begins))

    def options(self, items: Option) -> list[Option]:
        """What a sequence may be, by what it begins with: nothing, or what is not empty."""
        self.count(1)
        if not items:
            return [()]
        first, rest = items[0], items[1:]
        if isinstance(first, Choice):
            return [option for one in first.options for option in self.options((one, *rest))]
        if isinstance(first, Sequence):
            return self.options((*first.items, *rest))
        if isinstance(first, RuleCall) and first.name in self.nullable and first.name not in self.names:
            return self.options((self.rules[first.name], *rest))
        if isinstance(first, Repetition) and self.begins_here(first.item):
            return self.repeated(first, rest)
        if isinstance(first, Repetition) and first.least == 0:
            once = Repetition(first.item, 1, first.most)
            return [(once, *rest), *self.options(rest)]
        if isinstance(first, Expression) and first.nullable:
            something = without_empty(first)
            with_it = [] if something is EMPTY else [(something, *rest)]
            return [*with_it, *self.options(rest)]
        return [items]

    def begins_here(self, tree: Tree) -> bool:
        return any(name in self.names for name in _first_calls(tree, self.nullable))

    def repeated(self, tree: Repetition, rest: Option) -> list[Option]:
        """A repetition whose item begins with a rule of the cycle: its first round, and those after it."""
        if is_nullable(tree.item, self.nullable):
            return [(tree, *rest)]  # found again, and refused
        most = tree.most if tree.most == UNLIMITED else tree.most - 1
        more = Repetition(tree.item, max(0, tree.least - 1), most)
        found = self.options((tree.item, *(() if most == 0 else (more,)), *rest))
        return found if tree.least else [*found, *self.options(rest)]

    def count(self, more: int) -> None:
        self.n_options += more
        if self.n_options > MOST_OPTIONS:
            raise LimitExceededError(
                "the options of rules that call themselves first",
                given=f"more than {MOST_OPTIONS}",
                limit=MOST_OPTIONS,
                advice="rewrite these rules, or convert to another notation",
            )
