// Dynamic pointers: 16 bytes on the program's stack (struct bpf_dynptr) that say what memory they mean, of which kind, and
// how much of it. What the kernel's verifier proves about them is believed here; memory that none of them means is null.
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/maps/ringbuf.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

constexpr std::uint32_t kSizeMask = 0xffffff;  // DYNPTR_SIZE_MASK; above it the kind, and at the top: read-only
constexpr unsigned kKindShift = 28;
constexpr std::uint32_t kReadOnly = 1u << 31;
enum class Kind : std::uint32_t { Local = 1, Ringbuf = 2 };

// struct bpf_dynptr_kern.
struct Dynptr {
    u64 data;
    std::uint32_t size;
    std::uint32_t offset;

    std::uint32_t length() const { return size & kSizeMask; }
    bool holds(u64 from, u64 bytes) const { return bytes <= length() && from <= length() - bytes; }
};
static_assert(sizeof(Dynptr) == 16);

std::uint32_t low(u64 value) { return static_cast<std::uint32_t>(value); }

// Makes *out mean `size` bytes at `data`; nothing where that is an error, which is passed on.
u64 make(u64 out, std::int64_t error, u64 data, u64 size, Kind kind) {
    *pointer<Dynptr>(out) = error != 0 ? Dynptr{} : Dynptr{data, low(size) | static_cast<std::uint32_t>(kind) << kKindShift, 0};
    return result(error);
}

u64 end_record(u64 dynptr, u64 flags, bool discard) {
    Dynptr& record = *pointer<Dynptr>(dynptr);
    if (RingbufMap* ring = record.data == 0 ? nullptr : RingbufMap::of_sample(pointer(record.data)))
        ring->commit(pointer(record.data), flags, discard);
    record = {};
    return 0;
}

}  // namespace

u64 dynptr_from_mem(u64 data, u64 size, u64 flags, u64 out, u64) {
    size = low(size);
    return make(out, size > kSizeMask ? -E2BIG : flags != 0 ? -EINVAL : 0, data, size, Kind::Local);
}

u64 ringbuf_reserve_dynptr(u64 map, u64 size, u64 flags, u64 out, u64) {
    auto* const ring = pointer<Map>(map);
    size = low(size);
    if (flags != 0 || ring->spec().type != static_cast<std::uint32_t>(MapType::Ringbuf))
        return make(out, -EINVAL, 0, 0, Kind::Ringbuf);
    if (size > kSizeMask) return make(out, -E2BIG, 0, 0, Kind::Ringbuf);
    const u64 sample = address(static_cast<RingbufMap*>(ring)->reserve(size));
    return make(out, sample == 0 ? -EINVAL : 0, sample, size, Kind::Ringbuf);
}

u64 ringbuf_submit_dynptr(u64 dynptr, u64 flags, u64, u64, u64) { return end_record(dynptr, flags, false); }
u64 ringbuf_discard_dynptr(u64 dynptr, u64 flags, u64, u64, u64) { return end_record(dynptr, flags, true); }

u64 dynptr_read(u64 to, u64 size, u64 dynptr, u64 offset, u64 flags) {
    const Dynptr from = *pointer<Dynptr>(dynptr);
    if (from.data == 0 || flags != 0) return result(-EINVAL);
    if (!from.holds(low(offset), low(size))) return result(-E2BIG);
    std::memmove(pointer(to), pointer(from.data + from.offset + low(offset)), low(size));
    return 0;
}

u64 dynptr_write(u64 dynptr, u64 offset, u64 from, u64 size, u64 flags) {
    const Dynptr to = *pointer<Dynptr>(dynptr);
    if (to.data == 0 || (to.size & kReadOnly) != 0) return result(-EINVAL);
    if (!to.holds(low(offset), low(size))) return result(-E2BIG);
    if (flags != 0) return result(-EINVAL);
    std::memmove(pointer(to.data + to.offset + low(offset)), pointer(from), low(size));
    return 0;
}

u64 dynptr_data(u64 dynptr, u64 offset, u64 size, u64, u64) {
    const Dynptr from = *pointer<Dynptr>(dynptr);
    const bool there = from.data != 0 && from.holds(low(offset), low(size)) && (from.size & kReadOnly) == 0;
    return there ? from.data + from.offset + low(offset) : 0;
}

}  // namespace bpftime::helpers
