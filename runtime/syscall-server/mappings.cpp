#include "runtime/syscall-server/mappings.h"

#include <unistd.h>

#include "runtime/syscall-server/perf_events.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kReadOnlyProg = 1u << 7, kMmapable = 1u << 10;  // BPF_F_RDONLY_PROG, BPF_F_MMAPABLE

std::uint64_t page() { return static_cast<std::uint64_t>(getpagesize()); }

Error refused(int number, std::string_view cause) { return failure(cause).with_errno(number); }

// The description that a mapping is made from. One to read cannot be made writable later (VM_MAYWRITE of the kernel); one to write is
// counted, so that the map is not frozen under it (kernel: map->writecnt).
Result<Fd> file_to_map(int fd, const MapObject& map, const MappingRequest& request) {
    Fd file = BPFTIME_TRY(held_descriptor(fd, request.writable ? OpenFor::ReadWrite : OpenFor::Read));
    if (!request.writable) return file;
    BPFTIME_CHECK(mark_writer(file.get()));
    if (map.frozen()) return fail(refused(EPERM, "the map is frozen"));
    return file;
}

// array_map_mmap() of the kernel.
Result<Mapping> array_mapping(const Registry& registry, const MapObject& map, const MappingRequest& request) {
    const std::uint64_t stride = (std::uint64_t{map.spec.value_size} + 7) / 8 * 8;
    const std::uint64_t whole = (stride * map.spec.max_entries + page() - 1) / page() * page();
    if ((map.spec.flags & kMmapable) == 0) return fail(refused(EINVAL, "the array was not created to be mapped"));
    if (request.offset > whole || request.size > whole - request.offset)
        return fail(refused(EINVAL, "the array ends before the mapping"));
    const Fd own(BPFTIME_TRY(registry.open(map)));
    return Mapping{.file = BPFTIME_TRY(file_to_map(own.get(), map, request)), .size = request.size, .offset = request.offset};
}

// ringbuf_map_mmap_kern() and ringbuf_map_mmap_user(): who writes which pages.
Status check_ring_writer(bool user, const MappingRequest& request) {
    const bool consumer = request.offset == 0;
    const bool allowed = user ? !consumer : consumer && request.size == page();
    if (request.writable && !allowed) return fail(refused(EPERM, "these pages of a ring buffer are read-only"));
    return {};
}

Result<Mapping> ring_mapping(const Registry& registry, const MapObject& map, const MappingRequest& request) {
    const bool user = static_cast<MapType>(map.spec.type) == MapType::UserRingbuf;
    BPFTIME_CHECK(check_ring_writer(user, request));
    const std::uint64_t data = map.spec.max_entries, whole = user_ring_size(map.spec) + data;
    if (request.offset > whole || request.size > whole - request.offset)
        return fail(refused(EINVAL, "the ring buffer ends before the mapping"));
    // The file of a ring buffer that programs write holds the second copy of the data, a user ring buffer's does not.
    const std::uint64_t once = user ? whole - data : whole;
    Mapping mapping;
    const Fd ring = BPFTIME_TRY(registry.open_companion(map, kRingCompanion));
    mapping.file = BPFTIME_TRY(file_to_map(ring.get(), map, request));
    mapping.offset = request.offset < once ? request.offset : request.offset - data;
    mapping.size = std::min<std::uint64_t>(request.size, once - mapping.offset);
    mapping.rest = request.size - mapping.size;
    mapping.rest_offset = once - data;
    return mapping;
}

Result<Mapping> map_mapping(const Registry& registry, const MapObject& map, const MappingRequest& request) {
    const auto type = static_cast<MapType>(map.spec.type);
    const bool ring = is_ring(map.spec);
    if (type != MapType::Array && !ring) return fail(refused(kNotSupported, "maps of this type cannot be mapped"));
    if (!request.shared) return fail(refused(EINVAL, "maps are mapped shared"));
    if (request.writable && map.frozen()) return fail(refused(EPERM, "the map is frozen"));
    if (request.writable && (map.spec.flags & kReadOnlyProg) != 0)
        return fail(refused(EACCES, "the map is read-only for programs, which must be able to rely on it"));
    return ring ? ring_mapping(registry, map, request) : array_mapping(registry, map, request);
}

}  // namespace

std::uint64_t user_ring_size(const MapSpec& spec) { return 2 * page() + spec.max_entries; }

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
