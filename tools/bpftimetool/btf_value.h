// A value in memory as JSON, by its BTF type.
#pragma once

#include "runtime/registry/btf.h"
#include "runtime/registry/map_elements.h"
#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

// Integers, enumerations and bit fields as numbers, _Bool as true or false, pointers as "0x…", strings of char as text
// where they are printable, structures by their members. Null where `bytes` is too short or the type has no value.
Json btf_value(const Btf& btf, std::uint32_t type, ByteView bytes);

}  // namespace bpftime::tool
