#include "runtime/helpers/helpers.h"

#include <algorithm>

#include "runtime/helpers/functions.h"

namespace bpftime {

namespace {

struct HelperRow {
    std::uint32_t id;
    HelperFn function;
};
constexpr HelperRow kRows[] = {
#define HELPER_FN(digits, function) {1##digits - 10000, helpers::function},
#include "runtime/helpers/helpers.def"
};
static_assert(std::ranges::is_sorted(kRows, {}, &HelperRow::id));

}  // namespace

HelperFn helper_function(std::uint32_t id) {
    const auto* row = std::ranges::lower_bound(kRows, id, {}, &HelperRow::id);
    return row != std::end(kRows) && row->id == id ? row->function : nullptr;
}

std::vector<std::uint32_t> implemented_helpers() {
    std::vector<std::uint32_t> ids;
    for (const HelperRow& row : kRows) ids.push_back(row.id);
    return ids;
}

Bindings default_bindings(std::span<Map* const> maps) {
    Bindings bindings;
    for (const HelperRow& row : kRows) bindings.helpers[row.id] = row.function;
    for (const Map* map : maps) bindings.maps.push_back(map->binding());
    return bindings;
}

Bindings default_bindings(std::span<const std::unique_ptr<Map>> maps) {
    std::vector<Map*> pointers;
    for (const auto& map : maps) pointers.push_back(map.get());
    return default_bindings(pointers);
}

}  // namespace bpftime
