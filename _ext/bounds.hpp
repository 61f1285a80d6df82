// How far the end of an expression can be, read off its syntax.
//
// In come expressions (nfa.hpp), out comes for each an upper bound of the bytes to its end from any place inside: wherever a
// reading stands, it can finish in so many. "At most 500 characters of at most 50 words" needs one character more at any
// place: so far from 500 the limit plays no part, without a look at the states of its automaton. One pass over the nodes,
// each once. Where the syntax does not tell (intersection, complement, automaton) the bound is UNREACHABLE.
#pragma once

#include "distances.hpp"
#include "nfa.hpp"

namespace tokentrellis {

class Bounds {
public:
    // Children stand before their parents in the array.
    int32_t farthest(const std::vector<ExpressionNode>& expressions, int32_t root) {
        while (static_cast<int32_t>(bounds_.size()) <= root) bounds_.push_back(bound_of(expressions[bounds_.size()]));
        return bounds_[root].farthest;
    }

private:
    struct Bound {
        int32_t least, farthest;  // of a shortest text; from any place inside
    };
    std::vector<Bound> bounds_;

    static int32_t limited(int64_t length) { return static_cast<int32_t>(std::min<int64_t>(length, UNREACHABLE)); }

    Bound bound_of(const ExpressionNode& node) const {
        switch (node.kind) {
            case BYTE_CLASS:
                return {1, 1};
            case CONCATENATION: {
                int64_t behind = 0, farthest = 0;
                for (size_t i = node.children.size(); i-- > 0;) {
                    const Bound& part = bounds_[node.children[i]];
                    farthest = std::max(farthest, part.farthest + behind);
                    behind += part.least;
                }
                return {limited(behind), limited(farthest)};
            }
            case UNION: {
                Bound bound{UNREACHABLE, 0};
                for (int32_t child : node.children) {
                    bound.least = std::min(bound.least, bounds_[child].least);
                    bound.farthest = std::max(bound.farthest, bounds_[child].farthest);
                }
                return bound;
            }
            case REPEAT: {
                const Bound& part = bounds_[node.children[0]];
                if (node.most == 0) return {0, 0};
                return {limited(int64_t{part.least} * node.least), limited(part.farthest + int64_t{part.least} * std::max(0, node.least - 1))};
            }
            default:
                return {UNREACHABLE, UNREACHABLE};
        }
    }
};

}  // namespace tokentrellis
