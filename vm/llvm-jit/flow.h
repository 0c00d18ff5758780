// Control flow and register liveness of a program's subprograms. Free of LLVM.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/core/cfg.h"

namespace bpftime::lowering {

// A set of registers r0..r10, one bit each.
using RegSet = std::uint16_t;
constexpr RegSet bit(int reg) { return static_cast<RegSet>(1u << reg); }
constexpr bool has(RegSet set, int reg) { return (set >> reg & 1) != 0; }
inline constexpr RegSet kArgumentRegs = bit(1) | bit(2) | bit(3) | bit(4) | bit(5);

// The reachable blocks of one subprogram, by slot; blocks[0] is its entry.
struct Flow {
    bool reachable = false;      // from the program's entry, by calls and code addresses
    bool address_taken = false;  // a callback: helpers call it with five arguments
    bool tail_calls = false;     // it, or a subprogram that it calls, may leave the program by a tail call
    std::vector<Block> blocks;
    std::vector<RegSet> live_in;  // by block
    std::vector<std::vector<std::uint32_t>> predecessors;
    std::vector<std::uint32_t> order;  // reverse postorder
    RegSet arguments = 0;              // those of r1..r5 that it reads
};

// Flow of every subprogram, and an order in which callees come before callers (reachable ones only).
struct ProgramFlow {
    std::vector<Flow> subprograms;
    std::vector<std::uint32_t> callees_first;
};

ProgramFlow analyse_flow(const Program& program);

// Registers that an instruction reads and writes. Calls leave r1..r5 alone.
struct Access {
    RegSet reads = 0;
    RegSet writes = 0;
};
Access access_of(const Program& program, const ProgramFlow& flow, std::uint32_t slot);

// Index of the subprogram that a local call or code address leads to.
std::uint32_t callee_index(const Program& program, std::uint32_t slot);

}  // namespace bpftime::lowering
