// The code between a patched place and what runs there: saves the registers as a struct pt_regs, calls a handler, restores
// them, executes what the patch displaced and goes back.
#pragma once

#include <asm/ptrace.h>

#include "runtime/attach/x86_64/displaced.h"

namespace bpftime::attach::x86_64 {

// Called with the registers as they are before the instruction at the place. What it changes in them takes effect: with another ip
// the instruction is not executed and control goes there. `place` is what emit_trampoline() was given. The handler and all that it
// calls leave vector registers alone, or save them.
using Handler = void (*)(pt_regs* registers, void* place);

struct TrampolineRequest {
    const Window* window = nullptr;  // what is displaced
    std::uint64_t ip = 0;            // registers->ip: where the place is for the handler
    Handler handler = nullptr;
    void* place = nullptr;
    // At a function's entry nothing below the stack pointer, and no flag, is in use.
    bool at_entry = true;
};

// The most bytes that one takes.
inline constexpr std::size_t kMaxTrampoline = 448 + kMaxCopy;

struct Trampoline {
    Copied copied;
    std::uint32_t copy = 0;  // where the copy of the window begins: an offset into the trampoline
    std::uint32_t size = 0;
};

// Writes it to `out`, to run at `address`. ERANGE when the displaced code refers to something too far from there.
Result<Trampoline> emit_trampoline(const TrampolineRequest& request, std::uint8_t* out, std::uint64_t address);

}  // namespace bpftime::attach::x86_64
