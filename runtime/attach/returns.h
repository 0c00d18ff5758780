// Handlers for when a function returns.
//
// At the function's entry its return address is exchanged for a pad's: a piece of code of this call's own, which leads to what was
// exchanged without a search. So nothing depends on calls returning in order: frames that longjmp(3) or an exception skipped,
// coroutines on other stacks and calls that return in another thread are told apart. Unwinders pass a pad as if it were not there.
#pragma once

#include <asm/ptrace.h>

#include <cstdint>

#include "vm/core/result.h"

namespace bpftime::attach {

// Called with the registers as the caller will find them; ip is where it goes on. As Handler (patch.h) otherwise.
using ReturnHandler = void (*)(pt_regs* registers, void* place);

// To be called once before on_return(); reserves addresses, not memory. ENOMEM.
Status prepare_returns();

// From a Handler at a function's entry, with its registers: `handler` runs when this call returns. False: the thread has too many
// calls under way that have yet to return, and this one is not followed. Async-signal-safe.
bool on_return(const pt_regs* registers, ReturnHandler handler, void* place);

// What bpf_get_stack() and others should see in place of a pad: where the call that owns it returns to. Any other address is itself.
std::uint64_t real_return_address(std::uint64_t address);

}  // namespace bpftime::attach
