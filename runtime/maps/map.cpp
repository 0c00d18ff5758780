#include "runtime/maps/map.h"

#include <algorithm>
#include <cstring>

#include "runtime/maps/array.h"
#include "runtime/maps/bloom_filter.h"
#include "runtime/maps/hash.h"
#include "runtime/maps/hash_of_maps.h"
#include "runtime/maps/id_array.h"
#include "runtime/maps/lpm_trie.h"
#include "runtime/maps/percpu_array.h"
#include "runtime/maps/percpu_hash.h"
#include "runtime/maps/queue.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/spin_lock.h"
#include "runtime/maps/stack_trace.h"
#include "runtime/maps/task_storage.h"
#include "runtime/maps/user_ringbuf.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

struct MapTypeRow {
    MapType type;
    Result<std::uint64_t> (*storage_size)(const MapSpec&);
    std::unique_ptr<Map> (*open)(const MapSpec&, Pages, bool fresh);
};
constexpr MapTypeRow kRows[] = {
#define MAP(Type, Class) {MapType::Type, Class::storage_size, Class::open},
#include "runtime/maps/maps.def"
};

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

Result<const MapTypeRow*> find_row(const MapSpec& spec) {
    const auto* row = std::ranges::find(kRows, static_cast<MapType>(spec.type), &MapTypeRow::type);
    if (row != std::end(kRows)) return row;
    return fail(failure("type ", map_type_name(spec.type), " is not supported here")
                    .with_hint(cat("supported are ", names_of_supported())));
}

Result<std::uint64_t> checked_storage(const MapSpec& spec) {
    const auto* row = BPFTIME_TRY(find_row(spec));
    return round_up(BPFTIME_TRY(row->storage_size(spec)), kPage);
}

Result<std::unique_ptr<Map>> make(const MapSpec& spec, Pages pages, bool fresh) {
    const auto* row = BPFTIME_TRY(find_row(spec));
    const std::uint64_t size = BPFTIME_TRY(checked_storage(spec));
    if (pages.data() == nullptr) pages = BPFTIME_TRY(Pages::reserve(size));
    if (pages.size() < size) return fail(failure("its storage of ", pages.size(), " bytes is smaller than ", size));
    std::unique_ptr<Map> map = row->open(spec, std::move(pages), fresh);
    if (fresh && !spec.contents.empty()) BPFTIME_CHECK(fill_first_value(*map, spec.contents));
    if (spec.frozen) map->freeze();
    return map;
}

template <class T>
Result<T> named(const MapSpec& spec, Result<T> result) {
    if (!result) result.error().cause = cat("map '", spec.name, "': ", result.error().cause);
    return result;
}

}  // namespace

MapBinding Map::binding() const {
    return {
        .spec = spec_, .handle = handle(), .values = reinterpret_cast<std::uintptr_t>(values()), .stride = stride()};
}

void Map::copy_around_lock(std::uint8_t* to, const std::uint8_t* from) const {
    const std::uint32_t behind = spin_lock_ + kSpinLockSize;
    std::memcpy(to, from, spin_lock_);
    std::memcpy(to + behind, from + behind, spec_.value_size - behind);
}

void Map::copy_value(void* to, const void* from, bool locked) const {
    if (!has_spin_lock()) {
        std::memcpy(to, from, spec_.value_size);
        return;
    }
    auto* const bytes = static_cast<std::uint8_t*>(to);
    const bool holds = locked && spin_lock(bytes + spin_lock_);
    copy_around_lock(bytes, static_cast<const std::uint8_t*>(from));
    if (holds) spin_unlock(bytes + spin_lock_);
}

void Map::read_value(void* to, const void* from) const {
    if (!has_spin_lock()) {
        std::memcpy(to, from, spec_.value_size);
        return;
    }
    auto* const lock = static_cast<std::uint8_t*>(const_cast<void*>(from)) + spin_lock_;
    const bool holds = spin_lock(lock);
    copy_around_lock(static_cast<std::uint8_t*>(to), static_cast<const std::uint8_t*>(from));
    std::memset(static_cast<std::uint8_t*>(to) + spin_lock_, 0, kSpinLockSize);
    if (holds) spin_unlock(lock);
}

void* Map::lookup_cpu(const void*, std::uint32_t) { return nullptr; }

int Map::take(const void*, void*) { return -kEnotsupp; }
int Map::push(const void*, std::uint64_t) { return -EOPNOTSUPP; }
int Map::pop(void*) { return -EOPNOTSUPP; }
int Map::peek(void*) { return -EOPNOTSUPP; }

Result<std::uint64_t> map_storage(const MapSpec& spec) { return named(spec, checked_storage(spec)); }
Result<std::unique_ptr<Map>> create_map(const MapSpec& spec) { return named(spec, make(spec, {}, true)); }
Result<std::unique_ptr<Map>> create_map(const MapSpec& spec, Pages pages) {
    return named(spec, make(spec, std::move(pages), true));
}
Result<std::unique_ptr<Map>> open_map(const MapSpec& spec, Pages pages) {
    return named(spec, make(spec, std::move(pages), false));
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
