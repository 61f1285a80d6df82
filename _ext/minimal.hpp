// Which states of an automaton are equal, and which accept every text: what keeps products small.
//
// In comes the start state of an automaton of at most a thousand states, out comes for each state the one that stands for
// all that accept the same, and whether it accepts every text of UTF-8 from here on (FULL). By refinement of partitions
// (Moore 1956) over the automaton together with that of all texts. Subset construction tells apart what a pattern without
// anchors has read after it was found, and a product multiplies such differences: "contains each of 15 words" has 50 times
// as many states without this.
#pragma once

#include <set>

#include "automata.hpp"

namespace tokentrellis {

// The automaton of UTF-8, state 0 between characters. Bytes that go the same way from everywhere share a class.
struct Utf8 {
    static constexpr int N_STATES = 8;
    static int step(int state, uint8_t byte) {
        auto within = [&](int first, int last, int to) { return byte >= first && byte <= last ? to : DEAD; };
        switch (state) {
            case 0:
                if (byte < 0x80) return 0;
                if (byte < 0xC2 || byte > 0xF4) return DEAD;
                if (byte < 0xE0) return 1;
                if (byte < 0xF0) return byte == 0xE0 ? 4 : byte == 0xED ? 5 : 2;
                return byte == 0xF0 ? 6 : byte == 0xF4 ? 7 : 3;
            case 1: return within(0x80, 0xBF, 0);
            case 2: return within(0x80, 0xBF, 1);
            case 3: return within(0x80, 0xBF, 2);
            case 4: return within(0xA0, 0xBF, 1);
            case 5: return within(0x80, 0x9F, 1);
            case 6: return within(0x90, 0xBF, 2);
            default: return within(0x80, 0x8F, 2);
        }
    }
    static int class_of(uint8_t byte) {
        static const uint8_t firsts[] = {0x80, 0x90, 0xA0, 0xC0, 0xC2, 0xE0, 0xE1, 0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5};
        return static_cast<int>(std::upper_bound(std::begin(firsts), std::end(firsts), byte) - std::begin(firsts));
    }
};

class Minimal {
public:
    static constexpr size_t MOST_STATES = 1000;
    static constexpr int32_t FARTHEST = 1000000;

    Minimal(Automata& automata, int32_t start) {
        Nfa::Cursors cursors;
        if (start == DEAD || automata.unwritten(start, cursors)) return;
        const auto* classes = automata.automata[automata.info[start].automaton]->classes();
        if (classes == nullptr) return;
        const std::vector<uint8_t> bytes = representatives(*classes);
        std::vector<int32_t> states{start};
        std::vector<std::vector<int32_t>> rows;  // by state: the places of the next states, DEAD for none
        place_[start] = 0;
        for (size_t at = 0; at < states.size(); ++at) {
            rows.emplace_back().reserve(bytes.size());
            for (uint8_t byte : bytes) {
                const int32_t to = automata.step(states[at], byte);
                if (to == DEAD) {
                    rows.back().push_back(DEAD);
                    continue;
                }
                const auto [known, is_new] = place_.emplace(to, static_cast<int32_t>(states.size()));
                rows.back().push_back(known->second);
                if (is_new) states.push_back(to);
                if (states.size() > MOST_STATES) {
                    place_.clear();
                    return;
                }
            }
        }
        const int32_t n = static_cast<int32_t>(states.size());
        for (int state = 0; state < Utf8::N_STATES; ++state) {
            rows.emplace_back().reserve(bytes.size());
            for (uint8_t byte : bytes) {
                const int to = Utf8::step(state, byte);
                rows.back().push_back(to == DEAD ? DEAD : n + to);
            }
        }
        std::vector<int32_t> group;
        for (int32_t state : states) group.push_back(automata.label(state) + 1);
        is_text_ = only_text(rows, group, n);
        to_accept_ = distances(rows, n, [&](int32_t at) { return at != DEAD && group[at] > 0; });
        to_reject_ = distances(rows, n, [&](int32_t at) { return at == DEAD || group[at] == 0; });
        for (int state = 0; state < Utf8::N_STATES; ++state) group.push_back(state == 0);
        refine(rows, group);
        std::unordered_map<int32_t, int32_t> first;
        for (int32_t at = 0; at < n; ++at) equal_.push_back(states[first.emplace(group[at], at).first->second]);
        for (int32_t at = 0; at < n; ++at) full_at_.push_back(find(group, n, group[at]));
    }

