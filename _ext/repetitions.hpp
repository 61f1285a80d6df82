// No key twice, no item twice: what the tracker knows, applied to states and rows.
//
// A grammar may demand that no object has a key twice, and its states that the items of an array differ (`distinct`). In come
// configurations and a tracker of the text so far. A reading that arrives at a `distinct` state with an item that equals an
// earlier one is dropped; a key that comes again ends all readings. A token is allowed only if afterwards what has been begun
// can still become something new (ways_out.hpp); within a budget, if it can do so in the tokens left (lookahead.hpp).
// A row is corrected, never made anew. Looked at are the tokens that follow a text already seen (a walk of the vocabulary
// beside the texts seen, where any is), those that go on past a comma, and, where other keys have come, those that close one.
// Cost: where nothing is kept and nothing compared, the tracker's bytes and a look at a few short lists; where the keys of an
// object are all that can repeat, a look-up for each of them; where items are compared, a walk for each token with a comma.
#pragma once

#include "lookahead.hpp"
#include "ways_out.hpp"

namespace tokentrellis {

class Repetitions {
public:
    Repetitions(Network& network, Costs& costs, const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens)
        : network_(network), lookahead_(network, costs, new_texts_, buffer, offsets, n_tokens), buffer_(buffer), offsets_(offsets), n_tokens_(n_tokens) {}

    // Whether nothing of a token can be wrong but a key that it closes: then it may be judged without following its readings.
    // Where documents are parts of the text, also what opens one, which others may be reading as something else.
    bool is_simple(const Tracker& tracker, int32_t token) {
        if (is_special(token)) return true;
        const uint8_t traits = traits_of(token);
        if (tracker.in_parts() && (traits & (CommaTokens::OPENS_ARRAY | CommaTokens::OPENS_OBJECT)) && (tracker.outside_documents() || tokens_.closers[token] > 0)) return false;
        if (tracker.outside_documents()) return true;
        const bool comma = traits & CommaTokens::COMMA;
        if (network_.distinct_items && (tracker.has_items() || tracker.in_awaiting() || (traits & CommaTokens::OPENS_ARRAY) || (comma && tracker.in_compared()))) return false;
        return !network_.others_may_run_out() || !(tracker.active() || (comma && (traits & CommaTokens::KEY_FIRST)));
    }

    // Whether a token only goes on with a string that nothing is compared with.
    bool only_adds_text(const Tracker& tracker, int32_t token) {
        return tracker.in_free_text() && !network_.documents && !network_.distinct_items && token >= 0 && token < n_tokens_ &&
               !(traits_of(token) & CommaTokens::LEAVES_TEXT) && !network_.others_may_run_out();
    }

    // Whether `correct` without a budget clears nothing in any state that has nothing doubtful.
    bool clears_nothing(const Tracker& tracker) {
        return !tracker.active() && !tracker.in_parts() && !network_.distinct_items && !network_.has_repeating && !network_.others_may_run_out();
    }

    bool is_special(int32_t token) const { return token < 0 || token >= n_tokens_ || offsets_[token] == offsets_[token + 1]; }

    // Feed the tracker with a simple token that is allowed otherwise; false if it closes a key that is there already.
    bool feed(const Configurations& from, int32_t token, Tracker& tracker) { return feed(from, buffer_ + offsets_[token], buffer_ + offsets_[token + 1], tracker); }

    // The same without the tracker going on.
    bool allows_simple(const Configurations& from, int32_t token, Tracker& tracker) {
        if (!(traits_of(token) & CommaTokens::QUOTE)) return true;
        Rewind rewind(tracker);
        return feed(from, token, tracker);
    }

    // Whether a token is allowed, repetitions considered. Leaves its configurations in `to` and the tracker advanced; the
    // caller undoes that.
    bool walk(const Configurations& from, int32_t token, Tracker& tracker, Configurations& to, int64_t left = IMPOSSIBLE) {
        to = from;
        return reading_.read(to, buffer_ + offsets_[token], buffer_ + offsets_[token + 1], tracker) && keep_viable(to, tracker, left);
    }

