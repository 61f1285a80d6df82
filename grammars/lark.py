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
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from .context_free import ContextFreeGrammar
from .errors import (
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsupportedFeatureError,
    check_characters,
    line_and_column,
)
from .expressions import EPSILON, Expression, concatenate, repeat, union
from .grammar import Expansion, Grammar
from .lark_tables import lalr_tables
from .nullable import without_empty
from .regex import pattern_expression
from .remarks import NO_END, Remark, warn_about, without_end
from .rules import Choice, RuleCall, Sequence, SpecialToken, Tree
from .special_tokens import checked_start, checked_tokens, special_token

if TYPE_CHECKING:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

LexerName = Literal["contextual", "dynamic"]
Loader = Callable[[str], "str | None"]

MOST_CHARACTERS = 1_000_000
"""Of the text of a grammar."""

_PLACE = re.compile(r"(?:at )?line (\d+),? column (\d+)")
_NOT_DEFINED = re.compile(
    r"(?:Rule|Terminal) '?([^\s']+)'? used but not defined|Using an undefined rule: (\S+)"
    r"|used but not defined: (\S+)"
)
_DEFINITION = re.compile(
    r"^[ \t]*(?:%(?:extend|override)[ \t]+)?[?!]*([a-z_][a-z_0-9]*|[A-Z_][A-Z_0-9]*)", re.MULTILINE
)
_TOKEN = re.compile(r"<\|[^|<>\s]+\|>|<\[[0-9]+\]>|<[A-Za-z_][\w-]*>")
_SKIPPED_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"i?|/(?!/)(?:\\.|[^/\\\n])+/[imslux]*|//[^\n]*|#[^\n]*')
_EXTENSIONS = (
    (re.compile(r"%json\b"), "a JSON Schema inside a Lark grammar (%json)"),
    (re.compile(r"%regex\b"), "%regex with substring"),
    (
        re.compile(r"^[ \t]*[?!]*[a-z_]\w*\[[^\]\n]*\][ \t]*:", re.MULTILINE),
        "attributes of a rule, name[...]",
    ),
)


class LarkSource:
    """A grammar as the library compiled it.

    special_tokens: by the names of terminals that stand for them, ids.
    remarks: (rule, what may be wrong with it).
    """

    def __init__(
        self, text: str, start: str, loader: Loader | None, special_tokens: Mapping[str, int]
    ) -> None:
        if not isinstance(text, str):
            raise GrammarSyntaxError("a Lark grammar must be a string", got=text)
        if len(text) > MOST_CHARACTERS:
            raise LimitExceededError("the length of a grammar", given=len(text), limit=MOST_CHARACTERS)
        check_characters(text)
        self.text, self.start = text, start
        self.special_tokens: dict[str, int] = {}
        self.remarks: tuple[Remark, ...] = ()
        self.plain = self._without_special_tokens(special_tokens)
        self.imports: list[Any] = [_import_with(loader)]
        self.terminals, self.rules, self.ignored = self._compiled()
        for terminal in self.terminals:
            _check_pattern(terminal)
        self.remarks += self._rules_without_end()
        known = {terminal.name for terminal in self.terminals}
        declared = {s.name for rule in self.rules for s in rule.expansion if s.is_term} - known
        for name in sorted(declared - set(self.special_tokens)):
            raise UnsupportedFeatureError(
                f"terminal {name}, which %declare leaves without a pattern,",
                advice="give it a pattern, or write a special token as <[id]>",
            )

    def _rules_without_end(self) -> tuple[Remark, ...]:
        options: dict[str, list[list[str]]] = {}
        for rule in self.rules:
            called = [symbol.name for symbol in rule.expansion if not symbol.is_term]
            options.setdefault(rule.origin.name, []).append(called)
        # Names that the library gave to repetitions say nothing to the user.
        return tuple((str(name), NO_END) for name in without_end(options) if not name.startswith("__"))

    def _without_special_tokens(self, special_tokens: Mapping[str, int]) -> str:
        """The text with a declared terminal for each special token that it mentions outside of literals."""
        parts, offset = [], 0
        text = self.text
        skipped = [found.span() for found in _SKIPPED_TEXT.finditer(text)]
        outside = _blanked(text, skipped)
        for pattern, feature in _EXTENSIONS:
            found = pattern.search(outside)
            if found:
                raise UnsupportedFeatureError(
                    feature, location=line_and_column(text, found.start()), source=text
                )
        for found in _TOKEN.finditer(outside):
            token_id = special_token(found.group(), special_tokens, text, found.start())
            name = f"SPECIAL_TOKEN_{token_id}"
            self.special_tokens[name] = token_id
            parts += [text[offset : found.start()], name]
            offset = found.end()
        declared = f"\n%declare {' '.join(self.special_tokens)}\n" if self.special_tokens else ""
        return "".join(parts) + text[offset:] + declared

    def _compiled(self) -> tuple[list[TerminalDef], list[Rule], list[str]]:
        lark = _library()
        try:
            grammar, _ = lark.load_grammar.load_grammar(self.plain, "grammar", self.imports, False)
            if self.start not in {name for name, *_ in grammar.rule_defs}:
                known = [name for name, *_ in grammar.rule_defs]
                raise UnresolvedReferenceError(self.start, known, message="the start rule is not defined")
            terminals, rules, ignored = grammar.compile([self.start], set(self.special_tokens))
            reached = {rule.origin.name for rule in rules}
            self.remarks = tuple(
                (str(name), f"nothing reaches it from {self.start!r}")
                for name, parameters, *_ in grammar.rule_defs
                if not parameters and name not in reached
            )
        except lark.exceptions.LarkError as error:
            self._refuse(error)
        except OSError as error:
            raise UnresolvedReferenceError(
                str(error.filename),
                message="the grammar to import is not found",
                advice="pass a loader that knows it",
            ) from error
        except RecursionError as error:
            raise LimitExceededError(
                "the nesting of a rule", given="what the library cannot read", limit="some hundred levels"
            ) from error
        return list(terminals), list(rules), list(ignored)

    def _refuse(self, error: Exception) -> NoReturn:
        """What the library says, with a place where that can be known."""
        message = str(error)
        missing = _NOT_DEFINED.search(message)
        if missing:
            name = next(group for group in missing.groups() if group)
            place = re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", self.text)
            raise UnresolvedReferenceError(
                name,
                dict.fromkeys(_DEFINITION.findall(self.text)),
                message="the rule or terminal is not defined",
                location=line_and_column(self.text, place.start()) if place else None,
                source=self.text,
            ) from error
        found = _PLACE.search(message)
        first = message.strip().split("\n")[0]
        if found:
            first = (message[: found.start()].rstrip(", ") or "this cannot stand here").split("\n")[0]
            raise GrammarSyntaxError(
                first, location=(int(found.group(1)), int(found.group(2))), source=self.text
            ) from error
        raise GrammarSyntaxError(first) from error


