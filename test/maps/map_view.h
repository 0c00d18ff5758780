// One view of a map for tests: ours, the kernel's or a model, so that the same operations can be run on two of them and
// compared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/maps/map.h"

namespace bpftime::test {

using Bytes = std::vector<std::uint8_t>;

// The map commands of bpf(2): 0 or a negative errno. Values are user_value_size() bytes.
class MapView {
public:
    virtual ~MapView() = default;
    virtual int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) = 0;
    virtual int update(const Bytes& key, const Bytes& value, std::uint64_t flags) = 0;
    virtual int erase(const Bytes& key) = 0;
    virtual int take(const Bytes& key, Bytes& value) = 0;
    virtual int next_key(const Bytes* key, Bytes& next) = 0;
};

std::unique_ptr<MapView> view_of(Map& map);

// What the documentation of the kernel's maps says, over std::map. `type` as in MapSpec.
std::unique_ptr<MapView> model_of(const MapSpec& spec, std::size_t user_value_size);
std::unique_ptr<MapView> queue_model(const MapSpec& spec);
std::unique_ptr<MapView> lpm_model(const MapSpec& spec);

// Objects of the running kernel that maps can hold, with their ids: programs or maps as the type asks for.
struct KernelObject {
    int fd;
    std::uint32_t id;
};
std::vector<KernelObject> kernel_objects(std::uint32_t map_type);
// A view whose values are ids, over one whose updates take descriptors of these.
std::unique_ptr<MapView> by_id(std::unique_ptr<MapView> view, std::vector<KernelObject> objects);

// A map of the running kernel, or why there is none: the errno of BPF_MAP_CREATE.
Result<std::unique_ptr<MapView>> kernel_map(const MapSpec& spec);

// Runs `count` random operations on both, comparing every result; describes the first difference, empty when there is
// none. Values are random bytes, or these ids.
std::string compare_views(MapView& left, MapView& right, const MapSpec& spec, std::size_t value_size,
                          std::uint64_t seed, std::uint32_t count, std::vector<std::uint32_t> ids = {});

MapSpec spec_of(std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                std::uint32_t flags = 0);

}  // namespace bpftime::test
