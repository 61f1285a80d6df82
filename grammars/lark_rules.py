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
from .lark_extensions import Attributes
from .lark_source import LarkSource
from .lazy_terminals import lazy_neighbours, shortest_only, without_lazy
from .nullable import without_empty
from .regex import pattern_expression
from .rules import Choice, Embedded, RuleCall, Sequence, SpecialToken, Tree

if TYPE_CHECKING:
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
        self._patterns[""] = EPSILON  # of no terminal
        ignored = [without_empty(self._patterns[name]) for name in source.ignored]
        self._skipped = repeat(union(*ignored)) if ignored else EPSILON
        reached = {rule.origin.name for rule in source.rules}
        self._lazy = {
            rule: shortest_only(concatenate(*self._body_and_suffix(one)))
            for rule, one in extensions.attributes.items()
            if one.body and rule in reached  # a terminal may be known without its rule, for an equal one
        }
        self.rules = self._trees()
        self.captured = {
            rule: CaptureRule(one.capture, self._skipped, *self._body_and_suffix(one), one.suffix_capture)
            for rule, one in extensions.attributes.items()
            if (one.capture or one.suffix_capture) and rule in self.rules
        }

    def _body_and_suffix(self, attributes: Attributes) -> tuple[Expression, Expression]:
        """Of a rule that is a terminal, what it is and what ends it; the empty text where there is none."""
        return self._patterns[attributes.body], self._patterns[attributes.suffix]

    def _trees(self) -> dict[str, Tree]:
        expansions, terminals = self._expansions()
        lazy = {place: self._lazy[name] for place, name in enumerate(terminals) if name in self._lazy}
        neighbours = lazy_neighbours(expansions, self.source.start, lazy) if lazy else {}
        options: dict[str, list[Tree]] = {}
        for name, symbols in expansions:
            items = [
                RuleCall(symbol)
                if isinstance(symbol, str)
                else self._leaf(terminals[symbol], tuple(neighbours.get(symbol, ())))
                for symbol in symbols
            ]
            options.setdefault(name, []).append(Sequence(tuple(items)))
        rules: dict[str, Tree] = {name: Choice(tuple(found)) for name, found in options.items()}
        rules[""] = Sequence((RuleCall(self.source.start), self._skipped))
        return rules

    def _expansions(self) -> tuple[list[tuple[str, list[str | int]]], list[str]]:
        """The rules, with the names of those that they call and the numbers of the places where a terminal
        stands; by place, the terminal. A lazy one has the name of its rule.
        """
        expansions: list[tuple[str, list[str | int]]] = []
        terminals: list[str] = []
        for rule in self.source.rules:
            name = rule.origin.name
            written = [(symbol.name, symbol.is_term) for symbol in rule.expansion]
            symbols: list[str | int] = []
            for symbol, is_terminal in [(name, True)] if name in self._lazy else written:
                symbols.append(len(terminals) if is_terminal else symbol)
                if is_terminal:
                    terminals.append(symbol)
            expansions.append((name, symbols))
        return expansions, terminals

    def _leaf(self, name: str, lazy_ones: tuple[Expression, ...]) -> Tree:
        if name in self.source.special_tokens:
            return Sequence((self._skipped, SpecialToken(self.source.special_tokens[name])))
        if name in self._numbers:
            return Sequence((self._skipped, self._embedded_leaf(self._numbers[name])))
        is_lazy = name in self._lazy
        expression = self._lazy[name] if is_lazy else self._patterns[name]
        return concatenate(self._skipped, without_lazy(expression, lazy_ones, is_lazy=is_lazy))

    def _embedded_leaf(self, number: int) -> Tree:
        grammar = self.embedded[number]
        beginning = grammar.expand(grammar.start)
        if not beginning.edges:  # nothing but the empty text
            return EPSILON
        leaf = Embedded(number, cost_of(grammar))
        return Choice((leaf, EPSILON)) if beginning.final else leaf

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
