// Lazy deterministic automata over bytes, all in one table.
//
// Every automaton of a vocabulary hands out its states from one numbering; a state has a row of 256 next states, filled
// a byte class at a time when first asked for. DEAD is the only state from which nothing can be accepted: a transition
// into a state that cannot reach acceptance is stored as DEAD, so "alive" costs nothing afterwards. A state that accepts
// carries a label (0, or the signature of the monitors that accept too).
//
// `SetAutomaton`: subset construction over an Nfa (Rabin & Scott 1959); every state of it is alive by construction.
// `BooleanAutomaton`: the product of such automata under a formula with intersection, union and complement, with
// monitors; whether a state is alive is found by search and remembered.
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

class Automaton {
public:
    virtual ~Automaton() = default;
    // Fill the row of `state` at least for `byte`.
    virtual void compute(Automata& automata, int32_t state, uint8_t byte) = 0;
    // Bytes that no state tells apart, grouped; null where that is not known.
    virtual const std::vector<std::vector<uint8_t>>* classes() const { return nullptr; }
    virtual bool is_string() const { return false; }
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
    static constexpr uint8_t ACCEPTS = 1, EXHAUSTED = 2, READS_TEXT = 4;

    std::vector<StateInfo> info;
    std::vector<std::unique_ptr<Automaton>> automata;
    ByteSet usable{~0ull, ~0ull, ~0ull, ~0ull};  // bytes that occur in some token; the others cannot be written
    bool all_usable = true;

    // Next states, 256 for each state. The row of DEAD is there too: DEAD leads to DEAD.
    const int32_t* rows() const { return next_.data() + 256; }
    // What a walk asks at each node, a byte a state, and for DEAD: ACCEPTS, EXHAUSTED, READS_TEXT (the body of a string).
    const uint8_t* marks() const { return marks_.data() + 1; }

    int32_t step(int32_t state, uint8_t byte) {
        int32_t to = rows()[static_cast<size_t>(state) << 8 | byte];
        if (to != UNKNOWN) return to;
        return compute(state, byte);
    }
    int32_t label(int32_t state) const { return info[state].label; }
    Nfa* unwritten(int32_t state, Nfa::Cursors& cursors) const { return automata[info[state].automaton]->unwritten(info[state].local, cursors); }
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
            const uint8_t byte = members[0];
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
    struct Agreement {
        int32_t agree, differ;
    };
    std::vector<int32_t> next_ = std::vector<int32_t>(256, DEAD);
    std::vector<uint8_t> marks_ = std::vector<uint8_t>(1, 0);
    std::unordered_map<uint64_t, Agreement> agreements_;

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

// A formula over component automata: LEAF reads component `component`.
struct Formula {
    enum Kind { LEAF, AND, OR, NOT } kind = LEAF;
    int32_t component = 0;
    std::vector<Formula> children;

    // 1 true, 0 false, -1 undecided. With `final_verdict`, a component is true if its state accepts; without, a dead
    // component is false and a live one undecided.
    int evaluate(const Automata& automata, const std::vector<int32_t>& states, bool final_verdict) const {
        switch (kind) {
            case LEAF: {
                int32_t s = states[component];
                if (s == DEAD) return 0;
                return final_verdict ? automata.label(s) >= 0 : -1;
            }
            case NOT: {
                int value = children[0].evaluate(automata, states, final_verdict);
                return value < 0 ? value : !value;
            }
            default: {
                int absorbing = kind == OR, result = !absorbing;
                for (const Formula& child : children) {
                    int value = child.evaluate(automata, states, final_verdict);
                    if (value == absorbing) return absorbing;
                    if (value < 0) result = -1;
                }
                return result;
            }
        }
    }
};

class BooleanAutomaton final : public Automaton {
public:
    // components: start states; the first `n_restricting` belong to the formula, the others are monitors (bit i of the
    // label: monitor i accepts).
    BooleanAutomaton(Automata& automata, int32_t id, Formula formula, std::vector<int32_t> components, int32_t n_restricting)
        : id_(id), formula_(std::move(formula)), n_restricting_(n_restricting) {
        refine_classes(automata, components);
        int32_t local = intern(automata, components);
        start = alive(automata, local) ? number(automata, local) : DEAD;
    }

    const std::vector<std::vector<uint8_t>>* classes() const override { return &class_members_; }

