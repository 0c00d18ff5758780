#include "runtime/maps/hash.h"

#include <bit>
#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/spec_check.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kMaxElement = (4u << 20) - 64;  // the kernel's KMALLOC_MAX_SIZE less its element header
constexpr std::uint32_t kReentry = 4;  // writers that may be interrupted on one CPU, each with a spare in hand

// The same map with a lookup for one key size.
template <std::uint32_t Size>
class HashMapOf final : public HashMap {
public:
    HashMapOf(const MapSpec& spec, Pages pages, bool fresh) : HashMap(spec, std::move(pages), fresh) {}

    void* lookup(const void* key) override {
        const std::uint32_t number = table_.template find<Size>(key);
        return number == 0 ? nullptr : table_.element(number) + value_at_;
    }
};

}  // namespace

Status check_hash_shape(const MapSpec& spec, std::uint32_t own_flags) {
    BPFTIME_CHECK(check_map_shape(spec, map_flag::kNoPrealloc | map_flag::kAccess | map_flag::kZeroSeed | own_flags));
    const std::uint64_t element = std::uint64_t{spec.key_size} + spec.value_size;
    if (element >= kMaxElement)
        return fail(failure("key and value of ", element, " bytes exceed ", kMaxElement).with_errno(E2BIG));
    return {};
}

int check_hash_update(bool present, std::uint64_t flags) {
    if (present && flags == kUpdateNoExist) return -EEXIST;
    return !present && flags == kUpdateExist ? -ENOENT : 0;
}

HashShape HashMap::shape(const MapSpec& spec) {
    return {
        .key_size = spec.key_size,
        .element_size = static_cast<std::uint32_t>(round_up(spec.key_size, 8) + round_up(spec.value_size, 8)),
        .max_entries = spec.max_entries,
        .spares = std::bit_ceil(possible_cpus() + kReentry),
        .zero_seed = (spec.flags & map_flag::kZeroSeed) != 0,
    };
}

Result<std::uint64_t> HashMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_hash_shape(spec, map_flag::kNumaNode));
    return HashTable::storage_size(shape(spec));
}

std::unique_ptr<Map> HashMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    switch (spec.key_size) {
        case 4: return std::make_unique<HashMapOf<4>>(spec, std::move(pages), fresh);
        case 8: return std::make_unique<HashMapOf<8>>(spec, std::move(pages), fresh);
        case 16: return std::make_unique<HashMapOf<16>>(spec, std::move(pages), fresh);
        default: return std::make_unique<HashMapOf<kAnyKey>>(spec, std::move(pages), fresh);
    }
}

int HashMap::update(const void* key, const void* value, std::uint64_t flags) {
    if (!update_flags_valid(flags)) return -EINVAL;
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (const int error = check_hash_update(place.element != 0, flags)) return error;
    const std::uint32_t number = place.element != 0 ? table_.take_spare() : table_.allocate();
    if (number == 0) return -E2BIG;
    std::memcpy(table_.element(number), key, spec().key_size);
    std::memcpy(table_.element(number) + value_at_, value, spec().value_size);
    if (place.element != 0)
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
    std::memcpy(value, table_.element(place.element) + value_at_, spec().value_size);
    return 0;
}

int HashMap::take(const void* key, void* value) {
    HashPlace place;
    table_.lock(key, place);
    if (place.bucket == nullptr) return -EBUSY;
    if (place.element == 0) return -ENOENT;
    std::memcpy(value, table_.element(place.element) + value_at_, spec().value_size);
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
