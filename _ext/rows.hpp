// Rows: which tokens are allowed, as a few bitmaps of the vocabulary's tables and a list of ids, and how they are written.
//
// Many states have the same row: in every string before the same kind of end, whatever grammar it stands in. A long row is
// looked up by its content (SharedRows), and from the second time that it is written, by whatever state, it is a pattern with some
// words changed (patterns.hpp) in place of a pattern and hundreds of scattered bits. A short row stays as it is.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "cache_limits.hpp"
#include "flat_map.hpp"
#include "splits.hpp"

namespace tokentrellis {

// What is allowed, without the end of the text.
struct RowContent {
    struct Base {
        const RowBitmap* bitmap;
        std::vector<int32_t> removed;  // tokens of the bitmap that this configuration does not allow
        bool operator==(const Base& other) const { return bitmap == other.bitmap && removed == other.removed; }
    };
    std::vector<Base> bases;
    std::vector<int32_t> ids;

    bool operator==(const RowContent& other) const { return ids == other.ids && bases == other.bases; }
    bool empty() const { return bases.empty() && ids.empty(); }
    size_t n_bytes() const {
        size_t bytes = bases.size() * sizeof(Base) + ids.size() * 4;
        for (const Base& base : bases) bytes += base.removed.size() * 4;
        return bytes;
    }
    // Single bits that writing touches.
    size_t n_scattered() const {
        size_t bits = ids.size();
        for (const Base& base : bases) bits += base.removed.size();
        return bits;
    }
    bool has(int32_t id) const {
        for (const Base& base : bases)
            if ((*base.bitmap)[id >> 6] >> (id & 63) & 1 && std::find(base.removed.begin(), base.removed.end(), id) == base.removed.end())
                return true;
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    }

    void write(uint32_t* out, size_t words, Patterns& patterns) const {
        if (bases.empty()) std::memset(out, 0, words * 4);
        else bases[0].bitmap->write(out, words, patterns);
        change(out, words);
    }
    // Make of the first bitmap what is allowed.
    void change(uint32_t* out, size_t words) const {
        if (!bases.empty())
            for (int32_t id : bases[0].removed) out[id >> 5] &= ~(1u << (id & 31));
        for (size_t i = 1; i < bases.size(); ++i) {
            std::vector<int32_t> keep_clear;
            for (int32_t id : bases[i].removed)
                if (!(out[id >> 5] >> (id & 31) & 1)) keep_clear.push_back(id);
            const uint32_t* bits = reinterpret_cast<const uint32_t*>(bases[i].bitmap->data());
            const size_t have = std::min(words, bases[i].bitmap->size() * 2);
            for (size_t w = 0; w < have; ++w) out[w] |= bits[w];
            for (int32_t id : keep_clear) out[id >> 5] &= ~(1u << (id & 31));
        }
        for (int32_t id : ids) out[id >> 5] |= 1u << (id & 31);
    }
    // The same as a bitmap.
    Bitmap united(size_t bitmap_words) const {
        Bitmap bitmap(bitmap_words);
        if (!bases.empty()) bitmap = *bases[0].bitmap;
        change(reinterpret_cast<uint32_t*>(bitmap.data()), bitmap_words * 2);
        return bitmap;
    }
    // Two numbers at a time, in four chains, so that the multiplications of one do not wait for those of another: 0.05 us for 700 ids.
    uint64_t hash() const {
        uint64_t chains[4] = {ids.size(), bases.size(), 0x9E3779B97F4A7C15ull, 0xFF51AFD7ED558CCDull};
        auto mix = [&](const std::vector<int32_t>& numbers) {
            size_t at = 0;
            for (; at + 8 <= numbers.size(); at += 8) {
                uint64_t pairs[4];
                std::memcpy(pairs, numbers.data() + at, sizeof pairs);
                for (int chain = 0; chain < 4; ++chain) {
                    const uint64_t mixed = (chains[chain] ^ pairs[chain]) * 0x9E3779B97F4A7C15ull;
                    chains[chain] = mixed ^ mixed >> 32;
                }
            }
            for (; at < numbers.size(); ++at) chains[0] = (chains[0] ^ static_cast<uint32_t>(numbers[at])) * 0x9E3779B97F4A7C15ull;
        };
        mix(ids);
        for (const Base& base : bases) {
            chains[1] = hash_pair(chains[1], reinterpret_cast<uintptr_t>(base.bitmap));
            mix(base.removed);
        }
        return hash_pair(hash_pair(chains[0], chains[1]), hash_pair(chains[2], chains[3]));
    }
};

// A row that several states have. When it is written for the second time, it is compared with the patterns.
class SharedRow {
public:
    explicit SharedRow(RowContent content) : content_(std::move(content)) {}

