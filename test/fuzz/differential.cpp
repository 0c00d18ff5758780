// Generates programs and compares what every engine and the kernel make of them.
//   differential [--count N] [--seed S] [--engines a,b,...] [--sample N]
// Program number i is generate(seed + i). A disagreement is reported with its seed and the instructions that it needs.
#include <linux/bpf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <iostream>
#include <optional>
#include <set>

#include "test/fuzz/generator.h"
#include "test/support/kernel_oracle.h"
#include "test/support/large.h"
#include "tools/conformance-plugin/engines.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/interpreter/interpreter.h"

namespace {

using namespace bpftime;
using namespace bpftime::test;
using u64 = std::uint64_t;

// What a run leaves behind.
struct Outcome {
    u64 r0 = 0;
    std::vector<std::uint8_t> memory, value;  // the context's and the map's
    bool operator==(const Outcome&) const = default;
};

struct Participant {
    std::string name;
    bool kernel = false;
    unsigned every = 1;  // takes part in one program of so many
    std::function<Result<Outcome>(const Program&, const Generated&)> run;
    u64 ran = 0, refused = 0;
    double seconds = 0;
};

constexpr int kCrashSignals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGABRT};

u64 weighted_sum(u64 a, u64 b, u64 c, u64 d, u64 e) { return (a ^ (b << 1)) + 3 * c + 5 * d + 7 * e; }

MapSpec map_spec() {
    MapSpec spec;
    spec.name = "values";
    spec.type = BPF_MAP_TYPE_ARRAY;
    spec.key_size = 4;
    spec.value_size = kMapValueSize;
    spec.max_entries = 1;
    return spec;
}

// The map's handle is the address of its value.
u64 lookup(u64 map, u64 key, u64, u64, u64) { return *reinterpret_cast<const std::uint32_t*>(key) == 0 ? map : 0; }

// What references mean to engines of ours: the helpers, and the value in `outcome`.
Bindings bindings(Outcome& outcome) {
    Bindings made;
    made.helpers[kSumHelper] = weighted_sum;
    made.helpers[kLookupHelper] = lookup;
    const auto value = reinterpret_cast<u64>(outcome.value.data());
    if (!outcome.value.empty()) made.maps.push_back({.spec = map_spec(), .handle = value, .values = value, .stride = kMapValueSize});
    return made;
}

Outcome before(const Generated& generated) { return {.r0 = 0, .memory = generated.memory, .value = generated.value}; }

Result<Outcome> run_engine(const Engine& engine, const Program& program, const Generated& generated) {
    Outcome outcome = before(generated);
    const auto executable = BPFTIME_TRY(engine.load(program, bindings(outcome)));
    outcome.r0 = executable->run(outcome.memory.data(), outcome.memory.size());
    return outcome;
}

Result<Outcome> run_checked_mode(const Program& program, const Generated& generated) {
    Outcome outcome = before(generated);
    const CheckedLimits limits{.max_insns = 1'000'000, .regions = {}};
    outcome.r0 = BPFTIME_TRY(run_checked(program, bindings(outcome), outcome.memory.data(), outcome.memory.size(), limits));
    return outcome;
}

Result<Outcome> run_kernel(const Program& program, const Generated& generated) {
    Outcome outcome = before(generated);
    std::vector<Insn> insns = program.insns;
    std::optional<KernelMap> map;
    const std::uint32_t key = 0;
    if (!generated.value.empty()) {
        map = BPFTIME_TRY(KernelMap::create(BPF_MAP_TYPE_ARRAY, 4, kMapValueSize, 1));
        BPFTIME_CHECK(map->update(&key, generated.value.data()));
        for (Insn& insn : insns)
            if (is_map_reference(insn.op)) insn.imm |= map->fd();  // in place of index 0
    }
    const std::vector<RawInsn> code = encode(insns);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
    auto result = BPFTIME_TRY(run_in_kernel({bytes, code.size() * sizeof(RawInsn)}, generated.memory));
    outcome.r0 = result.r0;
    outcome.memory = std::move(result.memory);
    if (map) BPFTIME_CHECK(map->lookup(&key, outcome.value.data()));
    return outcome;
}

Result<Program> program_of(const Generated& generated) {
    Program program;
    program.name = "fuzz";
    program.insns = generated.insns;
    if (!generated.value.empty()) program.maps.push_back(map_spec());
    program.subprograms = BPFTIME_TRY(validate(program.insns, program.maps.size()));
    return program;
}

