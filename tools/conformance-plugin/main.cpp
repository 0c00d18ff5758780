// bpftime-conformance-plugin: one program from standard input, in hexadecimal, run by one engine; prints r0.
// The protocol of the public bpf_conformance runner: memory as an argument, its address in r1 and length in r2.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "runtime/helpers/helpers.h"
#include "tools/conformance-plugin/engines.h"
#include "tools/conformance-plugin/hex.h"
#include "vm/core/decode.h"

namespace {

using namespace bpftime;

Result<std::uint64_t> run(const std::string& engine_name, const std::string& memory_hex, const std::string& program_hex) {
    const Engine* engine = BPFTIME_TRY(find_engine(engine_name));
    std::vector<std::uint8_t> memory = BPFTIME_TRY(parse_hex(memory_hex));
    const std::vector<std::uint8_t> bytecode = BPFTIME_TRY(parse_hex(program_hex));
    const Program program = BPFTIME_TRY(make_program(bytecode));
    const auto executable = BPFTIME_TRY(engine->load(program, default_bindings()));
    return executable->run(memory.empty() ? nullptr : memory.data(), memory.size());
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs one BPF program, given in hexadecimal on standard input, and prints r0 in hexadecimal."};
    std::string memory, engine = "interpreter";
    bool elf = false;
    app.add_option("MEMORY", memory, "memory that the program gets, in hexadecimal");
    app.add_option("--engine", engine, "interpreter, ubpf, llvm or aot")->capture_default_str();
    app.add_flag("--elf", elf, "accepted and ignored: the program is always plain instructions");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }

    const std::string program{std::istreambuf_iterator<char>(std::cin), {}};
    const auto r0 = run(engine, memory, program);
    if (!r0) {
        std::cerr << to_string(r0.error()) << '\n';
        return 1;
    }
    std::printf("%llx\n", static_cast<unsigned long long>(*r0));
    return 0;
}
