r"""One notation of rules -> another: a grammar of rules in, its text in GBNF, EBNF or Lark, or a pattern out.

The rules that a front end read are written down again over characters (`character_trees.py`), under their
names where the notation takes them; rules that call themselves first are rewritten for GBNF
(`left_recursion.py`). Both grammars accept the same strings. What the other notation cannot
say is refused with the reason: recursion in a pattern, special tokens in EBNF and patterns, exceptions
anywhere. Comments, the grouping into terminals and the order inside a set of characters are not kept.

Cost: linear in what is written; bounded repetitions are written out in EBNF, MOST_CHARACTERS bounds the text.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from string import hexdigits
from typing import Literal

from .character_trees import (
    Characters,
    CharacterTree,
    Options,
    Repeated,
    Row,
    Text,
    character_trees,
)
from .context_free import ContextFreeGrammar
from .errors import GrammarError, LimitExceededError, UnsupportedFeatureError
from .expressions import EPSILON, UNLIMITED
from .grammar import Grammar
from .left_recursion import without_left_recursion
from .regex import RegexGrammar
from .rules import RuleCall, Sequence, SpecialToken, Tree, calls_of, components
from .unicode_classes import Ranges, invert, merge_ranges

Notation = Literal["gbnf", "ebnf", "lark", "regex"]

MOST_CHARACTERS = 1_000_000
"""Of the text that is written."""

_LAST_CHARACTER = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_SHORT = {(0, UNLIMITED): "*", (1, UNLIMITED): "+", (0, 1): "?"}


def convert_grammar(grammar: Grammar, to: Notation) -> str:
    """The rules of a grammar in another notation; both accept the same strings.

    Args:
        grammar: from `from_gbnf`, `from_ebnf`, `from_regex`, or `from_lark(lexer="dynamic")`.
        to: "gbnf", without rules that call themselves first, which llama.cpp does not read; "ebnf" as the W3C
            writes it; "lark", which is to be read with `lexer="dynamic"`; "regex", one pattern in the syntax
            of Python's `re`.

    Raises:
        UnsupportedFeatureError: the grammar is no grammar of rules, or has what the notation cannot say; the
            message has the reason.
        LimitExceededError: the text would be longer than `MOST_CHARACTERS`.
        GrammarError: it is no Grammar, or no such notation.
    """
    if not isinstance(grammar, Grammar):
        raise GrammarError("grammar must be a Grammar", got=grammar, advice="make one with from_gbnf(...)")
    if not isinstance(to, str) or to not in _WRITERS:
        raise GrammarError(f"to must be {', '.join(map(repr, _WRITERS))}", got=to)
    rules, start = _rules_of(grammar)
    if to == "gbnf":
        rules = without_left_recursion(rules, start)
    order = [name for component in reversed(components(rules, [start])) for name in component]
    trees = character_trees({name: rules[name] for name in order})
    return _WRITERS[to]().write(trees, start, rules)


def _rules_of(grammar: Grammar) -> tuple[Mapping[str, Tree], str]:
    """The rules by name, and the name of the start."""
    if grammar.token_limits or grammar.has_temperatures:
        raise UnsupportedFeatureError(
            "converting a grammar whose rules have max_tokens or temperature",
            advice="no other notation has a word for them; leave them out",
        )
    if isinstance(grammar, ContextFreeGrammar):
        rules, start = dict(grammar.rules), grammar.start_rule
        called = rules[start]
        if not start and isinstance(called, Sequence) and called.items[1:] == (EPSILON,):
            called = called.items[0]  # a Lark grammar that ignores nothing: its own start says it all
        return (rules, called.name) if not start and isinstance(called, RuleCall) else (rules, start)
    if isinstance(grammar, RegexGrammar):
        return {"root": grammar.expression}, "root"
    if grammar.parse_tables is not None:
        raise UnsupportedFeatureError(
            "converting a Lark grammar whose lexer divides the text before the rules are asked",
            advice="no other notation has such a lexer; if the rules alone say enough, read it with "
            "lexer='dynamic'",
        )
    raise UnsupportedFeatureError(
        f"converting a {type(grammar).__name__}, which is not made of rules,",
        advice="give rules in Lark, GBNF or EBNF, or a regular expression",
    )


class _Writer(ABC):
    """What the notations of rules have in common. Each says how its pieces look."""

    notation = ""
    definition = " ::= "
    separator = " "
    bar = " | "
    start_name: str | None = None
    name_pattern = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
    wrong_characters = re.compile(r"[^A-Za-z0-9-]")
    filler = "-"
    is_lower = False
    empty = '""'
    footer = ""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def write(self, trees: Mapping[str, CharacterTree | None], start: str, rules: Mapping[str, Tree]) -> str:
        self._name_rules([start, *(name for name in trees if name != start)])
        lines = []
        length = 0
        for name in self.names:
            tree = trees[name]
            # What derives nothing calls itself for ever, which no notation has a word for.
            body = self.names[name] if tree is None else self.choice(tree)
            lines.append(f"{self.names[name]}{self.definition}{body}")
            length += len(lines[-1]) + 1
            _check_length(length)
        return "\n".join(lines) + "\n" + self.footer

    def _name_rules(self, names: list[str]) -> None:
        taken: set[str] = set()
        for name in names:
            wanted = name.lower() if self.is_lower else name
            wanted = self.wrong_characters.sub(self.filler, wanted).strip(self.filler) or "rule"
            if not self.name_pattern.fullmatch(wanted):
                wanted = f"rule{self.filler}{wanted}"
            if not taken and self.start_name is not None:
                wanted = self.start_name
            number = 1
            chosen = wanted
            while chosen in taken:
                number += 1
                chosen = f"{wanted}{self.filler}{number}"
            taken.add(chosen)
            self.names[name] = chosen

    def choice(self, tree: CharacterTree) -> str:
        if isinstance(tree, Options):
            return self.bar.join(self.sequence(option) for option in tree.options)
        return self.sequence(tree)

    def sequence(self, tree: CharacterTree) -> str:
        if isinstance(tree, Row):
            return self.separator.join(self.item(item) for item in tree.items)
        return self.empty if tree == Text("") else self.item(tree)

    def item(self, tree: CharacterTree) -> str:
        """What holds together by itself."""
        if isinstance(tree, RuleCall):
            return self.names[tree.name]
        if isinstance(tree, SpecialToken):
            return self.token(tree.token_id)
        if isinstance(tree, Text):
            return self.text(tree.text)
        if isinstance(tree, Characters):
            return self.characters(tree.ranges)
        if isinstance(tree, Repeated):
            inner = self.item(tree.item)
            if isinstance(tree.item, Repeated) or (isinstance(tree.item, Text) and not self._is_one(inner)):
                inner = f"({inner})"
            return self.repetition(inner, tree.least, tree.most)
        return f"({self.choice(tree)})"

    def _is_one(self, written: str) -> bool:
        """Whether an operator behind a text means all of it."""
        return True

    def repetition(self, item: str, least: int, most: int) -> str:
        short = _SHORT.get((least, most))
        return item + (short or self.bounds(least, most))

    def bounds(self, least: int, most: int) -> str:
        if most == UNLIMITED:
            return f"{{{least},}}"
        return f"{{{least}}}" if least == most else f"{{{least},{most}}}"

    def token(self, token_id: int) -> str:
        raise UnsupportedFeatureError(f"a special token (number {token_id}) in {self.notation}")

    @abstractmethod
    def text(self, text: str) -> str:
        """A text as the notation writes it."""

    def characters(self, ranges: Ranges) -> str:
        """A set of characters; one with the last of all by what it leaves out."""
        if ranges[-1][1] < _LAST_CHARACTER:
            return self.character_set(ranges, "")
        missing = invert(merge_ranges([*ranges, _SURROGATES]))  # these are no characters
        return self.character_set(missing, "^") if missing else self.any_character()

    def any_character(self) -> str:
        return self.character_set(((0, _LAST_CHARACTER),), "")

    def character_set(self, ranges: Ranges, sign: str) -> str:
        written = []
        for first, last in ranges:
            ends = [self.in_set(first)] if first == last else [self.in_set(first), self.in_set(last)]
            written.append(("-" if last > first + 1 else "").join(ends))
        return f"[{sign}{''.join(written)}]"

    @abstractmethod
    def in_set(self, code_point: int) -> str:
        """A character within the brackets of a set."""


def _escaped(code_point: int, special: str) -> str:
    character = chr(code_point)
    if character in special:
        return f"\\{character}"
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    if known is not None:
        return known
    if character.isprintable():
        return character
    if code_point < 0x100:
        return f"\\x{code_point:02x}"
    return f"\\u{code_point:04x}" if code_point < 0x10000 else f"\\U{code_point:08x}"


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(ord(character), '"\\') for character in text) + '"'


class _Gbnf(_Writer):
    notation = "GBNF"
    start_name = "root"

    def token(self, token_id: int) -> str:
        return f"<[{token_id}]>"

    def text(self, text: str) -> str:
        return _quoted(text)

    def in_set(self, code_point: int) -> str:
        return _escaped(code_point, "]\\^-[")

    def any_character(self) -> str:
        return "."


class _Ebnf(_Writer):
    notation = "EBNF"
    name_pattern = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
    wrong_characters = re.compile(r"[^A-Za-z0-9_-]")
    _ends_in_number = re.compile(r"#x[0-9A-F]+\Z")

    def text(self, text: str) -> str:
        pieces = re.findall(r"[^\"\x00-\x1f\x7f-\x9f]+|\"+|[\x00-\x1f\x7f-\x9f]", text)
        written = [
            f"'{piece}'"
            if piece[0] == '"'
            else f'"{piece}"'
            if piece[0].isprintable()
            else self._code(ord(piece))
            for piece in pieces
        ]
        return written[0] if len(written) == 1 else f"({' '.join(written)})"

    def repetition(self, item: str, least: int, most: int) -> str:
        """Without bounds in the notation, the item so many times; what may come nests."""
        short = _SHORT.get((least, most))
        if short:
            return item + short
        copies = max(least, 0 if most == UNLIMITED else most)
        _check_length(copies * (len(item) + 4))
        needed = [item] * least
        if most == UNLIMITED:
            needed[-1] += "+"
            return f"({' '.join(needed)})"
        if most - least > 90:  # as deep as groups may nest; in a row they mean the same
            return f"({' '.join(needed + [item + '?'] * (most - least))})"
        more = ""
        for _ in range(most - least):
            more = f"({item} {more})?" if more else f"{item}?"
        return f"({' '.join([*needed, more] if more else needed)})"

    def in_set(self, code_point: int) -> str:
        if chr(code_point) in "]^-#[" or not chr(code_point).isprintable():
            return self._code(code_point)
        return chr(code_point)

    def character_set(self, ranges: Ranges, sign: str) -> str:
        """A hyphen, by whatever number, would make a range: it stands last. After a number, digits of such
        are numbers themselves."""
        pieces = [f"[{sign}"]
        for first, last in ranges:
            for pair in _without_hyphen(first, last):
                piece = super().character_set((pair,), "")[1:-1]
                if piece[0] in hexdigits and self._ends_in_number.search(pieces[-1]):
                    piece = self._code(pair[0]) + piece[1:]
                pieces.append(piece)
        has_hyphen = any(first <= 0x2D <= last for first, last in ranges)
        return "".join(pieces) + ("-]" if has_hyphen else "]")

    def _code(self, code_point: int) -> str:
        return f"#x{code_point:X}"


def _without_hyphen(first: int, last: int) -> list[tuple[int, int]]:
    """A range without the hyphen, two neighbours as one character each."""
    if last == first + 1:
        return [(one, one) for one in (first, last) if one != 0x2D]
    if not first <= 0x2D <= last:
        return [(first, last)]
    return [(low, high) for low, high in ((first, 0x2C), (0x2E, last)) if low <= high]


class _Lark(_Writer):
    notation = "Lark"
    definition = ": "
    start_name = "start"
    name_pattern = re.compile(r"[a-z][a-z0-9_]*")
    wrong_characters = re.compile(r"[^a-z0-9_]")
    filler = "_"
    is_lower = True
    empty = ""

    def token(self, token_id: int) -> str:
        return f"<[{token_id}]>"

    def text(self, text: str) -> str:
        return _quoted(text)

    def in_set(self, code_point: int) -> str:
        return _escaped(code_point, "]\\^-[/&~|")

    def characters(self, ranges: Ranges) -> str:
        return f"/{super().characters(ranges)}/"

    def any_character(self) -> str:
        return r"[\s\S]"

    def repetition(self, item: str, least: int, most: int) -> str:
        short = _SHORT.get((least, most))
        if short:
            return item + short
        if most == UNLIMITED:
            return f"({item} ~ {least} {item}*)"
        return f"({item} ~ {least})" if least == most else f"({item} ~ {least}..{most})"


class _Pattern(_Writer):
    """One pattern of Python's `re`: calls are written out."""

    notation = "a regular expression"
    separator = ""
    bar = "|"
    empty = ""

    def write(self, trees: Mapping[str, CharacterTree | None], start: str, rules: Mapping[str, Tree]) -> str:
        written: dict[str, str] = {}
        for component in components(rules, [start]):  # callees first
            name = component[0]
            tree = trees[name]
            if len(component) > 1 or tree is None or name in calls_of(rules[name]):
                raise UnsupportedFeatureError(
                    f"rule {name!r}, which calls itself, in a regular expression",
                    advice="a regular expression nests to no depth; write the rules in GBNF, EBNF or Lark",
                )
            self.names = written
            body = self.choice(tree)
            written[name] = body if self._is_single(tree) else f"(?:{body})"
            _check_length(len(body))
        tree = trees[start]
        return "" if tree is None else self.choice(tree)

    def _is_single(self, tree: CharacterTree) -> bool:
        return isinstance(tree, Characters) or (isinstance(tree, Text) and len(tree.text) == 1)

    def item(self, tree: CharacterTree) -> str:
        if isinstance(tree, (Options, Row)):
            return f"(?:{self.choice(tree)})"
        if isinstance(tree, Repeated):
            inner = self.item(tree.item)
            if not (isinstance(tree.item, (Options, Row, RuleCall)) or self._is_single(tree.item)):
                inner = f"(?:{inner})"
            return self.repetition(inner, tree.least, tree.most)
        return super().item(tree)

    def text(self, text: str) -> str:
        return "".join(_escaped(ord(character), "\\.^$*+?{}[]|()") for character in text)

    def in_set(self, code_point: int) -> str:
        return _escaped(code_point, "]\\^-[&~|")

    def any_character(self) -> str:
        return r"[\s\S]"


def _check_length(length: int) -> None:
    if length > MOST_CHARACTERS:
        raise LimitExceededError(
            "characters of the text that is written", given=length, limit=MOST_CHARACTERS
        )


_WRITERS: dict[str, type[_Writer]] = {"gbnf": _Gbnf, "ebnf": _Ebnf, "lark": _Lark, "regex": _Pattern}
