// A struct pt_regs on the stack, at rsp, that holds the registers of the code that was interrupted.
#pragma once

#include <asm/ptrace.h>

#include <cstddef>

#include "vm/ubpf-jit/x86_64_assembler.h"

namespace bpftime::attach::x86_64 {

inline constexpr std::int32_t kFrame = sizeof(pt_regs);

constexpr bpftime::x86_64::Mem field(std::size_t offset) {
    return {.base = bpftime::x86_64::rsp, .disp = static_cast<std::int32_t>(offset)};
}

// All general registers but rsp, and the segment selectors and orig_rax as they are outside system calls. eflags, rip and rsp are the
// caller's to store.
void save_registers(bpftime::x86_64::Assembler& out);
// All but rsp, as the structure has them now.
void restore_registers(bpftime::x86_64::Assembler& out);

// handler(rsp, rsi) with an aligned stack. Changes what the ABI allows, and rbx.
void call_with_registers(bpftime::x86_64::Assembler& out, std::uint64_t handler);

}  // namespace bpftime::attach::x86_64
