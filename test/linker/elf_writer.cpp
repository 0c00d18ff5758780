#include "test/linker/elf_writer.h"

#include <cstring>

#include "vm/linker/target.h"

namespace bpftime::test {

namespace {

std::uint64_t append(Bytes& file, const void* data, std::size_t size, std::size_t align) {
    file.resize((file.size() + align - 1) / align * align);
    const auto at = file.size();
    file.resize(at + size);
    if (size != 0) std::memcpy(file.data() + at, data, size);
    return at;
}

struct Strings {
    Bytes table{0};

    std::uint32_t add(const std::string& text) {
        if (text.empty()) return 0;
        const auto at = static_cast<std::uint32_t>(table.size());
        table.insert(table.end(), text.c_str(), text.c_str() + text.size() + 1);
        return at;
    }
};

struct Output {
    Bytes file = Bytes(sizeof(Elf64_Ehdr));
    std::vector<Elf64_Shdr> headers = std::vector<Elf64_Shdr>(1);
    Strings names;

    Elf64_Shdr& section(const std::string& name, std::uint32_t type, const void* data, std::size_t size,
                        std::size_t align) {
        Elf64_Shdr header{};
        header.sh_name = names.add(name);
        header.sh_type = type;
        header.sh_size = size;
        header.sh_addralign = align;
        header.sh_offset = type == SHT_NOBITS ? file.size() : append(file, data, size, align);
        headers.push_back(header);
        return headers.back();
    }
};

void write_relocations(const ElfObject& object, Output& out, std::uint32_t symbols) {
    for (std::uint32_t target = 1; target <= object.sections.size(); ++target) {
        std::vector<Elf64_Rela> entries;
        for (const ElfRelocation& r : object.relocations)
            if (r.section == target)
                entries.push_back({r.offset, ELF64_R_INFO(std::uint64_t{r.symbol}, r.type), r.addend});
        if (entries.empty()) continue;
        auto& header = out.section(".rela" + object.sections[target - 1].name, SHT_RELA, entries.data(),
                                   entries.size() * sizeof(Elf64_Rela), 8);
        header.sh_entsize = sizeof(Elf64_Rela);
        header.sh_link = symbols;
        header.sh_info = target;
    }
}

}  // namespace

Bytes ElfObject::write() const {
    Output out;
    for (const ElfSection& section : sections) {
        const auto size = section.type == SHT_NOBITS ? section.memory_size : section.contents.size();
        out.section(section.name, section.type, section.contents.data(), size, section.align).sh_flags = section.flags;
    }
    Strings strings;
    std::vector<Elf64_Sym> table(1);
    for (const ElfSymbol& symbol : symbols)
        table.push_back({strings.add(symbol.name),
                         static_cast<unsigned char>(ELF64_ST_INFO(symbol.binding, symbol.type)), 0, symbol.section,
                         symbol.value, symbol.size});
    const auto index = static_cast<std::uint32_t>(out.headers.size());
    auto& header = out.section(".symtab", SHT_SYMTAB, table.data(), table.size() * sizeof(Elf64_Sym), 8);
    header.sh_entsize = sizeof(Elf64_Sym);
    header.sh_link = index + 1;
    header.sh_info = 1;
    out.section(".strtab", SHT_STRTAB, strings.table.data(), strings.table.size(), 1);
    write_relocations(*this, out, index);
    Strings copy = out.names;  // the name of the table of names is in it
    copy.add(".shstrtab");
    out.section(".shstrtab", SHT_STRTAB, copy.table.data(), copy.table.size(), 1);

    Elf64_Ehdr elf{};
    std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    elf.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.e_ident[EI_VERSION] = EV_CURRENT;
    elf.e_type = ET_REL;
    elf.e_machine = machine;
    elf.e_version = EV_CURRENT;
    elf.e_ehsize = sizeof(Elf64_Ehdr);
    elf.e_shentsize = sizeof(Elf64_Shdr);
    elf.e_shnum = static_cast<std::uint16_t>(out.headers.size());
    elf.e_shstrndx = static_cast<std::uint16_t>(out.headers.size() - 1);
    elf.e_shoff = append(out.file, out.headers.data(), out.headers.size() * sizeof(Elf64_Shdr), 8);
    std::memcpy(out.file.data(), &elf, sizeof elf);
    return out.file;
}

ElfObject code_object(Bytes code) {
    ElfObject object{.machine = aot::kHost.target.machine};
    object.sections.push_back({".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, std::move(code), 16});
    object.symbols.push_back({"bpf_main", 1, 0, 0, STB_GLOBAL, STT_FUNC});
    return object;
}

std::size_t header_field(const Bytes& object, std::size_t index, std::size_t field) {
    Elf64_Ehdr elf;
    std::memcpy(&elf, object.data(), sizeof elf);
    return elf.e_shoff + index * sizeof(Elf64_Shdr) + field;
}

}  // namespace bpftime::test
