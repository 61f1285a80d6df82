// Counts of bits and integers of 128 bits, by what each compiler calls them: C++17 has no names for them.
#pragma once

#include <cstdint>
#if defined(_MSC_VER) && !defined(__clang__)
#include <__msvc_int128.hpp>
#include <intrin.h>
#endif

namespace tokentrellis {

// Trailing zeros: of a word in which at least one bit is set.
#if defined(_MSC_VER) && !defined(__clang__)
using Unsigned128 = std::_Unsigned128;
inline int count_trailing_zeros(uint64_t bits) {
    unsigned long place;
    _BitScanForward64(&place, bits);
    return static_cast<int>(place);
}
inline int count_ones(uint64_t bits) { return static_cast<int>(__popcnt64(bits)); }
#else
__extension__ typedef unsigned __int128 Unsigned128;
inline int count_trailing_zeros(uint64_t bits) { return __builtin_ctzll(bits); }
inline int count_ones(uint64_t bits) { return __builtin_popcountll(bits); }
#endif

}  // namespace tokentrellis
