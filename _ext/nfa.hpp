// Expressions over bytes, and the automaton without determinism that each becomes.
//
// In come the nodes of an expression (expressions.hpp). Out comes, for an expression without intersection and complement, a
// Thompson automaton, built backwards: `build(node, next)` returns the entry of a piece that reads the node and goes on at
// `next`, so tails are shared and every state can reach the end. Bounded repeats are copied; the size is limited.
// Multiples of a number (multiples.hpp) are one piece whose states are added when they are met: such a state reads by
// itself. Thompson, CACM 11(6), 1968.
//
// Of the optional copies of a bounded repeat, an earlier one leaves more rounds than a later one, so a state of it reads
// all that the state in the same place of a later copy reads. In a set of states only the earliest is needed (the
// simplest case of simulation): `without_dominated`. So `(.{1,63}\.)+` has some 130 sets, not one for each
// arrangement of dots in 63 characters.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "multiples.hpp"
#include "trie.hpp"

namespace tokentrellis {

constexpr int32_t NO_STATE = -1;
constexpr size_t MAX_NFA_STATES = 500000;
constexpr int MAX_EXPRESSION_DEPTH = 4000;

// One state: reads a byte of `bytes` and goes to `next` (next >= 0), or is a fork to `targets`, or is the state `local` of the
// piece `piece`, at which it may also fork; state 0 accepts. place, rank: of the states with one place (>= 0), one with a higher rank reads what those with a lower rank read.
struct NfaState {
    int32_t next = NO_STATE;
    int32_t place = -1, rank = 0;
    ByteSet bytes{};
    std::vector<int32_t> targets;
    int32_t piece = NO_STATE, local = 0;
};

class Nfa {
public:
    std::vector<NfaState> states;
    int32_t start;

    // expand(node) must return an explicit automaton for a node that is an intersection or a complement.
    template <class ExpandBoolean>
    Nfa(const std::vector<ExpressionNode>& expressions, int32_t root, ExpandBoolean expand) {
        states.emplace_back();
        start = build(expressions, root, 0, 0, expand);
        number_classes();
    }

    std::array<uint8_t, 256> class_of;               // bytes that no state tells apart share a class
    std::vector<std::vector<uint8_t>> class_members;

    // The byte-reading states (and 0, if accepting) that `state` reaches without reading; computed once.
    const std::vector<int32_t>& closure(int32_t state) {
        if (closures_.size() < states.size()) closures_.resize(states.size());
        auto& found = closures_[state];
        if (!found) {
            found = std::make_unique<std::vector<int32_t>>();
            std::vector<int32_t> stack{state};
            if (seen_.size() < states.size()) seen_.resize(states.size(), 0);
            ++stamp_;
            while (!stack.empty()) {
                int32_t s = stack.back();
                stack.pop_back();
                if (seen_[s] == stamp_) continue;
                seen_[s] = stamp_;
                if (s == 0 || states[s].next != NO_STATE || states[s].piece != NO_STATE) found->push_back(s);
                for (int32_t target : states[s].targets) stack.push_back(target);
            }
            std::sort(found->begin(), found->end());
        }
        return *found;
    }

    // Removes the states that read nothing but what another one of the set reads.
    void without_dominated(std::vector<int32_t>& set) {
        if (n_places_ == 0) return;
        if (best_.size() < static_cast<size_t>(n_places_)) best_.resize(n_places_, -1);
        for (int32_t s : set) {
            const NfaState& state = states[s];
            if (state.place >= 0) best_[state.place] = std::max(best_[state.place], state.rank);
        }
        auto is_dominated = [&](int32_t s) { return states[s].place >= 0 && states[s].rank < best_[states[s].place]; };
        auto end = std::remove_if(set.begin(), set.end(), is_dominated);
        for (auto it = set.begin(); it != end; ++it)
            if (states[*it].place >= 0) best_[states[*it].place] = -1;
        set.erase(end, set.end());
    }

    // Where a reading state goes by a byte, NO_STATE if it does not read it. May add states.
    int32_t read_byte(int32_t state, uint8_t byte) {
        if (states[state].piece == NO_STATE) return state != 0 && contains(states[state].bytes, byte) ? states[state].next : NO_STATE;
        const int32_t piece = states[state].piece, local = pieces_[piece]->machine.step(states[state].local, byte);
        return local == Multiples::NONE ? NO_STATE : place(piece, local);
    }

    bool has_pieces() const { return !pieces_.empty(); }

    // A place in a reading that adds no states: a state and, in a piece, where it stands.
    struct Cursor {
        int32_t state;
        Multiples::State inside;
        bool operator==(const Cursor& other) const { return state == other.state && inside == other.inside; }
    };
    using Cursors = std::vector<Cursor>;

