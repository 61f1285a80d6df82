"""Arguments of a call that are not written as one JSON object: keywords of Python, elements of XML, or bare
names with strings between marks.

In comes the schema of the arguments, out comes a `Grammar`. Each argument is a JSON document by itself, or
raw text where it is a string in XML; they come in the order of the schema, optional ones may be left out.
Values within are JSON, with Python's words for true, false and null where Python reads them, or as
`delimited_values.py` has them.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .composition import Piece, Skeleton, Token
from .delimited_values import check_name, delimited, raw_text
from .errors import LimitExceededError, UnsupportedFeatureError
from .expressions import (
    BYTE_CLASS,
    CONCATENATION,
    Expression,
    byte_class,
    concatenate,
    hash_consed,
    literal,
    optional,
    union,
)
from .grammar import Expansion, Grammar, LiteralsEdge, PlainArray, PlainObject, StringEdge, TerminalEdge
from .json_schema import from_json_schema
from .parameter_elements import NAME, ParameterElement
from .token_texts import split_at_tokens, write

_WORDS = {b"true": b"True", b"false": b"False", b"null": b"None"}
_SHARED = ("$schema", "$id", "$defs", "definitions")
_READ = {*_SHARED, "type", "properties", "required", "additionalProperties", "title", "description"}


class PythonWords(Grammar):
    """A JSON grammar whose words are True, False and None."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.start = grammar.start
        self.distinct_keys, self.distinct_items = grammar.distinct_keys, grammar.distinct_items
        self.ignored = grammar.ignored

    def expand(self, state: int) -> Expansion:
        expansion = self.grammar.expand(state)
        edges = [
            edge._replace(terminal=with_python_words(edge.terminal))
            if isinstance(edge, TerminalEdge)
            else edge
            for edge in expansion.edges
        ]
        return expansion._replace(edges=edges)

    def unfold(self, state: int) -> Expansion | PlainObject | PlainArray:
        unfolded = self.grammar.unfold(state)
        return self.expand(state) if isinstance(unfolded, Expansion) else unfolded

    def successor(self, state: int, edge: int, label: int) -> int:
        return self.grammar.successor(state, edge, label)

    def value(self, state: int, label: int) -> int:
        return self.grammar.value(state, label)

    def recall(self, state: int, items: Sequence[bytes]) -> int:
        return self.grammar.recall(state, [_as_json(item) for item in items])


def _as_json(item: bytes) -> bytes:
    words = {word: json_word for json_word, word in _WORDS.items()}
    return re.sub(
        rb'"(?:[^"\\]|\\.)*"|True|False|None', lambda m: words.get(m[0], m[0]), item, flags=re.DOTALL
    )


@lru_cache(1 << 14)
def with_python_words(expression: Expression) -> Expression:
    """An expression with Python's spelling wherever it reads the words of JSON."""
    children = tuple([with_python_words(child) for child in expression.children])
    if expression.kind != CONCATENATION:
        return hash_consed(expression.kind, children, expression.payload)
    written: list[Expression] = []
    at = 0
    while at < len(children):
        word = next((word for word in _WORDS if _reads(children, at, word)), None)
        if word is None:
            written.append(children[at])
        else:
            written.append(literal(_WORDS[word]))
        at += 1 if word is None else len(word)
    return concatenate(*written)


def _reads(parts: Sequence[Expression], at: int, word: bytes) -> bool:
    places = parts[at : at + len(word)]
    return len(places) == len(word) and all(
        part.kind == BYTE_CLASS and part.payload == 1 << byte for part, byte in zip(places, word, strict=True)
    )


def python_arguments(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Grammar:
    """Keyword arguments, without the parentheses. options: those of `from_json_schema`.

    Raises: what `from_json_schema` raises; UnsupportedFeatureError for keywords that tie arguments together.
    """
    gap = optional(byte_class(b" "))
    for name in parameters.get("properties", {}):
        check_python_name(name, "an argument")

    def argument(name: str, schema: Any) -> list[Piece]:
        return [literal(f"{name}="), PythonWords(from_json_schema(schema, **options))]

    return _arguments(parameters, argument, concatenate(literal(","), gap))


def check_python_name(name: str, what: str) -> None:
    """Raises UnsupportedFeatureError for what Python cannot read as a name, or as names joined by dots."""
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split(".")):
        raise UnsupportedFeatureError(
            f"the name of {what} that Python does not take",
            got=name,
            advice="rename it, or choose a format with JSON arguments",
        )


def xml_arguments(
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
    element: ParameterElement,
    special_tokens: Mapping[str, int],
) -> Grammar:
    """An element for each argument, with special tokens where it has their names.

    options: those of `from_json_schema`.

    Raises: as `python_arguments` does.
    """

    for name in parameters.get("properties", {}):
        if not NAME.fullmatch(name):
            raise UnsupportedFeatureError(
                "the name of an argument that cannot be told from the element around it",
                got=name,
                advice='leave <, >, " and line breaks out of it, or choose a format with JSON arguments',
            )

    def argument(name: str, schema: Any) -> list[Piece]:
        texts, others = _xml_values(schema, options, element.end)
        skeleton = Skeleton()
        end = skeleton.state()
        for value, is_text in ((texts, True), (others, False)):
            if value is not None:
                state = write(skeleton, 0, element.begin(name, is_text), special_tokens)
                skeleton.join(state, value, end)
        skeleton.end(write(skeleton, end, element.end + element.tail, special_tokens))
        return [skeleton.build()]

    return _arguments(parameters, argument, None)


