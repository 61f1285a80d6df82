"""Lark's compiled rules -> rules as trees, each terminal ending wherever it matches (`lexer="dynamic"`).

What is ignored may stand before each terminal and at the end. Special tokens, grammars in rules, quotations
and lazy terminals are put in where the text that the library compiled has something in their place
(`lark_extensions.py`). A rule that takes so many tokens at most becomes two: what is ignored before it does
not count, so its terminal is a rule of its own. A rule with a `stop` is two as well where the stop stands
behind it in a rule: there it ends before the stop.

Cost: linear in the rules; with lazy terminals that of the LALR states too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .composition import cost_of
from .emptiness import is_empty
from .errors import GrammarError, UnsupportedFeatureError
from .expressions import EMPTY, EPSILON, Expression, concatenate, repeat, union
from .grammar import CaptureRule, Grammar
from .lark_extensions import Attributes
from .lark_source import LarkSource
from .lazy_terminals import lazy_neighbours, shortest_only, text_before, without_lazy
from .nullable import without_empty
from .regex import pattern_expression
from .rules import Choice, Embedded, RuleCall, Sequence, SpecialToken, Tree

if TYPE_CHECKING:
    from lark.lexer import TerminalDef


class LarkRules:
    """The rules of a grammar.

    rules: by name; the start is "". captured: by rule, how its texts are handed out. limits: by rule, the
    most tokens of its text. temperatures: by rule, that of its tokens. embedded: the grammars that `Embedded`
    numbers.
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
            if one.is_lazy and rule in reached  # a terminal may be known without its rule, for an equal one
        }
        self._strings = {t.name: t.pattern.value for t in source.terminals if _is_string(t)}
        self._firsts: dict[str, set[str]] = {}  # found when asked for
        self._before_stop: dict[str, str] = {}  # by the name of such a rule, the one that it is made of
        self.limits: dict[str, int] = {}
        self.rules = self._trees()
        self.captured: dict[str, CaptureRule] = {}
        self.temperatures: dict[str, float] = {}
        for rule in self.rules:
            one = self._attributes(rule)
            if one.capture or one.suffix_capture:
                self.captured[rule] = self._capture(rule, one)
            if one.temperature is not None:
                self.temperatures[rule] = one.temperature

    def _attributes(self, rule: str) -> Attributes:
        return self.source.extensions.attributes.get(self._before_stop.get(rule, rule), Attributes())

    def _capture(self, rule: str, attributes: Attributes) -> CaptureRule:
        if rule not in self._before_stop:
            ends = self._body_and_suffix(attributes)
            return CaptureRule(attributes.capture, self._skipped, *ends, attributes.suffix_capture)
        if attributes.suffix_capture:
            raise UnsupportedFeatureError(
                f"stop_capture of rule {self._before_stop[rule]!r}, whose stop is written by what follows,",
                advice="capture a rule that writes it",
            )
        return CaptureRule(attributes.capture, self._skipped)

    def _body_and_suffix(self, attributes: Attributes) -> tuple[Expression, Expression]:
        """Of a rule that is a terminal, what it is and what ends it; the empty text where there is none."""
        return self._patterns[attributes.body], self._patterns[attributes.suffix]

    def _trees(self) -> dict[str, Tree]:
        expansions, terminals = self._expansions()
        lazy = {place: self._lazy[name] for place, name in enumerate(terminals) if name in self._lazy}
        neighbours = lazy_neighbours(expansions, self.source.start, lazy) if lazy else {}
        options: dict[str, list[Tree]] = {}
        rules: dict[str, Tree] = {}
        for name, symbols in expansions:
            items: list[Tree] = []
            for place, symbol in enumerate(symbols):
                if isinstance(symbol, str):
                    items.append(RuleCall(symbol))
                    continue
                lazy_ones = tuple(neighbours.get(symbol, ()))
                if self._attributes(name).body:
                    items.append(self._rule_text(name, terminals[symbol], lazy_ones, rules))
                    continue
                is_stop = place > 0 and symbols[place - 1] in self._before_stop
                items.append(self._leaf(terminals[symbol], lazy_ones, EPSILON if is_stop else self._skipped))
            options.setdefault(name, []).append(Sequence(tuple(items)))
        rules.update({name: Choice(tuple(found)) for name, found in options.items()})
        rules[""] = Sequence((RuleCall(self.source.start), self._skipped))
        return rules

    def _expansions(self) -> tuple[list[tuple[str, list[str | int]]], list[str]]:
        """The rules, with the names of those that they call and the numbers of the places where a terminal
        stands; by place, the terminal. A lazy one has the name of its rule.
        """
        expansions: list[tuple[str, list[str | int]]] = []
        terminals: list[str] = []
        for rule in self.source.rules:
            name = str(rule.origin.name)
            written = [(str(symbol.name), symbol.is_term) for symbol in rule.expansion]
            symbols: list[str | int] = []
            for symbol, is_terminal in [(name, True)] if name in self._lazy else self._with_stops(written):
                symbols.append(len(terminals) if is_terminal else symbol)
                if is_terminal:
                    terminals.append(symbol)
            expansions.append((name, symbols))
        for name, rule_name in self._before_stop.items():
            expansions.append((name, [len(terminals)]))
            terminals.append(rule_name)
        return expansions, terminals

    def _with_stops(self, symbols: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
        """Symbols (name, whether it is a terminal), with other rules where a stop is what comes next."""
        made = list(symbols)
        for place, (rule, is_terminal) in enumerate(symbols[:-1]):
            one = self.source.extensions.attributes.get(rule)
            if is_terminal or one is None or not one.is_stop or one.suffix not in self._strings:
                continue
            stop, firsts = self._strings[one.suffix], self._firsts_of(*symbols[place + 1])
            if all(self._strings.get(first, "").startswith(stop) for first in firsts):
                name = f"{rule} (before its stop)"
                self._before_stop[name] = rule
                made[place] = (name, False)
        return made

    def _firsts_of(self, symbol: str, is_terminal: bool) -> set[str]:
        """The terminals with which a symbol may begin; "" is among them if it may be empty."""
        if is_terminal:
            return {symbol}
        if not self._firsts:
            self._firsts = first_terminals(
                [
                    (str(rule.origin.name), [(str(one.name), one.is_term) for one in rule.expansion])
                    for rule in self.source.rules
                ]
            )
        return self._firsts[symbol]

    def _rule_text(
        self, rule: str, terminal: str, lazy_ones: tuple[Expression, ...], rules: dict[str, Tree]
    ) -> Tree:
        """The terminal that a rule is; where it takes so many tokens at most, in a rule of its own."""
        most_tokens = self._attributes(rule).most_tokens
        if most_tokens is None and rule not in self._before_stop:
            return self._leaf(terminal, lazy_ones, self._skipped)
        text = self._leaf(terminal, lazy_ones, EPSILON)
        assert isinstance(text, Expression)  # as for all rules that have to be terminals
        if rule in self._before_stop:
            text = text_before(text, self._strings[self._attributes(rule).suffix].encode())
        if most_tokens is None:
            return concatenate(self._skipped, text)
        if most_tokens == 0 and not text.nullable:
            raise GrammarError(
                f"max_tokens of rule {rule!r}, whose text is not empty, must be 1 or more", got=most_tokens
            )
        called: Tree = EPSILON
        if most_tokens:
            name = f"{rule} (its text)"
            self.limits[name] = most_tokens
            rules[name] = without_empty(text)
            called = Choice((RuleCall(name), EPSILON)) if text.nullable else RuleCall(name)
        return Sequence((self._skipped, called))

    def _leaf(self, name: str, lazy_ones: tuple[Expression, ...], skipped: Expression) -> Tree:
        if name in self.source.special_tokens:
            return Sequence((skipped, SpecialToken(self.source.special_tokens[name])))
        if name in self._numbers:
            return Sequence((skipped, self._embedded_leaf(self._numbers[name])))
        is_lazy = name in self._lazy
        expression = self._lazy[name] if is_lazy else self._patterns[name]
        text = without_lazy(expression, lazy_ones, is_lazy=is_lazy)
        if lazy_ones and is_empty(text):  # the lazy ones leave it nothing, so what needs it derives nothing
            return EMPTY
        return concatenate(skipped, text)

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


def first_terminals(rules: Iterable[tuple[str, list[tuple[str, bool]]]]) -> dict[str, set[str]]:
    """By rule the terminals with which it may begin, and "" if it may be empty; by iteration.

    rules: name and symbols of each expansion: a name, and whether it is a terminal.
    """
    expansions = list(rules)
    firsts: dict[str, set[str]] = {name: set() for name, _ in expansions}
    is_changed = True
    while is_changed:
        is_changed = False
        for name, symbols in expansions:
            found = {""}
            for symbol, is_terminal in symbols:
                found = (found - {""}) | ({symbol} if is_terminal else firsts[symbol])
                if "" not in found:
                    break
            is_changed |= not found <= firsts[name]
            firsts[name] |= found
    return firsts


def _is_string(terminal: TerminalDef) -> bool:
    """Whether it is a string that is read as it is written."""
    return terminal.pattern.type == "str" and not terminal.pattern.flags
