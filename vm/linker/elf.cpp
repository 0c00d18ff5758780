#include "vm/linker/elf.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace bpftime::elf {

static_assert(std::endian::native == std::endian::little, "ELF structures are read as they lie in memory");
static_assert(sizeof(Elf64_Shdr) == kSectionHeaderSize && sizeof(Elf64_Sym) == kSymbolSize &&
              sizeof(Elf64_Rela) == kRelaSize);

namespace {

// The caller has checked that `offset + sizeof(T)` lies within `bytes`.
template <class T>
T read(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// True if [offset, offset + size) lies within [0, limit).
bool within(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
    return size <= limit && offset <= limit - size;
}

// The string at `offset` of a table that is empty or ends with NUL.
std::string_view text(std::span<const std::uint8_t> table, std::uint64_t offset) {
    return offset < table.size() ? reinterpret_cast<const char*>(table.data() + offset) : "";
}

bool is_string_table(const Section& section) {
    return section.type == SHT_STRTAB && (section.bytes.empty() || section.bytes.back() == 0);
}

struct MachineName {
    std::uint16_t machine;
    std::string_view name;
};
constexpr MachineName kMachines[] = {
    {EM_386, "i386"},         {EM_ARM, "ARM"},      {EM_X86_64, "x86-64"},
    {EM_AARCH64, "AArch64"},  {EM_RISCV, "RISC-V"}, {EM_MIPS, "MIPS"},
    {EM_PPC64, "PPC64"},      {EM_S390, "S/390"},   {EM_LOONGARCH, "LoongArch"},
    {EM_BPF, "BPF bytecode"},
};

struct FileType {
    std::uint16_t type;
    std::string_view what;
};
constexpr FileType kFileTypes[] = {{ET_EXEC, "an executable"}, {ET_DYN, "a shared library"}, {ET_CORE, "a core dump"}};

Error damaged(const std::string& what) { return failure(what).with_hint("the object is damaged"); }

}  // namespace

std::string machine_name(std::uint16_t machine) {
    const auto* row = std::ranges::find(kMachines, machine, &MachineName::machine);
    return row == std::end(kMachines) ? cat("machine ", machine) : std::string(row->name);
}

Result<Object> Object::parse(std::span<const std::uint8_t> bytes) {
    Object object;
    object.bytes_ = bytes;
    BPFTIME_CHECK(object.read_header());
    BPFTIME_CHECK(object.read_sections());
    BPFTIME_CHECK(object.name_sections());
    BPFTIME_CHECK(object.check_overlap());
    BPFTIME_CHECK(object.read_symbols());
    for (const Section& section : object.sections_) BPFTIME_CHECK(object.check_relocations(section));
    return object;
}

// ELF specification, "ELF Header".
Status Object::read_header() {
    if (bytes_.empty()) return fail(failure("the file is empty"));
    if (bytes_.size() < SELFMAG || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0)
        return fail(
            failure("not an ELF object").with_hint("give an object that bpftime-aot build or a C compiler wrote"));
    if (bytes_.size() < sizeof(Elf64_Ehdr)) return fail(damaged("truncated ELF header"));
    const auto header = read<Elf64_Ehdr>(bytes_, 0);
    if (header.e_ident[EI_CLASS] != ELFCLASS64) return fail(failure("not a 64-bit ELF object"));
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) return fail(failure("not a little-endian ELF object"));
    if (header.e_ident[EI_VERSION] != EV_CURRENT || header.e_version != EV_CURRENT)
        return fail(damaged("unknown ELF version"));
    if (header.e_type != ET_REL) {
        const auto* row = std::ranges::find(kFileTypes, header.e_type, &FileType::type);
        return fail(
            failure("not a relocatable object but ", row == std::end(kFileTypes) ? "an unknown file type" : row->what)
                .with_hint("compile with -c and do not link"));
    }
    if (header.e_ehsize != sizeof(Elf64_Ehdr) || header.e_shentsize != sizeof(Elf64_Shdr))
        return fail(damaged("ELF header sizes are not those of ELF64"));
    if (header.e_phnum != 0) return fail(damaged("a relocatable object has no program headers, this one has"));
    if (header.e_shnum == 0 || header.e_shnum >= SHN_LORESERVE)
        return fail(damaged("ELF header without section count"));
    if (!within(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), bytes_.size()))
        return fail(damaged("truncated: the section headers lie outside the file"));
    machine_ = header.e_machine;
    section_headers_ = header.e_shoff;
    section_count_ = header.e_shnum;
    names_ = header.e_shstrndx;
    return {};
}

