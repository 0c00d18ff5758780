#include "runtime/syscall-server/program_runner.h"

#include <algorithm>
#include <chrono>

#include "runtime/helpers/helpers.h"
#include "runtime/registry/statistics.h"
#include "vm/core/kernel_names.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kMaxCheckedInsns = 100'000'000;  // of one run that nothing has proved to end

Error unsupported(Error error) { return std::move(error).with_errno(kNotSupported); }

std::uint64_t now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

Result<std::unique_ptr<Executable>> compile(const Program& program, const Bindings& bindings, RunEngine engine) {
    auto code = engine == RunEngine::Interpreter ? interpret(program, bindings) : ubpf_jit(program, bindings);
    if (!code) return fail(unsupported(std::move(code).error().in_program(program.name)));
    return code;
}

Status run_checked_once(const Program& program, const Bindings& bindings, const RunRequest& request,
                        RunReport& report) {
    const std::uint64_t start = now();
    report.result = BPFTIME_TRY(run_checked(program, bindings, request.ctx, request.size,
                                            {.max_insns = kMaxCheckedInsns, .regions = request.regions}));
    report.nanoseconds += now() - start;
    ++report.runs;
    return {};
}

Status carry_out(const Program& program, const Bindings& bindings, const RunRequest& request, RunReport& report) {
    const std::uint64_t repeat = std::max<std::uint64_t>(request.repeat, 1);
    if (request.engine == RunEngine::CheckedThenCompiled)
        BPFTIME_CHECK(run_checked_once(program, bindings, request, report));
    if (report.runs == repeat) return {};
    const auto code = BPFTIME_TRY(compile(program, bindings, request.engine));
    const std::uint64_t start = now();
    for (; report.runs < repeat; ++report.runs) report.result = code->run(request.ctx, request.size);
    report.nanoseconds += now() - start;
    return {};
}

}  // namespace

Result<Bindings> program_bindings(const ProgramObject& program) {
    Bindings bindings = default_bindings();
    for (const auto& object : program.maps) {
        const Map* const map = object->elements->map();
        if (map == nullptr)
            return fail(failure("map '", object->spec.name, "' of type ", map_type_name(object->spec.type),
                                " cannot be used by programs here")
                            .with_errno(kNotSupported));
        MapBinding binding = map->binding();
        binding.spec = object->snapshot();
        binding.spec.number = object->id;
        bindings.maps.push_back(std::move(binding));
    }
    return bindings;
}

Result<RunReport> run_program(const Registry& registry, ProgramObject& object, const RunRequest& request) {
    const Bindings bindings = BPFTIME_TRY(program_bindings(object));
    if (auto offered = check_bindings(object.program, bindings); !offered)
        return fail(unsupported(std::move(offered).error().in_program(object.program.name)));
    RunReport report;
    const bool counted = registry.stats_enabled();
    const Status done = carry_out(object.program, bindings, request, report);
    if (counted) count_runs(object, report.runs, report.nanoseconds);
    if (!done) return fail(Error(done.error()));
    return report;
}

}  // namespace bpftime
