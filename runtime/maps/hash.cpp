#include "runtime/maps/hash.h"

#include <bit>
#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/spec_check.h"
#include "runtime/maps/task_storage.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kMaxElement = (4u << 20) - 64;  // the kernel's KMALLOC_MAX_SIZE less its element header
constexpr std::uint32_t kReentry = 4;  // writers that may be interrupted on one CPU, each with a spare in hand

// The same map with a lookup for one key size.
template <std::uint32_t Size, bool Evicts>
class HashMapOf final : public HashMap {
public:
    HashMapOf(const MapSpec& spec, Pages pages, bool fresh) : HashMap(spec, std::move(pages), fresh) {}

    void* lookup(const void* key) override {
        const std::uint32_t number = table_.template find<Size>(key);
        if (number == 0) return nullptr;
        if constexpr (Evicts) table_.use(number);
        return table_.element(number) + value_at_;
    }
};

template <bool Evicts>
std::unique_ptr<Map> open_hash(const MapSpec& spec, Pages pages, bool fresh) {
    switch (spec.key_size) {
        case 4: return std::make_unique<HashMapOf<4, Evicts>>(spec, std::move(pages), fresh);
        case 8: return std::make_unique<HashMapOf<8, Evicts>>(spec, std::move(pages), fresh);
        case 16: return std::make_unique<HashMapOf<16, Evicts>>(spec, std::move(pages), fresh);
        default: return std::make_unique<HashMapOf<kAnyKey, Evicts>>(spec, std::move(pages), fresh);
    }
}

}  // namespace

bool is_lru(const MapSpec& spec) {
    return spec.type == static_cast<std::uint32_t>(MapType::LruHash) ||
           spec.type == static_cast<std::uint32_t>(MapType::LruPercpuHash);
}

static bool is_percpu(const MapSpec& spec) {
    return spec.type == static_cast<std::uint32_t>(MapType::PercpuHash) ||
           spec.type == static_cast<std::uint32_t>(MapType::LruPercpuHash);
}

Status check_hash_shape(const MapSpec& spec) {
    using namespace map_flag;
    BPFTIME_CHECK(check_map_flags(spec, kNoPrealloc | kAccess | kZeroSeed | kNoCommonLru | kNumaNode));
    if (!is_lru(spec) && (spec.flags & kNoCommonLru) != 0)
        return fail(failure("BPF_F_NO_COMMON_LRU applies to LRU maps"));
    if (is_lru(spec) && (spec.flags & kNoPrealloc) != 0)
        return fail(failure("an LRU map cannot have BPF_F_NO_PREALLOC").with_errno(kEnotsupp));
    if ((spec.flags & kNumaNode) != 0 && (is_percpu(spec) || (spec.flags & kNoCommonLru) != 0))
        return fail(failure("BPF_F_NUMA_NODE does not apply to maps with a part for each CPU"));
    BPFTIME_CHECK(check_map_sizes(spec));
    const std::uint64_t element = std::uint64_t{spec.key_size} + spec.value_size;
    if (element >= kMaxElement)
        return fail(failure("key and value of ", element, " bytes exceed ", kMaxElement).with_errno(E2BIG));
    return {};
}

std::uint32_t hash_capacity(const MapSpec& spec) {
    if (spec.type == static_cast<std::uint32_t>(MapType::TaskStorage)) return TaskStorageMap::capacity(spec);
    if ((spec.flags & map_flag::kNoCommonLru) == 0) return spec.max_entries;
    const std::uint32_t cpus = possible_cpus(), below = spec.max_entries / cpus * cpus;
    if (below == spec.max_entries) return below;
    const std::uint64_t above = std::uint64_t{below} + cpus;
    return above > UINT32_MAX ? below : static_cast<std::uint32_t>(above);
}

