// A configuration is one way to read the bytes so far; here is a short list of them, as the state of a matcher has.
//
// Nearly all have one or two, which lie in the list itself: a standard vector would ask for memory for each (a quarter of the
// time of a new state). Longer ones are kept outside.
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

class Configurations {
public:
    using value_type = Configuration;

    Configurations() = default;
    Configurations(std::initializer_list<Configuration> members) { assign(members.begin(), members.size()); }
    Configurations(const Configurations& other) { assign(other.begin_, other.size_); }
    Configurations(Configurations&& other) noexcept { swap(other); }
    Configurations& operator=(const Configurations& other) {
        if (this != &other) assign(other.begin_, other.size_);
        return *this;
    }
    Configurations& operator=(Configurations&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Configurations() {
        if (begin_ != near_) delete[] begin_;
    }

    Configuration* begin() { return begin_; }
    Configuration* end() { return begin_ + size_; }
    const Configuration* begin() const { return begin_; }
    const Configuration* end() const { return begin_ + size_; }
    const Configuration* data() const { return begin_; }
    Configuration& operator[](size_t place) { return begin_[place]; }
    const Configuration& operator[](size_t place) const { return begin_[place]; }
    Configuration& back() { return begin_[size_ - 1]; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    bool operator==(const Configurations& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
    bool operator!=(const Configurations& other) const { return !(*this == other); }

    void clear() { size_ = 0; }
    void push_back(Configuration member) {
        if (size_ == room_) grow(2 * static_cast<size_t>(size_));
        begin_[size_++] = member;
    }
    void erase(Configuration* first, Configuration* last) { size_ = static_cast<uint32_t>(std::copy(last, end(), first) - begin_); }
    void swap(Configurations& other) noexcept {
        if (begin_ != near_ && other.begin_ != other.near_) {
            std::swap(begin_, other.begin_);
        } else if (begin_ == near_ && other.begin_ == other.near_) {
            std::swap(near_, other.near_);
        } else {
            Configurations& outside = begin_ != near_ ? *this : other;
            Configurations& inside = begin_ != near_ ? other : *this;
            std::copy(inside.near_, inside.near_ + NEAR, outside.near_);
            inside.begin_ = outside.begin_;
            outside.begin_ = outside.near_;
        }
        std::swap(size_, other.size_);
        std::swap(room_, other.room_);
    }

private:
    static constexpr size_t NEAR = 2;
    Configuration near_[NEAR] = {};
    Configuration* begin_ = near_;
    uint32_t size_ = 0, room_ = NEAR;

    void assign(const Configuration* members, size_t size) {
        size_ = 0;
        if (size > room_) grow(size);
        std::copy(members, members + size, begin_);
        size_ = static_cast<uint32_t>(size);
    }
    void grow(size_t room) {
        Configuration* const moved = new Configuration[room];
        std::copy(begin_, begin_ + size_, moved);
        if (begin_ != near_) delete[] begin_;
        begin_ = moved;
        room_ = static_cast<uint32_t>(room);
    }
};

}  // namespace tokentrellis
