// The vocabulary's nodes level by level, for walks that reach most of them.
//
// A depth-first walk waits at every node for the state of the node before, and guesses wrong at every second branch: 15 ns
// a node. Level by level the states of a whole level are independent look-ups, without branches: about 2 ns a node, dead
// nodes included. So a walk that is alive in a good part of the vocabulary goes this way (Llama-3: 274,000 nodes, 4.2 ms
// become 0.8 ms), a narrow one depth first.
#pragma once

#include "bits.hpp"
#include "splits.hpp"
#include "trie.hpp"

namespace tokentrellis {

struct Levels {
    std::vector<int32_t> parents;  // by place: the place of the parent; place 0 is the root
    std::vector<uint8_t> bytes;
    std::vector<int32_t> nodes;    // by place: the node in depth-first order
    std::vector<int32_t> places;   // by node
    std::vector<int32_t> ends_at;  // by token: the place where it ends, 0 for tokens without text
    std::vector<int32_t> quotes;   // nodes with a quote: where JSON strings may end
    std::vector<int32_t> by_size;  // the children of the root, the largest first

    Levels(const Trie& trie, int32_t vocab_size) : places(trie.size(), 0), ends_at(vocab_size, 0) {
        std::vector<int32_t> starts(trie.max_depth + 2, 0);
        for (int32_t node = 0; node < trie.size(); ++node) ++starts[trie.nodes[node].depth + 1];
        for (size_t depth = 1; depth < starts.size(); ++depth) starts[depth] += starts[depth - 1];
        parents.resize(trie.size());
        bytes.resize(trie.size());
        nodes.resize(trie.size());
        std::vector<int32_t> path(trie.max_depth + 1, 0);
        for (int32_t node = 0; node < trie.size(); ++node) {
            const TrieNode& entry = trie.nodes[node];
            const int32_t place = places[node] = starts[entry.depth]++;
            path[entry.depth] = place;
            parents[place] = entry.depth > 0 ? path[entry.depth - 1] : 0;
            bytes[place] = entry.byte;
            nodes[place] = node;
            if (entry.depth > 0 && entry.byte == '"') quotes.push_back(node);
            if (entry.depth == 1) by_size.push_back(node);
            for (const int32_t *id = trie.begin_ids(node), *last = trie.end_ids(node); id != last; ++id) ends_at[*id] = place;
        }
        std::sort(by_size.begin(), by_size.end(), [&](int32_t a, int32_t b) { return trie.nodes[a].end - a > trie.nodes[b].end - b; });
    }

    // Calls visit(node, place), in the order of the nodes, where the state has one of these marks.
    template <class Visit>
    void visit_marked(const Automata& automata, int32_t start, const std::vector<int32_t>& states, uint8_t wanted, Visit visit) const {
        const uint8_t* const marks = automata.marks();
        if (automata.automata[automata.info[start].automaton]->is_string()) {
            for (int32_t node : quotes)
                if (marks[states[places[node]]] & wanted) visit(node, places[node]);
            return;
        }
        std::vector<uint64_t> marked(nodes.size() / 64 + 1, 0);
        for (size_t place = 1; place < nodes.size(); ++place)
            if (marks[states[place]] & wanted) marked[nodes[place] >> 6] |= 1ull << (nodes[place] & 63);
        for (size_t word = 0; word < marked.size(); ++word)
            for (uint64_t bits = marked[word]; bits; bits &= bits - 1) {
                const int32_t node = static_cast<int32_t>(word * 64 + count_trailing_zeros(bits));
                visit(node, places[node]);
            }
    }

    int32_t size() const { return static_cast<int32_t>(parents.size()); }
    int32_t parent_of(int32_t node) const { return nodes[parents[places[node]]]; }

    // The state in which `start` reads up to each place; DEAD where it cannot.
    void run(Automata& automata, int32_t start, std::vector<int32_t>& states) const {
        states.resize(parents.size());
        states[0] = start;
        const int32_t* table = automata.rows();
        const int32_t* parent = parents.data();
        const uint8_t* byte = bytes.data();
        int32_t* out = states.data();
        for (int32_t place = 1, n = size(); place < n; ++place) {
            const int32_t before = out[parent[place]];
            int32_t state = table[static_cast<ptrdiff_t>(before) * 256 + byte[place]];
            if (state == UNKNOWN) {
                state = automata.step(before, byte[place]);
                table = automata.rows();
            }
            out[place] = state;
        }
    }

