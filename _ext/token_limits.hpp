// Rules whose text takes so many tokens at most: how many it has taken, beside the states.
//
// Equal bytes give equal states, however they were cut, so a state cannot know it. A matcher of a grammar with such rules
// therefore keeps numbers of *counted states*: a state, and for each configuration that is inside of such a rule the tokens
// that have at least a byte in its text. (The rule is one terminal, which the grammar state behind it says: `most_tokens`.)
// Of several ways to read a text that meet in one configuration the one with the fewest tokens is kept, as all that follows is
// open to it. A token is allowed if afterwards some configuration can still end its terminal within the tokens that are left
// to it, in tokens of its own (`Costs::fewest`); one that cannot is dropped. Costs to the end count these tokens, so that what they
// say holds for these grammars too.
// Cost: a step reads the bytes of its token once more where it goes on with such a text; a mask is the state's until the limit is
// near, then made anew. A counted state is some 100 bytes, and there are as many as limits are high and their texts have states.
#pragma once

#include "states.hpp"

namespace tokentrellis {

class TokenLimits {
public:
    explicit TokenLimits(States& states) : states_(states), network_(states.network()) {}

    int32_t start() { return intern(states_.start(), {}); }
    size_t size() const { return entries_.size(); }
    int32_t state_of(int32_t counted) const { return entries_[counted].state; }

    // As those of `States`, with counted states. What the tracker has read is taken back if the token is not allowed.
    int32_t accept(int32_t counted, int32_t token, Tracker* tracker) {
        const auto [begin, end] = states_.text_of(token);
        if (tracker == nullptr) return after(counted, states_.accept(entries_[counted].state, token), begin, end);
        Rewind rewind(*tracker);
        const int32_t to = after(counted, states_.accept(entries_[counted].state, token, *tracker), begin, end);
        if (to != REJECTED) rewind.keep();
        return to;
    }
    bool allows(int32_t counted, int32_t token, Tracker* tracker) {
        if (tracker != nullptr) {
            Rewind rewind(*tracker);
            return accept(counted, token, tracker) != REJECTED;
        }
        if (network_.lexicon.lacks_bytes()) return accept(counted, token, nullptr) != REJECTED;
        // Nothing is learnt by a question.
        if (!states_.allows(entries_[counted].state, token)) return false;
        const auto [begin, end] = states_.text_of(token);
        std::vector<Counted> going_on;
        const Configurations begun = read_texts(counted, begin, end, going_on);
        const auto can_end = [this](const Configuration& c, int32_t n_used) { return !states_.costs().exceeds_limit(c, n_used, 1); };
        return begin == end || std::any_of(begun.begin(), begun.end(), [&](const Configuration& c) { return can_end(c, 1); }) ||
               std::any_of(going_on.begin(), going_on.end(), [&](const Counted& text) { return can_end(text.at, text.n_used); });
    }
    // The bytes count as one token. `length` becomes the number that can be read as one.
    int32_t read(int32_t counted, const uint8_t* bytes, size_t& length, Tracker* tracker) {
        const size_t wanted = length;
        for (;;) {
            size_t n_read = length;
            const int32_t to = read_all(counted, bytes, n_read, tracker);
            if (to != REJECTED) return length == wanted ? to : REJECTED;
            length = n_read < length ? n_read : length - 1;
            if (length == 0) return REJECTED;
        }
    }

    // Whether no limit is near: the row of the state is that of the counted state.
    bool is_ample(int32_t counted) {
        Entry& entry = entries_[counted];
        if (entry.is_ample < 0) {
            entry.is_ample = true;
            for (size_t i = 0; i < entry.n_used.size(); ++i) {
                const Configuration c = states_.configurations(entry.state)[i];
                if (entry.n_used[i] > 0 && 1 + entry.n_used[i] + states_.costs().most_to_end(c.state) > network_.token_limit(c.link)) entry.is_ample = false;
            }
        }
        return entry.is_ample;
    }
    // Clear what no reading has tokens left for from the row of the state, which was made within this budget.
    void restrict_row(int32_t counted, int64_t budget, uint32_t* row, size_t words, Patterns& patterns, const std::vector<int32_t>& end_ids) {
        const Entry& entry = entries_[counted];
        std::vector<uint32_t> allowed(words);
        states_.row_after(entry.state, entry.n_used, budget).write(allowed.data(), words, patterns, end_ids);
        for (size_t word = 0; word < words; ++word) row[word] &= allowed[word];
    }

private:
    struct Entry {
        int32_t state = 0;
        std::vector<int32_t> n_used;  // by configuration; none where nothing is counted
        int8_t is_ample = -1;
    };
    States& states_;
    Network& network_;
    StableList<Entry> entries_;
    std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> index_;  // by state and numbers of tokens

