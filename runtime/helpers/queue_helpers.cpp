// Maps without keys: queue, stack, bloom filter. On others these are -EOPNOTSUPP; the kernel's verifier would refuse.
#include "runtime/helpers/functions.h"
#include "runtime/maps/map.h"

namespace bpftime::helpers {

u64 map_push_elem(u64 map, u64 value, u64 flags, u64, u64) {
    return result(pointer<Map>(map)->push(pointer(value), flags));
}

u64 map_pop_elem(u64 map, u64 value, u64, u64, u64) { return result(pointer<Map>(map)->pop(pointer(value))); }
u64 map_peek_elem(u64 map, u64 value, u64, u64, u64) { return result(pointer<Map>(map)->peek(pointer(value))); }

}  // namespace bpftime::helpers
