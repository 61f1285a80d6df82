// Whether a document can still be finished in so many tokens, what it may not repeat considered.
//
// In come configurations, a tracker and the tokens left. The costs of the configurations (costs.hpp) know nothing of the texts
// that have come, and while what is being read may become one of them (it is *endangered*) they can be too low. So
//     fits(here, left) = cost(here) <= left, and if endangered, fits(here after some token, left - 1).
// A mask allows the tokens after which it holds, and `least` is the smallest `left` for which it holds: one function decides
// both, so where a budget fits some token is allowed, as long as no search is given up. Where nothing is endangered the cost
// alone has to be right: it counts for each item (key) still to come what it may cost to differ (detours.hpp): of the texts
// listed there one is new, its tokens meet no cost above what was counted, and each is allowed by the rule above. Where no
// such list is known the cost is UNPROMISED, and no budget suffices.
// How it is decided: a byte that leads out of danger, nearly always. Else, in a key or in a string that is an item, a new text
// written byte by byte is looked for along the earlier ones (new_texts.hpp): that is never given up, and where there is no new
// text at all, nothing fits. Last comes a search by tokens, for what fits only because a token has several bytes, and for
// numbers, arrays and objects as items. It is given up after MOST_STEPS in one mask, and then says no: so a promise can be
// broken there only, if all ways on that cost less than the budget lead through more than so many tokens tried.
// Cost: some microseconds, nearly always; a walk of the earlier texts that begin alike; for the search, seconds at most. What
// was found out is kept until the tracker goes on.
#pragma once

#include "bits.hpp"
#include "masks.hpp"
#include "new_texts.hpp"

namespace tokentrellis {

class Lookahead {
public:
    Lookahead(Network& network, Costs& costs, NewTexts& new_texts, const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens)
        : network_(network), costs_(costs), new_texts_(new_texts), reading_(network), masks_(network), buffer_(buffer), offsets_(offsets), n_tokens_(n_tokens) {}

    // What was found out is kept until then.
    void forget() {
        known_.clear();
        steps_ = MOST_STEPS;
    }

    bool fits(const Configurations& set, Tracker& tracker, int64_t left) {
        const int64_t cost = costs_.of(set);
        if (cost > left) {
            short_ = std::min(short_, cost - left);
            return false;
        }
        if (!tracker.endangered()) return true;
        const std::string key = Reading::describe(set, tracker);
        auto known = known_.find(key);
        if (known != known_.end()) {
            if (left >= known->second.enough) return true;
            if (left <= known->second.fails) {
                short_ = std::min(short_, known->second.short_by + known->second.fails - left);
                return false;
            }
        }
        const int64_t others_short = short_;
        short_ = IMPOSSIBLE;
        Known& now = known_[key];  // others are added below, and leave it where it is
        const bool found = decide(now, set, tracker, left);
        if (found) now.enough = std::min(now.enough, left);
        else if (left > now.fails) now.fails = left, now.short_by = short_;
        short_ = found ? others_short : std::min(others_short, short_);
        return found;
    }

    // Whether it holds whatever one string, not known here, has come as well: two bytes lead out of danger, and a text begins
    // with one of them at most. Never wrongly true; for tokens that end alike but read the ends of different strings.
    bool fits_whatever(const Configurations& set, Tracker& tracker, int64_t left) {
        if (costs_.of(set) > left) return false;
        int routes = 0;
        return count_routes(set, tracker, left - 1, routes, tracker.before_text());
    }

    // The fewest tokens for which it holds; IMPOSSIBLE if there are none.
    int64_t least(const Configurations& set, Tracker& tracker) {
        forget();
        int64_t left = costs_.of(set);
        while (left < IMPOSSIBLE) {
            short_ = IMPOSSIBLE;
            if (fits(set, tracker, left)) return left;
            left = std::min(IMPOSSIBLE, left + short_);
        }
        return IMPOSSIBLE;
    }

private:
    static constexpr int MOST_STEPS = 500000;  // bytes and tokens tried; what is given up does not fit

    struct Known {
        int64_t enough = IMPOSSIBLE, fails = -1, short_by = IMPOSSIBLE;
        int64_t escape = IMPOSSIBLE;  // the least cost after a byte that leads out of danger
        bool tried_all = false;       // such bytes
    };

    Network& network_;
    Costs& costs_;
    NewTexts& new_texts_;
    Reading reading_;
    Masks masks_;
    const uint8_t* const buffer_;
    const int32_t* const offsets_;
    const int32_t n_tokens_;
    std::unordered_map<std::string, Known> known_;
    int64_t short_ = IMPOSSIBLE;  // how many tokens more would have changed something
    int steps_ = MOST_STEPS, depth_ = 0;  // of searches by tokens, one in another

