// BPF_MAP_TYPE_PERCPU_ARRAY: an array of which every CPU has its own values.
#pragma once

#include "runtime/maps/map.h"
#include "runtime/maps/percpu_planes.h"

namespace bpftime {

class PercpuArrayMap final : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    void* lookup(const void* key) override;
    void* lookup_cpu(const void* key, std::uint32_t cpu) override;
    int update(const void* key, const void* value, std::uint64_t flags) override;
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    std::size_t user_value_size() const override { return planes_.user_size(); }
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override;
    int next_key(const void* key, void* next) override;

private:
    PercpuArrayMap(const MapSpec& spec, Pages pages)
        : Map(spec, std::move(pages)), planes_(storage(), spec.value_size, spec.max_entries), entries_(spec.max_entries) {}

    PercpuPlanes planes_;
    std::uint32_t entries_;
};

}  // namespace bpftime
