"""Pattern text -> syntax tree (`regex_tree.py`).

Reads ECMA-262 patterns as JSON Schemas contain them, and the syntax of Python's `re`; characters and
classes are read by `regex_escapes.py`. The parser keeps its own stack of open groups, so nesting costs no
recursion here, and refuses what nests deeper than MOST_NESTED, so that it costs none later either. One
pass, linear; runs of literal characters are taken in one step.

Back-references are written out where that is possible (`regex_references.py`). What does not describe a
regular language (other back-references, conditional groups), or changes the language by
the order of the search (possessive quantifiers, atomic groups), is refused by name.

Sources: ECMA-262 22.2.1 and annex B.1.2; the documentation of Python's `re`.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from . import regex_tree as tree
from .errors import LimitExceededError, UnsupportedFeatureError, line_and_column
from .expressions import UNLIMITED
from .regex_escapes import PYTHON, EscapeReader
from .regex_references import NotRegularError, without_references
from .regex_tree import Node
from .unicode_classes import ECMA_LINE_ENDS, EVERYTHING, PYTHON_LINE_ENDS, Ranges, invert

MOST_NESTED = 50  # groups inside groups
MOST_CHARACTERS = 100_000  # of a pattern

_LITERAL_RUN = re.compile(r"[^\\^$.|?*+()\[\]{}]+")
_QUANTIFIER = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_REFERENCE = re.compile(r"[1-9][0-9]*")
_REFERENCE_BY_NAME = re.compile(r"(?:\\k<|\(\?P=)([^>)]+)[>)]")
_MAY_REFER = re.compile(r"\\[1-9k]|\(\?P=")
_THREE_OCTAL_DIGITS = re.compile(r"[0-7][0-7][0-7]")
_GROUP_NAME = re.compile(r"((?:[^\W\d]|\$)[\w$]*)>")
_FLAGS = re.compile(r"([a-zA-Z]*)(-[a-zA-Z]*)?([:)])")
_SPACE_OR_COMMENT = re.compile(r"(?:\s|#[^\n]*)+")
_CAPTURING = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P?<(?![=!])", re.DOTALL)
_REFUSED_GROUPS = (("(?>", "an atomic group"), ("(?(", "a conditional group"))


class _Group(NamedTuple):
    """An open group: how it began, what stands before it, and the flags to go back to."""

    opening: str
    offset: int
    options: list[Node]
    items: list[Node]
    flags: tuple[bool, bool, bool, bool, bool]
    number: int  # 0: it captures nothing


def parse_pattern(pattern: str, syntax: str) -> Node:
    """The syntax tree of `pattern`; syntax: "ecma" or "python".

    Raises: GrammarSyntaxError, UnsupportedFeatureError, LimitExceededError, with line, column and source.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise LimitExceededError("the length of a pattern", given=len(pattern), limit=MOST_CHARACTERS)
    return _Parser(pattern, syntax).parse()


