// A grammar as one finite automaton over tokens: all its states, and where each token leads from each.
//
// In come the states of a grammar (states.hpp) and limits, out comes a table: by state and *class* of tokens the next
// state. Tokens that lead to the same states from everywhere share a class. The states are visited breadth first, each by
// one walk of the vocabulary's trie over its bytes; steps of bytes are kept, so that the walk is a look-up for each node.
// Classes are refined state by state (Hopcroft 1971 without his choice of the smaller half: only the tokens that a state
// allows are touched), and the table is filled at the end by a representative of each. Half escapes that act alike are one
// state (escapes.hpp).
//
// Not every grammar ends here. `advance` says why not: more states or bytes than the limits; rules that nest without bound
// (found early: a stack holds more returns to a state than there are calls that return to it, so some call stands on it
// twice, and what led from one to the other can be read again and again); keys or items that must not
// repeat, which no finite automaton can know. With `most_tokens`, a token is followed only if the document can still be
// finished in time after it: whoever has that many tokens goes nowhere else, so nesting ends where the budget does.
// Cost: 1 to 4 ms for a state that allows all of 128,000 tokens, microseconds for one that allows few; 1.1 KB for each state
// met between bytes, 4 bytes for each entry of the table.
#pragma once

#include "escapes.hpp"
#include "session.hpp"

namespace tokentrellis {

class TokenExport {
public:
    enum Status { GOES_ON, COMPLETE, TOO_MANY_STATES, TOO_MANY_BYTES, NESTED_WITHOUT_BOUND, REPEATING_KEYS, REPEATING_ITEMS };
    static constexpr int32_t FINISHED = 0;           // the state after EOS; the start is the next one
    static constexpr int64_t UNBOUNDED = 1ll << 30;  // the cost where no end is known
    static constexpr int64_t BYTES_OF_A_PLACE = 256 * sizeof(int32_t) + 128;

    // most_tokens < 0: documents of any length.
    TokenExport(Session& session, int64_t most_states, int64_t most_bytes, int64_t most_tokens)
        : session_(session), network_(session.network), states_(session.states), escapes_(session.network), most_states_(most_states),
          most_bytes_(most_bytes), most_tokens_(most_tokens) {}

    // Visit one state, or prepare the first one.
    Status advance() {
        Guard guard(session_.lexicon.mutex, true);
        if (status_ != GOES_ON) return status_;
        try {
            if (nodes_.empty()) begin();
            else if (next_node_ == nodes_.size()) status_ = COMPLETE;
            else visit(static_cast<int32_t>(next_node_++));
            if (static_cast<int64_t>(nodes_.size()) > most_states_) status_ = TOO_MANY_STATES;
            else if (n_bytes() > most_bytes_) status_ = TOO_MANY_BYTES;
        } catch (const Refusal& refusal) {
            status_ = refusal.status;
        }
        return status_;
    }

    int64_t n_states() const { return static_cast<int64_t>(nodes_.size()); }
    int64_t n_classes() const { return static_cast<int64_t>(sizes_.size()); }
    int64_t n_bytes() const { return static_cast<int64_t>(places_.size()) * BYTES_OF_A_PLACE + n_states() * n_classes() * 4 + session_.lexicon.vocab_size * 8ll; }

    // A shortest text that leads to the last place met: where an export was given up.
    std::string last_text() const {
        std::string text;
        for (int32_t place = static_cast<int32_t>(places_.size()) - 1; place > 0 && places_[place].before >= 0; place = places_[place].before) text += static_cast<char>(places_[place].byte);
        std::reverse(text.begin(), text.end());
        return text;
    }

    // token_classes: [vocab_size]; transitions: [n_states * n_classes]; costs, accepting: [n_states]. Once it is complete.
    void write(int32_t* token_classes, int32_t* transitions, int32_t* costs, uint8_t* accepting) {
        Guard guard(session_.lexicon.mutex, true);
        std::copy(classes_.begin(), classes_.end(), token_classes);
        std::vector<int32_t> representatives(sizes_.size(), -1);
        for (int32_t token = static_cast<int32_t>(classes_.size()) - 1; token >= 0; --token) representatives[classes_[token]] = token;
        for (int32_t node = 0; node < static_cast<int32_t>(nodes_.size()); ++node) {
            costs[node] = static_cast<int32_t>(std::min(nodes_[node].cost, UNBOUNDED));
            accepting[node] = nodes_[node].accepting;
            for (int32_t token : representatives) *transitions++ = next_of(node, token);
        }
    }

private:
    static constexpr int32_t NOWHERE = -1;

    struct Refusal {
        Status status;
    };
    // A state between two bytes.
    struct Place {
        int32_t state;        // its number in States
        int32_t node;         // its number in the export, where a token ends there
        int32_t before;       // from which it was met, and by which byte
        uint8_t byte;
        bool is_dead_end;     // the vocabulary cannot write an end
    };
    struct Node {
        int32_t place;
        int32_t depth;  // the fewest tokens that lead here
        int64_t cost;
        bool accepting;
        std::vector<std::pair<int32_t, int32_t>> specials;  // (token id, node)
    };

