// One test a row of what the linker refuses: an object that links, then the same with one thing wrong, and the
// sentence.
#include "test/catch.h"
#include "test/linker/elf_writer.h"
#include "test/linker/objects.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/seal.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr const char* kProgram = R"(
unsigned long _bpf_helper_ext_0001(unsigned long, void *);
unsigned long __lddw_helper_map_by_fd(unsigned);
unsigned long bpf_main(void *ctx, unsigned long size) {
    unsigned key = 1;
    return _bpf_helper_ext_0001(__lddw_helper_map_by_fd(0), &key) + size;
}
)";

std::uint64_t lookup(std::uint64_t map, std::uint64_t key, std::uint64_t, std::uint64_t, std::uint64_t) {
    return map + *reinterpret_cast<std::uint32_t*>(key);
}

Bindings bindings() {
    Bindings b;
    b.helpers[1] = lookup;
    b.maps.push_back({.spec = map_spec(), .handle = 4000});
    return b;
}

Metadata good() { return metadata({1}, {map_spec()}); }

const Bytes& object() {
    static const Bytes compiled = compile(kProgram);
    return compiled;
}

std::string link(const Bytes& bytes, const LinkOptions& options = {}) {
    return outcome(link_object(bytes, bindings(), options));
}
std::string link_with(const Metadata& m, const LinkOptions& options = {}) {
    return link(seal_fresh(object(), m), options);
}
std::string link_bound(const Bindings& b) { return outcome(link_object(seal_fresh(object(), good()), b, {})); }
std::string link_c(const std::string& source, const std::string& flags = "-O2 -fPIC") {
    return link(compile(source, flags), {.allow_unverified = true});
}
std::string link_raw(const ElfObject& raw) { return link(raw.write(), {.allow_unverified = true}); }

const std::string kRebuild = "; rebuild the object with this version's bpftime-aot";

}  // namespace

TEST_CASE("the object that the others spoil links and runs") {
    const auto executable = link_object(seal_fresh(object(), good()), bindings(), {});
    REQUIRE(executable);
    CHECK((*executable)->run(nullptr, 10) == 4011);
    CHECK((*executable)->entry() != nullptr);
    CHECK((*executable)->code_size() > 0);
}

TEST_CASE("refused: not an object") {
    CHECK(link(bytes("#!/bin/sh")) == "not an ELF object; give an object that bpftime-aot build or a C compiler wrote");
}

TEST_CASE("refused: an object of another machine, by name") {
    ElfObject other = code_object(Bytes(16));
    other.machine = other.machine == EM_X86_64 ? EM_AARCH64 : EM_X86_64;
    const bool x86 = other.machine == EM_AARCH64;
    CHECK(link_raw(other) == (x86 ? "AArch64 object on an x86-64 host; rebuild it with --target x86_64"
                                  : "x86-64 object on an AArch64 host; rebuild it with --target aarch64"));
    other.machine = EM_BPF;
    CHECK(link_raw(other) == (x86 ? "BPF bytecode object on an x86-64 host; rebuild it with --target x86_64"
                                  : "BPF bytecode object on an AArch64 host; rebuild it with --target aarch64"));
    Metadata m = good();
    m.triple = "riscv64-unknown-linux-gnu";
    CHECK(link_with(m) == cat("program 'prog': the metadata is of a riscv64-unknown-linux-gnu object, the code is ",
                              x86 ? "x86-64" : "AArch64", kRebuild));
}

TEST_CASE("refused: no metadata, or a program that was not verified") {
    const std::string hint = "; build it with bpftime-aot, or allow unverified objects (--allow-unverified)";
    CHECK(link(object()) == "the object has no metadata" + hint);
    CHECK(link(object(), {.allow_unverified = true}) == "linked");
    CHECK(outcome(read_metadata(object())) == "the object has no metadata; build it with bpftime-aot");
    Metadata m = good();
    m.verifier.clear();
    CHECK(link_with(m) == "program 'prog': the object's program was not verified" + hint);
    CHECK(link_with(m, {.allow_unverified = true}) == "linked");
}

