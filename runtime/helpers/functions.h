// Declarations of every helper function in helpers.def, and the few words their definitions share. A helper that fails
// returns a negative errno in r0.
#pragma once

#include <cerrno>
#include <cstdint>

namespace bpftime::helpers {

using u64 = std::uint64_t;

#define HELPER_FN(digits, function) u64 function(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
#include "runtime/helpers/helpers.def"

// A helper's callback, by address: native code of a subprogram.
using CallbackFn = u64 (*)(u64, u64, u64, u64, u64);

template <class T = void>
T* pointer(u64 address) {
    return reinterpret_cast<T*>(address);
}
inline u64 address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }
// -errno, or a count, as r0.
constexpr u64 result(std::int64_t value) { return static_cast<u64>(value); }

}  // namespace bpftime::helpers
