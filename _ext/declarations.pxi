# What core.pyx uses of Python, of the headers and of the hooks for errors, declared for Cython; included there as text.

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()


cdef extern from "apply.hpp" namespace "tokentrellis" nogil:
    cbool forbid[Score](Score*, size_t, const uint32_t*, size_t, Score)
    cbool copy_allowed[Score](const Score*, Score*, size_t, const uint32_t*, size_t, Score)


cdef extern from "session.hpp" namespace "tokentrellis":
    void translate_error()


cdef extern from "session.hpp" namespace "tokentrellis" nogil:
    cdef enum ItemRule:
        pass
    cdef enum:
        BY_LABEL
        FIRST_MADE
        REJECTED
        IMPOSSIBLE
    cdef cppclass StdByteSet "tokentrellis::ByteSet":
        uint64_t& operator[](size_t)
    cdef cppclass Transition:
        int32_t from_ "from"
        StdByteSet bytes
        int32_t to
    cdef cppclass ExpressionNode:
        int kind
        cbool regular
        vector[int32_t] children
        StdByteSet bytes
        int32_t least, most
        int32_t n_states
        vector[Transition] transitions
        vector[int32_t] accepting
        vector[string] divisors
    cdef cppclass CppLexicon "tokentrellis::Lexicon":
        CppLexicon(const uint8_t*, const int32_t*, int32_t, int32_t) except +translate_error
        int32_t new_value()
        int32_t add_expression(ExpressionNode) except +translate_error
        int32_t automaton_of(int32_t) except +translate_error
        int32_t string_start(int32_t, int32_t, const vector[int32_t]&) except +translate_error
        cbool spells_all()
        void prepare_strings(int32_t) except +translate_error
    cdef enum LexemeKind:
        pass
    cdef cppclass LexemeNode:
        LexemeKind kind
        int32_t first, next
        vector[int32_t] targets
        StdByteSet bytes
    cdef cppclass LexemeClassEdge:
        StdByteSet bytes
        int32_t to
    cdef cppclass LexemeLexer "tokentrellis::LexemeProgram::Lexer":
        vector[int32_t] starts, words
    cdef cppclass LexemeProgram:
        vector[LexemeNode] nodes
        vector[vector[LexemeClassEdge]] classes
        vector[LexemeLexer] lexers
        vector[vector[int32_t]] words_of
    cdef cppclass ParseRule "tokentrellis::ParseTables::Rule":
        int32_t origin, length
    cdef cppclass ParseItem "tokentrellis::ParseTables::Item":
        int32_t rule, n_read
        vector[int32_t] rest
    cdef cppclass ParseTables:
        int32_t n_states, n_terminals, n_origins, start, accepting, end
        cbool has_conflicts
        vector[int32_t] actions, gotos, lexers, skipped, special_tokens, costs, firsts
        vector[ParseRule] rules
        vector[vector[ParseItem]] items
        vector[string] texts
    cdef enum EdgeKind:
        TERMINAL_EDGE, STRING_EDGE, LITERALS_EDGE, OTHERS_EDGE, CALL_EDGE, TOKEN_EDGE
    cdef cppclass LegalSet:
        vector[uint64_t] words
    cdef cppclass Edge:
        int32_t least, most, table
        cbool labelled
        LegalSet legal
    cdef cppclass ByPosition:
        int32_t first, later
    cdef cppclass ObjectOutline:
        ObjectOutline()
        ByPosition name, other, close
        int32_t table, excluded, n_before
        cbool any_order
        LegalSet usable
        vector[int32_t] order, required
    cdef cppclass ArrayOutline:
        ArrayOutline()
        ByPosition close
        vector[int32_t] items
        int64_t least, most, top
    cdef cppclass Network:
        void add_object(int32_t, ObjectOutline) except +translate_error
        void add_array(int32_t, ArrayOutline) except +translate_error
        Edge& add_edge(int32_t, EdgeKind, int32_t, int32_t) except +translate_error
        cbool distinct_keys, distinct_items, documents, merges
        void finish_state(int32_t, cbool, int32_t, int32_t, ItemRule, int32_t, cbool) except +translate_error
        void finish_state(int32_t, cbool, int32_t, int32_t, ItemRule, int32_t, cbool, cbool, int32_t, double) except +translate_error
        int32_t add_table(vector[string]) except +translate_error
        int32_t make_state() except +translate_error
        void set_value(int32_t, int32_t) except +translate_error
        size_t n_grammar_states()
    cdef cppclass Tracker:
        size_t mark()
        Tracker(cbool)
        Tracker(const Tracker&)
        void undo(size_t)
        void reset()
    cdef cppclass States:
        int32_t start()
        size_t size()
    ctypedef int (*ExpandFunction)(void*, int32_t)
    ctypedef int (*SuccessorFunction)(void*, int32_t, int32_t, int32_t)
    ctypedef int (*ValueFunction)(void*, int32_t, int32_t)
    ctypedef int (*RecallFunction)(void*, int32_t, const vector[string]&)
    size_t learnt_bytes(CppLexicon&)
    size_t learnt_states(CppLexicon&)
    cdef cppclass Session:
        Network network
        States states
        Session(CppLexicon&, const uint8_t*, const int32_t*, int32_t, vector[int32_t], int32_t, void*,
                ExpandFunction, SuccessorFunction, ValueFunction, RecallFunction) except +translate_error
        void set_tables(LexemeProgram, ParseTables) except +translate_error
        int32_t accept(int32_t, int32_t, Tracker*) except +translate_error
        cbool allows(int32_t, int32_t, Tracker*) except +translate_error
        int32_t read(int32_t, const uint8_t*, size_t&, Tracker*) except +translate_error
        cbool accepting(int32_t) except +translate_error
        cbool fill(int32_t, int64_t, uint32_t*, size_t, Tracker*) except +translate_error
        cbool fill_batch "fill"(int32_t, int64_t, uint32_t*, size_t, Tracker*, cbool) except +translate_error
        int32_t row_id(int32_t, int64_t, Tracker*) except +translate_error
        double temperature(int32_t) except +translate_error
        int64_t tokens_of_terminal(int32_t) except +translate_error
        void count_tokens() except +translate_error
        size_t n_states()
        int32_t start() except +translate_error
        void fill_end(uint32_t*, size_t)
        vector[uint8_t] forced_bytes(int32_t) except +translate_error
        StdByteSet next_bytes(int32_t) except +translate_error
        int64_t cost(int32_t, Tracker*) except +translate_error
        cbool can_end(int32_t) except +translate_error
        string shortest_text(size_t) except +translate_error
        vector[int32_t] forced_tokens(int32_t) except +translate_error


cdef extern from "exports.hpp" namespace "tokentrellis" nogil:
    cdef cppclass CppTokenExport "tokentrellis::TokenExport":
        CppTokenExport(Session&, int64_t, int64_t, int64_t)
        int advance() except +translate_error
        int64_t n_states()
        int64_t n_classes()
        int64_t n_bytes()
        string last_text()
        void write(int32_t*, int32_t*, int32_t*, uint8_t*) except +translate_error


cdef extern from "session.hpp" namespace "tokentrellis":
    """
    static void tokentrellis_set_hooks(PyObject* limit, PyObject* recursion) {
        Py_INCREF(limit);
        Py_INCREF(recursion);
        tokentrellis::limit_hook() = limit;
        tokentrellis::recursion_hook() = recursion;
    }
    """
    void set_hooks "tokentrellis_set_hooks"(object, object)
