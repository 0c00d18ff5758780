// mmap(2) of the descriptors of objects: what the kernel allows, and where the bytes are.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime {

// Bytes of it for a user ring buffer: the consumer's page, the producer's page, the data. (For a ring buffer that
// programs write: runtime/maps/ringbuf.h.)
std::uint64_t user_ring_size(const MapSpec& spec);

struct MappingRequest {
    std::size_t size = 0;  // whole pages
    std::uint64_t offset = 0;
    bool writable = false, shared = false;
};

// What to map instead: the first `size` bytes from `offset` of `file`, which is needed until they are mapped; behind them `rest` bytes from `rest_offset`, where the data of a user
// ring buffer is seen a second time.
struct Mapping {
    Fd file;
    std::size_t size = 0, rest = 0;
    std::uint64_t offset = 0, rest_offset = 0;
};
Result<Mapping> mapping_of(Registry& registry, BpfObject& object, const MappingRequest& request);

}  // namespace bpftime