    // One byte: false if no reading goes on so.
    bool step(Configurations& set, uint8_t byte, Tracker& tracker) { return reading_.step(set, byte, tracker); }

    // Tokens to the end, where something is endangered.
    int64_t cost(const Configurations& set, Tracker& tracker) { return lookahead_.least(set, tracker); }

    // Whether what has been begun can become something new.
    bool is_viable(const Configurations& set, Tracker& tracker) { return ways_out_.exist(set, tracker); }

    // Drop the readings that cannot: those in a document, where there are others. False if none is left.
    bool keep_viable(Configurations& set, Tracker& tracker, int64_t left = IMPOSSIBLE) {
        if (!tracker.in_parts() || !tracker.endangered() || !reading_.in_documents(set).both()) return may_end(set, tracker, left);
        Configurations inside = set;
        reading_.keep_documents(inside);
        if (may_end(inside, tracker, left)) return true;
        reading_.drop_documents(set);
        tracker.leave_document();
        return may_end(set, tracker, left);
    }
    const Reading& reading() const { return reading_; }

    // Clear the tokens of a row that would repeat something. left: tokens that may still be written after one of these.
    // There is no budget, and whatever key has been begun can become a new one (*settled*: keys are wrong only when they close):
    //     an array must repeat an item        tokens that close arrays                              correct_closing
    //     always                              tokens that close a key that has come                 correct_keys
    //     items are compared                  all that is below
    // There is a budget, or keys may run out:
    //     something has come, or is compared  tokens that complete a key or an item and more        find_repeating, completing
    //                                         tokens that only go past a comma, unless another key  find_repeating, others;
    //                                         is always to be had                                   kept for a string
    //     nothing has come                    tokens that hold two keys or items themselves         find_repeating, first_and_more
    //     what is read may repeat something   tokens along that text                                explore
    // doubtful: what `find_doubtful` gave for the state; null where that does not hold.
    void correct(int32_t state, const Configurations& set, Tracker& tracker, uint32_t* row, size_t words, int64_t left, const std::vector<int32_t>* doubtful) {
        const bool compares = network_.distinct_items && tracker.in_compared();
        const bool keys_settled = left >= IMPOSSIBLE && !network_.others_may_run_out();
        if (network_.has_repeating) correct_closing(set, tracker, row, words, left);
        if (keys_settled) {
            if (tracker.active() || doubtful == nullptr || !doubtful->empty()) correct_keys(set, tracker, row, words, doubtful);
            if (!compares) return;
        }
        lookahead_.forget();
        const bool endangered = keys_settled ? tracker.item_endangered() : tracker.endangered();
        const bool all = tracker.active() || compares;
        const bool recalls = network_.has_recalling && tracker.in_awaiting();
        const bool text_matters = endangered || recalls;  // of the string that is read, for what comes after it
        found_.clear();
        find_repeating(all ? tokens_.completing : tokens_.first_and_more, set, tracker, row, words, left, !all, true, found_);
        clear(row, found_.data(), found_.data() + found_.size());
        const bool first_item = tracker.in_distinct() && !tracker.active();  // what comes after its comma repeats it, perhaps
        const bool begins_may_fail = left < IMPOSSIBLE || recalls || first_item || !never_used_up(tracker);
        if (all && begins_may_fail) {
            bool is_known = false;
            Tracker::Correction& correction = tracker.correction(text_matters || left < IMPOSSIBLE ? -1 : state, is_known);
            if (!is_known)
                find_repeating(tracker.outside_strings() ? tokens_.others : tokens_.others_after_quote, set, tracker, row, words, left, false,
                               text_matters || !tracker.in_plain_text() || (left < IMPOSSIBLE && !is_one_string(set)), correction.tokens);
            clear(row, correction.tokens.data(), correction.tokens.data() + correction.tokens.size());
        }
        if (endangered) explore(0, set, tracker, row, left, false);
        viable_.clear();
    }

