// Records into ring buffers. A map that is none, which the kernel's verifier would refuse, is -EINVAL or has no room.
#include "runtime/helpers/functions.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/user_ringbuf.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

RingbufMap* ring_of(u64 handle) {
    auto* map = pointer<Map>(handle);
    return map->spec().type == static_cast<std::uint32_t>(MapType::Ringbuf) ? static_cast<RingbufMap*>(map) : nullptr;
}

u64 commit(u64 sample, u64 flags, bool discard) {
    if (RingbufMap* ring = RingbufMap::of_sample(pointer(sample))) ring->commit(pointer(sample), flags, discard);
    return 0;
}

}  // namespace

u64 ringbuf_output(u64 map, u64 sample, u64 size, u64 flags, u64) {
    RingbufMap* ring = ring_of(map);
    return ring == nullptr ? result(-EINVAL) : result(ring->output(pointer(sample), size, flags));
}

u64 ringbuf_reserve(u64 map, u64 size, u64 flags, u64, u64) {
    RingbufMap* ring = ring_of(map);
    return ring == nullptr || flags != 0 ? 0 : address(ring->reserve(size));
}

u64 ringbuf_submit(u64 sample, u64 flags, u64, u64, u64) { return commit(sample, flags, false); }
u64 ringbuf_discard(u64 sample, u64 flags, u64, u64, u64) { return commit(sample, flags, true); }

u64 user_ringbuf_drain(u64 handle, u64 callback, u64 context, u64 flags, u64) {
    auto* map = pointer<Map>(handle);
    if (map->spec().type != static_cast<std::uint32_t>(MapType::UserRingbuf)) return result(-EINVAL);
    return result(static_cast<UserRingbufMap*>(map)->drain(pointer<u64(u64, u64, u64, u64, u64)>(callback), context, flags));
}

u64 ringbuf_query(u64 map, u64 what, u64, u64, u64) {
    const RingbufMap* ring = ring_of(map);
    return ring == nullptr ? 0 : ring->query(what);
}

}  // namespace bpftime::helpers
