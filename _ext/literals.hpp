// Literal tables (keys, enum values) as tries over decoded UTF-8 bytes, and how a JSON string steps through one.
//
// Literals are sorted, so the literals below a node are an index range, and which of them are legal is a bit set that
// belongs to the edge: one trie serves every state of an object. The trie runs beside the automaton of "any JSON string",
// which tracks quotes and escapes; no automaton is ever made for a literal.
#pragma once

#include <string>

#include "lexicon.hpp"

namespace tokentrellis {

constexpr int32_t NO_NODE = -1;

struct LiteralNode {
    int32_t child = NO_NODE, sibling = NO_NODE;
    int32_t first, last;      // the literals below are first .. last - 1
    int32_t literal = -1;     // the literal that ends here
    uint8_t byte = 0;
    int32_t shortest = -1;    // of the literals below, the first of those with the fewest bytes
};

class LiteralTrie {
public:
    std::vector<LiteralNode> nodes;
    std::vector<std::string> literals;

    // The literals must be sorted by bytes and distinct.
    explicit LiteralTrie(std::vector<std::string> sorted) : literals(std::move(sorted)) {
        size_t most_nodes = 1, longest = 0;
        for (const std::string& text : literals) most_nodes += text.size(), longest = std::max(longest, text.size());
        nodes.reserve(most_nodes);
        nodes.push_back({NO_NODE, NO_NODE, 0, static_cast<int32_t>(literals.size()), -1, 0});
        std::vector<int32_t> path{0}, youngest(longest + 2, NO_NODE);  // of the last literal: its nodes, and the last child of each
        path.reserve(longest + 1);
        const std::string* previous = nullptr;
        for (int32_t index = 0; index < static_cast<int32_t>(literals.size()); ++index) {
            const std::string& text = literals[index];
            size_t shared = 0;
            while (previous && shared < previous->size() && shared < text.size() && text[shared] == (*previous)[shared]) ++shared;
            path.resize(shared + 1);
            for (size_t i = shared; i < text.size(); ++i) {
                int32_t made = static_cast<int32_t>(nodes.size());
                nodes.push_back({NO_NODE, NO_NODE, index, index, -1, static_cast<uint8_t>(text[i])});
                (youngest[i] == NO_NODE ? nodes[path.back()].child : nodes[youngest[i]].sibling) = made;
                youngest[i] = made, youngest[i + 1] = NO_NODE;
                path.push_back(made);
            }
            for (int32_t node : path) nodes[node].last = index + 1;
            nodes[path.back()].literal = index;
            previous = &text;
        }
        nodes[0].last = static_cast<int32_t>(literals.size());
        for (size_t node = nodes.size(); node-- > 0;) nodes[node].shortest = shortest_below(nodes[node]);
    }

    int32_t child(int32_t node, uint8_t byte) const {
        for (int32_t c = nodes[node].child; c != NO_NODE; c = nodes[c].sibling)
            if (nodes[c].byte == byte) return c;
        return NO_NODE;
    }

    // The bytes that lead to a node.
    size_t depth(int32_t node) const {
        const std::string& text = literals[nodes[node].first];  // the first child leads to it
        size_t n_ahead = 0;
        for (; nodes[node].literal < 0; node = nodes[node].child) ++n_ahead;
        return text.size() - n_ahead;
    }

    int32_t walk(int32_t node, uint32_t character) const {
        uint8_t bytes[4];
        int length = encode_utf8(character, bytes);
        for (int i = 0; i < length && node != NO_NODE; ++i) node = child(node, bytes[i]);
        return node;
    }

    // Whether `accept(character, node)` holds for some character of [first, last] and the node that it leads to.
    template <class Accept>
    bool any_character(int32_t node, uint32_t first, uint32_t last, Accept accept) const {
        return any_character(node, first, last, 0, 0, accept);
    }

private:
    // Children come after their parents, and are known.
    int32_t shortest_below(const LiteralNode& node) const {
        int32_t best = node.literal;
        for (int32_t c = node.child; node.literal < 0 && c != NO_NODE; c = nodes[c].sibling)
            if (best < 0 || literals[nodes[c].shortest].size() < literals[best].size()) best = nodes[c].shortest;
        return best;
    }

