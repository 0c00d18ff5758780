#include "tools/aot/private_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/helpers/helpers.h"
#include "runtime/maps/user_ops.h"
#include "vm/core/kernel_names.h"

namespace bpftime::aot {

namespace {

using View = std::span<const std::uint8_t>;

// Decimal for the sizes of integers, else bytes.
std::string text(View bytes) {
    std::uint64_t number = 0;
    if (bytes.size() == 1 || bytes.size() == 2 || bytes.size() == 4 || bytes.size() == 8) {
        std::memcpy(&number, bytes.data(), bytes.size());
        return std::to_string(number);
    }
    std::string out;
    for (const std::uint8_t byte : bytes) out += fmt::format("{}{:02x}", out.empty() ? "" : " ", byte);
    return out;
}

// A value as bpf(2) copies it: one, or one for each CPU.
std::string value_text(const MapSpec& spec, View value) {
    const std::size_t stride = (spec.value_size + 7) / 8 * 8;
    if (value.size() == spec.value_size) return text(value);
    std::string out;
    for (std::size_t at = 0; at + stride <= value.size(); at += stride)
        out += fmt::format("{}{}", at == 0 ? "" : ", ", text(value.subspan(at, spec.value_size)));
    return fmt::format("per CPU {}", out);
}

std::string dump_map(Map& map) {
    const MapSpec& spec = map.spec();
    std::string out = fmt::format("map '{}' [{}]\n", spec.name, map_type_name(spec.type));
    std::vector<std::uint8_t> key(spec.key_size), next(spec.key_size), value(map.user_value_size());
    std::size_t shown = 0, zero = 0;
    for (int more = user_next_key(map, nullptr, next.data()); more == 0; more = user_next_key(map, key.data(), next.data())) {
        key = next;
        if (user_lookup(map, key.data(), value.data()) != 0) continue;
        const bool array = map.stride() != 0 || spec.type == static_cast<std::uint32_t>(MapType::PercpuArray);
        if (array && std::ranges::all_of(value, [](std::uint8_t byte) { return byte == 0; })) {
            ++zero;
            continue;
        }
        out += fmt::format("  {}: {}\n", text(key), value_text(spec, value));
        ++shown;
    }
    if (zero != 0) out += fmt::format("  {} more are zero\n", zero);
    return shown + zero == 0 ? out + "  empty\n" : out;
}

}  // namespace

Result<PrivateMaps> PrivateMaps::create(std::span<const MapSpec> specs) {
    PrivateMaps made;
    made.maps_ = BPFTIME_TRY(create_maps(specs));
    made.bindings_ = default_bindings(made.maps_);
    return made;
}

std::string PrivateMaps::dump() const {
    std::string out;
    for (const auto& map : maps_) out += dump_map(*map);
    return out;
}

}  // namespace bpftime::aot
