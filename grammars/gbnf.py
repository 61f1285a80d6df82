r"""GBNF, the notation of llama.cpp -> `Grammar`.

    root   ::= item ("," item)*     # rules have names of letters, digits and hyphens; a line each
    item   ::= [a-z]+ | "\"" [^"\n]* "\"" | number{1,3}
    number ::= [0-9]

Strings and classes know the escapes `\n \t \r \\ \" \] \xNN \uNNNN \UNNNNNNNN`; `.` is any character,
`<[1000]>` a special token by its id and `<name>` one by its name. A rule ends with its line, but inside
parentheses, after `|` and `::=`, and before a line that begins with `|`. Unlike llama.cpp, rules may call
themselves first, directly or behind what may be empty; ambiguity costs nothing but time.

One pass, linear. Source: the README of the grammars of llama.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .context_free import ContextFreeGrammar
from .errors import UnsupportedFeatureError, line_and_column
from .expressions import UNLIMITED, literal
from .grammar import Grammar
from .remarks import warn_about
from .rule_text import DEEPEST_GROUP, RuleText, captured_rules, check_rules, checked_captures
from .rules import Choice, Repetition, RuleCall, Sequence, SpecialToken, Tree
from .special_tokens import checked_start, checked_tokens, special_token
from .utf8 import ANY_CHARACTER

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\n\r]*)+")
_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n\r]*)+")
_NEXT_OPTION = re.compile(r"(?:[ \t\r\n]|#[^\n\r]*)*\|")
_BOUNDS = re.compile(r"\{[ \t]*([0-9]{0,9})[ \t]*(?:(,)[ \t]*([0-9]{0,9})[ \t]*)?\}")
_TOKEN = re.compile(r"<(\[[0-9]+\]|[^<>\s]+)>")
_QUANTIFIERS = {"*": (0, UNLIMITED), "+": (1, UNLIMITED), "?": (0, 1)}


class GbnfGrammar(ContextFreeGrammar):
    """The texts that rules in GBNF derive. Made by `from_gbnf`; pickled by its source."""

    def __init__(
        self, text: str, start: str, special_tokens: Mapping[str, int], captures: Iterable[str] = ()
    ) -> None:
        self.source = text
        self._arguments = (text, start, dict(special_tokens), tuple(captures))
        reader = _Reader(text, special_tokens)
        rules = reader.read()
        unreached = check_rules(rules, start, reader.references, text)
        super().__init__(rules, start, captured_rules(captures, rules))
        self.remarks = unreached + self.remarks

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


def from_gbnf(
    text: str,
    *,
    start: str = "root",
    special_tokens: Mapping[str, int] | None = None,
    captures: Iterable[str] = (),
) -> Grammar:
    """The grammar of the texts that a GBNF grammar, as llama.cpp has them, derives.

    Args:
        text: the rules.
        start: the rule to begin with.
        special_tokens: the ids of special tokens that the rules mention by name, `<think>` for example, as
            `Vocabulary.special_token_ids` and tokenizers have them. `<[1000]>` needs none.
        captures: rules whose texts are handed out (`grammar.captures`, `tt.CaptureReader`).

    Warns about rules that nothing reaches, or that derive no text (GrammarWarning; `grammar.remarks`).

    Raises:
        GrammarSyntaxError: the text is not GBNF; shows line, column and a caret.
        UnresolvedReferenceError: a rule or a special token is not defined.
        UnsupportedFeatureError: `!<token>`, any token but one; a captured rule that calls itself first.
        UnsatisfiableError: the start rule derives no text.
        LimitExceededError: the rules are too large.
    """
    names = checked_captures(captures)
    grammar = GbnfGrammar(text, checked_start(start), checked_tokens(special_tokens), names)
    warn_about(grammar.remarks)
    return grammar


class _Reader:
    """Rules by name, with the places of the first call of each."""

    def __init__(self, source: str, special_tokens: Mapping[str, int]) -> None:
        self.text = RuleText(source, "GBNF")
        self.special_tokens = special_tokens
        self.references: dict[str, int] = {}
        self.depth = 0

    def read(self) -> dict[str, Tree]:
        rules: dict[str, Tree] = {}
        text = self.text
        text.match(_LINES)
        while not text.ended:
            start = text.offset
            name = text.match(_NAME)
            if not name:
                text.fail("a rule must begin with its name", "write: name ::= ...")
            text.match(_SPACE)
            text.expect("::=", f"the name {name.group()!r} must be followed by '::='")
            if name.group() in rules:
                text.fail(f"rule {name.group()!r} is defined twice", "rename one of them", start)
            text.match(_LINES)
            rules[name.group()] = self._choice()
            if not text.ended and not text.at("\n") and not text.at("\r"):
                text.fail(
                    "this cannot stand in a rule", "quote what is literal text; begin each rule on a line"
                )
            text.match(_LINES)
        return rules

    def _skip(self) -> None:
        self.text.match(_LINES if self.depth else _SPACE)

    def _choice(self) -> Tree:
        options = [self._sequence()]
        while self.text.match(_NEXT_OPTION):
            self.text.match(_LINES)
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Tree:
        items: list[Tree] = []
        while (item := self._item()) is not None:
            self._skip()
            items.append(self._quantified(item))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _quantified(self, item: Tree) -> Tree:
        """The item with the quantifiers behind it."""
        text = self.text
        while True:
            bounds = _QUANTIFIERS.get(text.source[text.offset : text.offset + 1])
            if bounds is not None:
                text.offset += 1
            elif text.at("{"):
                bounds = self._bounds()
            else:
                return item
            item = Repetition(item, *bounds)
            self._skip()

    def _bounds(self) -> tuple[int, int]:
        start = self.text.offset
        found = self.text.match(_BOUNDS)
        if not found or not (found.group(1) or found.group(3)):
            self.text.fail("the bounds of the repetition are not valid", "write {n}, {n,} or {n,m}", start)
        least = int(found.group(1) or 0)
        most = int(found.group(3)) if found.group(3) else UNLIMITED if found.group(2) else least
        if most != UNLIMITED and most < least:
            self.text.fail("the repetition has its bounds in the wrong order", "swap them", start)
        return least, most

    def _item(self) -> Tree | None:
        text = self.text
        start = text.offset
        if text.take('"'):
            return literal(text.read_string('"'))
        if text.take("["):
            return text.read_class()
        if text.take("."):
            return ANY_CHARACTER
        if text.take("("):
            return self._group(start)
        if text.at("!<"):
            raise UnsupportedFeatureError(
                "any token but one (!<...>)",
                location=line_and_column(text.source, start),
                source=text.source,
                advice="special tokens are never read as text: say what text may come instead",
            )
        token = text.match(_TOKEN)
        if token:
            return SpecialToken(special_token(token.group(), self.special_tokens, text.source, start))
        name = text.match(_NAME)
        if not name:
            return None
        self.references.setdefault(name.group(), start)
        return RuleCall(name.group())

    def _group(self, opened: int) -> Tree:
        if self.depth >= DEEPEST_GROUP:
            self.text.fail(f"groups nest deeper than {DEEPEST_GROUP}", "give the inner ones a rule", opened)
        self.depth += 1
        self.text.match(_LINES)
        tree = self._choice()
        self.text.match(_LINES)
        self.depth -= 1
        self.text.expect(")", "the group is not closed", opened)
        return tree
