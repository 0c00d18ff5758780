// CPUs as per-CPU maps and helpers count them.
#pragma once

#include <cstdint>

namespace bpftime {

// Number of possible CPUs, as the kernel and libbpf_num_possible_cpus() count them: the length of a per-CPU value
// array.
std::uint32_t possible_cpus();

// The CPU whose per-CPU values the calling thread uses, below possible_cpus(). bpf_get_smp_processor_id() returns the
// same.
std::uint32_t current_cpu();

// Highest CPU of a list such as "0-3,8-11", plus one; 0 when the text is not such a list.
std::uint32_t cpus_in_list(const char* text);

}  // namespace bpftime
