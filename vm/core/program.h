// A BPF program as every part of the project sees it: decoded once, relocated, with the maps it refers to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vm/core/insn.h"

namespace bpftime {

using Digest = std::array<std::uint8_t, 32>;

// The shape of a map, as BPF_MAP_CREATE takes it, and what is known of its contents.
struct MapSpec {
    std::string name;
    std::uint32_t number = 0;  // what the native code passes to __lddw_helper_map_*: shared-memory id, or index in the ELF
    std::uint32_t type = 0;    // enum bpf_map_type
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t max_entries = 0;
    std::uint32_t flags = 0;   // BPF_F_*
    std::uint64_t extra = 0;   // map_extra
    bool frozen = false;       // no write from outside any more; with BPF_F_RDONLY_PROG the contents are constant
    std::vector<std::uint8_t> contents;  // first value of a data section (.data, .rodata, .bss, .kconfig); else empty
};

// A function of the program: slots [begin, end). subprograms[0] is the entry.
struct Subprogram {
    std::string name;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

// Where an instruction comes from (BTF line_info). Holds until the next entry.
struct SourceLine {
    std::uint32_t insn = 0;  // slot
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t file = 0;  // index into Program::source_files
    std::string text;        // the line itself, when BTF carries it
};

struct Program {
    std::string name;
    std::string section;                     // "uprobe/libc.so.6:malloc"
    std::uint32_t type = 0;                  // enum bpf_prog_type
    std::uint32_t expected_attach_type = 0;  // enum bpf_attach_type
    std::string license;
    std::vector<Insn> insns;                 // by slot
    std::vector<Subprogram> subprograms;     // by begin; never empty in a valid program
    std::vector<MapSpec> maps;               // in the order of their first reference in `insns`
    std::vector<SourceLine> lines;           // by insn; empty without debug information
    std::vector<std::string> source_files;
    std::vector<std::uint8_t> btf;           // the object's BTF, empty if it has none

    // Index of the subprogram that holds `slot`.
    std::size_t subprogram_at(std::uint32_t slot) const;
    // The source line in force at `slot`, or null.
    const SourceLine* line_at(std::uint32_t slot) const;
};

// Ids of the helpers the program calls, ascending, each once.
std::vector<std::uint32_t> helpers_used(const Program& program);

}  // namespace bpftime
