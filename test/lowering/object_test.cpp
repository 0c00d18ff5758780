// What compiled objects contain: symbols, line tables, metadata.
#include <algorithm>

#include "test/catch.h"
#include "test/lowering/programs.h"
#include "vm/linker/abi.h"

namespace bpftime::test {

namespace {

using Strings = std::vector<std::string>;

constexpr std::string_view kMapProgram = R"(
; map counts array 4 8 4
; map rodata array 4 8 1 frozen 0700000000000000
*(u32 *)(r10 - 4) = 1
r2 = r10
r2 += -4
ld_pseudo r1, 1, 0
call 1
if r0 == 0 goto out
r6 = *(u64 *)(r0 + 0)
ld_pseudo r1, 2, 1
r0 = *(u64 *)(r1 + 0)
r0 += r6
out:
exit
)";

Strings undefined(const CompiledObject& object) {
    Strings names;
    for (const std::string& symbol : symbols(object.elf))
        if (symbol[0] == 'U' || symbol[0] == 'w' || symbol[0] == 'v') names.push_back(symbol);
    return names;
}

}  // namespace

TEST_CASE("an object defines its entry and imports nothing it does not use") {
    CHECK(symbols(compiled(program("r0 = 1\nexit")).elf) == Strings{"T bpf_main"});
    CHECK(symbols(compiled(program("r0 = 1\nexit"), {.entry = "count_packets"}).elf) == Strings{"T count_packets"});
    CHECK(undefined(compiled(program("call 14\nexit"))) == Strings{"U _bpf_helper_ext_0014"});
}

