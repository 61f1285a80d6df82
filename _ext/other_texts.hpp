// The shortest text of a key that is none of the literals: for the costs of an OthersEdge.
//
// In comes a place in a JSON string and in the trie of the excluded literals, out comes what is missing to the closing quote,
// ended with a certain label if there is one. By Dijkstra's algorithm over pairs of a state of the content and a node of the
// trie, a character costing its bytes or those of its shortest escape: the automaton of the string has tens of thousands of
// states inside escapes for each state of the content. The next byte of each pair is kept, so what is left of a text after
// some bytes is the text of the place reached.
#pragma once

#include "network.hpp"

namespace tokentrellis {

class OtherTexts {
public:
    explicit OtherTexts(Network& network) : network_(network), automata_(network.lexicon.automata) {}

    // Appends what is missing from a place after the opening quote and sets the label; false if there is nothing, or if a
    // search would be too long.
    bool complete(StringPosition p, int32_t node, const Edge& edge, int32_t wanted, std::string& text, int32_t& label) {
        table_ = edge.table, wanted_ = wanted;
        trie_ = table_ < 0 ? nullptr : &network_.table_of(edge);
        while (p.phase != CLOSED) {
            if (p.phase != BODY && !complete_escape(p, node, text)) return false;
            const Way way = way_from({p.inner, node});
            if (way.length >= UNREACHABLE) return false;
            if (way.byte == END) {
                label = automata_.label(p.inner);
                text += '"';
                return true;
            }
            if (bytes_of(way.byte) > 1) {
                text += '\\';
                p.phase = ESCAPE;
                continue;
            }
            text += static_cast<char>(way.byte);
            node = below(node, static_cast<uint8_t>(way.byte));
            p.inner = automata_.step(p.inner, static_cast<uint8_t>(way.byte));
        }
        label = p.inner;
        return true;
    }

private:
    static constexpr size_t MOST_STEPS = 200000;
    static constexpr int END = 256;  // the quote
    using Place = std::pair<int32_t, int32_t>;  // a state of the content, a node of the trie or NO_NODE
    struct Way {
        int32_t length;
        int byte;
    };
    Network& network_;
    Automata& automata_;
    int32_t table_ = -1, wanted_ = -1;
    const LiteralTrie* trie_ = nullptr;
    std::map<std::tuple<Place, int32_t, int32_t>, Way> ways_;  // by place, table, label

    int32_t below(int32_t node, uint8_t byte) const { return node == NO_NODE ? NO_NODE : trie_->child(node, byte); }
    bool may_end(const Place& at) const {
        const int32_t label = automata_.label(at.first);
        return label >= 0 && (wanted_ < 0 || label == wanted_) && (at.second == NO_NODE || trie_->nodes[at.second].literal < 0);
    }
    static int32_t bytes_of(int byte) {
        const bool is_simple = byte == '"' || byte == '\\' || (byte >= 8 && byte <= 13 && byte != 11);
        return is_simple ? 2 : byte < 0x20 ? 6 : 1;
    }

    Way way_from(const Place& from) {
        auto known = ways_.find({from, table_, wanted_});
        return known != ways_.end() ? known->second : search(from);
    }

