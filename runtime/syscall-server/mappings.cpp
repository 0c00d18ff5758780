#include "runtime/syscall-server/mappings.h"

#include <unistd.h>

#include "runtime/syscall-server/perf_events.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kReadOnlyProg = 1u << 7, kMmapable = 1u << 10;  // BPF_F_RDONLY_PROG, BPF_F_MMAPABLE

std::uint64_t page() { return static_cast<std::uint64_t>(getpagesize()); }

Error refused(int number, std::string_view cause) { return failure(cause).with_errno(number); }

// array_map_mmap() of the kernel.
Result<Mapping> array_mapping(const MapObject& map, const MappingRequest& request) {
    const std::uint64_t stride = (std::uint64_t{map.spec.value_size} + 7) / 8 * 8;
    const std::uint64_t whole = (stride * map.spec.max_entries + page() - 1) / page() * page();
    if ((map.spec.flags & kMmapable) == 0) return fail(refused(EINVAL, "the array was not created to be mapped"));
    if (request.offset > whole || request.size > whole - request.offset)
        return fail(refused(EINVAL, "the array ends before the mapping"));
    return Mapping{.file = {}, .size = request.size, .offset = request.offset};
}

// ringbuf_map_mmap_kern() and ringbuf_map_mmap_user(): who writes which pages.
Status check_ring_writer(bool user, const MappingRequest& request) {
    const bool consumer = request.offset == 0;
    const bool allowed = user ? !consumer : consumer && request.size == page();
    if (request.writable && !allowed) return fail(refused(EPERM, "these pages of a ring buffer are read-only"));
    return {};
}

Result<Mapping> ring_mapping(const Registry& registry, const MapObject& map, const MappingRequest& request) {
    BPFTIME_CHECK(check_ring_writer(static_cast<MapType>(map.spec.type) == MapType::UserRingbuf, request));
    const std::uint64_t once = ring_size(map.spec), data = map.spec.max_entries;
    if (request.offset > once + data || request.size > once + data - request.offset)
        return fail(refused(EINVAL, "the ring buffer ends before the mapping"));
    Mapping mapping;
    const Fd ring = BPFTIME_TRY(registry.open_companion(map, kRing));
    mapping.file = BPFTIME_TRY(held_descriptor(ring.get()));
    mapping.offset = request.offset < once ? request.offset : request.offset - data;
    mapping.size = std::min<std::uint64_t>(request.size, once - mapping.offset);
    mapping.rest = request.size - mapping.size;
    mapping.rest_offset = once - data;
    return mapping;
}

Result<Mapping> map_mapping(const Registry& registry, const MapObject& map, const MappingRequest& request) {
    const auto type = static_cast<MapType>(map.spec.type);
    const bool ring = type == MapType::Ringbuf || type == MapType::UserRingbuf;
    if (type != MapType::Array && !ring) return fail(refused(kNotSupported, "maps of this type cannot be mapped"));
    if (!request.shared) return fail(refused(EINVAL, "maps are mapped shared"));
    if (request.writable && map.frozen()) return fail(refused(EPERM, "the map is frozen"));
    if (request.writable && (map.spec.flags & kReadOnlyProg) != 0)
        return fail(refused(EACCES, "the map is read-only for programs, which must be able to rely on it"));
    return ring ? ring_mapping(registry, map, request) : array_mapping(map, request);
}

}  // namespace

std::uint64_t ring_size(const MapSpec& spec) { return 2 * page() + spec.max_entries; }

Result<Mapping> mapping_of(Registry& registry, BpfObject& object, const MappingRequest& request) {
    if (object.kind() == ObjectKind::Map) return map_mapping(registry, static_cast<const MapObject&>(object), request);
    if (object.kind() != ObjectKind::PerfEvent) return fail(refused(ENODEV, "this object cannot be mapped"));
    if (!request.shared) return fail(refused(EINVAL, "events are mapped shared"));
    Mapping mapping{.file = {}, .size = request.size};
    mapping.file =
        BPFTIME_TRY(perf_ring(registry, static_cast<PerfEventObject&>(object), request.size, request.offset));
    return mapping;
}

}  // namespace bpftime
