#include "runtime/maps/array.h"

#include <climits>

#include "runtime/maps/spec_check.h"

namespace bpftime {

Status check_array_shape(const MapSpec& spec, std::uint32_t own_flags) {
    BPFTIME_CHECK(check_map_shape(spec, map_flag::kAccess | own_flags));
    if (spec.key_size != 4) return fail(failure("the key of an array is 4 bytes, not ", spec.key_size));
    if (spec.value_size > INT_MAX)
        return fail(failure("value of ", spec.value_size, " bytes is too large").with_errno(E2BIG));
    return {};
}

int check_array_update(std::uint32_t index, std::uint32_t entries, std::uint64_t flags, bool has_lock) {
    if ((flags & ~kUpdateLock) > kUpdateExist) return -EINVAL;
    if (index >= entries) return -E2BIG;
    if ((flags & kUpdateNoExist) != 0) return -EEXIST;
    return (flags & kUpdateLock) != 0 && !has_lock ? -EINVAL : 0;
}

int array_next_key(const void* key, void* next, std::uint32_t entries) {
    const std::uint32_t index = key == nullptr ? entries : array_index(key);
    if (index == entries - 1) return -ENOENT;
    const std::uint32_t following = index >= entries ? 0 : index + 1;
    std::memcpy(next, &following, sizeof following);
    return 0;
}

bool array_step(MapCursor& cursor, std::uint32_t entries, MapEntry& entry) {
    if (cursor.index >= entries) return false;
    cursor.element = static_cast<std::uint32_t>(cursor.index++);
    entry.key = &cursor.element;
    return true;
}

Result<std::uint64_t> ArrayMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_array_shape(spec, map_flag::kNumaNode | map_flag::kMmapable | map_flag::kInnerMap));
    return round_up(spec.value_size, 8) * spec.max_entries;
}

std::unique_ptr<Map> ArrayMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new ArrayMap(spec, std::move(pages)));
}

void* ArrayMap::lookup(const void* key) {
    const std::uint32_t index = array_index(key);
    return index < entries_ ? storage() + index * stride_ : nullptr;
}

int ArrayMap::update(const void* key, const void* value, std::uint64_t flags) {
    const std::uint32_t index = array_index(key);
    if (const int error = check_array_update(index, entries_, flags, has_spin_lock())) return error;
    copy_value(storage() + index * stride_, value, (flags & kUpdateLock) != 0);
    return 0;
}

int ArrayMap::erase(const void*) { return -EINVAL; }

bool ArrayMap::next(MapCursor& cursor, MapEntry& entry) {
    if (!array_step(cursor, entries_, entry)) return false;
    entry.value = storage() + cursor.element * stride_;
    return true;
}

int ArrayMap::copy_out(const void* key, void* value) {
    const void* from = lookup(key);
    if (from == nullptr) return -ENOENT;
    read_value(value, from);
    return 0;
}

int ArrayMap::next_key(const void* key, void* next) { return array_next_key(key, next, entries_); }

}  // namespace bpftime
