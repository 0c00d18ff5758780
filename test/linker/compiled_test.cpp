// What our own compiler writes, through the linker: loading, maps, damage. Needs libbpftime-llvm.so.
#define CATCH_CONFIG_RUNNER
#include "test/catch.h"
#include "test/linker/objects.h"
#include "test/support/skip.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/target.h"
#include "vm/llvm-jit/compiler.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

std::uint64_t values[3] = {100, 200, 300};
std::uint64_t lookups = 0;

std::uint64_t lookup(std::uint64_t handle, std::uint64_t key, std::uint64_t, std::uint64_t, std::uint64_t) {
    ++lookups;
    const auto index = *reinterpret_cast<const std::uint32_t*>(key);
    return handle == 77 && index < 3 ? reinterpret_cast<std::uint64_t>(&values[index]) : 0;
}
std::uint64_t clock_ns(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) { return 7; }

Bindings bindings() {
    Bindings b;
    b.helpers[1] = lookup;
    b.helpers[5] = clock_ns;
    b.maps.push_back(
        {.spec = map_spec("counts", 9), .handle = 77, .values = reinterpret_cast<std::uint64_t>(values), .stride = 8});
    return b;
}

// `text` with each "r1 = 0x0 ll" a reference to the map "counts".
Program program(const std::string& text) {
    Program p;
    p.name = "prog";
    p.type = static_cast<std::uint32_t>(ProgType::Kprobe);
    p.insns = assemble(text).value();
    for (Insn& insn : p.insns)
        if (insn.op == Op::LddwImm && insn.imm == 0) insn.op = Op::LddwMapByFd;
    p.maps.push_back(map_spec());
    p.subprograms = validate(p.insns, 1).value();
    return p;
}

// counts[size], or 5 where there is none, plus the clock, through a subprogram with a frame of its own.
const char* const kCount = R"(
    *(u64 *)(r10 - 0x10) = 0x3
    *(u32 *)(r10 - 0x4) = r2
    r2 = r10
    r2 += -0x4
    r1 = 0x0 ll
    call 0x1
    if r0 == 0x0 goto none
    r1 = *(u64 *)(r0 + 0x0)
    goto add
none:
    r1 = 0x5
add:
    call sub
    r1 = *(u64 *)(r10 - 0x10)
    r0 += r1
    exit
sub:
    *(u64 *)(r10 - 0x8) = r1
    call 0x5
    r1 = *(u64 *)(r10 - 0x8)
    r0 += r1
    exit
)";

SealedObject build(const CompileOptions& options = {}) {
    auto object = compile_object(program(kCount), options);
    if (!object) FAIL(to_string(object.error()));
    return *std::move(object);
}

}  // namespace

int main(int argc, char** argv) {
    if (const auto compiler = load_compiler(); !compiler) skip_binary(to_string(compiler.error()));
    return Catch::Session().run(argc, argv);
}

TEST_CASE("compiled objects link and run at every optimisation level, with and without debug information") {
    for (const int level : {0, 1, 2, 3})
        for (const bool debug : {false, true})
            for (const char* cpu : {"", "native"}) {
                INFO(level << ' ' << debug << ' ' << cpu);
                const SealedObject object =
                    build({.triple = {}, .cpu = cpu, .features = {}, .optimise = level, .debug_info = debug});
                const auto executable = link_object(object.bytes, bindings(), {});
                REQUIRE(outcome(executable) == "linked");
                for (std::uint64_t i = 0; i < 3; ++i) CHECK((*executable)->run(nullptr, i) == values[i] + 10);
                CHECK((*executable)->run(nullptr, 3) == 15);
            }
}

