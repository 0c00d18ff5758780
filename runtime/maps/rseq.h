// The CPU number that the kernel keeps in every thread's restartable-sequence area, where the C library registers one
// (glibc 2.35).
#pragma once

#include <cstdint>

#include "runtime/maps/cpus.h"

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

namespace bpftime {

#ifdef RSEQ_SIG
// kNoCpu where the area is not registered.
inline std::uint32_t rseq_cpu() {
    const auto* area =
        reinterpret_cast<const struct rseq*>(static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
    const std::uint32_t cpu = __atomic_load_n(&area->cpu_id, __ATOMIC_RELAXED);
    return __rseq_size == 0 ? kNoCpu : cpu;
}
#else
inline std::uint32_t rseq_cpu() { return kNoCpu; }
#endif

}  // namespace bpftime
