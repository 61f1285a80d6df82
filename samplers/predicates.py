"""Predicates with a real use: regular expressions, Python, JSON with rules across fields, SQL, SMILES.

Each answers whether a text is right (`complete`) and whether it may become right (`prefix`). A prefix that is
refused has no right continuation: where that cannot be known, the answer is yes, which costs particles and
never changes the law. Libraries of the field do the reading: `regex` (partial matching), Python's own
compiler (`codeop` knows input that is not finished), `sqlglot` (extra `sql`), `partialsmiles` (extra
`smiles`); they are loaded when a predicate is made.
"""

from __future__ import annotations

import codeop
import importlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..decoding.arguments import checked_instance
from ..decoding.errors import ArgumentTypeError, ArgumentValueError

Rule = Callable[[Any], bool]


def _load(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ArgumentValueError(
            f"this predicate needs the package {name}", advice=f"pip install 'tokentrellis[{extra}]'"
        ) from error


class RegexPredicate:
    """The whole text matches a pattern, in the syntax of the package `regex`: look-around, back-references
    and what else no grammar takes. `from_regex` is faster for the patterns that it takes.
    """

    def __init__(self, pattern: str) -> None:
        checked_instance("pattern", pattern, str, "a text")
        regex = _load("regex", "transformers")
        try:
            self._pattern = regex.compile(pattern)
        except regex.error as error:
            raise ArgumentValueError(f"pattern: {error}", got=pattern) from error

    def prefix(self, text: str) -> bool:
        return self._pattern.fullmatch(text, partial=True) is not None

    def complete(self, text: str) -> bool:
        return self._pattern.fullmatch(text) is not None


class PythonPredicate:
    """The text is Python that this interpreter compiles. It is not run.

    A prefix is judged by its whole lines.
    """

    def prefix(self, text: str) -> bool:
        lines = text[: text.rfind("\n") + 1]
        while lines.endswith("\\\n"):  # a line that goes on
            lines = lines[: lines.rfind("\n", 0, -1) + 1]
        return self._compiles(lambda: codeop.compile_command(lines, symbol="exec"))

    def complete(self, text: str) -> bool:
        return self._compiles(lambda: compile(text, "<text>", "exec"))

    def _compiles(self, run: Callable[[], Any]) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes and the like are the text's
                run()
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
            return False
        return True


class JsonPredicate:
    """The text is JSON and its value obeys rules, such as `lambda order: order["paid"] <= order["total"]`.

    rules: functions of the whole value. A rule that asks for what is not there (LookupError) says nothing
    yet;
        so the same rule judges beginnings, by the members that are finished, and is heard as early as it can
        be. A rule must therefore not turn from False to True when members are added: "there are three items"
        belongs in the schema, or into `final_rules`.
    final_rules: asked about the finished value only.
    """

    def __init__(self, *rules: Rule, final_rules: Sequence[Rule] = ()) -> None:
        if not isinstance(final_rules, Sequence):
            raise ArgumentTypeError("final_rules must be a list of functions of the value", got=final_rules)
        for rule in (*rules, *final_rules):
            if not callable(rule):
                raise ArgumentTypeError("rules must be functions of the value", got=rule)
        if not rules and not final_rules:
            raise ArgumentValueError("there must be at least one rule")
        self._rules = rules
        self._final_rules = tuple(final_rules)

    def prefix(self, text: str) -> bool:
        finished = close_json(text)
        if finished is None:
            return _begins_scalar(text)
        try:
            value = json.loads(finished, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return False
        return all(_holds(rule, value) for rule in self._rules)

    def complete(self, text: str) -> bool:
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return False
        return all(_holds(rule, value) for rule in (*self._rules, *self._final_rules))


def _holds(rule: Rule, value: Any) -> bool:
    try:
        answer: Any = rule(value)
    except LookupError:
        return True
    except Exception as error:
        raise ArgumentTypeError(
            f"a rule must answer True or False of {value!r}",
            got=error,
            advice="give the schema as the grammar beside it, or have the rule look at types",
        ) from error
    if not isinstance(answer, (bool, np.bool_)):
        raise ArgumentTypeError(f"a rule must answer True or False of {value!r}", got=answer)
    return bool(answer)


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _begins_scalar(text: str) -> bool:
    """Whether JSON without brackets may begin so. Of strings and numbers the first character is looked at."""
    begun = text.strip(" \t\n\r")
    return begun[:1] in {"", *'"-0123456789'} or any(
        word.startswith(begun) for word in ("true", "false", "null")
    )


def close_json(text: str) -> str | None:
    """The beginning of a JSON text up to the last member or item that is finished, with brackets closed.

    None where there is no object or array yet. What is no beginning of JSON gives a text that is no JSON, or
    is cut off before the mistake.
    """
    closers: list[str] = []
    kept: str | None = None
    in_string = is_escaped = False
    is_key = False  # whether a string that ends here is a key
    for position, character in enumerate(text):
        if in_string:
            if is_escaped:
                is_escaped = False
            elif character == "\\":
                is_escaped = True
            elif character == '"':
                in_string = False
                if closers and not is_key:
                    kept = text[: position + 1] + "".join(reversed(closers))
        elif character == '"':
            in_string = True
        elif character in "{[":
            closers.append("}" if character == "{" else "]")
            is_key = character == "{"
            kept = text[: position + 1] + "".join(reversed(closers))
        elif character in "}],":
            if character != ",":
                if not closers:
                    return text
                closers.pop()
                kept = text[: position + 1] + "".join(reversed(closers))
            elif closers:
                kept = text[:position] + "".join(reversed(closers))
            is_key = bool(closers) and closers[-1] == "}" and character == ","
        elif character == ":":
            is_key = False
    return kept


class SqlPredicate:
    """The text is one SELECT that parses and names existing tables and columns.

    schema: for each table its columns, as names or as a mapping to their types.
    dialect: of sqlglot ("sqlite", "postgres" ...); None: its own.
    """

    def __init__(
        self, schema: Mapping[str, Sequence[str] | Mapping[str, str]], *, dialect: str | None = None
    ) -> None:
        checked_instance("schema", schema, Mapping, "a mapping from tables to columns")
        for table, columns in schema.items():
            if isinstance(columns, str) or not isinstance(columns, (Sequence, Mapping)):
                raise ArgumentTypeError(
                    f"schema[{table!r}] must be a list of columns, or a mapping from them to types",
                    got=columns,
                )
        self._sqlglot = _load("sqlglot", "sql")
        self._qualify = _load("sqlglot.optimizer.qualify", "sql").qualify
        try:
            self._sqlglot.Dialect.get_or_raise(dialect)
        except ValueError as error:
            raise ArgumentValueError("dialect must be one that sqlglot has", got=dialect) from error
        self._dialect = dialect
        self._schema = {
            str(table): dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "TEXT")
            for table, columns in schema.items()
        }
        self._tables = {table.lower() for table in self._schema}

    def prefix(self, text: str) -> bool:
        """It begins as SELECT, WITH or a bracket does, closes no bracket that is not open, and has nothing
        after its end."""
        begun = text.lstrip().upper()
        if not any(begun.startswith(word) or word.startswith(begun) for word in ("SELECT", "WITH", "(")):
            return False
        depth = 0
        quote = ""
        for position, character in enumerate(text):
            if quote:
                quote = "" if character == quote else quote
            elif character in "'\"`":
                quote = character
            elif character == "-" and text[position + 1 : position + 2] == "-":
                return True  # a comment: brackets in it do not count
            elif character == ";":
                return depth == 0 and not text[position + 1 :].strip()
            else:
                depth += (character == "(") - (character == ")")
            if depth < 0:
                return False
        return True

    def complete(self, text: str) -> bool:
        exp = self._sqlglot.exp
        try:
            statements = self._sqlglot.parse(text, dialect=self._dialect)
            if len(statements) != 1 or not isinstance(statements[0], exp.Query):
                return False
            own = {common.alias.lower() for common in statements[0].find_all(exp.CTE)}
            tables = {table.name.lower() for table in statements[0].find_all(exp.Table)}
            if not tables <= self._tables | own:
                return False
            self._qualify(statements[0], schema=self._schema, dialect=self._dialect)
        except (self._sqlglot.errors.SqlglotError, RecursionError):
            return False
        return True


class SmilesPredicate:
    """The text is a SMILES string of a molecule whose valences are right and whose aromatic bonds can be
    drawn."""

    def __init__(self) -> None:
        self._library = _load("partialsmiles", "smiles")

    def prefix(self, text: str) -> bool:
        return self._reads(text, is_partial=True)

    def complete(self, text: str) -> bool:
        return self._reads(text, is_partial=False)

    def _reads(self, text: str, *, is_partial: bool) -> bool:
        try:
            self._library.ParseSmiles(text, partial=is_partial)
        except (self._library.Error, IndexError):  # version 2.0 looks past the end of "C%1"
            return False
        return True
