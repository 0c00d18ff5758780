// The compiled programs of test/elf/progs and short ways to look into what came of them.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "runtime/loader/elf_loader.h"
#include "vm/core/disasm.h"

namespace bpftime::test {

inline std::string object_path(const std::string& name) { return cat(BPF_OBJECTS, "/elf-", name, ".bpf.o"); }

inline std::vector<std::uint8_t> read_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline const LoadedProgram* find(const LoadedObject& object, std::string_view name) {
    const auto found = std::ranges::find(object.programs, name, &LoadedProgram::name);
    return found == object.programs.end() ? nullptr : &*found;
}

inline const MapSpec* find_map(const LoadedObject& object, std::string_view name) {
    const auto found = std::ranges::find(object.maps, name, &MapSpec::name);
    return found == object.maps.end() ? nullptr : &*found;
}

// The error of program `name`, "built" when it has none, "missing" when it is not there.
inline std::string verdict(const LoadedObject& object, std::string_view name) {
    const LoadedProgram* program = find(object, name);
    if (program == nullptr) return "missing";
    return program->program ? "built" : to_string(program->program.error());
}

}  // namespace bpftime::test