    void compute(Automata& automata, int32_t state, uint8_t byte) override {
        int32_t local = advance(automata, automata.info[state].local, byte);
        int32_t to = local != DEAD && alive(automata, local) ? number(automata, local) : DEAD;
        for (uint8_t member : class_members_[class_of_[byte]])
            automata.set(state, member, contains(automata.usable, member) ? to : DEAD);
    }

private:
    int32_t id_;
    Formula formula_;
    int32_t n_restricting_;
    std::vector<std::vector<int32_t>> tuples_;
    std::vector<int8_t> alive_;     // 1 yes, 0 no, -1 not known
    std::vector<int32_t> numbers_;  // local -> state, or NO_STATE
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_;
    std::array<uint8_t, 256> class_of_{};
    std::vector<std::vector<uint8_t>> class_members_;

    void refine_classes(Automata& automata, const std::vector<int32_t>& components) {
        int n_classes = 1;
        for (int32_t component : components) {
            if (component == DEAD) continue;
            auto* part = dynamic_cast<SetAutomaton*>(automata.automata[automata.info[component].automaton].get());
            std::map<std::pair<int, int>, int> renumber;
            for (int byte = 0; byte < 256; ++byte) {
                int other = part ? part->nfa().class_of[byte] : byte;
                auto it = renumber.emplace(std::make_pair(static_cast<int>(class_of_[byte]), other), static_cast<int>(renumber.size())).first;
                class_of_[byte] = static_cast<uint8_t>(it->second);
            }
            n_classes = static_cast<int>(renumber.size());
        }
        class_members_.assign(n_classes, {});
        for (int byte = 0; byte < 256; ++byte) class_members_[class_of_[byte]].push_back(static_cast<uint8_t>(byte));
    }

    int32_t intern(Automata& automata, const std::vector<int32_t>& tuple) {
        auto found = index_.find(tuple);
        if (found != index_.end()) return found->second;
        if (tuples_.size() >= MAX_AUTOMATON_STATES) throw LimitError("automaton states of an intersection or complement", MAX_AUTOMATON_STATES);
        int32_t local = static_cast<int32_t>(tuples_.size());
        int verdict = formula_.evaluate(automata, tuple, false);
        tuples_.push_back(tuple);
        alive_.push_back(verdict == 0 ? 0 : formula_.evaluate(automata, tuple, true) == 1 ? 1 : -1);
        numbers_.push_back(NO_STATE);
        index_.emplace(tuple, local);
        return local;
    }

    int32_t advance(Automata& automata, int32_t local, uint8_t byte) {
        std::vector<int32_t> tuple = tuples_[local];
        for (int32_t& s : tuple)
            if (s != DEAD) s = automata.step(s, byte);
        int32_t to = intern(automata, tuple);
        return alive_[to] == 0 ? DEAD : to;
    }

    int32_t number(Automata& automata, int32_t local) {
        if (numbers_[local] == NO_STATE) {
            const std::vector<int32_t>& tuple = tuples_[local];
            int32_t label = -1;
            if (formula_.evaluate(automata, tuple, true) == 1) {
                label = 0;
                for (size_t i = n_restricting_; i < tuple.size(); ++i)
                    if (tuple[i] != DEAD && automata.label(tuple[i]) >= 0) label |= 1 << (i - n_restricting_);
            }
            numbers_[local] = automata.add_state(id_, local, label);
        }
        return numbers_[local];
    }

    // Breadth-first search for an accepting state; everything visited is settled if there is none, the path if there is.
    bool alive(Automata& automata, int32_t from) {
        if (alive_[from] >= 0) return alive_[from];
        std::vector<int32_t> queue{from}, parent{-1};
        std::unordered_map<int32_t, bool> seen{{from, true}};
        for (size_t head = 0; head < queue.size(); ++head) {
            for (const auto& members : class_members_) {
                uint8_t byte = members[0];
                if (!automata.all_usable) {
                    auto it = std::find_if(members.begin(), members.end(), [&](uint8_t b) { return contains(automata.usable, b); });
                    if (it == members.end()) continue;
                    byte = *it;
                }
                int32_t to = advance(automata, queue[head], byte);
                if (to == DEAD || !seen.emplace(to, true).second) continue;
                if (alive_[to] == 1) {
                    for (int32_t i = static_cast<int32_t>(head); i >= 0; i = parent[i]) alive_[queue[i]] = 1;
                    return true;
                }
                queue.push_back(to);
                parent.push_back(static_cast<int32_t>(head));
            }
        }
        for (int32_t local : queue) alive_[local] = 0;
        return false;
    }
};

}  // namespace tokentrellis