    Cursor cursor(int32_t state) const {
        const NfaState& s = states[state];
        return {state, s.piece == NO_STATE ? Multiples::State{} : pieces_[s.piece]->machine.state(s.local)};
    }
    // Where the cursors go by a byte.
    Cursors after(const Cursors& cursors, uint8_t byte) {
        Cursors reached;
        auto reach = [&](const Cursor& to) {
            if (std::find(reached.begin(), reached.end(), to) == reached.end()) reached.push_back(to);
        };
        auto reach_all = [&](int32_t next) {
            for (int32_t to : closure(next)) reach(cursor(to));
        };
        for (const Cursor& c : cursors) {
            const NfaState& s = states[c.state];
            if (s.piece == NO_STATE) {
                if (c.state != 0 && contains(s.bytes, byte)) reach_all(s.next);
                continue;
            }
            const Piece& piece = *pieces_[s.piece];
            Cursor to{c.state, {}};
            if (!piece.machine.advance(c.inside, byte, to.inside)) continue;
            reach(to);
            if (piece.machine.accepts(to.inside)) reach_all(piece.next);
        }
        return reached;
    }
    static bool accepts(const Cursors& cursors) {
        return std::any_of(cursors.begin(), cursors.end(), [](const Cursor& c) { return c.state == 0; });
    }

    // The first of the shortest texts to the end, where pieces would make a search too long.
    std::string shortest_text(const Cursors& cursors) {
        if (texts_.empty()) find_texts();
        Text best;
        for (const Cursor& c : cursors) improve(best, text_from(c));
        return best.value;
    }

private:
    std::vector<int32_t> best_;  // by place: -1, or the highest rank
    int32_t n_places_ = 0;
    struct Piece {
        Multiples machine;
        int32_t next;
        std::vector<int32_t> places;  // by local state
    };
    std::vector<std::unique_ptr<Piece>> pieces_;
    struct Text {
        bool known = false;
        std::string value;
    };
    std::vector<Text> texts_;  // from the states made at first to the end
    std::vector<std::unique_ptr<std::vector<int32_t>>> closures_;
    std::vector<uint32_t> seen_;
    uint32_t stamp_ = 0;

    int32_t add(NfaState state) {
        if (states.size() >= MAX_NFA_STATES) throw LimitError("positions of one expression", MAX_NFA_STATES);
        states.push_back(std::move(state));
        return static_cast<int32_t>(states.size()) - 1;
    }
    int32_t fork(std::vector<int32_t> targets) {
        NfaState state;
        state.targets = std::move(targets);
        return add(std::move(state));
    }
    int32_t read(const ByteSet& bytes, int32_t next) {
        NfaState state;
        state.bytes = bytes;
        state.next = next;
        return add(std::move(state));
    }

    template <class ExpandBoolean>
    int32_t build(const std::vector<ExpressionNode>& expressions, int32_t index, int32_t next, int depth,
                  ExpandBoolean& expand) {
        if (depth > MAX_EXPRESSION_DEPTH) throw LimitError("nesting of an expression", MAX_EXPRESSION_DEPTH);
        const ExpressionNode& node = expressions[index];
        switch (node.kind) {
            case BYTE_CLASS:
                return read(node.bytes, next);
            case CONCATENATION: {
                for (size_t i = node.children.size(); i-- > 0;) next = build(expressions, node.children[i], next, depth + 1, expand);
                return next;
            }
            case UNION: {
                std::vector<int32_t> targets;
                for (int32_t child : node.children) targets.push_back(build(expressions, child, next, depth + 1, expand));
                return fork(std::move(targets));
            }
            case REPEAT: {
                int32_t child = node.children[0];
                int32_t entry = next, n_before = node.least;
                if (node.most < 0) {  // the last round that must be is the one that may be again
                    const int32_t loop = fork({});
                    const int32_t body = build(expressions, child, loop, depth + 1, expand);
                    states[loop].targets = {body, next};
                    entry = node.least > 0 ? body : loop;
                    n_before = std::max(0, node.least - 1);
                } else {
                    const int32_t begin = static_cast<int32_t>(states.size());
                    for (int32_t i = node.least; i < node.most; ++i)
                        entry = fork({build(expressions, child, entry, depth + 1, expand), next});
                    if (node.most - node.least > 1) rank_copies(begin, node.most - node.least);
                }
                for (int32_t i = 0; i < n_before; ++i) entry = build(expressions, child, entry, depth + 1, expand);
                return entry;
            }
            case AUTOMATON:
                return build_automaton(node, next);
            case MULTIPLES:
                pieces_.push_back(std::make_unique<Piece>(Piece{Multiples(expressions[node.children[0]], node), next, {}}));
                return place(static_cast<int32_t>(pieces_.size()) - 1, 0);
            default: {
                ExpressionNode explicit_automaton = expand(index);
                return build_automaton(explicit_automaton, next);
            }
        }
    }

