// Files that are no BPF objects, or are damaged: each refused with a sentence of its own that names the file.
#include <elf.h>
#include <unistd.h>

#include <cstring>

#include "objects.h"
#include "test/catch.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

std::string refusal(const std::string& path) {
    const auto object = load_elf(path);
    return object ? "accepted" : to_string(object.error());
}

std::string refusal(const std::vector<std::uint8_t>& bytes) {
    const auto object = load_elf(bytes, "x.o");
    return object ? "accepted" : to_string(object.error());
}

}  // namespace

TEST_CASE("files that are no BPF objects") {
    CHECK(refusal("/nonexistent/x.o") == "/nonexistent/x.o: cannot read it: No such file or directory");
    CHECK(refusal("/") == "/: cannot read it: Is a directory");
    CHECK(refusal("/dev/null") == "/dev/null: the file is empty");
    CHECK(refusal("/proc/self/cmdline") == "/proc/self/cmdline: this is not an ELF file");
    const std::string native = refusal("/proc/self/exe");
    CHECK(native.find("not for BPF; compile it with clang -target bpf") != std::string::npos);
    CHECK(refusal(cat(BPF_OBJECTS, "/elf-big-endian.o"))
              .find("this is a big-endian object; compile it with clang -target bpfel") != std::string::npos);
}

TEST_CASE("headers that say something else") {
    const auto good = read_bytes(object_path("globals"));
    REQUIRE(good.size() > sizeof(Elf64_Ehdr));
    auto bytes = good;
    bytes[EI_CLASS] = ELFCLASS32;
    CHECK(refusal(bytes) == "x.o: this is not a 64-bit ELF file, which BPF objects are");
    bytes = good;
    bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
    bytes[offsetof(Elf64_Ehdr, e_machine) + 1] = 0;
    CHECK(refusal(bytes) == "x.o: this is an object for x86-64, not for BPF; compile it with clang -target bpf");
    bytes = good;
    bytes[offsetof(Elf64_Ehdr, e_type)] = ET_DYN;
    CHECK(refusal(bytes).find("this is not a relocatable BPF object") != std::string::npos);
    bytes = good;
    std::memset(bytes.data() + offsetof(Elf64_Ehdr, e_shoff), 0, 8);
    CHECK(refusal(bytes) == "x.o: the object has no sections");
}

TEST_CASE("a truncated object is refused wherever it ends") {
    const auto good = read_bytes(object_path("maps"));
    REQUIRE_FALSE(good.empty());
    for (std::size_t size = 0; size < good.size(); size += size < 256 ? 1 : 97) {
        const std::string why = refusal(std::vector<std::uint8_t>(good.begin(), good.begin() + size));
        INFO(size << " bytes: " << why);
        CHECK(why.starts_with("x.o: "));
        if (size > sizeof(Elf64_Ehdr)) CHECK(why.find("truncated") != std::string::npos);
    }
}

TEST_CASE("damage in headers, symbols and BTF never gets further than a sentence") {
    const auto good = read_bytes(object_path("callbacks"));
    REQUIRE_FALSE(good.empty());
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 3) {
        auto bytes = good;
        bytes[at] ^= 0xff;
        const auto object = load_elf(bytes, "x.o");
        if (object) continue;
        ++refused;
        CHECK(to_string(object.error()).starts_with("x.o: "));
    }
    CHECK(refused > 100);
}

TEST_CASE("a function that ends inside a lddw, and a relocation of something else") {
    auto bytes = read_bytes(object_path("callbacks"));
    // The only place in the object with this pair of slots: lddw r2 of a callback's address.
    const std::uint8_t lddw[] = {0x18, 0x02, 0, 0};
    const auto at = std::search(bytes.begin(), bytes.end(), std::begin(lddw), std::end(lddw));
    REQUIRE(at != bytes.end());
    at[8] = 7;
    CHECK(refusal(bytes).find("lddw lacks its second half") != std::string::npos);
    at[0] = 0x07;
    at[8] = 0x07;
    CHECK(refusal(bytes).find("is neither of a lddw nor of a call") != std::string::npos);
}

TEST_CASE("functions from before LLVM typed them are found") {
    auto bytes = read_bytes(object_path("sections"));
    Elf64_Ehdr header;
    REQUIRE(bytes.size() > sizeof(header));
    std::memcpy(&header, bytes.data(), sizeof(header));
    for (std::size_t index = 0; index < header.e_shnum; ++index) {
        Elf64_Shdr section;
        std::memcpy(&section, bytes.data() + header.e_shoff + index * sizeof(section), sizeof(section));
        if (section.sh_type != SHT_SYMTAB) continue;
        for (std::size_t at = section.sh_offset; at < section.sh_offset + section.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym symbol;
            std::memcpy(&symbol, bytes.data() + at, sizeof(symbol));
            if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
            symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
            symbol.st_size = 0;
            std::memcpy(bytes.data() + at, &symbol, sizeof(symbol));
        }
    }
    const auto object = load_elf(bytes, "x.o");
    REQUIRE(object);
    CHECK(object->programs.size() == 6);
    CHECK(verdict(*object, "packets") == "built");
}

TEST_CASE("a map that cannot be created is named for every program of the object") {
    const auto object = load_elf(object_path("unsized_map"));
    REQUIRE(object);
    REQUIRE(object->programs.size() == 2);
    for (const char* name : {"first", "second"})
        CHECK(verdict(*object, name) ==
              cat(object_path("unsized_map"), ": program '", name,
                  "': map 'unsized' of type hash cannot have 0 entries; the object leaves it to its "
                  "loader: set it in the source, or capture the loader"));
}

TEST_CASE("a lone function that calls itself") {
    CHECK(refusal(object_path("recursion")).find("elf-recursion.bpf.o: program 'endless', instruction ") !=
          std::string::npos);
    CHECK(refusal(object_path("recursion")).find("the function calls itself") != std::string::npos);
}

TEST_CASE("map definitions from before BTF") {
    const std::string why = refusal(object_path("legacy_maps"));
    CHECK(why.find("legacy map definitions in 'maps' section are not supported") != std::string::npos);
    CHECK(why.find("define maps in SEC(\".maps\")") != std::string::npos);
}
