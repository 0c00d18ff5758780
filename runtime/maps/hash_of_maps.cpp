#include "runtime/maps/hash_of_maps.h"

#include <cstring>

namespace bpftime {

Result<std::uint64_t> HashOfMapsMap::storage_size(const MapSpec& spec) {
    if (spec.value_size != 4) return fail(failure("values of hash_of_maps have 4 bytes, not ", spec.value_size));
    return HashMap::storage_size(spec);
}

std::unique_ptr<Map> HashOfMapsMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    return std::unique_ptr<Map>(new HashOfMapsMap(spec, std::move(pages), fresh));
}

void* HashOfMapsMap::lookup(const void* key) {
    const std::uint32_t number = table_.find(key);
    if (number == 0) return nullptr;
    std::uint32_t id;
    std::memcpy(&id, table_.element(number) + value_at_, sizeof id);
    return resolver_(id);
}

int HashOfMapsMap::copy_in(const void* key, const void* value, std::uint64_t flags) {
    std::uint32_t id;
    std::memcpy(&id, value, sizeof id);
    return id == 0 ? -EBADF : HashMap::update(key, value, flags);
}

}  // namespace bpftime
