"""A grammar as a whole: LALR parse tables, and the terminals as programs of a lexer. Plain lists, for the
core.

`lark_tables.py` makes them; `_ext/lexemes.hpp` and `_ext/parse_stack.hpp` say what is done with them.
"""

from __future__ import annotations

from typing import NamedTuple

READ, FORK, PREVIOUS, NOT_AHEAD, AHEAD, TERMINAL_END = range(6)
"""Kinds of nodes of a program, in the order of the core."""


class LexemeNode(NamedTuple):
    """One step of a program.

    READ: a character of the class that begins in state `first`, then `next`. FORK: one of `targets`, the
    preferred first. PREVIOUS: go on at `next` if the last byte is in `members`. NOT_AHEAD, AHEAD: go on at
    `next` if the text ahead does not, does, begin with what the node `first` reads up to a TERMINAL_END.
    TERMINAL_END: the terminal `first` may end.
    """

    kind: int
    first: int = -1
    next: int = -1
    targets: tuple[int, ...] = ()
    members: int = 0


class LexemeTables(NamedTuple):
    """The terminals as programs.

    classes: by state, edges (byte set, state), -1 when the character is complete.
    lexers: (begins of the terminals in their order, begins of the keywords that patterns read too).
    words_of: by terminal, the keywords that are read by its pattern too, in their order.
    """

    nodes: list[LexemeNode]
    classes: list[list[tuple[int, int]]]
    lexers: list[tuple[list[int], list[int]]]
    words_of: list[list[int]]


class ParseTables(NamedTuple):
    """LALR tables. Symbols: terminals from 0 up, ~origin for the left side of a rule.

    actions: [state * n_terminals + terminal], 0: error, s + 1: shift to s, -(r + 1): reduce by rule r.
    gotos: [state * n_origins + origin], -1: none. rules: (origin, length).
    items: by state, (rule, symbols read, symbols that are left), of its kernel.
    start, accepting: states; end: the terminal at the end of the text. has_conflicts: a terminal is shifted
    somewhere where a rule might be reduced, or one of two rules is.
    state_lexers: by state. skipped: terminals that are ignored. special_tokens: by terminal, an id or -1.
    texts: by terminal, a short text of it; costs, firsts: by origin, the cost of its shortest derivation (a
    terminal: one more than the length of its text) and the first terminal of it, -1 if it is empty.
    """

    lexemes: LexemeTables
    n_states: int
    n_terminals: int
    n_origins: int
    start: int
    accepting: int
    end: int
    has_conflicts: bool
    actions: list[int]
    gotos: list[int]
    rules: list[tuple[int, int]]
    items: list[list[tuple[int, int, list[int]]]]
    state_lexers: list[int]
    skipped: list[int]
    special_tokens: list[int]
    texts: list[bytes]
    costs: list[int]
    firsts: list[int]
