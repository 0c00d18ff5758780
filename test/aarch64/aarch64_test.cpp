// Conformance cases on AArch64: cases go to bpftime-aarch64-runner under qemu-user, all in one process, and its answers are
// compared here. For the engine aot the host's compiler makes AArch64 objects first.
// Exit status: 0 passed, 1 failed, 77 nothing could run.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "test/conformance/world.h"
#include "vm/linker/metadata.h"
#ifdef HAVE_COMPILER
#include "vm/llvm-jit/compiler.h"
#endif

namespace {

using namespace bpftime;
using namespace bpftime::test;

constexpr const char* kTriple = "aarch64-unknown-linux-gnu";

std::string to_hex(std::span<const std::uint8_t> data) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : data) text += {kDigits[byte >> 4], kDigits[byte & 15]};
    return text;
}

#ifdef HAVE_COMPILER
// The lines that hand a native object to the runner.
Result<std::string> compiled(const Case& one) {
    const Compiler* const compiler = BPFTIME_TRY(load_compiler());
    const Program program = BPFTIME_TRY(program_of(one));
    CompileOptions options;
    options.triple = kTriple;
    const CompiledObject object = BPFTIME_TRY(compiler->compile(program, options));
    return cat("object ", to_hex(object.elf), "\nmetadata ", to_hex(encode_metadata(object.metadata)), '\n');
}
#else
Result<std::string> compiled(const Case&) { return fail(failure("this build has no compiler for ", kTriple)); }
#endif

std::string request(const Case& one, const std::string& engine, const std::string& object) {
    std::string text = cat("program ", to_hex(one.bytecode), "\nmemory ", to_hex(one.memory), '\n', object);
    for (const CaseMap& map : one.maps)
        text += cat("map ", map.spec.type, ' ', map.spec.key_size, ' ', map.spec.value_size, ' ', map.spec.max_entries, ' ', map.spec.flags,
                    ' ', map.spec.name, ' ', to_hex(map.values), '\n');
    for (const auto& variable : one.variables) text += cat("variable ", to_hex(variable), '\n');
    return text + cat("run ", engine, '\n');
}

// What is wrong with the runner's answer, or "".
std::string fault_of(const Case& one, const std::string& answer) {
    if (one.error) {
        if (answer.starts_with("error ") && answer.find(*one.error) != std::string::npos) return "";
        return cat("\"", answer, "\" does not contain \"", *one.error, '"');
    }
    const std::string wanted = cat("r0 ", hex(*one.result), ' ');
    if (!answer.starts_with(wanted)) return cat('"', answer.substr(0, 200), "\" instead of ", wanted);
    if (one.after && answer.substr(wanted.size()) != to_hex(*one.after)) return cat("memory is ", answer.substr(wanted.size()));
    return "";
}

Result<std::vector<Case>> read_cases(const std::vector<std::string>& paths) {
    std::vector<Case> cases;
    for (const std::string& path : paths) {
        std::ifstream in(path, std::ios::binary);
        if (!in) return fail(failure("cannot be read: ", std::strerror(errno)).in_file(path));
        const std::string text(std::istreambuf_iterator<char>(in), {});
        const std::string name = path.substr(path.rfind('/') + 1);
        std::ranges::move(BPFTIME_TRY(path.ends_with(".jsonl") ? parse_vectors(text, name) : parse_cases(text, name)), std::back_inserter(cases));
    }
    return cases;
}

// The runner's answers to `input`, a line each; fewer than asked for if it crashed.
Result<std::vector<std::string>> ask(const std::string& qemu, const std::string& runner, const std::string& input) {
    std::string path = "/tmp/bpftime-aarch64-XXXXXX";
    const int fd = mkstemp(path.data());
    if (fd < 0) return fail(failure("no temporary file: ", std::strerror(errno)));
    std::ofstream(path, std::ios::binary) << input;
    close(fd);
    FILE* const pipe = popen(cat('\'', qemu, "' '", runner, "' < ", path).c_str(), "r");
    std::string output;
    char buffer[4096];
    while (pipe != nullptr && std::fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
    if (pipe != nullptr) pclose(pipe);
    unlink(path.c_str());
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; (end = output.find('\n', at)) != std::string::npos; at = end + 1) lines.push_back(output.substr(at, end - at));
    return lines;
}