    // The tokens of a row that may repeat something all within themselves: that close a key after a comma of theirs which the
    // grammar does not name, or repeat an item of an array that they open. What was read before plays no role, so a state's are
    // found once: most states have none, and a string in an array allows 20 tokens with such a comma.
    std::vector<int32_t> find_doubtful(const Configurations& set, Tracker& tracker, const uint32_t* row, size_t words) {
        std::vector<int32_t> found;
        Configurations to;
        auto look_at = [&](const std::vector<int32_t>& tokens) {
            for (int32_t token : tokens) {
                if (!has(row, words, token)) continue;
                Rewind rewind(tracker);
                const size_t mark = tracker.mark();
                if (!walk(set, token, tracker, to) || tracker.closed_open_key_since(mark)) found.push_back(token);
            }
        };
        look_at(network_.lexicon.key_tokens.several);
        if (network_.distinct_items) look_at(tokens_.opening_arrays);
        return found;
    }

    // Whether `correct` without a budget clears the same tokens for every tracker of which this is true: nothing has come that
    // a token could repeat, and no key is being read; what a token repeats of itself hangs on the state only.
    bool is_settled(const Tracker& tracker) {
        return !tracker.active() && !tracker.in_compared() && !tracker.in_key_text() && !network_.has_repeating && !network_.has_recalling && !network_.others_may_run_out();
    }

private:
    static constexpr int8_t UNKNOWN = -1, EACH = -2;  // verdicts: of no token yet, to be given to each

    Network& network_;
    Configurations fed_, following_;
    Reading reading_{network_};
    NewTexts new_texts_{network_};
    WaysOut ways_out_{network_, new_texts_};
    Lookahead lookahead_;
    const uint8_t* const buffer_;
    const int32_t* const offsets_;
    const int32_t n_tokens_;
    const CommaTokens& tokens_ = network_.lexicon.comma_tokens;
    const uint8_t* const traits_ = tokens_.traits.data();  // by token
    std::vector<std::pair<Configurations, bool>> viable_;  // of one correction: before a key or an item is begun
    std::vector<int32_t> found_;

    uint8_t traits_of(int32_t token) const { return static_cast<uint32_t>(token) < static_cast<uint32_t>(n_tokens_) ? traits_[token] : 0; }

    static bool has(const uint32_t* row, size_t words, int32_t token) {
        return static_cast<size_t>(token >> 5) < words && (row[token >> 5] >> (token & 31) & 1);
    }
    // Of the tokens that `matters` holds for, clear those that are not allowed.
    template <class Matters>
    void clear_repeating(const std::vector<int32_t>& tokens, const Configurations& set, Tracker& tracker, uint32_t* row, size_t words, int64_t left, const Matters& matters) {
        Configurations to;
        for (int32_t token : tokens) {
            if (!has(row, words, token) || !matters(token)) continue;
            Rewind rewind(tracker);
            if (!walk(set, token, tracker, to, left)) clear(row, &token, &token + 1);
        }
    }

    // The same where only a key that closes can be wrong.
    void correct_keys(const Configurations& set, Tracker& tracker, uint32_t* row, size_t words, const std::vector<int32_t>* doubtful) {
        auto look_at = [&](const std::vector<int32_t>& tokens) {
            clear_repeating(tokens, set, tracker, row, words, IMPOSSIBLE, [](int32_t) { return true; });
        };
        const KeyTokens& tokens = network_.lexicon.key_tokens;
        if (doubtful != nullptr) {
            look_at(*doubtful);
        } else {
            look_at(tokens.several);
            if (network_.distinct_items) look_at(tokens_.opening_arrays);
        }
        if (!tracker.active()) return;
        const Tracker::Keys keys = tracker.endangered_keys();
        if (keys.begin == keys.end) return;
        if (keys.in_escape) {
            explore(0, set, tracker, row, IMPOSSIBLE, false);
            viable_.clear();
            return;
        }
        found_.clear();
        for (const std::string* key = keys.begin; key != keys.end; ++key) {
            const auto* found = keys.begun ? KeyTokens::find(tokens.closing, tokens.longest_closing, *key, keys.read)
                                           : KeyTokens::find(tokens.whole, tokens.longest_whole, *key, 0);
            if (found != nullptr) found_.insert(found_.end(), found->begin(), found->end());
        }
        // Whatever follows, they close a key that is there; beside documents, others may read the same as no key.
        if (tracker.in_parts()) look_at(found_);
        else clear(row, found_.data(), found_.data() + found_.size());
        look_at(tokens.unclear);
    }

