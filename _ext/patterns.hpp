// How bitmaps of tokens are written: as one of a few patterns, with some words changed.
//
// In comes a bitmap, 16 KB for 128,000 tokens; out comes the pattern that it is nearest to and what has to be changed. The bitmaps
// of a vocabulary's tables and rows are many and lie far from the processor, but nearly all are near to one of a few: what may come
// within a string, before a key, after a value. Of 60,000 steps along the documents of JSON Schemas 98 % have rows that differ from
// one of twelve patterns in at most 192 of 2,004 words, and in 39 at the mean. To copy a pattern that is in use all the time and
// to change so many words takes half the time of fetching 16 KB from the third cache, and what is kept of a row is 500 bytes: the
// steps of documents take 8 % less time, those at the 75th percentile 13 %. A bitmap that is far from all patterns becomes one, in
// place of the one that fewest were near to. Cost: a comparison (3,000 cycles), when a bitmap is written for the second time.
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

    size_t bitmap_words() const { return bitmap_words_; }
    // Memory of the patterns that are in use, and of those that were made for bitmaps of tables.
    size_t n_bytes() const { return *n_bytes_; }
    size_t n_bytes_of_tables() const { return n_made_for_tables_ * bitmap_words_ * 8; }

    // How a bitmap, which starts at any address, differs from the pattern that is nearest in a sample of its words.
    Difference find(const void* bits) {
        const Sample sample = sample_of(static_cast<const char*>(bits));
        Pattern* nearest = nullptr;
        int least = std::numeric_limits<int>::max();
        for (Pattern& pattern : patterns_) {
            const int n = count_differing(pattern.sample, sample);
            if (n < least) nearest = &pattern, least = n;
        }
        if (!compare(*nearest->bitmap, bits, patterns_.size() < MOST_PATTERNS ? NEAR : MOST_CHANGED)) nearest = &make(bits, sample);
        nearest->n_uses += 1;
        Difference found;
        found.pattern_ = nearest->bitmap;
        found.changes_ = changes_;
        return found;
    }
    // The same of a bitmap of a table, which stays as long as the table.
    Difference find_for_table(const void* bits) {
        const size_t before = n_made_;
        Difference found = find(bits);
        n_made_for_tables_ += n_made_ - before;
        return found;
    }

private:
    static constexpr size_t MOST_CHANGED = 192;  // words of 64 bits
    static constexpr size_t NEAR = 64;           // what differs in more becomes a pattern while there is room
    static constexpr size_t MOST_PATTERNS = 16;  // of 128,000 tokens 256 KB, and a third of them are in use: the second cache holds them
    using Sample = std::array<uint64_t, 128>;
    struct Pattern {
        std::shared_ptr<const Bitmap> bitmap;
        Sample sample;
        int64_t n_uses;
    };
    const size_t bitmap_words_;
    const Bitmap zeros_ = Bitmap(bitmap_words_);
    std::vector<Pattern> patterns_;  // the first is empty: nothing is allowed
    std::vector<Difference::Change> changes_;  // of the last comparison
    size_t n_made_ = 0, n_made_for_tables_ = 0;
    // Shared with the patterns: what a grammar's rows are made of may be freed by any thread, and after the vocabulary.
    std::shared_ptr<std::atomic<size_t>> n_bytes_ = std::make_shared<std::atomic<size_t>>(0);

    Sample sample_of(const char* bits) const {
        Sample sample;
        for (size_t i = 0; i < sample.size(); ++i) std::memcpy(&sample[i], bits + i * bitmap_words_ / sample.size() * 8, 8);
        return sample;
    }
    static int count_differing(const Sample& one, const Sample& other) {
        int n = 0;
        for (size_t i = 0; i < one.size(); ++i) n += one[i] != other[i];
        return n;
    }

    // A bitmap as a pattern of its own.
    Pattern& make(const void* bits, const Sample& sample) {
        auto made = std::make_unique<Bitmap>(bitmap_words_);
        std::memcpy(made->data(), bits, bitmap_words_ * 8);
        *n_bytes_ += bitmap_words_ * 8;
        n_made_ += 1;
        changes_.clear();
        std::shared_ptr<const Bitmap> bitmap(made.release(), [total = n_bytes_](const Bitmap* gone) {
            *total -= gone->size() * 8;
            delete gone;
        });
        if (patterns_.size() < MOST_PATTERNS) return patterns_.emplace_back(Pattern{std::move(bitmap), sample, 0});
        Pattern& least_used = *std::min_element(patterns_.begin() + 1, patterns_.end(), [](const Pattern& a, const Pattern& b) { return a.n_uses < b.n_uses; });
        return least_used = {std::move(bitmap), sample, 0};
    }

    // Collects the words in which a bitmap differs from a pattern. False: they are more than `most`.
    bool compare(const Bitmap& pattern, const void* bits, size_t most) {
        static constexpr size_t BLOCK = 8;
        const char* const from = static_cast<const char*>(bits);
        const uint64_t* const expected = pattern.empty() ? zeros_.data() : pattern.data();
        changes_.clear();
        size_t first = 0;
        for (; first + BLOCK <= bitmap_words_; first += BLOCK) {
            uint64_t block[BLOCK], differing = 0;
            std::memcpy(block, from + first * 8, sizeof block);
            for (size_t i = 0; i < BLOCK; ++i) differing |= block[i] ^ expected[first + i];
            if (differing == 0) continue;
            compare(expected, from, first, first + BLOCK);
            if (changes_.size() > most) return false;
        }
        compare(expected, from, first, bitmap_words_);
        return changes_.size() <= most;
    }
    void compare(const uint64_t* expected, const char* from, size_t first, size_t last) {
        for (size_t place = first; place < last; ++place) {
            uint64_t word;
            std::memcpy(&word, from + place * 8, 8);
            if (word == expected[place]) continue;
            Difference::Change& change = changes_.emplace_back();
            change.place = static_cast<uint32_t>(place);
            std::memcpy(change.halves, &word, 8);
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

    // It must stay as it is from now on.
    void write(uint32_t* out, size_t words, Patterns& patterns) const {
        if (!difference_.known() && is_written_) difference_ = patterns.find_for_table(data());
        if (difference_.known()) difference_.write(out, words);
        else write_bitmap(*this, out, words);
        is_written_ = true;
    }

private:
    mutable Difference difference_;
    mutable bool is_written_ = false;
};

}  // namespace tokentrellis