struct Totals {
    std::size_t passed = 0, failed = 0, skipped = 0;
};

Result<Totals> run_all(const std::vector<Case>& cases, const std::string& engine, const std::string& qemu, const std::string& runner) {
    Totals totals;
    std::string input;
    std::vector<const Case*> asked;
    const auto settle = [&](const Case& one, const std::string& fault) {
        fault.empty() ? ++totals.passed : ++totals.failed;
        if (!fault.empty()) std::cout << "FAILED  " << one.origin << ' ' << one.name << ": " << fault << '\n';
    };
    for (const Case& one : cases) {
        if (const auto skip = one.skip.find(engine); skip != one.skip.end() || one.fault) {
            ++totals.skipped;
            std::cout << "skipped " << one.origin << ' ' << one.name << ": "
                      << (one.fault ? "would touch memory that is not its own" : skip->second) << '\n';
            continue;
        }
        std::string object;
        if (engine == "aot") {
            auto lines = compiled(one);
            if (!lines) {
                settle(one, fault_of(one, cat("error ", to_string(lines.error()))));
                continue;
            }
            object = std::move(*lines);
        }
        input += request(one, engine, object);
        asked.push_back(&one);
    }
    const auto answers = BPFTIME_TRY(ask(qemu, runner, input));
    for (std::size_t i = 0; i < asked.size(); ++i)
        settle(*asked[i], i < answers.size() ? fault_of(*asked[i], answers[i]) : i == answers.size() ? "the runner crashed" : "not reached");
    return totals;
}

// `count` random programs on the runner's interpreter and template JIT.
int compare(std::uint64_t count, const std::string& qemu, const std::string& runner) {
    constexpr std::uint64_t kSeed = 1, kPiece = 1000;
    std::string input;
    for (std::uint64_t done = 0; done < count; done += kPiece)
        input += cat("compare ", kSeed + done, ' ', std::min(kPiece, count - done), '\n');
    const auto answers = ask(qemu, runner, input);
    std::uint64_t agreed = 0;
    if (answers)
        for (const std::string& answer : *answers) {
            if (answer.starts_with("agreed ")) agreed += std::stoull(answer.substr(7));
            if (!answer.starts_with("agreed ")) std::cout << "FAILED  " << answer << '\n';
        }
    std::cout << "interpreter and ubpf on AArch64: " << agreed << " of " << count << " random programs agree\n";
    return agreed == count ? 0 : 1;
}

int skip(const std::string& why) {
    std::cout << "SKIPPED: " << why << '\n';
    return 77;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs conformance cases on AArch64 under qemu."};
    std::string runner, qemu, engine;
    std::vector<std::string> paths;
    app.add_option("--runner", runner, "bpftime-aarch64-runner");
    app.add_option("--qemu", qemu, "qemu-aarch64");
    app.add_option("--engine", engine, "interpreter, ubpf or aot");
    std::uint64_t random = 0;
    app.add_option("--random", random, "compare interpreter and ubpf on so many random programs instead");
    app.add_option("FILES", paths, "*.data or *.jsonl");
    CLI11_PARSE(app, argc, argv);

    if (runner.empty()) return skip("no aarch64-linux-gnu-g++ when this was built (Debian: g++-aarch64-linux-gnu)");
    if (qemu.empty()) return skip("no qemu-aarch64 (Debian: qemu-user)");
    for (const std::string& path : paths)
        if (access(path.c_str(), R_OK) != 0) return skip(cat(path, " is not there; set BPFTIME_CONFORMANCE_DIR to the directory that holds it"));
    if (access(runner.c_str(), X_OK) != 0) {
        std::cout << "FAILED  " << runner << " has not been built\n";
        return 1;
    }
    if (random != 0) return compare(random, qemu, runner);
    const auto cases = read_cases(paths);
    const auto totals = cases ? run_all(*cases, engine, qemu, runner) : Result<Totals>(fail(cases.error()));
    if (!totals) {
        std::cout << "FAILED  " << to_string(totals.error()) << '\n';
        return 1;
    }
    std::cout << engine << " on AArch64: " << totals->passed << " of " << cases->size() << " passed, " << totals->failed << " failed, "
              << totals->skipped << " skipped\n";
    return totals->failed == 0 && totals->passed != 0 ? 0 : 1;
}
