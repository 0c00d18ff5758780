// Numbers of the kernel's UAPI by name: map types and program types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpftime {

enum class MapType : std::uint32_t {
#define MAP_TYPE(id, name, Name) Name = id,
#include "vm/core/map_types.def"
};
enum class ProgType : std::uint32_t {
#define PROG_TYPE(id, name, Name, context_size) Name = id,
#include "vm/core/prog_types.def"
};

// "percpu_array"; "map type 99" when unknown. bpftool's spelling.
std::string map_type_name(std::uint32_t type);
std::string prog_type_name(std::uint32_t type);
std::optional<std::uint32_t> map_type_by_name(std::string_view name);
// Bytes of the context structure of a program type in the UAPI, 0 where it has no fixed size.
std::uint32_t context_size(std::uint32_t prog_type);

}  // namespace bpftime
