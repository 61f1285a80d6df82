"""The texts of captured rules, handed out as soon as it is certain what they are.

In come a grammar in which rules are captured and a text, in pieces if one likes; out come names, texts and
places. A text is read by the recogniser (`recognizer.py`); each way to read it has a history, the captures
that it began and ended. Of two ways that can go on in the same manner only one is kept: that whose captures
begin earliest, and are longest. A capture is certain when all ways that are left have it.

Cost: that of the recogniser, some microseconds to some tenths of a millisecond for a byte and a way; where a
history ends, also a look at all captures that the others still have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, NoReturn

from .derivatives import derivative, matches
from .emptiness import is_empty
from .errors import (
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnsupportedFeatureError,
    line_and_column,
)
from .expressions import EPSILON, Expression
from .grammar import CaptureRule, Grammar
from .recognizer import Configuration, Recognizer, Ways, check_ways
from .repetitions import Repeats

_CHECKED_AFTER = 256
"""Bytes of a long piece after which what has become certain is taken out of the histories."""
_OPEN = -1


class Captured(NamedTuple):
    """The text of a captured rule. start, end: its place in the whole text, in characters."""

    name: str
    text: str
    start: int
    end: int


class _Span(NamedTuple):
    """A capture in a history, in bytes; end = _OPEN: it goes on."""

    rule: CaptureRule
    start: int
    end: int


class _History(NamedTuple):
    """The captures of a way to read a text: those that go on, the innermost first, and those that are over,
    the last one first. Linked, so that ways share what they have in common."""

    opened: _Link | None = None
    closed: _Link | None = None

    def spans(self) -> list[_Span]:
        """All of them, in the order in which they began."""
        found = [*_items(self.opened), *_items(self.closed)]
        return sorted(found, key=lambda span: (span.start, span.end != _OPEN, -span.end))


class _Link(NamedTuple):
    span: _Span
    below: _Link | None


def _items(link: _Link | None) -> Iterator[_Span]:
    while link is not None:
        yield link.span
        link = link.below


class CaptureReader:
    """Reads a text of a grammar while it is written: `write` returns the captures that are certain now."""

    def __init__(self, grammar: Grammar) -> None:
        """Raises GrammarError for what is no Grammar; UnsupportedFeatureError for a Lark grammar with its
        contextual lexer."""
        if not isinstance(grammar, Grammar):
            raise GrammarError("captures are those of a Grammar", got=grammar)
        if grammar.parse_tables is not None:
            raise UnsupportedFeatureError(
                "captures with Lark's contextual lexer", advice="make the grammar with lexer='dynamic'"
            )
        self._recognizer = Recognizer(grammar)
        self._data = bytearray()
        self._n_characters = [0]  # by byte, that begin before it
        self._ways: dict[Configuration, _History] = {}
        self._looked_at: dict[
            int, _Link | None
        ] = {}  # what was closed when `_certain` last looked, by its id
        self._keep(self._recognizer.first_ways(), _History())

    def write(self, piece: str | bytes) -> list[Captured]:
        """The next piece of the text: what has become certain, in the order in which it ended.

        Raises: GrammarSyntaxError where no text of the grammar begins like this; LimitExceededError for text
            that can be read in more than MOST_WAYS ways, or nests too deep.
        """
        if not isinstance(piece, (str, bytes)):
            raise GrammarError("text must be a str or bytes", got=piece)
        self._check_ways()
        data = _encoded(piece) if isinstance(piece, str) else piece
        found: list[Captured] = []
        for n_read, byte in enumerate(data):
            if n_read % _CHECKED_AFTER == _CHECKED_AFTER - 1:
                found += self._certain()  # or the histories would grow with the piece
            before, self._ways = self._ways, {}
            self._data.append(byte)
            self._n_characters.append(self._n_characters[-1] + (not 0x80 <= byte <= 0xBF))
            known: dict[bytes, Repeats] = {}
            try:
                for way, history in before.items():
                    self._keep(self._recognizer.ways_after(way, byte, known), history)
            except RecursionError as error:
                raise LimitExceededError(
                    "the nesting of the text", given="more", limit="what Python recurses"
                ) from error
            self._check_ways()
        return in_order([*found, *self._certain()])

    def write_token(self, token_id: int) -> list[Captured]:
        """A special token, by its id, which is no text.

        Raises: as `write` does; GrammarError for what is no id.
        """
        if type(token_id) is not int:
            raise GrammarError("token_id must be an integer", got=token_id)
        self._check_ways()
        before, self._ways = self._ways, {}
        for way, history in before.items():
            self._keep(self._recognizer.ways_after_token(way, token_id), history)
        self._check_ways()
        self._looked_at = {}  # a token takes no place: it may close what another way has closed before
        return self._certain()

    def finish(self) -> list[Captured]:
        """The text is over: the captures that were not certain before.

        Raises: GrammarSyntaxError if the text is not complete.
        """
        self._ways = {way: history for way, history in self._ways.items() if way.lexeme is None}
        if not self._ways:
            self._fail("the text is not complete")
        best = min(self._ways, key=lambda way: _rank(self._ways[way]))
        self._ways = {best: self._ways[best]}
        return self._certain()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a CaptureReader does not pickle; pickle the grammar and the text")

    def _keep(self, ways: Ways, history: _History) -> None:
        """Note ways after what was read, each with the better of its histories."""
        place = len(self._data)
        links: dict[tuple[_Span, int], _Link] = {}
        for way, events in ways:
            after = _continued(history, events, place, links) if events else history
            known = self._ways.get(way)
            if known is None or (known != after and _rank(after) < _rank(known)):
                self._ways[way] = after

    def _check_ways(self) -> None:
        if not self._ways:
            self._fail("no text of the grammar begins like this")
        check_ways(len(self._ways))

    def _fail(self, message: str) -> None:
        text = self._data.decode("utf-8", "replace")
        raise GrammarSyntaxError(message, location=line_and_column(text, max(0, len(text) - 1)), source=text)

    def _certain(self) -> list[Captured]:
        """The captures that all ways have, which need not be kept any longer.

        While each history of the last look still goes on, no capture that was not certain then has become so:
        only what was closed since is looked at.
        """
        links = {id(history.closed): history.closed for history in self._ways.values()}
        if links.keys() == self._looked_at.keys():
            return []
        closed = {key: _since(link, self._looked_at) for key, link in links.items()}
        if {id(base) for _, base in closed.values()} != self._looked_at.keys():
            closed = {key: _since(link, {}) for key, link in links.items()}
        common = set.intersection(*[set(spans) for spans, _ in closed.values()])
        if common:
            kept = {key: _without(spans, common, base) for key, (spans, base) in closed.items()}
            self._ways = {
                way: history._replace(closed=kept[id(history.closed)]) for way, history in self._ways.items()
            }
        self._looked_at = {id(history.closed): history.closed for history in self._ways.values()}
        return in_order([captured for span in common for captured in self._captured(span)])

    def _captured(self, span: _Span) -> Iterable[Captured]:
        rule, start, end = span
        start += _longest_match(rule.skipped, self._data[start:end])
        if rule.suffix is EPSILON:
            yield self._text(rule.name, start, end)
            return
        middle = start + _beginning_of_suffix(rule.body, rule.suffix, self._data[start:end])
        if rule.name:
            yield self._text(rule.name, start, middle)
        if rule.suffix_name:
            yield self._text(rule.suffix_name, middle, end)

    def _text(self, name: str, start: int, end: int) -> Captured:
        text = self._data[start:end].decode("utf-8", "surrogateescape")
        return Captured(name, text, self._n_characters[start], self._n_characters[end])


def in_order(captures: Iterable[Captured]) -> list[Captured]:
    """In the order in which they end, those within others first."""
    return sorted(captures, key=lambda one: (one.end, -one.start, one.name))


def _encoded(text: str) -> bytes:
    """Half of a character, as a tokenizer's `surrogateescape` leaves it, is the byte that it was."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        place = line_and_column(text, error.start)
        message = "a text must not contain a lone surrogate"
        raise GrammarSyntaxError(message, location=place, got=text[error.start]) from None


