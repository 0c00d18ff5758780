// libbpftime: maps.
#include <linux/bpf.h>

#include "runtime/api/handles.h"
#include "runtime/maps/user_ops.h"
#include "runtime/syscall-server/bpf_call.h"
#include "vm/core/kernel_names.h"

namespace bpftime::api {

namespace {

constexpr std::uint32_t kReadOnly = 1u << 3, kWriteOnly = 1u << 4;

bpf_attr empty() {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    return attr;
}

Result<long> call(Registry& registry, int command, bpf_attr& attr) {
    BpfSession session{registry, {}, {}};
    const long result = bpf_call(session, command, &attr, sizeof(attr));
    if (result >= 0) return result;
    if (session.error) return fail(std::move(*session.error).with_errno(static_cast<int>(-result)));
    return fail(failure(std::strerror(static_cast<int>(-result))).with_errno(static_cast<int>(-result)));
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

// What a map's elements are, if not bytes.
std::optional<ObjectKind> held_kind(const MapObject& map) {
    switch (static_cast<MapType>(map.spec.type)) {
        case MapType::ProgArray: return ObjectKind::Program;
        case MapType::ArrayOfMaps:
        case MapType::HashOfMaps: return ObjectKind::Map;
        case MapType::PerfEventArray: return ObjectKind::PerfEvent;
        default: return std::nullopt;
    }
}

Status check_size(std::string_view what, const void* bytes, std::size_t given, std::size_t wanted) {
    if (given != wanted) return fail(failure("the ", what, " has ", given, " bytes, and the map takes ", wanted));
    if (bytes == nullptr && wanted != 0) return fail(failure("the ", what, " is NULL"));
    return {};
}

enum class Access : std::uint8_t { Read, Write };

// The map as its functions need it.
Result<Map*> usable(const bpftime_map* map, Access access) {
    BPFTIME_CHECK(needed({map}));
    const MapSpec& spec = map->object->spec;
    Map* const elements = map->object->elements->map();
    if (elements == nullptr)
        return fail(failure("elements of map '", spec.name, "' are not reachable from outside").with_errno(EOPNOTSUPP));
    const bool refused = access == Access::Read ? (spec.flags & kWriteOnly) != 0 : (spec.flags & kReadOnly) != 0 || map->object->frozen();
    if (refused)
        return fail(failure("map '", spec.name, "' is ", map->object->frozen() ? "frozen" : access == Access::Read ? "write-only" : "read-only")
                        .with_errno(EPERM));
    return elements;
}

// The kernel's number for "not supported" is not one that strerror() knows.
Status answer(const bpftime_map* map, int result) {
    if (result >= 0) return {};
    const int number = -result == kNotSupported ? EOPNOTSUPP : -result;
    return fail(failure("map '", map->object->spec.name, "': ", std::strerror(number)).with_errno(number));
}

// Elements that are objects: set as bpf(2) sets them, by descriptor.
Status set_object(const bpftime_map* map, ObjectKind kind, const void* key, const void* value, std::uint64_t flags) {
    std::uint32_t id = 0;
    std::memcpy(&id, value, sizeof(id));
    const auto object = BPFTIME_TRY(map->registry->by_id(kind, id));
    const Fd fd(BPFTIME_TRY(map->registry->open(*object)));
    const int number = fd.get();
    bpf_attr attr = empty();
    attr.map_fd = static_cast<std::uint32_t>(map->held.get());
    attr.key = address(key);
    attr.value = address(&number);
    attr.flags = flags;
    BPFTIME_TRY(call(*map->registry, BPF_MAP_UPDATE_ELEM, attr));
    return {};
}

::bpftime_map_info describe(const MapObject& map) {
    ::bpftime_map_info info{};
    info.id = map.id;
    info.type = map.spec.type;
    info.key_size = map.spec.key_size;
    info.value_size = map.spec.value_size;
    info.max_entries = map.spec.max_entries;
    info.flags = map.spec.flags;
    info.user_value = map.elements->value_size();
    info.frozen = map.frozen() ? 1 : 0;
    copy_text(info.name, map.spec.name);
    return info;
}

}  // namespace

Status open_map(std::shared_ptr<Registry> registry, std::shared_ptr<MapObject> object, Fd held, bpftime_map** map) {
    if (!held) held = Fd(BPFTIME_TRY(registry->open(*object)));
    *map = new bpftime_map{std::move(registry), std::move(object), std::move(held)};
    return {};
}

Result<NewMap> create_map(Registry& registry, const MapSpec& spec) {
    bpf_attr attr = empty();
    if (spec.name.size() >= sizeof(attr.map_name)) return fail(failure("the name '", spec.name, "' has more than 15 characters"));
    attr.map_type = spec.type;
    attr.key_size = spec.key_size;
    attr.value_size = spec.value_size;
    attr.max_entries = spec.max_entries;
    attr.map_flags = spec.flags;
    attr.map_extra = spec.extra;
    spec.name.copy(attr.map_name, sizeof(attr.map_name) - 1);
    Fd fd(static_cast<int>(BPFTIME_TRY(call(registry, BPF_MAP_CREATE, attr))));
    if (!spec.contents.empty()) {
        std::vector<std::uint8_t> value = spec.contents;
        value.resize(spec.value_size);
        const std::uint32_t key = 0;
        bpf_attr update = empty();
        update.map_fd = static_cast<std::uint32_t>(fd.get());
        update.key = address(&key);
        update.value = address(value.data());
        BPFTIME_TRY(call(registry, BPF_MAP_UPDATE_ELEM, update));
    }
    auto object = BPFTIME_TRY(registry.get<MapObject>(fd.get()));
    if (spec.frozen) BPFTIME_CHECK(registry.freeze(*object, fd.get()));
    return NewMap{std::move(object), std::move(fd)};
}

}  // namespace bpftime::api

using namespace bpftime;
using namespace bpftime::api;

int bpftime_map_create(bpftime_registry* registry, std::uint32_t type, const char* name, std::uint32_t key_size,
                       std::uint32_t value_size, std::uint32_t max_entries, std::uint32_t flags, bpftime_map** map) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, name, map}));
        MapSpec spec{.name = name, .type = type, .key_size = key_size, .value_size = value_size, .max_entries = max_entries, .flags = flags, .contents = {}};
        NewMap made = BPFTIME_TRY(create_map(*registry->registry, spec));
        return open_map(registry->registry, std::move(made.object), std::move(made.held), map);
    });
}

