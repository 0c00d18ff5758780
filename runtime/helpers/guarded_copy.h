// Copying memory that may not be there, without a system call: a routine in which a fault is expected, and what a signal
// handler does about it.
//
// It needs a handler of SIGSEGV and SIGBUS that calls recover_copy() before anything else, and that the signals are not
// blocked where programs run. Who owns the process sees to that: our tools do (tools/support/guard.cpp). In a process of
// somebody else's nothing is installed, and memory is read by system calls (safe_memory.h), until an agent has a handler
// in place that goes before those which the process installs and passes on to them what is not of a copy.
#pragma once

#include <cstddef>

namespace bpftime {

// Copies are made this way from now on, or by system calls again.
void guard_copies(bool on);
bool copies_are_guarded();

// From a handler of SIGSEGV or SIGBUS with its third argument: if the fault is one of guarded_copy(), makes that return
// false and says true: the handler returns.
bool recover_copy(void* context);

// False when some of it is not accessible; what has been copied by then is left.
bool guarded_copy(void* to, const void* from, std::size_t size);

}  // namespace bpftime
