// Lazy deterministic automata over bytes, all in one table.
//
// Every automaton of a vocabulary hands out its states from one numbering; a state has a row of 256 next states, filled
// a byte class at a time when first asked for. DEAD is the only state from which nothing can be accepted: a transition
// into a state that cannot reach acceptance is stored as DEAD, so "alive" costs nothing afterwards. A state that accepts
// carries a label (0, or the signature of the monitors that accept too).
//
// `SetAutomaton`: subset construction over an Nfa (Rabin & Scott 1959); every state of it is alive by construction.
// `BooleanAutomaton` (product.hpp): the product of such automata under a formula.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "nfa.hpp"

namespace tokentrellis {

constexpr int32_t DEAD = -1, UNKNOWN = -2;
// The parts of a JSON string (json_string.hpp).
enum Phase : uint8_t { PREFIX, BODY, ESCAPE, HEX, LOW_BACKSLASH, LOW_U, LOW_HEX, CLOSED };
constexpr size_t MAX_DFA_STATES = 400000;       // of all automata of a vocabulary: 400 MB
constexpr size_t MAX_AUTOMATON_STATES = 40000;  // of one automaton

struct VectorHash {
    size_t operator()(const std::vector<int32_t>& v) const {
        uint64_t h = 0x9E3779B97F4A7C15ull;
        for (int32_t x : v) h = (h ^ static_cast<uint32_t>(x)) * 0xFF51AFD7ED558CCDull, h ^= h >> 32;
        return h;
    }
};

class Automata;
class Minimal;  // minimal.hpp

class Automaton {
public:
    virtual ~Automaton() = default;
    // Fill the row of `state` at least for `byte`.
    virtual void compute(Automata& automata, int32_t state, uint8_t byte) = 0;
    // Bytes that no state tells apart, grouped; null where that is not known.
    virtual const std::vector<std::vector<uint8_t>>* classes() const { return nullptr; }
    virtual bool is_string() const { return false; }
    // Whether there are many states like one (by its own number), which by most bytes lead to few others.
    virtual bool is_varied(int32_t) const { return false; }
    // An automaton that is never to be searched (it has pieces, nfa.hpp), and the cursors of a state (by its own number);
    // null for the others.
    virtual Nfa* unwritten(int32_t, Nfa::Cursors&) { return nullptr; }
    int32_t start = DEAD;
};

struct StateInfo {
    int32_t automaton;
    int32_t local;   // the automaton's own number of the state
    int32_t label;   // -1: does not accept
    uint8_t phase;   // of a JSON string (json_string.hpp); 0 elsewhere
};

class Automata {
public:
    Automata() { next_.reserve(ROOM << 8); }  // address space only: to move rows costs more than most masks

    static constexpr uint8_t ACCEPTS = 1, EXHAUSTED = 2, READS_TEXT = 4;

    std::vector<StateInfo> info;
    std::vector<std::unique_ptr<Automaton>> automata;
    std::unordered_map<int32_t, std::shared_ptr<const Minimal>> minimal;  // by start state
    ByteSet usable{~0ull, ~0ull, ~0ull, ~0ull};  // bytes that occur in some token; the others cannot be written
    bool all_usable = true;
    bool has_unwritten = false;  // some automaton has pieces

    // Next states, 256 for each state. The row of DEAD is there too: DEAD leads to DEAD.
    const int32_t* rows() const { return next_.data() + 256; }
    // What a walk asks at each node, a byte a state, and for DEAD: ACCEPTS, EXHAUSTED, READS_TEXT (the body of a string).
    const uint8_t* marks() const { return marks_.data() + 1; }

    int32_t step(int32_t state, uint8_t byte) {
        int32_t to = rows()[static_cast<size_t>(state) << 8 | byte];
        if (to != UNKNOWN) return to;
        return compute(state, byte);
    }
    // The bytes that may be read in a state; what had not been tried when it was first asked counts, too.
    const ByteSet& possible_bytes(int32_t state) {
        if (static_cast<size_t>(state) >= possible_.size()) possible_.resize(info.size());
        ByteSet& bytes = possible_[state];
        if (bytes == ByteSet{}) {
            const int32_t* row = rows() + (static_cast<size_t>(state) << 8);
            for (int byte = 0; byte < 256; ++byte)
                if (row[byte] != DEAD) bytes[byte >> 6] |= 1ull << (byte & 63);
        }
        return bytes;
    }
    int32_t label(int32_t state) const { return info[state].label; }
    Nfa* unwritten(int32_t state, Nfa::Cursors& cursors) const {
        return has_unwritten ? automata[info[state].automaton]->unwritten(info[state].local, cursors) : nullptr;
    }
    bool is_varied(int32_t state) const { return automata[info[state].automaton]->is_varied(info[state].local); }
    bool exhausted(int32_t state) const { return marks()[state] & EXHAUSTED; }

