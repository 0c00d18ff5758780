#include "runtime/registry/objects.h"

namespace bpftime {

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
