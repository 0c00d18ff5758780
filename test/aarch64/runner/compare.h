// Random programs on this machine's interpreter and template JIT.
#pragma once

#include <cstdint>
#include <string>

namespace bpftime::test {

// Runs programs `seed` to `seed + count - 1` of test/fuzz/generator.h on both. "agreed <count>", or "error ..." naming the first
// seed on which they differ.
std::string compare_engines(std::uint64_t seed, std::uint64_t count);

}  // namespace bpftime::test
