// What the emitting pass wants to know of a program beforehand: jump targets, which registers are still needed, which parts of
// a frame each subprogram needs, and how much native code can lie between two slots. One walk from the last slot to
// the first finds all of it; a subprogram with loops is walked again until liveness settles.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vm/core/program.h"

namespace bpftime::ubpf {

using RegMask = std::uint16_t;  // bit n: BPF register n
constexpr RegMask bit(int reg) { return static_cast<RegMask>(1u << reg); }
inline constexpr RegMask kArguments = 0x3e;  // r1..r5
inline constexpr RegMask kScratch = 0x3f;    // r0..r5: what a call leaves undefined
inline constexpr RegMask kSaved = 0x3c0;     // r6..r9
inline constexpr RegMask kAnyRegister = 0x3ff;

enum Mark : std::uint8_t {
    kTarget = 1,    // some jump leads here
    kLoopHead = 2,  // one of them from behind
};

struct SlotPlan {
    std::uint32_t room = 0;    // most native bytes from this slot to the end of the program
    std::uint32_t offset = 0;  // native position, once emitted
    RegMask live = 0;          // registers that are read from here on before they are written
    std::uint8_t marks = 0;
};

struct SubPlan {
    RegMask used = 0;       // registers read or written
    RegMask written = 0;
    bool frame = false;     // uses r10
    bool calls = false;     // helpers or subprograms
    bool may_goto = false;
    bool tail_calls = false;
};

struct Plan {
    std::vector<SlotPlan> slots;  // one more than the program has
    std::vector<SubPlan> subs;
    std::uint32_t capacity = 0;   // most native bytes of the whole program
    bool tail_calls = false;      // anywhere
    bool call_reg = false;        // callx anywhere: needs the helper table
};

// The most native bytes that each instruction may cost, by Op, per architecture.
struct CostModel {
    struct Row {
        std::uint8_t bytes = 0;
        std::uint8_t wide_imm = 0;  // more, if the immediate needs more than 8 bits
        std::uint8_t wide_off = 0;  // more, if the displacement does
    };
    std::array<Row, kOpCount> insns{};
    std::uint32_t tail_call = 0;     // what a call of helper 12 costs more
    std::uint32_t prologue = 0;      // of a subprogram, alignment included
    std::uint32_t loop_head = 0;     // padding before one
    std::uint32_t helper_table = 0;  // what callx looks helpers up in

    std::uint32_t of(const Insn& i) const {
        const Row& row = insns[static_cast<std::size_t>(i.op)];
        return row.bytes + (i.imm == static_cast<std::int8_t>(i.imm) ? 0u : row.wide_imm) +
               (i.off == static_cast<std::int8_t>(i.off) ? 0u : row.wide_off);
    }
    // `row` of every Op.
    template <class Function>
    static std::array<Row, kOpCount> table(Function row) {
        std::array<Row, kOpCount> rows{};
        for (std::size_t op = 0; op < kOpCount; ++op) rows[op] = row(kOpTable[op]);
        return rows;
    }
};

// Fills `plan`, whose memory is reused. The program has passed validate().
void make_plan(const Program& program, const CostModel& cost, Plan& plan);

}  // namespace bpftime::ubpf
