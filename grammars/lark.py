"""Lark grammars -> `Grammar`: rules and terminals in the notation of the `lark` library, with its meaning.

The text is read, and its imports, templates, operators and aliases are resolved, by the library itself. With
`lexer="contextual"` a text is divided into lexemes as `Lark(parser="lalr", lexer="contextual")` does it: the
parse tables and lexers (`lark_tables.py`) go to the core as a whole. With `lexer="dynamic"` terminals are
parts of the rules and may end wherever they match, as with `Lark(parser="earley", lexer="dynamic_complete")`;
any context-free grammar will do then, and ambiguity is no matter.

Cost: that of the library for the text and its LALR analysis, some milliseconds for common grammars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from .composition import Composition, Skeleton, check_part
from .context_free import ContextFreeGrammar
from .errors import GrammarError, GrammarSyntaxError, UnsupportedFeatureError, line_and_column
from .grammar import Expansion, Grammar
from .lark_rules import LarkRules
from .lark_scanning import scoped_pattern
from .lark_source import LarkSource, Loader, library
from .lark_tables import lalr_tables
from .remarks import warn_about
from .special_tokens import checked_start, checked_tokens

LexerName = Literal["contextual", "dynamic"]


class ContextualLarkGrammar(Grammar):
    """The texts that Lark's LALR parser with its contextual lexer accepts. Made by `from_lark`."""

    start = 1

    def __init__(self, source: LarkSource) -> None:
        self.source = source
        if source.extensions.first is not None:
            feature, offset = source.extensions.first
            raise UnsupportedFeatureError(
                f"{feature} with Lark's contextual lexer",
                location=line_and_column(source.text, offset),
                source=source.text,
                advice="ask for lexer='dynamic', or leave lexer out",
            )
        self.parse_tables, shadowed = lalr_tables(
            source.terminals, source.rules, source.ignored, source.start, source.special_tokens
        )
        self.special_token_ids = frozenset(source.special_tokens.values())
        self.remarks = source.remarks + shadowed
        self._parser: Any = None

    def expand(self, state: int) -> Expansion:
        raise UnsupportedFeatureError(
            "asking a contextual Lark grammar for its states, which it has none of,"
        )

    def rule_uses(self) -> dict[str, tuple[str, list[str]]]:
        found: dict[str, tuple[str, list[str]]] = {self.source.start: (self.source.start, [])}
        for rule in self.source.rules:
            name = rule.origin.name
            found.setdefault(name, (name, []))[1].extend(symbol.name for symbol in rule.expansion)
        for terminal in self.source.terminals:
            found[terminal.name] = (f"{terminal.name}: {terminal.pattern.to_regexp()}", [])
        for name, token_id in self.source.special_tokens.items():
            found[name] = (f"<[{token_id}]>", [])
        return found

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text is in the language, by the library itself. No text is a special token.

        Raises UnsupportedFeatureError where the library cannot use the terminals side by side.
        """
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                return False
        if not isinstance(text, str):
            raise GrammarError("text must be a str or bytes", got=text)
        lark = library()
        try:
            if self._parser is None:
                self._parser = lark.Lark(
                    self.source.plain,
                    parser="lalr",
                    lexer="contextual",
                    start=self.source.start,
                    import_paths=self.source.imports,
                    edit_terminals=_give_scope,
                )
            self._parser.parse(text)
        except lark.exceptions.UnexpectedInput:
            return False
        except (lark.exceptions.LarkError, AttributeError, re.error) as error:
            raise UnsupportedFeatureError(
                f"accepts(), since Lark cannot use these terminals side by side ({error}),",
                advice="read the text with a matcher of the compiled grammar",
            ) from error
        return True

    def __str__(self) -> str:
        return self.source.text

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source,)


def _give_scope(terminal: Any) -> None:
    """Let the library put the pattern of a terminal beside others. What it sorts by stays as it is.

    It also compares what it knows to be patterns, for 0.2 s and with an error for some: that is left out.
    """
    if terminal.pattern.type == "re":
        scoped = scoped_pattern(terminal.pattern.to_regexp(), f"group_of_{terminal.name}_")
        terminal.pattern.to_regexp = partial(str, scoped)
        terminal.pattern.type = "scoped"


class DynamicLarkGrammar(ContextFreeGrammar):
    """The texts that the rules derive, each terminal ending wherever it matches. Made by `from_lark`."""

    def __init__(self, source: LarkSource) -> None:
        self.source = source
        made = LarkRules(source)
        self.embedded = made.embedded
        super().__init__(made.rules, "", made.captured, made.limits, made.temperatures)
        self.remarks = source.remarks

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source,)


class EmbeddingLarkGrammar(Composition):
    """The same with other grammars in its rules (`%json`, `@name`), which are called. Made by `from_lark`."""

    def __init__(self, rules: DynamicLarkGrammar) -> None:
        skeleton = Skeleton()
        skeleton.end(skeleton.join(0, rules))
        super().__init__(skeleton, rules.embedded)
        self._rules, self.source, self.remarks = rules, rules.source, rules.remarks

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._rules,)


def from_lark(
    text: str,
    *,
    start: str = "start",
    lexer: LexerName | None = None,
    loader: Loader | None = None,
    special_tokens: Mapping[str, int] | None = None,
    grammars: Mapping[str, Grammar] = MappingProxyType({}),
) -> Grammar:
    """The grammar of the texts that a Lark grammar accepts.

    Args:
        text: rules and terminals in Lark's notation, with llguidance's extensions.
        start: the rule to begin with.
        lexer: "contextual": lexemes are divided as Lark's contextual lexer does it, before the rules are
            asked: a keyword that is followed by a letter is a name. The grammar has to be LALR(1).
            "dynamic": a terminal may end wherever it matches; any context-free grammar will do. None:
            "dynamic" if the text has extensions of llguidance's other than special tokens, else "contextual".
        loader: from the path of a grammar to import, `tokens.lark` for example, to its text, or None. Lark's
            own (`common`, `unicode` ...) need none, and no file is read otherwise.
        special_tokens: the ids of special tokens that are mentioned by name, `<|name|>`; `<[1000]>` needs
            none.
        grammars: what `@name` in a rule stands for.

    Warns (GrammarWarning; `grammar.remarks`) about rules that nothing reaches or that derive no text, and
    about terminals that are not read because another one is asked first.

    Raises:
        GrammarSyntaxError: the text is no Lark grammar.
        UnresolvedReferenceError: a rule, a terminal, a special token, a grammar or an import is not defined.
        UnsupportedFeatureError: %declare, a pattern that is not followed exactly, or an extension that is
            not.
        GrammarError: with the contextual lexer, the grammar is not LALR(1); what `from_json_schema` raises
            for a schema in %json.
        UnsatisfiableError: the grammar derives no text.
        LimitExceededError: it is too large.
    """
    if lexer is not None and (not isinstance(lexer, str) or lexer not in ("contextual", "dynamic")):
        raise GrammarSyntaxError("lexer must be 'contextual' or 'dynamic'", got=lexer)
    if loader is not None and not callable(loader):
        raise GrammarError("loader must be a function from a path to a text", got=loader)
    _check_grammars(grammars)
    source = LarkSource(text, checked_start(start), loader, checked_tokens(special_tokens), dict(grammars))
    grammar: ContextualLarkGrammar | DynamicLarkGrammar | EmbeddingLarkGrammar
    if lexer == "contextual" or (lexer is None and source.extensions.first is None):
        grammar = ContextualLarkGrammar(source)
    else:
        grammar = DynamicLarkGrammar(source)
        if grammar.embedded:
            grammar = EmbeddingLarkGrammar(grammar)
    warn_about(grammar.remarks)
    return grammar


def _check_grammars(grammars: Mapping[str, Grammar]) -> None:
    if not isinstance(grammars, Mapping) or not all(isinstance(name, str) for name in grammars):
        raise GrammarError("grammars must map names to grammars", got=grammars)
    for grammar in grammars.values():
        if not isinstance(grammar, Grammar):
            raise GrammarError("grammars must map names to grammars", got=grammar)
        check_part(grammar)