    bool decide(Known& known, const Configurations& set, Tracker& tracker, int64_t left) {
        if (depth_ > 0 && steps_ <= 0) return false;
        UsedTexts used;
        if (!tracker.only_text_matters(used)) return escapes(known, set, tracker, left - 1) || finds(set, tracker, left - 1);
        const int64_t before = new_texts_.n_places();
        auto is_affordable = [&](const Configurations& to, uint8_t byte, int64_t n_read) {
            if (!is_token(byte)) return false;
            const int64_t cost = costs_.of(to);
            if (cost > left - n_read) short_ = std::min(short_, cost - (left - n_read));
            return cost <= left - n_read;
        };
        const bool exists = new_texts_.exist(set, tracker, used);
        const bool found = exists && new_texts_.exist_within(set, tracker, used, is_affordable);
        if (depth_ > 0) steps_ -= static_cast<int>(std::min<int64_t>(MOST_STEPS, new_texts_.n_places() - before));
        return found || (exists && network_.lexicon.tries[0]->max_depth > 1 && finds(set, tracker, left - 1));
    }

    bool is_token(uint8_t byte) const {
        const Trie& trie = *network_.lexicon.tries[0];
        const int32_t child = trie.child(0, byte);
        return child != 0 && trie.begin_ids(child) != trie.end_ids(child);
    }

    // Whether two bytes lead out of danger, here or after an opening quote.
    bool count_routes(const Configurations& set, Tracker& tracker, int64_t left, int& routes, bool may_open) {
        Configurations to;
        for (int place = 0; place < 256 && steps_ > 0; ++place) {
            const uint8_t byte = Reading::byte_at(place);
            if (byte <= ' ' || byte >= 0x7F || byte == '\\' || !is_token(byte)) continue;
            --steps_;
            Rewind rewind(tracker);
            to = set;
            if (!reading_.step(to, byte, tracker) || costs_.of(to) > left) continue;
            if (tracker.endangered()) {
                if (may_open && byte == '"' && count_routes(to, tracker, left - 1, routes, false)) return true;
            } else if (++routes == 2) {
                return true;
            }
        }
        return false;
    }

    // Whether a token of one byte leads out of danger, with so many left after it; or one after an opening quote and
    // the blanks that a layout asks for before it.
    bool escapes(Known& known, const Configurations& set, Tracker& tracker, int64_t left) {
        if (known.tried_all || known.escape <= left) return known.escape <= left;
        const bool may_open = tracker.before_text();
        const bool asks_for_blanks = may_open && only_blanks(set);  // a layout does
        Configurations to;
        for (int place = 0; place < 256; ++place) {
            const uint8_t byte = Reading::byte_at(place);
            if (!is_token(byte)) continue;
            const bool leads_on = may_open && (byte == '"' || (asks_for_blanks && Reading::is_blank(byte)));
            if (--steps_ < 0 && !leads_on) continue;
            Rewind rewind(tracker);
            to = set;
            if (!reading_.step(to, byte, tracker)) continue;
            const int64_t cost = costs_.of(to);
            if (tracker.endangered()) {
                if (leads_on && cost <= left && fits(to, tracker, left)) return true;
                continue;
            }
            known.escape = std::min(known.escape, cost);
            if (known.escape <= left) return true;
        }
        known.tried_all = steps_ >= 0;
        return false;
    }

    bool only_blanks(const Configurations& set) {
        const ByteSet bytes = network_.possible_bytes(set);
        for (int byte = 0; byte < 256; ++byte)
            if (contains(bytes, static_cast<uint8_t>(byte)) && !Reading::is_blank(static_cast<uint8_t>(byte))) return false;
        return true;
    }

    // The same for any token, and those after it.
    bool finds(const Configurations& set, Tracker& tracker, int64_t left) {
        Budget budget{costs_, left};
        const Row row = masks_.make_row(set, &budget);
        if (row.accepting && left >= 0) return true;
        if (budget.next < IMPOSSIBLE) short_ = std::min(short_, budget.next - left);
        const std::string here = Reading::describe(set, tracker);
        std::vector<std::pair<int64_t, int32_t>> endangered;  // the most promising first: (cost, token)
        Configurations to;
        const size_t n_words = network_.lexicon.bitmap_words;
        Bitmap bits(n_words, 0);
        row.write(reinterpret_cast<uint32_t*>(bits.data()), n_words * 2, network_.lexicon.patterns, {});
        for (size_t word = 0; word < n_words; ++word)
            for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
                const int32_t token = static_cast<int32_t>(word * 64) + count_trailing_zeros(rest);
                if (--steps_ < 0) return false;
                Rewind rewind(tracker);
                to = set;
                if (!walk(to, token, tracker)) continue;
                if (tracker.before_text() && to == set && Reading::describe(to, tracker) == here) continue;  // blanks lead nowhere
                const int64_t cost = costs_.of(to);
                if (cost > left) short_ = std::min(short_, cost - left);
                else if (!tracker.endangered()) return true;
                else endangered.push_back({cost, token});
            }
        std::sort(endangered.begin(), endangered.end());
        struct Deeper {
            int& depth;
            explicit Deeper(int& depth) : depth(depth) { ++depth; }
            ~Deeper() { --depth; }
        } deeper(depth_);
        for (auto [cost, token] : endangered) {
            Rewind rewind(tracker);
            to = set;
            if (walk(to, token, tracker) && fits(to, tracker, left)) return true;
        }
        return false;
    }

    bool walk(Configurations& set, int32_t token, Tracker& tracker) {
        if (token >= n_tokens_ || offsets_[token] == offsets_[token + 1]) return false;
        return reading_.read(set, buffer_ + offsets_[token], buffer_ + offsets_[token + 1], tracker);
    }
};

}  // namespace tokentrellis
