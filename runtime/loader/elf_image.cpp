#include "runtime/loader/elf_image.h"

#include <algorithm>
#include <cstring>

#include "runtime/registry/btf.h"

namespace bpftime {

namespace {

constexpr std::size_t kInsnBytes = 8;
constexpr std::uint64_t kMaxZeroes =
    64u << 20;  // .bss takes no room in the file, but does in every copy of its contents
constexpr std::uint8_t kLddw = 0x18, kCall = 0x85;

bool is_code(const Elf64_Shdr& header) {
    return header.sh_type == SHT_PROGBITS && (header.sh_flags & SHF_EXECINSTR) != 0;
}

template <class T>
T read_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

std::string_view machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_X86_64: return "x86-64";
        case EM_386: return "x86";
        case EM_AARCH64: return "AArch64";
        case EM_ARM: return "ARM";
        case EM_RISCV: return "RISC-V";
        case EM_S390: return "s390";
        case EM_PPC64: return "PowerPC";
        default: return {};
    }
}

Status check_magic(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return fail(failure("the file is empty"));
    if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
        return fail(failure("this is not an ELF file"));
    if (bytes.size() < EI_NIDENT) return fail(failure("the ELF file is truncated in its header"));
    if (bytes[EI_CLASS] != ELFCLASS64) return fail(failure("this is not a 64-bit ELF file, which BPF objects are"));
    if (bytes[EI_DATA] == ELFDATA2MSB)
        return fail(failure("this is a big-endian object").with_hint("compile it with clang -target bpfel"));
    if (bytes[EI_DATA] != ELFDATA2LSB) return fail(failure("the ELF file's byte order is unknown"));
    if (bytes.size() < sizeof(Elf64_Ehdr)) return fail(failure("the ELF file is truncated in its header"));
    return {};
}

// e_machine 0 is what LLVM wrote before BPF had a number.
Status check_machine(const Elf64_Ehdr& header) {
    if (header.e_machine != EM_BPF && header.e_machine != EM_NONE) {
        const std::string_view name = machine_name(header.e_machine);
        Error error = name.empty() ? failure("this is an object for machine ", header.e_machine, ", not for BPF")
                                   : failure("this is an object for ", name, ", not for BPF");
        return fail(std::move(error).with_hint("compile it with clang -target bpf"));
    }
    if (header.e_type != ET_REL)
        return fail(failure("this is not a relocatable BPF object").with_hint("compile it with clang -target bpf -c"));
    return {};
}

// Sections that libbpf and libelf read entry by entry.
bool holds_strings(const Elf64_Shdr& header) { return header.sh_type == SHT_STRTAB; }

}  // namespace

Result<ElfImage> ElfImage::parse(std::span<const std::uint8_t> object) {
    BPFTIME_CHECK(check_magic(object));
    BPFTIME_CHECK(check_machine(read_at<Elf64_Ehdr>(object, 0)));
    ElfImage image;
    image.bytes_.assign(object.begin(), object.end());
    BPFTIME_CHECK(image.read_sections());
    BPFTIME_CHECK(image.read_symbols());
    image.type_functions();
    BPFTIME_CHECK(image.check_code());
    BPFTIME_CHECK(image.read_relocations());
    BPFTIME_CHECK(image.check_btf());
    return image;
}

const ElfSection* ElfImage::section(std::string_view name) const {
    const auto found = std::ranges::find(sections_, name, &ElfSection::name);
    return found == sections_.end() ? nullptr : &*found;
}

const ElfSymbol* ElfImage::relocation(std::uint32_t section, std::uint64_t offset) const {
    const auto found = relocations_.find({section, offset});
    return found == relocations_.end() ? nullptr : &symbols_[found->second];
}

const ElfSymbol* ElfImage::function(std::string_view name, std::uint64_t size) const {
    const ElfSymbol* best = nullptr;
    for (const ElfSymbol& symbol : symbols_) {
        if (!symbol.function() || symbol.name != name || symbol.undefined()) continue;
        if (symbol.entry.st_size == size) return &symbol;
        if (best == nullptr) best = &symbol;
    }
    return best;
}

std::optional<std::uint32_t> ElfImage::local_call(const ElfSymbol& function) const {
    constexpr std::uint8_t kLocal = 1;  // src of a call
    const std::uint32_t section = function.entry.st_shndx;
    if (section >= sections_.size() || !is_code(sections_[section].header)) return std::nullopt;
    const auto code = sections_[section].bytes.subspan(function.entry.st_value, function.entry.st_size);
    for (std::size_t at = 0; at < code.size(); at += kInsnBytes) {
        const ElfSymbol* symbol = relocation(section, function.entry.st_value + at);
        const bool call =
            code[at] == kCall && code[at + 1] >> 4 == kLocal && (symbol == nullptr || !symbol->undefined());
        const bool address = code[at] == kLddw && symbol != nullptr && symbol->entry.st_shndx == section;
        if (call || address) return static_cast<std::uint32_t>(at / kInsnBytes);
    }
    return std::nullopt;
}

