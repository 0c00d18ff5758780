#include "vm/core/kernel_names.h"

#include <algorithm>

#include "vm/core/result.h"

namespace bpftime {

namespace {

constexpr std::string_view kMapTypes[] = {
#define MAP_TYPE(id, name, Name) name,
#include "vm/core/map_types.def"
};

struct ProgTypeRow {
    std::string_view name;
    std::uint32_t context_size;
};
constexpr ProgTypeRow kProgTypes[] = {
#define PROG_TYPE(id, name, Name, context_size) {name, context_size},
#include "vm/core/prog_types.def"
};

}  // namespace

std::string map_type_name(std::uint32_t type) {
    return type < std::size(kMapTypes) ? std::string(kMapTypes[type]) : cat("map type ", type);
}

std::string prog_type_name(std::uint32_t type) {
    return type < std::size(kProgTypes) ? std::string(kProgTypes[type].name) : cat("program type ", type);
}

std::optional<std::uint32_t> map_type_by_name(std::string_view name) {
    const auto* row = std::ranges::find(kMapTypes, name);
    if (row == std::end(kMapTypes)) return std::nullopt;
    return static_cast<std::uint32_t>(row - kMapTypes);
}

std::uint32_t context_size(std::uint32_t prog_type) {
    return prog_type < std::size(kProgTypes) ? kProgTypes[prog_type].context_size : 0;
}

}  // namespace bpftime