    Session& session_;
    Network& network_;
    States& states_;
    Escapes escapes_;
    const int64_t most_states_, most_bytes_, most_tokens_;
    Status status_ = GOES_ON;

    std::vector<Place> places_;
    std::vector<int32_t> steps_;  // by place and byte: the next place, DEAD, UNKNOWN
    FlatMap place_of_;            // by number in States
    std::vector<Node> nodes_;
    size_t next_node_ = FINISHED + 1;
    Configurations following_;

    std::vector<int32_t> classes_;  // by token
    std::vector<int32_t> sizes_;    // by class: its tokens
    std::vector<std::pair<int32_t, int32_t>> allowed_;  // of one state: (token, node)

    std::unordered_map<int32_t, int32_t> n_calls_;  // by grammar state: the calls that return to it
    size_t n_edges_counted_ = 0;
    std::unordered_map<int32_t, char> bounded_;  // continuations that were examined

    void begin() {
        classes_.assign(session_.lexicon.vocab_size, 0);
        sizes_.assign(1, session_.lexicon.vocab_size);
        nodes_.push_back({NOWHERE, 0, 0, false, {}});
        for (int32_t id : session_.end_ids) allowed_.push_back({id, FINISHED});
        refine();
        const int32_t start = place_at(states_.start(), NOWHERE, 0);
        node_at(start, 0);
    }

    // ---- places --------------------------------------------------------------------------------------------------
    int32_t step(int32_t place, uint8_t byte) {
        const size_t at = static_cast<size_t>(place) << 8 | byte;
        if (steps_[at] == UNKNOWN) {
            const int32_t to = first_step(place, byte);
            steps_[at] = to;
        }
        return steps_[at];
    }

    int32_t first_step(int32_t place, uint8_t byte) {
        network_.step(states_.configurations(places_[place].state), byte, following_);
        if (following_.empty()) return DEAD;
        for (Configuration& c : following_) c = escapes_.representative(c);
        std::sort(following_.begin(), following_.end());
        following_.erase(std::unique(following_.begin(), following_.end()), following_.end());
        return place_at(states_.intern(following_), place, byte);
    }

    int32_t place_at(int32_t state, int32_t before, uint8_t byte) {
        const int32_t known = place_of_.find(state);
        if (known != FlatMap::MISSING) return known;
        const int32_t made = static_cast<int32_t>(places_.size());
        places_.push_back({state, NOWHERE, before, byte, !states_.can_end(state)});
        steps_.resize(steps_.size() + 256, UNKNOWN);
        place_of_.insert(state, made);
        if (n_bytes() > most_bytes_) throw Refusal{TOO_MANY_BYTES};
        for (const Configuration& c : states_.configurations(state)) examine(c);
        return made;
    }

    int32_t node_at(int32_t place, int32_t depth) {
        int32_t& node = places_[place].node;
        if (node == NOWHERE) {
            node = static_cast<int32_t>(nodes_.size());
            const int32_t state = places_[place].state;
            nodes_.push_back({place, depth, std::min(UNBOUNDED, states_.cost(state)), states_.accepting(state), {}});
        }
        return node;
    }

    // ---- what no finite automaton can follow -----------------------------------------------------------------------
    void examine(const Configuration& c) {
        const Edge* edge = c.state == AT_CONTINUATION ? nullptr : network_.edge_at(c);
        if (network_.distinct_keys && edge != nullptr && edge->kind == OTHERS_EDGE) throw Refusal{REPEATING_KEYS};
        if (c.link == BOTTOM || network_.members_of(c.link)) return;
        if (network_.distinct_items && c.state == AT_CONTINUATION) {
            const GrammarState& here = network_.expand(network_.at(c.link).target);
            if (here.items != ANY_ITEM || here.recalls) throw Refusal{REPEATING_ITEMS};
        }
        if (most_tokens_ < 0) examine_stack(network_.at(c.link).parent);
    }

    // What lies below the top of a stack was put there by calls.
    void examine_stack(int32_t continuation) {
        if (!bounded_.emplace(continuation, true).second) return;
        for (; n_edges_counted_ < network_.n_edges(); ++n_edges_counted_) {
            const Edge& edge = network_.edge(static_cast<int32_t>(n_edges_counted_));
            if (edge.kind != CALL_EDGE) continue;
            ++n_calls_[edge.next];
        }
        std::unordered_map<int32_t, int32_t> n_returns;
        for (; continuation != BOTTOM; continuation = network_.at(continuation).parent) {
            const int32_t target = network_.at(continuation).target;
            const auto calls = n_calls_.find(target);
            if (++n_returns[target] > (calls == n_calls_.end() ? 1 : calls->second)) throw Refusal{NESTED_WITHOUT_BOUND};
        }
    }