TEST_CASE("refused: metadata of an unknown version") {
    // Sealed by a later release: the digest is right, the payload is not of this version.
    Bytes sealed = seal_fresh(object(), good());
    const auto parsed = elf::Object::parse(sealed);
    const auto at = static_cast<std::size_t>(seal_section(*parsed)->offset);
    patch(sealed, at + sizeof(SealHeader), std::uint32_t{2});
    const Digest digest = seal_digest(file_digest(sealed, at), Bytes(64));
    std::copy(digest.begin(), digest.end(), sealed.begin() + static_cast<std::ptrdiff_t>(at + kSealZeroed));
    CHECK(link(sealed) == "metadata version 2 is unknown to this runtime, which reads version 1" + kRebuild);
}

TEST_CASE("refused: damage, before anything that the damaged object says") {
    const std::string hint = "; the object is damaged or was changed after it was built";
    Metadata m = good();
    m.features = {"no-such-feature"};
    Bytes sealed = seal_fresh(object(), m);
    const auto seal = [](const Bytes& file) {
        return static_cast<std::size_t>(seal_section(*elf::Object::parse(file))->offset);
    };
    Bytes damaged = sealed;
    damaged[sealed.size() / 3] ^= 1;
    CHECK(link(damaged) == "the object's digest differs from its bytes" + hint);
    damaged = sealed;
    damaged[seal(sealed)] ^= 1;
    CHECK(link(damaged) == "the object's metadata section is not one of bpftime" + hint);
    damaged = sealed;
    damaged[seal(sealed) + 12] ^= 1;
    CHECK(link(damaged) == "the object's metadata section has another size than it says" + hint);

    ElfObject tiny = code_object(Bytes(16));
    tiny.sections.push_back({".bpftime.meta", SHT_PROGBITS, SHF_EXCLUDE, Bytes(100)});
    CHECK(link_raw(tiny) == "the object's metadata section is truncated" + hint);
    tiny.sections.back() = {".other", SHT_PROGBITS, 0, bytes("xBPFSEAL1")};
    CHECK(link_raw(tiny) == "the object's metadata is no section of it any more" + hint);
}

TEST_CASE("refused: another runtime's program info") {
    Metadata m = good();
    m.program_info.fill(1);
    CHECK(link(seal(object(), m).value()) ==
          "program 'prog': the object was compiled for a runtime with other helper prototypes, contexts or limits" +
              kRebuild);
}

TEST_CASE("refused: a CPU feature that is missing or unknown") {
    Metadata m = good();
    m.features = {"no-such-feature"};
    CHECK(link_with(m) ==
          "program 'prog': the code uses the CPU feature no-such-feature, which this runtime does not know; "
          "rebuild the object with an --mcpu that this host supports");
    // No CPU has both AMD's FMA4 and Intel's SHSTK-era AVX-VNNI; one of them is missing on any x86-64 host, SVE2 on few
    // AArch64 ones.
    const std::vector<std::string> candidates = code_object({}).machine == EM_X86_64
                                                    ? std::vector<std::string>{"fma4", "xop", "tbm", "lwp", "avxvnni"}
                                                    : std::vector<std::string>{"sve2", "rand", "bf16", "i8mm"};
    int missing = 0;
    for (const std::string& feature : candidates) {
        m.features = {feature};
        const std::string result = link_with(m);
        if (result == "linked") continue;
        ++missing;
        CHECK(result ==
              cat("program 'prog': the code uses the CPU feature ", feature,
                  ", which this host does not have; rebuild the object with an --mcpu that this host supports"));
    }
    CHECK(missing > 0);
    m.features = code_object({}).machine == EM_X86_64 ? std::vector<std::string>{"sse2", "cx8"}
                                                      : std::vector<std::string>{"neon"};
    CHECK(link_with(m) == "linked");
}

