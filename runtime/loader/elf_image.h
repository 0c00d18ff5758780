// A BPF object file in memory, checked before libbpf sees it: libbpf and libelf trust much of what they read.
#pragma once

#include <elf.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "vm/core/result.h"

namespace bpftime {

struct ElfSection {
    std::string_view name;
    Elf64_Shdr header{};
    std::span<const std::uint8_t> bytes;  // empty for SHT_NOBITS
};

struct ElfSymbol {
    std::string_view name;
    Elf64_Sym entry{};

    bool undefined() const { return entry.st_shndx == SHN_UNDEF && !name.empty(); }
    bool weak() const { return ELF64_ST_BIND(entry.st_info) == STB_WEAK; }
    bool function() const { return ELF64_ST_TYPE(entry.st_info) == STT_FUNC; }
};

class ElfImage {
public:
    ElfImage() = default;
    ElfImage(ElfImage&&) = default;
    ElfImage& operator=(ElfImage&&) = default;

    // Takes a copy. Refuses, each with its own sentence: empty, not ELF, not 64-bit, big-endian, not a relocatable
    // object, not BPF, truncated; and any section, name, symbol, relocation or BTF that leads out of the file.
    // Functions of objects from before LLVM gave them a type and a size get both.
    static Result<ElfImage> parse(std::span<const std::uint8_t> object);

    std::span<const std::uint8_t> bytes() const { return bytes_; }
    const std::vector<ElfSection>& sections() const { return sections_; }
    const std::vector<ElfSymbol>& symbols() const { return symbols_; }
    const ElfSection* section(std::string_view name) const;

    // The symbol that the relocation at `offset` of section `section` refers to, or null.
    const ElfSymbol* relocation(std::uint32_t section, std::uint64_t offset) const;
    // The function called `name`, preferably of `size` bytes, or null.
    const ElfSymbol* function(std::string_view name, std::uint64_t size) const;

    // The first slot of `function` that calls, or takes the address of, a function of the object.
    std::optional<std::uint32_t> local_call(const ElfSymbol& function) const;

    // Makes undefined symbol `index` weak in bytes(); symbols() keep saying what the file says of it.
    void weaken(std::size_t index);

private:
    Status read_sections();
    Status read_symbols();
    Status read_relocations();
    Status check_relocation(const ElfSection& target, std::uint64_t offset) const;
    Status check_code() const;
    Status check_btf() const;
    void type_functions();
    Result<std::string_view> string_at(std::uint32_t section, std::uint64_t offset) const;

    std::vector<std::uint8_t> bytes_;
    std::vector<ElfSection> sections_;
    std::vector<ElfSymbol> symbols_;
    std::uint64_t symbols_offset_ = 0;                                              // in the file
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> relocations_;  // (section, offset) -> symbol
};

}  // namespace bpftime
