// A BPF program from a file, chosen the way every subcommand chooses it.
#pragma once

#include <string>

#include "runtime/loader/elf_loader.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime::aot {

// Options common to the commands that read a BPF ELF object.
struct InputOptions {
    std::string path;
    std::string btf;      // --btf: BTF for CO-RE; empty: the running kernel's
    std::string program;  // --program: empty: the only one
};

// The one program that `options` means. Refuses an ELF of several programs when none is named, listing them.
Result<Program> load_program(const InputOptions& options);

}  // namespace bpftime::aot