TEST_CASE("loops become no calls of the C library") {
    const auto object = compiled(program(R"(
r3 = 0
zero:
r4 = r1
r4 += r3
*(u8 *)(r4 + 0) = 0
r3 += 1
if r3 != 4096 goto zero
r3 = 0
copy:
r4 = r1
r4 += r3
r5 = *(u8 *)(r4 + 4096)
*(u8 *)(r4 + 16384) = r5
r3 += 1
if r3 != 4096 goto copy
r0 = 0
exit)"));
    CHECK(undefined(object).empty());
}

TEST_CASE("maps are reached through weak symbols with the lddw functions behind them") {
    const auto object = compiled(program(kMapProgram));
    const Strings expected{"U __lddw_helper_map_by_fd", "U _bpf_helper_ext_0001", "w __bpftime_map_handle_0",
                           "w __bpftime_map_values_0"};
    CHECK(undefined(object) == expected);
    REQUIRE(object.metadata.maps.size() == 2);
    CHECK_FALSE(object.metadata.maps[0].folded);
    CHECK(object.metadata.maps[1].folded);
    CHECK(hex(object.metadata.maps[1].contents_digest[0]) == "0xaa");
}

TEST_CASE("frozen contents are not folded when that is not wanted") {
    const auto object = compiled(program(kMapProgram), {.fold_frozen = false});
    CHECK_FALSE(object.metadata.maps[1].folded);
    CHECK(undefined(object).back() == "w __bpftime_map_values_1");
}

TEST_CASE("every level of optimisation and size of program keeps to the permitted symbols") {
    for (const int level : {0, 1, 2, 3})
        CHECK(undefined(compiled(program(kMapProgram), {.optimise = level})).size() >= 4);
    std::string large = "r0 = 0\n";
    for (int i = 0; i < 5000; ++i) large += "r0 += r2\nif r0 > 9 goto +1\nr0 ^= 3\n";
    CHECK(symbols(compiled(program(large + "exit")).elf) == Strings{"T bpf_main"});
}

TEST_CASE("the metadata tells what the compiler knows") {
    Program source = program(kMapProgram, "counter");
    source.section = "xdp";
    source.license = "GPL";
    source.type = 6;
    const auto metadata = compiled(source, {.triple = "aarch64-linux-gnu"}).metadata;
    CHECK(metadata.program == "counter");
    CHECK(metadata.section == "xdp");
    CHECK(metadata.license == "GPL");
    CHECK(metadata.program_type == 6);
    CHECK(metadata.insn_count == source.insns.size());
    CHECK(metadata.triple == "aarch64-unknown-linux-gnu");
    CHECK(metadata.cpu == "generic");
    CHECK(metadata.features.empty());
    CHECK(metadata.entry == "bpf_main");
    CHECK(metadata.helpers == std::vector<std::uint32_t>{1});
    CHECK(metadata.bpf_stack == 16);
    CHECK(metadata.verifier == "structure");
    CHECK(metadata.producer == cat("bpftime ", BPFTIME_VERSION, " ", compiler().version()));
}

TEST_CASE("stack use is read from the code and added up along calls") {
    // The helper calls keep the two functions from being inlined into nothing and their buffers alive.
    const auto object = compiled(program(R"(
r1 = r10
r1 += -256
w2 = 256
call 16
call inner
exit
inner:
r1 = r10
r1 += -128
w2 = 128
call 16
exit)"),
                                 {.optimise = 0});
    REQUIRE(object.metadata.subprograms.size() == 2);
    const auto outer = object.metadata.subprograms[0].native_stack, inner = object.metadata.subprograms[1].native_stack;
    CHECK(outer >= 256);
    CHECK(inner >= 128);
    CHECK(object.metadata.native_stack >= outer + inner);
    CHECK(object.metadata.native_stack <= outer + inner + 64);
}

TEST_CASE("features beyond the baseline are recorded") {
    const auto plain = compiled(program("r0 = 1\nexit"), {.triple = "x86_64-linux-gnu"}).metadata;
    CHECK(plain.cpu == "x86-64");
    CHECK(plain.features.empty());
    const auto modern = compiled(program("r0 = 1\nexit"), {.triple = "x86_64-linux-gnu", .cpu = "haswell"}).metadata;
    CHECK(std::ranges::find(modern.features, "avx2") != modern.features.end());
    CHECK(std::ranges::find(modern.features, "avx512f") == modern.features.end());
    const auto added = compiled(program("r0 = 1\nexit"), {.triple = "aarch64-linux-gnu", .features = "+lse"}).metadata;
    CHECK(added.features == Strings{"lse"});
}

TEST_CASE("lines of the source are in the line table") {
    const auto object = compiled(with_lines(program("r0 = *(u8 *)(r1 + 0)\nr3 = *(u8 *)(r1 + 9)\nr0 *= r3\nexit")));
    const auto lines = compiler().disassemble(object.elf);
    REQUIRE(lines);
    REQUIRE(!lines->empty());
    CHECK(lines->front().symbol == "bpf_main");
    CHECK(lines->front().source_line == 1);
    CHECK(lines->front().source_file.ends_with("prog.bpf.c"));
    CHECK(lines->back().text == "ret");
    CHECK(lines->back().source_line == 4);
    const auto bare = compiler().disassemble(compiled(program("r0 = 1\nexit")).elf);
    REQUIRE(bare);
    CHECK(bare->front().source_line == -1);
}

TEST_CASE("disassembly names what instructions refer to") {
    const auto lines =
        compiler().disassemble(compiled(program("call 14\nr0 += 1\nexit"), {.triple = "aarch64-linux-gnu"}).elf);
    REQUIRE(lines);
    const auto call = std::ranges::find_if(*lines, [](const NativeLine& line) { return line.text.starts_with("bl "); });
    REQUIRE(call != lines->end());
    CHECK(call->text.ends_with("; _bpf_helper_ext_0014"));
}

TEST_CASE("bytes that are no object are refused") {
    const std::vector<std::uint8_t> bytes(100, 0x7f);
    const auto lines = compiler().disassemble(bytes);
    REQUIRE_FALSE(lines);
    CHECK(to_string(lines.error()).starts_with("not a readable ELF object: "));
}

TEST_CASE("objects for other machines") {
    for (const char* triple : {"aarch64-linux-gnu", "riscv64-linux-gnu", "loongarch64-linux-gnu"}) {
        INFO(triple);
        CHECK(undefined(compiled(program(kMapProgram), {.triple = triple})).size() == 4);
    }
}

}  // namespace bpftime::test