TEST_CASE("array lookups are inlined where values lie in a row, and call the helper where they do not") {
    const SealedObject object = build();
    Bindings b = bindings();
    lookups = 0;
    CHECK(link_object(object.bytes, b, {}).value()->run(nullptr, 1) == 210);
    CHECK(lookups == 0);
    b.maps[0].stride = 16;
    CHECK(link_object(object.bytes, b, {}).value()->run(nullptr, 1) == 210);
    CHECK(lookups == 1);
    b.maps[0].values = b.maps[0].stride = 0;
    CHECK(link_object(object.bytes, b, {}).value()->run(nullptr, 2) == 310);
    CHECK(lookups == 2);
}

TEST_CASE("compiled metadata survives sealing") {
    const SealedObject object = build();
    const auto metadata = read_metadata(object.bytes);
    REQUIRE(metadata);
    CHECK(metadata->program == "prog");
    CHECK(metadata->tag == program_tag(program(kCount)));
    CHECK(metadata->helpers == std::vector<std::uint32_t>{1, 5});
    CHECK(metadata->maps.at(0).spec.name == "counts");
    CHECK(metadata->insn_count == program(kCount).insns.size());
    CHECK(metadata->subprograms.size() == 2);
    CHECK(metadata->native_stack > 0);
    CHECK(metadata->program_info == program_info_digest(*metadata));
}

TEST_CASE("a compiled object with any byte changed or cut short is refused") {
    Bytes sealed = build().bytes;
    const Bindings b = bindings();
    for (std::size_t i = 0; i < sealed.size(); ++i)
        for (const std::uint8_t mask : {1, 16, 128, 255}) {
            sealed[i] ^= mask;
            if (link_object(sealed, b, {.allow_unverified = true}))
                FAIL("linked with byte " << i << " changed by " << int{mask});
            sealed[i] ^= mask;
        }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        if (link_object(Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)), b,
                        {.allow_unverified = true}))
            FAIL("linked after " << size << " bytes");
    CHECK(outcome(link_object(sealed, b, {})) == "linked");
}

TEST_CASE("every CPU feature that the compiler records is one that the linker can check") {
    const bool x86 = build().metadata.triple.starts_with("x86_64");
    const std::vector<const char*> cpus =
        x86 ? std::vector<const char*>{"x86-64-v2", "x86-64-v3",    "x86-64-v4",    "bdver4",
                                       "znver5",    "sierraforest", "graniterapids"}
            : std::vector<const char*>{"cortex-a72", "neoverse-n1", "neoverse-v2", "ampere1b"};
    for (const char* cpu : cpus) {
        const SealedObject object = build({.triple = {}, .cpu = cpu, .features = {}});
        CHECK_FALSE(object.metadata.features.empty());
        for (const std::string& name : object.metadata.features) {
            INFO(cpu << ' ' << name);
            CHECK(aot::kHost.feature(name) != aot::Support::Unknown);
        }
    }
}

TEST_CASE("an object compiled for another machine is refused by name") {
    const bool x86 = build().metadata.triple.starts_with("x86_64");
    const SealedObject object =
        build({.triple = x86 ? "aarch64-linux-gnu" : "x86_64-linux-gnu", .cpu = {}, .features = {}});
    const std::string sentence = outcome(link_object(object.bytes, bindings(), {}));
    CHECK(sentence == (x86 ? "program 'prog': AArch64 object on an x86-64 host; rebuild it with --target x86_64"
                           : "program 'prog': x86-64 object on an AArch64 host; rebuild it with --target aarch64"));
}

TEST_CASE("objects for other machines that LLVM knows are sealed and read") {
    for (const char* triple : {"aarch64-linux-gnu", "riscv64-linux-gnu"}) {
        const auto object = compile_object(program(kCount), {.triple = triple, .cpu = {}, .features = {}});
        if (!object) {
            WARN(triple << " not tried: " << to_string(object.error()));
            continue;
        }
        const auto metadata = read_metadata(object->bytes);
        REQUIRE(outcome(metadata) == "linked");
        CHECK(metadata->triple.starts_with(std::string(triple).substr(0, 7)));
    }
}