std::string digits(const std::vector<std::uint8_t>& bytes) {
    std::string text;
    for (const auto byte : bytes) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    return text;
}

std::string describe(const Result<Outcome>& result) {
    if (!result) return to_string(result.error());
    return cat("r0 = ", hex(result->r0), ", memory = ", digits(result->memory), ", value = ", digits(result->value));
}

// The kernel may refuse what it cannot prove; nobody else may refuse anything.
bool agrees(const Participant& participant, const Outcome& expected, const Result<Outcome>& result) {
    return result ? *result == expected : participant.kernel;
}

// The same as participant.run() in a process of its own, so that code which damages memory ends nothing but that.
Result<Outcome> run_apart(const Participant& participant, const Program& program, const Generated& generated) {
    int ends[2];
    if (pipe(ends) != 0) return fail(failure("pipe: ", std::strerror(errno)));
    std::cout << std::flush;
    const pid_t child = fork();
    if (child == 0) {
        for (const int number : kCrashSignals) std::signal(number, SIG_DFL);
        const auto result = participant.run(program, generated);
        std::vector<std::uint8_t> bytes(1 + sizeof(u64));
        bytes[0] = result.has_value();
        if (result) {
            std::memcpy(bytes.data() + 1, &result->r0, sizeof(u64));
            bytes.insert(bytes.end(), result->memory.begin(), result->memory.end());
            bytes.insert(bytes.end(), result->value.begin(), result->value.end());
        }
        const bool written = write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    std::vector<std::uint8_t> bytes(2 + sizeof(u64) + generated.memory.size() + generated.value.size());
    const ssize_t got = read(ends[0], bytes.data(), bytes.size());
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return fail(failure("crashes with signal ", WTERMSIG(status)));
    if (got < 1 + static_cast<ssize_t>(sizeof(u64)) || bytes[0] == 0) return fail(failure("refuses the program"));
    Outcome outcome = before(generated);
    const auto* at = bytes.data() + 1;
    std::memcpy(&outcome.r0, at, sizeof(u64));
    at += sizeof(u64);
    std::copy_n(at, outcome.memory.size(), outcome.memory.begin());
    at += outcome.memory.size();
    std::copy_n(at, outcome.value.size(), outcome.value.begin());
    return outcome;
}

// True if `participant` and the interpreter still differ on `generated`.
bool differs(const Participant& participant, const Generated& generated) {
    const auto program = program_of(generated);
    if (!program) return false;
    const auto expected = run_checked_mode(*program, generated);
    return expected && !agrees(participant, *expected, run_apart(participant, *program, generated));
}

// Stores to the stack stay: without them a program may read what others left there, and then nobody needs to agree.
bool removable(const Insn& insn) {
    const bool fills_stack = info(insn.op).family == Family::Store && insn.dst == kFramePointer;
    return !fills_stack && insn.op != Op::Exit && insn.op != Op::LddwHigh && !(insn.op == Op::Ja && insn.off == 0);
}

// Replaces as many instructions as it can by "goto +0" while the disagreement remains.
Generated minimise(const Participant& participant, Generated generated) {
    for (bool shrunk = true; shrunk;) {
        shrunk = false;
        for (std::size_t slot = 0; slot < generated.insns.size(); ++slot) {
            const Insn original = generated.insns[slot];
            if (!removable(original)) continue;
            Generated smaller = generated;
            smaller.insns[slot] = Insn{.op = Op::Ja};
            if (info(original.op).family == Family::Lddw) smaller.insns[slot + 1] = Insn{.op = Op::Ja};
            if (!differs(participant, smaller)) continue;
            generated = std::move(smaller);
            shrunk = true;
        }
    }
    return generated;
}

void report(const Participant& participant, const Generated& generated, const Result<Outcome>& result, u64 seed) {
    std::cout << "DISAGREEMENT seed " << seed << " engine " << participant.name << ": " << describe(result) << '\n';
    const Generated small = minimise(participant, generated);
    const auto program = program_of(small);
    for (std::uint32_t slot = 0; slot < small.insns.size(); ++slot) {
        const Insn& insn = small.insns[slot];
        if (insn.op == Op::LddwHigh || (insn.op == Op::Ja && insn.off == 0)) continue;
        std::cout << "  " << slot << ": " << disassemble(insn, slot, Syntax::Llvm) << '\n';
    }
    std::cout << "  interpreter: " << describe(run_checked_mode(*program, small)) << "\n  " << participant.name << ": "
              << describe(run_apart(participant, *program, small)) << std::endl;
}

volatile std::sig_atomic_t crashed = 0;
u64 current_seed = 0;
const char* current_engine = "";

void on_crash(int number) {
    if (crashed != 0) _exit(3);
    crashed = 1;
    std::cout << "CRASH seed " << current_seed << " engine " << current_engine << std::endl;
    std::signal(number, SIG_DFL);
    std::raise(number);
}

std::vector<Participant> participants(const std::set<std::string>& wanted, unsigned sample) {
    const auto is_wanted = [&](std::string_view name) { return wanted.empty() || wanted.contains(std::string(name)); };
    std::vector<Participant> all;
    for (const Engine& engine : engines())
        if (is_wanted(engine.name))
            all.push_back({.name = std::string(engine.name),
                           .every = engine.name == "llvm" || engine.name == "aot" ? sample : 1,
                           .run = [&engine](const Program& p, const Generated& g) { return run_engine(engine, p, g); }});
    if (const auto aot = find_engine("aot"); aot && is_wanted("aot-large"))
        all.push_back({.name = "aot-large", .every = sample, .run = [engine = *aot](const Program& p, const Generated& g) -> Result<Outcome> {
                           return run_engine(*engine, BPFTIME_TRY(enlarged(p, kLarge)), g);
                       }});
    if (is_wanted("kernel")) {
        const std::string why = kernel_unavailable();
        if (why.empty()) all.push_back({.name = "kernel", .kernel = true, .run = run_kernel});
        else std::cout << "SKIPPED kernel: " << why << '\n';
    }
    return all;
}

// The number of participants that disagree with the checked interpreter on program `seed`.
int try_program(std::vector<Participant>& all, u64 seed) {
    current_seed = seed;
    const Generated generated = generate(seed);
    const auto program = program_of(generated);
    const auto expected = program ? run_checked_mode(*program, generated) : fail(program.error());
    if (!expected) {
        std::cout << "INVALID seed " << seed << ": " << to_string(expected.error()) << '\n';
        return 1;
    }
    int disagreements = 0;
    for (Participant& participant : all) {
        if (seed % participant.every != 0 || (participant.kernel && !generated.for_kernel)) continue;
        current_engine = participant.name.c_str();
        const auto begin = std::chrono::steady_clock::now();
        const auto result = participant.run(*program, generated);
        participant.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        ++participant.ran;
        participant.refused += !result;
        if (agrees(participant, *expected, result)) continue;
        ++disagreements;
        report(participant, generated, result, seed);
    }
    return disagreements;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Compares engines on generated programs."};
    u64 count = 1000, seed = 1;
    unsigned sample = 1;
    std::vector<std::string> names;
    bool show = false;
    app.add_option("--count", count, "programs to try")->capture_default_str();
    app.add_option("--seed", seed, "number of the first program")->capture_default_str();
    app.add_option("--engines", names, "interpreter, ubpf, llvm, aot, aot-large, kernel; all by default")->delimiter(',');
    app.add_option("--sample", sample, "give llvm, aot and aot-large one program of so many")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_flag("--show", show, "print the programs and why the kernel refuses them");
    CLI11_PARSE(app, argc, argv);

    for (const int number : kCrashSignals) std::signal(number, on_crash);
    auto all = participants({names.begin(), names.end()}, sample);
    int disagreements = 0;
    for (u64 i = 0; i < count && disagreements < 20; ++i) {
        if (show) {
            const Generated generated = generate(seed + i);
            if (const auto program = program_of(generated)) {
                std::cout << "seed " << seed + i << '\n' << disassemble(*program, Syntax::Llvm);
                if (generated.for_kernel && kernel_unavailable().empty()) std::cout << "kernel: " << describe(run_kernel(*program, generated)) << '\n';
            }
        }
        disagreements += try_program(all, seed + i);
    }
    for (const Participant& participant : all)
        std::cout << participant.name << ": " << participant.ran << " programs, " << participant.refused << " refused, "
                  << participant.seconds << " s\n";
    std::cout << disagreements << " disagreements in " << count << " programs from seed " << seed << '\n';
    return disagreements == 0 ? 0 : 1;
}
