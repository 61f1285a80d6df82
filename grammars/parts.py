"""Grammars out of grammars: in a row, one of several, many, free text up to a string.

In come parts (a string is literal text, a `Grammar` is itself), out comes a `Grammar` that can be a part
again. What each function says is written as states between pieces (`composition.py`); parts that are regular,
such as patterns and free text, become terminals of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from .composition import Composition, Piece, Skeleton, Token, check_part
from .errors import GrammarError, UnsatisfiableError, UnsupportedFeatureError
from .expressions import EPSILON, Expression, intersect, literal, optional, union
from .grammar import END, CaptureRule, Grammar, TerminalEdge
from .json_schema import from_json_schema
from .stop_strings import checked_strings, encoded, text_up_to, text_without

MOST_COUNTED = 100_000
"""`least` and `most` of a repetition: each number is a state."""

Part: TypeAlias = "str | Grammar"


def sequence(*parts: Part) -> Grammar:
    """The parts one after the other: `sequence("id: ", from_regex("[0-9]+"), from_json_schema(schema))`.

    A JSON Schema may stand anywhere in it, several times too; each is a document by itself.

    Raises: GrammarError for what is no part, UnsupportedFeatureError for a Lark grammar with its contextual
        lexer (`lexer="dynamic"` can be a part), UnsatisfiableError if there is no text.
    """
    skeleton = Skeleton()
    state = 0
    for part in parts:
        state = skeleton.join(state, piece_of(part))
    skeleton.end(state)
    return skeleton.build()


def alternatives(*parts: Part) -> Grammar:
    """One of the parts.

    Readings go on beside each other as long as the text leaves several open. Where one of them is a JSON
    document that is being read, no other may begin a document inside it: that is a GrammarError when the text
    comes there.

    Raises: as `sequence` does; UnsatisfiableError without any part.
    """
    skeleton = Skeleton()
    end = skeleton.state()
    for part in parts:
        skeleton.join(0, piece_of(part), end)
    skeleton.end(end)
    return skeleton.build()


def repeat(part: Part, least: int = 0, most: int | None = None, *, separator: Part = "") -> Grammar:
    """The part from `least` to `most` times (None: any number), with a separator between any two.

    Raises: as `sequence` does; GrammarError for numbers that are none, or beyond MOST_COUNTED.
    """
    _check_counts(least, most)
    skeleton = Skeleton()
    item, between = piece_of(part), piece_of(separator)
    before = state = 0
    if least == 0:
        skeleton.end(0)
    for n in range(1, (max(least, 1) if most is None else most) + 1):
        state = skeleton.join(before, item)
        if n >= least:
            skeleton.end(state)
        if n != most:
            before = state if between is EPSILON else skeleton.join(state, between)
    if most is None:
        skeleton.join(before, item, state)
    return skeleton.build()


def free_text(*, without: str | Iterable[str] = ()) -> Grammar:
    """Any text, the empty one too, that holds none of these strings.

    Raises GrammarError for an empty string, or what is no string.
    """
    return _terminal(text_without(checked_strings("without", without, least=0)))


def text_until(stop: str | Iterable[str] | Grammar, *, without: str | Iterable[str] = ()) -> Grammar:
    """Free text up to a stop string, or one of several, or a special token, and that itself.

    The text before it holds no stop string: the first one to appear is the end. The stop is part of the text.

    stop: a string, several, or what `special_token` gives.
    without: what must not appear before it, as well.

    Raises: GrammarError for an empty string, or what is no string. UnsatisfiableError if no stop can appear.
    """
    forbidden = checked_strings("without", without, least=0)
    if isinstance(stop, Grammar):
        skeleton = Skeleton()
        skeleton.end(skeleton.join(skeleton.join(0, text_without(forbidden)), piece_of(stop)))
        return skeleton.build()
    stops = checked_strings("stop", stop)
    return _terminal(union(*[text_up_to(one, [*stops, *forbidden]) for one in stops]))


def special_token(token_id: int) -> Grammar:
    """One special token, by its id (`vocabulary.special_token_by_name` has the names). No text matches it.

    Raises GrammarError for what is no id.
    """
    if type(token_id) is not int or not 0 <= token_id < 2**31:
        raise GrammarError("token_id must be an integer from 0 to 2**31 - 1", got=token_id)
    skeleton = Skeleton()
    skeleton.end(skeleton.join(0, Token(token_id)))
    return skeleton.build()


def capture(name: str, part: Part) -> Grammar:
    """The part, whose text is handed out by name: `grammar.captures(text)`, `tt.CaptureReader`, and
    `result.captures` of `tt.generate`. A text that is empty is not.

    Raises: GrammarError for a name that is no text, or empty; as `sequence` does.
    """
    if not isinstance(name, str) or not name:
        raise GrammarError("the name of a capture must be a text", got=name)
    encoded(name)
    skeleton = Skeleton()
    skeleton.end(skeleton.join(0, piece_of(part)))
    return _CapturedPart(skeleton, name)


class _CapturedPart(Composition):
    """A part whose rule, which begins at its start, is captured."""

    def __init__(self, skeleton: Skeleton, name: str) -> None:
        super().__init__(skeleton)
        self.has_captures = True
        self._rule = CaptureRule(name)

    def capture_of(self, state: int) -> CaptureRule | None:
        return self._rule if state == self.start else super().capture_of(state)


def json_lines(schema: object, *, least: int = 0, most: int | None = None) -> Grammar:
    """JSON Lines: documents, one a line, without line breaks inside, the last line break left to the model.

    schema: a Grammar, or what `from_json_schema` takes; a schema is written without white space.
    least, most: numbers of lines; None: any number.

    Raises: as `from_json_schema` and `repeat` do.
    """
    line = schema if isinstance(schema, Grammar) else from_json_schema(schema, whitespace="compact")
    lines = repeat(line, max(least, 1) if type(least) is int else least, most, separator="\n")
    finished = sequence(lines, _terminal(optional(literal("\n"))))
    return alternatives("", finished) if least == 0 else finished


def intersection(*parts: Part) -> Grammar:
    """The texts of all parts, which must be regular: strings, patterns, short lists of choices, free text.

    Lengths of any grammar are `tt.generate(..., length=...)`.

    Raises: as `sequence` does; UnsupportedFeatureError for a part that is not regular, UnsatisfiableError if
        no text is left.
    """
    expressions = [piece_of(part) for part in parts]
    for number, (part, expression) in enumerate(zip(parts, expressions, strict=True)):
        if not isinstance(expression, Expression):
            raise UnsupportedFeatureError(
                f"an intersection with part {number + 1}, which is not regular,",
                advice=f"leave out {type(part).__name__}, or write it as a pattern",
            )
    if not parts:
        raise UnsatisfiableError("an intersection needs at least one part")
    return _terminal(intersect(*expressions))  # type: ignore[arg-type]


def piece_of(part: Part) -> Piece:
    """What a part is in a composition. Raises GrammarError for what is neither text nor a grammar."""
    if isinstance(part, str):
        return literal(encoded(part)) if part else EPSILON
    if not isinstance(part, Grammar):
        advice = "make it with from_json_schema(), from_regex() or another of the from_ functions"
        if isinstance(part, (list, tuple)):
            advice = "pass the parts one by one: function(*parts)"
        raise GrammarError("a part must be a string or a Grammar", got=part, advice=advice)
    check_part(part)
    expression = _expression_of(part)
    return part if expression is None else expression


def _expression_of(grammar: Grammar) -> Expression | None:
    """The language of a grammar that is one terminal, or nothing."""
    if grammar.distinct_keys or grammar.distinct_items or grammar.has_captures:
        return None
    if grammar.token_limits or grammar.has_temperatures:
        return None
    beginning = grammar.expand(grammar.start)
    terminals = []
    for edge in beginning.edges:
        if not isinstance(edge, TerminalEdge) or edge.next != END:
            return None
        terminals.append(edge.terminal)
    return union(*terminals, EPSILON) if beginning.final else union(*terminals)


def _terminal(expression: Expression) -> Composition:
    skeleton = Skeleton()
    skeleton.end(skeleton.join(0, expression))
    return skeleton.build()


def _check_counts(least: int, most: int | None) -> None:
    given = (least, 0 if most is None else most)
    if not all(type(number) is int and 0 <= number <= MOST_COUNTED for number in given):
        raise GrammarError(
            f"least and most must be integers from 0 to {MOST_COUNTED}, or most None", got=(least, most)
        )
    if most is not None and most < least:
        raise GrammarError("most must be at least as much as least", got=(least, most))
