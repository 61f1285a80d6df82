// The states of matchers: interned sets of configurations, with their transitions by token and their finished rows.
//
// One `States` serves all matchers of a compiled grammar. A step that was made before is one look-up; a row that was
// made before is one copy. What is stored here belongs to the grammar and is freed with it.
#pragma once

#include "bits.hpp"
#include "cache_limits.hpp"
#include "masks.hpp"
#include "repetitions.hpp"

namespace tokentrellis {

constexpr int32_t REJECTED = -1;

class States {
public:
    States(Network& network, const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens)
        : network_(network), masks_(network), costs_(network), repetitions_(network, costs_, buffer, offsets, n_tokens), buffer_(buffer), offsets_(offsets), n_tokens_(n_tokens) {
        begin();
    }
    // The network has its beginning.
    void begin() { start_ = intern({{AT_CONTINUATION, network_.start_continuation(), 0}}); }

    int32_t start() const { return start_; }
    size_t size() const { return entries_.size(); }
    Costs& costs() { return costs_; }
    Network& network() { return network_; }

    const Configurations& configurations(int32_t state) const { return entries_[state].set; }

    // The number of a state that is given by its configurations, sorted and each once.
    int32_t intern(const Configurations& set) {
        const uint64_t key = hash(set);
        const int32_t first = index_.find(key);
        for (int32_t state = first; state != FlatMap::MISSING; state = entries_[state].same_hash)
            if (entries_[state].set == set) return state;
        int32_t made = static_cast<int32_t>(entries_.size());
        entries_.emplace_back();
        entries_.back().set = set;
        if (first == FlatMap::MISSING) {
            index_.insert(key, made);
        } else {
            entries_.back().same_hash = entries_[first].same_hash;
            entries_[first].same_hash = made;
        }
        return made;
    }

    // The bytes of a token: from the first to the second; none if it is no text.
    std::pair<const uint8_t*, const uint8_t*> text_of(int32_t token) const {
        if (token < 0 || token >= n_tokens_) return {buffer_, buffer_};
        return {buffer_ + offsets_[token], buffer_ + offsets_[token + 1]};
    }

    bool accepting(int32_t state) {
        Entry& entry = entries_[state];
        if (entry.accepting < 0) {
            bool value = network_.accepting(entry.set);
            entries_[state].accepting = value;
        }
        return entries_[state].accepting;
    }

    const Row& row(int32_t state) {
        const Entry& entry = entries_[state];
        return entry.has_row ? entry.row : make_row(state);
    }

    // Write the row of a state that was written before, if that is all there is to it without a budget: a fifth less work.
    bool write_known(int32_t state, const Tracker* tracker, uint32_t* out, size_t words, const std::vector<int32_t>& end_ids) {
        const Entry& entry = entries_[state];
        if (!entry.is_plain || (tracker != nullptr && !repetitions_.clears_nothing(*tracker))) return false;
        entry.row.write(out, words, network_.lexicon.patterns, end_ids);
        return true;
    }
    // A state has been written whose row allows something.
    void note_written(int32_t state, const Tracker* tracker) {
        Entry& entry = entries_[state];
        const bool repeats_nothing = tracker == nullptr ? !network_.distinct_keys && !network_.distinct_items : entry.knows_doubtful && entry.doubtful.empty();
        entry.is_plain = entry.has_row && !entry.row.empty() && repeats_nothing;
    }

    // The state after a token, or REJECTED. EOS is not a token here.
    int32_t accept(int32_t state, int32_t token) {
        uint64_t key = pair_key(state, token);
        int32_t known = transitions_.find(key);
        if (known != FlatMap::MISSING) return known;
        if (!walk(state, token)) return REJECTED;
        int32_t to = intern(current_);
        if (!can_end(to)) return REJECTED;
        if (transitions_.size() >= MAX_TRANSITIONS) transitions_.clear();
        transitions_.insert(key, to);
        return to;
    }

    bool allows(int32_t state, int32_t token) {
        if (network_.lexicon.lacks_bytes()) return accept(state, token) != REJECTED;
        if (transitions_.find(pair_key(state, token)) != FlatMap::MISSING) return true;
        if (entries_[state].has_row) return entries_[state].row.has(token);
        return walk(state, token);
    }

