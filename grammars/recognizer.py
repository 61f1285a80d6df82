"""The slow, obvious meaning of a grammar: which bytes may come next, and whether the text is complete.

In come a `Grammar` and bytes, one at a time; out come the sets of all ways in which these bytes can be
read. There are no tables, no tries and no tokens. A *configuration* is one way to read the bytes so far:
the terminal that is being read (a *lexeme*) and the stack of grammar states to go on with. Expressions are
stepped by their derivatives (`derivatives.py`). A configuration is dropped as soon as nothing can complete
it, so a prefix is alive exactly when some accepted text starts with it (the front ends promise that every
grammar state can be left).

What repeats (`repetitions.py`) is judged when it is complete: a prefix that can only become a repetition
counts as alive here.

This is the oracle for the core: when the two differ, the fast one is wrong. It costs some microseconds for
each byte and configuration, after the first visit of a derivative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

from .derivatives import derivative, matches, transitions
from .emptiness import is_empty
from .errors import GrammarError, LimitExceededError
from .expressions import EPSILON, UNLIMITED, Expression, complement, intersect, literal, union
from .grammar import (
    END,
    CallEdge,
    CaptureRule,
    Edge,
    Expansion,
    Grammar,
    ItemRule,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from .repetitions import Repeats, find_repeats, items_so_far
from .utf8 import character_class

__all__ = ["Recognizer", "States", "matches"]

MOST_WAYS = 10_000
"""Ways to read a text at once, of those that ask whether it is accepted, or for its captures."""
_DROPPED_IF_REPEATED = (ItemRule.DISTINCT, ItemRule.AWAITING)
_DROPPED_IF_NEW = (ItemRule.REPEATED,)
_QUOTE, _COMMA, _BACKSLASH, _FIRST_UNCONTROLLED = 0x22, 0x2C, 0x5C, 0x20
_SHORT_ESCAPES = {
    ord(letter): ord(meaning) for letter, meaning in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True)
}
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_FIRST_SUPPLEMENTARY = 0x10000
_HIGH_SURROGATES, _LOW_SURROGATES = (0xD800, 0xDBFF), (0xDC00, 0xDFFF)


class Text(NamedTuple):
    """The decoded text of a string being read: what may follow, and how many characters may and must.

    monitors: what is left of each monitor.
    """

    content: Expression
    least: int = 0
    most: int = UNLIMITED
    monitors: tuple[Expression, ...] = ()

    def is_alive(self) -> bool:
        """Whether the text can be completed."""
        return not is_empty(self.content, self.least, self.most)

    def read(self, byte: int) -> Text | None:
        """The text with one more byte of UTF-8, or None. A character is counted when its first byte comes."""
        least, most = self.least, self.most
        if not 0x80 <= byte <= 0xBF:
            if most == 0:
                return None
            least, most = max(least - 1, 0), most if most == UNLIMITED else most - 1
        monitors = tuple(derivative(monitor, byte) for monitor in self.monitors)
        after = Text(derivative(self.content, byte), least, most, monitors)
        return after if after.is_alive() else None

    def can_read(self, characters: tuple[tuple[int, int], ...]) -> bool:
        """Whether a character out of one of these ranges may come next."""
        if self.most == 0:
            return False
        least, most = max(self.least - 1, 0), self.most if self.most == UNLIMITED else self.most - 1
        return any(not is_empty(after, least, most) for after in _after_characters(self.content, characters))

    def label(self) -> int | None:
        """The signature of the monitors if the text may end here, else None."""
        if not self.content.nullable or self.least > 0:
            return None
        return sum(1 << index for index, monitor in enumerate(self.monitors) if monitor.nullable)


class LiteralText(NamedTuple):
    """The decoded text of a string that has to be one of the legal literals of a table."""

    table: LiteralTable
    legal: int
    read_so_far: bytes = b""

    def rests(self) -> list[bytes]:
        """What is still to come, for each legal literal that begins with what was read."""
        return [
            data[len(self.read_so_far) :]
            for label, data in enumerate(_encoded_literals(self.table))
            if self.legal >> label & 1 and data.startswith(self.read_so_far)
        ]

    def read(self, byte: int) -> LiteralText | None:
        after = self._replace(read_so_far=self.read_so_far + bytes((byte,)))
        return after if after.rests() else None

    def can_read(self, characters: tuple[tuple[int, int], ...]) -> bool:
        at_characters = [rest for rest in self.rests() if rest and not 0x80 <= rest[0] <= 0xBF]
        following = [ord(rest.decode()[0]) for rest in at_characters]
        return any(first <= character <= last for character in following for first, last in characters)

    def label(self) -> int | None:
        return self.table.index[self.read_so_far.decode()] if b"" in self.rests() else None


class PlainLexeme(NamedTuple):
    """A terminal edge in the middle of its bytes: `rest` may follow, then the grammar state `next`."""

    rest: Expression
    next: int


class PrefixLexeme(NamedTuple):
    """A string edge before its opening quote. `origin` is (grammar state, edge index)."""

    rest: Expression
    text: Text | LiteralText
    origin: tuple[int, int]


class StringLexeme(NamedTuple):
    """A string edge between its quotes. `escape` holds the bytes of an escape that is not complete yet."""

    text: Text | LiteralText
    escape: bytes
    origin: tuple[int, int]


class TokenLexeme(NamedTuple):
    """A special token that has to come next: no byte can."""

    token_id: int
    next: int


Lexeme: TypeAlias = "PlainLexeme | PrefixLexeme | StringLexeme | TokenLexeme"


class Frame:
    """A stack that is not empty: the grammar state to go on with, and the stack below. Compare with `is`."""

    __slots__ = ("below", "state")

    def __init__(self, state: int, below: Stack) -> None:
        self.state, self.below = state, below


Stack: TypeAlias = "Frame | None"


class Configuration(NamedTuple):
    """One way to read the bytes so far; lexeme None: the text is complete.

    read: these bytes, or those of the JSON document that is open, where the grammar asks what repeats.
    """

    lexeme: Lexeme | None
    stack: Stack
    read: bytes = b""


States: TypeAlias = "frozenset[Configuration]"
CLOSE = -1
"""In a stack: a captured rule is over."""
Events: TypeAlias = "tuple[CaptureRule | None, ...]"
"""Captured rules that begin (the rule) and end (None, the innermost one), in their order."""
Ways: TypeAlias = "set[tuple[Configuration, Events]]"


def check_ways(number: int) -> None:
    """Raise LimitExceededError for a text that is read in too many ways, each with a stack of its own."""
    if number > MOST_WAYS:
        raise LimitExceededError(
            "ways to read the text",
            given=number,
            limit=MOST_WAYS,
            advice="read it with a matcher of compile_grammar(), whose ways share their stacks",
        )


class Recognizer:
    """Runs a grammar over bytes. States are immutable values; only what the grammar says is kept here."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._expansions: dict[int, Expansion] = {}
        self._successors: dict[tuple[int, int, int], int] = {}
        self._frames: dict[tuple[int, Stack], Frame] = {}
        self._asks_what_repeats = grammar.distinct_keys or grammar.distinct_items

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text (a `str` stands for its UTF-8 bytes) is in the language.

        Raises LimitExceededError for a text that can be read in more than MOST_WAYS ways at once.
        """
        if isinstance(text, str):
            text = text.encode("utf-8", "surrogatepass")
        return self.is_accepting(self.run(text))

    def run(self, data: bytes) -> States:
        """The states after all bytes of `data`.

        Raises LimitExceededError where there are more than MOST_WAYS.
        """
        states = self.start()
        for byte in data:
            states = self.step(states, byte)
            check_ways(len(states))
        return states

    def start(self) -> States:
        """The states before the first byte."""
        return frozenset(way for way, _ in self.first_ways())

    def first_ways(self) -> Ways:
        """The configurations before the first byte, each with what is captured from there on."""
        rule = self.grammar.capture_of(self.grammar.start)
        if rule is None:
            return self._enter(self.grammar.start, None)
        return self._enter(self.grammar.start, self._frame(CLOSE, None), events=(rule,))

    def step(self, states: States, byte: int) -> States:
        """The states after one more byte; empty if no accepted text begins like this."""
        known: dict[bytes, Repeats] = {}
        return frozenset(way for before in states for way, _ in self.ways_after(before, byte, known))

    def ways_after(self, before: Configuration, byte: int, known: dict[bytes, Repeats]) -> Ways:
        """The configurations after one more byte, each with the captures that begin and end there.

        known: what repeats in the documents that were read up to this byte; filled here.
        """
        after: Ways = set()
        lexeme, stack, read = before
        repeated, recalled = False, None
        if self._asks_what_repeats and self._in_document(stack):
            read += bytes((byte,))
            if self.grammar.distinct_items or byte == _QUOTE:  # a key is over, if one is
                if read not in known:
                    known[read] = find_repeats(read)
                if known[read].key:
                    return after
                repeated = known[read].item
            recalled = read if byte == _COMMA else None
        for advanced in _advance(lexeme, byte):
            if isinstance(advanced, PlainLexeme):
                if advanced.rest.nullable:
                    after |= self._enter(advanced.next, stack, repeated, recalled, read)
                if not transitions(advanced.rest):
                    continue  # nothing but its end could follow
            after.add((Configuration(advanced, stack, read), ()))
        if isinstance(lexeme, StringLexeme) and byte == _QUOTE and not lexeme.escape:
            label = lexeme.text.label()
            if label is not None:
                after |= self._enter(self._next(lexeme.origin, label), stack, repeated, None, read)
        return after

    def step_token(self, states: States, token_id: int) -> States:
        """The states after a special token."""
        return frozenset(way for before in states for way, _ in self.ways_after_token(before, token_id))

    def ways_after_token(self, before: Configuration, token_id: int) -> Ways:
        """The same as `ways_after` for a special token."""
        lexeme = before.lexeme
        if isinstance(lexeme, TokenLexeme) and lexeme.token_id == token_id:
            return self._enter(lexeme.next, before.stack)
        return set()

    def is_accepting(self, states: States) -> bool:
        """Whether the text may end here."""
        return any(way.lexeme is None for way in states)

    def is_alive(self, states: States) -> bool:
        """Whether some accepted text begins with what was read."""
        return bool(states)

    def next_bytes(self, states: States) -> set[int]:
        """The bytes that may come next."""
        return {byte for byte in range(256) if self.step(states, byte)}

    def _enter(
        self,
        state: int,
        stack: Stack,
        repeated: bool = False,
        recalled: bytes | None = None,
        read: bytes = b"",
        events: Events = (),
    ) -> Ways:
        """All configurations at the beginning of a terminal that can be reached without reading anything,
        with the captures that begin and end on the way.

        repeated: an item was just read that equals an earlier one; states that forbid it are not entered, and
        those that ask for it only then.
        read: of the JSON document that is open, until it is over.
        recalled: what was read, if it ends in a comma; states that recall the items before it are exchanged.
        """
        if recalled is not None and state > END and self._expand(state).recalls:
            state = self.grammar.recall(state, items_so_far(recalled))
        found: Ways = set()
        # The calls opened on the way without reading a byte: meeting one again inside is left recursion.
        waiting: list[tuple[int, Stack, tuple[int, ...], bytes, Events]] = [(state, stack, (), read, events)]
        seen = set()
        while waiting:
            state, stack, open_calls, read, events = item = waiting.pop()
            if item in seen:
                continue
            seen.add(item)
            final = True
            if state == CLOSE:
                events = (*events, None)
            elif state != END:
                expansion = self._expand(state)
                if expansion.items in (_DROPPED_IF_REPEATED if repeated else _DROPPED_IF_NEW):
                    continue
                final = expansion.final
                if expansion.ends_document:
                    read = b""
                for index, edge in enumerate(expansion.edges):
                    if not isinstance(edge, CallEdge):
                        found.add((Configuration(_begin(edge, (state, index)), stack, read), events))
                        continue
                    rule = self.grammar.capture_of(edge.start)
                    if edge.next == END and rule is None:  # a tail call needs no frame
                        waiting.append((edge.start, stack, open_calls, read, events))
                        continue
                    if edge.start in open_calls:
                        raise GrammarError(
                            f"rule {edge.start} calls itself before reading a byte",
                            advice="rewrite the left recursion",
                        )
                    below = stack if edge.next == END else self._frame(edge.next, stack)
                    calls = (*open_calls, edge.start)
                    if rule is None:
                        waiting.append((edge.start, below, calls, read, events))
                    else:
                        waiting.append((edge.start, self._frame(CLOSE, below), calls, read, (*events, rule)))
            if final and stack is not None:
                waiting.append((stack.state, stack.below, open_calls[:-1], read, events))
            elif final:
                found.add((Configuration(None, None, read), events))
        return found

    def _in_document(self, stack: Stack) -> bool:
        """Whether what is read belongs to a JSON document: everything does, if the text is one."""
        if not self.grammar.documents:
            return True
        while stack is not None:
            if stack.state > END and self._expand(stack.state).ends_document:
                return True
            stack = stack.below
        return False

    def _frame(self, state: int, below: Stack) -> Frame:
        """The only frame with these fields."""
        return self._frames.setdefault((state, below), Frame(state, below))

    def _expand(self, state: int) -> Expansion:
        if state not in self._expansions:
            self._expansions[state] = self.grammar.expand(state)
        return self._expansions[state]

    def _next(self, origin: tuple[int, int], label: int) -> int:
        """Where an edge leads once its string has been read."""
        state, index = origin
        fixed = self._expand(state).edges[index].next
        if fixed is not None:
            return fixed
        key = (state, index, label)
        if key not in self._successors:
            self._successors[key] = self.grammar.successor(*key)
        return self._successors[key]


def _begin(edge: Edge, origin: tuple[int, int]) -> Lexeme:
    """The lexeme of an edge before its first byte."""
    if isinstance(edge, TerminalEdge):
        return PlainLexeme(edge.terminal, edge.next)
    if isinstance(edge, StringEdge):
        return PrefixLexeme(edge.terminal.prefix, Text(edge.terminal.content, edge.least, edge.most), origin)
    if isinstance(edge, LiteralsEdge):
        return PrefixLexeme(edge.prefix, LiteralText(edge.table, edge.legal), origin)
    if isinstance(edge, OthersEdge):
        content = _without_literals(edge.terminal.content, edge.excluded)
        return PrefixLexeme(edge.terminal.prefix, Text(content, monitors=edge.terminal.monitors), origin)
    if isinstance(edge, TokenEdge):
        return TokenLexeme(edge.token_id, edge.next)
    raise GrammarError("not an edge that can be read", got=edge)


def _advance(lexeme: Lexeme | None, byte: int) -> list[Lexeme]:
    """The lexeme after one more byte, in each way that can be completed; closing quotes are not read here."""
    if isinstance(lexeme, PlainLexeme):
        rest = derivative(lexeme.rest, byte)
        return [] if is_empty(rest) else [lexeme._replace(rest=rest)]
    if isinstance(lexeme, PrefixLexeme):
        rest = derivative(lexeme.rest, byte)
        ways: list[Lexeme] = [] if is_empty(rest) else [lexeme._replace(rest=rest)]
        if lexeme.rest.nullable and byte == _QUOTE:
            ways.append(StringLexeme(lexeme.text, b"", lexeme.origin))
        return ways
    if isinstance(lexeme, StringLexeme):
        after = _read_escape(lexeme, byte) if lexeme.escape else _read_raw(lexeme, byte)
        return [] if after is None else [after]
    return []


def _read_raw(lexeme: StringLexeme, byte: int) -> StringLexeme | None:
    """One byte outside an escape that is not the closing quote."""
    if byte == _BACKSLASH:
        return _begin_or_continue_escape(lexeme, b"\\")
    if byte < _FIRST_UNCONTROLLED or byte == _QUOTE:
        return None
    text = lexeme.text.read(byte)
    return None if text is None else lexeme._replace(text=text)


def _read_escape(lexeme: StringLexeme, byte: int) -> StringLexeme | None:
    """One byte inside an escape."""
    escape = lexeme.escape + bytes((byte,))
    if len(escape) == 2 and byte in _SHORT_ESCAPES:
        return _read_character(lexeme, _SHORT_ESCAPES[byte])
    place = (len(escape) - 1) % 6  # `\u` and four digits, twice for a surrogate pair
    if place <= 1:
        if byte != b"\\u"[place]:
            return None
    elif byte not in _HEX_DIGITS:
        return None
    characters = _characters_of_escape(escape)
    if len(characters) == 1 and characters[0][0] == characters[0][1]:
        return _read_character(lexeme, characters[0][0])
    return _begin_or_continue_escape(lexeme, escape)


def _begin_or_continue_escape(lexeme: StringLexeme, escape: bytes) -> StringLexeme | None:
    if not lexeme.text.can_read(_characters_of_escape(escape)):
        return None
    return lexeme._replace(escape=escape)


def _read_character(lexeme: StringLexeme, character: int) -> StringLexeme | None:
    """The lexeme after an escape that stands for `character`."""
    text: Text | LiteralText | None = lexeme.text
    for byte in chr(character).encode():
        text = None if text is None else text.read(byte)
    return None if text is None else lexeme._replace(text=text, escape=b"")


@lru_cache(1 << 16)
def _characters_of_escape(escape: bytes) -> tuple[tuple[int, int], ...]:
    """The code points, as ranges, that an escape which begins like this can stand for."""
    first, last = _code_unit_range(escape[2:6])
    low_first, low_last = _code_unit_range(escape[8:12])
    ranges = []
    if len(escape) <= 6:
        ranges.append((first, min(last, _HIGH_SURROGATES[0] - 1)))
        ranges.append((max(first, _LOW_SURROGATES[1] + 1), last))
    high_first, high_last = max(first, _HIGH_SURROGATES[0]), min(last, _HIGH_SURROGATES[1])
    low_first, low_last = max(low_first, _LOW_SURROGATES[0]), min(low_last, _LOW_SURROGATES[1])
    if high_first <= high_last and low_first <= low_last:
        ranges.append((_pair(high_first, low_first), _pair(high_last, low_last)))
    return tuple(span for span in ranges if span[0] <= span[1])


def _code_unit_range(digits: bytes) -> tuple[int, int]:
    """The 16-bit numbers whose four hexadecimal digits begin with `digits`."""
    return int(digits.ljust(4, b"0"), 16), int(digits.ljust(4, b"f"), 16)


def _pair(high: int, low: int) -> int:
    """The code point of a surrogate pair."""
    return _FIRST_SUPPLEMENTARY + ((high - _HIGH_SURROGATES[0]) << 10) + (low - _LOW_SURROGATES[0])


@lru_cache(1 << 12)
def _without_literals(content: Expression, excluded: LiteralTable | None) -> Expression:
    """`content` less the texts of a table."""
    if not excluded:
        return content
    return intersect(content, complement(union(*[literal(text) for text in excluded.literals])))


@lru_cache(1 << 10)
def _encoded_literals(table: LiteralTable) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in table.literals)


@lru_cache(1 << 16)
def _after_characters(
    expression: Expression, characters: tuple[tuple[int, int], ...]
) -> frozenset[Expression]:
    """The derivatives by all characters of these ranges, without those that are the object `EMPTY`."""
    found: set[Expression] = set()
    waiting = {(expression, character_class(characters))}
    while waiting:
        before, character = waiting.pop()
        if character is EPSILON:
            found.add(before)
        for members, after in transitions(before):
            waiting.update((after, rest) for allowed, rest in transitions(character) if members & allowed)
    return frozenset(found)
