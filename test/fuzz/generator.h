// Random programs that end, touch only their own memory and leave no pointer in their result, so that every engine must agree.
// Most are written so that the kernel's verifier can prove it too.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "vm/core/insn.h"

namespace bpftime::test {

inline constexpr std::uint32_t kMapValueSize = 64;
inline constexpr std::uint32_t kLookupHelper = 1;
// A helper that programs not meant for the kernel call: l4_csum_replace, to be bound to something that depends on its arguments.
inline constexpr std::uint32_t kSumHelper = 11;

struct Generated {
    std::vector<Insn> insns;
    std::vector<std::uint8_t> memory;  // address in r1, size in r2
    std::vector<std::uint8_t> value;   // of map 0, an array of one 64-byte value; empty if the program has no map
    bool for_kernel = true;            // false: uses what Linux refuses though the ISA defines it
};

// The program number `seed`: the same in every run and on every machine.
Generated generate(std::uint64_t seed);

}  // namespace bpftime::test
