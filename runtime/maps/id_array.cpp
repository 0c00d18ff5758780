#include "runtime/maps/id_array.h"

#include <cstring>

#include "runtime/maps/array.h"
#include "runtime/maps/spec_check.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

bool is(const MapSpec& spec, MapType type) { return spec.type == static_cast<std::uint32_t>(type); }

}  // namespace

Result<std::uint64_t> IdArrayMap::storage_size(const MapSpec& spec) {
    using namespace map_flag;
    const std::uint32_t own = is(spec, MapType::PerfEventArray) ? kPreserveElems : 0;
    BPFTIME_CHECK(check_map_shape(spec, kNumaNode | kRdonly | kWronly | own));
    if (spec.key_size != 4 || spec.value_size != 4)
        return fail(failure("keys and values of ", map_type_name(spec.type), " have 4 bytes"));
    return round_up(std::uint64_t{4} * spec.max_entries, 8);
}

std::unique_ptr<Map> IdArrayMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new IdArrayMap(spec, std::move(pages)));
}

std::atomic<std::uint32_t>& IdArrayMap::id(std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(storage())[index];
}

std::uint32_t IdArrayMap::id_at(std::uint32_t index) const {
    return index < spec().max_entries ? id(index).load(std::memory_order_acquire) : 0;
}

void* IdArrayMap::lookup(const void* key) {
    return is(spec(), MapType::ArrayOfMaps) ? resolver_(id_at(array_index(key))) : nullptr;
}

int IdArrayMap::erase(const void* key) {
    const std::uint32_t index = array_index(key);
    if (index >= spec().max_entries) return -E2BIG;
    return id(index).exchange(0, std::memory_order_acq_rel) == 0 ? -ENOENT : 0;
}

// Elements that are empty are not met.
bool IdArrayMap::next(MapCursor& cursor, MapEntry& entry) {
    while (array_step(cursor, spec().max_entries, entry)) {
        cursor.slot = id_at(cursor.element);
        entry.value = &cursor.slot;
        if (cursor.slot != 0) return true;
    }
    return false;
}

int IdArrayMap::copy_out(const void* key, void* value) {
    if (is(spec(), MapType::PerfEventArray)) return -kEnotsupp;
    const std::uint32_t found = id_at(array_index(key));
    if (found == 0) return -ENOENT;
    std::memcpy(value, &found, sizeof found);
    return 0;
}

int IdArrayMap::copy_in(const void* key, const void* value, std::uint64_t flags) {
    const std::uint32_t index = array_index(key);
    if (flags != kUpdateAny) return -EINVAL;
    if (index >= spec().max_entries) return -E2BIG;
    std::uint32_t added;
    std::memcpy(&added, value, sizeof added);
    if (added == 0) return -EBADF;
    id(index).store(added, std::memory_order_release);
    return 0;
}

int IdArrayMap::next_key(const void* key, void* next) { return array_next_key(key, next, spec().max_entries); }

}  // namespace bpftime
