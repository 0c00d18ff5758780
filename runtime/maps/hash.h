// BPF_MAP_TYPE_HASH. An update of an existing key puts another element in its place, as the kernel does: whoever looked
// the old value up keeps reading it whole.
// BPF_MAP_TYPE_LRU_HASH: the same, and an insert into a full map evicts. Lookups by programs and updates mark an
// element as used without a lock; a hand that goes round over all elements evicts the first that was not used since it
// came by last. So, with one thread at work: a map that is not full evicts nothing; one that is full loses one element
// for each new key, and the max_entries - n inserts after n elements were used lose none of these; the map never holds
// more than max_entries. (The kernel's evicts somewhat early, in batches for each CPU.) Updates that are refused evict
// nothing. -ENOMEM, as in the kernel, only when every element is being changed by others. BPF_F_NO_COMMON_LRU is
// accepted; the order is common to all CPUs all the same, and max_entries is rounded to a multiple of the CPUs, as the
// kernel does.
#pragma once

#include "runtime/maps/hash_table.h"

namespace bpftime {

// Checks what the four types of hash have in common.
Status check_hash_shape(const MapSpec& spec);
bool is_lru(const MapSpec& spec);
// How many elements a hash of this shape holds.
std::uint32_t hash_capacity(const MapSpec& spec);
// Locks the place of `key` for an update and takes an element: for a new key, and where the map `replaces` elements for
// one that is there. 0 or the errno; then nothing is locked.
int begin_hash_update(const HashTable& table, bool evicts, bool replaces, const void* key, std::uint64_t flags,
                      HashPlace& place, std::uint32_t& number);
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
        : Map(spec, std::move(pages)),
          table_(shape(spec), storage(), fresh),
          value_at_(static_cast<std::uint32_t>(round_up(spec.key_size, 8))),
          evicts_(is_lru(spec)) {}

    HashTable table_;
    std::uint32_t value_at_;  // offset of the value in an element
    bool evicts_;
};

using LruHashMap = HashMap;

// next_key of a map over `table`.
int hash_next_key(const HashTable& table, const void* key, void* next);

}  // namespace bpftime