def delimited_arguments(
    parameters: Mapping[str, Any], options: Mapping[str, Any], quote: str, special_tokens: Mapping[str, int]
) -> Grammar:
    """Bare names and values, strings between marks; all in the order of their names.

    options: those of `from_json_schema`. quote: the mark, special tokens written as tokens.

    Raises: as `python_arguments` does, and for what `delimited_values.delimited` refuses.
    """
    pieces = [
        Token(special_tokens[text]) if text in special_tokens else literal(text)
        for text in split_at_tokens(quote, special_tokens)
    ]
    try:
        parameters = _in_order_of_names(parameters)
    except RecursionError:
        raise LimitExceededError("depth of the schema", given="more", limit="what the stack holds") from None
    for name in parameters.get("properties", {}):
        check_name(name, quote)

    def argument(name: str, schema: Any) -> list[Piece]:
        value = from_json_schema(schema, **options)
        return [literal(f"{name}:"), delimited(value, quote, tuple(pieces))]

    return _arguments(parameters, argument, concatenate(literal(","), optional(byte_class(b" "))))


def _in_order_of_names(schema: Any) -> Any:
    """A schema with its properties in the order in which templates of Jinja write a mapping (`dictsort`)."""
    if isinstance(schema, list):
        return [_in_order_of_names(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    ordered = {name: _in_order_of_names(part) for name, part in schema.items()}
    properties = ordered.get("properties")
    if isinstance(properties, dict):
        ordered["properties"] = dict(sorted(properties.items(), key=lambda item: item[0].lower()))
    return ordered


def _arguments(
    parameters: Mapping[str, Any],
    argument: Callable[[str, Any], list[Piece]],
    separator: Expression | None,
) -> Grammar:
    """The declared arguments in their order."""
    others = [name for name in parameters if name not in _READ]
    if parameters.get("additionalProperties", False) is not False:
        others.append("additionalProperties")
    if others or parameters.get("type", "object") != "object":
        raise UnsupportedFeatureError(
            f"arguments that are not written as a JSON object cannot obey {', '.join(others) or 'this type'}",
            advice="declare them by properties and required alone, or choose a format with JSON arguments",
        )
    required = set(parameters.get("required", ()))
    skeleton = Skeleton()
    nothing, something = 0, skeleton.state()  # whether an argument has been written
    for name, schema in parameters.get("properties", {}).items():
        after, after_nothing = skeleton.state(), skeleton.state()
        state = skeleton.state()
        skeleton.skip(nothing, state)
        if separator is None:
            skeleton.skip(something, state)
        else:
            skeleton.join(something, separator, state)
        if name not in required:
            skeleton.skip(nothing, after_nothing)
            skeleton.skip(something, after)
        for piece in argument(name, with_shared(parameters, schema)):
            state = skeleton.join(state, piece)
        skeleton.skip(state, after)
        nothing, something = after_nothing, after
    skeleton.end(nothing)
    skeleton.end(something)
    return skeleton.build()


def _xml_values(
    schema: Any, options: Mapping[str, Any], stop: str
) -> tuple[Expression | None, Grammar | None]:
    """Strings as they are, without what ends a value; anything else as JSON, or with Python's words."""
    grammar = from_json_schema(schema, **options)
    edges = grammar.expand(grammar.start).edges
    texts = [raw_text(edge, stop) for edge in edges if isinstance(edge, (StringEdge, LiteralsEdge))]
    strings = union(*texts) if texts else None
    if len(texts) == len(edges):
        return strings, None
    others = from_json_schema(_without_strings(schema), **options) if texts else grammar
    words = PythonWords(others)
    has_words = words.expand(words.start).edges != list(others.expand(others.start).edges)
    skeleton = Skeleton()
    end = skeleton.state()
    skeleton.end(end)
    for values in (others, words) if has_words else (others,):
        skeleton.join(0, values, end)
    return strings, skeleton.build()


def with_shared(parameters: Mapping[str, Any], schema: Any) -> Any:
    """The schema of one argument, with what it may refer to."""
    if not isinstance(schema, Mapping):
        return schema
    return {**{name: parameters[name] for name in _SHARED if name in parameters}, **schema}


def value_kinds(schema: Any) -> tuple[bool, bool]:
    """Whether a value may be a string, and whether it may be something else."""
    grammar = from_json_schema(schema)
    is_text = [isinstance(edge, (StringEdge, LiteralsEdge)) for edge in grammar.expand(grammar.start).edges]
    return any(is_text), not all(is_text)


def _without_strings(schema: Any) -> dict[str, Any]:
    shared = {name: schema[name] for name in _SHARED if name in schema} if isinstance(schema, Mapping) else {}
    return {**shared, "allOf": [schema], "not": {"type": "string"}}
