// How bitmaps of tokens are written: as one of a few patterns, with some words changed.
//
// In comes a bitmap, 16 KB for 128,000 tokens; out comes the pattern that it is nearest to and what has to be changed. The bitmaps
// of a vocabulary's tables and rows are many and lie far from the processor, but nearly all are near to one of a few: what may come
// within a string, before a key, after a value. Of 60,000 steps along the documents of JSON Schemas 98 % have rows that differ from
// one of twelve patterns in at most 192 of 2,004 words, and in 39 at the mean. To copy a pattern that is in use all the time and
// to change so many words takes half the time of fetching 16 KB from the third cache, and what is kept of a row is 500 bytes: the
// steps of documents take 8 % less time, those at the 75th percentile 13 %. A bitmap that is far from all patterns becomes one, in
// place of the one that fewest were near to of late; as long as rows still name so many old ones that they take their limit, it is
// copied as it is. Cost: a comparison (3,000 cycles), when a bitmap is written for the second time.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "cache_limits.hpp"

namespace tokentrellis {

using Bitmap = std::vector<uint64_t>;

// Write a bitmap into `words` 32-bit words of packed bits, id 0 in the lowest bit of the first. What it lacks is 0.
inline void write_bitmap(const Bitmap& bitmap, uint32_t* out, size_t words) {
    const size_t have = std::min(words, bitmap.size() * 2);
    if (have > 0) std::memcpy(out, bitmap.data(), have * 4);
    if (have < words) std::memset(out + have, 0, (words - have) * 4);
}

// A pattern and the words of it that are changed.
class Difference {
public:
    bool known() const { return pattern_ != nullptr; }
    bool has(int32_t id) const {
        const uint32_t place = static_cast<uint32_t>(id) >> 6;
        const auto change = std::lower_bound(changes_.begin(), changes_.end(), place, [](const Change& one, uint32_t other) { return one.place < other; });
        if (change != changes_.end() && change->place == place) return change->halves[id >> 5 & 1] >> (id & 31) & 1;
        return place < pattern_->size() && (*pattern_)[place] >> (id & 63) & 1;
    }
    void write(uint32_t* out, size_t words) const {
        write_bitmap(*pattern_, out, words);
        size_t n = changes_.size();
        for (; n > 0 && 2 * size_t{changes_[n - 1].place} + 2 > words; --n)
            if (2 * size_t{changes_[n - 1].place} < words) out[words - 1] = changes_[n - 1].halves[0];
        for (size_t i = 0; i < n; ++i) std::memcpy(out + 2 * size_t{changes_[i].place}, changes_[i].halves, 8);
    }
private:
    friend class Patterns;
    struct Change {
        uint32_t place;      // of a word of 64 bits
        uint32_t halves[2];  // what stands there, the lower half first
    };
    std::shared_ptr<const Bitmap> pattern_;
    std::vector<Change> changes_;  // by place
};

class Patterns {
public:
    explicit Patterns(size_t bitmap_words) : bitmap_words_(bitmap_words) { patterns_.push_back({std::make_shared<const Bitmap>(), {}, 0}); }

    // Memory of all patterns that were ever made, and the most of one difference. Those in use never take more than their limit.
    size_t n_bytes_made() const { return n_bytes_made_; }
    size_t most_bytes_of_a_difference() const { return most_changed_ * sizeof(Difference::Change) + 100; }

    // How a bitmap differs from the pattern that is nearest in a sample of its words. Not known: it is far from all of them, and there is
    // no room for another one.
    Difference find(const uint64_t* bits) { return find(bits, true); }
    // The same of a bitmap of a table. It is there to be copied itself, so it takes no other one's place.
    Difference find_for_table(const uint64_t* bits) { return find(bits, false); }

    // Memory for a bitmap that is to be compared: what stands in a caller's may be changed by another thread meanwhile.
    Bitmap& scratch() { return scratch_; }

private:
    static constexpr size_t MOST_CHANGED = 192;  // words of 64 bits
    static constexpr size_t NEAR = 64;           // what differs in more becomes a pattern while there is room
    static constexpr size_t MOST_PATTERNS = 16;  // of 128,000 tokens 256 KB, and a third of them are in use: the second cache holds them
    static constexpr size_t MOST_BYTES = cache_limit(16);  // of all patterns in use, most of which only rows still name
    using Sample = std::array<uint64_t, 128>;
    struct Pattern {
        std::shared_ptr<const Bitmap> bitmap;
        Sample sample;
        int64_t n_uses;  // halved whenever one is replaced, so that those whose rows are gone leave
    };
    const size_t bitmap_words_;
    const size_t pattern_bytes_ = bitmap_words_ * 8 + 200;
    const size_t most_changed_ = std::min(MOST_CHANGED, bitmap_words_ / 10);  // or a difference would not be much less than the bitmap
    const Bitmap zeros_ = Bitmap(bitmap_words_);
    Bitmap scratch_ = Bitmap(bitmap_words_);
    std::vector<Pattern> patterns_;  // the first is empty: nothing is allowed
    std::vector<Difference::Change> changes_;  // of the last comparison
    size_t n_bytes_made_ = 0;
    // Shared with the patterns: what a grammar's rows are made of may be freed by any thread, and after the vocabulary.
    std::shared_ptr<std::atomic<size_t>> n_bytes_in_use_ = std::make_shared<std::atomic<size_t>>(0);

