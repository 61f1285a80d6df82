// Rows: which tokens are allowed, as a few bitmaps of the vocabulary's tables and a list of ids, and how they are written.
//
// Many states have the same row: in every string before the same kind of end, whatever grammar it stands in. A long row is
// looked up by its content (SharedRows), and the second time that it is written, by whatever state, it becomes one bitmap: a
// copy of 16 KB for 128,000 tokens (0.1 to 0.2 us) in place of a copy and hundreds of scattered bits (0.4 to 1 us). A short
// row stays as it is: the bitmap that it is made of is one that the processor holds near already.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "splits.hpp"

namespace tokentrellis {

// What is allowed, without the end of the text.
struct RowContent {
    struct Base {
        const Bitmap* bitmap;
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

    void write(uint32_t* out, size_t words) const {
        if (bases.empty()) std::memset(out, 0, words * 4);
        else copy(*bases[0].bitmap, out, words);
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
        Bitmap bitmap = bases.empty() ? Bitmap(bitmap_words) : *bases[0].bitmap;
        change(reinterpret_cast<uint32_t*>(bitmap.data()), bitmap_words * 2);
        return bitmap;
    }
    static void copy(const Bitmap& bitmap, uint32_t* out, size_t words) {
        const size_t have = std::min(words, bitmap.size() * 2);
        std::memcpy(out, bitmap.data(), have * 4);
        if (have < words) std::memset(out + have, 0, (words - have) * 4);
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

// A row that several states have. Its bitmap is made when it is written for the second time.
class SharedRow {
public:
    explicit SharedRow(RowContent content) : content_(std::move(content)) {}

    const RowContent& content() const { return content_; }
    bool has(int32_t id) const { return whole_ ? (*whole_)[id >> 6] >> (id & 63) & 1 : content_.has(id); }
    void write(uint32_t* out, size_t words, size_t bitmap_words) {
        if (!whole_ && n_written_++ > 0) whole_ = std::make_unique<Bitmap>(content_.united(bitmap_words));
        if (whole_) RowContent::copy(*whole_, out, words);
        else content_.write(out, words);
    }

private:
    RowContent content_;
    std::unique_ptr<Bitmap> whole_;
    int n_written_ = 0;
};

struct Row : RowContent {
    bool accepting = false;
    std::shared_ptr<SharedRow> shared;    // all of it but the end, or:
    std::shared_ptr<const Bitmap> whole;  // the same as a bitmap

    bool empty() const { return !whole && !shared && RowContent::empty() && !accepting; }
    bool has(int32_t id) const {
        if (whole) return (*whole)[id >> 6] >> (id & 63) & 1;
        return shared ? shared->has(id) : RowContent::has(id);
    }
    size_t n_bytes() const { return sizeof(Row) + RowContent::n_bytes() + (whole ? whole->size() * 8 : 0); }

    // Write into `words` 32-bit words of packed bits, id 0 in the lowest bit of the first.
    void write(uint32_t* out, size_t words, size_t bitmap_words, const std::vector<int32_t>& end_ids) const {
        if (whole) copy(*whole, out, words);
        else if (shared) shared->write(out, words, bitmap_words);
        else RowContent::write(out, words);
        if (accepting)
            for (int32_t id : end_ids) out[id >> 5] |= 1u << (id & 31);
    }
};

// The long rows of a vocabulary, by what is in them. The bitmaps that they are made of must stay.
class SharedRows {
public:
    explicit SharedRows(size_t bitmap_words) : bitmap_words_(bitmap_words) {}

    // Let a row share what others have; its own content is needed no more then. What it adds to the memory comes back, about;
    // rows that are forgotten live on in those that have them.
    size_t share(Row& row) {
        if (row.whole || (row.n_scattered() <= FEW && row.bases.size() <= 1)) return row.n_bytes();
        const uint64_t hash = row.hash();
        const RowContent& content = row;
        const auto known = rows_.find(hash);
        if (known != rows_.end() && known->second->content() == content) {
            row.shared = known->second;
            return sizeof(Row);
        }
        const size_t bytes = sizeof(SharedRow) + content.n_bytes() + bitmap_words_ * 8 + 100;
        row.shared = std::make_shared<SharedRow>(content);
        if (n_bytes_ > MOST_BYTES) rows_.clear(), n_bytes_ = 0;
        n_bytes_ += bytes;
        rows_[hash] = row.shared;
        return sizeof(Row) + bytes;
    }

private:
    static constexpr size_t FEW = 48;  // bits: to set so many takes less time than to fetch a bitmap that is used for little else
    static constexpr size_t MOST_BYTES = 16 << 20;
    const size_t bitmap_words_;
    size_t n_bytes_ = 0;
    std::unordered_map<uint64_t, std::shared_ptr<SharedRow>> rows_;  // of two with one hash, the last
};

}  // namespace tokentrellis
