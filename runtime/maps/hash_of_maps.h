// BPF_MAP_TYPE_HASH_OF_MAPS: a hash whose values name maps by id, as id_array.h has it.
#pragma once

#include "runtime/maps/hash.h"
#include "runtime/maps/id_array.h"

namespace bpftime {

class HashOfMapsMap final : public HashMap {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    void set_resolver(MapResolver resolver) { resolver_ = resolver; }

    void* lookup(const void* key) override;  // the inner map's handle
    int update(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int copy_in(const void* key, const void* value, std::uint64_t flags) override;
    int take(const void*, void*) override { return -kEnotsupp; }

private:
    HashOfMapsMap(const MapSpec& spec, Pages pages, bool fresh) : HashMap(spec, std::move(pages), fresh) {}

    MapResolver resolver_;
};

}  // namespace bpftime
