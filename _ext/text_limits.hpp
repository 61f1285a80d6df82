// What texts are still possible in a JSON string that is not over: with a length within limits, or equal to no excluded literal.
//
// In come the string's automaton state with the characters counted, or with the node of the excluded literals' trie; out comes
// whether some end is left. Universal strings and whatever has room are answered at sight; the rest by tables of lengths
// (lengths.hpp) and by breadth-first search over content and trie, both kept. Half an escape asks for each character that it may
// become.
#pragma once

#include "grammar_states.hpp"
#include "lengths.hpp"

namespace tokentrellis {

class TextLimits {
public:
    explicit TextLimits(Lexicon& lexicon) : lexicon_(lexicon) {}

    // Whether a limited string can still reach a permitted length, `count` characters being begun.
    bool length_possible(const Edge& edge, int32_t state, int32_t count) {
        const StringAutomaton& string = lexicon_.string_of(state);
        if (string.universal) return true;
        if (edge.most < 0 && count >= edge.least) return true;
        const StringPosition& p = lexicon_.position(state);
        if (p.phase == CLOSED || p.phase == PREFIX) return true;
        int64_t least = edge.least - count, most = edge.most < 0 ? -1 : edge.most - count;
        if (p.phase == BODY) return content_length_possible(string, p.inner, least, most);
        // Half an escape: its character is counted; some completion of it has to leave a permitted length.
        const StringPosition half = p;
        return any_completion(half, [&](uint32_t first, uint32_t last) {
            return any_character(lexicon_.automata, half.inner, first, last,
                                 [&](int32_t to) { return content_length_possible(string, to, least, most); });
        });
    }

    LengthTable& lengths_of(const StringAutomaton& string) {
        auto& found = lengths_[string.content];
        if (!found) found = std::make_unique<LengthTable>(lexicon_.automata, string.content);
        return *found;
    }

    // Whether a text that is none of the excluded literals can still be completed.
    bool other_possible(int32_t table, const LiteralTrie& trie, int32_t state, int32_t node) {
        const StringPosition& p = lexicon_.position(state);
        if (p.phase == CLOSED) return trie.nodes[node].literal < 0;
        if (lexicon_.string_of(state).universal) return true;
        if (p.phase == BODY || p.phase == PREFIX)
            return other_text_possible(table, trie, p.phase == BODY ? p.inner : lexicon_.string_of(state).content, node);
        const StringPosition half = p;
        return any_completion(half, [&](uint32_t first, uint32_t last) { return other_character_possible(table, trie, half.inner, node, first, last); });
    }

private:
    Lexicon& lexicon_;
    std::unordered_map<int32_t, std::unique_ptr<LengthTable>> lengths_;
    std::map<std::pair<int32_t, uint64_t>, bool> others_;
    std::unordered_map<uint64_t, int32_t> lengthened_;  // (content state, characters) -> distance to the end from there

    bool content_length_possible(const StringAutomaton& string, int32_t content, int64_t least, int64_t most) {
        if (least <= 0 && (most < 0 || lexicon_.distance(content) <= most)) return true;
        if (least > 0 && can_lengthen(content, least, most)) return true;
        return lengths_of(string).reachable(content, least, most);
    }

    // A quick try at reaching a least length: go on by any character, and see whether the end is still near enough.
    // False means only that the first try failed.
    bool can_lengthen(int32_t content, int64_t least, int64_t most) {
        constexpr int64_t farthest = 64;
        if (least > farthest) return false;
        uint64_t key = pair_key(content, static_cast<int32_t>(least));
        auto found = lengthened_.find(key);
        if (found == lengthened_.end()) {
            int32_t state = content;
            Automata& automata = lexicon_.automata;
            for (int64_t begun = 0; state != DEAD && begun < least; ++begun) {
                int32_t after = DEAD;  // prefer to stay where everything goes on for ever
                for (int byte = 0x20; byte < 0x7F && after != state; ++byte) {
                    int32_t to = automata.step(state, static_cast<uint8_t>(byte));
                    if (to != DEAD) after = to;
                }
                state = after;
            }
            found = lengthened_.emplace(key, state == DEAD ? UNREACHABLE : lexicon_.distance(state)).first;
        }
        return found->second != UNREACHABLE && (most < 0 || least + found->second <= most);
    }
    bool other_text_possible(int32_t table, const LiteralTrie& trie, int32_t content, int32_t node) {
        auto key = std::make_pair(table, pair_key(content, node));
        auto found = others_.find(key);
        if (found != others_.end()) return found->second;
        bool possible = search_other(trie, content, node);
        others_[key] = possible;
        return possible;
    }

    // Half an escape that stands for a character of [first, last]: one that leaves the trie, or one after which a text
    // that is no literal remains.
    bool other_character_possible(int32_t table, const LiteralTrie& trie, int32_t content, int32_t node, uint32_t first, uint32_t last) {
        std::vector<std::pair<uint32_t, int32_t>> on_trie;
        trie.any_character(node, first, last, [&](uint32_t character, int32_t below) {
            on_trie.push_back({character, below});
            return false;
        });
        std::sort(on_trie.begin(), on_trie.end());
        auto any = [](int32_t) { return true; };
        for (auto [character, below] : on_trie) {
            if (first < character && any_character(lexicon_.automata, content, first, character - 1, any)) return true;
            if (any_character(lexicon_.automata, content, character, character, [&](int32_t to) { return other_text_possible(table, trie, to, below); }))
                return true;
            first = character + 1;
        }
        return first <= last && any_character(lexicon_.automata, content, first, last, any);
    }

    // Breadth-first over (content state, trie node): is there a text off the trie, or on it but no literal?
    bool search_other(const LiteralTrie& trie, int32_t content, int32_t node) {
        std::vector<std::pair<int32_t, int32_t>> queue{{content, node}};
        std::set<std::pair<int32_t, int32_t>> seen(queue.begin(), queue.end());
        for (size_t head = 0; head < queue.size(); ++head) {
            auto [state, at] = queue[head];
            if (lexicon_.automata.label(state) >= 0 && trie.nodes[at].literal < 0) return true;
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = lexicon_.automata.step(state, static_cast<uint8_t>(byte));
                if (to == DEAD) continue;
                int32_t below = trie.child(at, static_cast<uint8_t>(byte));
                if (below == NO_NODE) return true;
                if (seen.emplace(to, below).second) queue.push_back({to, below});
            }
        }
        return false;
    }
};

}  // namespace tokentrellis