def _continued(
    history: _History,
    events: tuple[CaptureRule | None, ...],
    place: int,
    links: dict[tuple[_Span, int], _Link],
) -> _History:
    """links: what was closed in other ways from the same history, which is shared."""
    opened, closed = history
    for event in events:
        if event is not None:
            opened = _Link(_Span(event, place, _OPEN), opened)
        elif opened is not None:
            if opened.span.start < place:  # a text that is empty is not captured
                span = opened.span._replace(end=place)
                closed = links.setdefault((span, id(closed)), _Link(span, closed))
            opened = opened.below
    return _History(opened, closed)


def _since(link: _Link | None, known: Mapping[int, _Link | None]) -> tuple[list[_Span], _Link | None]:
    """What was closed after one of the links that are known, by their ids; and that link."""
    spans = []
    while link is not None and id(link) not in known:
        spans.append(link.span)
        link = link.below
    return spans, link


def _without(spans: list[_Span], common: set[_Span], base: _Link | None) -> _Link | None:
    """Those of the spans that are not common, on top of a link."""
    for span in reversed(spans):
        if span not in common:
            base = _Link(span, base)
    return base


def _rank(history: _History) -> list[tuple[float, float]]:
    """The less the better: what begins earlier, then what is longer, then more of them."""
    never = float("inf")
    ranked = [(span.start, -never if span.end == _OPEN else -span.end) for span in history.spans()]
    return [*ranked, (never, 0)]


def _longest_match(expression: Expression, data: bytes | bytearray) -> int:
    """The bytes of the longest beginning that belongs to a language."""
    longest = 0
    for length, byte in enumerate(data, 1):
        expression = derivative(expression, byte)
        if is_empty(expression):
            break
        if expression.nullable:
            longest = length
    return longest


def _beginning_of_suffix(body: Expression, suffix: Expression, data: bytes | bytearray) -> int:
    """Where the shortest suffix begins whose rest belongs to the body."""
    places = [0] if body.nullable else []
    for place, byte in enumerate(data, 1):
        body = derivative(body, byte)
        if body.nullable:
            places.append(place)
    return next(place for place in reversed(places) if matches(suffix, bytes(data[place:])))
