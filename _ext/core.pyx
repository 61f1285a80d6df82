# distutils: language = c++
"""The compiled core: vocabularies as tries, lazy automata, configurations, rows of allowed tokens.

Flat arrays and opaque front-end objects come in (`grammars/grammar.py` states the contract), rows of packed bits come
out. The algorithms are in the headers, in reading order:
- of a vocabulary: bits, trie, expressions, nfa, multiples, flat_map, automata, minimal, product, json_string, distances, bounds,
  terminals, splits, rows, view_map, levels, text_classes, comma_tokens, key_tokens, lexicon, spelling;
- of a grammar: literals, outlines, configurations, grammar_states, lengths, text_limits, stable_list, network, merged_closure;
  parse_tables, byte_classes, lexemes, lexeme_splits, stack_depths, number_blocks, lexeme_rows, derivations, separators and
  parse_stack (grammars that come as tables); other_texts, costs, json_values, used_texts, json_frame, tracker, rewind, reading,
  detours, arena, literal_walks, masks, new_texts, lookahead, ways_out, repetitions, states, token_limits (rules that take so many
  tokens at most);
- session (the lock), escapes, exports (all states at once), apply (a mask to scores).
This file and the .pxi files, which are included as text, convert between Python objects and those classes, and hold no
algorithm; only schema_survey.pxi, schema_sight.pxi and plain_schemas.pxi read what the front end of JSON Schema leaves to the
core. They import nothing of ours; the errors that they raise for limits and rejected tokens are made by hooks that `decoding/` sets.
"""

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.number cimport PyNumber_Index
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr
from libcpp.string cimport string
from libcpp.utility cimport move
from libcpp.vector cimport vector

import numpy as np


include "declarations.pxi"


def set_error_hooks(limit, recursion):
    """`limit(what, most)` and `recursion(message)` make the exceptions that the core raises for them."""
    set_hooks(limit, recursion)


cdef StdByteSet to_byte_set(object members) except *:
    cdef StdByteSet result
    cdef int word
    for word in range(4):
        result[word] = <uint64_t>((members >> (64 * word)) & 0xFFFFFFFFFFFFFFFF)
    return result


