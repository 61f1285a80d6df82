// The texts that have come and may come again: a range of sorted texts that begin alike, which is a node of their trie.
//
// In come the sorted keys of an object, or the sorted items of an array, and how much of them has been read; out come the
// ranges that go on with a byte. Nothing is built: a step is two binary searches.
#pragma once

#include "json_values.hpp"

namespace tokentrellis {

// Sorted texts of a frame, those that begin alike: [first, last) agree in the first `length` bytes.
class UsedTexts {
public:
    UsedTexts() = default;
    UsedTexts(const std::vector<std::string>* keys, const std::vector<uint64_t>* hashes, size_t first, size_t last, size_t length)
        : keys_(keys), hashes_(hashes), first_(first), last_(last), length_(length) {}
    UsedTexts(const ValueTable* values, const std::vector<int32_t>* items, size_t first, size_t last, size_t length)
        : values_(values), items_(items), first_(first), last_(last), length_(length) {}
    bool empty() const { return first_ == last_; }
    size_t size() const { return last_ - first_; }
    size_t length() const { return length_; }
    uint8_t next_byte() const { return static_cast<uint8_t>(text(first_)[length_]); }  // of the first
    // What tells them from others, whatever else has come.
    uint64_t digest() const {
        uint64_t sum = 0;
        for (size_t i = first_; i < last_; ++i) sum += hashes_ != nullptr ? (*hashes_)[i] : (*values_)[(*items_)[i]].hash;
        return sum;
    }
    // Whether what they agree in is one of them.
    bool is_text() const { return !empty() && text(first_).size() == length_; }
    // Those that go on with a byte.
    UsedTexts below(uint8_t byte) const {
        UsedTexts found = *this;
        auto next = [&](size_t i) { return text(i).size() > length_ ? static_cast<uint8_t>(text(i)[length_]) : -1; };
        found.first_ = point(first_, last_, [&](size_t i) { return next(i) < byte; });
        found.last_ = found.first_ == last_ || next(found.first_) != byte ? found.first_ : next(last_ - 1) == byte ? last_ : point(found.first_, last_, [&](size_t i) { return next(i) == byte; });
        ++found.length_;
        return found;
    }
    // Calls `visit` for those that end here, and for each byte that comes next.
    template <class Visit>
    void each_branch(const Visit& visit) const {
        for (UsedTexts rest = *this; !rest.empty();) {
            UsedTexts branch = rest;
            if (rest.is_text()) branch.last_ = point(rest.first_, rest.last_, [&](size_t i) { return text(i).size() == length_; });
            else branch = rest.below(rest.next_byte()), branch.length_ = length_;
            visit(branch);
            rest.first_ = branch.last_;
        }
    }

private:
    const std::vector<std::string>* keys_ = nullptr;
    const std::vector<uint64_t>* hashes_ = nullptr;  // of the keys
    const ValueTable* values_ = nullptr;
    const std::vector<int32_t>* items_ = nullptr;
    size_t first_ = 0, last_ = 0, length_ = 0;

    const std::string& text(size_t i) const { return keys_ != nullptr ? (*keys_)[i] : (*values_)[(*items_)[i]].text; }
    template <class Holds>
    static size_t point(size_t first, size_t last, const Holds& holds) {
        while (first < last) {
            const size_t middle = first + (last - first) / 2;
            if (holds(middle)) first = middle + 1;
            else last = middle;
        }
        return first;
    }
};

}  // namespace tokentrellis
