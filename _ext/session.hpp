// The entrance to the core: one lock for a vocabulary, taken here and nowhere else.
//
// Grammars of one vocabulary share its tables, so one recursive mutex guards them all; uncontended it costs about 20 ns.
// A thread that waits for it gives up the interpreter lock while it waits, because the owner may need that lock to
// expand a grammar state: the order "mutex, then interpreter" holds everywhere, and nothing can block for good.
#pragma once

#include <Python.h>

#include "merged_closure.hpp"
#include "parse_stack.hpp"
#include "states.hpp"
#include "token_limits.hpp"

namespace tokentrellis {

// Python callables that make the exceptions for limits and left recursion; set once by decoding/compile.py.
inline PyObject*& limit_hook() {
    static PyObject* hook = nullptr;
    return hook;
}
inline PyObject*& recursion_hook() {
    static PyObject* hook = nullptr;
    return hook;
}

inline void raise_through(PyObject* hook, PyObject* builtin, PyObject* arguments) {
    PyObject* made = arguments ? PyObject_CallObject(hook ? hook : builtin, arguments) : nullptr;
    Py_XDECREF(arguments);
    if (made) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made)), made);
    Py_XDECREF(made);
}

// Turns the exception in flight into a Python error (called by the code that Cython generates).
inline void translate_error() {
    PyGILState_STATE interpreter = PyGILState_Ensure();
    try {
        if (!PyErr_Occurred()) throw;
    } catch (const LimitError& error) {
        raise_through(limit_hook(), PyExc_OverflowError, Py_BuildValue("(sL)", error.what(), static_cast<long long>(error.limit)));
    } catch (const LeftRecursion& error) {
        raise_through(recursion_hook(), PyExc_RecursionError, Py_BuildValue("(ss)", error.what(), "rewrite the left recursion as a repetition"));
    } catch (const SeveralDocuments& error) {
        raise_through(recursion_hook(), PyExc_RecursionError, Py_BuildValue("(ss)", error.what(), "let the text around a document not hold what begins one"));
    } catch (const Lookaround& error) {
        raise_through(recursion_hook(), PyExc_RecursionError, Py_BuildValue("(ss)", error.what(), "make it part of the terminal, or leave it out"));
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    PyGILState_Release(interpreter);
}

// Takes the mutex; the caller holds the interpreter lock (unless `without_interpreter`).
class Guard {
public:
    explicit Guard(std::recursive_mutex& mutex, bool without_interpreter = false) : mutex_(mutex) {
        if (mutex_.try_lock()) return;
        if (without_interpreter) {
            mutex_.lock();
            return;
        }
        PyThreadState* thread = PyEval_SaveThread();
        mutex_.lock();
        PyEval_RestoreThread(thread);
    }
    ~Guard() { mutex_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    std::recursive_mutex& mutex_;
};

// Memory of what a vocabulary has learnt, and its states: both grow while another thread learns.
inline size_t learnt_bytes(Lexicon& lexicon) {
    Guard guard(lexicon.mutex);
    return lexicon.n_bytes();
}
inline size_t learnt_states(Lexicon& lexicon) {
    Guard guard(lexicon.mutex);
    return static_cast<size_t>(lexicon.n_states());
}

class Session {
public:
    Lexicon& lexicon;
    Network network;
    States states;
    const std::vector<int32_t> end_ids;
    std::unique_ptr<TokenLimits> limits;  // null where no rule has one

    Session(Lexicon& shared, const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens, std::vector<int32_t> ends,
            int32_t start, void* owner, ExpandFunction expand, SuccessorFunction successor, ValueFunction value, RecallFunction recall)
        : lexicon(shared), network(shared, start, owner, expand, successor, value, recall), states(network, buffer, offsets, n_tokens), end_ids(std::move(ends)) {}

    // For a grammar that is given by parse tables; before anything is read.
    void set_tables(LexemeProgram program, ParseTables tables) {
        Guard guard(lexicon.mutex);
        LexemeAutomaton* lexemes = lexicon.add_automaton<LexemeAutomaton>(std::move(program));
        auto stack = std::make_unique<ParseStack>(network, *lexemes, std::move(tables));
        const int32_t start = stack->start();
        ParseStack& kept = *stack;
        network.set_driver(std::move(stack), start);
        states.begin();
        kept.prepare();
    }

    // For a grammar with terminals that take so many tokens at most; before anything is read. A state is a counted state then, in
    // all that follows.
    void count_tokens() {
        Guard guard(lexicon.mutex);
        network.has_limits = true;
        limits = std::make_unique<TokenLimits>(states);
    }
    size_t n_states() const { return states.size() + (limits ? limits->size() : 0); }
    int32_t start() {
        Guard guard(lexicon.mutex);
        return limits ? limits->start() : states.start();
    }

    // `tracker` is null where the grammar does not ask what repeats.
    int32_t accept(int32_t state, int32_t token, Tracker* tracker) {
        Guard guard(lexicon.mutex);
        if (limits) return limits->accept(state, token, tracker);
        return tracker ? states.accept(state, token, *tracker) : states.accept(state, token);
    }
    bool allows(int32_t state, int32_t token, Tracker* tracker) {
        Guard guard(lexicon.mutex);
        if (limits) return limits->allows(state, token, tracker);
        return tracker ? states.allows(state, token, *tracker) : states.allows(state, token);
    }
    // The tracker goes on with what could be read.
    int32_t read(int32_t state, const uint8_t* bytes, size_t& length, Tracker* tracker) {
        Guard guard(lexicon.mutex);
        if (limits) return limits->read(state, bytes, length, tracker);
        return tracker ? states.read(state, bytes, length, *tracker) : states.read(state, bytes, length);
    }
    bool accepting(int32_t state) {
        Guard guard(lexicon.mutex);
        return states.accepting(plain(state));
    }
    // Writes the row of a state; budget < 0: none. Returns whether any bit is set.
    bool fill(int32_t state, int64_t budget, uint32_t* out, size_t words, Tracker* tracker, bool without_interpreter = false) {
        Guard guard(lexicon.mutex, without_interpreter);
        if (budget < 0 || budget >= UNPROMISED) budget = IMPOSSIBLE;
        if (!limits) {
            const bool is_unbounded = budget >= IMPOSSIBLE && !lexicon.lacks_bytes();
            if (is_unbounded && states.write_known(state, tracker, out, words, end_ids)) return true;
            const bool any = fill_within(state, budget, out, words, tracker);
            if (is_unbounded && any) states.note_written(state, tracker);
            return any;
        }
        if (!fill_within(plain(state), budget, out, words, tracker)) return false;
        if (limits->is_ample(state)) return true;
        limits->restrict_row(state, budget, out, words, lexicon.patterns, end_ids);
        return std::any_of(out, out + words, [](uint32_t word) { return word != 0; });
    }
    // The number of the row that `fill` writes with this budget; -1 where more than that decides what is written.
    int32_t row_id(int32_t state, int64_t budget, const Tracker* tracker) {
        Guard guard(lexicon.mutex);
        if (limits && !limits->is_ample(state)) return -1;
        state = plain(state);
        const bool is_free = states.is_free(state, budget < 0 || budget >= UNPROMISED ? static_cast<int64_t>(IMPOSSIBLE) : budget, tracker);
        return is_free ? state : -1;
    }
    void fill_end(uint32_t* out, size_t words) const {
        std::memset(out, 0, words * 4);
        for (int32_t id : end_ids) out[id >> 5] |= 1u << (id & 31);
    }
    std::vector<uint8_t> forced_bytes(int32_t state) {
        Guard guard(lexicon.mutex);
        bool ends = false;
        return states.forced_bytes(plain(state), ends);
    }
    // Tokens that spell what must come next; the first EOS after them if the text must end there.
    std::vector<int32_t> forced_tokens(int32_t state) {
        Guard guard(lexicon.mutex);
        bool ends = false;
        std::vector<uint8_t> text = states.forced_bytes(plain(state), ends);
        std::vector<int32_t> tokens;
        ends &= spell(text, tokens);
        // The longest match may take more tokens than a limit has left: what comes before that is forced nevertheless.
        for (size_t i = 0; limits && i < tokens.size(); ++i)
            if ((state = limits->accept(state, tokens[i], nullptr)) == REJECTED) tokens.resize(i), ends = false;
        if (ends) tokens.push_back(end_ids[0]);
        return tokens;
    }
    ByteSet next_bytes(int32_t state) {
        Guard guard(lexicon.mutex);
        return states.next_bytes(plain(state));
    }
    int64_t cost(int32_t state, Tracker* tracker) {
        Guard guard(lexicon.mutex);
        state = plain(state);
        const int64_t cost = tracker ? states.cost(state, *tracker) : states.cost(state);
        return cost < UNPROMISED ? cost : IMPOSSIBLE;
    }
    bool can_end(int32_t state) {
        Guard guard(lexicon.mutex);
        return states.cost(plain(state)) < IMPOSSIBLE;
    }
    // The highest temperature of the rules in which the text is, or may come to be; NO_TEMPERATURE: none of them has one.
    double temperature(int32_t state) {
        Guard guard(lexicon.mutex);
        return network.temperature(states.configurations(plain(state)));
    }
    // The fewest tokens of a terminal that takes so many at most, from the beginning of its automaton; IMPOSSIBLE: none spell it.
    int64_t tokens_of_terminal(int32_t start) {
        Guard guard(lexicon.mutex);
        return start == DEAD ? IMPOSSIBLE : states.costs().fewest(start);
    }
    std::string shortest_text(size_t most) {
        Guard guard(lexicon.mutex);
        return states.costs().witness_of_continuation(network.start_continuation(), most);
    }

private:
    int32_t plain(int32_t state) const { return limits ? limits->state_of(state) : state; }

    // The row of a state within a budget.
    bool fill_within(int32_t state, int64_t budget, uint32_t* out, size_t words, Tracker* tracker) {
        if (tracker != nullptr && states.is_mixed(state)) return fill_mixed(state, budget, out, words, *tracker);
        const Row& row = budget < IMPOSSIBLE || lexicon.lacks_bytes() ? states.row_within(state, budget) : states.row(state);
        row.write(out, words, lexicon.patterns, end_ids);
        if (tracker == nullptr) return !row.empty();
        states.correct(state, *tracker, out, words, budget);
        return std::any_of(out, out + words, [](uint32_t word) { return word != 0; });
    }
    // The same where some readings are in a document and some are not: what either allows.
    bool fill_mixed(int32_t state, int64_t budget, uint32_t* out, size_t words, Tracker& tracker) {
        const auto [inside, others] = states.parts(state);
        std::vector<uint32_t> beside(words);
        Tracker outside(true);
        const bool within = fill_within(inside, budget, out, words, &tracker), without = fill_within(others, budget, beside.data(), words, &outside);
        for (size_t word = 0; word < words; ++word) out[word] |= beside[word];
        return within || without;
    }

    // The longest-match spelling of a text in tokens; false where no token fits.
    bool spell(const std::vector<uint8_t>& text, std::vector<int32_t>& tokens) const {
        const Trie& trie = *lexicon.tries[0];
        for (size_t from = 0; from < text.size();) {
            int32_t node = 0, best = -1;
            size_t best_end = from;
            for (size_t i = from; i < text.size(); ++i) {
                node = trie.child(node, text[i]);
                if (node == 0) break;
                if (trie.begin_ids(node) != trie.end_ids(node)) best = *trie.begin_ids(node), best_end = i + 1;
            }
            if (best < 0) return false;
            tokens.push_back(best);
            from = best_end;
        }
        return true;
    }
};

}  // namespace tokentrellis
