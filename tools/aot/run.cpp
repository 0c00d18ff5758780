// bpftime-aot run: one run of a native object or of a BPF program, with a memory file as its context.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "runtime/maps/program_run.h"
#include "tools/aot/command.h"
#include "tools/support/files.h"
#include "tools/support/guard.h"
#include "tools/aot/input.h"
#include "tools/aot/keys.h"
#include "tools/aot/private_maps.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::aot {

namespace {

struct RunOptions {
    InputOptions input;
    std::string memory;
    std::string engine;
    std::string entry;
    std::string dump_memory;
    std::vector<std::string> trusted_keys;
    std::uint64_t repeat = 0;
    double timeout = 0;
    bool allow_unverified = false;
    bool dump_maps = false;
};

// The engines that run bytecode, by the name given to --engine; the first is the default.
struct Engine {
    const char* name;
    Result<std::unique_ptr<Executable>> (*make)(const Program&, const Bindings&);
};
constexpr Engine kEngines[] = {
    {"ubpf", ubpf_jit},
    {"interpreter", interpret},
    {"llvm", [](const Program& program, const Bindings& bindings) { return llvm_jit(program, bindings); }},
};
// Not an engine to be fast with: stops at the first access outside the program's memory and says which instruction made it.
constexpr const char* kChecked = "checked";

Status run_in_checked_mode(const RunOptions& options, Bytes& memory) {
    const Program program = BPFTIME_TRY(load_program(options.input));
    const PrivateMaps maps = BPFTIME_TRY(PrivateMaps::create(program.maps));
    guard_run("bpftime-aot", options.input.path, program.name, options.timeout,
              "run its bytecode with --engine checked to see which instruction does it");
    const ProgramRun run(private_cpu_slots());
    auto result = run_checked(program, maps.bindings(), memory.empty() ? nullptr : memory.data(), memory.size());
    if (!result) return fail(std::move(result).error().in_file(options.input.path));
    fmt::print("Output: {}\n", *result);
    if (options.dump_maps) fmt::print("{}", maps.dump());
    return options.dump_memory.empty() ? Status{} : write_file(options.dump_memory, memory);
}

// What is ready to run, with the maps that it uses.
struct Runnable {
    std::string program;
    PrivateMaps maps;
    std::unique_ptr<Executable> code;
};

Result<Runnable> prepare_bytecode(const RunOptions& options) {
    const Program program = BPFTIME_TRY(load_program(options.input));
    Runnable runnable{.program = program.name, .maps = BPFTIME_TRY(PrivateMaps::create(program.maps)), .code = nullptr};
    const std::string& wanted = options.engine.empty() ? kEngines[0].name : options.engine;
    for (const Engine& engine : kEngines)
        if (wanted == engine.name) runnable.code = BPFTIME_TRY(engine.make(program, runnable.maps.bindings()));
    return runnable;
}

Result<Runnable> prepare_object(const RunOptions& options, const Bytes& object) {
    if (!options.engine.empty())
        return fail(failure("--engine chooses how bytecode runs, and this is a native object"));
    LinkOptions link{.allow_unverified = options.allow_unverified};
    link.entry = options.entry;
    link.trusted_keys = BPFTIME_TRY(read_public_keys(options.trusted_keys));
    Runnable runnable;
    auto metadata = read_metadata(object);
    if (!metadata && !options.allow_unverified) return fail(std::move(metadata).error());
    std::vector<MapSpec> specs;
    if (metadata) {
        runnable.program = metadata->program;
        for (const MetadataMap& map : metadata->maps) specs.push_back(map.spec);
    }
    runnable.maps = BPFTIME_TRY(PrivateMaps::create(specs));
    runnable.code = BPFTIME_TRY(link_object(object, runnable.maps.bindings(), link));
    return runnable;
}

Result<Runnable> prepare(const RunOptions& options) {
    const auto located = [&](Error error) {
        if (error.file.empty()) error.file = options.input.path;
        return fail(std::move(error));
    };
    auto contents = read_file(options.input.path);
    if (!contents) return located(std::move(contents).error());
    auto runnable = file_kind(*contents) == FileKind::Native || options.allow_unverified
                        ? prepare_object(options, *contents)
                        : prepare_bytecode(options);
    if (!runnable) return located(std::move(runnable).error());
    return runnable;
}

std::uint64_t run_once(const Executable& code, void* context, std::size_t size) {
    const ProgramRun run(private_cpu_slots());
    return code.run(context, size);
}

// Runs `repeat` more times and prints the mean.
void time_runs(const Executable& code, Bytes& memory, std::uint64_t repeat) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < repeat; ++i) run_once(code, memory.data(), memory.size());
    const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
    fmt::print("{} runs, {:.2f} ns per run\n", repeat, spent.count() / static_cast<double>(repeat));
}

Status run(const RunOptions& options) {
    Bytes memory;
    if (!options.memory.empty()) memory = BPFTIME_TRY(read_file(options.memory));
    if (options.engine == kChecked) return run_in_checked_mode(options, memory);
    Runnable runnable = BPFTIME_TRY(prepare(options));

    guard_run("bpftime-aot", options.input.path, runnable.program, options.timeout,
              "run its bytecode with --engine checked to see which instruction does it");
    void* context = memory.empty() ? nullptr : memory.data();
    const std::uint64_t result = run_once(*runnable.code, context, memory.size());
    fmt::print("Output: {}\n", result);
    std::fflush(stdout);
    if (options.repeat != 0) {
        Bytes scratch = memory;
        time_runs(*runnable.code, scratch, options.repeat);
    }
    if (options.dump_maps) fmt::print("{}", runnable.maps.dump());
    return options.dump_memory.empty() ? Status{} : write_file(options.dump_memory, memory);
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
    const auto positive_number = [] {
        return CLI::Validator([](const std::string& text) { return CLI::PositiveNumber(text).empty() ? "" : "must be greater than 0"; },
                              "", "positive");
    };
    auto options = std::make_shared<RunOptions>();
    CLI::App* command = app.add_subcommand("run", "Run a native object, or a program of a BPF ELF object");
    command->add_option("PATH", options->input.path, "native object (.o) or BPF ELF object (.bpf.o)")->required();
    command->add_option("MEMORY", options->memory, "file whose bytes the program gets: address in r1, length in r2");
    command->add_option("--program", options->input.program, "program of a BPF ELF object that holds several");
    command->add_option("--engine", options->engine, "engine for bytecode, ubpf by default; checked stops at the first bad access")
        ->check(CLI::IsMember({"interpreter", "ubpf", "llvm", kChecked}));
    command->add_option("--btf", options->input.btf, "BTF to relocate against (CO-RE), the running kernel's by default");
    command->add_option("--entry", options->entry, "function of a hand-written object to start at, bpf_main by default");
    command->add_option("--repeat", options->repeat, "run so many times more and print ns per run")->check(positive_number());
    command->add_option("--timeout", options->timeout, "give up after so many seconds")->check(positive_number());
    command->add_option("--dump-memory", options->dump_memory, "write the memory as the first run left it to this file");
    command->add_flag("--dump-maps", options->dump_maps, "print the contents of the maps afterwards");
    command->add_option("--trust", options->trusted_keys, "require a signature by this Ed25519 public key (may be repeated)");
    command->add_flag("--allow-unverified", options->allow_unverified,
                      "also run an object that does not say where it comes from, such as hand-written C");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace bpftime::aot
