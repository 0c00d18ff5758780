#include <time.h>

#include "runtime/helpers/functions.h"

namespace bpftime::helpers {

namespace {

u64 nanoseconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

u64 ktime_get_ns(u64, u64, u64, u64, u64) { return nanoseconds(CLOCK_MONOTONIC); }
u64 ktime_get_boot_ns(u64, u64, u64, u64, u64) { return nanoseconds(CLOCK_BOOTTIME); }
u64 ktime_get_coarse_ns(u64, u64, u64, u64, u64) { return nanoseconds(CLOCK_MONOTONIC_COARSE); }
u64 ktime_get_tai_ns(u64, u64, u64, u64, u64) { return nanoseconds(CLOCK_TAI); }

}  // namespace bpftime::helpers