    // Every place met on the way to the end is at its true distance; where nothing ends, no place met has an end.
    Way search(const Place& from) {
        struct Reached {
            Place place;
            int32_t before, length;  // `before`: its index in this list
            int byte;                // read to come here; END: this is an end, at the place before
        };
        std::vector<Reached> reached{{from, -1, 0, 0}};
        std::vector<std::vector<int32_t>> waiting(1, {0});  // indices by length
        std::map<Place, int32_t> lengths{{from, 0}};
        auto reach = [&](const Reached& to) {
            if (waiting.size() <= static_cast<size_t>(to.length)) waiting.resize(to.length + 1);
            waiting[to.length].push_back(static_cast<int32_t>(reached.size()));
            reached.push_back(to);
        };
        for (size_t length = 0; length < waiting.size(); ++length)
            for (size_t i = 0; i < waiting[length].size(); ++i) {
                const Reached at = reached[waiting[length][i]];
                if (at.byte == END) {
                    int byte = may_end(at.place) ? END : -1;
                    for (int32_t step = at.before; step >= 0; byte = reached[step].byte, step = reached[step].before)
                        if (byte >= 0) ways_.emplace(std::make_tuple(reached[step].place, table_, wanted_), Way{at.length - reached[step].length, byte});
                    return ways_.at({from, table_, wanted_});
                }
                if (lengths[at.place] < at.length) continue;
                const int32_t here = waiting[length][i];
                auto known = ways_.find({at.place, table_, wanted_});
                if (known != ways_.end()) {
                    if (known->second.length < UNREACHABLE) reach({at.place, here, at.length + known->second.length, END});
                    continue;
                }
                if (may_end(at.place)) {
                    reach({at.place, here, at.length + 1, END});
                    continue;
                }
                if (reached.size() > MOST_STEPS) return {UNREACHABLE, END};
                for (int byte = 0; byte < 256; ++byte) {
                    const int32_t state = automata_.step(at.place.first, static_cast<uint8_t>(byte));
                    if (state == DEAD) continue;
                    const Reached to{{state, below(at.place.second, static_cast<uint8_t>(byte))}, here, at.length + bytes_of(byte), byte};
                    auto [found, is_new] = lengths.emplace(to.place, to.length);
                    if (!is_new && found->second <= to.length) continue;
                    found->second = to.length;
                    reach(to);
                }
            }
        for (const auto& entry : lengths) ways_.emplace(std::make_tuple(entry.first, table_, wanted_), Way{UNREACHABLE, END});
        return {UNREACHABLE, END};
    }

    // Appends what is missing of half an escape, for the character that leads on best.
    bool complete_escape(StringPosition& p, int32_t& node, std::string& text) {
        int32_t best = UNREACHABLE;
        std::string best_text;
        Place best_place;
        auto try_character = [&](uint32_t character, const Place& place, const std::string& rest) {
            const int32_t length = way_from(place).length + static_cast<int32_t>(rest.size());
            if (length < best) best = length, best_text = rest, best_place = place;
        };
        if (p.phase == ESCAPE)
            for (uint8_t byte : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) {
                const uint8_t character = static_cast<uint8_t>(simple_escape(byte));
                const int32_t state = automata_.step(p.inner, character);
                if (state != DEAD) try_character(character, {state, below(node, character)}, std::string(1, static_cast<char>(byte)));
            }
        any_completion(p, [&](uint32_t first, uint32_t last) {
            const int32_t before = static_cast<int32_t>(rest_of(p, last).size());
            auto try_place = [&](uint32_t character, const Place& place) {
                if (before < best) try_character(character, place, rest_of(p, character));
            };
            std::vector<std::pair<uint32_t, int32_t>> on_trie;
            if (node != NO_NODE)
                trie_->any_character(node, first, last, [&](uint32_t character, int32_t to) { return on_trie.push_back({character, to}), false; });
            std::sort(on_trie.begin(), on_trie.end());
            auto try_range = [&](uint32_t low, uint32_t high) {
                any_character(automata_, p.inner, low, high, [&](int32_t to, uint32_t character) { return try_place(character, {to, NO_NODE}), false; });
            };
            for (auto [character, to] : on_trie) {
                if (first < character) try_range(first, character - 1);
                uint8_t bytes[4];
                const int32_t state = automata_.walk(p.inner, bytes, encode_utf8(character, bytes));
                if (state != DEAD) try_place(character, {state, to});
                first = character + 1;
            }
            if (first <= last) try_range(first, last);
            return false;
        });
        if (best >= UNREACHABLE) return false;
        text += best_text;
        p = {BODY, 0, 0, 0, best_place.first};
        node = best_place.second;
        return true;
    }

    // The digits that are missing of half an escape, for one of the characters that it can stand for.
    static std::string rest_of(const StringPosition& p, uint32_t character) {
        const bool is_pair = character >= 0x10000;
        const uint32_t high = is_pair ? 0xD800 + ((character - 0x10000) >> 10) : character, low = 0xDC00 + ((character - 0x10000) & 0x3FF);
        const std::string second = is_pair ? "\\u" + digits(low, 4) : "";
        switch (p.phase) {
            case ESCAPE: return "u" + digits(high, 4) + second;
            case HEX: return digits(high, 4 - p.digits) + second;
            case LOW_BACKSLASH: return second;
            case LOW_U: return second.substr(1);
            default: return digits(low, 4 - p.digits);
        }
    }
    static std::string digits(uint32_t unit, int n) {
        std::string text;
        while (n-- > 0) text += "0123456789abcdef"[unit >> 4 * n & 15];
        return text;
    }
};

}  // namespace tokentrellis