    // Tokens that end an array which must still repeat an item, and perhaps do not; and those that go on with blanks after an
    // item, which a layout, or a budget, may leave to the end of the array only. Any other comes out as the row has it.
    void correct_closing(const Configurations& set, Tracker& tracker, uint32_t* row, size_t words, int64_t left) {
        const int closing = tracker.in_awaiting() ? tracker.levels_to_compared() + 1 : INT32_MAX;
        const bool in_string = !tracker.outside_strings();
        auto look_at = [&](const std::vector<int32_t>& tokens, int closers) {
            clear_repeating(tokens, set, tracker, row, words, left, [&](int32_t token) {
                const uint8_t traits = traits_of(token);
                return (tokens_.closers[token] >= closers || (traits & CommaTokens::OPENS_ARRAY)) && (!in_string || (traits & CommaTokens::QUOTE));
            });
        };
        look_at(tokens_.closing_arrays, closing);
        if (tracker.in_awaiting()) look_at(tokens_.before_blanks, 0);
    }

    // Whether a token can begin with the first key or item of an object or array and go past its comma to trouble.
    bool can_repeat_alone(uint8_t traits, int64_t left) {
        if (network_.distinct_items && (traits & CommaTokens::OPENS_ARRAY)) return true;
        return (traits & CommaTokens::TWO_KEYS) || ((traits & CommaTokens::KEY_FIRST) && (left < IMPOSSIBLE || network_.others_may_run_out()));
    }

    bool feed(const Configurations& from, const uint8_t* begin, const uint8_t* end, Tracker& tracker) {
        const uint8_t* read = begin;  // `fed_` stands here, once it is needed
        auto advance = [&](const uint8_t* to) -> const Configurations& {
            if (to == begin) return from;
            if (read == begin) fed_ = from;
            for (; read < to; ++read) network_.step(fed_, *read, following_), fed_.swap(following_);
            return fed_;
        };
        for (const uint8_t* byte = begin; byte < end; ++byte) {
            const bool opens_array = *byte == '[' && network_.distinct_items && tracker.outside_strings();
            tracker.feed(*byte, tracker.closes_key(*byte) && reading_.is_other_key(advance(byte)));
            if (tracker.repeats_key()) return false;
            if (opens_array) reading_.note_opened(advance(byte + 1), tracker);
        }
        return true;
    }

    // Whether only keys can repeat, and there is always another one.
    bool never_used_up(const Tracker& tracker) { return !tracker.has_items() && !network_.others_may_run_out(); }

    bool may_end(const Configurations& set, Tracker& tracker, int64_t left) {
        if (left < IMPOSSIBLE) return lookahead_.fits(set, tracker, left);
        return !tracker.endangered() || never_used_up(tracker) || is_viable(set, tracker);
    }
    // The same where many tokens of white space lead to the same place.
    bool may_end_here(const Configurations& set, Tracker& tracker, int64_t left) {
        if (left < IMPOSSIBLE || !tracker.before_text() || never_used_up(tracker)) return may_end(set, tracker, left);
        for (const auto& [known, viable] : viable_)
            if (known == set) return viable;
        viable_.emplace_back(set, may_end(set, tracker, left));
        return viable_.back().second;
    }