def _check_pattern(terminal: TerminalDef) -> None:
    try:
        re.compile(terminal.pattern.to_regexp())
    except (re.error, RecursionError, OverflowError) as error:
        raise GrammarSyntaxError(
            f"terminal {terminal.name} is no pattern of Python's `re`: {error}", got=terminal.pattern.value
        ) from error


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with blanks in the place of these spans."""
    parts, offset = [], 0
    for first, last in spans:
        parts += [text[offset:first], " " * (last - first)]
        offset = last
    return "".join(parts) + text[offset:]


def _library() -> Any:
    try:
        import lark
        import lark.load_grammar
    except ImportError as error:
        raise UnsupportedFeatureError(
            "a Lark grammar without the library `lark`", advice="pip install 'tokentrellis[lark]'"
        ) from error
    return lark


def _import_with(loader: Loader | None) -> Callable[[Any, str], tuple[str, str]]:
    """How the library finds what a grammar imports: by the loader, then among its own, and nowhere else."""

    def find(base: Any, path: str) -> tuple[str, str]:
        text = None if loader is None else loader(path.replace("\\", "/"))
        if text is not None:
            return path, text
        if base is None or not isinstance(base, str):
            raise OSError(f"no grammar {path}")  # the library goes on with its own
        raise UnresolvedReferenceError(
            path,
            message="the grammar to import is not found",
            advice="pass loader=, a function from such a path to the text",
        )

    return find


class ContextualLarkGrammar(Grammar):
    """The texts that Lark's LALR parser with its contextual lexer accepts. Made by `from_lark`."""

    start = 1

    def __init__(
        self, text: str, start: str, loader: Loader | None, special_tokens: Mapping[str, int]
    ) -> None:
        self._arguments = (text, start, loader, dict(special_tokens))
        self.source = LarkSource(text, start, loader, special_tokens)
        self.parse_tables, shadowed = lalr_tables(
            *(
                self.source.terminals,
                self.source.rules,
                self.source.ignored,
                start,
                self.source.special_tokens,
            )
        )
        self.remarks = self.source.remarks + shadowed
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
        """Whether the whole text is in the language, by the library itself. No text is a special token."""
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                return False
        if not isinstance(text, str):
            raise GrammarError("text must be a str or bytes", got=text)
        lark = _library()
        if self._parser is None:
            self._parser = lark.Lark(
                self.source.plain,
                parser="lalr",
                lexer="contextual",
                start=self.source.start,
                import_paths=self.source.imports,
            )
        try:
            self._parser.parse(text)
        except lark.exceptions.UnexpectedInput:
            return False
        return True

    def __str__(self) -> str:
        return self.source.text

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


