// Options of unit tests beside Catch2's own, for long runs by hand: --count N, --seconds N.
#pragma once

#include <cstdint>

namespace bpftime::test {

// The number given to --`name`, else `otherwise`.
std::uint64_t test_option(const char* name, std::uint64_t otherwise);

}  // namespace bpftime::test