void ElfImage::weaken(std::size_t index) {
    const std::size_t at = symbols_offset_ + index * sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_info);
    bytes_[at] = ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(bytes_[at]));
}

Status ElfImage::read_sections() {
    const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
    const std::uint64_t size = bytes_.size();
    if (header.e_shoff == 0 || header.e_shnum == 0) return fail(failure("the object has no sections"));
    if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_ehsize != sizeof(Elf64_Ehdr))
        return fail(failure("the ELF header names entries of a wrong size"));
    if (header.e_shoff > size || (size - header.e_shoff) / sizeof(Elf64_Shdr) < header.e_shnum)
        return fail(failure("the object is truncated: its section headers lie beyond its end"));
    for (std::uint32_t index = 0; index < header.e_shnum; ++index) {
        ElfSection section;
        section.header = read_at<Elf64_Shdr>(bytes_, header.e_shoff + index * sizeof(Elf64_Shdr));
        const Elf64_Shdr& row = section.header;
        if (row.sh_type != SHT_NOBITS && row.sh_type != SHT_NULL) {
            if (row.sh_offset > size || row.sh_size > size - row.sh_offset)
                return fail(failure("the object is truncated: section ", index, " lies beyond its end"));
            section.bytes = std::span(bytes_).subspan(row.sh_offset, row.sh_size);
        }
        if ((row.sh_flags & SHF_COMPRESSED) != 0) return fail(failure("section ", index, " is compressed"));
        if (row.sh_type == SHT_NOBITS && row.sh_size > kMaxZeroes)
            return fail(failure("section ", index, " has ", row.sh_size, " bytes of zeroes, more than ", kMaxZeroes));
        if (holds_strings(row) && !section.bytes.empty() && section.bytes.back() != 0)
            return fail(failure("the strings of section ", index, " do not end with a zero byte"));
        sections_.push_back(section);
    }
    for (std::uint32_t index = 1; index < sections_.size(); ++index)
        sections_[index].name = BPFTIME_TRY(string_at(header.e_shstrndx, sections_[index].header.sh_name));
    return {};
}

Result<std::string_view> ElfImage::string_at(std::uint32_t section, std::uint64_t offset) const {
    if (section >= sections_.size() || !holds_strings(sections_[section].header))
        return fail(failure("section ", section, " is no string table"));
    const auto bytes = sections_[section].bytes;
    if (offset >= bytes.size()) return fail(failure("a name lies beyond the strings of section ", section));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + offset);
}

Status ElfImage::read_symbols() {
    const auto is_table = [](const ElfSection& section) { return section.header.sh_type == SHT_SYMTAB; };
    const auto table = std::ranges::find_if(sections_, is_table);
    if (table == sections_.end()) return fail(failure("the object has no symbols").with_hint("do not strip it"));
    if (std::find_if(table + 1, sections_.end(), is_table) != sections_.end())
        return fail(failure("the object has several symbol tables"));
    if (table->header.sh_entsize != sizeof(Elf64_Sym) || table->bytes.size() % sizeof(Elf64_Sym) != 0)
        return fail(failure("the symbols have a wrong size"));
    symbols_offset_ = table->header.sh_offset;
    for (std::size_t at = 0; at < table->bytes.size(); at += sizeof(Elf64_Sym)) {
        ElfSymbol symbol{.name = {}, .entry = read_at<Elf64_Sym>(table->bytes, at)};
        const Elf64_Sym& entry = symbol.entry;
        symbol.name = BPFTIME_TRY(string_at(table->header.sh_link, entry.st_name));
        if (entry.st_shndx != SHN_UNDEF && entry.st_shndx < SHN_LORESERVE) {
            if (entry.st_shndx >= sections_.size()) return fail(failure("symbol '", symbol.name, "' is in no section"));
            const std::uint64_t size = sections_[entry.st_shndx].header.sh_size;
            if (entry.st_value > size || entry.st_size > size - entry.st_value)
                return fail(failure("symbol '", symbol.name, "' lies beyond its section"));
            if (symbol.function() && (entry.st_value % kInsnBytes != 0 || entry.st_size % kInsnBytes != 0))
                return fail(failure("function '", symbol.name, "' does not consist of whole instructions"));
        }
        symbols_.push_back(symbol);
    }
    return {};
}

