// The ELF reader alone: what it reads from a compiler's object, and what it refuses.
#include "vm/linker/elf.h"

#include <cstddef>

#include "test/catch.h"
#include "test/linker/elf_writer.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

// Sections: 1 .text, 2 .data, 3 .symtab, 4 .strtab, 5 .rela.text, 6 .shstrtab. Symbols: 1 bpf_main, 2 an import.
ElfObject sample() {
    ElfObject object = code_object(Bytes(32, 0x90));
    object.sections.push_back({".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, Bytes(16, 1), 8});
    object.symbols.push_back({"_bpf_helper_ext_0001"});
    object.relocations.push_back({.section = 1, .offset = 4, .type = 1, .symbol = 2, .addend = -4});
    return object;
}

std::string parse(const Bytes& bytes) { return outcome(elf::Object::parse(bytes)); }

template <class T>
std::string with(std::size_t offset, T value) {
    Bytes object = sample().write();
    patch(object, offset, value);
    return parse(object);
}
template <class T>
std::string with_header(std::size_t section, std::size_t field, T value) {
    return with(header_field(sample().write(), section, field), value);
}

constexpr auto kType = offsetof(Elf64_Shdr, sh_type);
constexpr auto kOffset = offsetof(Elf64_Shdr, sh_offset);
constexpr auto kSize = offsetof(Elf64_Shdr, sh_size);

}  // namespace

TEST_CASE("an object is read as it was written") {
    const Bytes file = sample().write();
    const auto object = elf::Object::parse(file);
    REQUIRE(object);
    CHECK(object->machine() == code_object({}).machine);
    REQUIRE(object->sections().size() == 7);
    CHECK(object->sections()[2].name == ".data");
    CHECK(object->sections()[2].bytes.size() == 16);
    CHECK(object->sections()[1].align == 16);
    REQUIRE(object->symbol_count() == 3);
    CHECK(object->symbol(1).name == "bpf_main");
    CHECK(object->symbol(1).type == STT_FUNC);
    CHECK(object->symbol(2).section == SHN_UNDEF);
    const auto* table = object->section(".rela.text");
    REQUIRE(table != nullptr);
    REQUIRE(elf::Object::relocation_count(*table) == 1);
    const auto relocation = elf::Object::relocation(*table, 0);
    CHECK(relocation.offset == 4);
    CHECK(relocation.symbol == 2);
    CHECK(relocation.addend == -4);
}

TEST_CASE("objects of every compiler here are read") {
    for (const auto& compiler : compilers())
        for (const char* flags : {"-O3 -fPIC -g", "-O0", "-O2 -ffunction-sections -fdata-sections -gz"}) {
            INFO(compiler << ' ' << flags);
            CHECK(parse(compile("int shared; static int t[4]; int f(int i) { return t[i & 3] + shared++; }", flags,
                                compiler)) == "linked");
        }
}

TEST_CASE("what is no ELF64 little-endian relocatable object is refused") {
    CHECK(parse({}) == "the file is empty");
    CHECK(parse(bytes("hello, world")) ==
          "not an ELF object; give an object that bpftime-aot build or a C compiler wrote");
    CHECK(parse(bytes("\x7f"
                      "ELF")) == "truncated ELF header; the object is damaged");
    CHECK(with(EI_CLASS, std::uint8_t{ELFCLASS32}) == "not a 64-bit ELF object");
    CHECK(with(EI_DATA, std::uint8_t{ELFDATA2MSB}) == "not a little-endian ELF object");
    CHECK(with(EI_VERSION, std::uint8_t{7}) == "unknown ELF version; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_DYN}) ==
          "not a relocatable object but a shared library; compile with -c and do not link");
    CHECK(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_EXEC}) ==
          "not a relocatable object but an executable; compile with -c and do not link");
    CHECK(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{77}) ==
          "not a relocatable object but an unknown file type; compile with -c and do not link");
}

TEST_CASE("an ELF header that contradicts itself is refused") {
    CHECK(with(offsetof(Elf64_Ehdr, e_shentsize), std::uint16_t{63}) ==
          "ELF header sizes are not those of ELF64; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_ehsize), std::uint16_t{0}) ==
          "ELF header sizes are not those of ELF64; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_phnum), std::uint16_t{1}) ==
          "a relocatable object has no program headers, this one has; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0}) ==
          "ELF header without section count; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0xfeff}) ==
          "truncated: the section headers lie outside the file; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shoff), ~std::uint64_t{0}) ==
          "truncated: the section headers lie outside the file; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{0}) ==
          "the section names are missing; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{99}) ==
          "the section names are missing; the object is damaged");
    CHECK(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{1}) ==
          "the section names are missing; the object is damaged");
}

