// BPF_MAP_TYPE_PERCPU_HASH: a hash of which every CPU has its own values. Programs update their CPU's value in place.
// BPF_MAP_TYPE_LRU_PERCPU_HASH: the same, evicting as BPF_MAP_TYPE_LRU_HASH does (hash.h).
#pragma once

#include "runtime/maps/hash_table.h"
#include "runtime/maps/percpu_planes.h"

namespace bpftime {

class PercpuHashMap : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    void* lookup_cpu(const void* key, std::uint32_t cpu) override;
    int update(const void* key, const void* value, std::uint64_t flags) override;
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    std::size_t user_value_size() const override { return planes_.user_size(); }
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override;
    int take(const void* key, void* value) override;
    int next_key(const void* key, void* next) override;

protected:
    PercpuHashMap(const MapSpec& spec, Pages pages, bool fresh);

    HashTable table_;  // elements are keys; their numbers index the planes
    PercpuPlanes planes_;
    bool evicts_;

private:
    // Finds or adds `key`; `set(number, present)` writes the values while the bucket is locked, before the key can be
    // found.
    template <class Set>
    int put(const void* key, std::uint64_t flags, Set set);
};

using LruPercpuHashMap = PercpuHashMap;

}  // namespace bpftime