    // ---- tokens that go past a comma: into another key, another item -----------------------------------------------------
    // alone: only those that can do so by themselves. each: whether every token has to be looked at; in a string that repeats
    // nothing, what comes before the quote plays no role where nothing is complete after the comma, so that one token stands
    // for all that are equal from there on.
    void find_repeating(const std::vector<int32_t>& tokens, const Configurations& set, Tracker& tracker, const uint32_t* row, size_t words,
                        int64_t left, bool alone, bool each, std::vector<int32_t>& found) {
        Configurations to;
        const bool in_string = !tracker.outside_strings();
        // Where only items can repeat, what is compared is over when these brackets have closed, or opens in the token itself.
        const int closing = left >= IMPOSSIBLE && !network_.others_may_run_out() && tracker.in_compared() ? tracker.levels_to_compared() : 0;
        std::vector<int8_t> verdicts(each ? 0 : tokens_.n_endings, UNKNOWN);
        for (int32_t token : tokens) {
            if (!has(row, words, token)) continue;
            const uint8_t traits = traits_of(token);
            if (in_string && !(traits & CommaTokens::CLOSES_STRING)) continue;
            if (tokens_.closers[token] < closing && !(traits & CommaTokens::OPENS_ARRAY)) continue;
            if (alone && !can_repeat_alone(traits, left)) continue;
            const int32_t ending = each ? -1 : tokens_.endings[token];
            int8_t repeats = ending < 0 ? EACH : verdicts[ending];
            if (repeats < 0) {
                Rewind rewind(tracker);
                // Within a budget the text before the quote plays a role, unless there is room whatever it is.
                const bool limited = left < IMPOSSIBLE;
                const bool settled = limited && repeats == UNKNOWN && ending >= 0 && ends_anyhow(set, token, tracker, to, left);
                repeats = !settled && !walk(set, token, tracker, to, left);
                if (ending >= 0) verdicts[ending] = !limited || settled ? repeats : EACH;
            }
            if (repeats) found.push_back(token);
        }
    }

    // Whether a token is allowed, and all that are equal from their first quote on with it. Takes back what it reads.
    bool ends_anyhow(const Configurations& from, int32_t token, Tracker& tracker, Configurations& to, int64_t left) {
        Rewind rewind(tracker);
        to = from;
        return reading_.read(to, buffer_ + offsets_[token], buffer_ + offsets_[token + 1], tracker) && lookahead_.fits_whatever(to, tracker, left);
    }

    // Whether one string is being read, and what comes after it does not depend on its text.
    bool is_one_string(const Configurations& set) const {
        if (set.size() != 1 || set[0].state == AT_CONTINUATION) return false;
        const Edge* edge = network_.edge_at(set[0]);
        return edge != nullptr && (edge->kind == STRING_EDGE || (edge->kind == OTHERS_EDGE && !edge->labelled));
    }

    // ---- tokens that follow a text seen ----------------------------------------------------------------------------------
    // dropped: a reading was dropped above, so the row is wrong wherever the readings that are left do not go on.
    void explore(int32_t node, const Configurations& set, Tracker& tracker, uint32_t* row, int64_t left, bool dropped) {
        const Trie& trie = *network_.lexicon.tries[0];
        Configurations to;
        ByteSet bytes{~0ull, ~0ull, ~0ull, ~0ull};  // those that matter
        if (!dropped) {
            bytes = tracker.dangerous_bytes();
            const ByteSet possible = network_.possible_bytes(set);
            for (int word = 0; word < 4; ++word) bytes[word] &= possible[word];
        }
        for (int32_t child = node + 1; child < trie.nodes[node].end; child = trie.nodes[child].end) {
            const uint8_t byte = trie.nodes[child].byte;
            if (!contains(bytes, byte)) continue;
            const size_t mark = tracker.mark();
            if (!dropped) {
                tracker.feed(byte, tracker.closes_key(byte) && reading_.is_other_key(set));
                const bool safe = !tracker.repeats_key() && !tracker.repeats_item() && !tracker.endangered();
                tracker.undo(mark);
                if (safe) continue;  // the row knows what it costs
            }
            to = set;
            if (!step(to, byte, tracker)) {
                clear(row, trie.begin_ids(child), trie.end_subtree_ids(child));
            } else {
                if (trie.begin_ids(child) != trie.end_ids(child) && !may_end_here(to, tracker, left)) clear(row, trie.begin_ids(child), trie.end_ids(child));
                explore(child, to, tracker, row, left, dropped || tracker.repeats_item());
            }
            tracker.undo(mark);
        }
    }
    static void clear(uint32_t* row, const int32_t* id, const int32_t* last) {
        for (; id != last; ++id) row[*id >> 5] &= ~(1u << (*id & 31));
    }
};

}  // namespace tokentrellis
