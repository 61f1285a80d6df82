// A list that only grows and whose members stay where they are: an index is a shift and a mask away from its member.
//
// `std::deque` promises the same, but divides by the size of a member at each access: a tenth of the time of a step.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tokentrellis {

template <class T>
class StableList {
public:
    T& operator[](size_t index) { return blocks_[index >> BITS][index & MASK]; }
    const T& operator[](size_t index) const { return blocks_[index >> BITS][index & MASK]; }
    T& back() { return (*this)[size_ - 1]; }
    size_t size() const { return size_; }

    T& emplace_back() {
        if (size_ == blocks_.size() << BITS) blocks_.push_back(std::make_unique<T[]>(MASK + 1));
        return (*this)[size_++];
    }
    void resize(size_t size) {
        while (size_ < size) emplace_back();
    }

private:
    static constexpr size_t BITS = 6, MASK = (1 << BITS) - 1;  // small blocks: most grammars have a few dozen states
    std::vector<std::unique_ptr<T[]>> blocks_;
    size_t size_ = 0;
};

}  // namespace tokentrellis
