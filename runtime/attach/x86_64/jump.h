// Where a trampoline may lie so that the jump to it is safe in the middle, too.
//
// The jump of five bytes covers whole instructions of the original. A thread may stand before any of those but the first when the
// jump is written, and other code may jump there. So the bytes of the displacement at which such an instruction began are chosen to
// be opcodes that always trap: whoever comes there is sent on to that instruction's copy by the signal handler (traps.h). The
// freedom to choose them is the trampoline's address.
#pragma once

#include <cstdint>

namespace bpftime::attach::x86_64 {

// True of a byte that raises SIGTRAP, SIGILL or SIGSEGV as the first of an instruction in 64-bit mode, whatever follows it.
bool always_traps(std::uint8_t byte);

// Whether a jump at `from` to `to` is one: within reach, and every byte at a boundary (bit i of `boundaries`: offset i) traps.
bool is_safe_jump(std::uint64_t from, std::uint64_t to, std::uint32_t boundaries);

// The smallest safe target at or above `at` and below `end`; 0 when there is none.
std::uint64_t next_safe_target(std::uint64_t from, std::uint64_t at, std::uint64_t end, std::uint32_t boundaries);

}  // namespace bpftime::attach::x86_64
