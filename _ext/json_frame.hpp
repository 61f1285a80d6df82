// One open bracket of a JSON text: what has come in it, as far as it decides what may be repeated. Plain data; tracker.hpp reads
// the text, keeps the frames, and takes back what they keep.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace tokentrellis {

struct JsonFrame {
    bool is_object = false, distinct = false, keeps = false;
    bool awaits = false;                // it must still repeat an item
    size_t repeated_at = 0;             // items when it no longer had to
    bool is_sorted = false;             // its items are kept sorted as well
    std::vector<int32_t> items, sorted;  // values, where they are kept
    uint64_t digest = 0, keys_digest = 0;  // of items, open keys
    std::vector<std::string> keys;      // of the items of an object
    std::string key;
    std::vector<std::string> open_keys;  // sorted
    std::vector<uint64_t> hashes;        // of them

    // The members of an object, in the order of their keys.
    std::vector<size_t> by_key() const {
        std::vector<size_t> order(items.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
        return order;
    }
};

}  // namespace tokentrellis
