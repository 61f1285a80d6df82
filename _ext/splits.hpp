// What walks of the vocabulary find: views, sets of tokens, splits. Plain data; lexicon.hpp makes and keeps it.
#pragma once

#include "arena.hpp"
#include "bits.hpp"
#include "json_string.hpp"
#include "patterns.hpp"

namespace tokentrellis {

// The subtree below a node of a trie: what is left of tokens. {0, 0} is the whole vocabulary.
struct View {
    int32_t trie = 0, node = 0;
    bool operator==(const View& other) const { return trie == other.trie && node == other.node; }
    bool operator<(const View& other) const { return trie != other.trie ? trie < other.trie : node < other.node; }
};

inline uint64_t hash_pair(uint64_t a, uint64_t b) {
    uint64_t h = (a ^ (b * 0x9E3779B97F4A7C15ull)) * 0xFF51AFD7ED558CCDull;
    return h ^ h >> 29;
}

struct ViewKey {
    View view;
    int32_t a, b, c;
    bool operator==(const ViewKey& o) const { return view == o.view && a == o.a && b == o.b && c == o.c; }
};
struct ViewKeyHash {
    size_t operator()(const ViewKey& k) const {
        uint64_t view = static_cast<uint64_t>(static_cast<uint32_t>(k.view.trie)) << 32 | static_cast<uint32_t>(k.view.node);
        return hash_pair(hash_pair(view, static_cast<uint32_t>(k.a)), static_cast<uint64_t>(static_cast<uint32_t>(k.b)) << 32 | static_cast<uint32_t>(k.c));
    }
};

// A set of token ids: a bitmap if there are many, else a list.
struct TokenSet {
    std::unique_ptr<RowBitmap> bitmap;
    std::vector<int32_t> ids;
    bool empty() const { return !bitmap && ids.empty(); }
    size_t n_bytes() const { return (bitmap ? bitmap->n_bytes() : 0) + ids.size() * sizeof(int32_t); }

    // The set of a bitmap with few bits, as a list.
    static TokenSet list_of(const Bitmap& bitmap) {
        TokenSet set;
        for (size_t word = 0; word < bitmap.size(); ++word)
            for (uint64_t bits = bitmap[word]; bits; bits &= bits - 1) set.ids.push_back(static_cast<int32_t>(word * 64 + count_trailing_zeros(bits)));
        return set;
    }
};

// What a view lets through at a continuation: tokens, and where the stack that they are read on is empty, what is left of tokens then.
// Not separable: some tokens of an exit must not be taken.
struct Rests {
    Span<int32_t> tokens;
    Span<View> exits;
    bool separable = true;
    size_t n_bytes() const { return tokens.n_bytes() + exits.n_bytes() + 100; }
};

struct Exit {
    int32_t label;
    View rest;
    bool made = true;  // the rest; where it is large it waits for somebody who reads it (Lexicon::rest)
};

struct Split {
    TokenSet inner;
    std::vector<Exit> exits;      // one for each label
    std::vector<int32_t> ends;    // the states in which inner tokens end (ask Lexicon::ends)
    bool knows_ends = true;       // a split made from a similar one does not
    std::vector<std::pair<int32_t, int32_t>> leaving;  // (label, node) in the order of the nodes: what the exits unite
    size_t n_bytes() const { return sizeof(Split) + inner.n_bytes() + exits.size() * sizeof(Exit) + ends.size() * 4 + leaving.size() * 8; }
};

// What a view lets through from a state that is not varied, before it is settled.
struct Leaf {
    std::vector<int32_t> ids;
    std::vector<std::pair<int32_t, int32_t>> leaving;
    size_t n_bytes() const { return sizeof(Leaf) + ids.size() * 4 + leaving.size() * 8; }
};

// A split that is made from a similar one: what leaves it is taken over node by node, in their order.
struct Patch {
    Split& split;
    const std::vector<std::pair<int32_t, int32_t>>& leaving;  // of the similar split, in the order of the nodes
    size_t next;
    void keep(int32_t from, int32_t end) {
        skip(from);
        for (; next < leaving.size() && leaving[next].second < end; ++next) split.leaving.push_back(leaving[next]);
    }
    void skip(int32_t end) {
        while (next < leaving.size() && leaving[next].second < end) ++next;
    }
};

// How a view reads the prefix of a JSON string: the nodes with tokens that end inside the prefix, and the nodes just after
// an opening quote.
struct Opening {
    std::vector<std::pair<int32_t, int32_t>> inside;  // (node, state)
    std::vector<int32_t> tokens;                      // all tokens of these nodes
    std::vector<int32_t> opened;
    size_t n_bytes() const { return sizeof(Opening) + inside.size() * 8 + tokens.size() * 4 + opened.size() * 4; }
};

struct CountedSplit {
    struct Inner {
        int32_t characters, state;
        std::vector<int32_t> ids;
    };
    struct Leaving {
        int32_t characters, node;
    };
    std::vector<Inner> inner;      // sorted by the number of characters
    std::vector<Leaving> leaving;  // a node of the view's trie just after the closing quote
    int32_t most_characters = 0;
    size_t n_bytes() const {
        size_t bytes = sizeof(CountedSplit) + inner.size() * sizeof(Inner) + leaving.size() * sizeof(Leaving);
        for (const Inner& group : inner) bytes += group.ids.size() * 4;
        return bytes;
    }
};

}  // namespace tokentrellis
