// Short lists of numbers that are made once and forgotten together, one after the other in large blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tokentrellis {

class Numbers {  // a list in a block
public:
    Numbers() = default;
    Numbers(const int32_t* begin, size_t size) : begin_(begin), size_(size) {}
    const int32_t* begin() const { return begin_; }
    const int32_t* end() const { return begin_ + size_; }
    size_t size() const { return size_; }

private:
    const int32_t* begin_ = nullptr;
    size_t size_ = 0;
};

class NumberBlocks {
public:
    Numbers keep(const std::vector<int32_t>& numbers) {
        if (numbers.empty()) return {};
        if (numbers.size() > left_) {
            left_ = std::max(numbers.size(), BLOCK);
            blocks_.emplace_back(new int32_t[left_]);  // not set to zero
            next_ = blocks_.back().get();
        }
        int32_t* const begin = next_;
        std::copy(numbers.begin(), numbers.end(), begin);
        next_ += numbers.size(), left_ -= numbers.size();
        return {begin, numbers.size()};
    }

private:
    static constexpr size_t BLOCK = 2048;
    std::vector<std::unique_ptr<int32_t[]>> blocks_;
    int32_t* next_ = nullptr;
    size_t left_ = 0;
};

}  // namespace tokentrellis