int begin_hash_update(const HashTable& table, bool evicts, bool replaces, const void* key, std::uint64_t flags,
                      HashPlace& place, std::uint32_t& number) {
    constexpr std::uint32_t kAttempts = 1'000;  // others may take what was evicted, or mended, for this update
    for (std::uint32_t attempt = 0;; ++attempt) {
        table.lock(key, place);
        if (place.bucket == nullptr) return -EBUSY;
        const bool present = place.element != 0;
        const int error = check_hash_update(present, flags);
        if (error == 0 && present && !replaces) return 0;
        number = error != 0 ? 0 : present ? table.take_spare() : table.allocate();
        if (number != 0) return 0;
        place.unlock();
        if (error != 0) return error;
        const bool again = table.mend() || present || (evicts && table.evict());
        if (!again || attempt == kAttempts) return present ? -EBUSY : evicts ? -ENOMEM : -E2BIG;
    }
}

int check_hash_update(bool present, std::uint64_t flags) {
    if (present && flags == kUpdateNoExist) return -EEXIST;
    return !present && flags == kUpdateExist ? -ENOENT : 0;
}

HashShape HashMap::shape(const MapSpec& spec) {
    return {
        .key_size = spec.key_size,
        .element_size = static_cast<std::uint32_t>(round_up(spec.key_size, 8) + round_up(spec.value_size, 8)),
        .max_entries = hash_capacity(spec),
        .spares = std::bit_ceil(possible_cpus() + kReentry),
        .zero_seed = (spec.flags & map_flag::kZeroSeed) != 0,
        .evicts = is_lru(spec),
    };
}

Result<std::uint64_t> HashMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_hash_shape(spec));
    return HashTable::storage_size(shape(spec));
}

std::unique_ptr<Map> HashMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    return is_lru(spec) ? open_hash<true>(spec, std::move(pages), fresh)
                        : open_hash<false>(spec, std::move(pages), fresh);
}

int HashMap::update(const void* key, const void* value, std::uint64_t flags) {
    const bool locked = (flags & kUpdateLock) != 0;
    flags &= ~kUpdateLock;
    if (!update_flags_valid(flags) || (locked && !has_spin_lock())) return -EINVAL;
    HashPlace place;
    std::uint32_t number = 0;
    if (const int error = begin_hash_update(table_, evicts_, !locked, key, flags, place, number)) return error;
    const bool replaces = place.element != 0;
    if (replaces && locked) {
        copy_value(table_.element(place.element) + value_at_, value, true);
        return 0;
    }
    std::memcpy(table_.element(number), key, spec().key_size);
    copy_value(table_.element(number) + value_at_, value);
    if (evicts_ && replaces) table_.use(number);
    if (replaces)
        table_.replace(place, number);
    else
        table_.add(place, number);
    return 0;
}

int HashMap::erase(const void* key) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    table_.remove(place);
    return 0;
}

bool HashMap::next(MapCursor& cursor, MapEntry& entry) {
    const std::uint32_t number = table_.step(cursor);
    if (number == 0) return false;
    entry = {table_.element(number), table_.element(number) + value_at_};
    return true;
}

int HashMap::copy_out(const void* key, void* value) {
    HashPlace place;
    table_.lock(key, place);  // so that the copy is whole
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    read_value(value, table_.element(place.element) + value_at_);
    return 0;
}

int HashMap::take(const void* key, void* value) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    read_value(value, table_.element(place.element) + value_at_);
    table_.remove(place);
    return 0;
}

int hash_next_key(const HashTable& table, const void* key, void* next) {
    MapCursor cursor;
    if (key != nullptr) {
        HashPlace place;
        table.lock(key, place);
        if (place.bucket == nullptr) return -EBUSY;
        if (place.element != 0) cursor = table.cursor_behind(place);
    }
    return table.step(cursor, next) != 0 ? 0 : -ENOENT;
}

int HashMap::next_key(const void* key, void* next) { return hash_next_key(table_, key, next); }

}  // namespace bpftime