// ELF specification, "Sections": each within the file, aligned to a power of two.
Status Object::read_sections() {
    sections_.resize(section_count_);
    for (std::size_t i = 0; i < section_count_; ++i) {
        const auto header = read<Elf64_Shdr>(bytes_, section_headers_ + i * sizeof(Elf64_Shdr));
        Section& section = sections_[i];
        section.type = header.sh_type;
        section.link = header.sh_link;
        section.info = header.sh_info;
        section.flags = header.sh_flags;
        section.offset = header.sh_offset;
        section.size = header.sh_size;
        section.align = header.sh_addralign == 0 ? 1 : header.sh_addralign;
        section.entry_size = header.sh_entsize;
        if ((i == 0) != (header.sh_type == SHT_NULL)) return fail(damaged(cat("section ", i, " has no valid type")));
        if (i == 0) continue;
        if (!std::has_single_bit(section.align) || section.align > kMaxAlign)
            return fail(damaged(cat("section ", i, " asks for an alignment of ", section.align, " bytes")));
        if (section.type == SHT_NOBITS) continue;
        if (!within(section.offset, section.size, bytes_.size()))
            return fail(damaged(cat("truncated: section ", i, " lies outside the file")));
        section.bytes = bytes_.subspan(section.offset, section.size);
    }
    return {};
}

Status Object::name_sections() {
    if (names_ == 0 || names_ >= sections_.size() || !is_string_table(sections_[names_]))
        return fail(damaged("the section names are missing"));
    const auto table = sections_[names_].bytes;
    for (std::size_t i = 1; i < sections_.size(); ++i) {
        const auto name = read<Elf64_Shdr>(bytes_, section_headers_ + i * sizeof(Elf64_Shdr)).sh_name;
        if (name >= table.size()) return fail(damaged(cat("the name of section ", i, " lies outside the name table")));
        sections_[i].name = text(table, name);
    }
    return {};
}

// No byte of the file belongs to two of: ELF header, section headers, sections.
Status Object::check_overlap() const {
    struct Range {
        std::uint64_t begin, end;
        std::size_t section;
    };
    std::vector<Range> ranges;
    ranges.reserve(sections_.size() + 2);
    const auto count = sections_.size();
    ranges.push_back({0, sizeof(Elf64_Ehdr), count});
    ranges.push_back({section_headers_, section_headers_ + count * sizeof(Elf64_Shdr), count});
    for (std::size_t i = 1; i < count; ++i)
        if (!sections_[i].bytes.empty())
            ranges.push_back({sections_[i].offset, sections_[i].offset + sections_[i].size, i});
    std::ranges::sort(ranges, {}, &Range::begin);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        if (ranges[i].begin >= ranges[i - 1].end) continue;
        const auto name = [&](std::size_t n) {
            return n == count ? std::string("an ELF header") : cat("section ", sections_[n].name);
        };
        return fail(
            damaged(cat(name(ranges[i - 1].section), " and ", name(ranges[i].section), " overlap in the file")));
    }
    return {};
}

