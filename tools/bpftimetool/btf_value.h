// Values in memory as JSON, and back, by their BTF types.
#pragma once

#include "runtime/registry/btf.h"
#include "runtime/registry/map_elements.h"
#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

// Integers, enumerations and bit fields as numbers, _Bool as true or false, pointers as "0x…", strings of char as text
// where they are printable, structures by their members. Null where `bytes` is too short or the type has no value.
Json btf_value(const Btf& btf, std::uint32_t type, ByteView bytes);

// The inverse: writes what `value` says into `bytes` and leaves the rest as it is: members and variables that are not named, and
// padding. Numbers may be text ("0x1f") too. Errors name the place, "value.state.count"; `path` begins it.
Status btf_assign(const Btf& btf, std::uint32_t type, const Json& value, std::span<std::uint8_t> bytes, const std::string& path);

}  // namespace bpftime::tool
