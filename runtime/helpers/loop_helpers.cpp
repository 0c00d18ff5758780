#include "runtime/helpers/functions.h"

namespace bpftime::helpers {

namespace {

constexpr u64 kMaxLoops = u64{1} << 23;  // the kernel's BPF_MAX_LOOPS

}  // namespace

// callback(index, context) up to `count` times, until it returns non-zero; the number of calls made.
u64 loop(u64 count, u64 callback, u64 context, u64 flags, u64) {
    count = static_cast<std::uint32_t>(count);
    if (flags != 0) return result(-EINVAL);
    if (count > kMaxLoops) return result(-E2BIG);
    const auto function = pointer<u64(u64, u64, u64, u64, u64)>(callback);
    for (u64 i = 0; i < count; ++i)
        if (function(i, context, 0, 0, 0) != 0) return i + 1;
    return count;
}

}  // namespace bpftime::helpers
