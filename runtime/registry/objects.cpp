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
    if (copy.name.starts_with('.')) {
        const ByteView value = elements->value_in_place();
        copy.contents.assign(value.begin(), value.end());
    }
    return copy;
}

LinkObject::~LinkObject() {
    if (!event) return;
    const std::lock_guard lock(event->mutex);
    event->linked = false;
    event->program.reset();
}

bool LinkObject::active() const {
    if (!event) return true;
    const std::lock_guard lock(event->mutex);
    return event->enabled;
}

std::string binding_name(std::string_view kernel_name) {
    const std::size_t dot = kernel_name.find('.');
    return std::string(dot == std::string_view::npos ? kernel_name : kernel_name.substr(dot));
}

}  // namespace bpftime
