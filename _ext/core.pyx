# distutils: language = c++
"""The compiled core: vocabularies as tries, lazy automata, configurations, rows of allowed tokens.

Flat arrays and opaque front-end objects come in (`grammars/grammar.py` states the contract), rows of packed bits come
out. The algorithms are in the headers, in reading order: trie, nfa, automata, minimal, product, json_string, distances, bounds,
terminals, splits, levels, comma_tokens, key_tokens, lexicon (all of a vocabulary), literals, outlines, lengths, stable_list, network,
merged_closure, parse_tables, lexemes, derivations, separators, parse_stack (grammars that come as tables), other_texts, costs,
json_values, used_texts, tracker,
reading, detours, masks, new_texts, lookahead, ways_out, repetitions,
states (all of a grammar), session (the lock), escapes, exports (all states at once). This file converts between Python
objects and those classes, and holds no algorithm. It imports nothing of ours; the errors that it raises for limits and
rejected tokens are made by hooks that `decoding/` sets.
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
    cdef object any_text

    def __cinit__(self, token_buffer, token_offsets, int vocab_size, end_token_ids, any_text):
        self.buffer = np.ascontiguousarray(token_buffer, dtype=np.uint8)
        self.offsets = np.ascontiguousarray(token_offsets, dtype=np.int32)
        self.n_tokens = len(self.offsets) - 1
        self.vocab_size = vocab_size
        self.end_token_ids = tuple(end_token_ids)
        self.any_text = any_text
        self.expressions = {}
        self.starts = {}
        self.buffer_data = <const uint8_t*><size_t>self.buffer.ctypes.data
        self.offsets_data = <const int32_t*><size_t>self.offsets.ctypes.data
        self.lexicon.reset(new CppLexicon(self.buffer_data, self.offsets_data, self.n_tokens, vocab_size))
        self.lexicon.get().prepare_strings(self.expression(any_text))

    @property
    def n_automaton_states(self):
        return self.lexicon.get().n_states()

    @property
    def n_bytes(self):
        """Memory of the tables learnt so far, about."""
        return self.lexicon.get().n_bytes()

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
        self.session.get().network.merges = grammar.is_ambiguous
        if grammar.parse_tables is not None:
            self.session.get().set_tables(to_program(grammar.parse_tables.lexemes), to_tables(grammar.parse_tables))

    @property
    def n_states(self):
        """Matcher states met so far."""
        return self.session.get().states.size()

    @property
    def n_grammar_states(self):
        return self.session.get().network.n_grammar_states()

    @property
    def tokens_to_finish(self):
        """Tokens of a shortest document, EOS included; None if the vocabulary cannot spell it, or no bound is known."""
        cost = self.session.get().cost(self.session.get().states.start(), NULL)
        return None if cost >= <int64_t>IMPOSSIBLE else cost

    @property
    def can_end(self):
        """Whether the vocabulary can spell a document."""
        return self.session.get().can_end(self.session.get().states.start())

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
        unfolded = self.grammar.unfold(state)
        if type(unfolded) is self.object_outline:
            return self.add_object(state, unfolded)
        if type(unfolded) is self.array_outline:
            return self.add_array(state, unfolded)
        edges, final, finish, finish_label, items, n_before, recalls = unfolded
        for edge in edges:
            self.add_edge(state, edge)
        self.session.get().network.finish_state(
            state, final, finish, finish_label, <ItemRule><int>items, min(n_before, 1 << 30), recalls)
        return 0

    cdef int add_object(self, int32_t state, object outline) except -1:
        cdef ObjectOutline made
        cdef Lexicon lexicon = self.lexicon
        table, usable, order, any_order, required, first, later, others, excluded, close_empty, close, n_before = outline
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
cdef int expand_state(void* owner, int32_t state) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).expand(state)
    finally:
        if collects:
            PyGC_Enable()


cdef int find_successor(void* owner, int32_t state, int32_t edge, int32_t label) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).grammar.successor(state, edge, label)
    finally:
        if collects:
            PyGC_Enable()


cdef int find_value(void* owner, int32_t state, int32_t label) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).grammar.value(state, label)
    finally:
        if collects:
            PyGC_Enable()


cdef int recall_items(void* owner, int32_t state, const vector[string]& items) except -1 with gil:
    cdef int collects = PyGC_Disable()
    try:
        return (<Compiled>owner).grammar.recall(state, items)
    finally:
        if collects:
            PyGC_Enable()


cdef int32_t to_token(int64_t number) noexcept:
    """A token id; -1, which no token has, for what is no id."""
    return <int32_t>number if 0 <= number <= 0x7FFFFFFF else -1


cdef class Matcher:
    """The state of one sequence. Subclass it and define `_reject(token_id)`, `_refuse_budget(budget)`, `_refuse_empty()` and
    `_refuse(kind, message, got)` to raise."""

    cdef readonly Compiled compiled
    cdef Session* session
    cdef vector[int32_t] history  # states, the first before any token
    cdef unique_ptr[Tracker] tracker  # where the grammar asks what repeats
    cdef vector[size_t] marks     # of the tracker, beside the history
    cdef cbool ended
    cdef object bitmask           # the last one, its buffer held
    cdef Py_buffer view
    cdef cbool has_view

    def __cinit__(self, Compiled compiled not None, *arguments):
        self.compiled = compiled
        self.session = compiled.session.get()
        if self.session == NULL:
            raise ValueError("the compiled grammar was never initialised")
        self.history.push_back(self.session.states.start())
        if self.session.network.distinct_keys or self.session.network.distinct_items:
            self.tracker.reset(new Tracker())
        self.marks.push_back(0)
        self.ended = False
        self.has_view = False

    def __dealloc__(self):
        if self.has_view:
            PyBuffer_Release(&self.view)

    cdef cbool is_end(self, int32_t token) except *:
        return token in self.compiled.lexicon.end_token_ids

    cdef int64_t integer(self, str name, object value) except? -1:
        """An argument that has to be an integer."""
        cdef int overflow = 0
        cdef int64_t number
        if PyLong_CheckExact(value):
            number = PyLong_AsLongLongAndOverflow(value, &overflow)
            if not overflow:
                return number
        return self.other_integer(name, value)

    cdef int64_t other_integer(self, str name, object value) except? -1:
        try:
            return PyNumber_Index(value)
        except (TypeError, OverflowError):
            self._refuse(TypeError, f"{name} must be an integer of 64 bits", value)

    cdef const uint8_t* text(self, object value) except NULL:
        """An argument that has to be bytes."""
        if not isinstance(value, bytes):
            self._refuse(TypeError, "text must be bytes", value)
        return <const uint8_t*>(<const char*>value)

    cdef void push(self, int32_t state):
        self.history.push_back(state)
        self.marks.push_back(self.tracker.get().mark() if self.tracker.get() != NULL else 0)

    cdef cbool try_accept(self, int32_t token) except *:
        cdef int32_t state
        if self.ended:
            return False
        state = self.session.accept(self.history.back(), token, self.tracker.get())
        if state >= 0:
            self.push(state)
            return True
        if self.is_end(token) and self.session.accepting(self.history.back()):
            self.push(self.history.back())
            self.ended = True
            return True
        return False

    def accept_token(self, token_id):
        """Go on by one token; if it is not allowed, raise and leave the state as it was."""
        if not self.try_accept(to_token(self.integer("token_id", token_id))):
            self._reject(token_id)

    def try_accept_tokens(self, token_ids):
        """Accept tokens up to the first illegal one; how many were accepted."""
        cdef int n = 0
        try:
            given = list(token_ids)
        except TypeError:
            self._refuse(TypeError, "token_ids must be a list of integers", token_ids)
        cdef vector[int32_t] tokens
        for token_id in given:
            tokens.push_back(to_token(self.integer("token_ids", token_id)))
        for token in tokens:
            if not self.try_accept(token):
                break
            n += 1
        return n

    def allows_token(self, token_id):
        """Whether the token may come next: a walk over its bytes, no mask."""
        cdef int32_t token = to_token(self.integer("token_id", token_id))
        if self.ended:
            return False
        if self.session.allows(self.history.back(), token, self.tracker.get()):
            return True
        return self.is_end(token) and self.session.accepting(self.history.back())

    def fill_bitmask(self, bitmask, row=0, budget=None):
        """Write the allowed tokens into a row of packed int32 bits, id 0 in the lowest bit of the first word.

        bitmask: int32, shape [rows, ceil(vocab_size / 32)] or [ceil(vocab_size / 32)], numpy or CPU torch memory.
        budget: tokens that may still be written, EOS included; tokens after which no complete document fits are
            cleared.
        """
        if not self.has_view or bitmask is not self.bitmask:
            self.hold(bitmask)
        cdef int64_t limit = -1 if budget is None else max(<int64_t>0, self.integer("budget", budget))
        cdef char* out = self.row(self.integer("row", row))
        cdef size_t words = self.view.shape[self.view.ndim - 1]
        if self.ended:
            self.session.fill_end(<uint32_t*>out, words)
        elif not self.session.fill(self.history.back(), limit, <uint32_t*>out, words, self.tracker.get()):
            if limit >= 0:
                self._refuse_budget(limit)
            self._refuse_empty()

    def row_id(self, budget=None):
        """A number for what `fill_bitmask` writes: equal numbers of one compiled grammar, equal rows. -1: none is known."""
        cdef int64_t limit = -1 if budget is None else max(<int64_t>0, self.integer("budget", budget))
        if self.ended or not self.session.is_free(self.history.back(), limit, self.tracker.get()):
            return -1
        return self.history.back()

    cdef char* row(self, int64_t index) except NULL:
        """Where a row of the held bitmask begins."""
        if index < 0 or index >= (self.view.shape[0] if self.view.ndim == 2 else 1):
            self.refuse_row(index)
        return <char*>self.view.buf + (index * self.view.strides[0] if self.view.ndim == 2 else 0)

    cdef int refuse_row(self, int64_t index) except -1:
        shape = tuple([self.view.shape[i] for i in range(self.view.ndim)])
        self._refuse(IndexError, f"row {index} is outside of the bitmask of shape {shape}", ...)

    cdef int hold(self, object bitmask) except -1:
        cdef Py_buffer view
        array = bitmask
        try:
            if not isinstance(bitmask, np.ndarray) and hasattr(bitmask, "numpy"):
                array = bitmask.numpy()
            PyObject_GetBuffer(array, &view, PyBUF_WRITABLE | PyBUF_STRIDES | PyBUF_FORMAT)
        except (TypeError, BufferError, ValueError, RuntimeError):
            self._refuse(TypeError, "bitmask: must be a writable array in the memory of the CPU; use allocate_bitmask()", bitmask)
        cdef Py_ssize_t words = (self.compiled.lexicon.vocab_size + 31) // 32
        cdef cbool fits = (view.itemsize == 4 and view.ndim in (1, 2) and view.shape[view.ndim - 1] >= words
                           and view.strides[view.ndim - 1] == 4 and bytes(view.format) in (b"i", b"I", b"l", b"L"))
        if not fits:
            PyBuffer_Release(&view)
            demand = f"bitmask: must be int32 of shape [rows, {words}] with contiguous rows; use allocate_bitmask()"
            self._refuse(ValueError, demand, f"{getattr(array, 'dtype', '')} of shape {getattr(array, 'shape', '')}")
        if self.has_view:
            PyBuffer_Release(&self.view)
        self.view = view
        self.has_view = True
        self.bitmask = bitmask
        return 0

    def forced_tokens(self):
        """Tokens that spell the bytes that must come next (longest match), and EOS after them if the text must end there."""
        if self.ended:
            return []
        return self.session.forced_tokens(self.history.back())

    def forced_bytes(self):
        """The bytes that every continuation begins with."""
        if self.ended:
            return b""
        return bytes(self.session.forced_bytes(self.history.back()))

    def next_bytes(self):
        """The byte values that may come next."""
        if self.ended:
            return set()
        cdef StdByteSet found = self.session.next_bytes(self.history.back())
        possible = {byte for byte in range(256) if found[byte >> 6] >> (byte & 63) & 1}
        return possible if self.tracker.get() == NULL else {byte for byte in possible if self.try_read(bytes((byte,)))}

    def try_read(self, text):
        """How many bytes of a text can be read from here; the state is not changed."""
        cdef const uint8_t* data = self.text(text)
        cdef size_t length = len(text)
        if self.ended:
            return 0
        self.session.read(self.history.back(), data, length, self.tracker.get())
        self.undo(self.marks.back())
        return length

    cdef void undo(self, size_t mark):
        if self.tracker.get() != NULL:
            self.tracker.get().undo(mark)

    def read_bytes(self, text):
        """Go on by bytes, whatever the tokens (one step of `rollback`); False and no change if that is impossible."""
        cdef const uint8_t* data = self.text(text)
        cdef size_t length = len(text)
        if self.ended:
            return False
        cdef int32_t state = self.session.read(self.history.back(), data, length, self.tracker.get())
        if state < 0:
            self.undo(self.marks.back())
            return False
        self.push(state)
        return True

    def rollback(self, n_tokens):
        """Take back the last tokens."""
        cdef int64_t n = self.integer("n_tokens", n_tokens)
        if n < 0 or <size_t>n >= self.history.size():
            self._refuse(IndexError, f"rollback: must be from 0 to {self.history.size() - 1} tokens", n_tokens)
        if n:
            self.ended = False
        self.history.resize(self.history.size() - n)
        self.marks.resize(self.history.size())
        self.undo(self.marks.back())

    def reset(self):
        """Back to the beginning."""
        self.history.resize(1)
        self.marks.resize(1)
        if self.tracker.get() != NULL:
            self.tracker.get().reset()
        self.ended = False

    def copy(self):
        """A matcher in the same state, with the same history."""
        cdef Matcher other = type(self)(self.compiled)
        other.history = self.history
        other.marks = self.marks
        other.ended = self.ended
        if self.tracker.get() != NULL:
            other.tracker.reset(new Tracker(self.tracker.get()[0]))
        return other

    def __copy__(self):
        return self.copy()

    def __reduce__(self):
        raise TypeError("a matcher does not pickle; pickle the compiled grammar and the accepted tokens")

    @property
    def n_accepted(self):
        """Tokens accepted so far, EOS included."""
        return self.history.size() - 1

    @property
    def state_id(self):
        """Equal states of one compiled grammar have equal numbers; -1 after EOS."""
        return -1 if self.ended else self.history.back()

    @property
    def is_accepting(self):
        """Whether the text may end here (EOS is allowed, or has been accepted)."""
        return self.ended or self.session.accepting(self.history.back())

    @property
    def is_terminated(self):
        """Whether EOS has been accepted."""
        return self.ended

    @property
    def tokens_to_finish(self):
        """An upper bound on the tokens to a complete document, EOS included, that can always be met."""
        if self.ended:
            return 0
        return self.session.cost(self.history.back(), self.tracker.get())

    def _reject(self, token_id):
        raise ValueError(f"token {token_id} is not allowed here")

    def _refuse_budget(self, budget):
        raise ValueError(f"the shortest document does not fit into {budget} tokens")

    def _refuse_empty(self):
        raise ValueError("no token is allowed here")

    def _refuse(self, kind, message, got):
        raise kind(message if got is ... else f"{message}, got {got!r}")


include "batches.pxi"
include "exports.pxi"