    template <class Accept>
    bool any_character(int32_t node, uint32_t first, uint32_t last, uint32_t bits, int remaining, Accept accept) const {
        for (int32_t c = nodes[node].child; c != NO_NODE; c = nodes[c].sibling) {
            uint8_t byte = nodes[c].byte;
            uint32_t value = bits << 6 | (byte & 0x3F);
            int left = remaining - 1;
            if (remaining == 0) {
                left = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
                value = left == 0 ? byte : byte & (0x3F >> left);
            }
            if (left == 0 ? value >= first && value <= last && accept(value, c) : any_character(c, first, last, value, left, accept)) return true;
        }
        return false;
    }
};

// Which literals of a table an edge allows.
class LegalSet {
public:
    std::vector<uint64_t> words;
    bool has(int32_t literal) const {
        size_t word = static_cast<size_t>(literal) >> 6;
        return literal >= 0 && word < words.size() && words[word] >> (literal & 63) & 1;
    }
    bool any() const {
        return std::any_of(words.begin(), words.end(), [](uint64_t word) { return word != 0; });
    }
    // Whether all of first .. last - 1 are.
    bool all(int32_t first, int32_t last) const {
        return !any_part(first, last, [](uint64_t bits, uint64_t part) { return (bits & part) != part; });
    }
    bool any(int32_t first, int32_t last) const {
        return any_part(first, last, [](uint64_t bits, uint64_t part) { return (bits & part) != 0; });
    }

private:
    // Whether something holds of a word and those of its bits that stand for first .. last - 1.
    template <class Holds>
    bool any_part(int32_t first, int32_t last, Holds holds) const {
        for (int32_t i = first; i < last;) {
            const size_t word = static_cast<size_t>(i) >> 6;
            const int32_t n = std::min<int32_t>(64 - (i & 63), last - i);
            const uint64_t part = (n < 64 ? (1ull << n) - 1 : ~0ull) << (i & 63);
            if (holds(word < words.size() ? words[word] : 0, part)) return true;
            i += n;
        }
        return false;
    }
};

// All literals.
struct AllLegal {
    bool has(int32_t literal) const { return literal >= 0; }
    bool any(int32_t first, int32_t last) const { return first < last; }
};

struct OnlyLiteral {
    int32_t literal;
    bool has(int32_t other) const { return other == literal; }
    bool any(int32_t first, int32_t last) const { return first <= literal && literal < last; }
};

// One byte through the string automaton and the trie: false if the string cannot go on so. to_node is NO_NODE when the
// text is no longer a prefix of a literal.
inline bool step_literal(Lexicon& lexicon, const LiteralTrie& trie, int32_t state, int32_t node, uint8_t byte,
                         int32_t& to_state, int32_t& to_node) {
    to_state = lexicon.automata.step(state, byte);
    if (to_state == DEAD) return false;
    to_node = node;
    if (node == NO_NODE) return true;
    const uint8_t phase = lexicon.automata.info[state].phase;
    if (phase == BODY) {
        if (byte != '"' && byte != '\\') to_node = trie.child(node, byte);
        return true;
    }
    if (phase == PREFIX) return true;
    const StringPosition& p = lexicon.position(state);
    switch (phase) {
        case ESCAPE:
            if (byte != 'u') to_node = trie.walk(node, simple_escape(byte));
            break;
        case HEX:
        case LOW_HEX:
            if (p.digits == 3) {
                uint32_t unit = static_cast<uint32_t>(p.value) << 4 | hex_digit(byte);
                if (p.phase == LOW_HEX) to_node = trie.walk(node, join_surrogates(p.high, unit));
                else if (!is_high_surrogate(unit)) to_node = trie.walk(node, unit);
            }
            break;
        default:
            break;
    }
    return true;
}

// Whether a legal literal can still be completed from here.
template <class Legal>
bool literal_possible(const Lexicon& lexicon, const LiteralTrie& trie, const Legal& legal, int32_t state, int32_t node) {
    if (node == NO_NODE) return false;
    const LiteralNode& at = trie.nodes[node];
    const uint8_t phase = lexicon.automata.info[state].phase;
    if (phase == CLOSED) return legal.has(at.literal);
    if (phase == PREFIX || phase == BODY) return legal.any(at.first, at.last);
    const StringPosition& p = lexicon.position(state);
    return any_completion(p, [&](uint32_t first, uint32_t last) {
        return trie.any_character(node, first, last, [&](uint32_t, int32_t below) { return legal.any(trie.nodes[below].first, trie.nodes[below].last); });
    });
}

}  // namespace tokentrellis
