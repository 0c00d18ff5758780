// BPF_MAP_TYPE_BLOOM_FILTER: whether a value has been pushed. A value that was is always found; one that was not is
// found at times, as in the kernel, whose hashes, and so whose mistakes, are others. Through bpf(2), update pushes and
// lookup asks about the value given. No operation takes a lock; values are never removed.
#pragma once

#include <atomic>

#include "runtime/maps/hash_key.h"
#include "runtime/maps/map.h"

namespace bpftime {

class BloomFilterMap final : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    int push(const void* value, std::uint64_t flags) override;
    int peek(void* value) override;

    void* lookup(const void*) override { return nullptr; }
    int update(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int erase(const void*) override { return -EOPNOTSUPP; }
    bool next(MapCursor&, MapEntry&) override { return false; }
    int copy_out(const void*, void* value) override { return peek(value); }
    int copy_in(const void*, const void* value, std::uint64_t flags) override { return push(value, flags); }
    int next_key(const void*, void*) override { return -EOPNOTSUPP; }

private:
    BloomFilterMap(const MapSpec& spec, Pages pages, bool fresh);
    // Calls visit(word, bit) for each of a value's bits until it returns false.
    template <class Visit>
    bool for_each_bit(const void* value, Visit visit) const;

    std::uint64_t mask_;
    std::uint32_t hashes_;
    HashSeed seed_;
};

}  // namespace bpftime
