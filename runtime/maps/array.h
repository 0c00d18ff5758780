// BPF_MAP_TYPE_ARRAY: values in a row, indexed by a 4-byte key; every element exists from the start.
#pragma once

#include <cstring>

#include "runtime/maps/map.h"

namespace bpftime {

// Checks what array and per-CPU array have in common; own_flags are allowed beside the access flags.
Status check_array_shape(const MapSpec& spec, std::uint32_t own_flags);

class ArrayMap final : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    std::uint8_t* values() const override { return storage(); }
    std::uint64_t stride() const override { return stride_; }
    void* lookup(const void* key) override;
    int update(const void* key, const void* value, std::uint64_t flags) override;
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override { return update(key, value, flags); }
    int next_key(const void* key, void* next) override;

private:
    ArrayMap(const MapSpec& spec, Pages pages)
        : Map(spec, std::move(pages)), stride_(round_up(spec.value_size, 8)), entries_(spec.max_entries) {}

    std::uint64_t stride_;
    std::uint32_t entries_;
};

// Index arithmetic that both array types share.
inline std::uint32_t array_index(const void* key) {
    std::uint32_t index;
    std::memcpy(&index, key, sizeof index);
    return index;
}
int check_array_update(std::uint32_t index, std::uint32_t entries, std::uint64_t flags, bool has_lock = false);
int array_next_key(const void* key, void* next, std::uint32_t entries);
// Moves to the next index and gives the key in the cursor itself, false at the end.
bool array_step(MapCursor& cursor, std::uint32_t entries, MapEntry& entry);

}  // namespace bpftime
