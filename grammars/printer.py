r"""Expressions and grammars as text to read: for error messages, `print(grammar)` and golden tests.

In comes an `Expression`, out comes one line in the syntax of regular expressions: `.` is any character,
`\xNN` a byte, `~` a complement, `&` an intersection, `[]` the empty language. Or in comes a `Grammar`, and
out come its states as rules:

    s1 ::= /\[/ s2                 a terminal, then state s2; a rule that ends here has nothing after it
         | call s1 s3              a whole derivation from s1, then s3
         | string(/[a-z]*/){2,5}   a JSON string of two to five characters whose decoded text matches
         | ()                      the rule may end here
    s4[max_tokens=9] ::= ()        the terminal that leads here takes so many tokens at most

Printing is bounded in size and depth, so that it ends on every grammar; what is left out is shown as `…`. The
result does not depend on the order in which expressions were made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from .derivatives import automaton_position
from .errors import ConstraintError
from .expressions import (
    ANYTHING,
    AUTOMATON,
    BYTE_CLASS,
    COMPLEMENT,
    CONCATENATION,
    EMPTY,
    EPSILON,
    INTERSECTION,
    MULTIPLES,
    REPEAT,
    UNION,
    UNLIMITED,
    Expression,
)
from .grammar import (
    END,
    CallEdge,
    Edge,
    Expansion,
    Grammar,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from .multiples import divisors_of
from .utf8 import ANY_CHARACTER, ANY_TEXT

MORE = "…"

_DEEPEST = 60  # nesting of an expression that is shown
_LONGEST_TERMINAL = 200  # characters of one terminal in a rule
_MOST_LITERALS = 8  # literals of a table that are shown
_LONGEST_LITERAL = 40
_MOST_EDGES = 40  # of one state

# How tightly an operator binds; an operand that binds less is put in parentheses.
_BINDING = {
    UNION: 0,
    INTERSECTION: 1,
    CONCATENATION: 2,
    COMPLEMENT: 3,
    REPEAT: 4,
    BYTE_CLASS: 5,
    AUTOMATON: 5,
    MULTIPLES: 5,
}
_SPECIAL = frozenset("\\/.|&~*+?()[]{}<>…")
_SPECIAL_IN_CLASS = frozenset("\\]^-")
_NAMED_CONTROLS = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


def print_expression(expression: Expression, limit: int = 2000) -> str:
    """The expression in the syntax of regular expressions, cut after `limit` characters."""
    return _cut(_ExpressionPrinter(limit).text(expression, _DEEPEST), limit)


def print_grammar(grammar: Grammar, limit: int = 50) -> str:
    """The first `limit` states that can be reached from the start, as rules; they are expanded for it."""
    lines = [f"start {_state(grammar.start)}"]
    waiting, known = [grammar.start], {grammar.start, END}
    shown = 0
    for state in waiting:  # grows while it is read
        if state == END:
            continue
        if shown == limit:
            lines.append(f"{MORE} more states")
            break
        shown += 1
        alternatives, following = _print_state(grammar, state)
        left = f"{_state(state)}{_print_attributes(grammar, state)} ::= "
        lines.append(left + ("\n" + "| ".rjust(len(left))).join(alternatives))
        waiting.extend(dict.fromkeys(after for after in following if after not in known))
        known.update(following)
    return "\n".join(lines)


class _ExpressionPrinter:
    """Prints the nodes of one expression, each node once: they may share their parts many times."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.known: dict[Expression, str] = {}

    def text(self, expression: Expression, depth: int) -> str:
        """The text of a node, slightly more than `limit` characters at most."""
        if depth <= 0:
            return MORE
        found = self.known.get(expression)
        if found is None:
            found = self.known[expression] = _cut(self._print(expression, depth - 1), self.limit + 1)
        return found

    def _print(self, expression: Expression, depth: int) -> str:
        for named, name in ((EMPTY, "[]"), (EPSILON, "()"), (ANY_CHARACTER, "."), (ANY_TEXT, ".*")):
            if expression is named:
                return name
        if expression is ANYTHING:
            return "[\\x00-\\xff]*"
        kind, children = expression.kind, expression.children
        if kind == BYTE_CLASS:
            return _print_class(expression.payload)  # type: ignore[arg-type]
        if kind == AUTOMATON:
            base, start = automaton_position(expression)
            n_states: int = base.payload[0]  # type: ignore[index]
            return f"<automaton of {n_states} states" + (f" at {start}>" if start else ">")
        if kind == MULTIPLES:
            divisor, unwanted, decimals = divisors_of(expression)
            without = f", not of {', '.join(map(str, unwanted))}" if unwanted else ""
            return f"<multiples of {divisor or 'any number'}{without}" + (
                f", times 1e{-decimals}>" if decimals else ">"
            )
        if kind == CONCATENATION:
            return self._sequence(children, depth)
        if kind in (UNION, INTERSECTION):
            parts = [self._operand(child, kind, depth) for child in children]
            return ("|" if kind == UNION else " & ").join(sorted(parts))
        part = self._operand(children[0], COMPLEMENT if kind == COMPLEMENT else BYTE_CLASS, depth)
        return f"~{part}" if kind == COMPLEMENT else part + _print_bounds(expression.payload)  # type: ignore[arg-type]

    def _operand(self, expression: Expression, outer: int, depth: int) -> str:
        text = self.text(expression, depth)
        binds = (
            5
            if expression is ANY_CHARACTER or expression is EMPTY or expression is EPSILON
            else _BINDING[expression.kind]
        )
        return f"({text})" if binds < _BINDING[outer] else text

    def _sequence(self, parts: Iterable[Expression], depth: int) -> str:
        """A concatenation; neighbouring single bytes are shown as characters where they are UTF-8."""
        written: list[str] = []
        length = 0
        single = bytearray()
        for part in (*parts, None):
            if part is not None and part.kind == BYTE_CLASS and _is_single(part.payload):  # type: ignore[arg-type]
                single.append(part.payload.bit_length() - 1)  # type: ignore[attr-defined]
                continue
            if single:
                written.append(_print_bytes(bytes(single)))
                single.clear()
            if part is not None:
                written.append(self._operand(part, CONCATENATION, depth))
            length += len(written[-1]) if written else 0
            if length > self.limit:
                break
        return "".join(written)