int bpftime_map_by_id(bpftime_registry* registry, std::uint32_t id, bpftime_map** map) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, map}));
        auto object = BPFTIME_TRY(registry->registry->by_id(ObjectKind::Map, id));
        return open_map(registry->registry, std::static_pointer_cast<MapObject>(std::move(object)), {}, map);
    });
}

int bpftime_map_by_name(bpftime_registry* registry, const char* name, bpftime_map** map) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, name, map}));
        const std::string wanted = name;
        auto object = BPFTIME_TRY(only_object<MapObject>(*registry->registry, cat("with the name '", wanted, "'"),
                                                         [&](const MapObject& one) { return one.spec.name == wanted; }));
        return open_map(registry->registry, std::move(object), {}, map);
    });
}

void bpftime_map_close(bpftime_map* map) { delete map; }

int bpftime_map_get_info(const bpftime_map* map, struct bpftime_map_info* info) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({map, info}));
        return fill_struct(info, describe(*map->object));
    });
}

int bpftime_map_next(bpftime_registry* registry, std::uint32_t after, struct bpftime_map_info* info) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, info}));
        for (auto id = registry->registry->next_id(ObjectKind::Map, after); id;
             id = registry->registry->next_id(ObjectKind::Map, *id)) {
            const auto object = registry->registry->by_id(ObjectKind::Map, *id);
            if (object) return fill_struct(info, describe(static_cast<const MapObject&>(**object)));
            if (object.error().errnum != ENOENT) return fail(Error(object.error()));
        }
        return fail(failure("there is no further map").with_errno(ENOENT));
    });
}

int bpftime_map_lookup(const bpftime_map* map, const void* key, std::size_t key_size, void* value, std::size_t value_size) {
    return guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Read));
        BPFTIME_CHECK(check_size("key", key, key_size, elements->spec().key_size));
        BPFTIME_CHECK(check_size("value", value, value_size, elements->user_value_size()));
        return answer(map, user_lookup(*elements, key, value));
    });
}

int bpftime_map_update(const bpftime_map* map, const void* key, std::size_t key_size, const void* value, std::size_t value_size,
                       std::uint64_t flags) {
    return guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Write));
        BPFTIME_CHECK(check_size("key", key, key_size, elements->spec().key_size));
        BPFTIME_CHECK(check_size("value", value, value_size, elements->user_value_size()));
        if (const auto kind = held_kind(*map->object)) return set_object(map, *kind, key, value, flags);
        return answer(map, user_update(*elements, key, value, flags));
    });
}

int bpftime_map_delete(const bpftime_map* map, const void* key, std::size_t key_size) {
    return guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Write));
        BPFTIME_CHECK(check_size("key", key, key_size, elements->spec().key_size));
        return answer(map, user_delete(*elements, key));
    });
}

int bpftime_map_take(const bpftime_map* map, const void* key, std::size_t key_size, void* value, std::size_t value_size) {
    return guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Write));
        BPFTIME_CHECK(check_size("key", key, key_size, elements->spec().key_size));
        BPFTIME_CHECK(check_size("value", value, value_size, elements->user_value_size()));
        return answer(map, user_lookup_and_delete(*elements, key, value));
    });
}

int bpftime_map_next_key(const bpftime_map* map, const void* key, void* next, std::size_t key_size) {
    // The end of an iteration is no failure to tell about, and need not cost a message.
    int result = 0;
    const int failed = guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Read));
        BPFTIME_CHECK(check_size("key", next, key_size, elements->spec().key_size));
        result = user_next_key(*elements, key, next);
        return result == -ENOENT ? Status() : answer(map, result);
    });
    if (failed == 0 && result == -ENOENT) errno = ENOENT;
    return failed != 0 ? failed : result;
}

void* bpftime_map_values(const bpftime_map* map, std::size_t* stride) {
    void* values = nullptr;
    guarded([&]() -> Status {
        Map* const elements = BPFTIME_TRY(usable(map, Access::Write));
        if (elements->values() == nullptr || held_kind(*map->object))
            return fail(failure("the values of map '", map->object->spec.name, "' do not lie in a row").with_errno(EOPNOTSUPP));
        if ((map->object->spec.flags & kWriteOnly) != 0)
            return fail(failure("map '", map->object->spec.name, "' is write-only").with_errno(EPERM));
        values = elements->values();
        if (stride != nullptr) *stride = elements->stride();
        return {};
    });
    return values;
}