    // The optional copies of a repeat are alike, and stand one after the other, the last one first. States that stand in
    // an inner repeat have their place there.
    void rank_copies(int32_t begin, int32_t n_copies) {
        const int32_t size = (static_cast<int32_t>(states.size()) - begin) / n_copies;
        for (int32_t offset = 0; offset < size; ++offset) {
            const NfaState& first = states[begin + offset];
            if (first.next == NO_STATE || first.place >= 0) continue;
            for (int32_t copy = 0; copy < n_copies; ++copy) {
                NfaState& state = states[begin + copy * size + offset];
                state.place = n_places_, state.rank = copy;
            }
            ++n_places_;
        }
    }

    int32_t build_automaton(const ExpressionNode& node, int32_t next) {
        std::vector<int32_t> forks(node.n_states);
        for (int32_t& state : forks) state = fork({});
        for (int32_t state : node.accepting) states[forks[state]].targets.push_back(next);
        for (const Transition& t : node.transitions) {
            int32_t reader = read(t.bytes, forks[t.to]);
            states[forks[t.from]].targets.push_back(reader);
        }
        return forks[0];
    }

    int32_t place(int32_t index, int32_t local) {
        Piece& piece = *pieces_[index];
        if (piece.places.size() <= static_cast<size_t>(local)) piece.places.resize(local + 1, NO_STATE);
        if (piece.places[local] == NO_STATE) {
            NfaState state;
            state.piece = index;
            state.local = local;
            if (piece.machine.accepts(piece.machine.state(local))) state.targets.push_back(piece.next);
            piece.places[local] = add(std::move(state));
        }
        return piece.places[local];
    }

    static bool improve(Text& best, const Text& text) {
        const size_t length = text.value.size(), least = best.value.size();
        if (!text.known || (best.known && (length > least || (length == least && text.value >= best.value)))) return false;
        best = text;
        return true;
    }
    Text text_from(const Cursor& c) const {
        const NfaState& s = states[c.state];
        if (s.piece == NO_STATE) return texts_[c.state];
        const Piece& piece = *pieces_[s.piece];
        Text text = texts_[piece.next];
        if (text.known) text.value.insert(0, piece.machine.shortest_text(c.inside));
        return text;
    }
    // By rounds: states are made from the end, so that few are needed.
    void find_texts() {
        texts_.resize(states.size());
        texts_[0].known = true;
        for (bool changed = true; changed;) {
            changed = false;
            for (size_t i = 1; i < texts_.size(); ++i) {
                const NfaState& s = states[i];
                for (int32_t target : s.targets) changed |= improve(texts_[i], texts_[target]);
                if (s.next != NO_STATE && texts_[s.next].known)
                    changed |= improve(texts_[i], {true, std::string(1, static_cast<char>(least_byte(s.bytes))) + texts_[s.next].value});
                if (s.piece != NO_STATE) changed |= improve(texts_[i], text_from(cursor(static_cast<int32_t>(i))));
            }
        }
    }
    static int least_byte(const ByteSet& bytes) {
        int byte = 0;
        while (!contains(bytes, byte)) ++byte;
        return byte;
    }

    void number_classes() {
        class_of.fill(0);
        int n_classes = 1;
        std::map<ByteSet, bool> told_apart;
        for (const NfaState& state : states)
            if (state.next != NO_STATE) told_apart.emplace(state.bytes, true);
        for (uint8_t byte : Multiples::BYTES)
            if (has_pieces()) told_apart.emplace(single_byte(byte), true);
        for (const auto& [bytes, present] : told_apart) {
            if (n_classes == 256) break;
            std::map<std::pair<int, bool>, int> renumber;
            for (int byte = 0; byte < 256; ++byte) {
                auto key = std::make_pair(static_cast<int>(class_of[byte]), contains(bytes, byte));
                auto it = renumber.emplace(key, static_cast<int>(renumber.size())).first;
                class_of[byte] = static_cast<uint8_t>(it->second);
            }
            n_classes = static_cast<int>(renumber.size());
        }
        class_members.assign(n_classes, {});
        for (int byte = 0; byte < 256; ++byte) class_members[class_of[byte]].push_back(static_cast<uint8_t>(byte));
    }
};

}  // namespace tokentrellis
