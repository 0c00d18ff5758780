#include "benchmark/workload.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "runtime/helpers/helpers.h"

extern "C" {
#define WORKLOAD(name, memory, contents)                                  \
    std::uint64_t bench_o3_##name(void* memory_bytes, std::uint64_t size); \
    std::uint64_t bench_native_##name(void* memory_bytes, std::uint64_t size);
#include "benchmark/workloads.def"

// What the native programs call: programs/bench.h.
bpftime::HelperFn bench_helper_step = bpftime::benchmark::helper_step;
bpftime::HelperFn bench_helper_lookup = bpftime::helper_function(1);
std::uint64_t bench_map_handle = 0;
}

namespace bpftime::benchmark {

namespace {

constexpr Workload kWorkloads[] = {
#define WORKLOAD(name, memory, contents) {#name, memory, Contents::contents, bench_o3_##name, bench_native_##name},
#include "benchmark/workloads.def"
};

// Ethernet, one VLAN tag, IPv4 and TCP with options no-op, no-op, MSS, window scale.
constexpr std::uint8_t kPacket[] = {
    0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x81, 0x00, 0x00, 0x2a, 0x08, 0x00,                                 //
    0x45, 0, 0, 52, 0x1c, 0x46, 0x40, 0, 64, 6, 0xb1, 0xe6, 192, 0, 2, 1, 198, 51, 100, 7,                        //
    0xd4, 0x31, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 0x02, 0xfa, 0xf0, 0xfe, 0x30, 0, 0,                     //
    1, 1, 2, 4, 0x05, 0xb4, 3, 3, 7, 1, 1, 0,
};

void sort_numbers(std::vector<std::uint8_t>& memory) {
    std::uint32_t numbers[1024];
    std::memcpy(numbers, memory.data(), sizeof numbers);
    std::ranges::sort(numbers);
    std::memcpy(memory.data(), numbers, sizeof numbers);
}

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

std::vector<std::uint8_t> initial_memory(const Workload& workload) {
    std::vector<std::uint8_t> memory(workload.memory);
    std::mt19937 random(42);
    for (auto& byte : memory) byte = static_cast<std::uint8_t>(random() >> 8);
    switch (workload.contents) {
        case Contents::Random: break;
        case Contents::EqualStrings:
            for (auto& byte : memory) byte |= 1;
            std::copy_n(memory.begin(), 256, memory.begin() + 256);
            memory[255] = memory[511] = 0;
            break;
        case Contents::Packet: std::ranges::copy(kPacket, memory.begin()); break;
        case Contents::SortedNumbers: sort_numbers(memory); break;
    }
    return memory;
}

std::uint64_t helper_step(std::uint64_t, std::uint64_t value, std::uint64_t, std::uint64_t, std::uint64_t) {
    return value + 1;
}

void set_native_map(std::uint64_t handle) { bench_map_handle = handle; }

}  // namespace bpftime::benchmark
