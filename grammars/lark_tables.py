"""Lark's compiled rules -> LALR parse tables and a contextual lexer, as Lark itself makes them.

In come the rules and terminals that `lark` compiled a grammar to; `lalr.py` makes the LALR states, as its own
analyzer would. What its lexer does at run time with one regular expression for each state of the parser is
written down here: the terminals that the state accepts, in the order of priority, greatest length of a match,
length of the pattern, and name, and of the keywords those that a pattern reads too, which its text then
decides.

Source: lark 1.x, `lexer.py` and `parsers/lalr_analysis.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .emptiness import texts
from .errors import ConstraintError, GrammarError, UnsupportedFeatureError
from .expressions import Expression
from .lalr import LalrTable, lalr_table
from .lexeme_programs import LexemePrograms
from .nullable import without_empty
from .parse_tables import LexemeTables, ParseTables
from .regex import pattern_expression
from .regex_parser import parse_pattern
from .remarks import Remark, shadowed, takes_beginnings

if TYPE_CHECKING:
    from lark.grammar import Rule, Symbol
    from lark.lexer import TerminalDef

_END = "$END"
_MOST_CANDIDATES = 40  # short texts of a terminal that are tried
_LETTERS = [chr(code) for code in range(0x20, 0x7F)]
_FAR = 1 << 30


def lalr_tables(
    terminals: Sequence[TerminalDef],
    rules: Sequence[Rule],
    ignored: Sequence[str],
    start: str,
    special_tokens: Mapping[str, int],
) -> tuple[ParseTables, tuple[Remark, ...]]:
    """The tables of a grammar, and what is remarkable about its terminals.

    special_tokens: by the name of a terminal that has no pattern, the id that it stands for.

    Raises: GrammarError where the grammar is not LALR(1), or a terminal may be empty;
        UnsupportedFeatureError for conditions of terminals that are not followed.
    """
    lexer = _Lexer(terminals, ignored, special_tokens)
    grammar = _NumberedRules(rules, lexer, start)
    table = None
    if len(set(rules)) == len(rules):
        table = lalr_table(grammar.rules, grammar.priorities, grammar.root, lexer.number[_END])
    if table is None:
        raise _conflict(rules, start)
    return _tables(grammar, lexer, table), tuple(lexer.shadowed())


def _conflict(rules: Sequence[Rule], start: str) -> GrammarError:
    """Why there is no table, in the words of the library."""
    from lark.common import ParserConf
    from lark.exceptions import GrammarError as LarkGrammarError
    from lark.parsers.lalr_analysis import LALR_Analyzer

    said = "two rules may be reduced in one place"
    try:
        LALR_Analyzer(ParserConf(list(rules), {}, [start]), debug=True).compute_lalr()
    except LarkGrammarError as error:
        said = " ".join(str(error).split())[:1000]
    return GrammarError(
        f"the grammar is not LALR(1): {said}",
        advice="give one of the rules a priority, rewrite them, or ask for lexer='dynamic'",
    )


class _Lexer:
    """The terminals by number, in Lark's order, as programs, with what a state of the parser accepts."""

    def __init__(
        self, terminals: Sequence[TerminalDef], ignored: Sequence[str], special_tokens: Mapping[str, int]
    ) -> None:
        # The order of lark.lexer.BasicLexer.
        self.terminals = sorted(
            terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
        )
        self.names = [terminal.name for terminal in self.terminals]
        self.special_tokens = [-1] * len(self.names) + list(special_tokens.values())
        self.names += [*special_tokens, _END]
        self.special_tokens.append(-1)
        self.number = {name: number for number, name in enumerate(self.names)}
        self.ignored = [self.number[name] for name in dict.fromkeys(ignored)]
        self.programs = LexemePrograms()
        self.begins = [self._begin(number) for number in range(len(self.terminals))]
        self._patterns = [re.compile(terminal.pattern.to_regexp()) for terminal in self.terminals]
        self._read_words = [self._words_of(number) for number in range(len(self.terminals))]
        self._embedded = {
            (pattern, word)
            for pattern, words in enumerate(self._read_words)
            for word in words
            if set(self.terminals[word].pattern.flags) <= set(self.terminals[pattern].pattern.flags)
        }
        # A keyword that is ignored by itself is not where a pattern reads it that is not ignored: it has
        # another number then (`aliases`), or is an error (~number) where the parser does not take it. One
        # that a pattern reads which is ignored stays ignored.
        all_words = {word for words in self._read_words for word in words}
        self.aliases = {
            word: len(self.names) + n for n, word in enumerate(sorted(all_words & set(self.ignored)))
        }
        self.names += [f"{self.names[word]} as a keyword" for word in self.aliases]
        self.special_tokens += [-1] * len(self.aliases)
        self.words_of = [
            [] if pattern in self.ignored else [end for word in words for end in self._ends_of_word(word)]
            for pattern, words in enumerate(self._read_words)
        ]
        self._word_begins = {
            end: self._begin(word, end=end) for word in sorted(all_words) for end in self._ends_of_word(word)
        }
        self.lexers: list[tuple[list[int], list[int]]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._sampled: dict[int, tuple[list[str], Iterator[str]]] = {}

    def _ends_of_word(self, word: int) -> list[int]:
        return [self.aliases[word], ~word] if word in self.aliases else [word]

    def _begin(self, number: int, end: int | None = None) -> int:
        terminal = self.terminals[number]
        if terminal.pattern.min_width == 0:
            raise GrammarError(
                f"terminal {terminal.name} may be empty",
                got=terminal.pattern.value,
                advice="make it read a character at least, and optional in the rules",
            )
        try:
            node = parse_pattern(terminal.pattern.to_regexp(), "python")
            return self.programs.add(node, number if end is None else end)
        except UnsupportedFeatureError as error:
            raise UnsupportedFeatureError(
                f"terminal {terminal.name}: {error.feature}", got=terminal.pattern.value, advice=error.advice
            ) from error

    def _words_of(self, number: int) -> list[int]:
        """The strings that the pattern of a terminal reads as a whole (lark.lexer._create_unless)."""
        terminal = self.terminals[number]
        if terminal.pattern.type != "re":
            return []
        return [
            word
            for word, other in enumerate(self.terminals)
            if other.pattern.type == "str"
            and other.priority == terminal.priority
            and self._reads_word(number, other)
        ]

    def _reads_word(self, number: int, other: TerminalDef) -> bool:
        found = self._patterns[number].match(other.pattern.value)
        return found is not None and found.group() == other.pattern.value

    def number_of_lexer(self, accepted: frozenset[int]) -> int:
        """The lexer that reads these terminals and what is ignored."""
        known = self._numbers.get(accepted)
        if known is None:
            known = self._numbers[accepted] = len(self.lexers)
            members = sorted(accepted | set(self.ignored))
            words = {word for number in members for word in self._read_words[number] if word in members}
            hidden = {word for pattern, word in self._embedded if pattern in members}
            begins = [self.begins[number] for number in members if number not in hidden]
            ends = [self._ends_of_word(word)[-1 if word not in accepted else 0] for word in sorted(words)]
            self.lexers.append((begins, [self._word_begins[end] for end in ends]))
        return known

    def shadowed(self) -> list[Remark]:
        """Terminals that are not read at places where they are accepted."""
        places = []
        for accepted in self._numbers:
            members = accepted | set(self.ignored)
            # What only a pattern reads, as its keywords, is not asked for by itself.
            places.append(members - {word for pattern, word in self._embedded if pattern in members})
        names = [
            repr(terminal.pattern.value) if terminal.name.startswith("__") else terminal.name
            for terminal in self.terminals
        ]
        return shadowed(places, names, lru_cache(maxsize=None)(self._takes_all))

    def _takes_all(self, first: int, other: int) -> bool:
        """Whether the first terminal reads a beginning of each text of the other, which is no keyword of its
        own then.
        """
        if other in self._read_words[first]:
            return False
        if not all(self._patterns[first].match(text) for text in self._samples(other)):
            return False
        if not self._sampled[other][0]:
            return False  # it has no text by itself
        language, other_language = self._language(first), self._language(other)
        return (
            language is not None and other_language is not None and takes_beginnings(language, other_language)
        )

    def _samples(self, number: int) -> Iterator[str]:
        """Short texts of a terminal, the shortest first. They are found as they are asked for: each takes a
        millisecond, and the first one is nearly always enough.
        """
        if number not in self._sampled:
            self._sampled[number] = ([], self._short_texts(number))
        known, more = self._sampled[number]
        yield from known
        for text in more:
            known.append(text)
            yield text

    def _language(self, number: int) -> Expression | None:
        """The texts of a terminal; None: that depends on what is before or behind them."""
        pattern = self.terminals[number].pattern.to_regexp()
        if parse_pattern(pattern, "python").needs:
            return None
        return pattern_expression(pattern, syntax="python", search=False)

    def short_text(self, number: int) -> bytes:
        """A short text that all terminals together read as this one, if that is found soon; else any one."""
        if number >= len(self.terminals):
            return b""
        if self.terminals[number].pattern.type != "str":
            for letter in _LETTERS:  # often one is right, and to make an expression takes some milliseconds
                if self._patterns[number].match(letter) and self._first_match(letter) == (number, 1):
                    return letter.encode()
        found: list[str] = []  # as good as any, in control characters
        other: list[str] = []  # those that are read as something else
        lines: list[str] = []  # of those found: in line breaks and blanks, or more
        for text in self._samples(number):
            if lines and (lines[0].strip() or len(text) > len(lines[0])):
                break  # nothing better comes
            is_right = self._first_match(text) == (number, len(text))
            if is_right and text.isprintable():
                return text.encode()
            if is_right and text.replace("\n", "").isprintable():
                lines.append(text)
            (found if is_right else other).append(text)
        return next(iter([*lines, *found, *filter(str.isprintable, other), *other]), "").encode()

    def _short_texts(self, number: int) -> Iterator[str]:
        pattern = self.terminals[number].pattern
        if pattern.type == "str":
            yield pattern.value
            return
        try:
            expression = without_empty(pattern_expression(pattern.to_regexp(), syntax="python", search=False))
            for text in texts(expression, _MOST_CANDIDATES):
                yield text.decode()
        except ConstraintError:  # a condition that has no meaning for a text by itself
            return

    def _first_match(self, text: str) -> tuple[int, int] | None:
        for number, pattern in enumerate(self._patterns):
            found = pattern.match(text)
            if found:
                words = self._read_words[number]
                word = next((word for word in words if self._patterns[word].fullmatch(found.group())), number)
                return word, len(found.group())
        return None


class _NumberedRules:
    """Rules and their names by number; the last rule is the root, which reads the start."""

    def __init__(self, rules: Sequence[Rule], lexer: _Lexer, start: str) -> None:
        names = dict.fromkeys(rule.origin.name for rule in rules)
        number = {name: at for at, name in enumerate(names)}

        def numbered(symbol: Symbol) -> int:
            return lexer.number[symbol.name] if symbol.is_term else ~number[symbol.name]

        self.n_origins = len(number) + 1
        self.root = len(rules)
        self.rules: list[tuple[int, list[int]]] = [
            (number[rule.origin.name], [numbered(symbol) for symbol in rule.expansion]) for rule in rules
        ]
        self.rules.append((len(number), [~number[start]]))
        self.priorities = [rule.options.priority or 0 for rule in rules] + [0]


def _tables(grammar: _NumberedRules, lexer: _Lexer, table: LalrTable) -> ParseTables:
    n_states, n_terminals, n_origins = len(table.kernels), len(lexer.names), grammar.n_origins
    actions = [0] * (n_states * n_terminals)
    gotos = [-1] * (n_states * n_origins)
    state_lexers = []
    for state in range(n_states):
        for origin, to in table.gotos[state].items():
            gotos[state * n_origins + origin] = to
        for terminal, action in table.actions[state].items():
            actions[state * n_terminals + terminal] = action
            if terminal in lexer.aliases:
                actions[state * n_terminals + lexer.aliases[terminal]] = action
        accepted = (terminal for terminal in table.actions[state] if terminal < len(lexer.terminals))
        state_lexers.append(lexer.number_of_lexer(frozenset(accepted)))
    symbols = [symbols for _, symbols in grammar.rules]
    rules = [(origin, len(symbols)) for origin, symbols in grammar.rules]
    items = [[(rule, n_read, symbols[rule][n_read:]) for rule, n_read in kernel] for kernel in table.kernels]
    short_texts = [lexer.short_text(number) for number in range(n_terminals)]
    for terminal in lexer.ignored:  # what rules ask for and is ignored: no text is sure to be read as it
        if any(actions[terminal::n_terminals]):
            short_texts[terminal] = b""
    costs, firsts = _shortest_derivations(rules, symbols, short_texts, n_origins)
    n_words, end = len(lexer.names) - len(lexer.terminals), lexer.number[_END]
    return ParseTables(
        LexemeTables(
            lexer.programs.nodes, lexer.programs.classes, lexer.lexers, lexer.words_of + [[]] * n_words
        ),
        *(n_states, n_terminals, n_origins, table.start, table.accepting, end, table.has_conflicts),
        *(actions, gotos, rules, items, state_lexers),
        *(lexer.ignored, lexer.special_tokens, short_texts, costs, firsts),
    )


def _shortest_derivations(
    rules: list[tuple[int, int]], symbols: list[list[int]], short_texts: list[bytes], n_origins: int
) -> tuple[list[int], list[int]]:
    """By origin, the cost of a shortest derivation and its first terminal (Knuth 1977, by iteration)."""
    costs, firsts = [_FAR] * n_origins, [-1] * n_origins
    changed = True
    while changed:
        changed = False
        for (origin, _), expansion in zip(rules, symbols, strict=True):
            cost = sum(
                len(short_texts[symbol]) + 1 if symbol >= 0 else costs[~symbol] for symbol in expansion
            )
            if cost < costs[origin]:
                costs[origin] = cost
                begins = (symbol if symbol >= 0 else firsts[~symbol] for symbol in expansion)
                firsts[origin] = next((first for first in begins if first >= 0), -1)
                changed = True
    return costs, firsts
