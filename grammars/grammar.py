"""The contract between the front ends and the core: a transition network whose states are made on demand.

A grammar state is a small integer that the front end gives out; `END` (0) is the state where a rule is over.
When the core first reaches a state it asks `unfold(state)`, which as a rule is `expand(state)`: which
terminals, rules and special tokens may come next, and whether the rule may end here. Nothing is expanded
before it is reached, so a schema of megabytes or a recursive one costs only what a document touches. A
terminal is never nullable: a front end that has a nullable one strips the empty string and marks the state
final (or adds the edges of what follows).

What the edges mean is said at their classes. The core walks them byte by byte: it keeps, for each way that
the bytes so far can be read, the automaton state of the current terminal and a stack of grammar states to go
on with. Rules that call themselves first (left recursion) have to be rewritten by the front end. `finish`
names the edge on a shortest way to the end: following it from any state has to end (it is what costs to the
end are computed from).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .errors import GrammarError
from .expressions import EPSILON, UNLIMITED, Expression, StringTerminal
from .parse_tables import ParseTables

if TYPE_CHECKING:
    from .captures import Captured

END = 0
UNKNOWN_FINISH = -2
"""`Expansion.finish` of a state whose way to the end is not known before the items so far are recalled."""


class LiteralTable:
    """An immutable set of strings (keys of an object, values of an enum), shared by reference.

    literals: sorted by their UTF-8 bytes; the label of a literal is its index here. Lone surrogates cannot
    occur.
    """

    __slots__ = ("index", "literals")

    def __init__(self, literals: Sequence[str]) -> None:
        # Code points sort as their UTF-8 does.
        self.literals: tuple[str, ...] = tuple(sorted(set(literals)))
        self.index: dict[str, int] = {text: label for label, text in enumerate(self.literals)}

    def __len__(self) -> int:
        return len(self.literals)

    def __repr__(self) -> str:
        return f"LiteralTable({list(self.literals)!r})"


class TerminalEdge(NamedTuple):
    """The bytes of `terminal` (an expression that is not nullable), then `next`."""

    terminal: Expression
    next: int


class StringEdge(NamedTuple):
    """A JSON string whose decoded text has from `least` to `most` code points (UNLIMITED: no bound), then
    `next`.

    The count is kept beside the automaton, never in it: prefer this to a bounded repeat inside `content`. The
    front end promises that some text of the terminal has a permitted length. Monitors are not allowed here.
    """

    terminal: StringTerminal
    next: int
    least: int = 0
    most: int = UNLIMITED


class LiteralsEdge(NamedTuple):
    """`prefix`, then a JSON string whose decoded text is a literal of `table` that is in the bit set `legal`.

    The label is the literal's index. next: where to go on; None: ask `successor(state, edge index, label)`
    when the literal has been read. At least one literal is legal.
    """

    prefix: Expression
    table: LiteralTable
    legal: int
    next: int | None = None


class OthersEdge(NamedTuple):
    """A JSON string of `terminal` whose decoded text is no literal of `excluded` (legal or not).

    The label is the signature of the terminal's monitors (0 without monitors). next: as for LiteralsEdge. The
    front end promises that such a text exists.
    """

    terminal: StringTerminal
    excluded: LiteralTable | None = None
    next: int | None = None


class CallEdge(NamedTuple):
    """A whole derivation from state `start` to END, then `next`."""

    start: int
    next: int


class TokenEdge(NamedTuple):
    """One special token by its id, then `next`. It matches this id only, never text."""

    token_id: int
    next: int


Edge = TerminalEdge | StringEdge | LiteralsEdge | OthersEdge | CallEdge | TokenEdge


class ItemRule(IntEnum):
    """Which items may lead to a state of an array. Equality is that of JSON.

    ANY: all of them.
    DISTINCT: such as equal no earlier one of the array: its items must differ.
    AWAITING: the same, since the array must still repeat an item: with one that repeats another, a state that
        is REPEATED, or one that asked for a value that has come, goes on with whatever this one allows.
    REPEATED: such as equal an earlier one.
    """

    ANY = 0
    DISTINCT = 1
    AWAITING = 2
    REPEATED = 3


class Expansion(NamedTuple):
    """What a state offers.

    final: whether the rule may end here (END itself is final and has no edges; it is never expanded).
    finish: the index of the edge on a shortest way out; -1: the rule ends here (then `final` is true);
    UNKNOWN_FINISH: not known yet, so that no budget counts on this state.
    finish_label: the label to take when that edge has `next` None.
    items: which items may lead to this state; all but ANY need `Grammar.distinct_items`.
    n_before: where an item must differ from the earlier ones of its array, or there is an `OthersEdge`: how
    many such items, or keys of its object, may have come before; 0 where the value may also end here. The
    cost to the end then allows for the shortest that differs from them.
    recalls: the state stands after a comma in an array that must still repeat an item, and wants to know the
    items so far. A reading goes on from `Grammar.recall(state, items)` instead, which allows no more than
    this state: what the state itself offers serves for what is asked in advance. Needs
    `Grammar.distinct_items`.
    ends_document: a JSON document, which is a part of the text, is over here: `Grammar.documents`.
    most_tokens: the text of the one terminal that leads to this state takes at most so many tokens; 0: any
    number. The state ends its rule and has no edges: `Grammar.token_limits`.
    temperature: at which the tokens of the rule that has come to this state are drawn, those of its calls
    too; None: it has none of its own. The states of such a rule are not left out where it ends:
    `Grammar.has_temperatures`.
    """

    edges: Sequence[Edge]
    final: bool = False
    finish: int = -1
    finish_label: int = 0
    items: ItemRule = ItemRule.ANY
    n_before: int = 0
    recalls: bool = False
    ends_document: bool = False
    most_tokens: int = 0
    temperature: float | None = None


class PlainObject(NamedTuple):
    """An object handed over whole: the core makes all its states, the same as `expand` and `successor` say.

    table: the declared names. usable: those whose values exist (a bit set of labels). order: the labels as
    the names are written. any_order: whether names may come in any order; otherwise undeclared keys are the
    last. required: labels of the names that must come, as they are written. first, later: what stands before
    a key, the first one and the others. others: the language of undeclared keys; None: there are none.
    excludes: whether these are not in `table`. close_empty, close: the closing bracket, and what stands
    before it. n_before: as in `Expansion`, where a key has come and another is required. What comes after a
    key is the rule `Grammar.value`. members: the schemas of declared names, their context and the depth of
    their values, where `Grammar.schema_parts` has the rest; None: `value` knows.
    """

    table: LiteralTable
    usable: int
    order: Sequence[int]
    any_order: bool
    required: Sequence[int]
    first: Expression
    later: Expression
    others: Expression | None
    excludes: bool
    close_empty: Expression
    close: Expression
    n_before: int
    members: tuple[Mapping[str, Any], Any, int] | None = None


class PlainArray(NamedTuple):
    """An array handed over whole, like a `PlainObject`.

    items: by index, the rule of the item with what stands before it, commas included; -1: there is none. The
    last is that of all items that follow. least, most: numbers of items, most = UNLIMITED for no bound. top:
    from this index on, all are alike. close_empty, close: as there.
    """

    items: Sequence[int]
    least: int
    most: int
    top: int
    close_empty: Expression
    close: Expression


class SchemaParts(Protocol):
    """A JSON Schema of which the core reads the plain parts by itself, with what it has to know for that.

    A schema stands in a *context* (`references.Context`: `index`, `draft`, `document`, `resolve`). What comes
    out is what `unfold` and `value` of the grammar say; whatever is not plain is asked for here. Places and
    depths are those of `layout.py`.

    root: the schema and its context. layout: what leads, brackets and numbers depend on; equal for equal
    ones. step: what a level of nesting adds to the depth. keywords: those of each draft. trailing: the state
    after the document; 0: none. n_before: as in `PlainObject`.
    """

    root: tuple[Any, Any]
    layout: str
    step: int
    any_order: bool
    keywords: Mapping[int, frozenset[str]]
    trailing: int
    n_before: int

    def openings(self, place: int, depth: int) -> tuple[Expression, Expression, Expression]:
        """What stands before a value; the same with the opening bracket of an object, of an array."""

    def brackets(self, depth: int) -> tuple[Expression, ...]:
        """What stands before the first key and before later ones; the closing brackets of an empty object, of
        another, of an empty array, of another. depth: that inside."""

    def rule(self, schema: Any, context: Any, place: int, depth: int) -> int:
        """The state of a value that meets a schema, with what stands before it."""

    def expansion(self, schema: Any, context: Any, place: int, depth: int) -> Expansion:
        """What `expand` says of that state, by the draft and by what the schema says now: the core keeps it
        for all grammars of a vocabulary with the same layout."""

    def exists(self, schema: Any, context: Any) -> bool:
        """Whether some value meets a schema."""


class CaptureRule(NamedTuple):
    """A rule whose texts are handed out.

    name: under which. skipped: what is ignored before its first terminal, which does not belong to the text.
    suffix: of a rule that is `body` and then `suffix`, the latter, whose text is handed out as `suffix_name`,
    if that is not empty, and does not belong to the other.
    """

    name: str
    skipped: Expression = EPSILON
    body: Expression = EPSILON
    suffix: Expression = EPSILON
    suffix_name: str = ""


class TokenLimit(NamedTuple):
    """A rule that is one terminal and takes at most so many tokens: those that have a byte in its text."""

    rule: str
    most: int
    terminal: Expression


class Grammar:
    """What may be generated. Immutable for its user; states are made when the core first reaches them.

    The core serialises its calls of `unfold`, `successor`, `value` and `recall`, and calls all but the last
    at most once for the same arguments. All may raise errors of the family of `grammars.errors`.
    """

    start: int
    distinct_keys: bool = False
    """The text is a JSON document in which no object has a key twice. An `OthersEdge` reads the keys that the
    grammar does not name."""
    distinct_items: bool = False
    """The text is a JSON document, and states may have a rule for `items`, or `recalls`."""
    documents: bool = False
    """The text is no JSON document; documents are parts of it, any number of them, and what is said of keys
    and items holds for each. A document is a call whose `next` is a state that `ends_document`."""
    ignored: tuple[tuple[str, str], ...] = ()
    """What was not enforced because the caller asked for `unsupported="ignore"`: (JSON Pointer, reason)."""

    is_ambiguous: bool = False
    """There may be many ways to read a text. A called rule is never empty then, and never calls itself
    first."""
    has_captures: bool = False
    """Some rule has a `capture_of`."""
    token_limits: tuple[TokenLimit, ...] = ()
    """The rules whose texts take so many tokens at most. What a text is made of is known to matchers only:
    `accepts` and `captures` do not ask for it."""
    has_temperatures: bool = False
    """Some rule has a `temperature`."""
    special_token_ids: frozenset[int] = frozenset()
    """The ids of all `TokenEdge`s, wherever they are."""
    parse_tables: ParseTables | None = None
    """A grammar that is given as a whole, by parse tables and lexers; no state is expanded then."""

    def expand(self, state: int) -> Expansion:
        """The edges of `state` (never END)."""
        raise TypeError(f"{type(self).__name__} does not define expand()")

    def unfold(self, state: int) -> Expansion | PlainObject | PlainArray:
        """What the core asks for: an object or array that begins at `state` and can be handed over whole,
        else what `expand` says."""
        return self.expand(state)

    def successor(self, state: int, edge: int, label: int) -> int:
        """The state after the literal or monitored string with this label was read on an edge with `next`
        None.
        """
        raise TypeError(f"{type(self).__name__} does not define successor()")

    def value(self, state: int, label: int) -> int:
        """The rule of a value, with what stands before it, in the object that `unfold(state)` handed over:
        that of the name with this label, or of an undeclared key (-1)."""
        raise TypeError(f"{type(self).__name__} does not define value()")

    def recall(self, state: int, items: Sequence[bytes]) -> int:
        """The state to go on from instead of one that `recalls`, after a comma.

        items: the items of the array so far, as JSON (in whatever spelling), in their order.
        """
        raise TypeError(f"{type(self).__name__} does not define recall()")

    @property
    def schema_parts(self) -> SchemaParts | None:
        """What the core reads by itself, with the same outcome as by `unfold` and `value`; None: nothing."""
        return None

    def least_cost(self) -> int | None:
        """About the bytes of a shortest text, if that is known without looking at states; else None."""
        return None

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text is in the language, by the slow, obvious recogniser in pure Python.

        Raises: GrammarError for what is no text; LimitExceededError where it can be read in more than
            `recognizer.MOST_WAYS` ways at once (matchers have no such limit).
        """
        if not isinstance(text, (str, bytes)):
            raise GrammarError("text must be a str or bytes", got=text)
        from .recognizer import Recognizer  # the recogniser imports this module

        return Recognizer(self).accepts(text)

    def capture_of(self, state: int) -> CaptureRule | None:
        """How the text of the rule that begins at a state is handed out; None: it is not."""
        return None

    def captures(self, text: str | bytes) -> list[Captured]:
        """The texts of captured rules in a text of this grammar, in the order in which they end.

        Where a text can be read in several ways, that is taken whose captures begin earliest, then those that
        are longest. `CaptureReader` reads a text while it is written.

        Raises: GrammarSyntaxError where the text is not one of this grammar.
        """
        from .captures import CaptureReader, in_order  # which imports this module

        reader = CaptureReader(self)
        return in_order([*reader.write(text), *reader.finish()])

    def rule_name(self, state: int) -> str:
        """The name of the rule that begins at a state, for those who look at the grammar; "": it has none."""
        return ""

    def rule_uses(self) -> Mapping[str, tuple[str, list[str]]] | None:
        """Of a grammar without states: by rule or terminal what to call it, and what it uses; the start
        first.
        """
        return None

    def _repr_html_(self) -> str:
        from .graph import grammar_graph

        return grammar_graph(self)._repr_html_()

    def __str__(self) -> str:
        from .printer import print_grammar

        return print_grammar(self)
