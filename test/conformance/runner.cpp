// Runs case files and public vectors on one engine: test-conformance --engine NAME FILE...
// *.data files hold cases of our own, *.jsonl files public vectors. Exit status: 0 passed, 1 failed, 77 nothing could run.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "test/conformance/world.h"
#include "test/support/kernel_oracle.h"
#include "test/support/large.h"
#include "tools/conformance-plugin/engines.h"
#include "vm/interpreter/interpreter.h"

namespace {

using namespace bpftime;
using namespace bpftime::test;

struct Outcome {
    enum class Kind { Passed, Failed, Skipped, Refused } kind = Kind::Passed;  // Refused: by the kernel's verifier
    std::string text;
};

Outcome passed() { return {}; }
Outcome failed(std::string text) { return {Outcome::Kind::Failed, std::move(text)}; }
Outcome skipped(std::string text) { return {Outcome::Kind::Skipped, std::move(text)}; }

std::string bytes(std::span<const std::uint8_t> data) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : data) text += {kDigits[byte >> 4], kDigits[byte & 15]};
    return text;
}

Outcome compare(const Case& one, std::uint64_t r0, std::span<const std::uint8_t> memory) {
    if (r0 != *one.result) return failed(cat("r0 is ", hex(r0), ", not ", hex(*one.result)));
    if (one.after && !std::ranges::equal(*one.after, memory))
        return failed(cat("memory is ", bytes(memory), ", not ", bytes(*one.after)));
    return passed();
}

Outcome expect_message(const std::string& wanted, const Error& error) {
    const std::string message = to_string(error);
    if (message.find(wanted) != std::string::npos) return passed();
    return failed(cat("the message \"", message, "\" does not contain \"", wanted, '"'));
}

bool large = false;  // --large

Outcome run_engine(const Case& one, const Engine& engine) {
    World world(one);
    auto program = program_of(one);
    if (program && large) program = enlarged(std::move(*program), kLarge);
    if (!program) return one.error ? expect_message(*one.error, program.error()) : failed(to_string(program.error()));
    const auto executable = engine.load(*program, world.bindings);
    if (!executable) return one.error ? expect_message(*one.error, executable.error()) : failed(to_string(executable.error()));
    if (one.error) return failed("accepted, but should be refused");
    if (one.fault) return skipped("would touch memory that is not its own");
    const std::uint64_t r0 = (*executable)->run(world.context(), world.memory.size());
    return compare(one, r0, world.memory);
}

Outcome run_in_checked_mode(const Case& one) {
    World world(one);
    const auto program = program_of(one);
    if (!program) return one.error ? expect_message(*one.error, program.error()) : failed(to_string(program.error()));
    CheckedLimits limits{.max_insns = 100'000'000, .regions = {}};
    for (std::size_t i = 0; i < one.variables.size(); ++i)
        limits.regions.push_back({world.bindings.variables[i], one.variables[i].size()});
    const auto r0 = run_checked(*program, world.bindings, world.context(), world.memory.size(), limits);
    if (r0 && one.result) return compare(one, *r0, world.memory);
    if (r0) return failed("ran to its end, but should be stopped");
    if (one.result) return failed(to_string(r0.error()));
    return expect_message(one.fault ? *one.fault : *one.error, r0.error());
}