TEST_CASE("refused: a helper unknown, not offered, or of another prototype") {
    Metadata m = good();
    m.helpers.push_back(999);
    CHECK(link_with(m) == "program 'prog': helper 999 is unknown to this runtime");
    m = good();
    m.helpers.push_back(2);
    CHECK(link_with(m) ==
          "program 'prog': helper bpf_map_update_elem (2) is not offered by this runtime; 'bpftime-aot helpers' lists "
          "those that are");
    m = good();
    const HelperInfo& here = *helper(1);
    const MetadataPrototype same{1, here.effect, here.result, here.args};
    m.prototypes = {same};
    CHECK(link_with(m) == "linked");
    std::array<MetadataPrototype, 3> others{same, same, same};  // each differs in one thing
    others[0].effect = HelperEffect::Pure;
    others[1].result = HelperReturn::Void;
    others[2].args[1] = HelperArg::Timer;
    for (const MetadataPrototype& other : others) {
        m.prototypes = {other};
        CHECK(link_with(m) ==
              "program 'prog': helper bpf_map_lookup_elem (1) has another prototype here than the object was compiled "
              "for" +
                  kRebuild);
    }
}

TEST_CASE("refused: a map that is missing or of another shape") {
    Bindings b = bindings();
    b.maps[0].spec.name = "other";
    CHECK(link_bound(b) == "program 'prog': map 'counts' is missing here; load the program that creates it first");
    b = bindings();
    b.maps[0].spec.type = static_cast<std::uint32_t>(MapType::Hash);
    CHECK(link_bound(b) == "program 'prog': map 'counts' has type hash here and array in the object");
    b = bindings();
    b.maps[0].spec.key_size = 8;
    CHECK(link_bound(b) == "program 'prog': map 'counts' has a key size of 8 here and 4 in the object");
    b = bindings();
    b.maps[0].spec.value_size = 16;
    CHECK(link_bound(b) == "program 'prog': map 'counts' has a value size of 16 here and 8 in the object");
    b = bindings();
    b.maps[0].spec.max_entries = 4;
    CHECK(link_bound(b) == "program 'prog': map 'counts' has a capacity of 4 here and 3 in the object");
}

TEST_CASE("refused: map contents that differ from those compiled in") {
    const Bytes folded{1, 2, 3, 4, 5, 6, 7, 8};
    Metadata m = good();
    m.maps[0].folded = true;
    m.maps[0].contents_digest = contents_digest(folded, 8);
    const Bytes sealed = seal_fresh(object(), m);
    const std::string sentence =
        "program 'prog': map 'counts' has other contents here than those compiled into the object; rebuild the object "
        "from this program";
    Bindings b = bindings();
    CHECK(outcome(link_object(sealed, b, {})) == sentence);
    b.maps[0].spec.contents = folded;
    CHECK(outcome(link_object(sealed, b, {})) == "linked");
    Bytes live = folded;  // what is in memory now counts more than what the map began with
    b.maps[0].values = reinterpret_cast<std::uint64_t>(live.data());
    CHECK(outcome(link_object(sealed, b, {})) == "linked");
    live[7] = 9;
    CHECK(outcome(link_object(sealed, b, {})) == sentence);
}

TEST_CASE("refused: another context") {
    const LinkOptions xdp{.program_type = static_cast<std::uint32_t>(ProgType::Xdp)};
    CHECK(link_with(good(), xdp) == "program 'prog': the object is of a kprobe program, and xdp is wanted here");
    Metadata m = good();
    m.context_size = 500;
    CHECK(link_with(m) ==
          "program 'prog': the context of a kprobe program has 168 bytes here and 500 in the object" + kRebuild);
}

TEST_CASE("refused: too deep a stack") {
    Metadata m = good();
    m.bpf_stack = 4097;
    CHECK(link_with(m) == "program 'prog': the program uses 4097 bytes of BPF stack, more than the 4096 of 8 frames");
    m = good();
    m.native_stack = 5000;
    CHECK(link_with(m) == "linked");
    CHECK(link_with(m, {.max_native_stack = 4999}) ==
          "program 'prog': the code uses 5000 bytes of stack, more than the 4999 allowed here");
}

TEST_CASE("refused: the code of another program") {
    LinkOptions options{.expected_tag = Digest{}, .expected_program = "count"};
    CHECK(link_with(good(), options) ==
          "program 'prog': the object is of program 'prog' with another tag than 'count' has here; "
          "rebuild the object from the program that it is to replace");
    options.expected_tag = good().tag;
    CHECK(link_with(good(), options) == "linked");
}

TEST_CASE("refused: a relocation kind that the linker does not know") {
    ElfObject raw = code_object(Bytes(32));
    raw.relocations.push_back({.offset = 4, .type = 0xffff, .symbol = 1});
    CHECK(link_raw(raw) == "relocation type 65535 in .rela.text is unknown to this linker; compile with -fPIC");
}

