// Basic blocks of a subprogram.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/core/program.h"

namespace bpftime {

// Slots [begin, end) that run one after the other; control enters at `begin` only.
struct Block {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t last = 0;                  // the block's last instruction
    std::vector<std::uint32_t> successors;   // `begin` of the blocks it leads to: where it jumps, then where it falls through
};

// The blocks of `sub` in order of `begin`. The program must have passed validate().
std::vector<Block> basic_blocks(const Program& program, const Subprogram& sub);

}  // namespace bpftime
