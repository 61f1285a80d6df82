// Memory for what is kept until all of it is forgotten at once: short lists, one after the other.
//
// A row that was never made keeps some ten of them. From the allocator each would take 100 to 200 instructions, and lie where
// other grammars have been: a fifth of the time of such a row. Here it is a copy to the end of a block.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

namespace tokentrellis {

// Some members of a list that is kept elsewhere.
template <class T>
class Span {
public:
    Span() = default;
    Span(const T* begin, size_t size) : begin_(begin), size_(size) {}
    Span(const std::vector<T>& list) : begin_(list.data()), size_(list.size()) {}

    const T* begin() const { return begin_; }
    const T* end() const { return begin_ + size_; }
    const T& operator[](size_t place) const { return begin_[place]; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    size_t n_bytes() const { return size_ * sizeof(T); }
    Span part(size_t first, size_t last) const { return {begin_ + first, last - first}; }

private:
    const T* begin_ = nullptr;
    size_t size_ = 0;
};

class Arena {
public:
    // A copy of a list that stays where it is until `clear`.
    template <class T>
    Span<T> keep(const std::vector<T>& list) {
        return keep(Span<T>(list));
    }
    template <class T>
    Span<T> keep(Span<T> list) {
        static_assert(std::is_trivially_copyable<T>::value && alignof(T) <= alignof(std::max_align_t), "a copy of its bytes");
        if (list.empty()) return {};
        void* const place = take(list.n_bytes());
        std::memcpy(place, list.begin(), list.n_bytes());
        return {static_cast<const T*>(place), list.size()};
    }
    void clear() {
        blocks_.clear();
        next_ = end_ = nullptr;
    }

private:
    static constexpr size_t FIRST_BLOCK = 2048, LARGEST_BLOCK = 65536;
    std::vector<std::unique_ptr<std::byte[]>> blocks_;
    std::byte *next_ = nullptr, *end_ = nullptr;

    void* take(size_t n_bytes) {
        n_bytes = (n_bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
        if (static_cast<size_t>(end_ - next_) < n_bytes) {
            const size_t usual = blocks_.size() < 5 ? FIRST_BLOCK << blocks_.size() : LARGEST_BLOCK;
            const size_t size = n_bytes > usual / 2 ? n_bytes + usual : usual;
            blocks_.emplace_back(new std::byte[size]);
            next_ = blocks_.back().get();
            end_ = next_ + size;
        }
        void* const place = next_;
        next_ += n_bytes;
        return place;
    }
};

}  // namespace tokentrellis
