// BPF ELF objects as the kernel would get them: libbpf itself opens, relocates and "loads" the object, while its system
// calls end in a private registry of this process. Needs no permission and no kernel support.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

struct ElfOptions {
    std::string btf_path;  // BTF of the target for CO-RE, raw or in an ELF file; empty: the running kernel's
    std::vector<std::string> programs;  // names of the programs wanted; empty: all
};

struct LoadedProgram {
    std::string name, section;
    Result<Program> program;  // or why this one is refused; the error names object and program
};

struct LoadedObject {
    std::vector<LoadedProgram> programs;  // in the object's order
    // All of the object, in its order; MapSpec::number is the index here. Names are the kernel's, cut to 15 characters;
    // those of data sections are the section's alone.
    std::vector<MapSpec> maps;
};

// Errors concern the whole object: it cannot be read, is no BPF object, is damaged, or libbpf refuses it. What does not
// exist in userspace is absent: weak references to kernel functions and variables are null, programs that reach strong
// ones are refused. Programs in sections that libbpf does not know have type 0. Attach targets are not looked up.
// Thread-safe; loads take turns.
Result<LoadedObject> load_elf(const std::string& path, const ElfOptions& options = {});

// The same for an object in memory; `name` stands for the file in errors and for libbpf.
Result<LoadedObject> load_elf(std::span<const std::uint8_t> object, const std::string& name,
                              const ElfOptions& options = {});

}  // namespace bpftime
