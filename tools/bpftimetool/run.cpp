// bpftimetool run: a program of the registry in this process, on the registry's maps.
#include <algorithm>
#include <array>
#include <chrono>

#include "runtime/registry/statistics.h"
#include "runtime/syscall-server/program_runner.h"
#include "tools/bpftimetool/words.h"
#include "tools/support/files.h"
#include "tools/support/guard.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::tool {

namespace {

using Code = Result<std::unique_ptr<Executable>>;

// The native object that `bpftime-aot compile` or `load` gave the program; where there is none, one compiled now.
Code native(const Registry& registry, const ProgramObject& program, const Bindings& bindings) {
    const auto file = registry.open_companion(program, kCodeCompanion);
    if (!file && file.error().errnum != ENOENT) return fail(Error(file.error()));
    if (!file) return llvm_jit(program.program, bindings);
    const Bytes object = BPFTIME_TRY(tools::read_file(cat("/proc/self/fd/", file->get())));
    return link_object(object, bindings,
                       {.expected_tag = program_tag(program.program),
                        .expected_program = program.program.name,
                        .program_type = program.program.type});
}

struct EngineRow {
    std::string_view name;
    Code (*make)(const Registry&, const ProgramObject&, const Bindings&);
};
// The names of bpftime. JIT is the template compiler, which needs nothing.
constexpr EngineRow kEngines[] = {
    {"JIT", [](const Registry&, const ProgramObject& program,
               const Bindings& maps) { return ubpf_jit(program.program, maps); }},
    {"AOT", native},
    {"INTERPRET", [](const Registry&, const ProgramObject& program,
                     const Bindings& maps) { return interpret(program.program, maps); }},
};

const EngineRow& engine_of(const std::string& name) {
    const auto* row = std::ranges::find(kEngines, name, &EngineRow::name);
    if (row == std::end(kEngines)) throw UsageError(cat("type is JIT, AOT or INTERPRET, not '", name, "'"));
    return *row;
}

}  // namespace

Result<Answer> run(Registry& registry, const Words& words) {
    WordReader reader(words);
    const std::uint32_t id = reader.number("program id");
    const std::string path = reader.any("file with the program's memory");
    std::uint32_t repeat = 1;
    const EngineRow* engine = &kEngines[0];
    while (!reader.empty()) {
        if (reader.take("repeat"))
            repeat = reader.number("number of runs");
        else if (reader.take("type"))
            engine = &engine_of(reader.any("type"));
        else
            reader.end();
    }
    if (repeat == 0) throw UsageError("repeat must be greater than 0");

    Bytes memory = BPFTIME_TRY(tools::read_file(path));
    const auto object = BPFTIME_TRY(registry.by_id(ObjectKind::Program, id));
    const auto program = std::static_pointer_cast<ProgramObject>(object);
    const Bindings bindings = BPFTIME_TRY(program_bindings(*program));
    const auto code = BPFTIME_TRY(engine->make(registry, *program, bindings));

    tools::guard_run("bpftimetool", {}, program->program.name, 0);
    void* const context = memory.empty() ? nullptr : memory.data();
    std::uint64_t result = 0;
    const bool counted = registry.stats_enabled();
    const auto start = std::chrono::steady_clock::now();
    RunContext about = run_context(*program, memory.size());
    for (std::uint32_t index = 0; index < repeat; ++index) {
        const RunScope scope(about);
        const ProgramRun run(cpu_slots_of(*program));
        result = code->run(context, memory.size());
    }
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    if (counted) count_runs(*program, repeat, static_cast<std::uint64_t>(spent.count()));
    const double each = spent.count() / repeat;
    return Answer{fmt::format("Return value: {}, duration (average): {:.0f}ns\n", result, each),
                  {{"retval", result}, {"duration", static_cast<std::uint64_t>(each)}}};
}

}  // namespace bpftime::tool
