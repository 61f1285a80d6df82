"""A Lark grammar as the `lark` library compiles it: text -> rules and terminals.

The library reads the text and resolves imports, templates, operators and aliases; llguidance's extensions are
taken out before (`lark_extensions.py`). What the library says about a text that it cannot read becomes an
error of ours, with the place where that can be known. Cost: the library's, some milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import (
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsupportedFeatureError,
    check_characters,
    line_and_column,
)
from .grammar import Grammar
from .lark_extensions import read_extensions
from .lark_messages import said_of
from .remarks import NO_END, Remark, no_text, without_end

if TYPE_CHECKING:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

Loader = Callable[[str], "str | None"]

MOST_CHARACTERS = 1_000_000
"""Of the text of a grammar."""

_IN_TERMINAL = "special tokens and grammars cannot be used in terminals"
_PLACE = re.compile(r"(?:at )?line (\d+),? column (\d+)")
_NOT_DEFINED = re.compile(
    r"(?:Rule|Terminal|Template) '?([^\s']+)'? used but not defined|Using an undefined rule: (\S+)"
    r"|used but not defined: (\S+)"
)


class LarkSource:
    """A grammar as the library compiled it. Pickled by what it was made of.

    extensions: what was taken out of the text. plain: the rest. special_tokens: by the names of terminals
    that stand for them, ids. remarks: (rule, what may be wrong with it).
    """

    def __init__(
        self,
        text: str,
        start: str,
        loader: Loader | None,
        special_tokens: Mapping[str, int],
        grammars: Mapping[str, Grammar],
    ) -> None:
        if not isinstance(text, str):
            raise GrammarSyntaxError("a Lark grammar must be a string", got=text)
        if len(text) > MOST_CHARACTERS:
            raise LimitExceededError("the length of a grammar", given=len(text), limit=MOST_CHARACTERS)
        check_characters(text)
        self._arguments = (text, start, loader, special_tokens, grammars)
        self.text, self.start = text, start
        self.remarks: tuple[Remark, ...] = ()
        self.extensions = read_extensions(text, special_tokens, grammars)
        self.plain, self.special_tokens = self.extensions.plain, self.extensions.special_tokens
        self.imported: list[tuple[str, str]] = []
        self.imports: list[Any] = [_import_with(loader, self.imported)]
        self.terminals, self.rules, self.ignored = self._compiled()
        for terminal in self.terminals:
            self._check_pattern(terminal)
        endless = self._rules_without_end()
        if (self.start, NO_END) in endless:
            raise no_text(self.start)
        self.remarks += endless
        known = {terminal.name for terminal in self.terminals}
        declared = {s.name for rule in self.rules for s in rule.expansion if s.is_term} - known
        for name in sorted(declared - set(self.special_tokens) - set(self.extensions.embedded)):
            raise UnsupportedFeatureError(
                f"terminal {name}, which %declare leaves without a pattern,",
                advice="give it a pattern, or write a special token as <[id]>",
            )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments

    def _rules_without_end(self) -> tuple[Remark, ...]:
        options: dict[str, list[list[str]]] = {}
        for rule in self.rules:
            called = [symbol.name for symbol in rule.expansion if not symbol.is_term]
            options.setdefault(rule.origin.name, []).append(called)
        # Names that the library gave to repetitions say nothing to the user.
        return tuple((str(name), NO_END) for name in without_end(options) if not name.startswith("__"))

    def _compiled(self) -> tuple[list[TerminalDef], list[Rule], list[str]]:
        lark = library()
        try:
            grammar, _ = lark.load_grammar.load_grammar(self.plain, "grammar", self.imports, False)
            if self.start not in {name for name, *_ in grammar.rule_defs}:
                known = [str(name) for name, *_ in grammar.rule_defs]
                raise UnresolvedReferenceError(self.start, known, message="the start rule is not defined")
            if any(name == self.start and parameters for name, parameters, *_ in grammar.rule_defs):
                self._fail(
                    f"the start rule {self.start!r} is a template",
                    name=self.start,
                    advice="let a rule without parameters begin",
                )
            terminals, rules, ignored = grammar.compile([self.start], self._declared())
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
        except AssertionError as error:
            if not self._declared():
                raise
            # What the library says to a declared terminal inside of another one.
            raise GrammarSyntaxError(_IN_TERMINAL, advice="give them a rule") from error
        except RecursionError as error:
            raise LimitExceededError(
                "the nesting of a rule", given="what the library cannot read", limit="some hundred levels"
            ) from error
        return list(terminals), list(rules), list(ignored)

    def _declared(self) -> set[str]:
        return {*self.special_tokens, *self.extensions.embedded}

    def _refuse(self, error: Exception) -> NoReturn:
        """What the library says, with a place where that can be known."""
        message = str(error)
        missing = _NOT_DEFINED.search(message)
        if missing:
            name = next(group for group in missing.groups() if group)
            if name in self._declared():
                raise GrammarSyntaxError(_IN_TERMINAL, advice="give them a rule") from error
            place = re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", self.text)
            raise UnresolvedReferenceError(
                name,
                dict.fromkeys(known for _, known in self.extensions.definitions),
                message="the rule or terminal is not defined",
                location=line_and_column(self.text, place.start()) if place else None,
                source=self.text,
            ) from error
        found = _PLACE.search(message)
        first = str(getattr(error, "orig_exc", error)).strip().split("\n")[0]
        if found:
            first = (message[: found.start()].rstrip(", ") or "this cannot stand here").split("\n")[0]
            said = said_of(first.strip())
            where = (int(found[1]), int(found[2]))
            if self.imported and " in grammar:" not in message:  # what imports was read before
                path, text = self.imported[-1]
                raise GrammarSyntaxError(
                    f"{path}: {said.message}", location=where, source=text, advice=said.advice
                ) from error
            raise GrammarSyntaxError(
                said.message, location=self.extensions.location(*where), source=self.text, advice=said.advice
            ) from error
        said = said_of(first)
        self._fail(said.message, error, name=said.name, advice=said.advice)

    def _fail(self, message: str, error: Exception | None = None, name: str = "", **more: Any) -> NoReturn:
        """What is said of a terminal that was made of a rule is said of that rule, with its place.

        name: the rule or terminal that the message is about, if that is known.
        """
        offsets = [at for at, defined in self.extensions.definitions if defined == name]
        if (
            not offsets and "got" in more and (at := self.text.find(f"/{more['got']}/")) >= 0
        ):  # it has no name
            offsets = [at]
        location = line_and_column(self.text, offsets[-1]) if offsets else None
        for rule, made in self.extensions.attributes.items():
            for part, meaning in ((made.suffix, "the suffix of"), (made.body, "the text of")):
                if part and re.search(rf"\b{part}\b", message):
                    message = re.sub(rf"\b{part}\b", f"{meaning} rule {rule!r}", message)
                    offset = next(at for at, defined in self.extensions.definitions if defined == rule)
                    location = line_and_column(self.text, offset)
        source = self.text if location else None
        raise GrammarSyntaxError(message, location=location, source=source, **more) from error

    def _check_pattern(self, terminal: TerminalDef) -> None:
        try:
            re.compile(terminal.pattern.to_regexp())
        except (re.error, RecursionError, OverflowError) as error:
            message = f"terminal {terminal.name} is no pattern of Python's `re`: {error}"
            self._fail(message, error, name=terminal.name, got=terminal.pattern.value, advice="mend it")


def library() -> Any:
    try:
        import lark
        import lark.load_grammar
    except ImportError as error:
        raise UnsupportedFeatureError(
            "a Lark grammar without the library `lark`", advice="pip install 'tokentrellis[lark]'"
        ) from error
    return lark


def _import_with(
    loader: Loader | None, imported: list[tuple[str, str]]
) -> Callable[[Any, str], tuple[str, str]]:
    """How the library finds what a grammar imports: by the loader, then among its own, and nowhere else.

    imported: paths and texts that the loader gave, filled here.
    """

    def find(base: Any, path: str) -> tuple[str, str]:
        text = None if loader is None else loader(path.replace("\\", "/"))
        if text is not None:
            if not isinstance(text, str):
                raise GrammarError("loader must return a text, or None for what it does not know", got=text)
            check_characters(text)
            imported.append((path, text))
            return path, text
        if base is None or not isinstance(base, str):
            raise OSError(f"no grammar {path}")  # the library goes on with its own
        raise UnresolvedReferenceError(
            path,
            message="the grammar to import is not found",
            advice="pass loader=, a function from such a path to the text",
        )

    return find
