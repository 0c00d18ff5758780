// Which code can be reached once loading has filled in its constants.
#include "runtime/syscall-server/constant_flow.h"

#include "test/catch.h"
#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

ByteView no_maps(std::uint32_t) { return {}; }

std::vector<Insn> code(const char* text) {
    auto insns = assemble(text);
    INFO((insns ? std::string() : to_string(insns.error())));
    REQUIRE(insns);
    return *insns;
}

// One character a slot: "#" reached, "." not.
std::string picture(const std::vector<Insn>& insns, const ConstantMaps& maps = no_maps) {
    std::string text;
    for (const bool reached : reachable_slots(insns, maps)) text += reached ? '#' : '.';
    return text;
}

}  // namespace

TEST_CASE("branches on constants go one way") {
    CHECK(picture(code("r1 = 0\n if r1 == 0 goto out\n call 1\n out:\n r0 = 0\n exit")) == "##.##");
    CHECK(picture(code("r1 = 1\n if r1 == 0 goto out\n call 1\n out:\n r0 = 0\n exit")) == "#####");
    CHECK(picture(code("w1 = -1\n if w1 s> 0 goto out\n exit\n out:\n r0 = 0\n exit")) == "###..");
    CHECK(picture(code("r1 = 6\n r1 &= 1\n r1 <<= 3\n if r1 != 0 goto out\n exit\n out:\n exit")) == "#####.");
}

TEST_CASE("what is not known keeps both ways open") {
    CHECK(picture(code("if r1 == 0 goto out\n call 1\n out:\n r0 = 0\n exit")) == "####");
    // Two ways lead here with different constants.
    CHECK(
        picture(code("r2 = 0\n if r1 == 0 goto over\n r2 = 1\n over:\n if r2 == 0 goto out\n call 1\n out:\n exit")) ==
        "######");
    // A loop changes the constant it started with.
    CHECK(picture(code(
              "r2 = 0\n again:\n r2 += 1\n if r1 == r2 goto again\n if r2 == 1 goto out\n call 1\n out:\n exit")) ==
          "######");
    // A call leaves r0 to r5 unknown, and r6 as it was.
    CHECK(picture(code("r1 = 0\n call 5\n if r1 == 0 goto out\n call 1\n out:\n exit")) == "#####");
    CHECK(picture(code("r6 = 0\n call 5\n if r6 == 0 goto out\n call 1\n out:\n exit")) == "###.#");
}

TEST_CASE("an equality tells what the register holds where it was true") {
    CHECK(picture(code("if r1 == 3 goto three\n exit\n three:\n if r1 == 3 goto out\n call 1\n out:\n exit")) ==
          "###.#");
}

TEST_CASE("subprograms and callbacks are reached through their callers") {
    CHECK(picture(code("call sub\n exit\n sub:\n r0 = 1\n exit")) == "####");
    CHECK(picture(code("r1 = 1\n if r1 == 1 goto out\n call sub\n out:\n exit\n sub:\n r0 = 1\n exit")) == "##.#..");
}

TEST_CASE("constant maps are read") {
    const std::uint8_t bytes[] = {0, 0, 0, 0, 5, 0xff, 0, 0};
    const auto maps = [&](std::uint32_t index) { return index == 0 ? ByteView(bytes) : ByteView(); };
    std::vector<Insn> insns = code("r1 = 0 ll\n r2 = *(u8 *)(r1 + 4)\n if r2 == 5 goto out\n call 1\n out:\n exit");
    insns[0].op = Op::LddwMapValue;
    CHECK(picture(insns, maps) == "####.#");
    CHECK(picture(insns, no_maps) == "######");
    insns = code("r1 = 0 ll\n r1 += 4\n r2 = *(u16 *)(r1 + 0)\n if r2 == 0xff05 goto out\n call 1\n out:\n exit");
    insns[0].op = Op::LddwMapValue;
    CHECK(picture(insns, maps) == "#####.#");
    // Beyond the value nothing is known.
    insns = code("r1 = 0 ll\n r2 = *(u64 *)(r1 + 4)\n if r2 == 5 goto out\n call 1\n out:\n exit");
    insns[0].op = Op::LddwMapValue;
    CHECK(picture(insns, maps) == "######");
}

TEST_CASE("absent references go when nothing reaches them, and are the error when something does") {
    const AbsentReference absent[] = {{2, "no such thing"}};
    auto dead = code("r1 = 0\n if r1 == 0 goto out\n call 195896080\n out:\n r0 = 0\n exit");
    REQUIRE(remove_unreached(dead, absent, no_maps));
    CHECK(dead[2].op == Op::Ja);
    CHECK(dead[2].off == 0);
    auto alive = code("r1 = 1\n if r1 == 0 goto out\n call 195896080\n out:\n r0 = 0\n exit");
    const auto status = remove_unreached(alive, absent, no_maps);
    REQUIRE_FALSE(status);
    CHECK(status.error().cause == "no such thing");
    CHECK(status.error().insn == 2);
    CHECK(status.error().errnum == EACCES);
}

TEST_CASE("a jump out of the program is left for validate") {
    CHECK(picture({Insn{.op = Op::Ja, .off = 1000}}) == "#");
    CHECK(picture({Insn{.op = Op::Ja, .off = -5}, Insn{.op = Op::Exit}}) == "#.");
}
