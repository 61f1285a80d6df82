// Which classes of bytes the text below a place of the vocabulary has, for walks of automata that stay in one state.
//
// Inside a name or a string an automaton reads most bytes without leaving its state. Whether it leaves it before some node is then
// a question about the bytes up to there, whatever the automaton: 32 classes of bytes, a bit each, and for each node the classes
// that occur in all, after the first byte, or after the first two. A walk compares bits, and asks the automaton at the few nodes where a
// byte of another class comes. Characters beyond ASCII are one class where they are well-formed UTF-8, which half a
// character at the end is, too. Nodes are also sorted by the class of their own byte. Cost: once for a vocabulary, a pass over its nodes and 4 bytes for each, three times.
#pragma once

#include "automata.hpp"
#include "bits.hpp"

namespace tokentrellis {

class TextClasses {
public:
    static constexpr uint32_t BEYOND_ASCII = 1u << 30, BROKEN = 1u << 31;
    static constexpr int32_t MOST_SKIPPED = 2;

    TextClasses(const Trie& trie, int32_t vocab_size) : of_tokens_(vocab_size, ~0u) {
        for (int32_t skipped = 0; skipped <= MOST_SKIPPED; ++skipped) after_[skipped] = classes_after(trie, skipped);
        sort_nodes(trie);
    }

    // By node: the classes of the bytes that lead to it, but the first `skipped`.
    const uint32_t* after(int32_t skipped) const { return after_[skipped].data(); }

    // By token: the classes of its bytes; all, if it has none.
    const uint32_t* of_tokens() const { return of_tokens_.data(); }

    // Calls visit(node) for the nodes whose own byte is of one of some classes.
    template <class Visit>
    void visit_nodes(uint32_t classes, Visit visit) const {
        for (; classes; classes &= classes - 1) {
            const int number = count_trailing_zeros(classes);
            for (int32_t i = first_[number]; i < first_[number + 1]; ++i) visit(nodes_[i]);
        }
    }
    int64_t count_nodes(uint32_t classes) const {
        int64_t n = 0;
        for (; classes; classes &= classes - 1) n += first_[count_trailing_zeros(classes) + 1] - first_[count_trailing_zeros(classes)];
        return n;
    }

    // The classes all of whose characters lead from a state back to it.
    static uint32_t kept_by(Automata& automata, int32_t state) {
        uint32_t kept = 0, left = 0;
        for (int byte = 0; byte < 0x80; ++byte)
            (automata.step(state, static_cast<uint8_t>(byte)) == state ? kept : left) |= class_of(static_cast<uint8_t>(byte));
        kept &= ~left;
        std::map<std::pair<int32_t, int>, bool> known;
        if (kept != 0 && reads_characters(automata, state, state, 0, known)) kept |= BEYOND_ASCII;
        return kept;
    }

private:
    std::array<std::vector<uint32_t>, MOST_SKIPPED + 1> after_;

    std::vector<uint32_t> of_tokens_;
    std::vector<int32_t> nodes_;          // by the class of their own bytes
    std::array<int32_t, 33> first_{};

    void sort_nodes(const Trie& trie) {
        std::vector<uint8_t> own(trie.size(), 0);
        std::vector<int> parts(trie.max_depth + 1, 0);
        for (int32_t node = 1; node < trie.size(); ++node) {
            const TrieNode& entry = trie.nodes[node];
            const int part = parts[entry.depth] = parts[entry.depth - 1] < 0 ? -1 : next_part(parts[entry.depth - 1], entry.byte);
            own[node] = static_cast<uint8_t>(count_trailing_zeros(own_class(part, entry.byte)));
            ++first_[own[node] + 1];
            for (const int32_t *id = trie.begin_ids(node), *last = trie.end_ids(node); id != last; ++id) of_tokens_[*id] = after_[0][node];
        }
        for (size_t number = 1; number < first_.size(); ++number) first_[number] += first_[number - 1];
        std::array<int32_t, 33> next = first_;
        nodes_.resize(trie.size());
        for (int32_t node = 1; node < trie.size(); ++node) nodes_[next[own[node]]++] = node;
    }