    // The same with a tracker, which goes on with the token if it is allowed.
    int32_t accept(int32_t state, int32_t token, Tracker& tracker) {
        if (repetitions_.only_adds_text(tracker, token)) return accept(state, token);
        Rewind rewind(tracker);
        int32_t to = REJECTED;
        if (repetitions_.is_simple(tracker, token) && (!is_mixed(state) || repetitions_.is_special(token))) {
            to = accept(state, token);
            if (to != REJECTED && !repetitions_.feed(entries_[state].set, token, tracker)) to = REJECTED;
            if (network_.documents && to != REJECTED && !tracker.outside_documents() && !sides(to).any) tracker.leave_document();
        } else if (allows(state, token) && repetitions_.walk(entries_[state].set, token, tracker, current_)) {
            to = intern(current_);
            if (!can_end(to)) to = REJECTED;
        }
        if (to != REJECTED) rewind.keep();
        return to;
    }
    bool allows(int32_t state, int32_t token, Tracker& tracker) {
        if (!allows(state, token)) return false;
        if (repetitions_.is_special(token)) return true;
        if (repetitions_.is_simple(tracker, token) && !is_mixed(state)) return repetitions_.allows_simple(entries_[state].set, token, tracker);
        Rewind rewind(tracker);
        return repetitions_.walk(entries_[state].set, token, tracker, current_);
    }
    int32_t read(int32_t state, const uint8_t* bytes, size_t& length, Tracker& tracker) {
        Rewind rewind(tracker);
        current_ = entries_[state].set;
        for (size_t i = 0; i < length; ++i) {
            if (repetitions_.step(current_, bytes[i], tracker) && repetitions_.keep_viable(current_, tracker) && can_end(current_)) continue;
            length = i;
            return REJECTED;
        }
        rewind.keep();
        return intern(current_);
    }
    // Whether some readings are in a document that the tracker follows, and others are not. Their rows and costs are made apart.
    bool is_mixed(int32_t state) { return network_.documents && sides(state).both(); }
    std::pair<int32_t, int32_t> parts(int32_t state) {
        Configurations inside = entries_[state].set, others = inside;
        repetitions_.reading().keep_documents(inside);
        repetitions_.reading().drop_documents(others);
        const int32_t first = intern(inside);
        return {first, intern(others)};
    }
    int64_t cost(int32_t state, Tracker& tracker) {
        const Rewind rewind(tracker);
        if (is_mixed(state) && tracker.endangered()) {
            const auto [inside, others] = parts(state);
            return std::min(cost(inside, tracker), cost(others));
        }
        return tracker.endangered() ? repetitions_.cost(entries_[state].set, tracker) : cost(state);
    }
    // Clear what would repeat a key or an item from the row of a state, which was made within this budget.
    void correct(int32_t state, Tracker& tracker, uint32_t* row, size_t words, int64_t budget) {
        const Rewind rewind(tracker);  // where what the grammar is asked for fails half-way, the tracker is as it was
        try {
            correct_row(state, tracker, row, words, budget);
        } catch (...) {
            tracker.forget_correction();
            throw;
        }
    }

    // The state after some bytes, or REJECTED; `length` becomes the number of bytes that could be read.
    int32_t read(int32_t state, const uint8_t* bytes, size_t& length) {
        current_ = entries_[state].set;
        for (size_t i = 0; i < length; ++i) {
            network_.step(current_, bytes[i], following_);
            if (following_.empty() || !can_end(following_)) {
                length = i;
                return REJECTED;
            }
            current_.swap(following_);
        }
        return intern(current_);
    }

    ByteSet next_bytes(int32_t state) { return next_bytes(entries_[state].set); }

    // The bytes that must come next: as long as there is exactly one way on and the text may not end. `ends` becomes
    // whether the text must end after them.
    std::vector<uint8_t> forced_bytes(int32_t state, bool& ends, size_t most = 4096) {
        std::vector<uint8_t> forced;
        Configurations set = entries_[state].set, following;
        while (forced.size() < most) {
            bool accepting = network_.accepting(set);
            int only = single_byte(set);
            ends = accepting && only == NO_BYTE;
            if (accepting || only < 0) break;
            forced.push_back(static_cast<uint8_t>(only));
            network_.step(set, static_cast<uint8_t>(only), following);
            set.swap(following);
        }
        return forced;
    }

    // Whether the vocabulary can write an end; only one that lacks bytes may lack what a grammar asks for.
    bool can_end(int32_t state) { return !network_.lexicon.lacks_bytes() || cost(state) < IMPOSSIBLE; }
    bool can_end(const Configurations& set) { return !network_.lexicon.lacks_bytes() || costs_.of(set) < IMPOSSIBLE; }

    int64_t cost(int32_t state) {
        if (entries_[state].cost < 0) {
            int64_t value = costs_.of(entries_[state].set);
            entries_[state].cost = value;
        }
        return entries_[state].cost;
    }

