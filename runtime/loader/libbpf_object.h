// One attempt of libbpf to load an object into a private registry.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/loader/elf_image.h"
#include "runtime/loader/libbpf_log.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

// A program as the ELF file describes it.
struct ElfProgram {
    std::string name, section;
    std::uint32_t type = 0, attach_type = 0;  // by the section's name; 0 when libbpf does not know it
};

// What an attempt needs beside the object.
struct LoadInput {
    const ElfImage& image;
    std::string name;        // of the file
    std::string target_btf;  // path; empty: there is none
    std::string empty_btf;   // path to BTF without types
};

struct LoadOutcome {
    std::vector<ElfProgram> programs;  // all of the object
    std::vector<MapSpec> maps;         // all of the object
    std::vector<Program> loaded;       // those that were wanted, in order; empty when `error` is set
    std::optional<Error> error;
    std::string blamed;  // the program to which the error belongs, empty: the object or unknown
};

// Opens the object and loads the programs named. An error means that it cannot be opened; one that comes later is in
// the outcome.
Result<LoadOutcome> load_once(const LoadInput& input, const std::set<std::string>& wanted);

// The programs of the object, without loading anything.
Result<std::vector<ElfProgram>> list_programs(const LoadInput& input);

}  // namespace bpftime
