// How far it is from automaton states to the end, and whether they can run out of texts.
//
// In come automaton states, out come bytes to the nearest acceptance, by breadth-first search. Inside JSON strings the search
// goes over the content only, weighted by what a character costs there (Dijkstra 1959): the automaton of a string has tens of
// thousands of states inside escapes for each state of its content ("@runnerty" somewhere in a text: 359,310, now 92).
#pragma once

#include <set>

#include "json_string.hpp"

namespace tokentrellis {

constexpr int32_t UNREACHABLE = INT32_MAX / 2;

class Distances {
public:
    explicit Distances(Automata& automata) : automata_(automata) {}

    // Bytes from a state to the nearest acceptance (0 if it accepts).
    int32_t distance(int32_t from) {
        auto found = distance_.find(from);
        if (found != distance_.end()) return found->second;
        if (automata_.all_usable && automata_.automata[automata_.info[from].automaton]->is_string())
            return distance_[from] = string_distance(StringPosition(string_of(from).position(automata_.info[from].local)), string_of(from).content);
        Nfa::Cursors cursors;
        if (Nfa* nfa = automata_.unwritten(from, cursors)) return distance_[from] = static_cast<int32_t>(nfa->shortest_text(cursors).size());
        std::vector<int32_t> queue{from}, parent{-1};
        std::set<int32_t> seen{from};
        for (size_t head = 0; head < queue.size(); ++head) {
            if (automata_.label(queue[head]) >= 0) {  // the nearest: everything on the path is at its true distance
                int32_t d = 0;
                for (int32_t i = static_cast<int32_t>(head); i >= 0; i = parent[i]) distance_[queue[i]] = d++;
                return distance_[from];
            }
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = automata_.step(queue[head], static_cast<uint8_t>(byte));
                if (to != DEAD && seen.insert(to).second) queue.push_back(to), parent.push_back(static_cast<int32_t>(head));
            }
        }
        return distance_[from] = UNREACHABLE;
    }

    // Whether every text that the automaton can begin goes on in infinitely many ways: none leads to
    // a dead end. An automaton of more than a thousand states is not examined.
    bool always_infinite(int32_t start) {
        constexpr size_t most_states = 1000;
        auto [found, is_new] = always_infinite_.emplace(start, false);
        if (!is_new) return found->second;
        std::vector<int32_t> queue{start};
        std::set<int32_t> seen{start};
        for (size_t head = 0; head < queue.size(); ++head) {
            bool goes_on = false;
            for (int byte = 0; byte < 256; ++byte) {
                const int32_t to = automata_.step(queue[head], static_cast<uint8_t>(byte));
                if (to == DEAD) continue;
                goes_on = true;
                if (seen.insert(to).second) queue.push_back(to);
            }
            // A state without a way to a cycle leads to one that has no way on at all.
            if (!goes_on || queue.size() > most_states) return false;
        }
        return always_infinite_[start] = true;
    }

private:
    Automata& automata_;
    std::unordered_map<int32_t, int32_t> distance_, content_distance_;
    std::unordered_map<int32_t, bool> always_infinite_;

    const StringAutomaton& string_of(int32_t state) const {
        return static_cast<const StringAutomaton&>(*automata_.automata[automata_.info[state].automaton]);
    }

    // ---- distances inside JSON strings ------------------------------------------------------------------------------
    // By the content alone: inside escapes the automaton of the string has tens of thousands of states for each state of the
    // content. The closing quote is counted.
    int32_t string_distance(const StringPosition& p, int32_t content) {
        if (p.phase == CLOSED) return 0;
        if (p.phase == BODY) return content_distance(p.inner);
        if (p.phase == PREFIX) return std::min(UNREACHABLE, distance(p.inner) + 1 + content_distance(content));
        int32_t best = UNREACHABLE;
        // The nearest after one of these characters, `before` bytes from here.
        auto try_characters = [&](uint32_t first, uint32_t last, int32_t before) {
            any_character(automata_, p.inner, first, last, [&](int32_t to) {
                best = std::min(best, before + content_distance(to));
                return false;
            });
        };
        if (p.phase == ESCAPE) {
            for (uint8_t byte : {'"', '\\', '/', '\b', '\f', '\n', '\r', '\t'}) try_characters(byte, byte, 1);
            try_characters(0, 0xD7FF, 5);
            try_characters(0xE000, 0xFFFF, 5);
            try_characters(0x10000, 0x10FFFF, 11);
            return best;
        }
        const int32_t left = p.phase == LOW_BACKSLASH ? 6 : p.phase == LOW_U ? 5 : 4 - p.digits;
        any_completion(p, [&](uint32_t first, uint32_t last) {
            try_characters(first, last, left + (p.phase == HEX && first >= 0x10000 ? 6 : 0));
            return false;
        });
        return best;
    }

    // Dijkstra's algorithm over the content: a character costs its bytes, or those of its shortest escape.
    int32_t content_distance(int32_t from) {
        auto found = content_distance_.find(from);
        if (found != content_distance_.end()) return found->second;
        struct Reached {
            int32_t state, before, length;  // `before`: its place in this list
        };
        std::vector<Reached> reached{{from, -1, 0}};
        std::vector<std::vector<int32_t>> waiting(1, {0});  // places by length
        std::unordered_map<int32_t, int32_t> lengths{{from, 0}};
        for (size_t length = 0; length < waiting.size(); ++length)
            for (size_t i = 0; i < waiting[length].size(); ++i) {
                const int32_t place = waiting[length][i];
                const Reached at = reached[place];
                if (lengths[at.state] < at.length) continue;
                if (automata_.label(at.state) >= 0) {  // the nearest: everything on the way is at its true distance
                    for (int32_t step = place; step >= 0; step = reached[step].before)
                        content_distance_[reached[step].state] = at.length - reached[step].length + 1;
                    return content_distance_[from];
                }
                for (int byte = 0; byte < 256; ++byte) {
                    const int32_t to = automata_.step(at.state, static_cast<uint8_t>(byte));
                    if (to == DEAD) continue;
                    const bool is_simple = byte == '"' || byte == '\\' || (byte >= 8 && byte <= 13 && byte != 11);
                    const int32_t after = at.length + (is_simple ? 2 : byte < 0x20 ? 6 : 1);
                    auto [known, is_new] = lengths.emplace(to, after);
                    if (!is_new && known->second <= after) continue;
                    known->second = after;
                    if (waiting.size() <= static_cast<size_t>(after)) waiting.resize(after + 1);
                    waiting[after].push_back(static_cast<int32_t>(reached.size()));
                    reached.push_back({to, place, after});
                }
            }
        return content_distance_[from] = UNREACHABLE;
    }
};

}  // namespace tokentrellis
