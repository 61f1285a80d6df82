// How far down a stack of the parser was looked at, to find something out about it.
//
// What a terminal does to a stack is decided by its upper part, nearly always, and so is what a few bytes more may be. Whoever reads
// a stack notes the lowest place that was read (`note`); so what was found out holds for every stack with the same upper part
// (`agree`). Stacks are continuations (network.hpp), which are shared: two that are equal are the same number.
#pragma once

#include "network.hpp"

namespace tokentrellis {

class StackDepths {
public:
    static constexpr int32_t NOTHING_READ = INT32_MAX;

    explicit StackDepths(const Network& network) : network_(network) {}

    // The bottom has depth 0.
    int32_t of(int32_t stack) {
        if (static_cast<size_t>(stack) < depths_.size() && depths_[stack] >= 0) return depths_[stack];
        std::vector<int32_t> path;
        int32_t at = stack, depth = 0;
        for (; at != BOTTOM; at = network_.at(at).parent) {
            if (static_cast<size_t>(at) < depths_.size() && depths_[at] >= 0) {
                depth = depths_[at];
                break;
            }
            path.push_back(at);
        }
        if (static_cast<size_t>(stack) >= depths_.size()) depths_.resize(static_cast<size_t>(stack) * 2 + 64, -1);
        for (size_t i = path.size(); i-- > 0;) depths_[path[i]] = ++depth;
        return depth;
    }

    void note(int32_t depth) { lowest_ = std::min(lowest_, depth); }

    // Begins to note anew; `end` says how low it went, and notes that for who asked before.
    int32_t begin() {
        const int32_t before = lowest_;
        lowest_ = NOTHING_READ;
        return before;
    }
    int32_t end(int32_t before) {
        const int32_t found = lowest_;
        note(before);
        return found;
    }

    // How many of the upper places of a stack were read, of which the lowest is given; and to note that so many were.
    int32_t n_places(int32_t stack, int32_t lowest) { return lowest == NOTHING_READ ? 0 : std::max(0, of(stack) - lowest + 1); }
    void note_places(int32_t stack, int32_t n) { note(of(stack) - n + 1); }

    // What was found out is looked for among those of so many stacks with the same top, if it depends on no more places than this.
    static constexpr size_t MOST_ALIKE = 64;
    static constexpr int32_t MOST_PLACES = 64;

    // Whether two stacks agree in the upper `n` places.
    bool agree(int32_t a, int32_t b, int32_t n) const {
        for (; n > 0 && a != b; --n) {
            if (a == BOTTOM || b == BOTTOM) return false;
            const Continuation &x = network_.at(a), &y = network_.at(b);
            if (x.target != y.target) return false;
            a = x.parent, b = y.parent;
        }
        return true;
    }

private:
    const Network& network_;
    std::vector<int32_t> depths_;  // by continuation; -1: not known
    int32_t lowest_ = NOTHING_READ;
};

}  // namespace tokentrellis
