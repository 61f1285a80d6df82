# The whole of a grammar as a table over tokens, included in `core.pyx`: the walk runs without the interpreter lock and gives
# up its own after each state; Ctrl-C ends it.

EXPORT_STATUS = ("goes on", "complete", "states", "bytes", "nesting", "keys", "items")  # as TokenExport::Status


cdef class TokenExport:
    """The export of a compiled grammar; `exports.hpp` says how. most_tokens: -1, or the length of the longest document."""

    cdef readonly Compiled compiled
    cdef unique_ptr[CppTokenExport] export

    def __cinit__(self, Compiled compiled not None, int64_t most_states, int64_t most_bytes, int64_t most_tokens=-1):
        if compiled.session.get() == NULL:
            raise ValueError("the compiled grammar was never initialised")
        self.compiled = compiled
        self.export.reset(new CppTokenExport(compiled.session.get()[0], most_states, most_bytes, most_tokens))

    def run(self):
        """Visit all states; how it ended: "complete", the limit ("states", "bytes") or what has no end ("nesting", "keys",
        "items")."""
        cdef int status = 0
        while status == 0:
            PyErr_CheckSignals()
            with nogil:
                status = self.export.get().advance()
        return EXPORT_STATUS[status]

    @property
    def n_states(self):
        """States met so far, the one after EOS included."""
        return self.export.get().n_states()

    @property
    def n_bytes(self):
        """Memory that the export takes, the table that it would give included."""
        return self.export.get().n_bytes()

    @property
    def last_text(self):
        """A shortest text that leads to where the export was given up."""
        return <bytes>self.export.get().last_text()

    def tables(self):
        """token_classes int32 [vocab_size], transitions int32 [n_states, n_classes], costs int32 [n_states], accepting bool
        [n_states], of a complete export."""
        cdef Py_ssize_t n_states = self.export.get().n_states(), n_classes = self.export.get().n_classes()
        token_classes = np.empty(self.compiled.lexicon.vocab_size, dtype=np.int32)
        transitions = np.empty((n_states, n_classes), dtype=np.int32)
        costs = np.empty(n_states, dtype=np.int32)
        accepting = np.empty(n_states, dtype=np.bool_)
        cdef int32_t[::1] classes_out = token_classes, costs_out = costs
        cdef int32_t[:, ::1] transitions_out = transitions
        cdef uint8_t[::1] accepting_out = accepting.view(np.uint8)
        with nogil:
            self.export.get().write(&classes_out[0], &transitions_out[0, 0], &costs_out[0], &accepting_out[0])
        return token_classes, transitions, costs, accepting
