// BPF_MAP_CREATE: which shapes each map type allows (map_shapes.def), and the object behind the descriptor.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "runtime/maps/ringbuf.h"
#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/mappings.h"
#include "runtime/syscall-server/user_memory.h"
#include "runtime/syscall-server/waiting.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

// BPF_F_* of BPF_MAP_CREATE, by the UAPI's values.
constexpr std::uint32_t kNoPrealloc = 1u << 0, kNoCommonLru = 1u << 1, kNuma = 1u << 2, kReadOnly = 1u << 3,
                        kWriteOnly = 1u << 4, kBuildId = 1u << 5, kZeroSeed = 1u << 6, kClone = 1u << 9,
                        kMmapable = 1u << 10, kPreserve = 1u << 11, kInnerMap = 1u << 12, kSegvOnFault = 1u << 17,
                        kNoUserConv = 1u << 18;
constexpr std::uint32_t kReadOnlyProg = 1u << 7, kWriteOnlyProg = 1u << 8;
constexpr std::uint32_t kAccess = kReadOnly | kWriteOnly | kReadOnlyProg | kWriteOnlyProg;

enum class SizeRule : std::uint8_t { Any, None, Fd, FdOrPair, Stack, Trie };
enum class EntriesRule : std::uint8_t { Some, None, Pages };

struct MapShape {
    MapType type;
    SizeRule key, value;
    EntriesRule entries;
    std::uint32_t flags;
};

constexpr MapShape kShapes[] = {
#define MAP_SHAPE(Name, key, value, entries, flags) \
    {MapType::Name, SizeRule::key, SizeRule::value, EntriesRule::entries, flags},
#include "runtime/syscall-server/map_shapes.def"
};

constexpr std::uint32_t kMaxKey = 512u << 10, kMaxValue = 1u << 30, kMaxTrieKey = 4 + 256, kMaxStackDepth = 127;

bool size_fits(SizeRule rule, std::uint32_t size, std::uint32_t flags) {
    const std::uint32_t frame = (flags & kBuildId) != 0 ? 32 : 8;  // struct bpf_stack_build_id, or an address
    switch (rule) {
        case SizeRule::Any: return size >= 1;
        case SizeRule::None: return size == 0;
        case SizeRule::Fd: return size == 4;
        case SizeRule::FdOrPair: return size == 4 || size == 8;
        case SizeRule::Stack: return size >= frame && size % frame == 0 && size / frame <= kMaxStackDepth;
        case SizeRule::Trie: return size > 4 && size <= kMaxTrieKey;
    }
    return false;
}

bool entries_fit(EntriesRule rule, std::uint32_t entries) {
    switch (rule) {
        case EntriesRule::Some: return entries >= 1;
        case EntriesRule::None: return entries == 0;
        case EntriesRule::Pages:
            return (entries & (entries - 1)) == 0 && entries >= static_cast<std::uint32_t>(getpagesize());
    }
    return false;
}

Status check_name(const char (&field)[16]) {
    const std::string name = fixed_string(field);
    if (name.size() == sizeof(field)) return fail(failure("the map's name is not terminated"));
    if (std::ranges::any_of(field + name.size(), std::end(field), [](char c) { return c != '\0'; }))
        return fail(failure("the map's name has bytes behind its end"));
    const bool plain =
        std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
    if (!plain) return fail(failure("the map's name has characters other than letters, digits, '_' and '.'"));
    return {};
}

Status check_shape(const MapSpec& spec) {
    const auto* shape = std::ranges::find(kShapes, static_cast<MapType>(spec.type), &MapShape::type);
    const auto wrong = [&](auto&&... what) {
        return fail(failure("map '", spec.name, "' of type ", map_type_name(spec.type), ' ', what...));
    };
    if (shape == std::end(kShapes)) return wrong("cannot be created: this runtime does not have the type");
    if (!size_fits(shape->key, spec.key_size, spec.flags))
        return wrong("cannot have keys of ", spec.key_size, " bytes");
    if (!size_fits(shape->value, spec.value_size, spec.flags))
        return wrong("cannot have values of ", spec.value_size, " bytes");
    if (!entries_fit(shape->entries, spec.max_entries)) return wrong("cannot have ", spec.max_entries, " entries");
    if ((spec.flags & ~shape->flags) != 0) return wrong("does not take flags ", hex(spec.flags & ~shape->flags));
    if (spec.key_size > kMaxKey || spec.value_size > kMaxValue)
        return fail(failure("map '", spec.name, "' has keys or values that are too large").with_errno(E2BIG));
    if ((spec.flags & kReadOnly) != 0 && (spec.flags & kWriteOnly) != 0)
        return wrong("cannot be read-only and write-only");
    if ((spec.flags & kReadOnlyProg) != 0 && (spec.flags & kWriteOnlyProg) != 0)
        return wrong("cannot be read-only and write-only to programs");
    const bool must_not_preallocate = spec.type == static_cast<std::uint32_t>(MapType::LpmTrie) ||
                                      (shape->entries == EntriesRule::None && shape->key == SizeRule::Fd);
    if (must_not_preallocate && (spec.flags & kNoPrealloc) == 0) return wrong("needs BPF_F_NO_PREALLOC");
    const bool takes_extra = spec.type == static_cast<std::uint32_t>(MapType::BloomFilter) ||
                             spec.type == static_cast<std::uint32_t>(MapType::Arena);
    if (spec.extra != 0 && !takes_extra) return wrong("takes no map_extra");
    return {};
}

