// What reading and writing values by BTF type share.
#pragma once

#include "runtime/registry/btf.h"

namespace bpftime::tool {

inline constexpr std::uint32_t kSigned = 1, kChar = 2, kBool = 4;  // encodings of an integer
inline constexpr std::uint32_t kMaxDepth = 32;                      // of types within types

// The type behind typedefs and qualifiers.
std::uint32_t resolve(const Btf& btf, std::uint32_t type);

// Bytes of a value, 0 of a type that has none.
std::uint64_t size_of(const Btf& btf, std::uint32_t type, std::uint32_t depth = 0);

bool is_char(const Btf& btf, std::uint32_t type);

}  // namespace bpftime::tool
