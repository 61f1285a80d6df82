// Half an escape of a JSON string, and which of them act alike.
//
// A JSON string automaton (json_string.hpp) remembers the hex digits of an escape that has begun: `\u00e` is one state,
// `\u00f` another, and a high surrogate is a thousand. Nearly all of them go on in the same way: what matters is to which
// states of the content the characters lead that can still be spelled. Whoever visits all states of a grammar
// (exports.hpp) would meet 79,000 in every string; with one representative for all that act alike they are a dozen. In
// comes a configuration, out comes the first one met that acts as it does, digit for digit. Two are alike if the same
// digits lead to the same content states (and nodes of a literal trie), so every answer is exact; some that are alike may
// stay apart. Cost: some 70,000 steps of the content automaton for each of its states in which an escape begins, once
// (0.1 to 2 ms), and 17 KB.
#pragma once

#include "network.hpp"

namespace tokentrellis {

class Escapes {
public:
    explicit Escapes(Network& network) : network_(network), lexicon_(network.lexicon) {}

    Configuration representative(const Configuration& c) {
        if (c.state == AT_CONTINUATION) return c;
        const uint8_t phase = lexicon_.automata.info[c.state].phase;
        if (phase < HEX || phase == CLOSED) return c;
        const Edge* edge = network_.edge_at(c);
        const bool at_literals = edge != nullptr && (edge->kind == LITERALS_EDGE || edge->kind == OTHERS_EDGE) && c.extra != NO_NODE;
        if (at_literals && edge->kind == LITERALS_EDGE) return c;  // few: only characters of literals are spelled
        const int32_t table = at_literals ? edge->table : -1, node = at_literals ? c.extra : NO_NODE;
        const LiteralTrie* trie = at_literals ? &network_.table_of(*edge) : nullptr;
        auto known = representatives_.find({c.state, table, node});
        if (known == representatives_.end()) {
            const int32_t found = firsts_.emplace(signature(c.state, table, trie, node), c.state).first->second;
            known = representatives_.emplace(std::vector<int32_t>{c.state, table, node}, found).first;
        }
        return {known->second, c.link, c.extra};
    }

private:
    static constexpr int UNITS = 0x10000, HIGHS = 0x400, THIRDS = 16;

    // What the characters lead to that can be spelled from one content state and node.
    struct Outcomes {
        std::vector<int32_t> digits[4];  // by the number of hex digits and their value: a class, DEAD if none is possible
        std::vector<std::vector<int32_t>> thirds;  // by high surrogate: the content states after three bytes of UTF-8
        std::vector<char> particular;              // by high surrogate: literals go on with such a character
    };

    Network& network_;
    Lexicon& lexicon_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> representatives_, firsts_;
    std::unordered_map<std::vector<int32_t>, Outcomes, VectorHash> outcomes_;

    // What decides how the state goes on.
    std::vector<int32_t> signature(int32_t state, int32_t table, const LiteralTrie* trie, int32_t node) {
        const StringPosition p = lexicon_.position(state);
        std::vector<int32_t> key{lexicon_.automata.info[state].automaton, p.phase, p.digits, p.inner, table, node};
        if (p.phase == HEX && p.digits == 0) return key;
        const Outcomes& outcomes = outcomes_of(p.inner, table, trie, node);
        if (p.phase == HEX) {
            key.push_back(outcomes.digits[p.digits][p.value]);
            return key;
        }
        const int32_t high = p.high - 0xD800;
        const std::vector<int32_t>& thirds = outcomes.thirds[high];
        if (outcomes.particular[high]) key.insert(key.end(), {p.high, p.value});
        if (p.phase == LOW_HEX && p.digits == 3) {
            const int32_t low = (p.value & 0x3F) << 4;  // ten bits; the last four are to come
            for (int i = 0; i < 16; ++i) key.push_back(step(thirds[low >> 6], 0x80 | (low & 0x3F) | i));
        } else if (p.phase == LOW_HEX && p.digits == 2) {
            key.insert(key.end(), thirds.begin() + (p.value & 3) * 4, thirds.begin() + (p.value & 3) * 4 + 4);
        } else {
            key.insert(key.end(), thirds.begin(), thirds.end());
        }
        return key;
    }

