// A hash map by `ViewKey` in one flat array (linear probing), whose values stay where they are.
//
// What a row is put together from lies in such maps: a row that was never made asks some ten of them, each for a key that the
// caches of the processor have long forgotten. A slot has the whole key beside the number of its value, so that a look-up waits
// for memory once; the standard map follows two pointers.
#pragma once

#include "splits.hpp"
#include "stable_list.hpp"

namespace tokentrellis {

template <class T>
class ViewMap {
public:
    // The value of a key; null if there is none.
    T* find(const ViewKey& key) {
        if (slots_.empty()) return nullptr;
        const Slot& slot = slots_[place_of(key)];
        return slot.value == MISSING ? nullptr : &values_[slot.value];
    }
    // The same; a key that is new gets an empty value.
    T& operator[](const ViewKey& key) {
        if ((values_.size() + 1) * 2 > slots_.size()) grow();
        Slot& slot = slots_[place_of(key)];
        if (slot.value == MISSING) {
            slot = {key, static_cast<int32_t>(values_.size())};
            values_.emplace_back();
        }
        return values_[slot.value];
    }

    void clear() {
        slots_.clear();
        values_ = StableList<T>();
    }

private:
    static constexpr int32_t MISSING = -1;
    struct Slot {
        ViewKey key;
        int32_t value;
    };
    std::vector<Slot> slots_;
    size_t mask_ = 0;
    StableList<T> values_;

    size_t place_of(const ViewKey& key) const {
        size_t place = ViewKeyHash()(key) & mask_;
        while (slots_[place].value != MISSING && !(slots_[place].key == key)) place = (place + 1) & mask_;
        return place;
    }
    void grow() {
        std::vector<Slot> old;
        old.swap(slots_);
        slots_.assign(old.empty() ? 64 : old.size() * 2, {ViewKey{}, MISSING});
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old)
            if (slot.value != MISSING) slots_[place_of(slot.key)] = slot;
    }
};

}  // namespace tokentrellis