    Difference find(const uint64_t* bits, bool may_replace) {
        const Sample sample = sample_of(bits);
        Pattern* nearest = nullptr;
        int least = std::numeric_limits<int>::max();
        for (Pattern& pattern : patterns_) {
            const int n = count_differing(pattern.sample, sample);
            if (n < least) nearest = &pattern, least = n;
        }
        Difference found;
        const bool has_room = patterns_.size() < MOST_PATTERNS;
        if (!compare(*nearest->bitmap, bits, has_room ? std::min(NEAR, most_changed_) : most_changed_)) {
            if (!(has_room || may_replace) || *n_bytes_in_use_ + pattern_bytes_ > MOST_BYTES) return found;
            nearest = &make(bits, sample);
        }
        nearest->n_uses += 1;
        found.pattern_ = nearest->bitmap;
        found.changes_ = changes_;
        return found;
    }

    Sample sample_of(const uint64_t* bits) const {
        Sample sample;
        for (size_t i = 0; i < sample.size(); ++i) sample[i] = bits[i * bitmap_words_ / sample.size()];
        return sample;
    }
    static int count_differing(const Sample& one, const Sample& other) {
        int n = 0;
        for (size_t i = 0; i < one.size(); ++i) n += one[i] != other[i];
        return n;
    }

    // A bitmap as a pattern of its own, in place of the one that fewest were near to of late where there are many.
    Pattern& make(const uint64_t* bits, const Sample& sample) {
        changes_.clear();
        n_bytes_made_ += pattern_bytes_;
        *n_bytes_in_use_ += pattern_bytes_;
        std::shared_ptr<const Bitmap> bitmap(new Bitmap(bits, bits + bitmap_words_), [total = n_bytes_in_use_, bytes = pattern_bytes_](const Bitmap* gone) {
            *total -= bytes;
            delete gone;
        });
        if (patterns_.size() < MOST_PATTERNS) return patterns_.emplace_back(Pattern{std::move(bitmap), sample, 0});
        for (Pattern& pattern : patterns_) pattern.n_uses /= 2;
        Pattern& least_used = *std::min_element(patterns_.begin() + 1, patterns_.end(), [](const Pattern& a, const Pattern& b) { return a.n_uses < b.n_uses; });
        return least_used = {std::move(bitmap), sample, 0};
    }

    // Collects the words in which a bitmap differs from a pattern. False: they are more than `most`.
    bool compare(const Bitmap& pattern, const uint64_t* bits, size_t most) {
        static constexpr size_t BLOCK = 8;
        const uint64_t* const expected = pattern.empty() ? zeros_.data() : pattern.data();
        changes_.clear();
        size_t first = 0;
        for (; first + BLOCK <= bitmap_words_; first += BLOCK) {
            uint64_t differing = 0;
            for (size_t place = first; place < first + BLOCK; ++place) differing |= bits[place] ^ expected[place];
            if (differing == 0) continue;
            compare(expected, bits, first, first + BLOCK);
            if (changes_.size() > most) return false;
        }
        compare(expected, bits, first, bitmap_words_);
        return changes_.size() <= most;
    }
    void compare(const uint64_t* expected, const uint64_t* bits, size_t first, size_t last) {
        for (size_t place = first; place < last; ++place) {
            if (bits[place] == expected[place]) continue;
            Difference::Change& change = changes_.emplace_back();
            change.place = static_cast<uint32_t>(place);
            std::memcpy(change.halves, &bits[place], 8);
        }
    }
};

// A bitmap that rows are made of.
class RowBitmap : public Bitmap {
public:
    using Bitmap::Bitmap;
    explicit RowBitmap(Bitmap bitmap) : Bitmap(std::move(bitmap)) {}
    RowBitmap(const RowBitmap&) = delete;
    RowBitmap& operator=(const RowBitmap&) = delete;
    ~RowBitmap() {
        if (!IS_CHECKED) return;
        for (volatile uint64_t& word : *this) word = 0xA5A5A5A5A5A5A5A5ull;  // or who goes on reading it may not be noticed
    }

    // With the most that its difference takes.
    size_t n_bytes() const { return size() * 8 + size() / 10 * 12; }

    // It must stay as it is from now on. The second time it is compared with the patterns.
    void write(uint32_t* out, size_t words, Patterns& patterns) const {
        if (n_writes_ == 1) difference_ = patterns.find_for_table(data());
        if (n_writes_ < 2) ++n_writes_;
        if (difference_.known()) difference_.write(out, words);
        else write_bitmap(*this, out, words);
    }

private:
    mutable Difference difference_;
    mutable int8_t n_writes_ = 0;  // at most 2
};

}  // namespace tokentrellis