def _print_attributes(grammar: Grammar, state: int) -> str:
    """What a state says of the tokens that lead to it, as a rule of Lark would; "": nothing."""
    if not grammar.token_limits and not grammar.has_temperatures:
        return ""
    expansion = grammar.expand(state)
    written = [f"max_tokens={expansion.most_tokens}"] if expansion.most_tokens else []
    written += [] if expansion.temperature is None else [f"temperature={expansion.temperature:g}"]
    return f"[{', '.join(written)}]" if written else ""


def _print_state(grammar: Grammar, state: int) -> tuple[list[str], list[int]]:
    """The alternatives of a state, and the states that they lead to."""
    try:
        expansion = grammar.expand(state)
    except ConstraintError as error:
        return [f"error: {_cut(str(error), _LONGEST_TERMINAL)}"], []
    alternatives: list[str] = []
    following: list[int] = []
    for index, edge in enumerate(expansion.edges[:_MOST_EDGES]):
        text, after = _print_edge(grammar, state, index, edge, expansion)
        alternatives.append(text)
        following.extend(after)
    if len(expansion.edges) > _MOST_EDGES:
        alternatives.append(f"{MORE} {len(expansion.edges) - _MOST_EDGES} more")
    if expansion.final:
        alternatives.append("()")
    return alternatives or ["[]"], following


def _print_edge(
    grammar: Grammar, state: int, index: int, edge: Edge, expansion: Expansion
) -> tuple[str, list[int]]:
    """An edge, and the states that it leads to as far as they are shown."""
    text = edge_text(edge)
    if edge.next is not None:
        called = [edge.start] if isinstance(edge, CallEdge) else []
        shown, following = _then(text, edge.next)
        return shown, [*called, *following]
    try:
        targets, are_all = edge_targets(grammar, state, index, edge, expansion)
    except ConstraintError as error:
        return f"{text} error: {_cut(str(error), _LONGEST_TERMINAL)}", []
    shown_targets = [f"{label}: {_state(after) if after else 'end'}" for label, after in targets.items()]
    if not are_all:
        shown_targets.append(MORE)
    return f"{text} by label {{{', '.join(shown_targets)}}}", list(targets.values())