TEST_CASE("refused: relocations that reach outside their section or overlap") {
    const bool x86 = code_object({}).machine == EM_X86_64;
    const std::uint32_t type = x86 ? R_X86_64_64 : R_AARCH64_ABS64;
    const std::string name = x86 ? "R_X86_64_64" : "R_AARCH64_ABS64";
    ElfObject raw = code_object(Bytes(32));
    raw.relocations = {{.offset = 25, .type = type, .symbol = 1}};
    CHECK(link_raw(raw) ==
          cat("relocation ", name, " at .text+0x19 reaches outside its section; the object is damaged"));
    raw.relocations = {{.offset = 16, .type = type, .symbol = 1},
                       {.offset = 8, .type = type, .symbol = 1},
                       {.offset = 12, .type = type, .symbol = 1}};
    CHECK(link_raw(raw) ==
          cat("relocations ", name, " at .text+0x8 and ", name, " at .text+0xc overlap; the object is damaged"));
    raw.relocations.pop_back();  // out of order, but apart
    CHECK(link_raw(raw) == "linked");
}

TEST_CASE("refused: references to what is not loaded") {
    const bool x86 = code_object({}).machine == EM_X86_64;
    ElfObject raw = code_object(Bytes(32));
    raw.sections.push_back({".comment", SHT_PROGBITS, 0, Bytes(8)});
    raw.symbols.push_back({"", 2, 0, 0, STB_LOCAL, STT_SECTION});
    raw.relocations = {{.offset = 8, .type = std::uint32_t(x86 ? R_X86_64_64 : R_AARCH64_ABS64), .symbol = 2}};
    CHECK(link_raw(raw) == cat("relocation ", x86 ? "R_X86_64_64" : "R_AARCH64_ABS64",
                               " at .text+0x8 refers to section .comment, which is not loaded"));
}

TEST_CASE("refused: imports outside the permitted set") {
    const std::string hint = "; an object may import only the symbols that docs/aot-object.md lists";
    CHECK(link_c("int system(const char *); unsigned long bpf_main(void *c, unsigned long n) { return "
                 "system(\"true\"); }") == "the object imports 'system', which is not permitted" + hint);
    CHECK(link_c("void *memcpy(void *, const void *, unsigned long); unsigned long bpf_main(void *c, unsigned long n) "
                 "{ char b[300]; memcpy(b, c, n); return b[n & 3]; }") ==
          "the object imports 'memcpy', which is not permitted; compile with -fno-builtin, and copy in a loop");
    CHECK(link_c("unsigned long __lddw_helper_code_addr(unsigned); unsigned long bpf_main(void *c, unsigned long n) "
                 "{ return __lddw_helper_code_addr(n); }") ==
          "the object imports '__lddw_helper_code_addr', and addresses of subprograms have no meaning outside it; "
          "resolve lddw src=4 inside the object, as bpftime-aot does");
    for (const char* name :
         {"_bpf_helper_ext_1", "_bpf_helper_ext_01", "_bpf_helper_ext_00001", "_bpf_helper_ext_",
          "_bpf_helper_ext_00x1", "_bpf_helper_ext_0999", "_bpf_helper_ext_0000", "_bpf_helper_ext_99999999999"}) {
        ElfObject raw = code_object(Bytes(16));
        raw.symbols.push_back({name});
        CHECK(link_raw(raw) == cat("the object imports '", name, "', which names no helper"));
    }
    for (const char* name :
         {"__bpftime_map_values_", "__bpftime_map_handle_x", "__bpftime_map_handle_01", "__bpftime_call_helper2", ""}) {
        ElfObject raw = code_object(Bytes(16));
        raw.symbols.push_back({name, SHN_UNDEF, 0, 0, STB_WEAK});
        CHECK(link_raw(raw) == cat("the object imports '", name, "', which is not permitted", hint));
    }
}