Outcome run_on_kernel(const Case& one) {
    if (!one.maps.empty() || !one.variables.empty()) return skipped("its maps and variables exist in userspace only");
    if (one.fault) return skipped("the packet has room behind the memory");
    const auto result = run_in_kernel(one.bytecode, one.memory);
    if (result) return one.result ? compare(one, result->r0, result->memory) : failed("the kernel accepts it");
    return one.result ? Outcome{Outcome::Kind::Refused, to_string(result.error())} : passed();
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(failure("cannot be read: ", std::strerror(errno)).in_file(path));
    return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<std::vector<Case>> read_cases(const std::vector<std::string>& paths) {
    std::vector<Case> cases;
    for (const std::string& path : paths) {
        const std::string text = BPFTIME_TRY(read_file(path));
        const std::string name = path.substr(path.rfind('/') + 1);
        auto some = BPFTIME_TRY(path.ends_with(".jsonl") ? parse_vectors(text, name) : parse_cases(text, name));
        std::ranges::move(some, std::back_inserter(cases));
    }
    return cases;
}

const Case* current = nullptr;

// An engine that crashes takes the process with it; at least say where.
void on_crash(int number) {
    static constexpr char kText[] = "crashed in ";
    const auto put = [](const char* text, std::size_t size) { return write(STDERR_FILENO, text, size); };
    if (put(kText, sizeof(kText) - 1) < 0 || put(current->name.data(), current->name.size()) < 0 || put("\n", 1) < 0) _exit(3);
    std::signal(number, SIG_DFL);
    std::raise(number);
}

struct Totals {
    int passed = 0, failed = 0, skipped = 0, refused = 0;
};

Totals run_all(const std::vector<Case>& cases, const std::string& engine_name, const Engine* engine, bool refusals_allowed) {
    Totals totals;
    for (const Case& one : cases) {
        current = &one;
        const auto skip = one.skip.find(engine_name);
        Outcome outcome = skip != one.skip.end()      ? skipped(skip->second)
                          : engine_name == "kernel"   ? run_on_kernel(one)
                          : engine_name == "checked"  ? run_in_checked_mode(one)
                                                      : run_engine(one, *engine);
        if (outcome.kind == Outcome::Kind::Refused && !refusals_allowed) outcome.kind = Outcome::Kind::Failed;
        const auto report = [&](const char* word, int& count) {
            ++count;
            std::cout << word << ' ' << one.origin << ' ' << one.name << ": " << outcome.text << '\n';
        };
        switch (outcome.kind) {
            case Outcome::Kind::Passed: ++totals.passed; break;
            case Outcome::Kind::Failed: report("FAILED ", totals.failed); break;
            case Outcome::Kind::Skipped: report("skipped", totals.skipped); break;
            case Outcome::Kind::Refused: report("refused", totals.refused); break;
        }
    }
    return totals;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs conformance cases on one engine."};
    std::string engine_name;
    std::vector<std::string> paths;
    int max_refusals = 0;
    app.add_option("--engine", engine_name, "interpreter, checked, ubpf, llvm, aot or kernel")->required();
    app.add_option("--max-refusals", max_refusals, "cases that the kernel's verifier may refuse although they have a result");
    app.add_flag("--large", large, "add unreachable instructions: LLVM compiles large programs in another way");
    app.add_option("FILES", paths, "*.data or *.jsonl")->required();
    CLI11_PARSE(app, argc, argv);

    for (const std::string& path : paths)
        if (access(path.c_str(), R_OK) != 0) {
            std::cout << "SKIPPED: " << path << " is not there; set BPFTIME_CONFORMANCE_DIR to the directory that holds it\n";
            return 77;
        }
    if (engine_name == "kernel")
        if (const std::string why = kernel_unavailable(); !why.empty()) {
            std::cout << "SKIPPED: " << why << '\n';
            return 77;
        }
    const bool own_runner = engine_name == "kernel" || engine_name == "checked";
    const auto engine = own_runner ? Result<const Engine*>(nullptr) : find_engine(engine_name);
    const auto cases = read_cases(paths);
    if (!engine || !cases) {
        std::cerr << to_string(engine ? cases.error() : engine.error()) << '\n';
        return 1;
    }
    std::signal(SIGSEGV, on_crash);
    std::signal(SIGILL, on_crash);
    std::signal(SIGFPE, on_crash);
    const Totals totals = run_all(*cases, engine_name, *engine, max_refusals > 0);
    std::cout << engine_name << ": " << totals.passed << " of " << cases->size() << " passed, " << totals.failed << " failed, "
              << totals.skipped << " skipped, " << totals.refused << " refused\n";
    if (totals.refused > max_refusals) std::cout << "FAILED  more than " << max_refusals << " refused\n";
    return totals.failed == 0 && totals.refused <= max_refusals ? 0 : 1;
}