    int32_t intern(int32_t state, std::vector<int32_t> n_used) {
        std::vector<int32_t> key(n_used);
        key.push_back(state);
        const auto [found, is_new] = index_.emplace(std::move(key), static_cast<int32_t>(entries_.size()));
        if (is_new) {
            Entry& entry = entries_.emplace_back();
            entry.state = state, entry.n_used = std::move(n_used);
        }
        return found->second;
    }

    int32_t limit_of(const Configuration& c) { return c.state == AT_CONTINUATION ? 0 : network_.token_limit(c.link); }

    int32_t read_all(int32_t counted, const uint8_t* bytes, size_t& length, Tracker* tracker) {
        const size_t wanted = length;
        const int32_t state = entries_[counted].state;
        if (tracker == nullptr) {
            const int32_t read = states_.read(state, bytes, length);
            return length < wanted ? REJECTED : after(counted, read, bytes, bytes + length);
        }
        Rewind rewind(*tracker);
        const int32_t read = states_.read(state, bytes, length, *tracker);
        const int32_t to = length < wanted ? REJECTED : after(counted, read, bytes, bytes + length);
        if (to != REJECTED) rewind.keep();
        return to;
    }

    // The counted state after a token, given the state after it; REJECTED if no reading is left.
    int32_t after(int32_t counted, int32_t to, const uint8_t* begin, const uint8_t* end) {
        if (to == REJECTED) return REJECTED;
        if (begin == end && to == entries_[counted].state) return counted;
        const Configurations& set = states_.configurations(to);
        if (std::none_of(set.begin(), set.end(), [this](const Configuration& c) { return limit_of(c) > 0; })) return intern(to, {});
        std::vector<Counted> going_on;
        Configurations begun, kept;
        if (!entries_[counted].n_used.empty()) begun = read_texts(counted, begin, end, going_on);
        std::vector<int32_t> n_used;
        for (const Configuration& c : set) {
            const int32_t n = limit_of(c) > 0 ? least_used(c, begun, going_on) : 0;
            if (n > 0 && states_.costs().exceeds_limit(c, n, 1)) continue;
            kept.push_back(c);
            n_used.push_back(n);
        }
        if (kept.empty()) return REJECTED;
        if (kept.size() < set.size()) to = states_.intern(kept);
        if (std::all_of(n_used.begin(), n_used.end(), [](int32_t n) { return n == 0; })) n_used.clear();
        return intern(to, std::move(n_used));
    }

    struct Counted {
        Configuration at;
        int32_t n_used;
    };
    // The readings after some bytes, in two parts: those that are still in the limited text in which they were, with the tokens
    // that it has taken then (`going_on`), and all others, for which a limited text has begun within these bytes.
    Configurations read_texts(int32_t counted, const uint8_t* begin, const uint8_t* end, std::vector<Counted>& going_on) {
        const Entry& entry = entries_[counted];
        Configurations others, following;
        const Configurations& set = states_.configurations(entry.state);
        for (size_t i = 0; i < set.size(); ++i) {
            if (entry.n_used.empty() || entry.n_used[i] == 0) others.push_back(set[i]);
            else going_on.push_back({set[i], entry.n_used[i] + 1});
        }
        Automata& automata = network_.lexicon.automata;
        for (; begin != end; ++begin) {
            following.clear();
            for (const Configuration& c : others) network_.step(c, *begin, following);
            size_t n_kept = 0;
            for (Counted& text : going_on) {
                const int32_t to = automata.step(text.at.state, *begin);
                if (to == DEAD) continue;
                if (automata.label(to) >= 0) following.push_back({AT_CONTINUATION, text.at.link, 0});
                if (automata.exhausted(to)) continue;
                text.at.state = to;
                going_on[n_kept++] = text;
            }
            going_on.resize(n_kept);
            network_.settle(following);
            others.swap(following);
        }
        return others;
    }

    static int32_t least_used(const Configuration& c, const Configurations& begun, const std::vector<Counted>& going_on) {
        int32_t least = INT32_MAX;
        for (const Counted& text : going_on)
            if (text.at == c) least = std::min(least, text.n_used);
        return least == INT32_MAX || std::binary_search(begun.begin(), begun.end(), c) ? 1 : least;
    }
};

}  // namespace tokentrellis
