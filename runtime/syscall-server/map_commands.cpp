// Elements of maps, and freezing. Values that hold objects (programs, maps) arrive as descriptors and are read as ids.
#include <cstring>

#include "runtime/syscall-server/map_access.h"
#include "runtime/syscall-server/user_memory.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kReadOnly = 1u << 3, kWriteOnly = 1u << 4;

Result<Bytes> read_bytes(std::uint64_t address, std::size_t size) {
    Bytes bytes(size);
    BPFTIME_CHECK(read_user(address, bytes));
    return bytes;
}

// What a map of objects keeps for the descriptor `fd`: the object's id.
Result<std::uint32_t> object_value(BpfSession& session, const MapObject& map, int fd) {
    switch (static_cast<MapType>(map.spec.type)) {
        case MapType::ProgArray: return BPFTIME_TRY(session.registry.get<ProgramObject>(fd))->id;
        case MapType::PerfEventArray: {
            auto event = session.registry.get<PerfEventObject>(fd);
            if (!event) return fail(std::move(event).error().with_errno(EBADF));
            return (*event)->id;
        }
        case MapType::ArrayOfMaps:
        case MapType::HashOfMaps: {
            const auto inner = BPFTIME_TRY(session.registry.get<MapObject>(fd));
            const MapSpec &is = inner->spec, &wanted = map.inner->spec;
            const bool fits = is.type == wanted.type && is.key_size == wanted.key_size &&
                              is.value_size == wanted.value_size && is.flags == wanted.flags;
            if (!fits) return fail(failure("map '", is.name, "' is not of the shape that '", map.spec.name, "' holds"));
            return inner->id;
        }
        default: return fail(failure("elements of map '", map.spec.name, "' cannot be set").with_errno(kNotSupported));
    }
}

bool holds_objects(const MapObject& map) {
    switch (static_cast<MapType>(map.spec.type)) {
        case MapType::ProgArray:
        case MapType::PerfEventArray:
        case MapType::CgroupArray:
        case MapType::ArrayOfMaps:
        case MapType::HashOfMaps: return true;
        default: return false;
    }
}

}  // namespace

Status check_lock_flag(const MapObject& map, std::uint64_t flags) {
    if ((flags & BPF_F_LOCK) == 0 || map.spin_lock) return {};
    return fail(failure("the values of map '", map.spec.name, "' have no spin lock"));
}

Result<std::shared_ptr<MapObject>> readable_map(BpfSession& session, int fd) {
    auto map = BPFTIME_TRY(session.registry.get<MapObject>(fd));
    if ((map->spec.flags & kWriteOnly) != 0)
        return fail(failure("map '", map->spec.name, "' is write-only").with_errno(EPERM));
    return map;
}

Result<std::shared_ptr<MapObject>> writable_map(BpfSession& session, int fd) {
    auto map = BPFTIME_TRY(session.registry.get<MapObject>(fd));
    if ((map->spec.flags & kReadOnly) != 0 || map->frozen())
        return fail(
            failure("map '", map->spec.name, "' is ", map->frozen() ? "frozen" : "read-only").with_errno(EPERM));
    return map;
}

Result<long> map_lookup(BpfSession& session, bpf_attr& attr) {
    const auto map = BPFTIME_TRY(readable_map(session, static_cast<int>(attr.map_fd)));
    if ((attr.flags & ~std::uint64_t{BPF_F_LOCK}) != 0) return fail(failure("unknown lookup flags"));
    BPFTIME_CHECK(check_lock_flag(*map, attr.flags));
    const Bytes key = BPFTIME_TRY(read_bytes(attr.key, map->spec.key_size));
    const Bytes value = BPFTIME_TRY(map->elements->lookup(key));
    BPFTIME_CHECK(write_user(attr.value, value));
    return 0;
}

Result<long> map_update(BpfSession& session, bpf_attr& attr) {
    const auto map = BPFTIME_TRY(writable_map(session, static_cast<int>(attr.map_fd)));
    BPFTIME_CHECK(check_lock_flag(*map, attr.flags));
    const Bytes key = BPFTIME_TRY(read_bytes(attr.key, map->spec.key_size));
    Bytes value = BPFTIME_TRY(read_bytes(attr.value, map->elements->value_size()));
    if (holds_objects(*map)) {
        std::int32_t fd = -1;
        std::memcpy(&fd, value.data(), sizeof(fd));
        const std::uint32_t id = BPFTIME_TRY(object_value(session, *map, fd));
        std::memcpy(value.data(), &id, sizeof(id));
    }
    BPFTIME_CHECK(map->elements->update(key, value, attr.flags));
    return 0;
}

Result<long> map_delete(BpfSession& session, bpf_attr& attr) {
    const auto map = BPFTIME_TRY(writable_map(session, static_cast<int>(attr.map_fd)));
    const Bytes key = BPFTIME_TRY(read_bytes(attr.key, map->spec.key_size));
    BPFTIME_CHECK(map->elements->erase(key));
    return 0;
}

Result<long> map_take(BpfSession& session, bpf_attr& attr) {
    if ((attr.flags & ~std::uint64_t{BPF_F_LOCK}) != 0) return fail(failure("unknown lookup flags"));
    const auto map = BPFTIME_TRY(writable_map(session, static_cast<int>(attr.map_fd)));
    BPFTIME_CHECK(check_lock_flag(*map, attr.flags));
    const Bytes key = BPFTIME_TRY(read_bytes(attr.key, map->spec.key_size));
    const Bytes value = BPFTIME_TRY(map->elements->take(key));
    BPFTIME_CHECK(write_user(attr.value, value));
    return 0;
}

Result<long> map_next_key(BpfSession& session, bpf_attr& attr) {
    const auto map = BPFTIME_TRY(readable_map(session, static_cast<int>(attr.map_fd)));
    std::optional<Bytes> key;
    if (attr.key != 0) key = BPFTIME_TRY(read_bytes(attr.key, map->spec.key_size));
    const Bytes next = BPFTIME_TRY(map->elements->next_key(key ? std::optional<ByteView>(*key) : std::nullopt));
    BPFTIME_CHECK(write_user(attr.next_key, next));
    return 0;
}

Result<long> map_freeze(BpfSession& session, bpf_attr& attr) {
    const int fd = static_cast<int>(attr.map_fd);
    const auto map = BPFTIME_TRY(session.registry.get<MapObject>(fd));
    if (map->frozen()) return fail(failure("map '", map->spec.name, "' is frozen already").with_errno(EPERM));
    BPFTIME_CHECK(session.registry.freeze(*map, fd));
    return 0;
}

}  // namespace bpftime