TEST_CASE("sections outside the file, overlapping or misshapen are refused") {
    CHECK(with_header(1, kOffset, std::uint64_t{1} << 40) ==
          "truncated: section 1 lies outside the file; the object is damaged");
    CHECK(with_header(1, kSize, ~std::uint64_t{0}) ==
          "truncated: section 1 lies outside the file; the object is damaged");
    CHECK(with_header(1, kOffset, std::uint64_t{0}) ==
          "an ELF header and section .text overlap in the file; the object is damaged");
    CHECK(with_header(1, kSize, std::uint64_t{40}) ==
          "section .text and section .data overlap in the file; the object is damaged");
    CHECK(with_header(1, kType, std::uint32_t{SHT_NULL}) == "section 1 has no valid type; the object is damaged");
    CHECK(with_header(0, kType, std::uint32_t{SHT_PROGBITS}) == "section 0 has no valid type; the object is damaged");
    CHECK(with_header(1, offsetof(Elf64_Shdr, sh_addralign), std::uint64_t{3}) ==
          "section 1 asks for an alignment of 3 bytes; the object is damaged");
    CHECK(with_header(1, offsetof(Elf64_Shdr, sh_addralign), std::uint64_t{8192}) ==
          "section 1 asks for an alignment of 8192 bytes; the object is damaged");
    CHECK(with_header(1, offsetof(Elf64_Shdr, sh_name), std::uint32_t{5000}) ==
          "the name of section 1 lies outside the name table; the object is damaged");
}

TEST_CASE("symbols outside their section or table are refused") {
    const Bytes file = sample().write();
    const auto symbols = static_cast<std::size_t>(elf::Object::parse(file)->section(".symtab")->offset);
    const auto entry = symbols + sizeof(Elf64_Sym);  // bpf_main
    CHECK(with(entry + offsetof(Elf64_Sym, st_name), std::uint32_t{4000}) ==
          "the name of symbol 1 lies outside the string table; the object is damaged");
    CHECK(with(entry + offsetof(Elf64_Sym, st_shndx), std::uint16_t{7}) ==
          "symbol 1 'bpf_main' names a section that does not exist; the object is damaged");
    CHECK(with(entry + offsetof(Elf64_Sym, st_value), std::uint64_t{33}) ==
          "symbol 1 'bpf_main' lies outside its section; the object is damaged");
    CHECK(with(entry + offsetof(Elf64_Sym, st_size), ~std::uint64_t{0}) ==
          "symbol 1 'bpf_main' lies outside its section; the object is damaged");
    CHECK(with_header(3, offsetof(Elf64_Shdr, sh_link), std::uint32_t{0}) ==
          "the symbol table has no strings; the object is damaged");
    CHECK(with_header(3, offsetof(Elf64_Shdr, sh_link), std::uint32_t{1}) ==
          "the symbol table has no strings; the object is damaged");
    CHECK(with_header(3, offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{23}) ==
          "the symbol table has entries of the wrong size; the object is damaged");
    CHECK(with_header(2, kType, std::uint32_t{SHT_SYMTAB}) ==
          "the symbol table has entries of the wrong size; the object is damaged");
}

TEST_CASE("relocations outside their section or table are refused") {
    const Bytes file = sample().write();
    const auto entry = static_cast<std::size_t>(elf::Object::parse(file)->section(".rela.text")->offset);
    CHECK(with(entry, std::uint64_t{33}) ==
          "relocations .rela.text reach outside section .text (entry 0); the object is damaged");
    CHECK(with(entry + 12, std::uint32_t{3}) ==
          "relocations .rela.text name a symbol that does not exist (entry 0); the object is damaged");
    CHECK(with_header(5, offsetof(Elf64_Shdr, sh_info), std::uint32_t{0}) ==
          "relocations .rela.text patch a section that does not exist; the object is damaged");
    CHECK(with_header(5, offsetof(Elf64_Shdr, sh_info), std::uint32_t{50}) ==
          "relocations .rela.text patch a section that does not exist; the object is damaged");
    CHECK(with_header(5, offsetof(Elf64_Shdr, sh_info), std::uint32_t{4}) ==
          "relocations .rela.text patch section .strtab, which has no contents to patch; the object is damaged");
    CHECK(with_header(5, offsetof(Elf64_Shdr, sh_link), std::uint32_t{1}) ==
          "relocations .rela.text do not refer to the symbol table; the object is damaged");
    CHECK(with_header(5, offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{16}) ==
          "relocations .rela.text have entries of the wrong size; the object is damaged");
}
