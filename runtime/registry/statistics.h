// A program's statistics (BPF_ENABLE_STATS), for whoever runs programs of a registry.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime {

// Runs that began while Registry::stats_enabled(), and the time that they took together.
inline void count_runs(const ProgramObject& program, std::uint64_t runs, std::uint64_t nanoseconds) {
    program.page->runs.fetch_add(runs, std::memory_order_relaxed);
    program.page->run_time.fetch_add(nanoseconds, std::memory_order_relaxed);
}

// A run that was left out because its thread was inside a program already: counted always, as the kernel does.
inline void count_recursion_miss(const ProgramObject& program) {
    program.page->recursion_misses.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace bpftime
