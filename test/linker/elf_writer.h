// Writes small relocatable objects section by section, for what no compiler emits.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>
#include <vector>

#include "test/linker/objects.h"

namespace bpftime::test {

struct ElfSection {
    std::string name;
    std::uint32_t type = SHT_PROGBITS;
    std::uint64_t flags = SHF_ALLOC;
    Bytes contents = {};
    std::uint64_t align = 1;
    std::uint64_t memory_size = 0;  // SHT_NOBITS
};

struct ElfSymbol {
    std::string name;
    std::uint16_t section = SHN_UNDEF;  // 1 is the first of ElfObject::sections
    std::uint64_t value = 0, size = 0;
    std::uint8_t binding = STB_GLOBAL, type = STT_NOTYPE;
};

struct ElfRelocation {
    std::uint16_t section = 1;
    std::uint64_t offset = 0;
    std::uint32_t type = 0;
    std::uint32_t symbol = 0;  // 1 is the first of ElfObject::symbols
    std::int64_t addend = 0;
};

// Written in this order: header, sections, symbols, strings, one table of relocations a section, names, section
// headers.
struct ElfObject {
    std::uint16_t machine = EM_X86_64;
    std::vector<ElfSection> sections = {};
    std::vector<ElfSymbol> symbols = {};
    std::vector<ElfRelocation> relocations = {};

    Bytes write() const;
};

// An object of this host's machine whose bpf_main is `code`, in .text at offset 0.
ElfObject code_object(Bytes code);

// Offset in `object` of a field of section header `index`.
std::size_t header_field(const Bytes& object, std::size_t index, std::size_t field);
// Overwrites a number of the size of `value`.
template <class T>
void patch(Bytes& object, std::size_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        object.at(offset + i) = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
}

}  // namespace bpftime::test