    // The row of a state, less the tokens after which the document could not be finished with `budget` - 1 tokens.
    // With at least 1 + the worst cost after any allowed token the budget forbids nothing; that bound is kept.
    const Row& row_within(int32_t state, int64_t budget) {
        if (entries_[state].worst < 0) {
            Budget unlimited{costs_, IMPOSSIBLE};
            masks_.make_row(entries_[state].set, &unlimited);
            entries_[state].worst = unlimited.worst;
        }
        if (1 + entries_[state].worst <= budget) return row(state);
        Budget limited{costs_, budget - 1};
        limited_row_ = masks_.make_row(entries_[state].set, &limited);
        limited_row_.accepting &= budget >= 1;
        return limited_row_;
    }

    // The same where the texts of its configurations have taken so many tokens (token_limits.hpp).
    const Row& row_after(int32_t state, const std::vector<int32_t>& n_used, int64_t budget) {
        const bool is_bounded = budget < IMPOSSIBLE || network_.lexicon.lacks_bytes();
        Budget limited{costs_, is_bounded ? budget - 1 : static_cast<int64_t>(IMPOSSIBLE)};
        limited_row_ = masks_.make_row(entries_[state].set, &limited, &n_used);
        limited_row_.accepting &= budget >= 1;
        return limited_row_;
    }

    // Whether the row of a state is the same whatever was read before and with this budget as without one, as far as is known.
    bool is_free(int32_t state, int64_t budget, const Tracker* tracker) {
        if (network_.lexicon.lacks_bytes()) return false;
        if (budget < IMPOSSIBLE && (entries_[state].worst < 0 || 1 + entries_[state].worst > budget)) return false;
        return tracker == nullptr || (!is_mixed(state) && is_ample(state, *tracker, budget) && repetitions_.is_settled(*tracker));
    }

private:
    void correct_row(int32_t state, Tracker& tracker, uint32_t* row, size_t words, int64_t budget) {
        const int64_t left = is_ample(state, tracker, budget) ? IMPOSSIBLE : budget - 1;
        if (!tracker.outside_documents() || left < IMPOSSIBLE) return repetitions_.correct(state, entries_[state].set, tracker, row, words, left, doubtful(state, tracker, row, words, left));
        // What opens a document can repeat only what it has itself: the same each time.
        std::unique_ptr<std::vector<int32_t>>& repeating = entries_[state].repeating;
        if (!repeating) {
            const std::vector<uint32_t> before(row, row + words);
            repetitions_.correct(state, entries_[state].set, tracker, row, words, left, nullptr);
            repeating = std::make_unique<std::vector<int32_t>>();
            for (size_t word = 0; word < words; ++word)
                for (uint32_t cleared = before[word] & ~row[word]; cleared != 0; cleared &= cleared - 1)
                    repeating->push_back(static_cast<int32_t>(32 * word) + count_trailing_zeros(cleared));
        }
        for (int32_t token : *repeating) row[token >> 5] &= ~(1u << (token & 31));
    }

    // Keys of any text differ from all others with a few characters more: with so much room the budget forbids nothing.
    static constexpr int64_t ROOM_TO_DIFFER = 8;
    bool is_ample(int32_t state, const Tracker& tracker, int64_t budget) {
        if (budget >= IMPOSSIBLE) return true;
        return entries_[state].worst >= 0 && 1 + entries_[state].worst + ROOM_TO_DIFFER <= budget && !(network_.distinct_items && tracker.in_compared()) && network_.others_are_plain();
    }

    // Null where what was read decides which readings are left, and so what a key is: where items are compared.
    const std::vector<int32_t>* doubtful(int32_t state, Tracker& tracker, const uint32_t* row, size_t words, int64_t left) {
        if (tracker.in_parts() || left < IMPOSSIBLE || (network_.distinct_items && tracker.in_compared())) return nullptr;
        Entry& entry = entries_[state];
        if (!entry.knows_doubtful) entry.doubtful = repetitions_.find_doubtful(entry.set, tracker, row, words), entry.knows_doubtful = true;
        return &entry.doubtful;
    }

