// The same programs on two sides: the kernel's maps, run by BPF_PROG_TEST_RUN, and ours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::benchmark {

inline constexpr std::uint32_t kOperations = 64;  // in one run of a program of maps.bpf.c
inline constexpr std::uint32_t kKeys = 1024;

class Side {
public:
    virtual ~Side() = default;
    // Runs `program` so often, in the calling thread. The result of the last run.
    virtual Result<std::uint64_t> run(const std::string& program, std::uint32_t repeat) = 0;
    // Makes the ring buffer empty, as a consumer would.
    virtual void empty_ring() = 0;
};

// Each with its maps filled. Errors say why there is no such side here.
Result<std::unique_ptr<Side>> kernel_side(const std::string& object);
enum class OurEngine : std::uint8_t { Ubpf, Aot };
Result<std::unique_ptr<Side>> our_side(const std::string& object, OurEngine engine);

// What is in a map before the programs run: its keys with their values, for each CPU.
struct Filling {
    std::string map;
    bool prefixes = false, percpu = false;
};
const std::vector<Filling>& fillings();
// Calls put(key, value) for each element of a filling; values are rows for `cpus` CPUs.
template <class Put>
Status fill(const Filling& filling, std::uint32_t cpus, Put put) {
    for (std::uint32_t number = 0; number < kKeys; ++number) {
        const std::uint32_t prefix[2] = {32, number};
        const std::vector<std::uint64_t> values(filling.percpu ? cpus : 1, number);
        const int error = put(filling.prefixes ? prefix : &number, values.data());
        if (error != 0) return fail(failure("cannot fill map '", filling.map, "'").with_errno(error < 0 ? -error : error));
    }
    return {};
}

}  // namespace bpftime::benchmark
