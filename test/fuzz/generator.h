// Random programs that end, touch only their own memory and leave no pointer in their result, so that every engine must agree.
// Most are written so that the kernel's verifier can prove it too.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "vm/core/insn.h"

namespace bpftime::test {

// A helper that programs not meant for the kernel call: l4_csum_replace, to be bound to something that depends on its arguments.
inline constexpr std::uint32_t kSumHelper = 11;

struct Generated {
    std::vector<Insn> insns;
    std::vector<std::uint8_t> memory;  // address in r1, size in r2
    bool for_kernel = true;            // false: uses what Linux refuses though the ISA defines it
};

// The program number `seed`: the same in every run and on every machine.
Generated generate(std::uint64_t seed);

}  // namespace bpftime::test
