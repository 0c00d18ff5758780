// The programs of the benchmark: their names, their memory, and the native code of the same source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vm/core/engine.h"

namespace bpftime::benchmark {

enum class Contents : std::uint8_t { Random, EqualStrings, Packet, SortedNumbers };

struct Workload {
    std::string_view name;
    std::size_t memory = 0;  // bytes; also the size that the program is told
    Contents contents = Contents::Random;
    Entry o3 = nullptr;      // clang -O3
    Entry native = nullptr;  // clang -O3 -march=native
};

std::span<const Workload> workloads();

// What stands in the memory before the first run; the same at every call.
std::vector<std::uint8_t> initial_memory(const Workload& workload);

// Helper 48 of all engines and of the native code: gives value + 1.
std::uint64_t helper_step(std::uint64_t ctx, std::uint64_t value, std::uint64_t, std::uint64_t, std::uint64_t);
// The map that the native code of the next run finds its values in.
void set_native_map(std::uint64_t handle);

}  // namespace bpftime::benchmark
