"""Plain EBNF -> `Grammar`: the notation of ISO/IEC 14977, and that of the W3C's specifications.

    (* ISO *)  sum = term, { ("+" | "-"), term } ;      digits = 3 * digit, [ "." ] ;
    /* W3C */  sum ::= term (("+" | "-") term)*         digit  ::= [0-9] | #x664

The first rule says which it is: ISO defines with `=`, ends each rule with `;` or `.`, and has `[ ]` for what
may be missing and `{ }` for what may be repeated; the W3C defines with `::=`, has `? * +` behind what they
repeat and `[ ]` for characters. Strings stand in single or double quotes and have no escapes. `a - b`, what
is an a and no b, is taken where both are regular. Names of ISO have no blanks here. One pass, linear.

Sources: ISO/IEC 14977:1996; the notation of XML 1.0 (fifth edition), section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .context_free import ContextFreeGrammar
from .errors import GrammarSyntaxError, UnsupportedFeatureError, line_and_column
from .expressions import UNLIMITED, Expression, complement, intersect, literal
from .grammar import Grammar
from .remarks import warn_about
from .rule_text import DEEPEST_GROUP, RuleText, captured_rules, check_rules, checked_captures
from .rules import Choice, Repetition, RuleCall, Sequence, Tree, calls_of, components, simplify
from .special_tokens import checked_start
from .unicode_classes import invert, merge_ranges
from .utf8 import character_class

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_SPACE = re.compile(r"(?:\s|\(\*.*?\*\)|/\*.*?\*/)+", re.DOTALL)
_COUNT = re.compile(r"([0-9]{1,9})\s*\*")
_CODE_POINT = re.compile(r"#x([0-9A-Fa-f]{1,8})")
_NEXT_RULE = re.compile(r"[A-Za-z_][\w-]*\s*::=")
_QUANTIFIERS = {"*": (0, UNLIMITED), "+": (1, UNLIMITED), "?": (0, 1)}


class EbnfGrammar(ContextFreeGrammar):
    """The texts that rules in EBNF derive. Made by `from_ebnf`; pickled by its source."""

    def __init__(self, text: str, start: str | None, captures: Iterable[str] = ()) -> None:
        self.source = text
        self._arguments = (text, start, tuple(captures))
        reader = _Reader(text)
        rules = reader.read()
        start = next(iter(rules), "") if start is None else start
        if not rules:
            raise GrammarSyntaxError("the text has no rule", advice="write: name = ... ; or name ::= ...")
        all_rules = rules | reader.exception_rules()
        remarks = check_rules(all_rules, start, reader.references, text)
        super().__init__(reader.with_exceptions(rules), start, captured_rules(captures, rules))
        self.remarks = tuple(remark for remark in remarks + self.remarks if remark[0] in rules)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._arguments


def from_ebnf(text: str, *, start: str | None = None, captures: Iterable[str] = ()) -> Grammar:
    """The grammar of the texts that a grammar in EBNF (ISO/IEC 14977, or as the W3C writes it) derives.

    start: the rule to begin with; by default the first.
    captures: rules whose texts are handed out (`grammar.captures`, `tt.CaptureReader`).

    Warns about rules that nothing reaches, or that derive no text (GrammarWarning; `grammar.remarks`).

    Raises:
        GrammarSyntaxError: the text is not EBNF; shows line, column and a caret.
        UnresolvedReferenceError: a rule is not defined.
        UnsupportedFeatureError: a special sequence `? ... ?`; an exception of what is not regular; a
            captured rule that calls itself first.
        UnsatisfiableError: the start rule derives no text.
        LimitExceededError: the rules are too large.
    """
    names = checked_captures(captures)
    grammar = EbnfGrammar(text, None if start is None else checked_start(start), names)
    warn_about(grammar.remarks)
    return grammar


class _Reader:
    def __init__(self, source: str) -> None:
        self.text = RuleText(source, "EBNF")
        self.references: dict[str, int] = {}
        self.exceptions: list[tuple[str, Tree, Tree, int]] = []
        self.depth = 0
        self.is_iso = False

    def read(self) -> dict[str, Tree]:
        rules: dict[str, Tree] = {}
        text = self.text
        self._skip()
        while not text.ended:
            start = text.offset
            name = text.match(_NAME)
            if not name:
                text.fail("a rule must begin with its name", "write: name = ... ; or name ::= ...")
            if name.group() in rules:
                text.fail(f"rule {name.group()!r} is defined twice", "rename one of them", start)
            self._skip()
            if not rules:
                self.is_iso = text.at("=")
            sign = "=" if self.is_iso else "::="
            text.expect(sign, f"the name {name.group()!r} must be followed by {sign!r}")
            rules[name.group()] = self._choice()
            if self.is_iso and not (text.take(";") or text.take(".")):
                text.fail("the rule is not ended", "add ';'")
            self._skip()
        return rules

    def exception_rules(self) -> dict[str, Tree]:
        """Rules that call what the exceptions do, by the names of these."""
        return {name: Sequence((kept, less)) for name, kept, less, _ in self.exceptions}

    def with_exceptions(self, rules: dict[str, Tree]) -> dict[str, Tree]:
        """The rules, and those that `a - b` stands for. An exception may be made of others, not of itself."""
        made_of = rules | self.exception_rules()
        exceptions = {name: (kept, left_out, offset) for name, kept, left_out, offset in self.exceptions}
        rules = dict(rules)
        for component in components(made_of, exceptions):
            members = sorted(exceptions.keys() & component, key=lambda name: exceptions[name][2])
            if members and (len(component) > 1 or members[0] in calls_of(made_of[members[0]])):
                raise self._unsupported(
                    "an exception (a - b) that is a part of itself", exceptions[members[0]][2]
                )
            for name in members:
                kept, left_out, offset = exceptions[name]
                rules[name] = intersect(
                    self._regular(rules, kept, offset), complement(self._regular(rules, left_out, offset))
                )
        return rules

    def _regular(self, rules: dict[str, Tree], tree: Tree, offset: int) -> Expression:
        simplified = simplify({**rules, "": tree}, "").rules[""]
        if not isinstance(simplified, Expression):
            raise self._unsupported("an exception (a - b) of what is not a regular language", offset)
        return simplified

    def _unsupported(self, feature: str, offset: int) -> UnsupportedFeatureError:
        return UnsupportedFeatureError(
            feature,
            location=line_and_column(self.text.source, offset),
            source=self.text.source,
            advice="write out what is left",
        )

    def _skip(self) -> None:
        self.text.match(_SPACE)

    def _choice(self) -> Tree:
        options = [self._sequence()]
        while self.text.take("|") or (self.is_iso and self.text.take("/")):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Tree:
        items: list[Tree] = []
        self._skip()
        while (item := self._factor()) is not None:
            items.append(self._without_exception(item))
            self._skip()
            if self.is_iso and self.text.take(","):
                self._skip()
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _without_exception(self, item: Tree) -> Tree:
        self._skip()
        offset = self.text.offset
        if not self.text.take("-"):
            return item
        self._skip()
        left_out = self._factor()
        if left_out is None:
            self.text.fail("something must follow '-'", "name what is left out", offset)
        name = f"- {len(self.exceptions)}"
        self.exceptions.append((name, item, left_out, offset))
        return RuleCall(name)

    def _factor(self) -> Tree | None:
        text = self.text
        count = text.match(_COUNT) if self.is_iso else None
        self._skip()
        item = self._item()
        if item is None:
            if count:
                text.fail("something must follow the number of repetitions")
            return None
        if count:
            item = Repetition(item, int(count.group(1)), int(count.group(1)))
        while not self.is_iso:
            bounds = _QUANTIFIERS.get(text.source[text.offset : text.offset + 1])
            if bounds is None:
                break
            text.offset += 1
            item = Repetition(item, *bounds)
        return item

    def _item(self) -> Tree | None:
        text = self.text
        start = text.offset
        for quote in ('"', "'"):
            if text.take(quote):
                end = text.source.find(quote, text.offset)
                if end < 0:
                    text.fail("the string is not closed", f"add {quote}", start)
                found = text.source[text.offset : end]
                text.offset = end + 1
                return literal(found)
        if text.take("("):
            return self._group(")", start)
        if self.is_iso:
            if text.take("["):
                return Repetition(self._group("]", start), 0, 1)
            if text.take("{"):
                return Repetition(self._group("}", start), 0, UNLIMITED)
            if text.at("?"):
                raise UnsupportedFeatureError(
                    "a special sequence (? ... ?)",
                    location=line_and_column(text.source, start),
                    source=text.source,
                )
        elif text.at("#x") or text.at("["):
            return self._characters(start)
        if not self.is_iso and _NEXT_RULE.match(text.source, text.offset):
            return None
        name = text.match(_NAME)
        if not name:
            return None
        self.references.setdefault(name.group(), start)
        return RuleCall(name.group())

    def _group(self, close: str, opened: int) -> Tree:
        if self.depth >= DEEPEST_GROUP:
            self.text.fail(f"groups nest deeper than {DEEPEST_GROUP}", "give the inner ones a rule", opened)
        self.depth += 1
        tree = self._choice()
        self.depth -= 1
        self.text.expect(close, "the group is not closed", opened)
        return tree

    def _characters(self, start: int) -> Tree:
        """`#xN`, or a set in brackets, in which `#xN` stands for a character too."""
        text = self.text
        if text.at("#x"):
            return literal(self._code_point(start))
        close = text.source.find("]", text.offset + 2)
        if close < 0:
            text.fail("the character class is not closed", "add ']'", start)
        inside = text.source[text.offset + 1 : close]
        text.offset = close + 1
        negative = inside.startswith("^")
        characters = _CODE_POINT.sub(
            lambda found: chr(min(int(found.group(1), 16), 0x10FFFF)), inside[negative:]
        )
        ranges, i = [], 0
        while i < len(characters):
            is_range = characters[i + 1 : i + 2] == "-" and i + 2 < len(characters)
            last = characters[i + 2] if is_range else characters[i]
            if last < characters[i]:
                text.fail("the range has its ends in the wrong order", "swap them", start)
            ranges.append((ord(characters[i]), ord(last)))
            i += 3 if is_range else 1
        return character_class(invert(merge_ranges(ranges)) if negative else ranges)

    def _code_point(self, start: int) -> str:
        found = self.text.match(_CODE_POINT)
        value = int(found.group(1), 16) if found else -1
        if not 0 <= value <= 0x10FFFF or 0xD800 <= value < 0xE000:
            self.text.fail("#x must be followed by the hexadecimal number of a character", offset=start)
        return chr(value)
