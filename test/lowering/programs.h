// Programs for the compiler's tests, written in assembly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vm/core/program.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::test {

// The compiler under test; ends the binary as skipped when it was not built.
const Compiler& compiler();

// Assembles a program. Lines that begin with "; map" describe its maps, in the order of their references:
//   ; map NAME TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES [frozen HEX]
// Throws std::runtime_error with the message of what is wrong.
Program program(std::string_view text, std::string name = "test");

// The program with line information: instruction i comes from line i + 1 of /src/prog.bpf.c.
Program with_lines(Program program);

// Compiles or throws.
CompiledObject compiled(const Program& program, const CompileOptions& options = {});

// The error's text, or "compiled".
std::string outcome(const Result<CompiledObject>& result);

// Symbols of an ELF object, as `nm` of binutils prints them, sorted: "U name", "T name", "w name".
std::vector<std::string> symbols(const std::vector<std::uint8_t>& elf);

// Compiles `driver` (C), links it with the objects and runs it; what it prints, or the failing command's output.
struct Linked {
    int status = 0;
    std::string output;
};
Linked link_and_run(const std::string& driver, const std::vector<CompiledObject>& objects,
                    const std::string& flags = "");

}  // namespace bpftime::test
