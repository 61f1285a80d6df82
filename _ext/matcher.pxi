# The state of one sequence, included in `core.pyx`: a list of state numbers, a tracker where the grammar asks what repeats, and
# the buffer of the bitmask that was filled last. Arguments of Python are checked here, once.

cdef int32_t to_token(int64_t number) noexcept:
    """A token id; -1, which no token has, for what is no id."""
    return <int32_t>number if 0 <= number <= 0x7FFFFFFF else -1


cdef size_t _USUAL_LENGTH = 64  # tokens for which there is room at once


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
        self.history.reserve(_USUAL_LENGTH)
        self.marks.reserve(_USUAL_LENGTH)
        self.history.push_back(self.session.start())
        if self.session.network.distinct_keys or self.session.network.distinct_items:
            self.tracker.reset(new Tracker(self.session.network.documents))
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
                self._refuse_budget(budget)
            self._refuse_empty()

    def row_id(self, budget=None):
        """A number for what `fill_bitmask` writes: equal numbers of one compiled grammar, equal rows. -1: none is known."""
        cdef int64_t limit = -1 if budget is None else max(<int64_t>0, self.integer("budget", budget))
        return -1 if self.ended else self.session.row_id(self.history.back(), limit, self.tracker.get())

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

    def __deepcopy__(self, memo):
        return self.copy()  # what matchers share does not change

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
    def temperature(self):
        """The temperature of the rule in which the text is; None: it has none."""
        if self.ended or not self.compiled.grammar.has_temperatures:
            return None
        found = self.session.temperature(self.history.back())
        return None if found < 0 else found

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