bool holds_maps(const MapSpec& spec) {
    return spec.type == static_cast<std::uint32_t>(MapType::ArrayOfMaps) ||
           spec.type == static_cast<std::uint32_t>(MapType::HashOfMaps);
}

Status attach_btf(BpfSession& session, const bpf_attr& attr, MapObject& map) {
    if (attr.btf_vmlinux_value_type_id != 0)
        return fail(failure("struct_ops maps are not available in userspace").with_errno(kNotSupported));
    const bool needed = map.spec.type == static_cast<std::uint32_t>(MapType::TaskStorage);
    if (needed && (attr.btf_key_type_id == 0 || attr.btf_value_type_id == 0))
        return fail(failure("map '", map.spec.name, "' needs BTF of its keys and values"));
    if (attr.btf_key_type_id == 0 && attr.btf_value_type_id == 0) return {};
    map.btf = BPFTIME_TRY(session.registry.get<BtfObject>(static_cast<int>(attr.btf_fd)));
    for (const std::uint32_t id : {attr.btf_key_type_id, attr.btf_value_type_id})
        if (id >= map.btf->view.type_count())
            return fail(failure("BTF type ", id, " of map '", map.spec.name, "' does not exist"));
    map.key_type = attr.btf_key_type_id;
    map.value_type = attr.btf_value_type_id;
    return find_spin_lock(map);
}

// A ring buffer is waited on: a pipe stands behind its descriptor, and beside it are its pages.
Result<long> create_ring(BpfSession& session, std::shared_ptr<MapObject> map) {
    const std::uint64_t stored = BPFTIME_TRY(elements_file_size(map->spec));
    // Clients map it by the machine's pages, programs write it by those of its layout.
    if (static_cast<std::uint64_t>(getpagesize()) != RingbufMap::kProducerOffset)
        return fail(
            failure("ring buffers have pages of ", RingbufMap::kProducerOffset, " bytes here, and this machine has not")
                .with_errno(kNotSupported));
    Fd pipe = BPFTIME_TRY(new_wake_pipe());
    Fd fd(BPFTIME_TRY(session.registry.publish(map, std::move(pipe))));
    const Fd ring =
        BPFTIME_TRY(session.registry.make_companion(*map, kRingCompanion, std::max(stored, user_ring_size(map->spec))));
    map->elements = BPFTIME_TRY(make_elements(map->spec, ring.get()));
    map->elements->wake_by(session.registry.waker(*map));
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);  // emptied and filled by settle_readiness()
    return fd.release();
}

}  // namespace

Result<long> map_create(BpfSession& session, bpf_attr& attr) {
    BPFTIME_CHECK(check_name(attr.map_name));
    auto map = std::make_shared<MapObject>();
    map->spec = MapSpec{.name = fixed_string(attr.map_name),
                        .number = 0,
                        .type = attr.map_type,
                        .key_size = attr.key_size,
                        .value_size = attr.value_size,
                        .max_entries = attr.max_entries,
                        .flags = attr.map_flags,
                        .extra = attr.map_extra,
                        .frozen = false,
                        .contents = {}};
    if (attr.map_ifindex != 0) return fail(failure("maps cannot be offloaded to a device").with_errno(EOPNOTSUPP));
    BPFTIME_CHECK(check_shape(map->spec));
    BPFTIME_CHECK(attach_btf(session, attr, *map));
    if (holds_maps(map->spec)) {
        map->inner = BPFTIME_TRY(session.registry.get<MapObject>(static_cast<int>(attr.inner_map_fd)));
        if (holds_maps(map->inner->spec)) return fail(failure("maps of maps cannot be nested deeper"));
    }
    if (is_ring(map->spec)) return create_ring(session, std::move(map));
    const std::uint64_t size = BPFTIME_TRY(elements_file_size(map->spec));
    Fd file = BPFTIME_TRY(session.registry.make_file("bpf-map", size));
    set_elements(*map, BPFTIME_TRY(make_elements(map->spec, file.get())));
    return BPFTIME_TRY(session.registry.publish(std::move(map), std::move(file)));
}

}  // namespace bpftime
