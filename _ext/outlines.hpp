// Outlines: objects and arrays that a front end hands over whole, so that their states are made here without asking for each.
//
// In comes what `PlainObject` and `PlainArray` of grammars/grammar.py say; out come, for a *place* (where a state of the object
// or the array stands: the names that may still come, or the index of the item), what may come there and the place after it.
// A state for each place would be as many questions to Python as a document has keys; so it is one for each object. Cost: a
// word for 64 names. network.hpp makes states and edges of it.
#pragma once

#include "configurations.hpp"
#include "literals.hpp"

namespace tokentrellis {

// The names that may still come, as a bit set or, where they come in a fixed order, as the number of those that are over; for an
// array the index of the item. The last word says whether something has come.
using Place = ShortList<uint64_t, 2>;

struct PlaceHash {
    size_t operator()(const Place& place) const {
        uint64_t hash = place.size();
        for (const uint64_t word : place) hash = hash_pair(hash, word);
        return hash;
    }
};

// Of an automaton for the first thing in brackets, and one for what comes after a comma; DEAD: nothing.
struct ByPosition {
    int32_t first = DEAD, later = DEAD;
    int32_t at(bool is_empty) const { return is_empty ? first : later; }
};

constexpr int32_t UNASKED = -1;

struct ObjectOutline {
    ByPosition name, other, close;     // of a declared name, an undeclared key, the bracket
    int32_t table = -1, excluded = -1;  // the names; those that an undeclared key must not be (-1: it may be any)
    int32_t n_before = 0;              // keys that may have come where another is required, and something has come
    bool any_order = false;
    LegalSet usable;
    std::vector<int32_t> order, rank;  // labels as their names are written, and the place of each
    std::vector<int32_t> required;     // labels, as their names are written
    std::vector<int32_t> values;       // the rule of the value: of an undeclared key, then by label; UNASKED if nothing asked for it
    int32_t begins = 0;                // the state that it was handed over as
    std::unordered_map<Place, int32_t, PlaceHash> states;  // of the grammar

    Place start() const {
        Place place{0, 0};
        if (!any_order) return place;
        place.clear();
        place.resize((order.size() + 63) / 64 + 1, ~0ull);
        if (order.size() & 63) place[order.size() >> 6] = (1ull << (order.size() & 63)) - 1;
        place.back() = 0;
        return place;
    }
    Place after_name(const Place& place, int32_t label) const {
        Place after(place);
        if (any_order) after[label >> 6] &= ~(1ull << (label & 63));
        else after[0] = static_cast<uint64_t>(rank[label]) + 1;
        after.back() = 1;
        return after;
    }
    Place after_other(const Place& place) const {
        Place after(place);
        if (!any_order) after[0] = order.size();  // undeclared keys are the last
        after.back() = 1;
        return after;
    }

    bool is_available(const Place& place, int32_t label) const {
        if (any_order) return place[label >> 6] >> (label & 63) & 1;
        return static_cast<uint64_t>(rank[label]) >= place[0];
    }
    // The first name that must still come; -1 if there is none.
    int32_t first_needed(const Place& place) const {
        for (int32_t label : required)
            if (is_available(place, label)) return label;
        return -1;
    }
    // The names that may come next: in a fixed order, none after one that must come.
    LegalSet legal(const Place& place, int32_t need) const {
        LegalSet set(usable);
        if (any_order) {
            for (size_t word = 0; word < set.words.size(); ++word) set.words[word] &= place[word];
            return set;
        }
        const size_t end = need < 0 ? order.size() : static_cast<size_t>(rank[need]) + 1;
        for (size_t i = 0; i < order.size(); ++i)
            if (i < place[0] || i >= end) set.words[order[i] >> 6] &= ~(1ull << (order[i] & 63));
        return set;
    }
};

struct ArrayOutline {
    ByPosition close;
    std::vector<int32_t> items;  // by index, the last for all that follow: the rule of an item with its comma; -1: there can be none
    int64_t least = 0, most = -1, top = 1;  // most < 0: no bound; indices from top on are one
    std::unordered_map<Place, int32_t, PlaceHash> states;

    Place start() const { return {0, 0}; }
    // The rule of the item at an index; -1: there can be none.
    int32_t item(int64_t index) const {
        if (most >= 0 && index >= most) return -1;
        return items[std::min(static_cast<size_t>(index), items.size() - 1)];
    }
    Place after(const Place& place) const { return {static_cast<uint64_t>(std::min(static_cast<int64_t>(place[0]) + 1, top)), 1}; }
};

}  // namespace tokentrellis
