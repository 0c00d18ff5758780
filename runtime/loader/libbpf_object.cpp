#include "runtime/loader/libbpf_object.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "runtime/loader/capture.h"
#include "runtime/loader/externs.h"
#include "runtime/registry/local_registry.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

// Sections whose programs attach to kernel functions found by BTF. Compiling them needs no such function, so libbpf's
// own handlers, which look for it before loading, give way to plain ones while an object is loaded.
constexpr struct {
    const char* section;
    bpf_prog_type type;
    bpf_attach_type attach;
} kBtfSections[] = {
    {"tp_btf+", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP},
    {"tp_btf.s+", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP},
    {"fentry+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
    {"fentry.s+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
    {"fexit+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
    {"fexit.s+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
    {"fmod_ret+", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN},
    {"fmod_ret.s+", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN},
    {"iter+", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER},
    {"iter.s+", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER},
    {"lsm+", BPF_PROG_TYPE_LSM, BPF_LSM_MAC},
    {"lsm.s+", BPF_PROG_TYPE_LSM, BPF_LSM_MAC},
    {"lsm_cgroup+", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP},
    {"freplace+", BPF_PROG_TYPE_EXT, static_cast<bpf_attach_type>(0)},
};

// Replaces the handlers of libbpf while it lives.
class PlainSections {
public:
    PlainSections() {
        // libbpf up to 1.2 frees its table twice when the last handler goes: one that matches nothing stays for ever.
        static const int placeholder = libbpf_register_prog_handler("bpftime/placeholder", BPF_PROG_TYPE_UNSPEC,
                                                                    static_cast<bpf_attach_type>(0), nullptr);
        if (placeholder < 0) return;
        for (const auto& row : kBtfSections) {
            const int id = libbpf_register_prog_handler(row.section, row.type, row.attach, nullptr);
            if (id >= 0) ids_.push_back(id);
        }
    }
    PlainSections(const PlainSections&) = delete;
    PlainSections& operator=(const PlainSections&) = delete;
    ~PlainSections() {
        for (const int id : ids_) libbpf_unregister_prog_handler(id);
    }

private:
    std::vector<int> ids_;
};

struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using ObjectPtr = std::unique_ptr<bpf_object, CloseObject>;

// libbpf names data sections after the object: the file's name up to its first dot.
std::string object_name(const std::string& file) {
    std::string name = file.substr(file.find_last_of('/') + 1);
    name = name.substr(0, name.find('.'));
    return name.empty() ? "object" : name;
}

Result<ObjectPtr> open_object(const LoadInput& input, const LibbpfLog& log) {
    const std::string name = object_name(input.name);
    LIBBPF_OPTS(bpf_object_open_opts, options);
    options.object_name = name.c_str();
    options.btf_custom_path = (input.target_btf.empty() ? input.empty_btf : input.target_btf).c_str();
    const auto bytes = input.image.bytes();
    ObjectPtr object(bpf_object__open_mem(bytes.data(), bytes.size(), &options));
    if (object != nullptr) return object;
    const int error = errno;
    Error refusal = failure(log.decisive(std::strerror(error)), " (libbpf)").with_errno(error);
    if (refusal.cause.find("legacy map definitions") != std::string::npos)
        refusal.hint = "define maps in SEC(\".maps\") with BTF, as libbpf 1.0 and newer want them";
    return fail(std::move(refusal));
}

std::vector<ElfProgram> describe_programs(const bpf_object* object) {
    std::vector<ElfProgram> programs;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object)
        programs.push_back({bpf_program__name(program), bpf_program__section_name(program),
                            static_cast<std::uint32_t>(bpf_program__type(program)),
                            static_cast<std::uint32_t>(bpf_program__expected_attach_type(program))});
    return programs;
}

// Types that make libbpf look for something in the kernel's BTF, or refuse, are hidden from it; ElfProgram remembers
// them.
void prepare_programs(bpf_object* object, const std::set<std::string>& wanted) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
        bpf_program__set_autoload(program, wanted.contains(bpf_program__name(program)));
        switch (bpf_program__type(program)) {
            case BPF_PROG_TYPE_UNSPEC:
            case BPF_PROG_TYPE_TRACING:
            case BPF_PROG_TYPE_LSM:
            case BPF_PROG_TYPE_EXT:
            case BPF_PROG_TYPE_STRUCT_OPS: bpf_program__set_type(program, BPF_PROG_TYPE_SOCKET_FILTER); break;
            default: break;
        }
    }
}

MapSpec describe_map(const bpf_map* map, std::uint32_t number) {
    constexpr std::size_t kNameLength = 15;  // BPF_OBJ_NAME_LEN without its NUL
    MapSpec spec{.name = binding_name(bpf_map__name(map)).substr(0, kNameLength),
                 .number = number,
                 .type = static_cast<std::uint32_t>(bpf_map__type(map)),
                 .key_size = bpf_map__key_size(map),
                 .value_size = bpf_map__value_size(map),
                 .max_entries = bpf_map__max_entries(map),
                 .flags = bpf_map__map_flags(map),
                 .extra = bpf_map__map_extra(map),
                 .frozen = false,
                 .contents = {}};
    std::size_t size = 0;
    const auto* bytes = static_cast<const std::uint8_t*>(bpf_map__initial_value(const_cast<bpf_map*>(map), &size));
    if (bytes != nullptr && spec.name.starts_with('.')) spec.contents.assign(bytes, bytes + size);
    return spec;
}

// Objects for cilium/ebpf say of such maps what their records are; there is no room for it in what the kernel takes.
void drop_annotations(bpf_map* map, MapSpec& spec) {
    const auto type = static_cast<MapType>(spec.type);
    const bool ring = type == MapType::Ringbuf || type == MapType::UserRingbuf;
    if (!ring && type != MapType::PerfEventArray) return;
    spec.key_size = spec.value_size = ring ? 0 : 4;
    bpf_map__set_key_size(map, spec.key_size);
    bpf_map__set_value_size(map, spec.value_size);
}

// Nothing is pinned, and the tables of struct_ops, which the kernel would register, become plain values.
std::vector<MapSpec> prepare_maps(bpf_object* object) {
    std::vector<MapSpec> specs;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        specs.push_back(describe_map(map, static_cast<std::uint32_t>(specs.size())));
        bpf_map__set_pin_path(map, nullptr);
        drop_annotations(map, specs.back());
        if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS) continue;
        bpf_map__set_type(map, BPF_MAP_TYPE_ARRAY);
        bpf_map__set_map_flags(map, 0);
    }
    return specs;
}

