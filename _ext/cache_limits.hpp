// How much memory a cache of the core may take before it forgets what it holds.
//
// In the build with bounds checks a thousandth of that: whatever the tests do, it is forgotten again and again, so they see that what
// is found anew is the same and that nothing goes on naming what is gone.
#pragma once

#include <cstddef>

namespace tokentrellis {

#ifdef TOKENTRELLIS_CHECKS
constexpr bool IS_CHECKED = true;
#else
constexpr bool IS_CHECKED = false;
#endif

constexpr size_t cache_limit(size_t megabytes) { return megabytes << (IS_CHECKED ? 10 : 20); }

}  // namespace tokentrellis
