// A configuration is one way to read the bytes so far; the state of a matcher is a short list of them.
//
// Nearly all such lists have one or two members, which lie in the list itself: a standard vector would ask for memory for each (a
// quarter of the time of a new state). Longer ones are kept outside.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

namespace tokentrellis {

struct Configuration {
    int32_t state, link, extra;
    bool operator==(const Configuration& o) const { return state == o.state && link == o.link && extra == o.extra; }
    bool operator<(const Configuration& o) const {
        return state != o.state ? state < o.state : link != o.link ? link < o.link : extra < o.extra;
    }
};

template <class T, size_t NEAR>
class ShortList {
public:
    using value_type = T;

    ShortList() = default;
    ShortList(std::initializer_list<T> members) { assign(members.begin(), members.size()); }
    ShortList(const ShortList& other) { assign(other.begin_, other.size_); }
    ShortList(ShortList&& other) noexcept { swap(other); }
    ShortList& operator=(const ShortList& other) {
        if (this != &other) assign(other.begin_, other.size_);
        return *this;
    }
    ShortList& operator=(ShortList&& other) noexcept {
        swap(other);
        return *this;
    }
    ~ShortList() {
        if (begin_ != near_) delete[] begin_;
    }

    T* begin() { return begin_; }
    T* end() { return begin_ + size_; }
    const T* begin() const { return begin_; }
    const T* end() const { return begin_ + size_; }
    const T* data() const { return begin_; }
    T& operator[](size_t place) { return begin_[place]; }
    const T& operator[](size_t place) const { return begin_[place]; }
    T& back() { return begin_[size_ - 1]; }
    const T& back() const { return begin_[size_ - 1]; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    bool operator==(const ShortList& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
    bool operator!=(const ShortList& other) const { return !(*this == other); }

    void clear() { size_ = 0; }
    void resize(size_t size, T member) {
        while (size_ < size) push_back(member);
        size_ = static_cast<uint32_t>(size);
    }
    void push_back(T member) {
        if (size_ == room_) grow(2 * static_cast<size_t>(size_));
        begin_[size_++] = member;
    }
    void pop_back() { --size_; }
    void erase(T* first, T* last) { size_ = static_cast<uint32_t>(std::copy(last, end(), first) - begin_); }
    void swap(ShortList& other) noexcept {
        if (begin_ != near_ && other.begin_ != other.near_) {
            std::swap(begin_, other.begin_);
        } else if (begin_ == near_ && other.begin_ == other.near_) {
            std::swap(near_, other.near_);
        } else {
            ShortList& outside = begin_ != near_ ? *this : other;
            ShortList& inside = begin_ != near_ ? other : *this;
            std::copy(inside.near_, inside.near_ + NEAR, outside.near_);
            inside.begin_ = outside.begin_;
            outside.begin_ = outside.near_;
        }
        std::swap(size_, other.size_);
        std::swap(room_, other.room_);
    }

private:
    T near_[NEAR] = {};
    T* begin_ = near_;
    uint32_t size_ = 0, room_ = NEAR;

    void assign(const T* members, size_t size) {
        size_ = 0;
        if (size > room_) grow(size);
        std::copy(members, members + size, begin_);
        size_ = static_cast<uint32_t>(size);
    }
    void grow(size_t room) {
        T* const moved = new T[room];
        std::copy(begin_, begin_ + size_, moved);
        if (begin_ != near_) delete[] begin_;
        begin_ = moved;
        room_ = static_cast<uint32_t>(room);
    }
};

using Configurations = ShortList<Configuration, 2>;

}  // namespace tokentrellis
