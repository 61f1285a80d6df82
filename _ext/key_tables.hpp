// What a vocabulary knows about the keys of objects, for all its grammars: names recur from schema to schema, and so do undeclared
// keys with values that are told by their type.
//
// In come a text that has to follow within a string, or a state in which a key of any text is read and the kind of its value; out
// come the tokens that spell a part of that text, or one bitmap of the tokens within such a key and in its value. Both are found by
// whoever asks first (masks.hpp) and kept here, up to a limit. A state within a key costs a few look-ups then, where it took a walk
// along the letters, each of which is a line of memory far away, and a list of 200 tokens: of a state that is new to a grammar, a
// third of the time.
#pragma once

#include <algorithm>
#include <string_view>

#include "cache_limits.hpp"
#include "flat_map.hpp"
#include "trie.hpp"
#include "view_map.hpp"

namespace tokentrellis {

// What tokens of the vocabulary spell of a text and its closing quote, from a state of a string on.
struct Spelled {
    Span<int32_t> tokens;  // they end within the text, or with its quote
    Span<int32_t> closed;  // nodes of the vocabulary, after the quote
};

class SpelledTexts {
public:
    // Null: not known.
    const Spelled* find(int32_t state, std::string_view text) const {
        const int32_t first = index_.find(hash(state, text));
        for (int32_t at = first; at != FlatMap::MISSING; at = entries_[at].same_hash)
            if (entries_[at].state == state && entries_[at].is(text)) return &entries_[at].spelled;
        return nullptr;
    }
    // Keep what was found; what was kept before may be gone then.
    const Spelled& keep(int32_t state, std::string_view text, const std::vector<int32_t>& tokens, const std::vector<int32_t>& closed) {
        if (n_bytes_ > MOST_BYTES) clear();
        const uint64_t key = hash(state, text);
        const int32_t first = index_.find(key), made = static_cast<int32_t>(entries_.size());
        Entry& entry = entries_.emplace_back();
        entry.state = state;
        entry.text = arena_.keep(Span<char>(text.data(), text.size()));
        entry.spelled = {arena_.keep(tokens), arena_.keep(closed)};
        n_bytes_ += sizeof(Entry) + 48 + text.size() + entry.spelled.tokens.n_bytes() + entry.spelled.closed.n_bytes();
        if (first == FlatMap::MISSING) {
            index_.insert(key, made);
        } else {
            entry.same_hash = entries_[first].same_hash;
            entries_[first].same_hash = made;
        }
        return entry.spelled;
    }
    size_t n_bytes() const { return n_bytes_; }

private:
    static constexpr size_t MOST_BYTES = cache_limit(4);
    struct Entry {
        Span<char> text;
        Spelled spelled;
        int32_t state = 0, same_hash = FlatMap::MISSING;
        bool is(std::string_view other) const { return std::string_view(text.begin(), text.size()) == other; }
    };
    FlatMap index_;  // the first entry with a hash; the others hang on it
    StableList<Entry> entries_;
    Arena arena_;
    size_t n_bytes_ = 0;

    static uint64_t hash(int32_t state, std::string_view text) { return hash_pair(std::hash<std::string_view>()(text), static_cast<uint32_t>(state)); }
    void clear() {
        index_.clear(), arena_.clear();
        entries_ = StableList<Entry>();
        n_bytes_ = 0;
    }
};

// A key of any text, less those that begin in one way, and its value: what a state within it lets through, but for what comes after
// the value.
struct OtherKey {
    struct Exit {
        View rest;
        bool is_mixed;  // some of these tokens, not all, begin in that way
    };
    RowBitmap tokens;
    std::vector<Exit> exits;
};

class OtherKeys {
public:
    // less: the node below which the tokens are that are left out; 0: none are. Null: not known.
    const OtherKey* find(int32_t state, int32_t value, int32_t less) {
        const std::unique_ptr<OtherKey>* known = keys_.find({{0, less}, state, value, 0});
        return known == nullptr ? nullptr : known->get();
    }
    bool is_full() const { return n_keys_ == MOST_KEYS; }

    // inner: the tokens within the key. rests: what the value lets through of what is left of tokens after it.
    const OtherKey& make(int32_t state, int32_t value, int32_t less, const Bitmap& inner, const Rests& rests, const std::vector<std::unique_ptr<Trie>>& tries) {
        auto made = std::make_unique<OtherKey>();
        made->tokens.assign(inner.begin(), inner.end());
        for (int32_t id : rests.tokens) made->tokens[id >> 6] |= 1ull << (id & 63);
        Bitmap left_out(inner.size());
        if (less != 0)
            for (const int32_t* id = tries[0]->begin_ids(less); id != tries[0]->end_subtree_ids(less); ++id) left_out[*id >> 6] |= 1ull << (*id & 63);
        for (size_t word = 0; word < inner.size(); ++word) made->tokens[word] &= ~left_out[word];
        for (const View exit : rests.exits) {
            const Trie& source = *tries[exit.trie];
            const int32_t *first = source.end_ids(exit.node), *last = source.end_subtree_ids(exit.node);
            const auto n_left_out = std::count_if(first, last, [&](int32_t id) { return left_out[id >> 6] >> (id & 63) & 1; });
            if (n_left_out < last - first) made->exits.push_back({exit, n_left_out > 0});
        }
        n_keys_ += 1;
        return *(keys_[{{0, less}, state, value, 0}] = std::move(made));
    }

private:
    static constexpr size_t MOST_KEYS = 128;  // 2 MB for 128,000 tokens
    ViewMap<std::unique_ptr<OtherKey>> keys_;
    size_t n_keys_ = 0;
};

}  // namespace tokentrellis
