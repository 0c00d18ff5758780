// Changes instructions that other threads may be executing.
#pragma once

#include <cstdint>
#include <span>

#include "vm/core/result.h"

namespace bpftime::attach {

// Writes through /proc/self/mem, so that no page is ever writable and executable and the file behind the code stays as it is. One
// byte, or bytes that no thread fetches, are changed atomically for those that run there. EACCES where the process may not.
Status write_text(std::uint64_t address, std::span<const std::uint8_t> bytes);

// When it returns, every thread of the process executes what was written before: none has older instructions in its pipeline.
Status sync_text();

}  // namespace bpftime::attach