cdef int to_words(object members, size_t n, vector[uint64_t]& words) except -1:
    """A bit set of n labels, 64 a word."""
    words.reserve((n + 63) // 64)
    while words.size() * 64 < n:
        words.push_back(<uint64_t>((members >> (64 * words.size())) & 0xFFFFFFFFFFFFFFFF))
    return 0


include "parse_tables.pxi"


cdef class Lexicon:
    """The tables of one vocabulary, shared by all grammars that are compiled for it.

    token_buffer: uint8 [n bytes]; token_offsets: int32 [n_tokens + 1]; token i is buffer[offsets[i]:offsets[i + 1]],
    empty for ids that never match as text. vocab_size: number of logits, at least n_tokens.
    any_text: the expression of all valid UTF-8 texts, for literals.
    """

    cdef unique_ptr[CppLexicon] lexicon
    cdef object buffer, offsets  # keep the memory alive
    cdef const uint8_t* buffer_data
    cdef const int32_t* offsets_data
    cdef readonly int n_tokens, vocab_size
    cdef readonly tuple end_token_ids
    cdef dict expressions
    cdef dict starts
    cdef dict layouts, scalars  # of plain schemas
    cdef object any_text

    def __cinit__(self, token_buffer, token_offsets, int vocab_size, end_token_ids, any_text):
        self.buffer = np.ascontiguousarray(token_buffer, dtype=np.uint8)
        self.offsets = np.ascontiguousarray(token_offsets, dtype=np.int32)
        self.n_tokens = len(self.offsets) - 1
        self.vocab_size = vocab_size
        self.end_token_ids = tuple(end_token_ids)
        self.any_text = any_text
        self.expressions, self.starts, self.layouts, self.scalars = {}, {}, {}, {}
        self.buffer_data = <const uint8_t*><size_t>self.buffer.ctypes.data
        self.offsets_data = <const int32_t*><size_t>self.offsets.ctypes.data
        self.lexicon.reset(new CppLexicon(self.buffer_data, self.offsets_data, self.n_tokens, vocab_size))
        self.lexicon.get().prepare_strings(self.expression(any_text))

    @property
    def n_automaton_states(self):
        return learnt_states(self.lexicon.get()[0])

    @property
    def n_bytes(self):
        """Memory of the tables learnt so far, about."""
        return learnt_bytes(self.lexicon.get()[0])

    @property
    def spells_all(self):
        """Whether every byte of UTF-8 is a token by itself, so that every text can be spelled."""
        return self.lexicon.get().spells_all()

    cdef int32_t expression(self, object node) except -1:
        found = self.expressions.get(node)
        if found is not None:
            return found
        # Iterative: expressions may be nested deeper than Python likes.
        cdef list stack = [node]
        while stack:
            top = stack[len(stack) - 1]
            missing = [child for child in top.children if child not in self.expressions]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if top not in self.expressions:
                self.expressions[top] = self.add(top)
        return self.expressions[node]

    cdef int32_t add(self, object node) except -1:
        cdef ExpressionNode made
        cdef Transition transition
        made.kind = node.kind
        made.regular = node.regular
        for child in node.children:
            made.children.push_back(<int32_t>self.expressions[child])
        if made.kind == 0:
            made.bytes = to_byte_set(node.payload)
        elif made.kind == 3:
            made.least, made.most = node.payload
        elif made.kind == 6:
            n_states, transitions, accepting = node.payload
            made.n_states = n_states
            for state in accepting:
                made.accepting.push_back(state)
            for before, members, after in transitions:
                transition.from_ = before
                transition.bytes = to_byte_set(members)
                transition.to = after
                made.transitions.push_back(transition)
        elif made.kind == 7:
            divisor, unwanted, decimals = node.payload
            made.least = decimals
            for number in (divisor, *unwanted):
                made.divisors.push_back(str(number).encode())
        return self.lexicon.get().add_expression(made)

    cdef int32_t terminal_start(self, object expression) except -2:
        found = self.starts.get(expression)
        if found is None:
            found = self.lexicon.get().automaton_of(self.expression(expression))
            self.starts[expression] = found
        return found

    cdef int32_t string_start(self, object prefix, object content, object monitors) except -2:
        key = (prefix, content, monitors)
        found = self.starts.get(key)
        cdef vector[int32_t] indices
        if found is None:
            for monitor in monitors:
                indices.push_back(self.expression(monitor))
            found = self.lexicon.get().string_start(self.expression(prefix), self.expression(content), indices)
            self.starts[key] = found
        return found


include "schema_survey.pxi"
include "schema_sight.pxi"
include "plain_schemas.pxi"


cdef class Compiled:
    """A grammar on a vocabulary. Immutable for its user; learns as it is used.

    edge_kinds: the six edge classes of the contract, in the order of EdgeKind. outlines: the classes of objects and arrays that
        are handed over whole.
    """

    cdef unique_ptr[Session] session
    cdef readonly Lexicon lexicon
    cdef readonly object grammar
    cdef dict kinds
    cdef object object_outline, array_outline
    cdef dict tables
    cdef PlainSchemas plain  # None: the grammar is asked for everything

    def __init__(self, Lexicon lexicon not None, grammar, edge_kinds, outlines):
        cdef vector[int32_t] ends
        if self.session.get() != NULL:
            raise ValueError("a compiled grammar is initialised once")
        self.lexicon = lexicon
        self.grammar = grammar
        self.kinds = {edge_class: kind for kind, edge_class in enumerate(edge_kinds)}
        self.object_outline, self.array_outline = outlines
        self.tables = {}
        for token in lexicon.end_token_ids:
            ends.push_back(token)
        self.session.reset(new Session(lexicon.lexicon.get()[0], lexicon.buffer_data, lexicon.offsets_data, lexicon.n_tokens,
                                       ends, grammar.start, <void*>self, <ExpandFunction>expand_state, <SuccessorFunction>find_successor,
                                       <ValueFunction>find_value, <RecallFunction>recall_items))
        self.session.get().network.distinct_keys = grammar.distinct_keys
        self.session.get().network.distinct_items = grammar.distinct_items
        self.session.get().network.documents = grammar.documents
        self.session.get().network.merges = grammar.is_ambiguous
        parts = grammar.schema_parts
        if parts is not None:
            self.plain = PlainSchemas(lexicon, parts)
            self.plain.network = &self.session.get().network
        if grammar.token_limits:
            self.session.get().count_tokens()
        if grammar.parse_tables is not None:
            self.session.get().set_tables(to_program(grammar.parse_tables.lexemes), to_tables(grammar.parse_tables))

    @property
    def n_states(self):
        """Matcher states met so far."""
        return self.session.get().n_states()

    @property
    def n_grammar_states(self):
        return self.session.get().network.n_grammar_states()

    @property
    def tokens_to_finish(self):
        """Tokens of a shortest document, EOS included; None if the vocabulary cannot spell it, or no bound is known."""
        cost = self.session.get().cost(self.session.get().start(), NULL)
        return None if cost >= <int64_t>IMPOSSIBLE else cost

    @property
    def can_end(self):
        """Whether the vocabulary can spell a document."""
        return self.session.get().can_end(self.session.get().start())

    def tokens_of_terminal(self, expression):
        """The fewest tokens of a text of a terminal, an expression; None if none spell one."""
        cost = self.session.get().tokens_of_terminal((<Lexicon>self.lexicon).terminal_start(expression))
        return None if cost >= <int64_t>IMPOSSIBLE else cost

    def shortest_text(self, most=10000):
        """The text of the document that `tokens_to_finish` counts (its first `most` bytes or a little more)."""
        return <bytes>self.session.get().shortest_text(most)

    cdef int32_t table(self, object literal_table) except -2:
        if literal_table is None:
            return -1
        found = self.tables.get(id(literal_table))
        if found is not None:
            return found[0]
        cdef vector[string] literals
        for text in literal_table.literals:
            literals.push_back(<string>text.encode())
        cdef int32_t index = self.session.get().network.add_table(move(literals))
        self.tables[id(literal_table)] = (index, literal_table)  # keeps the object, so the id stays its own
        return index

    cdef int expand(self, int32_t state) except -1:
        if state >= FIRST_MADE:
            return self.plain.outline(state)
        if self.plain is not None and state == self.grammar.start and self.plain.begin(state):
            return 0
        unfolded = self.grammar.unfold(state)
        if type(unfolded) is self.object_outline:
            return self.add_object(state, unfolded)
        if type(unfolded) is self.array_outline:
            return self.add_array(state, unfolded)
        edges, final, finish, finish_label, items, n_before, recalls, ends_document, most_tokens, temperature = unfolded
        for edge in edges:
            self.add_edge(state, edge)
        self.session.get().network.finish_state(
            state, final, finish, finish_label, <ItemRule><int>items, min(n_before, 1 << 30), recalls, ends_document,
            most_tokens, -1 if temperature is None else temperature)
        return 0

    cdef int add_object(self, int32_t state, object outline) except -1:
        cdef ObjectOutline made
        cdef Lexicon lexicon = self.lexicon
        table, usable, order, any_order, required, first, later, others, excluded, close_empty, close, n_before, members = outline
        if members is not None and self.plain is not None:
            self.plain.add_members(state, table.literals, members)
        made.name.first = lexicon.string_start(first, lexicon.any_text, ())
        made.name.later = lexicon.string_start(later, lexicon.any_text, ())
        if others is not None:
            made.other.first = lexicon.string_start(first, others, ())
            made.other.later = lexicon.string_start(later, others, ())
        made.close.first = lexicon.terminal_start(close_empty)
        made.close.later = lexicon.terminal_start(close)
        made.table = self.table(table)
        made.excluded = made.table if excluded else -1
        made.n_before = n_before
        made.any_order = any_order
        to_words(usable, len(order), made.usable.words)
        made.order = order
        made.required = required
        self.session.get().network.add_object(state, move(made))
        return 0

    cdef int32_t value(self, int32_t state, int32_t label) except -1:
        """The rule of a value in an object that was handed over whole."""
        cdef int32_t found = -1 if self.plain is None else self.plain.value(state, label)
        return found if found >= 0 else self.grammar.value(state, label)

    cdef int add_array(self, int32_t state, object outline) except -1:
        cdef ArrayOutline made
        made.items, made.least, made.most, made.top, close_empty, close = outline
        made.close.first = self.lexicon.terminal_start(close_empty)
        made.close.later = self.lexicon.terminal_start(close)
        self.session.get().network.add_array(state, move(made))
        return 0

    cdef int add_edge(self, int32_t state, object edge) except -1:
        cdef int kind = self.kinds[type(edge)]
        cdef Lexicon lexicon = self.lexicon
        cdef Network* network = &self.session.get().network
        cdef int32_t start, table
        cdef Edge* made
        if kind == TERMINAL_EDGE:
            network.add_edge(state, TERMINAL_EDGE, lexicon.terminal_start(edge[0]), edge[1])
        elif kind == STRING_EDGE:
            terminal, following, least, most = edge
            start = lexicon.string_start(terminal[0], terminal[1], terminal[2])
            made = &network.add_edge(state, STRING_EDGE, start, following)
            made.least = min(least, 0x7FFFFFF0)
            made.most = min(most, 0x7FFFFFF0)
        elif kind == LITERALS_EDGE:
            prefix, literal_table, legal, following = edge
            table = self.table(literal_table)
            start = lexicon.string_start(prefix, lexicon.any_text, ())
            made = &network.add_edge(state, LITERALS_EDGE, start, BY_LABEL if following is None else following)
            made.table = table
            to_words(legal, len(literal_table), made.legal.words)
        elif kind == OTHERS_EDGE:
            terminal, excluded, following = edge
            table = self.table(excluded)
            start = lexicon.string_start(terminal[0], terminal[1], terminal[2])
            made = &network.add_edge(state, OTHERS_EDGE, start, BY_LABEL if following is None else following)
            made.table = table
            made.labelled = len(terminal[2]) > 0
        elif kind == CALL_EDGE:
            network.add_edge(state, CALL_EDGE, edge[0], edge[1])
        else:
            network.add_edge(state, TOKEN_EDGE, edge[0], edge[1])
        return 0


# Front ends make many small objects: the cyclic collector, which may stop a large process for a tenth of a second, is
# kept out of a mask and runs at the next occasion after it.
cdef int ask(object question, tuple arguments) except -1:
    cdef int collects = PyGC_Disable()
    try:
        return question(*arguments)
    finally:
        if collects:
            PyGC_Enable()


cdef int expand_state(void* owner, int32_t state) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).expand(state)
    finally:
        if collects:
            PyGC_Enable()


cdef int find_successor(void* owner, int32_t state, int32_t edge, int32_t label) except -1 with gil:
    return ask((<Compiled>owner).grammar.successor, (state, edge, label))


cdef int find_value(void* owner, int32_t state, int32_t label) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).value(state, label)
    finally:
        if collects:
            PyGC_Enable()


cdef int recall_items(void* owner, int32_t state, const vector[string]& items) except -1 with gil:
    return ask((<Compiled>owner).grammar.recall, (state, items))


include "matcher.pxi"
include "batches.pxi"
include "exports.pxi"
