"""Lark's compiled rules -> rules as trees, each terminal ending wherever it matches (`lexer="dynamic"`).

What is ignored may stand before each terminal and at the end. Special tokens, grammars in rules, quotations
and lazy terminals are put in where the text that the library compiled has something in their place
(`lark_extensions.py`). Cost: linear in the rules; with lazy terminals that of the LALR states too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .composition import cost_of
from .errors import GrammarError, UnsupportedFeatureError
from .expressions import EPSILON, Expression, concatenate, repeat, union
from .grammar import CaptureRule, Grammar
from .lark_source import LarkSource
from .lazy_terminals import lazy_neighbours, shortest_only, without_lazy
from .nullable import without_empty
from .regex import pattern_expression
from .rules import Choice, Embedded, RuleCall, Sequence, SpecialToken, Tree

if TYPE_CHECKING:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef


class LarkRules:
    """The rules of a grammar.

    rules: by name; the start is "". captured: by rule, how its texts are handed out. embedded: the grammars
    that `Embedded` numbers.
    """

    def __init__(self, source: LarkSource) -> None:
        self.source = source
        extensions = source.extensions
        self.embedded: list[Grammar] = list(extensions.embedded.values())
        self._numbers = {name: number for number, name in enumerate(extensions.embedded)}
        self._patterns = {terminal.name: self._expression_of(terminal) for terminal in source.terminals}
        ignored = [without_empty(self._patterns[name]) for name in source.ignored]
        self._skipped = repeat(union(*ignored)) if ignored else EPSILON
        reached = {rule.origin.name for rule in source.rules}
        self._lazy = {
            rule: shortest_only(
                concatenate(*[self._patterns[name] for name in (one.body, one.suffix) if name])
            )
            for rule, one in extensions.attributes.items()
            if one.body and rule in reached  # a terminal may be known without its rule, for an equal one
        }
        self.rules = self._trees()
        self.captured = {
            rule: CaptureRule(one.capture, self._skipped)
            if not one.suffix
            else CaptureRule(
                *(one.capture, self._skipped, self._patterns[one.body], self._patterns[one.suffix]),
                one.suffix_capture,
            )
            for rule, one in extensions.attributes.items()
            if (one.capture or one.suffix_capture) and rule in self.rules
        }

    def _trees(self) -> dict[str, Tree]:
        expansions = [(rule.origin.name, self._symbols(rule.origin.name, rule)) for rule in self.source.rules]
        neighbours = self._neighbours(expansions) if self._lazy else {}
        options: dict[str, list[Tree]] = {}
        n_places = 0
        for name, symbols in expansions:
            items: list[Tree] = []
            for symbol in symbols:
                if isinstance(symbol, RuleCall):
                    items.append(symbol)
                    continue
                items.append(self._leaf(symbol, list(neighbours.get(n_places, ()))))
                n_places += 1
            options.setdefault(name, []).append(Sequence(tuple(items)))
        rules: dict[str, Tree] = {name: Choice(tuple(found)) for name, found in options.items()}
        rules[""] = Sequence((RuleCall(self.source.start), self._skipped))
        return rules

    def _symbols(self, name: str, rule: Rule) -> list[RuleCall | str]:
        """The symbols of a rule: calls, and names of terminals; a lazy terminal has that of its rule."""
        if name in self._lazy:
            return [name]
        return [symbol.name if symbol.is_term else RuleCall(symbol.name) for symbol in rule.expansion]

    def _leaf(self, name: str, lazy_ones: list[Expression]) -> Tree:
        if name in self.source.special_tokens:
            return Sequence((self._skipped, SpecialToken(self.source.special_tokens[name])))
        if name in self._numbers:
            return Sequence((self._skipped, self._embedded_leaf(self._numbers[name])))
        expression = self._lazy.get(name)
        found = without_lazy(
            self._patterns[name] if expression is None else expression,
            *(lazy_ones,),
            is_lazy=expression is not None,
        )
        return concatenate(self._skipped, found)

    def _embedded_leaf(self, number: int) -> Tree:
        grammar = self.embedded[number]
        beginning = grammar.expand(grammar.start)
        if not beginning.edges:  # nothing but the empty text
            return EPSILON
        leaf = Embedded(number, cost_of(grammar))
        return Choice((leaf, EPSILON)) if beginning.final else leaf

    def _neighbours(
        self, expansions: list[tuple[str, list[RuleCall | str]]]
    ) -> dict[int, dict[Expression, None]]:
        """By place of a terminal in the rules, counted from left to right, the lazy terminals beside it."""
        rules: list[tuple[str, list[str | int]]] = []
        lazy: dict[int, Expression] = {}
        n_places = 0
        for name, symbols in expansions:
            numbered: list[str | int] = []
            for symbol in symbols:
                if isinstance(symbol, RuleCall):
                    numbered.append(symbol.name)
                    continue
                if symbol in self._lazy:
                    lazy[n_places] = self._lazy[symbol]
                numbered.append(n_places)
                n_places += 1
            rules.append((name, numbered))
        return lazy_neighbours(rules, self.source.start, lazy)

    def _expression_of(self, terminal: TerminalDef) -> Expression:
        try:
            return pattern_expression(
                terminal.pattern.to_regexp(),
                syntax="python",
                search=False,
                languages=tuple(self.source.extensions.patterns.items()),
            )
        except GrammarError as error:
            raise UnsupportedFeatureError(
                f"terminal {terminal.name}: {getattr(error, 'feature', error.message)}",
                got=terminal.pattern.value,
                advice=error.advice,
            ) from error
