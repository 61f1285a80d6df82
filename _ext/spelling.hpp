// The fewest tokens that spell a text, and those that end a terminal.
//
// In comes a state of an automaton, out come the canonical text that ends it, its *witness*, which is shortest in bytes, and how
// many tokens spell that; and, for terminals that take so many tokens at most (token_limits.hpp), the fewest tokens that end it,
// whatever they spell. Cost: the former a look at 256 bytes for each of the text; the latter visits the states that tokens lead to,
// MOST_SEARCHED of them. Both are remembered.
#pragma once

#include <string>
#include <unordered_set>

#include "lexicon.hpp"

namespace tokentrellis {

constexpr int64_t IMPOSSIBLE = 1ll << 40;  // the vocabulary cannot spell it
constexpr int64_t UNPROMISED = 1ll << 39;  // it can, and no bound is known that can always be met
constexpr size_t MOST_SEARCHED = 100;      // states of a terminal, for the fewest tokens that end it

// Stands for "no text", where the vocabulary lacks bytes or a search gave up; whatever contains it costs IMPOSSIBLE.
constexpr char UNSPELLABLE[] = "\xFF\xFE\xFF(no text)";

class Spelling {
public:
    explicit Spelling(Lexicon& lexicon) : spelled_(lexicon) {}

    // The fewest tokens that spell a text.
    int64_t spell(const std::string& text) const {
        if (text.find(UNSPELLABLE) != std::string::npos) return IMPOSSIBLE;
        const Trie& trie = *spelled_.tries[0];
        std::vector<int64_t> best(text.size() + 1, IMPOSSIBLE);  // by place: tokens for what comes from there on
        best[text.size()] = 0;
        for (size_t from = text.size(); from-- > 0;) {
            int32_t node = 0;
            for (size_t i = from; i < text.size(); ++i) {
                int32_t child = trie.child(node, static_cast<uint8_t>(text[i]));
                if (child == 0) break;
                node = child;
                if (trie.begin_ids(node) != trie.end_ids(node)) best[from] = std::min(best[from], 1 + best[i + 1]);
            }
        }
        return std::min(best[0], IMPOSSIBLE);
    }

    // Tokens that spell the witness of a state.
    int64_t plain(int32_t state) {
        auto found = plain_.find(state);
        if (found != plain_.end()) return found->second;
        int64_t tokens = spell(witness(state));
        plain_.emplace(state, tokens);
        return tokens;
    }

    // The canonical shortest text to acceptance: in each state the least byte that comes nearer.
    std::string witness(int32_t state) {
        Nfa::Cursors cursors;
        if (Nfa* nfa = spelled_.automata.unwritten(state, cursors)) return nfa->shortest_text(cursors);
        if (spelled_.distance(state) >= UNREACHABLE) return UNSPELLABLE;
        std::string text;
        for (int32_t left = spelled_.distance(state); left > 0 && left < UNREACHABLE; --left) {
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = spelled_.automata.step(state, static_cast<uint8_t>(byte));
                if (to == DEAD || spelled_.distance(to) != left - 1) continue;
                text.push_back(static_cast<char>(byte));
                state = to;
                break;
            }
        }
        return text;
    }

    // The fewest tokens of its own that end a terminal which takes so many at most: breadth first, from state to state by tokens.
    // Where that would take long, those of the witness. The states on the way are known then too, so that there is progress.
    int64_t fewest(int32_t state) {
        const int64_t bound = plain(state);
        if (bound <= 1) return bound;
        auto known = fewest_.find(state);
        if (known != fewest_.end()) return known->second;
        struct Step {
            int32_t state, before;
            int64_t n_tokens;
        };
        std::vector<Step> steps{{state, -1, 0}};
        std::unordered_set<int32_t> seen{state};
        for (size_t head = 0; head < steps.size() && head < MOST_SEARCHED && steps[head].n_tokens + 1 < bound; ++head) {
            const std::vector<int32_t> ends = spelled_.ends({}, steps[head].state);
            for (int32_t end : ends) {
                if (plain(end) == 0) {
                    int64_t left = 1;
                    for (int32_t at = static_cast<int32_t>(head); at >= 0; at = steps[at].before) fewest_[steps[at].state] = left++;
                    return fewest_[state];
                }
                if (seen.insert(end).second) steps.push_back({end, static_cast<int32_t>(head), steps[head].n_tokens + 1});
            }
        }
        return fewest_[state] = bound;
    }
    // Tokens that end such a terminal after any token that stays in it: the most of them.
    int64_t most_to_end(int32_t state) {
        auto found = most_to_end_.find(state);
        if (found == most_to_end_.end()) {
            int64_t most = 0;
            for (int32_t end : spelled_.ends({}, state)) most = std::max(most, fewest(end));
            found = most_to_end_.emplace(state, most).first;
        }
        return found->second;
    }

    // The text of the tokens that `fewest` counts.
    std::string fewest_text(int32_t state) {
        std::string text;
        while (fewest(state) < plain(state)) {
            const std::vector<int32_t> ends = spelled_.ends({}, state);
            const auto end = std::find_if(ends.begin(), ends.end(), [&](int32_t at) { return fewest(at) == fewest(state) - 1; });
            const Trie& trie = *spelled_.tries[0];
            std::vector<int32_t> path{state};  // by depth
            std::string token;
            for (int32_t node = 1; path.back() != *end || trie.begin_ids(node - 1) == trie.end_ids(node - 1);) {
                const TrieNode& entry = trie.nodes[node];
                path.resize(entry.depth), token.resize(entry.depth - 1);
                const int32_t to = spelled_.automata.step(path.back(), entry.byte);
                path.push_back(to == DEAD ? state : to), token.push_back(static_cast<char>(entry.byte));
                node = to == DEAD ? entry.end : node + 1;
            }
            text += token, state = *end;
        }
        return text + witness(state);
    }

private:
    Lexicon& spelled_;
    std::unordered_map<int32_t, int64_t> plain_, fewest_, most_to_end_;  // automaton state -> tokens
};

}  // namespace tokentrellis