    // ---- visits --------------------------------------------------------------------------------------------------
    void visit(int32_t node) {
        allowed_.clear();
        find_specials(node);
        const Trie& trie = *session_.lexicon.tries[0];
        std::vector<int32_t> path(trie.max_depth + 1);
        path[0] = nodes_[node].place;
        for (int32_t at = 1, end = trie.size(); at < end;) {
            const TrieNode& entry = trie.nodes[at];
            const int32_t place = step(path[entry.depth - 1], entry.byte);
            if (place == DEAD) {
                at = entry.end;
                continue;
            }
            path[entry.depth] = place;
            const int32_t *id = trie.begin_ids(at), *last = trie.end_ids(at);
            if (id != last && may_follow(node, place)) {
                const int32_t to = node_at(place, nodes_[node].depth + 1);
                for (; id != last; ++id) allowed_.push_back({*id, to});
            }
            ++at;
        }
        if (nodes_[node].accepting)
            for (int32_t id : session_.end_ids)
                if (next_of(node, id) == FINISHED) allowed_.push_back({id, FINISHED});
        refine();
    }

    // Whether a token may end in this place: the document can be finished from there, and in time.
    bool may_follow(int32_t node, int32_t place) {
        if (places_[place].is_dead_end) return false;
        return most_tokens_ < 0 || 1 + states_.cost(places_[place].state) <= most_tokens_ - nodes_[node].depth;
    }

    void find_specials(int32_t node) {
        const int32_t state = places_[nodes_[node].place].state;
        std::set<int32_t> ids;
        for (const Configuration& c : states_.configurations(state))
            if (c.state == AT_CONTINUATION)
                for (auto [id, continuation] : network_.closure(c.link).special_tokens) ids.insert(id);
        for (int32_t id : ids) {
            const int32_t to = states_.accept(state, id);
            if (to == REJECTED || id >= session_.lexicon.vocab_size) continue;
            const int32_t place = place_at(to, NOWHERE, 0);
            if (!may_follow(node, place)) continue;
            const int32_t after = node_at(place, nodes_[node].depth + 1);
            nodes_[node].specials.push_back({id, after});
            allowed_.push_back({id, after});
        }
    }

    // Where a token leads from a state that has been visited.
    int32_t next_of(int32_t node, int32_t token) {
        const Node& from = nodes_[node];
        const bool is_end = std::find(session_.end_ids.begin(), session_.end_ids.end(), token) != session_.end_ids.end();
        if (node == FINISHED) return is_end ? FINISHED : NOWHERE;
        const auto [byte, last] = states_.text_of(token);
        int32_t to = NOWHERE;
        if (byte == last) {
            for (auto [id, after] : from.specials)
                if (id == token) to = after;
        } else {
            int32_t place = from.place;
            for (const uint8_t* at = byte; at != last && place != DEAD; ++at) place = step(place, *at);
            if (place != DEAD && may_follow(node, place)) to = places_[place].node;
        }
        return to == NOWHERE && is_end && from.accepting ? FINISHED : to;
    }

    // Part the classes whose tokens go different ways from the state that was visited.
    void refine() {
        struct Group {
            int32_t from, size, to;  // a class, its tokens that go one way, the class that these become
        };
        std::vector<Group> groups;
        FlatMap index;
        std::vector<int32_t> group_of(allowed_.size());
        uint64_t last_key = UINT64_MAX;
        int32_t last_group = 0;
        for (size_t i = 0; i < allowed_.size(); ++i) {
            const int32_t from = classes_[allowed_[i].first];
            const uint64_t key = pair_key(from, allowed_[i].second);
            if (key != last_key) {
                last_key = key;
                last_group = index.find(key);
                if (last_group == FlatMap::MISSING) {
                    last_group = static_cast<int32_t>(groups.size());
                    index.insert(key, last_group);
                    groups.push_back({from, 0, 0});
                }
            }
            ++groups[last_group].size;
            group_of[i] = last_group;
        }
        std::unordered_map<int32_t, int32_t> left;  // by class: tokens that go nowhere
        for (const Group& group : groups) left.emplace(group.from, sizes_[group.from]).first->second -= group.size;
        for (Group& group : groups) {
            int32_t& rest = left[group.from];
            if (rest == 0) {  // the class keeps its name for one of its parts
                group.to = group.from;
                sizes_[group.to] = group.size;
                rest = -1;
                continue;
            }
            group.to = static_cast<int32_t>(sizes_.size());
            sizes_.push_back(group.size);
            if (rest > 0) sizes_[group.from] -= group.size;
        }
        for (size_t i = 0; i < allowed_.size(); ++i) classes_[allowed_[i].first] = groups[group_of[i]].to;
    }
};

}  // namespace tokentrellis