void ElfImage::type_functions() {
    for (std::uint32_t section = 0; section < sections_.size(); ++section) {
        const Elf64_Shdr& header = sections_[section].header;
        if (!is_code(header) || header.sh_size % kInsnBytes != 0) continue;
        std::vector<std::size_t> starts;
        bool typed = false;
        for (std::size_t index = 0; index < symbols_.size(); ++index) {
            const ElfSymbol& symbol = symbols_[index];
            if (symbol.entry.st_shndx != section) continue;
            typed = typed || symbol.function();
            const bool untyped =
                ELF64_ST_TYPE(symbol.entry.st_info) == STT_NOTYPE && symbol.entry.st_value % kInsnBytes == 0;
            if (untyped && ELF64_ST_BIND(symbol.entry.st_info) == STB_GLOBAL) starts.push_back(index);
        }
        if (typed) continue;
        std::ranges::sort(starts, {}, [&](std::size_t index) { return symbols_[index].entry.st_value; });
        for (std::size_t at = 0; at < starts.size(); ++at) {
            Elf64_Sym& entry = symbols_[starts[at]].entry;
            const std::uint64_t end = at + 1 < starts.size() ? symbols_[starts[at + 1]].entry.st_value : header.sh_size;
            entry.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
            entry.st_size = end - entry.st_value;
            std::memcpy(bytes_.data() + symbols_offset_ + starts[at] * sizeof(entry), &entry, sizeof(entry));
        }
    }
}

Status ElfImage::read_relocations() {
    for (std::uint32_t index = 0; index < sections_.size(); ++index) {
        const ElfSection& section = sections_[index];
        if (section.header.sh_type != SHT_REL) continue;
        const auto wrong = [&](std::string_view what) {
            return fail(failure("relocations in '", section.name, "' ", what));
        };
        if (section.header.sh_entsize != sizeof(Elf64_Rel) || section.bytes.size() % sizeof(Elf64_Rel) != 0)
            return wrong("have a wrong size");
        if (section.header.sh_info >= sections_.size()) return wrong("belong to no section");
        const ElfSection& target = sections_[section.header.sh_info];
        for (std::size_t at = 0; at < section.bytes.size(); at += sizeof(Elf64_Rel)) {
            const auto entry = read_at<Elf64_Rel>(section.bytes, at);
            const std::uint64_t symbol = ELF64_R_SYM(entry.r_info);
            if (symbol >= symbols_.size()) return wrong("refer to no symbol");
            if (entry.r_offset >= target.header.sh_size) return wrong("lie beyond their section");
            if (is_code(target.header)) BPFTIME_CHECK(check_relocation(target, entry.r_offset));
            relocations_.emplace(std::pair{section.header.sh_info, entry.r_offset}, static_cast<std::uint32_t>(symbol));
        }
    }
    return {};
}

// libbpf writes both slots of a lddw, and the one slot of a call, wherever a relocation says.
Status ElfImage::check_relocation(const ElfSection& target, std::uint64_t offset) const {
    const bool whole = offset % kInsnBytes == 0 && target.bytes.size() - offset >= kInsnBytes;
    if (whole && (target.bytes[offset] == kLddw || target.bytes[offset] == kCall)) return {};
    return fail(failure("the relocation at offset ", offset, " of section '", target.name,
                        "' is neither of a lddw nor of a call"));
}

// No function ends between the slots of a lddw.
Status ElfImage::check_code() const {
    for (const ElfSymbol& symbol : symbols_) {
        const Elf64_Sym& entry = symbol.entry;
        if (!symbol.function() || entry.st_shndx == SHN_UNDEF || entry.st_shndx >= sections_.size()) continue;
        if (!is_code(sections_[entry.st_shndx].header)) continue;
        const auto code = sections_[entry.st_shndx].bytes.subspan(entry.st_value, entry.st_size);
        for (std::size_t at = 0; at < code.size(); at += kInsnBytes) {
            if (code[at] != kLddw) continue;
            at += kInsnBytes;
            if (at >= code.size() || code[at] != 0)
                return fail(failure("lddw lacks its second half")
                                .in_program(symbol.name)
                                .at(static_cast<std::int64_t>(at / kInsnBytes) - 1));
        }
    }
    return {};
}

Status ElfImage::check_btf() const {
    const ElfSection* section = this->section(".BTF");
    if (section == nullptr || section->bytes.empty()) return {};
    // The parser wants its input aligned; the file may place it anywhere.
    const std::vector<std::uint8_t> copy(section->bytes.begin(), section->bytes.end());
    auto btf = Btf::parse(copy);
    if (!btf) return fail(std::move(btf).error());
    return {};
}

}  // namespace bpftime
