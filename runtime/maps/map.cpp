#include "runtime/maps/map.h"

#include <algorithm>
#include <cstring>

#include "runtime/maps/array.h"
#include "runtime/maps/hash.h"
#include "runtime/maps/percpu_array.h"
#include "runtime/maps/percpu_hash.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

struct MapTypeRow {
    MapType type;
    Result<std::unique_ptr<Map>> (*create)(const MapSpec&);
};
constexpr MapTypeRow kRows[] = {
#define MAP(Type, Class) {MapType::Type, Class::create},
#include "runtime/maps/maps.def"
};

const MapTypeRow* row_of(std::uint32_t type) {
    const auto* row = std::ranges::find(kRows, static_cast<MapType>(type), &MapTypeRow::type);
    return row == std::end(kRows) ? nullptr : row;
}

std::string names_of_supported() {
    std::string names;
    for (std::uint32_t type : supported_map_types()) names += cat(names.empty() ? "" : ", ", map_type_name(type));
    return names;
}

// Puts the bytes of a data section into the first value.
Status fill_first_value(Map& map, const std::vector<std::uint8_t>& contents) {
    const MapSpec& spec = map.spec();
    if (map.values() == nullptr || spec.max_entries == 0)
        return fail(failure("a map of type ", map_type_name(spec.type), " cannot have initial contents"));
    if (contents.size() > spec.value_size)
        return fail(failure("initial contents of ", contents.size(), " bytes exceed the value size ", spec.value_size));
    std::memcpy(map.values(), contents.data(), contents.size());
    return {};
}

Result<std::unique_ptr<Map>> create_checked(const MapSpec& spec) {
    const MapTypeRow* row = row_of(spec.type);
    if (row == nullptr)
        return fail(failure("type ", map_type_name(spec.type), " is not supported here")
                        .with_hint(cat("supported are ", names_of_supported())));
    std::unique_ptr<Map> map = BPFTIME_TRY(row->create(spec));
    if (!spec.contents.empty()) BPFTIME_CHECK(fill_first_value(*map, spec.contents));
    if (spec.frozen) map->freeze();
    return map;
}

}  // namespace

MapBinding Map::binding() const {
    return {
        .spec = spec_, .handle = handle(), .values = reinterpret_cast<std::uintptr_t>(values()), .stride = stride()};
}

void* Map::lookup_cpu(const void*, std::uint32_t) { return nullptr; }

int Map::take(const void*, void*) {
    constexpr int kNotSupported = 524;  // the kernel's ENOTSUPP, which bpf(2) returns here
    return -kNotSupported;
}

Result<std::unique_ptr<Map>> create_map(const MapSpec& spec) {
    auto map = create_checked(spec);
    if (!map) map.error().cause = cat("map '", spec.name, "': ", map.error().cause);
    return map;
}

std::vector<std::uint32_t> supported_map_types() {
    std::vector<std::uint32_t> types;
    for (const MapTypeRow& row : kRows) types.push_back(static_cast<std::uint32_t>(row.type));
    std::ranges::sort(types);
    return types;
}

Result<MapSet> create_maps(std::span<const MapSpec> specs) {
    MapSet maps;
    maps.reserve(specs.size());
    for (const MapSpec& spec : specs) maps.push_back(BPFTIME_TRY(create_map(spec)));
    return maps;
}

}  // namespace bpftime
