// How native code calls each helper: which arguments and results are addresses, and what the call may do to memory.
// Derived from the prototypes of vm/core/helpers.def. Free of LLVM.
#pragma once

#include <array>
#include <cstdint>

#include "vm/core/helpers.h"
#include "vm/llvm-jit/flow.h"

namespace bpftime::lowering {

// What a helper does with the memory that an argument points to.
enum class Reach : std::uint8_t {
    Number,    // not an address
    Address,   // anything may happen to it
    Borrowed,  // read and written during the call only
    ReadOnly,  // read during the call only
};

struct HelperShape {
    int arguments = 5;  // of r1..r5
    std::array<Reach, 5> reach{};
    RegSet pointers = 0;  // arguments that are addresses, by register
    bool returns_pointer = false;
    bool calls_back = false;  // runs a subprogram of ours
    HelperEffect effect = HelperEffect::Any;
};

const HelperShape& helper_shape(std::uint32_t id);

}  // namespace bpftime::lowering