    // exhausted: the state accepts, and nothing can follow inside its automaton.
    int32_t add_state(int32_t automaton, int32_t local, int32_t label, bool exhausted = false, uint8_t phase = 0) {
        if (info.size() >= MAX_DFA_STATES) throw LimitError("automaton states of all terminals of a vocabulary", MAX_DFA_STATES);
        info.push_back({automaton, local, label, phase});
        marks_.push_back((label >= 0 ? ACCEPTS : 0) | (exhausted ? EXHAUSTED : 0) | (phase == BODY ? READS_TEXT : 0));
        next_.resize((info.size() + 1) << 8, UNKNOWN);
        return static_cast<int32_t>(info.size()) - 1;
    }
    void set(int32_t state, uint8_t byte, int32_t to) { next_[(static_cast<size_t>(state) + 1) << 8 | byte] = to; }
    void set(int32_t state, const std::vector<uint8_t>& bytes, int32_t to) {
        for (uint8_t byte : bytes) set(state, byte, to);
    }
    // Whether two states of one automaton agree on all texts of at most `length` bytes: which can be read, and which are
    // accepted with which label. In a bounded repeat most neighbours do, as long as the bound is out of reach. Pairs are
    // remembered with the lengths up to which they are known to agree, or to differ; `steps` bounds the work.
    bool agree(int32_t a, int32_t b, int length, int& steps) {
        if (a == b) return true;
        if (a == DEAD || b == DEAD || info[a].label != info[b].label || info[a].automaton != info[b].automaton) return false;
        if (length == 0) return true;
        const auto* classes = automata[info[a].automaton]->classes();
        if (classes == nullptr || --steps < 0) return false;
        const uint64_t key = pair_key(std::min(a, b), std::max(a, b));
        auto [known, is_new] = agreements_.emplace(key, Agreement{0, INT32_MAX});
        if (length <= known->second.agree) return true;
        if (length >= known->second.differ) return false;
        for (const auto& members : *classes) {
            const auto found = std::find_if(members.begin(), members.end(), [&](uint8_t member) { return contains(usable, member); });
            if (found == members.end()) continue;
            const uint8_t byte = *found;
            if (agree(step(a, byte), step(b, byte), length - 1, steps)) continue;
            if (steps >= 0) agreements_[key].differ = length;
            return false;
        }
        agreements_[key].agree = length;
        return true;
    }

    int32_t walk(int32_t state, const uint8_t* bytes, size_t length) {
        for (size_t i = 0; i < length && state != DEAD; ++i) state = step(state, bytes[i]);
        return state;
    }

private:
    static constexpr size_t ROOM = 16384;  // states
    struct Agreement {
        int32_t agree, differ;
    };
    std::vector<int32_t> next_ = std::vector<int32_t>(256, DEAD);
    std::vector<uint8_t> marks_ = std::vector<uint8_t>(1, 0);
    std::unordered_map<uint64_t, Agreement> agreements_;
    std::vector<ByteSet> possible_;  // by state, where asked for

    int32_t compute(int32_t state, uint8_t byte) {
        if (!contains(usable, byte)) {
            set(state, byte, DEAD);
            return DEAD;
        }
        automata[info[state].automaton]->compute(*this, state, byte);
        return rows()[static_cast<size_t>(state) << 8 | byte];
    }
};

class SetAutomaton final : public Automaton {
public:
    SetAutomaton(Automata& automata, int32_t id, Nfa nfa) : id_(id), nfa_(std::move(nfa)) {
        is_searchless_ = automata.all_usable;
        automata.has_unwritten |= nfa_.has_pieces() && is_searchless_;
        start = intern(automata, nfa_.closure(nfa_.start));
    }
    const Nfa& nfa() const { return nfa_; }
    const std::vector<std::vector<uint8_t>>* classes() const override { return &nfa_.class_members; }

    void compute(Automata& automata, int32_t state, uint8_t byte) override {
        ++stamp_;
        reached_.clear();
        for (int32_t s : sets_[automata.info[state].local]) {
            const int32_t next = nfa_.read_byte(s, byte);
            if (next == NO_STATE) continue;
            if (seen_.size() < nfa_.states.size()) seen_.resize(nfa_.states.size(), 0);
            for (int32_t to : nfa_.closure(next))
                if (seen_[to] != stamp_) seen_[to] = stamp_, reached_.push_back(to);
        }
        int32_t to = DEAD;
        if (!reached_.empty()) {
            nfa_.without_dominated(reached_);
            std::sort(reached_.begin(), reached_.end());
            to = intern(automata, reached_);
        }
        automata.set(state, nfa_.class_members[nfa_.class_of[byte]], to);
        mask_unusable(automata, state, nfa_.class_members[nfa_.class_of[byte]]);
    }

    Nfa* unwritten(int32_t local, Nfa::Cursors& cursors) override {
        if (!nfa_.has_pieces() || !is_searchless_) return nullptr;
        for (int32_t s : sets_[local]) cursors.push_back(nfa_.cursor(s));
        return &nfa_;
    }

private:
    int32_t id_;
    Nfa nfa_;
    bool is_searchless_ = false;
    std::vector<std::vector<int32_t>> sets_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_;
    std::vector<uint32_t> seen_;
    std::vector<int32_t> reached_;
    uint32_t stamp_ = 0;

    void mask_unusable(Automata& automata, int32_t state, const std::vector<uint8_t>& bytes) {
        if (automata.all_usable) return;
        for (uint8_t byte : bytes)
            if (!contains(automata.usable, byte)) automata.set(state, byte, DEAD);
    }

    int32_t intern(Automata& automata, const std::vector<int32_t>& set) {
        auto found = index_.find(set);
        if (found != index_.end()) return found->second;
        // One with pieces only gets the states of the text that was read: what the vocabulary allows may be many.
        if (sets_.size() >= MAX_AUTOMATON_STATES && !nfa_.has_pieces()) throw LimitError("automaton states of one expression", MAX_AUTOMATON_STATES);
        bool accepts = !set.empty() && set[0] == 0;
        int32_t state = automata.add_state(id_, static_cast<int32_t>(sets_.size()), accepts ? 0 : -1, accepts && set.size() == 1);
        sets_.push_back(set);
        index_.emplace(set, state);
        return state;
    }
};

}  // namespace tokentrellis
