#include "runtime/maps/percpu_array.h"

#include "runtime/maps/array.h"
#include "runtime/maps/spec_check.h"

namespace bpftime {

Result<std::uint64_t> PercpuArrayMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_array_shape(spec, 0));
    BPFTIME_CHECK(check_percpu_value(spec));
    return PercpuPlanes::storage_size(spec.value_size, spec.max_entries);
}

std::unique_ptr<Map> PercpuArrayMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new PercpuArrayMap(spec, std::move(pages)));
}

void* PercpuArrayMap::lookup(const void* key) {
    const std::uint32_t index = array_index(key);
    return index < entries_ ? planes_.mine(index) : nullptr;
}

void* PercpuArrayMap::lookup_cpu(const void* key, std::uint32_t cpu) {
    const std::uint32_t index = array_index(key);
    return index < entries_ && cpu < planes_.cpus() ? planes_.at(cpu, index) : nullptr;
}

int PercpuArrayMap::update(const void* key, const void* value, std::uint64_t flags) {
    const std::uint32_t index = array_index(key);
    if (const int error = check_array_update(index, entries_, flags)) return error;
    planes_.set_mine(index, value);
    return 0;
}

int PercpuArrayMap::erase(const void*) { return -EINVAL; }

bool PercpuArrayMap::next(MapCursor& cursor, MapEntry& entry) {
    if (!array_step(cursor, entries_, entry)) return false;
    entry.value = planes_.mine(cursor.element);
    return true;
}

int PercpuArrayMap::copy_out(const void* key, void* value) {
    const std::uint32_t index = array_index(key);
    if (index >= entries_) return -ENOENT;
    planes_.get_all(index, value);
    return 0;
}

int PercpuArrayMap::copy_in(const void* key, const void* value, std::uint64_t flags) {
    const std::uint32_t index = array_index(key);
    if (const int error = check_array_update(index, entries_, flags)) return error;
    planes_.set_all(index, value);
    return 0;
}

int PercpuArrayMap::next_key(const void* key, void* next) { return array_next_key(key, next, entries_); }

}  // namespace bpftime
