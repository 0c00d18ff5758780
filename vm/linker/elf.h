// Bounds-checked view of a relocatable ELF64 little-endian object of any machine. Nothing is copied: names and contents
// point into the bytes given, which outlive the view.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::elf {

struct Section {
    std::string_view name;
    std::uint32_t type = 0;
    std::uint32_t link = 0, info = 0;
    std::uint64_t flags = 0;
    std::uint64_t offset = 0, size = 0;  // in the file; SHT_NOBITS occupies none of it
    std::uint64_t align = 1;             // power of two, at most kMaxAlign
    std::uint64_t entry_size = 0;
    std::span<const std::uint8_t> bytes;  // empty for SHT_NOBITS

    bool has(std::uint64_t flag) const { return (flags & flag) != 0; }
};

struct Symbol {
    std::string_view name;
    std::uint8_t type = 0, binding = 0;
    std::uint16_t section = 0;  // index, or SHN_UNDEF, SHN_ABS, SHN_COMMON
    std::uint64_t value = 0, size = 0;
};

struct Relocation {
    std::uint64_t offset = 0;  // in the section it patches, at most that section's size
    std::uint32_t type = 0;
    std::uint32_t symbol = 0;  // valid index
    std::int64_t addend = 0;
};

inline constexpr std::uint64_t kMaxAlign = 4096;
inline constexpr std::size_t kSectionHeaderSize = 64;
inline constexpr std::size_t kSymbolSize = 24;
inline constexpr std::size_t kRelaSize = 24;

class Object {
public:
    // Refuses what is not ELF, not ELF64, not little-endian, not relocatable, truncated, or has a section, symbol or
    // relocation that lies outside what holds it or overlaps another.
    static Result<Object> parse(std::span<const std::uint8_t> bytes);

    std::span<const std::uint8_t> bytes() const { return bytes_; }
    std::uint16_t machine() const { return machine_; }
    std::uint64_t section_headers() const { return section_headers_; }  // file offset
    std::uint16_t names_section() const { return names_; }
    const std::vector<Section>& sections() const { return sections_; }
    const Section* section(std::string_view name) const;

    std::uint32_t symbol_count() const { return symbol_count_; }
    Symbol symbol(std::uint32_t index) const;

    // `table` is a section of type SHT_RELA.
    static std::size_t relocation_count(const Section& table) { return table.bytes.size() / kRelaSize; }
    static Relocation relocation(const Section& table, std::size_t index);

private:
    Status read_header();
    Status read_sections();
    Status name_sections();
    Status check_overlap() const;
    Status read_symbols();
    Status check_symbol(std::uint32_t index) const;
    Status check_relocations(const Section& table) const;

    std::span<const std::uint8_t> bytes_;
    std::uint16_t machine_ = 0, names_ = 0, section_count_ = 0;
    std::uint64_t section_headers_ = 0;
    std::vector<Section> sections_;
    std::uint32_t symbol_table_ = 0;  // section index, 0 if there is none
    std::uint32_t symbol_count_ = 0;
    std::span<const std::uint8_t> symbols_, strings_;
};

// "x86-64" for EM_X86_64; "machine 999" when unknown.
std::string machine_name(std::uint16_t machine);

}  // namespace bpftime::elf
