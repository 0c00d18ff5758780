// CO-RE: against BTF of our own, and against the running kernel's where it has one.
#include <unistd.h>

#include "objects.h"
#include "test/catch.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

LoadedObject load_core(const std::string& btf) {
    auto object = load_elf(object_path("core"), {.btf_path = btf, .programs = {}});
    INFO((object ? std::string() : to_string(object.error())));
    REQUIRE(object);
    return *std::move(object);
}

bool loads_constant(const Program& program, std::int64_t number) {
    return std::ranges::any_of(program.insns, [&](const Insn& insn) {
        const OpInfo& row = info(insn.op);
        return (row.family == Family::Alu && row.source == Source::Imm && insn.imm == number) ||
               (insn.op == Op::LddwImm && insn.imm == number);
    });
}

}  // namespace

TEST_CASE("relocations follow the target's layout, given as an object with BTF") {
    const LoadedObject object = load_core(object_path("core_target"));
    REQUIRE(verdict(object, "moved") == "built");
    CHECK(loads_constant(*find(object, "moved")->program, 40));  // five longs before it
    REQUIRE(verdict(object, "facts") == "built");
    const Program& facts = *find(object, "facts")->program;
    CHECK(loads_constant(facts, 48));                                 // size of the target's structure
    CHECK((loads_constant(facts, 6) || loads_constant(facts, 600)));  // the enumerator's value there
    CHECK(verdict(object, "plain") == "built");
}

TEST_CASE("what a guard keeps away is cut out; without a guard the relocation is named") {
    const LoadedObject object = load_core(object_path("core_target"));
    REQUIRE(verdict(object, "guarded") == "built");
    for (const Insn& insn : find(object, "guarded")->program->insns)
        if (insn.op == Op::CallHelper) CHECK(insn.imm != 195896080);
    const std::string why = verdict(object, "unguarded");
    CHECK(why.find("elf-core.bpf.o: program 'unguarded', instruction ") != std::string::npos);
    CHECK(why.find("struct bpftime_sample.absent") != std::string::npos);
    CHECK(why.find("does not exist in the target's BTF") != std::string::npos);
}

TEST_CASE("raw BTF works as well as BTF in an ELF file") {
    const auto object_bytes = read_bytes(object_path("core_target"));
    // The section by its magic number, version 1, flags 0 and header size; it reaches to the end of what its header
    // says.
    const std::uint8_t magic[] = {0x9f, 0xeb, 1, 0, 24, 0, 0, 0};
    const auto at = std::search(object_bytes.begin(), object_bytes.end(), std::begin(magic), std::end(magic));
    REQUIRE(at != object_bytes.end());
    std::uint32_t header[6];
    std::copy_n(&*at, sizeof(header), reinterpret_cast<std::uint8_t*>(header));
    const std::string path = cat("elf-core-target-", getpid(), ".btf");
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&*at), 24 + header[4] + header[5]);
    const LoadedObject object = load_core(path);
    CHECK(verdict(object, "moved") == "built");
    unlink(path.c_str());
}

TEST_CASE("a target BTF that is not there, or is none, is named") {
    const auto missing = load_elf(object_path("core"), {.btf_path = "/nonexistent/btf", .programs = {}});
    REQUIRE_FALSE(missing);
    CHECK(to_string(missing.error()) == "/nonexistent/btf: cannot read the target's BTF: No such file or directory");
    const auto wrong = load_elf(object_path("core"), {.btf_path = "/proc/self/cmdline", .programs = {}});
    REQUIRE_FALSE(wrong);
    CHECK(to_string(wrong.error()) == "/proc/self/cmdline: this is neither BTF nor an ELF file with BTF");
}

TEST_CASE("the running kernel's BTF is the default") {
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
        WARN("not checked: this kernel has no BTF");
        return;
    }
    const auto object = load_elf(object_path("core_kernel"));
    REQUIRE(object);
    CHECK(verdict(*object, "parent") == "built");
    CHECK(verdict(*object, "broken").find("struct task_struct.bpftime_field_that_never_was") != std::string::npos);
}