TEST_CASE("refused: imports that the metadata does not cover") {
    CHECK(link_with(metadata({}, {map_spec()})) ==
          "program 'prog': the object imports '_bpf_helper_ext_0001', a helper that its metadata does not list");
    ElfObject raw = code_object(Bytes(16));
    raw.symbols.push_back({"__bpftime_map_handle_5"});
    CHECK(link(seal_fresh(raw.write(), good())) ==
          "program 'prog': the object imports '__bpftime_map_handle_5', and has no map of that number");
    raw.symbols.back().binding = STB_WEAK;
    CHECK(link(seal_fresh(raw.write(), good())) == "linked");
    CHECK(link_c("unsigned long _bpf_helper_ext_0002(void); unsigned long bpf_main(void *c, unsigned long n) "
                 "{ return _bpf_helper_ext_0002(); }") ==
          "helper bpf_map_update_elem (2) is not offered by this runtime; 'bpftime-aot helpers' lists those that are");
}

TEST_CASE("refused: sections that cannot be loaded") {
    ElfObject raw = code_object(Bytes(16));
    raw.sections.push_back({".wx", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, Bytes(8)});
    CHECK(link_raw(raw) == "section .wx is writable and executable");
    raw.sections.back() = {".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, Bytes(8)};
    CHECK(link_raw(raw) == "section .tdata holds thread-local data, which an object cannot have");
    raw.sections.back() = {".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, Bytes(8)};
    CHECK(link_raw(raw) ==
          "section .init_array has type 14, which cannot be loaded; constructors and destructors are not run");
    raw.sections.back() = {".z", SHT_PROGBITS, SHF_ALLOC | SHF_COMPRESSED, Bytes(8)};
    CHECK(link_raw(raw) == "section .z is compressed");
    raw.sections.back() = {
        .name = ".bss", .type = SHT_NOBITS, .flags = SHF_ALLOC | SHF_WRITE, .memory_size = std::uint64_t{1} << 50};
    CHECK(link_raw(raw) == "section .bss asks for 1125899906842624 bytes of memory");
    raw.sections.back().memory_size = 100u << 20;
    raw.sections.push_back(raw.sections.back());
    CHECK(link_raw(raw) == "the object asks for more than 128 MiB of memory");
}

TEST_CASE("refused: symbols that an object cannot have") {
    ElfObject raw = code_object(Bytes(16));
    raw.symbols.push_back({"t", 1, 0, 0, STB_GLOBAL, STT_TLS});
    CHECK(link_raw(raw) == "symbol 't' is thread-local, which an object cannot have");
    raw.symbols.back().type = STT_GNU_IFUNC;
    CHECK(link_raw(raw) == "symbol 't' is an indirect function, which an object cannot have");
    raw.symbols.back() = {"c", SHN_COMMON, 3, 8};
    CHECK(link_raw(raw) == "common symbol 'c' has no valid size and alignment");
    raw.symbols.back() = {"c", SHN_COMMON, 8, std::uint64_t{1} << 60};
    CHECK(link_raw(raw) == "common symbol 'c' has no valid size and alignment");
}

TEST_CASE("refused: no entry, two, or one that is not a function") {
    const std::string hint = "; name the function to start at with --entry";
    CHECK(link_c("unsigned long other(void) { return 1; }") == "the object defines no function 'bpf_main'" + hint);
    CHECK(link_c("static unsigned long bpf_main(void) { return 1; } void *p = bpf_main;") ==
          "the object defines no function 'bpf_main'" + hint);
    CHECK(link_c("unsigned long bpf_main = 5;") == "the entry 'bpf_main' is not a function");
    CHECK(link_c("unsigned long bpf_main;", "-fcommon") == "the entry 'bpf_main' is not a function");
    ElfObject raw = code_object(Bytes(16));
    raw.symbols.push_back(raw.symbols.back());
    CHECK(link_raw(raw) == "the object defines 'bpf_main' twice");
    raw.symbols.pop_back();
    raw.symbols.back().value = 16;
    CHECK(link_raw(raw) == "the entry 'bpf_main' is not a function");
    raw.symbols.back() = {"bpf_main", SHN_ABS, 0x1000, 0, STB_GLOBAL, STT_FUNC};
    CHECK(link_raw(raw) == "the entry 'bpf_main' is not a function");
    CHECK(link(seal_fresh(object(), good()), {.entry = "second"}) ==
          "program 'prog': the object defines no function 'second'" + hint);
}
