#include "runtime/syscall-server/program_runner.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "runtime/helpers/helpers.h"
#include "runtime/registry/registry.h"
#include "runtime/registry/statistics.h"
#include "runtime/syscall-server/live_map.h"
#include "vm/core/kernel_names.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime {

namespace {

constexpr std::int64_t kTracePrintk = 6, kTraceVprintk = 177;  // helpers
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

Status run_checked_once(const ProgramObject& object, const Bindings& bindings, const RunRequest& request,
                        RunReport& report) {
    const std::uint64_t start = now();
    RunContext context = run_context(object, request.size);
    const RunScope scope(context);
    const ProgramRun run(cpu_slots_of(object), request.cpu);
    report.result = BPFTIME_TRY(run_checked(object.program, bindings, request.ctx, request.size,
                                            {.max_insns = kMaxCheckedInsns, .regions = request.regions}));
    report.nanoseconds += now() - start;
    ++report.runs;
    return {};
}

Status carry_out(const ProgramObject& object, const Bindings& bindings, const RunRequest& request, RunReport& report) {
    const std::uint64_t repeat = std::max<std::uint64_t>(request.repeat, 1);
    if (request.engine == RunEngine::CheckedThenCompiled)
        BPFTIME_CHECK(run_checked_once(object, bindings, request, report));
    if (report.runs == repeat) return {};
    const auto code = BPFTIME_TRY(compile(object.program, bindings, request.engine));
    const std::uint64_t start = now();
    RunContext context = run_context(object, request.size);
    for (; report.runs < repeat; ++report.runs) {
        const RunScope scope(context);
        const ProgramRun run(cpu_slots_of(object), request.cpu);
        report.result = code->run(request.ctx, request.size);
    }
    report.nanoseconds += now() - start;
    return {};
}

// Whether it may call a helper that prints; one called by a number in a register may be any.
bool prints(const Program& program) {
    return std::ranges::any_of(program.insns, [](const Insn& insn) {
        return insn.op == Op::CallReg || (insn.op == Op::CallHelper && (insn.imm == kTracePrintk || insn.imm == kTraceVprintk));
    });
}

// Whether lines of printk are asked for elsewhere than in the ring; then it has been seen to.
bool trace_redirected() {
    static const bool redirected = [] {
        const char* output = secure_getenv("BPFTIME_TRACE_OUTPUT");
        if (output == nullptr || *output == '\0') return false;
        if (std::strcmp(output, "console") != 0)
            set_trace_output(openat(AT_FDCWD, output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
        return true;
    }();
    return redirected;
}

}  // namespace

RunContext run_context(const ProgramObject& program, std::uint64_t context_size) {
    RunContext context{.program_type = program.program.type, .context_size = context_size};
    if (program.home == nullptr || !program.home->is_shared() || !prints(program.program) || trace_redirected())
        return context;
    context.trace = program.home->trace();
    context.silent = context.trace == nullptr;
    return context;
}

Result<Bindings> program_bindings(const ProgramObject& program) {
    Bindings bindings = default_bindings();
    for (const auto& object : program.maps) {
        const Map* const map = object->elements->map();
        if (map == nullptr)
            return fail(failure("map '", object->spec.name, "' of type ", map_type_name(object->spec.type),
                                " cannot be used by programs here")
                            .with_errno(kNotSupported));
        make_live(*object);
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
    const Status done = carry_out(object, bindings, request, report);
    if (counted) count_runs(object, report.runs, report.nanoseconds);
    if (!done) return fail(Error(done.error()));
    return report;
}

}  // namespace bpftime