    int32_t step(int32_t state, int byte) { return state == DEAD ? DEAD : lexicon_.automata.step(state, static_cast<uint8_t>(byte)); }

    const Outcomes& outcomes_of(int32_t content, int32_t table, const LiteralTrie* trie, int32_t node) {
        std::vector<int32_t> key{content, table, node};
        auto found = outcomes_.find(key);
        if (found == outcomes_.end()) found = outcomes_.emplace(std::move(key), make(content, trie, node)).first;
        return found->second;
    }

    Outcomes make(int32_t content, const LiteralTrie* trie, int32_t node) {
        Outcomes made;
        std::vector<int32_t> units = content_states(content);
        made.thirds.assign(HIGHS, std::vector<int32_t>(THIRDS, DEAD));
        made.particular.assign(HIGHS, false);
        for (int32_t high = 0; high < HIGHS; ++high) {
            const uint32_t first = 0x10000 + (high << 10);
            const int32_t second = step(step(content, 0xF0 | first >> 18), 0x80 | (first >> 12 & 0x3F));
            for (int i = 0; i < THIRDS; ++i) made.thirds[high][i] = step(second, 0x80 | (first >> 6 & 0x3F) | i);
        }
        int32_t next = INT32_MIN;  // names for what is no content state
        if (trie != nullptr)
            trie->any_character(node, 0, 0x10FFFF, [&](uint32_t character, int32_t) {
                if (character >= 0x10000) made.particular[(character - 0x10000) >> 10] = true;
                else if (units[character] != DEAD) units[character] = next++;
                return false;
            });
        std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> names;
        for (int32_t high = 0; high < HIGHS; ++high) {
            const std::vector<int32_t>& thirds = made.thirds[high];
            if (made.particular[high]) units[0xD800 + high] = next++;
            else if (std::any_of(thirds.begin(), thirds.end(), [](int32_t state) { return state != DEAD; })) {
                auto [name, is_new] = names.emplace(thirds, next);
                next += is_new;
                units[0xD800 + high] = name->second;
            }
        }
        for (int digits = 3; digits > 0; --digits) made.digits[digits] = classes(digits == 3 ? units : made.digits[digits + 1]);
        return made;
    }

    // By unit of UTF-16: the content state after the character, DEAD for surrogates.
    std::vector<int32_t> content_states(int32_t content) {
        std::vector<int32_t> units(UNITS, DEAD);
        for (int unit = 0; unit < 0x80; ++unit) units[unit] = step(content, unit);
        for (int lead = 0xC2; lead < 0xE0; ++lead) {
            const int32_t after = step(content, lead);
            if (after == DEAD) continue;
            for (int last = 0; last < 64; ++last) units[(lead & 0x1F) << 6 | last] = step(after, 0x80 | last);
        }
        for (int lead = 0xE0; lead < 0xF0; ++lead) {
            const int32_t after_lead = step(content, lead);
            if (after_lead == DEAD) continue;
            for (int middle = 0; middle < 64; ++middle) {
                const int32_t base = (lead & 0xF) << 12 | middle << 6;
                const int32_t after = base < 0x800 || (base >= 0xD800 && base < 0xE000) ? DEAD : step(after_lead, 0x80 | middle);
                if (after == DEAD) continue;
                for (int last = 0; last < 64; ++last) units[base | last] = step(after, 0x80 | last);
            }
        }
        return units;
    }

    // One digit less: values are alike if the sixteen that they begin are.
    static std::vector<int32_t> classes(const std::vector<int32_t>& below) {
        std::vector<int32_t> result(below.size() / 16, DEAD);
        std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> names;
        for (size_t value = 0; value < result.size(); ++value) {
            const auto first = below.begin() + value * 16, last = first + 16;
            if (value > 0 && std::equal(first, last, first - 16)) {
                result[value] = result[value - 1];
                continue;
            }
            if (std::all_of(first, last, [](int32_t outcome) { return outcome == DEAD; })) continue;
            result[value] = names.emplace(std::vector<int32_t>(first, last), static_cast<int32_t>(names.size())).first->second;
        }
        return result;
    }
};

}  // namespace tokentrellis
