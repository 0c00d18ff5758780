// Addresses at which a thread may trap on the way into a patched place, and where it goes on.
//
// Handlers of SIGTRAP, SIGILL and SIGSEGV look an address up without a lock; what is not known goes to the handler that was there
// before, or to the default action. Entries stay for good: a thread that was stopped at an old one may come late.
#pragma once

#include <csignal>
#include <cstdint>

#include "vm/core/result.h"

namespace bpftime::attach::x86_64 {

// From now on a thread that traps at `address` goes on at `to`. Also replaces. ENOMEM. Callers take turns.
Status redirect_trap(std::uint64_t address, std::uint64_t to);

// The place where a thread that trapped at `address` goes on, 0 when it is none of ours. Async-signal-safe.
std::uint64_t trap_target(std::uint64_t address);

// Puts our handlers before those that are there, once. Fails when the kernel refuses.
Status catch_traps();

// What our handlers do, for a host that calls them itself: true when the trap was ours and `context` now goes on elsewhere.
bool handle_trap(int signal, void* context);

}  // namespace bpftime::attach::x86_64