    const RowContent& content() const { return content_; }
    bool has(int32_t id) const { return difference_.known() ? difference_.has(id) : content_.has(id); }
    void write(uint32_t* out, size_t words, Patterns& patterns) {
        if (n_writes_ == 1) find_difference(patterns);
        if (n_writes_ < 2) ++n_writes_;
        if (difference_.known()) difference_.write(out, words);
        else content_.write(out, words, patterns);
    }

private:
    RowContent content_;  // by which it is found
    Difference difference_;
    int8_t n_writes_ = 0;  // at most 2

    void find_difference(Patterns& patterns) {
        Bitmap& bitmap = patterns.scratch();
        content_.write(reinterpret_cast<uint32_t*>(bitmap.data()), 2 * bitmap.size(), patterns);
        difference_ = patterns.find(bitmap.data());
    }
};

struct Row : RowContent {
    bool accepting = false;
    std::shared_ptr<SharedRow> shared;    // all of it but the end, or:
    std::shared_ptr<const RowBitmap> whole;  // the same as a bitmap

    bool empty() const { return !whole && !shared && RowContent::empty() && !accepting; }
    bool has(int32_t id) const {
        if (whole) return (*whole)[id >> 6] >> (id & 63) & 1;
        return shared ? shared->has(id) : RowContent::has(id);
    }
    size_t n_bytes() const { return sizeof(Row) + RowContent::n_bytes() + (whole ? whole->n_bytes() : 0); }

    // Write into `words` 32-bit words of packed bits, id 0 in the lowest bit of the first.
    void write(uint32_t* out, size_t words, Patterns& patterns, const std::vector<int32_t>& end_ids) const {
        if (whole) whole->write(out, words, patterns);
        else if (shared) shared->write(out, words, patterns);
        else RowContent::write(out, words, patterns);
        if (accepting)
            for (int32_t id : end_ids) out[id >> 5] |= 1u << (id & 31);
    }
};

// The long rows of a vocabulary, by what is in them. The bitmaps that they are made of must stay.
class SharedRows {
public:
    explicit SharedRows(const Patterns& patterns) : patterns_(patterns) {}

    // Let a row share what others have; its own content is needed no more then. What it adds to the memory comes back, about;
    // rows that are forgotten live on in those that have them.
    size_t share(Row& row) {
        if (row.whole || (row.n_scattered() <= FEW && row.bases.size() <= 1)) return row.n_bytes();
        const uint64_t hash = row.hash();
        const int32_t place = places_.find(hash);
        if (place != FlatMap::MISSING && rows_[place]->content() == row) {
            row.shared = rows_[place];
            return sizeof(Row);
        }
        const size_t bytes = sizeof(SharedRow) + row.RowContent::n_bytes() + patterns_.most_bytes_of_a_difference();
        row.shared = std::make_shared<SharedRow>(RowContent{std::move(row.bases), row.ids});  // ids have room for more: see Masks::trim
        if (n_bytes_ + patterns_.n_bytes_made() - n_bytes_made_before_ > MOST_BYTES) forget();
        n_bytes_ += bytes;
        if (place != FlatMap::MISSING && !rows_.empty()) rows_[place] = row.shared;
        else places_.insert(hash, static_cast<int32_t>(rows_.size())), rows_.push_back(row.shared);
        return sizeof(Row) + bytes;
    }

private:
    static constexpr size_t FEW = 48;  // bits: to set so many takes less time than to look the row up
    static constexpr size_t MOST_BYTES = cache_limit(24);  // with patterns that may have been made of them, and the most of each difference
    const Patterns& patterns_;
    size_t n_bytes_ = 0, n_bytes_made_before_ = 0;  // of these rows; of patterns that are older
    std::vector<std::shared_ptr<SharedRow>> rows_;
    FlatMap places_;  // by hash; of two with one hash, the last

    void forget() {
        rows_.clear(), places_.clear();
        n_bytes_ = 0;
        n_bytes_made_before_ = patterns_.n_bytes_made();
    }
};

}  // namespace tokentrellis