class DynamicLarkGrammar(ContextFreeGrammar):
    """The texts that the rules derive, each terminal ending wherever it matches. Made by `from_lark`."""

    def __init__(
        self, text: str, start: str, loader: Loader | None, special_tokens: Mapping[str, int]
    ) -> None:
        self._arguments = (text, start, loader, dict(special_tokens))
        self.source = LarkSource(text, start, loader, special_tokens)
        super().__init__(_rules_of(self.source), "")
        self.remarks = self.source.remarks

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


def _rules_of(source: LarkSource) -> dict[str, Tree]:
    """The rules as trees; what is ignored may stand before each terminal and at the end. The start is ""."""
    patterns = {terminal.name: _expression_of(terminal) for terminal in source.terminals}
    skipped = (
        repeat(union(*[without_empty(patterns[name]) for name in source.ignored]))
        if source.ignored
        else EPSILON
    )
    leaves: dict[str, Tree] = {name: concatenate(skipped, patterns[name]) for name in patterns}
    for name, token_id in source.special_tokens.items():
        leaves[name] = Sequence((skipped, SpecialToken(token_id)))
    options: dict[str, list[Tree]] = {}
    for rule in source.rules:
        items = [leaves[s.name] if s.is_term else RuleCall(s.name) for s in rule.expansion]
        options.setdefault(rule.origin.name, []).append(Sequence(tuple(items)))
    rules: dict[str, Tree] = {name: Choice(tuple(found)) for name, found in options.items()}
    rules[""] = Sequence((RuleCall(source.start), skipped))
    return rules


def _expression_of(terminal: TerminalDef) -> Expression:
    try:
        return pattern_expression(terminal.pattern.to_regexp(), syntax="python", search=False)
    except GrammarError as error:
        raise UnsupportedFeatureError(
            f"terminal {terminal.name}: {getattr(error, 'feature', error.message)}",
            got=terminal.pattern.value,
            advice=error.advice,
        ) from error


def from_lark(
    text: str,
    *,
    start: str = "start",
    lexer: LexerName = "contextual",
    loader: Loader | None = None,
    special_tokens: Mapping[str, int] | None = None,
) -> Grammar:
    """The grammar of the texts that a Lark grammar accepts.

    Args:
        text: rules and terminals in Lark's notation.
        start: the rule to begin with.
        lexer: "contextual": lexemes are divided as Lark's contextual lexer does it, before the rules are
            asked: a keyword that is followed by a letter is a name. The grammar has to be LALR(1).
            "dynamic": a terminal may end wherever it matches; any context-free grammar will do.
        loader: from the path of a grammar to import, `tokens.lark` for example, to its text, or None. Lark's
            own (`common`, `unicode` ...) need none, and no file is read otherwise.
        special_tokens: the ids of special tokens that are mentioned by name, `<|name|>`; `<[1000]>` needs
            none.

    Warns (GrammarWarning; `grammar.remarks`) about rules that nothing reaches or that derive no text, and
    about terminals that are not read because another one is asked first.

    Raises:
        GrammarSyntaxError: the text is no Lark grammar.
        UnresolvedReferenceError: a rule, a terminal, a special token or an import is not defined.
        UnsupportedFeatureError: %declare, or a pattern that is not followed exactly.
        GrammarError: with the contextual lexer, the grammar is not LALR(1).
        UnsatisfiableError: the grammar derives no text.
        LimitExceededError: it is too large.
    """
    if not isinstance(lexer, str) or lexer not in ("contextual", "dynamic"):
        raise GrammarSyntaxError("lexer must be 'contextual' or 'dynamic'", got=lexer)
    if loader is not None and not callable(loader):
        raise GrammarError("loader must be a function from a path to a text", got=loader)
    kind = ContextualLarkGrammar if lexer == "contextual" else DynamicLarkGrammar
    grammar: ContextualLarkGrammar | DynamicLarkGrammar = kind(
        text, checked_start(start), loader, checked_tokens(special_tokens)
    )
    warn_about(grammar.remarks)
    return grammar
