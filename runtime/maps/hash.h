// BPF_MAP_TYPE_HASH. An update of an existing key puts another element in its place, as the kernel does: whoever looked
// the old value up keeps reading it whole.
#pragma once

#include "runtime/maps/hash_table.h"

namespace bpftime {

// Checks what hash and per-CPU hash have in common; own_flags are allowed beside the common ones.
Status check_hash_shape(const MapSpec& spec, std::uint32_t own_flags);
// 0, or the errno for updating a key that is there or not.
int check_hash_update(bool present, std::uint64_t flags);

class HashMap : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    int update(const void* key, const void* value, std::uint64_t flags) override;
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override { return update(key, value, flags); }
    int take(const void* key, void* value) override;
    int next_key(const void* key, void* next) override;

protected:
    static HashShape shape(const MapSpec& spec);
    HashMap(const MapSpec& spec, Pages pages, bool fresh)
        : Map(spec, std::move(pages)), table_(shape(spec), storage(), fresh), value_at_(static_cast<std::uint32_t>(round_up(spec.key_size, 8))) {}

    HashTable table_;
    std::uint32_t value_at_;  // offset of the value in an element
};

// next_key of a map over `table`.
int hash_next_key(const HashTable& table, const void* key, void* next);

}  // namespace bpftime
