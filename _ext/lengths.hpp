// Which lengths a content language can still reach: what a pattern with minLength and maxLength needs.
//
// Level k is the set of content states from which acceptance is exactly k characters away. Each level follows from the
// one before, so the levels are eventually periodic; they are built as far as asked, and no further than the first
// repetition. The count itself stays outside the automaton (a product would multiply its states by the length).
#pragma once

#include "automata.hpp"

namespace tokentrellis {

class LengthTable {
public:
    LengthTable(Automata& automata, int32_t start) {
        constexpr size_t most_states = 50000;
        std::vector<int32_t> order{start};
        index_[start] = 0;
        for (size_t i = 0; i < order.size(); ++i) {
            int32_t previous = DEAD;
            bool previous_continues = false;
            for (int byte = 0; byte < 256; ++byte) {
                int32_t to = automata.step(order[i], static_cast<uint8_t>(byte));
                bool continues = (byte & 0xC0) == 0x80;
                if (to == DEAD || (to == previous && continues == previous_continues)) continue;
                previous = to, previous_continues = continues;
                auto added = index_.emplace(to, static_cast<int32_t>(order.size()));
                if (added.second) order.push_back(to);
                if (order.size() > most_states) throw LimitError("automaton states of a pattern with a length limit", most_states);
                before_.resize(order.size());
                before_[added.first->second].push_back({static_cast<int32_t>(i), continues});
            }
        }
        before_.resize(order.size());
        Level level(order.size(), false);
        std::vector<int32_t> stack;
        for (size_t i = 0; i < order.size(); ++i)
            if (automata.label(order[i]) >= 0) stack.push_back(static_cast<int32_t>(i));
        close(level, stack);
        push(std::move(level));
    }

    // Whether acceptance is possible after `least` to `most` more characters (most < 0: no bound).
    bool reachable(int32_t state, int64_t least, int64_t most) {
        auto found = index_.find(state);
        if (found == index_.end()) return false;
        least = std::max<int64_t>(least, 0);
        for (int64_t k = least; most < 0 || k <= most; ++k) {
            while (!period_ && k >= static_cast<int64_t>(levels_.size())) extend();
            int64_t size = static_cast<int64_t>(levels_.size()), at = k;
            if (k >= size) at = repeats_from_ + (k - repeats_from_) % period_;
            if (levels_[at][found->second]) return true;
            if (period_ && k >= std::max<int64_t>(least, repeats_from_) + period_) return false;
        }
        return false;
    }

    // The fewest characters to acceptance within the bounds; -1 if there are none.
    int64_t fewest(int32_t state, int64_t least, int64_t most) {
        least = std::max<int64_t>(least, 0);
        if (!reachable(state, least, most)) return -1;
        while (!reachable(state, least, least)) ++least;
        return least;
    }

private:
    using Level = std::vector<bool>;
    std::unordered_map<int32_t, int32_t> index_;
    std::vector<std::vector<std::pair<int32_t, bool>>> before_;  // (state, the byte continues a character)
    std::vector<Level> levels_;
    std::unordered_map<Level, int32_t> seen_;
    int64_t repeats_from_ = 0, period_ = 0;

    void close(Level& level, std::vector<int32_t>& stack) {
        while (!stack.empty()) {
            int32_t at = stack.back();
            stack.pop_back();
            if (level[at]) continue;
            level[at] = true;
            for (auto [from, continues] : before_[at])
                if (continues && !level[from]) stack.push_back(from);
        }
    }

    void push(Level level) {
        constexpr size_t most_entries = 1ull << 30;
        if (levels_.size() * level.size() > most_entries) throw LimitError("entries in the table of lengths of a pattern", most_entries);
        auto added = seen_.emplace(level, static_cast<int32_t>(levels_.size()));
        if (!added.second) {
            repeats_from_ = added.first->second;
            period_ = static_cast<int64_t>(levels_.size()) - repeats_from_;
            return;
        }
        levels_.push_back(std::move(level));
    }

    void extend() {
        const Level& last = levels_.back();
        Level level(last.size(), false);
        std::vector<int32_t> stack;
        for (size_t at = 0; at < last.size(); ++at)
            if (last[at])
                for (auto [from, continues] : before_[at])
                    if (!continues) stack.push_back(from);
        close(level, stack);
        push(std::move(level));
    }
};

}  // namespace tokentrellis
