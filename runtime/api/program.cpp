// libbpftime: programs of a registry, and running them.
#include "runtime/api/handles.h"
#include "runtime/api/loading.h"
#include "runtime/maps/program_run.h"
#include "runtime/syscall-server/program_runner.h"

namespace bpftime::api {

namespace {

::bpftime_program_info describe(const ProgramObject& object) {
    ::bpftime_program_info info{};
    info.id = object.id;
    info.type = object.program.type;
    info.insns = static_cast<std::uint32_t>(object.program.insns.size());
    info.maps = static_cast<std::uint32_t>(object.maps.size());
    info.runs = object.page->runs;
    info.run_time = object.page->run_time;
    copy_text(info.name, object.program.name);
    return info;
}

Status open_program(bpftime_registry* registry, std::shared_ptr<ProgramObject> object, const struct bpftime_load_options* given,
                    bpftime_program** program) {
    const LoadRequest request = BPFTIME_TRY(read_options(given));
    Fd held(BPFTIME_TRY(registry->registry->open(*object)));
    auto code = BPFTIME_TRY(code_of(*registry->registry, *object, request));
    auto made = std::make_unique<bpftime_program>(
        bpftime_program{registry->registry, std::move(object), {}, std::move(code), {}});
    made->about = run_context(*made->object, 0);
    made->held.push_back(std::move(held));
    *program = made.release();
    return {};
}

}  // namespace

}  // namespace bpftime::api

using namespace bpftime;
using namespace bpftime::api;

int bpftime_load(bpftime_registry* registry, const char* path, const struct bpftime_load_options* options, bpftime_program** program) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, path, program}));
        const LoadRequest request = BPFTIME_TRY(read_options(options));
        const Bytes bytes = BPFTIME_TRY(read_input(path));
        *program = BPFTIME_TRY(load(registry->registry, bytes, path, request)).release();
        return {};
    });
}

int bpftime_load_memory(bpftime_registry* registry, const void* bytes, std::size_t size, const char* name,
                        const struct bpftime_load_options* options, bpftime_program** program) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, bytes, program}));
        const LoadRequest request = BPFTIME_TRY(read_options(options));
        const ByteView view(static_cast<const std::uint8_t*>(bytes), size);
        *program = BPFTIME_TRY(load(registry->registry, view, name == nullptr ? "memory" : name, request)).release();
        return {};
    });
}

int bpftime_program_by_id(bpftime_registry* registry, std::uint32_t id, const struct bpftime_load_options* options,
                          bpftime_program** program) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, program}));
        auto object = BPFTIME_TRY(registry->registry->by_id(ObjectKind::Program, id));
        return open_program(registry, std::static_pointer_cast<ProgramObject>(std::move(object)), options, program);
    });
}

int bpftime_program_by_name(bpftime_registry* registry, const char* name, const struct bpftime_load_options* options,
                            bpftime_program** program) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, name, program}));
        const std::string wanted = name;
        auto object = BPFTIME_TRY(only_object<ProgramObject>(*registry->registry, cat("with the name '", wanted, "'"),
                                                             [&](const ProgramObject& one) { return one.program.name == wanted; }));
        return open_program(registry, std::move(object), options, program);
    });
}

void bpftime_program_close(bpftime_program* program) { delete program; }

int bpftime_program_get_info(const bpftime_program* program, struct bpftime_program_info* info) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({program, info}));
        return fill_struct(info, describe(*program->object));
    });
}

int bpftime_program_next(bpftime_registry* registry, std::uint32_t after, struct bpftime_program_info* info) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({registry, info}));
        const Registry& all = *registry->registry;
        for (auto id = all.next_id(ObjectKind::Program, after); id; id = all.next_id(ObjectKind::Program, *id)) {
            const auto object = all.by_id(ObjectKind::Program, *id);
            if (object) return fill_struct(info, describe(static_cast<const ProgramObject&>(**object)));
            if (object.error().errnum != ENOENT) return fail(Error(object.error()));
        }
        return fail(failure("there is no further program").with_errno(ENOENT));
    });
}

int bpftime_program_run(const bpftime_program* program, void* context, std::size_t size, std::uint64_t* result) {
    if (program == nullptr || (context == nullptr && size != 0))
        return guarded([]() -> Status { return fail(failure("an argument is NULL")); });
    const ProgramRun run(cpu_slots_of(*program->object));
    RunContext about = program->about;
    about.context_size = size;
    const RunScope scope(about);
    const std::uint64_t r0 = program->code->run(context, size);
    if (result != nullptr) *result = r0;
    return 0;
}

bpftime_entry bpftime_program_entry(const bpftime_program* program) {
    bpftime_entry entry = nullptr;
    guarded([&]() -> Status {
        BPFTIME_CHECK(needed({program}));
        entry = program->code->entry();
        if (entry == nullptr)
            return fail(failure("program '", program->object->program.name, "' is interpreted and has no native code").with_errno(EOPNOTSUPP));
        return {};
    });
    return entry;
}

int bpftime_program_map(const bpftime_program* program, const char* name, bpftime_map** map) {
    return guarded([&]() -> Status {
        BPFTIME_CHECK(needed({program, name, map}));
        for (const auto& one : program->object->maps)
            if (one->spec.name == name || binding_name(one->spec.name) == name) return open_map(program->registry, one, {}, map);
        return fail(failure("program '", program->object->program.name, "' has no map '", name, "'").with_errno(ENOENT));
    });
}
