// A program of a registry, run in this process: what BPF_PROG_TEST_RUN and `bpftimetool run` do.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/helpers/run_context.h"
#include "runtime/maps/program_run.h"
#include "runtime/registry/registry.h"
#include "vm/core/engine.h"
#include "vm/interpreter/interpreter.h"

namespace bpftime {

// The helpers of this runtime and the maps of `program` where they live. They stay valid as long as the program does.
// ENOTSUPP for a map type that programs cannot use in this runtime.
Result<Bindings> program_bindings(const ProgramObject& program);

// What the helpers of a run of `program` shall know when nothing but a system call makes it run. A RunScope of it a run.
RunContext run_context(const ProgramObject& program, std::uint64_t context_size);

enum class RunEngine : std::uint8_t {
    CheckedThenCompiled,  // the first run bounds every access, those after it are compiled; for whoever trusts nobody
    Interpreter,
    Compiled,  // by the template JIT
};

struct RunRequest {
    void* ctx = nullptr;
    std::uint64_t size = 0;
    std::uint32_t repeat = 1;
    RunEngine engine = RunEngine::CheckedThenCompiled;
    std::vector<MemoryRegion> regions;  // that the program may reach beside its context
    std::uint32_t cpu = kNoCpu;         // whose per-CPU values it uses; kNoCpu: any
};

struct RunReport {
    std::uint64_t result = 0;  // of the last run
    std::uint64_t nanoseconds = 0;
    std::uint64_t runs = 0;
};

// Runs `program` `repeat` times (0 counts as 1) on its maps. Refuses a program whose
// helpers or maps this runtime does not have with ENOTSUPP; a run that leaves its memory ends with an error that names
// the instruction. Counts in the program's statistics while `registry` has these on.
Result<RunReport> run_program(const Registry& registry, ProgramObject& program, const RunRequest& request);

}  // namespace bpftime
