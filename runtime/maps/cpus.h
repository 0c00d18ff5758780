// CPUs as per-CPU maps and helpers count them.
#pragma once

#include <cstdint>

namespace bpftime {

// Number of possible CPUs, as the kernel and libbpf_num_possible_cpus() count them: the length of a per-CPU value
// array.
std::uint32_t possible_cpus();

inline constexpr std::uint32_t kNoCpu = ~std::uint32_t{0};

// The CPU that the calling thread runs on just now, below possible_cpus().
std::uint32_t home_cpu();

class CpuSlots;

// The program run that the calling thread is in (program_run.h).
struct CurrentRun {
    std::uint32_t cpu = kNoCpu;   // whose values it uses; kNoCpu: it has asked for none yet
    std::uint32_t only = kNoCpu;  // it has to be this one
    CpuSlots* slots = nullptr;    // null: no run
};
// Initial-exec: read by one instruction, and never allocated lazily inside a signal handler.
extern __attribute__((tls_model("initial-exec"))) constinit thread_local CurrentRun current_run;

// The CPU for a run, or a thread outside any, that has none yet.
std::uint32_t claim_cpu();

// The CPU whose per-CPU values the calling thread uses, below possible_cpus(). bpf_get_smp_processor_id() returns the
// same. The first call of a run may wait for another run to end, so it comes before any lock is taken.
inline std::uint32_t current_cpu() {
    const std::uint32_t cpu = current_run.cpu;
    return __builtin_expect(cpu != kNoCpu, 1) ? cpu : claim_cpu();
}

// Highest CPU of a list such as "0-3,8-11", plus one; 0 when the text is not such a list.
std::uint32_t cpus_in_list(const char* text);

}  // namespace bpftime