// Maps as they were created, over what the file says of them.
std::vector<std::shared_ptr<MapObject>> created_maps(const bpf_object* object, const Registry& registry,
                                                     std::vector<MapSpec>& specs) {
    std::vector<std::shared_ptr<MapObject>> objects;
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        auto created = registry.get<MapObject>(bpf_map__fd(map));
        objects.push_back(created ? *created : nullptr);
        MapSpec& spec = specs[objects.size() - 1];
        if (!created || spec.type == static_cast<std::uint32_t>(MapType::StructOps)) continue;
        const std::uint32_t number = spec.number;
        spec = (*created)->snapshot();
        spec.number = number;
    }
    return objects;
}

Program take_program(const ProgramObject& object, const ElfProgram& description,
                     const std::vector<std::shared_ptr<MapObject>>& maps) {
    Program program = object.program;
    program.name = description.name;
    program.section = description.section;
    program.type = description.type;
    program.expected_attach_type = description.attach_type;
    program.subprograms.front().name = description.name;
    for (std::size_t index = 0; index < program.maps.size(); ++index) {
        const auto found = std::ranges::find(maps, object.maps[index]);
        program.maps[index].number = static_cast<std::uint32_t>(found - maps.begin());
    }
    return program;
}

Error explain(const LibbpfLog& log, const Capture& capture, int error, const LoadInput& input) {
    if (!log.program_load_failed() || !capture.load_error()) {
        const std::string cause = log.decisive(std::strerror(error));
        if (cause.find("failed to create") != std::string::npos && capture.map_error()) {
            const bool unsized = capture.map_error()->cause.find(" 0 ") != std::string::npos;
            return Error(*capture.map_error())
                .with_hint(unsized ? "the object leaves it to its loader: set it in the source, or capture the loader"
                                   : "");
        }
        return failure(cause, " (libbpf)").with_errno(error);
    }
    Error refusal = *capture.load_error();
    if (const auto relocation = log.failed_relocation()) {
        refusal.cause = cat("CO-RE relocation ", *relocation, " does not exist in the target's BTF");
        refusal.hint = input.target_btf.empty() ? "name the target's BTF"
                                                : "guard it with bpf_core_field_exists(), or name another target's BTF";
    }
    return refusal;
}

}  // namespace

Result<std::vector<ElfProgram>> list_programs(const LoadInput& input) {
    const std::lock_guard lock(libbpf_mutex());
    const LibbpfLog log;
    const PlainSections sections;
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    const Capture capture(session, input.empty_btf);
    const ObjectPtr object = BPFTIME_TRY(open_object(input, log));
    return describe_programs(object.get());
}

Result<LoadOutcome> load_once(const LoadInput& input, const std::set<std::string>& wanted) {
    const std::lock_guard lock(libbpf_mutex());
    LibbpfLog log;
    const PlainSections sections;
    LocalRegistry registry;
    const CoreRelocations relocations = input.target_btf.empty() ? core_relocations(input.image) : CoreRelocations();
    BpfSession session{
        registry, [&](ProgramDraft& draft) { return resolve_references(input.image, relocations, draft); }, {}};
    const Capture capture(session, input.empty_btf);
    const ObjectPtr object = BPFTIME_TRY(open_object(input, log));
    LoadOutcome outcome;
    outcome.programs = describe_programs(object.get());
    outcome.maps = prepare_maps(object.get());
    prepare_programs(object.get(), wanted);
    log.clear();
    if (const int error = -bpf_object__load(object.get()); error != 0) {
        outcome.error = explain(log, capture, error, input);
        outcome.blamed = log.blamed_program().value_or("");
        return outcome;
    }
    const auto maps = created_maps(object.get(), registry, outcome.maps);
    std::size_t index = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object.get()) {
        const ElfProgram& description = outcome.programs[index++];
        if (!wanted.contains(description.name)) continue;
        const auto loaded = BPFTIME_TRY(registry.get<ProgramObject>(bpf_program__fd(program)));
        outcome.loaded.push_back(take_program(*loaded, description, maps));
    }
    return outcome;
}

}  // namespace bpftime