// ELF specification, "Symbol Table": at most one, its strings in the section it links to.
Status Object::read_symbols() {
    for (std::uint32_t i = 1; i < sections_.size(); ++i) {
        const Section& section = sections_[i];
        if (section.type != SHT_SYMTAB) continue;
        if (symbol_table_ != 0) return fail(damaged("two symbol tables"));
        if (section.entry_size != kSymbolSize || section.size % kSymbolSize != 0 || section.size == 0)
            return fail(damaged("the symbol table has entries of the wrong size"));
        if (section.link == 0 || section.link >= sections_.size() || !is_string_table(sections_[section.link]))
            return fail(damaged("the symbol table has no strings"));
        if (section.size / kSymbolSize > UINT32_MAX) return fail(damaged("too many symbols"));
        symbol_table_ = i;
        symbol_count_ = static_cast<std::uint32_t>(section.size / kSymbolSize);
        symbols_ = section.bytes;
        strings_ = sections_[section.link].bytes;
    }
    for (std::uint32_t i = 0; i < symbol_count_; ++i) BPFTIME_CHECK(check_symbol(i));
    return {};
}

Status Object::check_symbol(std::uint32_t index) const {
    const auto entry = read<Elf64_Sym>(symbols_, std::uint64_t{index} * kSymbolSize);
    if (entry.st_name != 0 && entry.st_name >= strings_.size())
        return fail(damaged(cat("the name of symbol ", index, " lies outside the string table")));
    if (entry.st_shndx == SHN_UNDEF || entry.st_shndx == SHN_ABS || entry.st_shndx == SHN_COMMON) return {};
    const auto name = [&] { return cat("symbol ", index, " '", text(strings_, entry.st_name), "' "); };
    if (entry.st_shndx >= sections_.size()) return fail(damaged(name() + "names a section that does not exist"));
    if (!within(entry.st_value, entry.st_size, sections_[entry.st_shndx].size))
        return fail(damaged(name() + "lies outside its section"));
    return {};
}

// ELF specification, "Relocation": offsets within the section they patch, symbols within the table. Tables without
// explicit addends are checked the same; who loads the section refuses them.
Status Object::check_relocations(const Section& table) const {
    if (table.type != SHT_RELA && table.type != SHT_REL) return {};
    const std::size_t entry = table.type == SHT_RELA ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
    const auto fault = [&](const std::string& what) {
        return fail(damaged(cat("relocations ", table.name, ' ', what)));
    };
    if (table.entry_size != entry || table.size % entry != 0) return fault("have entries of the wrong size");
    if (symbol_table_ == 0 || table.link != symbol_table_) return fault("do not refer to the symbol table");
    if (table.info == 0 || table.info >= sections_.size()) return fault("patch a section that does not exist");
    const Section& target = sections_[table.info];
    const bool patchable = target.type != SHT_NOBITS && target.type != SHT_SYMTAB && target.type != SHT_STRTAB &&
                           target.type != SHT_RELA && target.type != SHT_REL;
    if (!patchable) return fault(cat("patch section ", target.name, ", which has no contents to patch"));
    for (std::size_t i = 0; i < table.size / entry; ++i) {
        const auto relocation = read<Elf64_Rel>(table.bytes, i * entry);
        if (relocation.r_offset > target.size)
            return fault(cat("reach outside section ", target.name, " (entry ", i, ')'));
        if (ELF64_R_SYM(relocation.r_info) >= symbol_count_)
            return fault(cat("name a symbol that does not exist (entry ", i, ')'));
    }
    return {};
}

const Section* Object::section(std::string_view name) const {
    const auto row = std::ranges::find(sections_, name, &Section::name);
    return row == sections_.end() ? nullptr : &*row;
}

Symbol Object::symbol(std::uint32_t index) const {
    const auto entry = read<Elf64_Sym>(symbols_, std::uint64_t{index} * kSymbolSize);
    return {text(strings_, entry.st_name),
            static_cast<std::uint8_t>(ELF64_ST_TYPE(entry.st_info)),
            static_cast<std::uint8_t>(ELF64_ST_BIND(entry.st_info)),
            entry.st_shndx,
            entry.st_value,
            entry.st_size};
}

Relocation Object::relocation(const Section& table, std::size_t index) {
    const auto entry = read<Elf64_Rela>(table.bytes, index * kRelaSize);
    return {entry.r_offset, static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info)),
            static_cast<std::uint32_t>(ELF64_R_SYM(entry.r_info)), entry.r_addend};
}

}  // namespace bpftime::elf
