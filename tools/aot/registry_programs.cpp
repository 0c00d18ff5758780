#include "tools/aot/registry_programs.h"

#include <charconv>
#include <cstring>

#include "runtime/helpers/helpers.h"
#include "tools/support/command_line.h"

namespace bpftime::aot {

std::string describe(const BpfObject& object) {
    std::string name;
    if (object.kind() == ObjectKind::Map) name = static_cast<const MapObject&>(object).spec.name;
    if (object.kind() == ObjectKind::Program) name = static_cast<const ProgramObject&>(object).program.name;
    return cat(kind_name(object.kind()), ' ', object.id, name.empty() ? "" : cat(" '", name, '\''));
}

Result<std::unique_ptr<SharedRegistry>> open_registry() { return SharedRegistry::open(ShmDirectory::Open::Existing); }

std::uint32_t program_id(const std::string& text) {
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size())
        throw tools::UsageError(cat("'", text, "' is not the id of a program; 'bpftimetool prog show' lists them"));
    return id;
}

Result<std::shared_ptr<ProgramObject>> find_program(const SharedRegistry& registry, std::uint32_t id) {
    auto object = registry.by_id(ObjectKind::Program, id);
    if (object) return std::static_pointer_cast<ProgramObject>(*object);
    if (object.error().errnum != ENOENT) return fail(std::move(object).error());
    for (const ObjectKind kind : {ObjectKind::Map, ObjectKind::Link, ObjectKind::Btf})
        if (const auto other = registry.by_id(kind, id))
            return fail(failure("there is no program ", id, "; ", describe(**other), " is none"));
    return fail(std::move(object).error().with_hint("'bpftimetool prog show' lists them"));
}

Bindings bindings_of(const ProgramObject& program) {
    Bindings bindings = default_bindings();
    for (const auto& map : program.maps) {
        const Map* const storage = map->elements->map();
        MapBinding binding = storage != nullptr ? storage->binding() : MapBinding{};
        binding.spec = map->snapshot();
        binding.spec.number = map->id;
        bindings.maps.push_back(std::move(binding));
    }
    return bindings;
}

}  // namespace bpftime::aot
