"""Random small grammars against the contract of `grammars/grammar.py`, and random vocabularies for them.

`random_grammar(rng)` makes a network of a few states with all kinds of edges: terminals that overlap and are
ambiguous, strings with length limits, literals and others with next states by label and by signature, special
tokens, rules that call themselves at the right or in the middle. What the contract promises is made sure of:
no terminal is nullable, no string edge is without a text, no rule calls itself first, and each state has a
way to the end, whose first edge is `finish`.

`random_tokens(rng, grammar)` makes the tokens: all single bytes, and pieces of documents that cross every
border.
"""

from __future__ import annotations

import random

from tokentrellis.grammars.emptiness import is_empty
from tokentrellis.grammars.expressions import (
    ANYTHING,
    EPSILON,
    UNLIMITED,
    Expression,
    StringTerminal,
    automaton,
    byte_class,
    byte_range,
    complement,
    concatenate,
    intersect,
    literal,
    optional,
    repeat,
    union,
)
from tokentrellis.grammars.grammar import (
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
from tokentrellis.grammars.recognizer import Recognizer, States, TokenLexeme
from tokentrellis.grammars.utf8 import ANY_CHARACTER, ANY_TEXT, character_class

SPECIAL_TOKENS = (0, 1)  # ids that `random_tokens` leaves for `TokenEdge`
END_TOKENS = (2, 3)

_DIGIT = byte_range(ord("0"), ord("9"))
_LETTER = byte_range(ord("a"), ord("c"))
_SPACE = repeat(byte_class(b" \n"), 0, 2)
_NUMBER = concatenate(
    optional(literal("-")),
    union(literal("0"), concatenate(byte_range(ord("1"), ord("9")), repeat(_DIGIT))),
    optional(concatenate(literal("."), repeat(_DIGIT, 1, 3))),
)
_THREES = automaton(
    4, [(0, 1 << 97, 1), (1, 3 << 97, 2), (2, 1 << 98, 3), (3, 1 << 97, 1), (1, 1 << 97, 0)], [3]
)
_WORDS = (
    "a",
    "ab",
    "abc",
    "b",
    "ba",
    "é",
    "éa",
    "😀",
    'a"b',
    "a\\",
    "a\nb",
    "",
    "/",
    "\x7f",
    "aaaa",
    "\u2028",
)

_TERMINALS: tuple[Expression, ...] = (
    *map(literal, ("a", "b", "ab", "aab", ",", "[", "]", ":", '"', '"a', "é", "😀", " ", "true", "\\")),
    repeat(literal("a"), 1),
    repeat(_LETTER, 1),
    repeat(_LETTER, 2, 3),
    repeat(literal("ab"), 1, 40),
    concatenate(repeat(_LETTER), literal("b")),
    union(literal("ab"), literal("abc"), literal("c")),
    _NUMBER,
    concatenate(_SPACE, literal(",")),
    concatenate(_SPACE, _NUMBER),
    repeat(ANY_CHARACTER, 1, 3),
    ANY_CHARACTER,
    concatenate(ANY_TEXT, literal(".")),
    character_class([(0xE0, 0xFF), (0x20AC, 0x20AC), (0x1F600, 0x1F64F)]),
    intersect(repeat(_LETTER, 1), complement(concatenate(ANYTHING, literal("aa"), ANYTHING))),
    intersect(repeat(_LETTER, 1, 6), complement(literal("ab")), complement(literal("b"))),
    _THREES,
    intersect(_THREES, repeat(_LETTER, 0, 7)),
    concatenate(repeat(byte_range(0x80, 0xFF), 1, 2), literal("a")),
)

_CONTENTS: tuple[Expression, ...] = (
    ANY_TEXT,
    ANY_TEXT,
    repeat(_LETTER),
    repeat(_LETTER, 2, 5),
    repeat(literal("ab")),
    repeat(character_class([(0xE9, 0xE9), (0x1F600, 0x1F601), (0x61, 0x61)])),
    repeat(ANY_CHARACTER, 0, 4),
    concatenate(literal("a"), ANY_TEXT),
    concatenate(ANY_TEXT, literal("b"), ANY_TEXT),
    union(*map(literal, _WORDS)),
    union(literal("ab"), literal('a"'), literal("é\\")),
    intersect(ANY_TEXT, complement(repeat(_LETTER))),
    intersect(ANY_TEXT, complement(concatenate(ANYTHING, literal("a"), ANYTHING))),
    repeat(byte_class(b'"\\/\b\f\n\r\t\0\x1f ')),
    character_class([(0xFFFF, 0x10000), (0xD7FF, 0xE000)]),
    repeat(union(_THREES, literal("é"))),
)

_PREFIXES = (EPSILON, EPSILON, _SPACE, literal(","), concatenate(_SPACE, literal(",")), literal(": "))


class NetworkGrammar(Grammar):
    """A grammar given by tables.

    expansions: by state. successors: by (state, edge index, label).
    """

    def __init__(
        self, start: int, expansions: dict[int, Expansion], successors: dict[tuple[int, int, int], int]
    ) -> None:
        self.start = start
        self.expansions = expansions
        self.successors = successors

    def expand(self, state: int) -> Expansion:
        return self.expansions[state]

    def successor(self, state: int, edge: int, label: int) -> int:
        return self.successors[state, edge, label]


def random_grammar(rng: random.Random, *, special_tokens: bool = True) -> NetworkGrammar:
    """A random grammar that keeps the contract."""
    while True:
        grammar = _random_network(rng, special_tokens)
        costs = _finish_costs(grammar)
        for state in set(grammar.expansions) - set(costs):  # no way out yet: let the rule end here
            grammar.expansions[state] = grammar.expansions[state]._replace(final=True)
        _choose_finishes(grammar)
        if not _calls_itself_first(grammar) and _recognizer_can_start(grammar):
            return grammar


def _random_network(rng: random.Random, special_tokens: bool) -> NetworkGrammar:
    n_states = rng.randint(2, 9)
    expansions: dict[int, Expansion] = {}
    successors: dict[tuple[int, int, int], int] = {}
    kinds = ["terminal"] * 8 + ["string"] * 3 + ["literals"] * 2 + ["others"] * 2 + ["call"] * 3 + ["token"]
    # Some grammars have one kind of edge mostly: so that rare situations meet.
    if rng.random() < 0.4:
        kinds = ["terminal"] * 2 + [rng.choice(kinds)] * 6 + ["call"]
    if not special_tokens:
        kinds = [kind for kind in kinds if kind != "token"] or ["terminal"]
    for state in range(1, n_states + 1):
        edges = []
        for index in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
            edge, labels = _random_edge(rng, rng.choice(kinds), n_states)
            edges.append(edge)
            for label in labels:
                successors[state, index, label] = _random_state(rng, n_states)
        expansions[state] = Expansion(edges, final=rng.random() < 0.2)
    return NetworkGrammar(1, expansions, successors)


def _random_state(rng: random.Random, n_states: int) -> int:
    return END if rng.random() < 0.25 else rng.randint(1, n_states)


def _random_edge(rng: random.Random, kind: str, n_states: int) -> tuple[Edge, list[int]]:
    """An edge, and the labels for which it needs successors."""
    after = _random_state(rng, n_states)
    if kind == "terminal":
        return TerminalEdge(_random_terminal(rng), after), []
    if kind == "call":
        return CallEdge(rng.randint(1, n_states), after), []
    if kind == "token":
        return TokenEdge(rng.choice(SPECIAL_TOKENS), after), []
    prefix = rng.choice(_PREFIXES)
    by_label = rng.random() < 0.5
    table = LiteralTable(rng.sample(_WORDS, rng.randint(1, 6)))
    if kind == "literals":
        legal = rng.randint(1, (1 << len(table)) - 1)
        labels = [label for label in range(len(table)) if by_label and legal >> label & 1]
        return LiteralsEdge(prefix, table, legal, None if by_label else after), labels
    while True:
        content = rng.choice(_CONTENTS)
        if kind == "string":
            least = rng.choice((0, 0, 0, 1, 2, 3, 6, 70))
            most = rng.choice((UNLIMITED, least, least + 1, least + 3, least + 40))
            if not is_empty(content, least, most):
                return StringEdge(StringTerminal(prefix, content), after, least, most), []
            continue
        excluded = rng.choice((None, table))
        taken = literal("") if excluded is None else union(*map(literal, excluded.literals))
        if excluded is not None and is_empty(intersect(content, complement(taken))):
            continue
        monitors = tuple(rng.choice(_CONTENTS) for _ in range(rng.randint(0, 2) * by_label))
        terminal = StringTerminal(prefix, content, monitors)
        rest = content if excluded is None else intersect(content, complement(taken))
        signatures = [
            label for label in range(1 << len(monitors)) if by_label and _occurs(rest, monitors, label)
        ]
        return OthersEdge(terminal, excluded, None if by_label else after), signatures


def _occurs(content: Expression, monitors: tuple[Expression, ...], label: int) -> bool:
    """Whether some text has this signature."""
    signed = [
        monitor if label >> index & 1 else complement(monitor) for index, monitor in enumerate(monitors)
    ]
    return not is_empty(intersect(content, *signed))


def _random_terminal(rng: random.Random) -> Expression:
    """An expression that is neither nullable nor empty."""
    while True:
        first, second = rng.choice(_TERMINALS), rng.choice(_TERMINALS)
        kind = rng.random()
        if kind < 0.7:
            made = first
        elif kind < 0.8:
            made = concatenate(first, second)
        elif kind < 0.9:
            made = union(first, second)
        elif kind < 0.95:
            made = repeat(first, 1, rng.choice((2, 5, UNLIMITED)))
        else:
            made = intersect(first, complement(second))
        if not made.nullable and not is_empty(made):
            return made


def _ways(grammar: NetworkGrammar, state: int) -> list[tuple[int, int, int, int]]:
    """(edge index, label, called state or END, next state) for all that a state offers."""
    ways = []
    for index, edge in enumerate(grammar.expansions[state].edges):
        if edge.next is not None:
            ways.append((index, 0, edge.start if isinstance(edge, CallEdge) else END, edge.next))
        else:
            labels = [label for (s, i, label) in grammar.successors if (s, i) == (state, index)]
            ways.extend((index, label, END, grammar.successors[state, index, label]) for label in labels)
    return ways


def _finish_costs(grammar: NetworkGrammar) -> dict[int, int]:
    """The number of edges on a shortest way to the end, for states that have one."""
    costs = {END: 0}
    changed = True
    while changed:
        changed = False
        for state, expansion in grammar.expansions.items():
            found = [
                1 + costs[called] + costs[after]
                for _, _, called, after in _ways(grammar, state)
                if called in costs and after in costs
            ]
            best = min(found + [0] * expansion.final, default=None)
            if best is not None and best < costs.get(state, best + 1):
                costs[state] = best
                changed = True
    return costs


def _choose_finishes(grammar: NetworkGrammar) -> None:
    costs = _finish_costs(grammar)
    for state, expansion in grammar.expansions.items():
        if not expansion.final:
            _, index, label = min(
                (costs[called] + costs[after], index, label)
                for index, label, called, after in _ways(grammar, state)
                if called in costs and after in costs
            )
            grammar.expansions[state] = expansion._replace(finish=index, finish_label=label)


def _nullable_states(grammar: NetworkGrammar) -> set[int]:
    nullable = {END} | {state for state, expansion in grammar.expansions.items() if expansion.final}
    while True:
        more = {
            state
            for state, expansion in grammar.expansions.items()
            for edge in expansion.edges
            if isinstance(edge, CallEdge) and edge.start in nullable and edge.next in nullable
        }
        if more <= nullable:
            return nullable
        nullable |= more


def _calls_itself_first(grammar: NetworkGrammar) -> bool:
    """Whether a state can come back to itself through calls without reading anything."""
    nullable = _nullable_states(grammar)
    reached = {state: set[int]() for state in grammar.expansions}
    for state, expansion in grammar.expansions.items():
        for edge in expansion.edges:
            if isinstance(edge, CallEdge):
                reached[state].add(edge.start)
                if edge.start in nullable:
                    reached[state].add(edge.next)
    for _ in reached:
        for state in reached:
            reached[state] |= {further for middle in reached[state] - {END} for further in reached[middle]}
    return any(state in reached[state] for state in reached)


def _recognizer_can_start(grammar: NetworkGrammar) -> bool:
    """Whether there is anything to read at all."""
    recognizer = Recognizer(grammar)
    return any(lexeme is not None for lexeme, _, _ in recognizer.start())


def random_document(rng: random.Random, grammar: Grammar, longest: int) -> bytes:
    """A beginning of a document: up to `longest` bytes that the grammar allows, rare ones not too rarely."""
    recognizer = Recognizer(grammar)
    states = recognizer.start()
    written = bytearray()
    favourites = list(b'abc"\\u,[]0d8\xc3\xa9\xf0\x9f\x98\x80')
    while len(written) < longest:
        order = rng.sample(range(256), 256)
        if rng.random() < 0.8:
            order = rng.sample(favourites, len(favourites)) + order
        byte = next((byte for byte in order if recognizer.step(states, byte)), None)
        if byte is None:
            break
        written.append(byte)
        states = recognizer.step(states, byte)
    return bytes(written)


def random_tokens(rng: random.Random, grammar: Grammar, n_pieces: int = 60) -> list[bytes]:
    """Tokens by id: specials and ends, all single bytes, pieces of documents, duplicates and nonsense."""
    tokens = [b"<special 0>", b"<special 1>", b"<end>", b"<other end>"]
    singles = [bytes((byte,)) for byte in range(256)]
    rng.shuffle(singles)
    pieces: list[bytes] = []
    documents = [random_document(rng, grammar, 60) for _ in range(4)]
    documents = [document for document in documents if document] or [b'"a"']
    for _ in range(n_pieces):
        document = rng.choice(documents)
        first = rng.randrange(len(document))
        piece = document[first : first + rng.choice((2, 2, 3, 4, 6, 10, 25))]
        if rng.random() < 0.3:  # a slip somewhere in it
            place = rng.randrange(len(piece))
            piece = piece[:place] + bytes((rng.choice(b'ab"\\u0,]\xc3\x80'),)) + piece[place + 1 :]
        pieces.append(piece)
    pieces += [
        b"",
        "é".encode(),
        "é".encode()[1:] + b'"',
        b"\\u",
        b"\\ud8",
        b"00",
        b"3d\\ude",
        b'","',
        b'"a',
        rng.choice(pieces),
    ]
    rng.shuffle(pieces)
    return tokens + singles + pieces


def allowed_special_tokens(states: States) -> set[int]:
    """The ids that token edges allow."""
    return {lexeme.token_id for lexeme, _, _ in states if isinstance(lexeme, TokenLexeme)}