    // Whether every text that is accepted is UTF-8; false also if that was not examined.
    bool is_text() const { return is_text_; }
    // The state that stands for this one and all equal ones.
    int32_t equal(int32_t state) const {
        auto found = place_.find(state);
        return found == place_.end() ? state : equal_[found->second];
    }
    // Bytes to the nearest text that is accepted, or that is not; a guess where that was not examined.
    int32_t to_end(int32_t state, bool accepted) const {
        auto found = place_.find(state);
        return found == place_.end() ? 1 : (accepted ? to_accept_ : to_reject_)[found->second];
    }
    // Whether the state accepts every text that can go on in this state of UTF-8.
    bool is_full(int32_t state, int utf8) const {
        auto found = place_.find(state);
        return found != place_.end() && full_at_[found->second] == utf8;
    }

private:
    std::unordered_map<int32_t, int32_t> place_;  // by state
    std::vector<int32_t> equal_, full_at_;        // by place: a state; the state of UTF-8 that accepts the same, or DEAD
    std::vector<int32_t> to_accept_, to_reject_;  // by place: bytes
    bool is_text_ = false;

    // Steps to the nearest wanted state, from all states at once.
    template <class IsWanted>
    static std::vector<int32_t> distances(const std::vector<std::vector<int32_t>>& rows, int32_t n, const IsWanted& is_wanted) {
        std::vector<int32_t> starts(n + 2, 0), before;  // by state: where those that lead to it begin, two places on
        for (int32_t at = 0; at < n; ++at)
            for (int32_t to : rows[at])
                if (to != DEAD) ++starts[to + 2];
        for (int32_t at = 2; at < n + 2; ++at) starts[at] += starts[at - 1];
        before.resize(starts.back());
        std::vector<int32_t> found(n, FARTHEST), queue;
        auto reach = [&](int32_t at, int32_t steps) {
            if (steps < found[at]) found[at] = steps, queue.push_back(at);
        };
        for (int32_t at = 0; at < n; ++at) {
            if (is_wanted(at)) reach(at, 0);
            for (int32_t to : rows[at])
                if (to != DEAD) before[starts[to + 1]++] = at;
        }
        for (size_t head = 0; head < queue.size(); ++head)
            for (int32_t i = starts[queue[head]]; i < starts[queue[head] + 1]; ++i) reach(before[i], found[queue[head]] + 1);
        for (int32_t at = 0; at < n; ++at)  // no way on is one more byte
            if (is_wanted(DEAD) && found[at] > 1 && std::count(rows[at].begin(), rows[at].end(), DEAD)) found[at] = 1;
        return found;
    }

    static std::vector<uint8_t> representatives(const std::vector<std::vector<uint8_t>>& classes) {
        std::vector<uint8_t> bytes;
        for (const auto& members : classes) {
            std::set<int> seen;
            for (uint8_t byte : members)
                if (seen.insert(Utf8::class_of(byte)).second) bytes.push_back(byte);
        }
        return bytes;
    }

    // Tells states apart by the groups that they lead to until none is new.
    static void refine(const std::vector<std::vector<int32_t>>& rows, std::vector<int32_t>& group) {
        for (size_t n_groups = 0;;) {
            std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> groups;
            std::vector<int32_t> refined;
            for (size_t at = 0; at < rows.size(); ++at) {
                std::vector<int32_t> key{group[at]};
                for (int32_t to : rows[at]) key.push_back(to == DEAD ? DEAD : group[to]);
                refined.push_back(groups.emplace(std::move(key), static_cast<int32_t>(groups.size())).first->second);
            }
            group = std::move(refined);
            if (groups.size() == n_groups) return;
            n_groups = groups.size();
        }
    }

    static int32_t find(const std::vector<int32_t>& group, int32_t n, int32_t wanted) {
        for (int state = 0; state < Utf8::N_STATES; ++state)
            if (group[n + state] == wanted) return state;
        return DEAD;
    }

    // Walks the automaton and UTF-8 side by side.
    static bool only_text(const std::vector<std::vector<int32_t>>& rows, const std::vector<int32_t>& accepts, int32_t n) {
        std::vector<std::pair<int32_t, int32_t>> queue{{0, n}};
        std::set<std::pair<int32_t, int32_t>> seen{{0, n}};
        for (size_t head = 0; head < queue.size(); ++head) {
            const auto [at, utf8] = queue[head];
            if (accepts[at] && utf8 != n) return false;
            for (size_t byte = 0; byte < rows[at].size(); ++byte) {
                const std::pair<int32_t, int32_t> to{rows[at][byte], rows[utf8][byte]};
                if (to.first == DEAD) continue;
                if (to.second == DEAD) return false;
                if (seen.insert(to).second) queue.push_back(to);
            }
        }
        return true;
    }
};

}  // namespace tokentrellis
