#include "runtime/maps/percpu_hash.h"

#include <cstring>

#include "runtime/maps/hash.h"
#include "runtime/maps/spec_check.h"

namespace bpftime {

namespace {

// The same map with a lookup for one key size.
template <std::uint32_t Size, bool Evicts>
class PercpuHashMapOf final : public PercpuHashMap {
public:
    PercpuHashMapOf(const MapSpec& spec, Pages pages, bool fresh) : PercpuHashMap(spec, std::move(pages), fresh) {}

    void* lookup(const void* key) override {
        const std::uint32_t number = table_.template find<Size>(key);
        if (number == 0) return nullptr;
        if constexpr (Evicts) table_.use(number);
        return planes_.mine(number);
    }
};

template <bool Evicts>
std::unique_ptr<Map> open_hash(const MapSpec& spec, Pages pages, bool fresh) {
    switch (spec.key_size) {
        case 4: return std::make_unique<PercpuHashMapOf<4, Evicts>>(spec, std::move(pages), fresh);
        case 8: return std::make_unique<PercpuHashMapOf<8, Evicts>>(spec, std::move(pages), fresh);
        case 16: return std::make_unique<PercpuHashMapOf<16, Evicts>>(spec, std::move(pages), fresh);
        default: return std::make_unique<PercpuHashMapOf<kAnyKey, Evicts>>(spec, std::move(pages), fresh);
    }
}

HashShape shape_of(const MapSpec& spec) {
    return {
        .key_size = spec.key_size,
        .element_size = static_cast<std::uint32_t>(round_up(spec.key_size, 8)),
        .max_entries = hash_capacity(spec),
        .zero_seed = (spec.flags & map_flag::kZeroSeed) != 0,
        .evicts = is_lru(spec),
    };
}

std::uint64_t table_size(const MapSpec& spec) { return HashTable::storage_size(shape_of(spec)).value_or(0); }

}  // namespace

PercpuHashMap::PercpuHashMap(const MapSpec& spec, Pages pages, bool fresh)
    : Map(spec, std::move(pages)),
      table_(shape_of(spec), storage(), fresh),
      planes_(storage() + table_size(spec), spec.value_size, std::uint64_t{hash_capacity(spec)} + 1),
      evicts_(is_lru(spec)) {}

Result<std::uint64_t> PercpuHashMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_hash_shape(spec));
    BPFTIME_CHECK(check_percpu_value(spec));
    const std::uint64_t table = BPFTIME_TRY(HashTable::storage_size(shape_of(spec)));
    return table + PercpuPlanes::storage_size(spec.value_size, std::uint64_t{hash_capacity(spec)} + 1);
}

std::unique_ptr<Map> PercpuHashMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    return is_lru(spec) ? open_hash<true>(spec, std::move(pages), fresh)
                        : open_hash<false>(spec, std::move(pages), fresh);
}

template <class Set>
int PercpuHashMap::put(const void* key, std::uint64_t flags, Set set) {
    if (!update_flags_valid(flags)) return -EINVAL;
    HashPlace place;
    std::uint32_t number = 0;
    if (const int error = begin_hash_update(table_, evicts_, false, key, flags, place, number)) return error;
    if (place.element != 0) {
        if (evicts_) table_.use(place.element);
        set(place.element, true);
        return 0;
    }
    std::memcpy(table_.element(number), key, spec().key_size);
    set(number, false);
    table_.add(place, number);
    return 0;
}

int PercpuHashMap::update(const void* key, const void* value, std::uint64_t flags) {
    (void)current_cpu();  // may wait, so not while a bucket is locked
    return put(key, flags, [&](std::uint32_t number, bool present) {
        if (present)
            planes_.set_mine(number, value);
        else
            planes_.begin_mine(number, value);
    });
}

int PercpuHashMap::copy_in(const void* key, const void* value, std::uint64_t flags) {
    return put(key, flags, [&](std::uint32_t number, bool) { planes_.set_all(number, value); });
}

void* PercpuHashMap::lookup_cpu(const void* key, std::uint32_t cpu) {
    if (cpu >= planes_.cpus()) return nullptr;
    HashPlace place;
    table_.lock(key, place);
    return place.bucket == nullptr || place.element == 0 ? nullptr : planes_.at(cpu, place.element);
}

int PercpuHashMap::erase(const void* key) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    table_.remove(place);
    return 0;
}

bool PercpuHashMap::next(MapCursor& cursor, MapEntry& entry) {
    const std::uint32_t number = table_.step(cursor);
    if (number == 0) return false;
    entry = {table_.element(number), planes_.mine(number)};
    return true;
}

int PercpuHashMap::copy_out(const void* key, void* value) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    planes_.get_all(place.element, value);
    return 0;
}

int PercpuHashMap::take(const void* key, void* value) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    planes_.get_all(place.element, value);
    table_.remove(place);
    return 0;
}

int PercpuHashMap::next_key(const void* key, void* next) { return hash_next_key(table_, key, next); }

}  // namespace bpftime
