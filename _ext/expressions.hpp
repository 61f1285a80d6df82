// Expressions over bytes as the core holds them: the nodes of `grammars/expressions.py`, flattened into an array by core.pyx.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tokentrellis {

using ByteSet = std::array<uint64_t, 4>;

constexpr ByteSet ALL_BYTES{~0ull, ~0ull, ~0ull, ~0ull};

inline bool contains(const ByteSet& set, int byte) { return set[byte >> 6] >> (byte & 63) & 1; }
inline ByteSet single_byte(uint8_t byte) {
    ByteSet set{};
    set[byte >> 6] = 1ull << (byte & 63);
    return set;
}

enum ExpressionKind { BYTE_CLASS, CONCATENATION, UNION, REPEAT, INTERSECTION, COMPLEMENT, AUTOMATON, MULTIPLES };

struct Transition {
    int32_t from;
    ByteSet bytes;
    int32_t to;
};

struct ExpressionNode {
    int kind = UNION;
    bool regular = true;
    std::vector<int32_t> children;
    ByteSet bytes{};
    int32_t least = 0, most = 0;             // repeat; most -1: no bound. multiples: `least` decimals
    int32_t n_states = 0;                    // automaton
    std::vector<Transition> transitions;
    std::vector<int32_t> accepting;
    std::vector<std::string> divisors;       // multiples: the wanted one, then those that must not divide, in digits
};

}  // namespace tokentrellis