    static uint32_t own_class(int part, uint8_t byte) { return part < 0 ? BROKEN : byte >= 0x80 ? BEYOND_ASCII : class_of(byte); }

    static uint32_t class_of(uint8_t byte) {
        static const std::array<uint32_t, 128> table = [] {
            std::array<uint32_t, 128> classes{};
            int n = 1;
            auto add = [&](const char* members) {
                for (; *members; ++members) classes[static_cast<uint8_t>(*members)] = 1u << n;
                ++n;
            };
            for (const char* members : {"abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ", "0123456789", "_", " ", "\t", "\n", "\r",
                                        "\"", "'", "`", "\\", "/", "-", ".", "+,", ":;", "()", "[]", "{}", "<>", "=", "*", "#"})
                add(members);
            for (int byte = 0; byte < 128; ++byte)
                if (classes[byte] == 0) classes[byte] = byte > 32 && byte < 127 ? 1u << n : 1u;
            return classes;
        }();
        return table[byte];
    }

    // UTF-8 as an automaton: 0 between characters, 1 to 3 so many bytes are missing, the others after E0, ED, F0, F4; -1 broken.
    static int next_part(int part, uint8_t byte) {
        const bool continues = byte >= 0x80 && byte < 0xC0;
        switch (part) {
            case 0:
                if (byte < 0x80) return 0;
                if (byte == 0xE0) return 4;
                if (byte == 0xED) return 5;
                if (byte == 0xF0) return 6;
                if (byte == 0xF4) return 7;
                if (byte >= 0xC2 && byte < 0xE0) return 1;
                if (byte > 0xE0 && byte < 0xF0) return 2;
                return byte > 0xF0 && byte < 0xF4 ? 3 : -1;
            case 4:
                return continues && byte >= 0xA0 ? 1 : -1;
            case 5:
                return continues && byte < 0xA0 ? 1 : -1;
            case 6:
                return continues && byte >= 0x90 ? 2 : -1;
            case 7:
                return continues && byte < 0x90 ? 2 : -1;
            default:
                return continues ? part - 1 : -1;
        }
    }

    static std::vector<uint32_t> classes_after(const Trie& trie, int32_t skipped) {
        std::vector<uint32_t> classes(trie.size(), 0);
        std::vector<int> parts(trie.max_depth + 1, 0);
        std::vector<uint32_t> path(trie.max_depth + 1, 0);
        for (int32_t node = 1; node < trie.size(); ++node) {
            const TrieNode& entry = trie.nodes[node];
            if (entry.depth <= skipped) continue;
            const int before = parts[entry.depth - 1];
            const int part = before < 0 ? -1 : next_part(before, entry.byte);
            parts[entry.depth] = part;
            classes[node] = path[entry.depth] = path[entry.depth - 1] | own_class(part, entry.byte);
        }
        return classes;
    }

    // Whether all well-formed characters beyond ASCII, and nothing else beyond it, lead back, and the state accepts nowhere inside.
    static bool reads_characters(Automata& automata, int32_t home, int32_t state, int part, std::map<std::pair<int32_t, int>, bool>& known) {
        auto found = known.find({state, part});
        if (found != known.end()) return found->second;
        bool& fits = known[{state, part}];
        fits = true;  // of what is in question
        for (int byte = part == 0 ? 0x80 : 0; byte < 256 && fits; ++byte) {
            const int next = next_part(part, static_cast<uint8_t>(byte));
            const int32_t to = automata.step(state, static_cast<uint8_t>(byte));
            if (next < 0) fits = to == DEAD;
            else if (next == 0) fits = to == home;
            else fits = to != DEAD && !(automata.marks()[to] & Automata::ACCEPTS) && reads_characters(automata, home, to, next, known);
        }
        return fits;
    }
};

}  // namespace tokentrellis