class _Parser:
    def __init__(self, pattern: str, syntax: str) -> None:
        self.pattern = pattern
        self.python = syntax == PYTHON
        self.reader = EscapeReader(pattern, syntax)
        self.offset = 0
        self.dot_all = self.multiline = self.verbose = False
        self.groups: list[_Group] = []
        self.keeps_groups = _MAY_REFER.search(pattern) is not None
        self.n_groups = 0
        self.names: dict[str, int] = {}  # 0 for a name that several groups have
        self.options: list[Node] = []  # finished options of the innermost open group
        self.items: list[Node] = []  # what the current option has so far
        self.repeatable = False  # whether a quantifier may follow

    def parse(self) -> Node:
        pattern = self.pattern
        while self.offset < len(pattern):
            if self.verbose:
                skipped = _SPACE_OR_COMMENT.match(pattern, self.offset)
                if skipped:
                    self.offset = skipped.end()
                    continue
            run = _LITERAL_RUN.match(pattern, self.offset)
            if run:
                self._literal_run(run.group())
            else:
                self._special(pattern[self.offset])
        if self.groups:
            raise self.reader.error(
                "the group is not closed", self.groups[-1].offset, "add ')', or write \\("
            )
        node = self._close_options()
        if not self.keeps_groups:
            return node
        try:
            return without_references(node, self.python)
        except NotRegularError as error:
            raise self._not_regular(error.reference.offset) from None

    def _literal_run(self, text: str) -> None:
        end = self.offset + len(text)
        if self.verbose:
            text = text[:1]
        elif len(text) > 1 and self.pattern[end : end + 1] in ("*", "+", "?", "{"):
            text = text[:-1]  # a quantifier takes the last character only
        self.offset += len(text)
        self.repeatable = True
        if self.reader.ignore_case:
            self.items.extend(self._character(ord(character)) for character in text)
        else:
            self.items.append(tree.Text(text))

    def _character(self, code_point: int) -> Node:
        ranges = ((code_point, code_point),)
        if self.reader.ignore_case:
            return tree.Characters(self.reader.fold(ranges))
        # A lone surrogate is in no text: an empty set says so.
        return tree.Characters(ranges) if 0xD800 <= code_point < 0xE000 else tree.Text(chr(code_point))

    def _append(self, node: Node, length: int = 1) -> None:
        self.items.append(node)
        self.offset += length
        self.repeatable = True

    def _append_assertion(self, kind: int, characters: Ranges = (), length: int = 1) -> None:
        self._append(tree.assertion(kind, characters), length)
        self.repeatable = False

    def _special(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            ranges, end = self.reader.read_class(self.offset)
            self._append(tree.Characters(ranges), end - self.offset)
        elif character == "(":
            self._open_group()
        elif character == ")":
            self._close_group()
        elif character == "|":
            self.options.append(tree.sequence(self.items))
            self.items, self.repeatable = [], False
            self.offset += 1
        elif character in "*+?":
            least, most = {"*": (0, UNLIMITED), "+": (1, UNLIMITED), "?": (0, 1)}[character]
            self._quantify(least, most, 1)
        elif character == "{":
            self._brace()
        elif character == ".":
            self._append(tree.Characters(EVERYTHING if self.dot_all else invert(self._line_ends)))
        elif character == "^":
            kind = tree.LINE_BEGIN if self.multiline else tree.BEGIN
            self._append_assertion(kind, self._line_ends)
        elif character == "$":
            kind = tree.LINE_END if self.multiline else tree.FINAL_END if self.python else tree.END
            self._append_assertion(kind, self._line_ends)
        else:  # a closing bracket or brace without its opening one
            self._append(self._character(ord(character)))

    @property
    def _line_ends(self) -> Ranges:
        return PYTHON_LINE_ENDS if self.python else ECMA_LINE_ENDS

    def _escape(self) -> None:
        letter = self.pattern[self.offset + 1 : self.offset + 2]
        if letter in ("b", "B"):
            kind = tree.BOUNDARY if letter == "b" else tree.NO_BOUNDARY
            self._append_assertion(kind, self.reader.word, 2)
        elif self.python and letter in ("A", "Z", "z"):  # \z since Python 3.14
            self._append_assertion(tree.BEGIN if letter == "A" else tree.END, (), 2)
        else:
            reference = self._reference(letter)
            if reference is not None:
                self._append(*reference)
                return
            value, end = self.reader.read_escape(self.offset)
            node = self._character(value) if isinstance(value, int) else tree.Characters(value)
            self._append(node, end - self.offset)

    def _reference(self, letter: str) -> tuple[Node, int] | None:
        """The back-reference at the offset and its length; None for octal and identity escapes."""
        digits = _REFERENCE.match(self.pattern, self.offset + 1)
        if digits:
            number = digits.group()
            if self.python:
                # As `re` reads it: three octal digits are a character, anything else refers to a group.
                if _THREE_OCTAL_DIGITS.match(self.pattern, self.offset + 1):
                    return None
                number = number[:2]
            elif len(number) > 5 or int(number) > self._n_capturing_groups:
                return None
            return self._reference_to(int(number)), 1 + len(number)
        if letter != "k" or self.python:
            return None
        name = _REFERENCE_BY_NAME.match(self.pattern, self.offset)
        if not name:
            raise self._not_regular(self.offset)
        return self._reference_to(self.names.get(name.group(1), 0)), len(name.group())

    def _reference_to(self, group: int) -> Node:
        return tree.Reference(group, self.reader.ignore_case, self.offset)

    def _not_regular(self, offset: int) -> UnsupportedFeatureError:
        return self.reader.unsupported(
            "a back-reference", offset, "its language is not regular; write out what it may repeat"
        )

    @cached_property
    def _n_capturing_groups(self) -> int:
        return sum(1 for found in _CAPTURING.finditer(self.pattern) if found.group()[0] == "(")

    def _brace(self) -> None:
        found = _QUANTIFIER.match(self.pattern, self.offset)
        least, comma, most = found.groups() if found else ("", "", "")
        is_quantifier = bool(least) or (self.python and bool(comma and most)) or (self.python and bool(comma))
        if not found or not is_quantifier:
            self._append(self._character(ord("{")))
            return
        low = int(least[:12] or 0)
        high = int(most[:12]) if most else UNLIMITED if comma else low
        if most and high < low:
            raise self.reader.error(
                f"{found.group()} has its bounds in the wrong order", self.offset, "swap them"
            )
        self._quantify(low, high, len(found.group()))

    def _quantify(self, least: int, most: int, length: int) -> None:
        if not self.repeatable:
            raise self.reader.error(
                "there is nothing to repeat", self.offset, "escape it for a literal character"
            )
        if self.pattern[self.offset + length : self.offset + length + 1] == "+" and self.python:
            raise self.reader.unsupported(
                "a possessive quantifier", self.offset, "drop the '+' unless backtracking matters"
            )
        is_lazy = self.pattern[self.offset + length : self.offset + length + 1] == "?"
        self.offset += length + is_lazy
        self.repeatable = False
        self.items[-1] = tree.repetition(self.items[-1], least, most, is_lazy)

    # Groups

    def _open_group(self) -> None:
        offset = self.offset
        if len(self.groups) >= MOST_NESTED:
            raise LimitExceededError(
                "the nesting of groups",
                given=len(self.groups) + 1,
                limit=MOST_NESTED,
                location=line_and_column(self.pattern, offset),
                source=self.pattern,
            )
        opening = self._group_opening()
        if opening == "(?P=":
            name = _REFERENCE_BY_NAME.match(self.pattern, offset)
            if not name:
                raise self._not_regular(offset)
            self._append(self._reference_to(self.names.get(name.group(1), 0)), len(name.group()))
            return
        if opening == "(?#":
            close = self.pattern.find(")", offset)
            if close < 0:
                raise self.reader.error("the comment is not closed", offset, "add ')'")
            self.offset = close + 1
            return
        flags = self._flags()
        if opening == "(?" and self._inline_flags(offset):
            return
        number = 0
        if opening in ("(", "(?<", "(?P<"):
            self.n_groups += 1
            number = self.n_groups
        if opening != "(?":
            self.offset += len(opening)
            if opening in ("(?<", "(?P<"):
                self._group_name()
        self.groups.append(_Group(opening, offset, self.options, self.items, flags, number))
        self.options, self.items, self.repeatable = [], [], False

    def _group_opening(self) -> str:
        """The characters that say what kind of group begins here; "(?": flags come next."""
        pattern, offset = self.pattern, self.offset
        if pattern[offset + 1 : offset + 2] != "?":
            return "("
        for opening in ("(?:", "(?=", "(?!", "(?<=", "(?<!"):
            if pattern.startswith(opening, offset):
                return opening
        if pattern.startswith("(?P<", offset):  # ECMA does not have it, but schemas written for Python do
            return "(?P<"
        if pattern.startswith("(?<", offset) and not self.python:
            return "(?<"
        for opening in ("(?#", "(?P="):
            if self.python and pattern.startswith(opening, offset):
                return opening
        for opening, feature in _REFUSED_GROUPS:
            if self.python and pattern.startswith(opening, offset):
                raise self.reader.unsupported(feature, offset, "write out the texts that it stands for")
        return "(?"

    def _group_name(self) -> None:
        name = _GROUP_NAME.match(self.pattern, self.offset)
        if not name or (self.python and "$" in name.group()):
            raise self.reader.error("the name of the group is not valid", self.offset, "write (?<name>...)")
        if self.python and name.group(1) in self.names:
            raise self.reader.error(f"the group {name.group(1)} exists already", self.offset, "rename one")
        self.names[name.group(1)] = 0 if name.group(1) in self.names else self.n_groups
        self.offset = name.end()

    def _flags(self) -> tuple[bool, bool, bool, bool, bool]:
        return self.reader.ignore_case, self.reader.ascii, self.dot_all, self.multiline, self.verbose

    def _restore_flags(self, flags: tuple[bool, bool, bool, bool, bool]) -> None:
        self.reader.ignore_case, self.reader.ascii, self.dot_all, self.multiline, self.verbose = flags

    def _inline_flags(self, offset: int) -> bool:
        """Read `(?flags)` or `(?flags:`; true for the first, which opens no group.

        ECMA-262 has only the second (since 2025). The first, at the start, is read there too: schemas
        that were written for other engines have it, and it has one meaning.
        """
        found = _FLAGS.match(self.pattern, offset + 2)
        if not found:
            raise self.reader.error("this kind of group is not known", offset, "write \\( for a parenthesis")
        added, removed, end = found.group(1), (found.group(2) or "-")[1:], found.group(3)
        known = "aiLmsux" if self.python else "ims"
        is_late = bool(self.groups or self.options or self.items)
        scoped_only = end == ")" and (found.group(2) is not None or is_late or not added)
        wrong = set(added + removed) - set(known) or set(added) & set(removed)
        clash = set("auL") & set(removed) or {"a", "u"} <= set(added) or "L" in added
        if wrong or clash or scoped_only or found.group(2) == "-":
            advice = f"known are {known}, as (?i:...) or, at the start of the pattern, (?i)"
            raise self.reader.error("these flags are not valid here", offset, advice)
        for flag in added:
            self._set_flag(flag, True)
        for flag in removed:
            self._set_flag(flag, False)
        self.offset = found.end()
        return end == ")"

    def _set_flag(self, flag: str, value: bool) -> None:
        if flag == "i":
            self.reader.ignore_case = value
        elif flag in "au":
            self.reader.ascii = flag == "a"
        elif flag == "s":
            self.dot_all = value
        elif flag == "m":
            self.multiline = value
        elif flag == "x":
            self.verbose = value

    def _close_options(self) -> Node:
        self.options.append(tree.sequence(self.items))
        return tree.alternation(self.options)

    def _close_group(self) -> None:
        if not self.groups:
            raise self.reader.error("there is no group to close", self.offset, "write \\) for a parenthesis")
        node = self._close_options()
        group = self.groups.pop()
        self.options, self.items = group.options, group.items
        self._restore_flags(group.flags)
        looks = {"(?=": (True, False), "(?!": (True, True), "(?<=": (False, False), "(?<!": (False, True)}
        if group.opening in looks:
            ahead, negative = looks[group.opening]
            self._append(tree.look(node, ahead, negative, group.offset))
            self.repeatable = self.python
        else:
            keeps = self.keeps_groups and group.number
            self._append(tree.Capture(node, group.number, node.needs) if keeps else node)