    struct Entry {
        Configurations set;
        Row row;
        bool has_row = false, knows_doubtful = false;
        bool is_plain = false;  // the row may be written as it is, where no tracker knows of a repetition
        int8_t accepting = -1;
        std::unique_ptr<std::vector<int32_t>> repeating;  // tokens that repeat something by themselves, outside of documents
        std::vector<int32_t> doubtful;  // Repetitions::find_doubtful
        int8_t sides = -1;  // whether some are in a document (1), some are not (2)
        int64_t cost = -1, worst = -1;
        int32_t same_hash = FlatMap::MISSING;
    };
    static constexpr size_t MAX_TRANSITIONS = 1 << 20;
    static constexpr size_t MOST_ROW_BYTES = cache_limit(32);  // then rows are made again

    const Row& make_row(int32_t state) {
        Budget limits{costs_, IMPOSSIBLE};  // of terminals, if there are any
        Row made = masks_.gather_row(entries_[state].set, network_.has_limits ? &limits : nullptr);
        if (n_row_bytes_ > MOST_ROW_BYTES) forget_rows();
        n_row_bytes_ += (network_.driver ? own_rows_ : network_.lexicon.shared_rows).share(made);
        masks_.trim(made);
        Entry& entry = entries_[state];
        entry.row = std::move(made), entry.has_row = true;
        return entry.row;
    }
    void forget_rows() {
        for (size_t state = 0; state < entries_.size(); ++state) entries_[state].row = {}, entries_[state].has_row = entries_[state].is_plain = false;
        n_row_bytes_ = 0;
    }

    Reading::Sides sides(int32_t state) {
        if (entries_[state].sides < 0) {
            const Reading::Sides found = repetitions_.reading().in_documents(entries_[state].set);
            entries_[state].sides = static_cast<int8_t>(found.any + 2 * found.others);
        }
        return {(entries_[state].sides & 1) != 0, (entries_[state].sides & 2) != 0};
    }

    Network& network_;
    Masks masks_;
    Costs costs_;
    Repetitions repetitions_;
    const uint8_t* buffer_;
    const int32_t* offsets_;
    const int32_t n_tokens_;
    StableList<Entry> entries_;
    FlatMap index_;  // the first state with a hash; the others hang on it
    FlatMap transitions_;
    Configurations current_, following_;
    Row limited_row_;
    SharedRows own_rows_{network_.lexicon.patterns};  // of parse tables, whose bitmaps are the grammar's
    size_t n_row_bytes_ = 0;
    int32_t start_;

    static uint64_t hash(const Configurations& set) {
        uint64_t h = set.size();
        for (const Configuration& c : set) h = hash_pair(h, hash_pair(pair_key(c.state, c.link), static_cast<uint32_t>(c.extra)));
        return h;
    }

    // Leaves the configurations after the token in current_.
    bool walk(int32_t state, int32_t token) {
        if (token < 0 || token >= n_tokens_) return false;
        const uint8_t *byte = buffer_ + offsets_[token], *end = buffer_ + offsets_[token + 1];
        if (byte == end) return walk_special(state, token);
        network_.step(entries_[state].set, *byte, current_);  // entries stay where they are
        while (!current_.empty() && ++byte != end) {
            network_.step(current_, *byte, following_);
            current_.swap(following_);
        }
        return !current_.empty();
    }

    bool walk_special(int32_t state, int32_t token) {
        current_.clear();
        for (const Configuration& c : entries_[state].set)
            if (c.state == AT_CONTINUATION)
                for (auto [id, continuation] : network_.closure(c.link).special_tokens)
                    if (id == token) current_.push_back({AT_CONTINUATION, continuation, 0});
        std::sort(current_.begin(), current_.end());
        current_.erase(std::unique(current_.begin(), current_.end()), current_.end());
        return !current_.empty();
    }

    bool has_special(const Configurations& set) {
        for (const Configuration& c : set)
            if (c.state == AT_CONTINUATION && !network_.closure(c.link).special_tokens.empty()) return true;
        return false;
    }

    ByteSet next_bytes(const Configurations& set) {
        ByteSet bytes{};
        Configurations following;
        for (int byte = 0; byte < 256; ++byte) {
            network_.step(set, static_cast<uint8_t>(byte), following);
            if (!following.empty()) bytes[byte >> 6] |= 1ull << (byte & 63);
        }
        return bytes;
    }

    static constexpr int NO_BYTE = -1, SEVERAL = -2;

    int single_byte(const Configurations& set) {
        if (has_special(set)) return SEVERAL;
        Configurations following;
        int only = NO_BYTE;
        for (int byte = 0; byte < 256; ++byte) {
            network_.step(set, static_cast<uint8_t>(byte), following);
            if (following.empty()) continue;
            if (only >= 0) return SEVERAL;
            only = byte;
        }
        return only;
    }
};

}  // namespace tokentrellis
