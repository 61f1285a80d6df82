"""What llguidance adds to Lark's notation -> text that Lark's own library reads, and what was taken out.

    call[capture]: <|tool|> %json { "type": "object" }     a special token, a document by a schema, a capture
    thought[lazy]: TEXT "</think>"                         a terminal that ends as soon as it can
    plan[max_tokens=100, temperature=0.7]: TEXT            how many tokens it takes, and how they are drawn
    quote[suffix="\""]: %regex { "substring_words": "..." }
    whole: "(" @inner ")"                                  a grammar that is handed in by name

In the place of each stands something that the library knows: a declared terminal, a pattern of one character
that the text does not have, a terminal of its own for a rule that has to be one. What a pattern or a string
has is left alone. Cost: one pass. `docs/grammars.md` says what each of them means.

Source: the documentation of llguidance (`docs/syntax.md`).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from .errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsupportedFeatureError,
    format_location,
    line_and_column,
)
from .expressions import Expression
from .grammar import Grammar
from .json_schema import from_json_schema
from .special_tokens import special_token
from .stop_strings import encoded
from .substrings import substring_expression

_SKIPPED_TEXT = re.compile(
    r'"(?:\\.|[^"\\\n])*(?:"i?)?|/(?!/)(?:\\.|[^/\\\n])+(?:/[imslux]*)?|//[^\n]*|#[^\n]*'
)
"""Strings, patterns and comments, in which nothing is an extension. One that is not closed ends with its
line, as nothing can be read then; or each of its characters would be tried for another one.
"""

_EXTENSION = re.compile(
    r"(?P<token><\|[^|<>\s]+\|>|<\[[0-9]+\]>|<[A-Za-z_][\w-]*>)"
    r"|%(?P<word>json|regex|llguidance|lark)\b"
    r"|@(?P<reference>[A-Za-z_][\w-]*)"
    r"|^(?P<header>[ \t]*[?!]*(?P<rule>_?[a-z][_a-z0-9]*)(?:\.-?[0-9]+)?)"
    r"[ \t]*\[(?P<attributes>[^\]\[\n]*)\][ \t]*:",
    re.MULTILINE,
)
_DEFINITION = re.compile(
    r"^[ \t]*(?:%(?:extend|override)[ \t]+)?[?!]*(\w+)[ \t]*(?:\{[^}\n]*\})?[ \t]*(?:\.-?[0-9]+)?"
    r"[ \t]*(?:\[[^\]\[\n]*\])?[ \t]*:",
    re.MULTILINE,
)
_ATTRIBUTE = re.compile(
    r"\s*(?P<name>[a-z_]+)\s*"
    r'(?:=\s*(?P<value>"(?:\\.|[^"\\\n])*"i?|/(?!/)(?:\\.|[^/\\\n])+/[imslux]*|[A-Za-z0-9_.+-]+)\s*)?(?:,|$)'
)
_ATTRIBUTES = ("capture", "lazy", "max_tokens", "stop", "stop_capture", "suffix", "temperature")
_SPACE = re.compile(r"\s*")
_FIRST_PLACEHOLDER = 0xF0000  # a private plane of Unicode

MOST_TOKENS = 100_000
"""Of `max_tokens`. Each number of tokens that such a rule has taken is a state of its own."""


class Attributes(NamedTuple):
    """What stands in brackets behind the name of a rule.

    capture: the name under which its text is handed out; "": it is not. body: the terminal that the rule is,
    if it has to be one; suffix: the one that ends it, with the name of its capture in `suffix_capture`.
    is_lazy: it ends as soon as it can. is_stop: the suffix is a `stop`, which what follows may write.
    most_tokens, temperature: of its text; None: there is none.
    """

    capture: str = ""
    body: str = ""
    suffix: str = ""
    suffix_capture: str = ""
    is_lazy: bool = False
    is_stop: bool = False
    most_tokens: int | None = None
    temperature: float | None = None


@dataclass
class Extensions:
    """A grammar in Lark's own notation, and what was taken out of it.

    plain: the text. definitions: where in the source rules and terminals are defined, with their names, in
    their order. special_tokens, embedded: by the names of terminals that stand for them, ids and
    grammars. patterns: by the character that stands for it, an expression. attributes: by rule. first: the
    first of what Lark's own lexers do not have, which is all but special tokens and %llguidance, and where;
    None: there is none.
    """

    source: str
    plain: str = ""
    definitions: list[tuple[int, str]] = field(default_factory=list)
    special_tokens: dict[str, int] = field(default_factory=dict)
    embedded: dict[str, Grammar] = field(default_factory=dict)
    patterns: dict[str, Expression] = field(default_factory=dict)
    attributes: dict[str, Attributes] = field(default_factory=dict)
    first: tuple[str, int] | None = None
    places: list[tuple[int, int]] = field(default_factory=list)  # where plain text goes on with the source

    def location(self, line: int, column: int) -> tuple[int, int]:
        """The place in the source of a place in the plain text."""
        if not self.places[1:]:
            return line, column
        lines = self.plain.split("\n")
        if not 1 <= line <= len(lines):
            return line, column
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        plain, source = max((place for place in self.places if place[0] <= offset), default=(0, 0))
        return line_and_column(self.source, min(source + offset - plain, len(self.source)))


def read_extensions(
    source: str, special_tokens: Mapping[str, int], grammars: Mapping[str, Grammar]
) -> Extensions:
    """The plain text of a grammar and its extensions.

    special_tokens: ids by name. grammars: what `@name` stands for.

    Raises: GrammarSyntaxError, UnresolvedReferenceError, UnsupportedFeatureError, LimitExceededError, with
        the place; what `from_json_schema` raises.
    """
    return _Reader(source, special_tokens, grammars).read()


class _Reader:
    def __init__(
        self, source: str, special_tokens: Mapping[str, int], grammars: Mapping[str, Grammar]
    ) -> None:
        self.source, self.special_tokens, self.grammars = source, special_tokens, grammars
        self.outside = _SKIPPED_TEXT.sub(lambda found: " " * len(found[0]), source)
        self.made = Extensions(source)
        self.made.definitions = [(one.start(1), one[1]) for one in _DEFINITION.finditer(self.outside)]
        self.pieces: list[str] = []
        self.length = 0  # of the pieces
        self.offset = 0  # in the source, up to which they stand for it

    def read(self) -> Extensions:
        for found in _EXTENSION.finditer(self.outside):
            if found.start() < self.offset:
                continue  # inside of what was read as JSON
            if found["token"]:
                self._check_rule(found["token"], found.start())
                token_id = special_token(found["token"], self.special_tokens, self.source, found.start())
                name = f"SPECIAL_TOKEN_{token_id}"
                self.made.special_tokens[name] = token_id
                self._replace(found.start(), name, found.end())
            elif found["header"]:
                self._header(found)
            elif found["reference"]:
                self._embed(found, self._named_grammar(found), found.end())
            else:
                self._block(found)
        self._copy(len(self.source))
        declared = [*self.made.special_tokens, *self.made.embedded]
        if declared:
            self.pieces.append(f"\n%declare {' '.join(declared)}\n")
        self.made.plain = "".join(self.pieces)
        return self.made

    def _copy(self, end: int) -> None:
        self.made.places.append((self.length, self.offset))
        self.pieces.append(self.source[self.offset : end])
        self.length += end - self.offset
        self.offset = end

    def _replace(self, start: int, text: str, end: int) -> None:
        """Let a text stand for what is between two offsets of the source."""
        self._copy(start)
        self.made.places.append((self.length, self.offset))
        self.pieces.append(text)
        self.length += len(text)
        self.offset = end

    def _notes(self, feature: str, offset: int) -> None:
        if self.made.first is None:
            self.made.first = (feature, offset)

    def _fail(self, message: str, offset: int, **more: Any) -> NoReturn:
        location = line_and_column(self.source, offset)
        raise GrammarSyntaxError(message, location=location, source=self.source, **more)

    def _refuse(self, feature: str, offset: int, advice: str) -> NoReturn:
        location = line_and_column(self.source, offset)
        raise UnsupportedFeatureError(feature, location=location, source=self.source, advice=advice)

    # ---- %json, %regex, @name ------------------------------------------------------------------------------
    def _block(self, found: re.Match[str]) -> None:
        word, start = found["word"], found.start()
        if word == "lark":
            self._refuse("a grammar inside a grammar (%lark)", start, "pass it in grammars=, write @name")
        value, end = self._json_after(found.end(), word)
        if word == "json":
            self._embed(found, self._schema(end, start), end[1])
        elif word == "regex":
            self._notes("%regex", start)
            character = self._new_character()
            try:
                self.made.patterns[character] = substring_expression(value)
            except GrammarSyntaxError as error:
                self._fail(error.message, start, got=error.got)
            self._replace(start, f"/{character}/", end[1])
        elif value:
            self._refuse(f"the option {next(iter(value))!r} of %llguidance", start, "leave it out")
        else:
            self._replace(start, "", end[1])

    def _schema(self, place: tuple[int, int], start: int) -> Grammar:
        """The grammar of a schema. Its errors say where the schema is, before the place in it."""
        try:
            return from_json_schema(self.source[place[0] : place[1]])
        except ConstraintError as error:
            where = line_and_column(self.source, start)
            if isinstance(error.location, str):
                pointer = format_location(error.location)
                error.location = f"{format_location(where)}, %json {pointer}"
            else:
                error.location, error.source = where, self.source
            raise

    def _json_after(self, offset: int, word: str) -> tuple[dict[str, Any], tuple[int, int]]:
        """The JSON object behind a word, and where it begins and ends."""
        start = _SPACE.match(self.source, offset).end()  # type: ignore[union-attr]
        if not self.source.startswith("{", start):
            example = {"json": '{"type": ...}', "regex": '{"substring_words": ...}'}.get(word, "{}")
            advice = f"write %{word} {example}"
            self._fail(f"%{word} must be followed by a JSON object", offset, advice=advice)
        try:
            value, end = json.JSONDecoder().raw_decode(self.source, start)
        except json.JSONDecodeError as error:
            self._fail(f"%{word}: this is not JSON: {error.msg}", error.pos)
        except RecursionError as error:
            raise LimitExceededError(
                f"the nesting of %{word}", given="more", limit="what json reads"
            ) from error
        return value, (start, end)

    def _named_grammar(self, found: re.Match[str]) -> Grammar:
        name = found["reference"]
        if name not in self.grammars:
            raise UnresolvedReferenceError(
                f"@{name}",
                [f"@{known}" for known in self.grammars],
                message="the grammar is not known",
                location=line_and_column(self.source, found.start()),
                source=self.source,
                advice="pass grammars={name: grammar}",
            )
        return self.grammars[name]

    def _embed(self, found: re.Match[str], grammar: Grammar, end: int) -> None:
        what = "%json" if found["word"] else found.group()
        self._notes(what, found.start())
        self._check_rule(what, found.start())
        name = self._new_name(f"EMBEDDED_{len(self.made.embedded) + 1}")
        self.made.embedded[name] = grammar
        self._replace(found.start(), name, end)

    def _check_rule(self, what: str, offset: int) -> None:
        """Raise an error for what is no part of a terminal and stands in one."""
        at = bisect_right(self.made.definitions, (offset, ""))
        name = self.made.definitions[at - 1][1] if at else ""
        if name.isupper():
            self._fail(f"{what} cannot be used in terminals", offset, advice="give it a rule")
        if name in self.made.attributes and self.made.attributes[name].body:
            advice = (
                "lazy, suffix, stop and max_tokens are for rules that are terminals; bound the whole text by "
                "max_new_tokens, or a document by its schema"
            )
            self._refuse(f"{what} in rule {name!r}, which has such attributes,", offset, advice)

    def _new_name(self, name: str) -> str:
        while name in self.source:
            name += "_"
        return name

    def _new_character(self) -> str:
        code_point = _FIRST_PLACEHOLDER + len(self.made.patterns)
        while chr(code_point) in self.source or chr(code_point) in self.made.patterns:
            code_point += 1
        return chr(code_point)

    # ---- attributes ----------------------------------------------------------------------------------------
    def _header(self, found: re.Match[str]) -> None:
        rule, start = found["rule"], found.start("rule")
        given = self._attributes(found)
        self._notes(f"{rule}[{', '.join(given)}]", start)
        if rule in self.made.attributes:
            self._fail(f"rule {rule!r} is defined twice", start)
        capture = rule if "capture" in given else ""
        if given.get("capture"):
            capture = self._name_in(given["capture"], start)
        suffix_capture = given.get("stop_capture", "")
        end = given.get("suffix", given.get("stop", ""))
        if "stop_capture" in given and not end:
            self._fail("stop_capture needs stop or suffix", start)
        if "stop" in given and "suffix" in given:
            self._fail("stop and suffix exclude each other", start, advice="leave one out")
        drawn = self._numbers(given, start)
        is_lazy = "lazy" in given or bool(end)
        if not is_lazy and drawn["most_tokens"] is None:
            self.made.attributes[rule] = Attributes(capture, **drawn)
            self._replace(found.start(), f"{found['header']}:", found.end())
            return
        body = self._new_name(f"{'LAZY' if is_lazy else 'WHOLE'}_{rule.strip('_').upper()}")
        definitions, suffix = "", ""
        if end:
            suffix = self._new_name(f"SUFFIX_{rule.strip('_').upper()}")
            definitions = f"\n{suffix}: {end}"
            suffix_capture = self._name_in(suffix_capture, start) if suffix_capture else ""
        self.made.attributes[rule] = Attributes(
            capture, body, suffix, suffix_capture, is_lazy, "stop" in given, **drawn
        )
        whole = f"{found['header']}: {body} {suffix}{definitions}\n{body}:"
        self._replace(found.start(), whole, found.end())

    def _attributes(self, found: re.Match[str]) -> dict[str, str]:
        """The attributes by name, with their values as they are written."""
        given: dict[str, str] = {}
        offset, end = found.span("attributes")
        while offset < end:
            item = _ATTRIBUTE.match(self.source, offset, end)
            if item is None or item["name"] not in _ATTRIBUTES:
                known = f"one of {', '.join(_ATTRIBUTES)}"
                self._fail(f"an attribute of a rule must be {known}", offset, got=self.source[offset:end])
            name, value = item["name"], item["value"] or ""
            if name in given:
                self._fail(f"{name} is given twice", offset, advice="leave one out")
            if name in ("lazy", "capture") or value:
                given[name] = value
            else:
                self._fail(f"{name} needs a value", offset, advice=f"write {name}=...")
            self._check_attribute(name, value, offset)
            offset = item.end()
        return given

    def _check_attribute(self, name: str, value: str, offset: int) -> None:
        if name == "lazy" and value:
            self._fail("lazy has no value", offset)
        if name in ("suffix", "stop") and value in ('""', '""i'):
            self._refuse(f"a {name} that is empty", offset, "what ends a text is the vocabulary's")

    def _numbers(self, given: Mapping[str, str], offset: int) -> dict[str, Any]:
        """What is said of the tokens of a rule."""
        most_tokens = temperature = None
        if "max_tokens" in given:
            written = given["max_tokens"]
            if not written.isdecimal() or not written.isascii():
                self._fail("max_tokens must be an integer, 0 or more", offset, got=written)
            most_tokens = int(written) if len(written) < 20 else MOST_TOKENS + 1
            if most_tokens > MOST_TOKENS:
                raise LimitExceededError("max_tokens of a rule", given=written[:40], limit=MOST_TOKENS)
        if "temperature" in given:
            try:
                temperature = float(given["temperature"])
            except ValueError:
                temperature = -1.0
            if not 0 <= temperature < float("inf"):
                self._fail("temperature must be a number, 0 or more", offset, got=given["temperature"])
        return {"most_tokens": most_tokens, "temperature": temperature}

    def _name_in(self, written: str, offset: int) -> str:
        """The text of a string that names a capture."""
        try:
            name = json.loads(written)
        except ValueError:
            name = None
        if not isinstance(name, str) or not name:
            self._fail("the name of a capture must be a string", offset, got=written)
        encoded(name)
        return name
