// The instructions that a patch takes the place of, and their copy elsewhere.
//
// A jump of five bytes may cover several instructions. They are copied behind the trampoline, changed where they depend on where
// they stand: operands and branches relative to rip. A call pushes the return address it would have pushed, so that unwinders and
// the callee see no difference.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "vm/core/result.h"
#include "vm/ubpf-jit/x86_64_assembler.h"

namespace bpftime::attach::x86_64 {

using bpftime::x86_64::Assembler;

inline constexpr std::uint32_t kJumpSize = 5;  // jmp rel32

struct Instruction {
    enum class Form : std::uint8_t {
        Plain,        // the same bytes anywhere
        RipOperand,   // a memory operand relative to rip, at `field`
        Jump,         // jmp to `target`
        Conditional,  // jcc to `target`, of condition `condition`
        Counted,      // loop, loope, loopne, jrcxz to `target`: there is a form with one byte of displacement only
        Call,         // call `target`
        IndirectCall, // call through a register or memory
    };
    std::uint8_t offset = 0;  // in the window
    std::uint8_t length = 0;
    Form form = Form::Plain;
    std::uint8_t field = 0;      // RipOperand: offset of the displacement in the instruction; IndirectCall: of ModRM
    std::uint8_t condition = 0;  // low four bits of a jcc's opcode
    bool rip_operand = false;    // IndirectCall: its operand is relative to rip
    std::uint64_t target = 0;    // of branches, and what a RipOperand addresses
    bool ends = false;           // control does not go on behind it
};

// Whole instructions from `address` on. An instruction has at least one byte, so no more than kJumpSize are needed.
struct Window {
    std::uint64_t address = 0;
    std::uint32_t size = 0;
    std::uint32_t count = 0;
    std::array<Instruction, kJumpSize> instructions;
    std::array<std::uint8_t, kJumpSize + 14> bytes;

    std::span<const Instruction> all() const { return std::span(instructions).first(count); }
    // Bit i: an instruction begins at offset i of 1..4, inside what a jump at `address` covers.
    std::uint32_t boundaries() const;
};

// Decodes until at least `wanted` bytes are covered. Behind an instruction that control does not pass only padding is taken.
// Fails with a clause such as "the function ends after 3 bytes" or "the instruction at +2 cannot be moved (xbegin)".
Result<Window> decode_window(std::span<const std::uint8_t> code, std::uint64_t address, std::uint32_t wanted);

// Where the copy of each instruction begins, in bytes of the copy; and how long all are.
struct Copied {
    std::array<std::uint16_t, kJumpSize> offsets{};
    std::uint32_t size = 0;
    bool goes_on = false;  // control may pass the end: the caller adds a jump to address + size
};

inline constexpr std::uint32_t kMaxCopy = kJumpSize * 32;

// Appends the copy to `out`, which will run at `base` + out.position(). ERANGE when something it refers to is too far away.
Result<Copied> copy_window(const Window& window, Assembler& out, std::uint64_t base);

}  // namespace bpftime::attach::x86_64