def edge_text(edge: Edge) -> str:
    """What an edge reads, without where it leads."""
    if isinstance(edge, TerminalEdge):
        return _terminal(edge.terminal)
    if isinstance(edge, CallEdge):
        return f"call {_state(edge.start)}"
    if isinstance(edge, TokenEdge):
        return f"token({edge.token_id})"
    if isinstance(edge, StringEdge):
        unbounded = (edge.least, edge.most) == (0, UNLIMITED)
        bounds = "" if unbounded else _print_bounds((edge.least, edge.most))
        return f"{_prefix(edge.terminal.prefix)}string({_terminal(edge.terminal.content)}){bounds}"
    if isinstance(edge, LiteralsEdge):
        return f"{_prefix(edge.prefix)}one_of({_literals(edge.table, _labels(edge))})"
    excluded = ""
    if edge.excluded:
        excluded = f", not {_literals(edge.excluded, list(range(len(edge.excluded))))}"
    return f"{_prefix(edge.terminal.prefix)}string({_terminal(edge.terminal.content)}{excluded})"


def edge_targets(
    grammar: Grammar, state: int, index: int, edge: Edge, expansion: Expansion
) -> tuple[dict[int, int], bool]:
    """By label, where an edge leads that has no one next state; and whether these are all of its labels.

    Raises what the front end raises on demand.
    """
    if isinstance(edge, LiteralsEdge):
        labels = _labels(edge)
        are_all = len(labels) <= _MOST_LITERALS
        del labels[_MOST_LITERALS:]
    else:
        are_all = not (isinstance(edge, OthersEdge) and edge.terminal.monitors)
        labels = [0] if are_all else []
    if index == expansion.finish and expansion.finish_label not in labels:
        labels.append(expansion.finish_label)
    return {label: grammar.successor(state, index, label) for label in labels}, are_all


def _labels(edge: LiteralsEdge) -> list[int]:
    return [label for label in range(len(edge.table)) if edge.legal >> label & 1]


def _then(text: str, after: int) -> tuple[str, list[int]]:
    return (text, []) if after == END else (f"{text} {_state(after)}", [after])


def _state(state: int) -> str:
    return f"s{state}"


def _terminal(expression: Expression) -> str:
    return f"/{print_expression(expression, _LONGEST_TERMINAL)}/"


def _prefix(prefix: Expression) -> str:
    return "" if prefix is EPSILON else f"{_terminal(prefix)} "


def _literals(table: LiteralTable, labels: list[int]) -> str:
    shown = [
        _cut(json.dumps(table.literals[label], ensure_ascii=False), _LONGEST_LITERAL)
        for label in labels[:_MOST_LITERALS]
    ]
    if len(labels) > _MOST_LITERALS:
        shown.append(f"{MORE} {len(labels) - _MOST_LITERALS} more")
    return ", ".join(shown)


def _print_bounds(bounds: tuple[int, int]) -> str:
    least, most = bounds
    short = {(0, UNLIMITED): "*", (1, UNLIMITED): "+", (0, 1): "?"}.get(bounds)
    if short:
        return short
    if most == UNLIMITED:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _print_class(members: int) -> str:
    if _is_single(members):
        return _print_bytes(bytes((members.bit_length() - 1,)))
    if members.bit_count() > 128:  # most bytes: say what is missing
        missing = ((1 << 256) - 1) & ~members
        return f"[^{_print_ranges(missing)}]" if missing else "[\\x00-\\xff]"
    return f"[{_print_ranges(members)}]"


def _print_ranges(members: int) -> str:
    written = []
    byte = 0
    while members >> byte:
        if members >> byte & 1:
            last = byte
            while members >> last + 1 & 1:
                last += 1
            first_text, last_text = _print_byte(byte, _SPECIAL_IN_CLASS), _print_byte(last, _SPECIAL_IN_CLASS)
            written.append(first_text if byte == last else first_text + "-" * (last > byte + 1) + last_text)
            byte = last
        byte += 1
    return "".join(written)


def _print_bytes(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "".join(_print_byte(byte, _SPECIAL) for byte in data)
    return "".join(
        character if character.isprintable() and ord(character) > 0x7F else _print_character(character)
        for character in text
    )


def _print_character(character: str) -> str:
    return "".join(_print_byte(byte, _SPECIAL) for byte in character.encode())


def _print_byte(byte: int, special: frozenset[str]) -> str:
    if byte in _NAMED_CONTROLS:
        return _NAMED_CONTROLS[byte]
    if not 0x20 <= byte < 0x7F:
        return f"\\x{byte:02x}"
    return f"\\{chr(byte)}" if chr(byte) in special else chr(byte)


def _is_single(members: int) -> bool:
    return members & (members - 1) == 0


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + MORE