    // Whether a good part of the vocabulary can be alive from a state, judged by the first two bytes: then a walk by level
    // is faster.
    bool is_broad(Automata& automata, const Trie& source, int32_t start) const {
        const int64_t enough = source.size() / 4;
        int64_t alive = 0, left = source.size();
        for (int32_t child : by_size) {
            left -= source.nodes[child].end - child;
            const int32_t state = automata.step(start, source.nodes[child].byte);
            if (state != DEAD)
                for (int32_t below = child + 1; below < source.nodes[child].end && alive <= enough; below = source.nodes[below].end)
                    if (automata.step(state, source.nodes[below].byte) != DEAD) alive += source.nodes[below].end - below;
            if (alive > enough) return true;
            if (alive + left <= enough) return false;
        }
        return false;
    }

    // The states in which tokens end, where `reached` is what `run` found (DEAD at the root).
    std::vector<int32_t> states_at_tokens(const std::vector<int32_t>& reached, size_t n_states) const {
        std::vector<uint8_t> is_end(n_states + 1, 0);
        for (const int32_t place : ends_at) is_end[reached[place] + 1] = 1;
        std::vector<int32_t> found;
        for (size_t state = 1; state < is_end.size(); ++state)
            if (is_end[state]) found.push_back(static_cast<int32_t>(state) - 1);
        return found;
    }

    // Counted splits of the whole vocabulary, level by level: places hold the number of characters beside the state.
    std::unique_ptr<CountedSplit> count(Automata& automata, int32_t start, const Trie& source, std::vector<int32_t>& reached) const {
        run(automata, start, reached);
        std::vector<uint16_t> characters_at(reached.size(), 0);
        const uint8_t* const marks = automata.marks();
        for (size_t place = 1; place < reached.size(); ++place) {
            const int32_t parent = parents[place];
            const uint8_t byte = bytes[place];
            const bool begins = (marks[reached[parent]] & Automata::READS_TEXT) && byte != '"' && (byte & 0xC0) != 0x80;
            characters_at[place] = static_cast<uint16_t>(characters_at[parent] + begins);
        }
        reached[0] = DEAD;  // tokens without text stand at the root
        auto split = std::make_unique<CountedSplit>();
        const int32_t columns = source.max_depth + 1;
        std::vector<int32_t> first_group(automata.info.size(), -1), group_of;  // by state; by that and the number of characters
        std::vector<int32_t> groups(reached.size()), sizes;         // by place; by group
        for (size_t place = 0; place < reached.size(); ++place) {
            const int32_t state = reached[place];
            groups[place] = 0;
            if (state < 0) continue;
            if (first_group[state] < 0) {
                first_group[state] = static_cast<int32_t>(group_of.size());
                group_of.resize(group_of.size() + columns, 0);
            }
            int32_t& group = group_of[first_group[state] + characters_at[place]];
            if (group == 0) {
                split->inner.push_back({characters_at[place], state, {}});
                group = static_cast<int32_t>(split->inner.size());
            }
            groups[place] = group;
        }
        sizes.assign(split->inner.size() + 1, 0);
        for (const int32_t place : ends_at) ++sizes[groups[place]];
        for (size_t at = 0; at < split->inner.size(); ++at) split->inner[at].ids.reserve(sizes[at + 1]);
        for (int32_t id = 0; id < static_cast<int32_t>(ends_at.size()); ++id)
            if (int32_t group = groups[ends_at[id]]) split->inner[group - 1].ids.push_back(id);
        split->inner.erase(std::remove_if(split->inner.begin(), split->inner.end(), [](const auto& group) { return group.ids.empty(); }),
                           split->inner.end());
        std::sort(split->inner.begin(), split->inner.end(), [](const CountedSplit::Inner& a, const CountedSplit::Inner& b) {
            return a.characters != b.characters ? a.characters < b.characters : a.state < b.state;
        });
        if (!split->inner.empty()) split->most_characters = split->inner.back().characters;
        visit_marked(automata, start, reached, Automata::EXHAUSTED, [&](int32_t node, int32_t place) {
            const int32_t characters = characters_at[place];
            if (source.has_children(node)) split->leaving.push_back({characters, node});
            split->most_characters = std::max(split->most_characters, characters);
        });
        return split;
    }
};

}  // namespace tokentrellis
