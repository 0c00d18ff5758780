#include "runtime/registry/objects.h"

#include <algorithm>

#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

// What a value's type is behind typedefs and modifiers; the BTF has no endless chains.
const BtfType& resolved(const Btf& btf, std::uint32_t id) {
    constexpr BtfKind kThrough[] = {BtfKind::Typedef, BtfKind::Volatile, BtfKind::Const, BtfKind::Restrict, BtfKind::TypeTag};
    while (std::ranges::count(kThrough, btf.type(id).kind) != 0) id = btf.type(id).size_or_type;
    return btf.type(id);
}

constexpr std::uint32_t kLockSize = 4;  // struct bpf_spin_lock

}  // namespace

std::string_view kind_name(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::Map: return "map";
        case ObjectKind::Program: return "program";
        case ObjectKind::Btf: return "BTF object";
        case ObjectKind::Link: return "link";
        case ObjectKind::PerfEvent: return "perf event";
    }
    return "object";
}

MapSpec MapObject::snapshot() const {
    MapSpec copy = spec;
    copy.name = binding_name(spec.name);
    copy.frozen = frozen();
    if (copy.name.starts_with('.')) {
        const ByteView value = elements->value_in_place();
        copy.contents.assign(value.begin(), value.end());
    }
    return copy;
}

Status find_spin_lock(MapObject& map) {
    if (!map.btf || map.value_type >= map.btf->view.type_count()) return {};
    const Btf& btf = map.btf->view;
    const BtfType& value = resolved(btf, map.value_type);
    if (value.kind != BtfKind::Struct) return {};
    const auto wrong = [&](int error, auto&&... what) {
        return fail(failure("map '", map.spec.name, "': ", what...).with_errno(error));
    };
    for (std::uint32_t member = 0; member < value.count; ++member) {
        const std::uint32_t* const words = &value.extra[std::size_t{member} * 3];  // name, type, offset in bits
        const BtfType& type = btf.type(words[1]);
        if (type.kind != BtfKind::Struct || btf.string(type.name) != "bpf_spin_lock") continue;
        if (type.size_or_type != kLockSize) continue;
        const std::uint32_t bits = value.flag ? words[2] & 0xffffff : words[2];
        if (map.spin_lock) return wrong(E2BIG, "its values have two spin locks");
        if (bits % (kLockSize * 8) != 0 || bits / 8 + kLockSize > map.spec.value_size)
            return wrong(EINVAL, "the spin lock of its values is misplaced");
        map.spin_lock = bits / 8;
    }
    if (!map.spin_lock) return {};
    constexpr std::uint32_t kProgramAccess = 1u << 7 | 1u << 8;  // BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG
    if ((map.spec.flags & kProgramAccess) != 0) return wrong(EACCES, "a spin lock is for programs that read and write");
    constexpr MapType kTypes[] = {MapType::Hash, MapType::Array, MapType::TaskStorage};
    if (std::ranges::count(kTypes, static_cast<MapType>(map.spec.type)) == 0)
        return wrong(EOPNOTSUPP, "values of type ", map_type_name(map.spec.type), " cannot have a spin lock");
    return {};
}

void set_elements(MapObject& map, std::unique_ptr<MapElements> elements) {
    map.elements = std::move(elements);
    if (map.spin_lock && map.elements->map() != nullptr) map.elements->map()->set_spin_lock(*map.spin_lock);
}

Status bind_slot(ProgramObject& program, std::uint32_t map) {
    for (auto& slot : program.page->bound) {
        std::uint32_t there = 0;
        if (slot.compare_exchange_strong(there, map) || there == map) return {};
    }
    return fail(failure("program ", program.id, " is bound to ", kMaxBoundMaps, " maps already").with_errno(E2BIG));
}

std::vector<std::uint32_t> bound_maps(const ObjectPage& page) {
    std::vector<std::uint32_t> ids;
    for (const auto& slot : page.bound)
        if (const std::uint32_t id = slot.load(); id != 0) ids.push_back(id);
    return ids;
}

void end_live(BpfObject& object) {
    if (object.kind() == ObjectKind::Map) static_cast<MapObject&>(object).live.reset();
}

void detach(const LinkObject& link) {
    if (!link.event || link.event->page->link.load() != link.id) return;
    link.event->page->program.store(0);
    link.event->page->link.store(0);
}

std::string binding_name(std::string_view kernel_name) {
    const std::size_t dot = kernel_name.find('.');
    return std::string(dot == std::string_view::npos ? kernel_name : kernel_name.substr(dot));
}

}  // namespace bpftime
