// BPF_MAP_TYPE_USER_RINGBUF: records from one client to programs, in the kernel's memory layout, so that libbpf's
// user_ring_buffer works on it. Storage and records are those of ringbuf.h with the roles turned round: the client maps
// the consumer page for reading, and for writing the producer page and the data twice in a row. That second sight of the
// data is a matter of the client's mapping; the storage behind the data is memory of our own, where drain() completes a
// record that runs over the end, so that programs see it in one piece.
#pragma once

#include "runtime/maps/keyless_map.h"

namespace bpftime {

class UserRingbufMap final : public KeylessMap {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    // Native code of the callback: gets the addresses of a dynptr (dynptr.h) and `context`; non-zero ends the drain.
    using Callback = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);
    // bpf_user_ringbuf_drain(): the number of records that the callback met, 131072 at most. -EBUSY: others are at it;
    // -EINVAL or -E2BIG: the client wrote nonsense.
    std::int64_t drain(Callback callback, std::uint64_t context, std::uint64_t flags);

private:
    struct Consumer;
    struct Record;

    UserRingbufMap(const MapSpec& spec, Pages pages) : KeylessMap(spec, std::move(pages)), size_(spec.max_entries) {}
    Consumer& consumer() const;
    int first(Record& record) const;
    std::int64_t drain_alone(Callback callback, std::uint64_t context);

    std::uint64_t size_;
};

}  // namespace bpftime
