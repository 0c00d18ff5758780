// Both syntaxes of every row, and that what is printed can be read back.
#include "test/catch.h"

#include <set>

#include "test/support/random_insn.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

struct Case {
    const char* encoding;
    Op op;
    const char* llvm;
    const char* kernel;
};

constexpr Case kCases[] = {
#include "test/core/disasm_cases.inc"
};

std::vector<std::uint8_t> bytes_of(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
    return bytes;
}

Program sample_program() {
    const auto insns = assemble(R"(
            r1 = 0x2 ll
            if r1 == 0x2 goto out
            call f
        out:
            r0 = 0x0
            exit
        f:
            ld_pseudo r1, 1, 1
            call 1
            exit
    )");
    REQUIRE(insns);
    Program program;
    program.insns = *insns;
    program.subprograms = {{"count", 0, 6}, {"f", 6, 10}};
    program.maps.resize(2);
    program.maps[1].name = "hits";
    program.maps[1].number = 17;
    program.lines = {{0, 3, 1, 0, "int count(void *ctx)"}, {6, 9, 1, 0, "return lookup();"}};
    return program;
}

}  // namespace

TEST_CASE("every instruction prints as llvm-objdump and as the kernel print it") {
    std::set<Op> seen;
    for (const Case& c : kCases) {
        INFO(c.encoding);
        const auto insns = decode(std::span<const std::uint8_t>(bytes_of(c.encoding)));
        REQUIRE(insns);
        CHECK(insns->front().op == c.op);
        CHECK(disassemble(insns->front(), 0, Syntax::Llvm) == c.llvm);
        CHECK(disassemble(insns->front(), 0, Syntax::Kernel) == c.kernel);
        const auto back = assemble(c.llvm);
        INFO((back ? "" : to_string(back.error())));
        REQUIRE(back);
        CHECK(*back == *insns);
        seen.insert(c.op);
    }
    CHECK(seen.size() == kOpCount - 1);
    CHECK(disassemble(Insn{.op = Op::LddwHigh}, 1, Syntax::Llvm).empty());
}

TEST_CASE("random instructions of every row assemble back") {
    test::RandomInsn random(1);
    for (std::size_t op = 0; op + 1 < kOpCount; ++op) {
        for (int round = 0; round < 200; ++round) {
            const auto insns = random.make(static_cast<Op>(op));
            const std::string text = disassemble(insns[0], 0, Syntax::Llvm);
            INFO(text);
            const auto back = assemble(text);
            INFO((back ? "" : to_string(back.error())));
            REQUIRE(back);
            REQUIRE(*back == insns);
            const auto decoded = decode(std::span<const RawInsn>(encode(insns)));
            REQUIRE(decoded);
            REQUIRE(*decoded == insns);
        }
    }
}

TEST_CASE("a listing names subprograms, source lines, targets, helpers and maps") {
    const Program program = sample_program();
    CHECK(disassemble(program, Syntax::Llvm) ==
          "count:\n"
          "; int count(void *ctx)\n"
          "       0:\tr1 = 0x2 ll\n"
          "       2:\tif r1 == 0x2 goto +0x1 <count+0x20>\n"
          "       3:\tcall +0x2 <f>\n"
          "       4:\tr0 = 0x0\n"
          "       5:\texit\n"
          "f:\n"
          "; return lookup();\n"
          "       6:\tld_pseudo\tr1, 0x1, 0x1  # map hits\n"
          "       8:\tcall 0x1  # map_lookup_elem\n"
          "       9:\texit\n");
    CHECK(disassemble(program, Syntax::Kernel) ==
          "count:\n"
          "; int count(void *ctx)\n"
          "   0: (18) r1 = 0x2\n"
          "   2: (15) if r1 == 0x2 goto pc+1\n"
          "   3: (85) call pc+2\n"
          "   4: (b7) r0 = 0\n"
          "   5: (95) exit\n"
          "f:\n"
          "; return lookup();\n"
          "   6: (18) r1 = map[id:17]\n"
          "   8: (85) call bpf_map_lookup_elem#1\n"
          "   9: (95) exit\n");
}

TEST_CASE("a listing assembles back to its program") {
    const Program program = sample_program();
    const auto back = assemble(disassemble(program, Syntax::Llvm));
    INFO((back ? "" : to_string(back.error())));
    REQUIRE(back);
    CHECK(*back == program.insns);

    test::RandomInsn random(2);
    Program large;
    while (large.insns.size() < 20'000)
        for (const Insn& insn : random.make()) large.insns.push_back(insn);
    large.subprograms = {{"entry", 0, static_cast<std::uint32_t>(large.insns.size())}};
    const auto again = assemble(disassemble(large, Syntax::Llvm));
    INFO((again ? "" : to_string(again.error())));
    REQUIRE(again);
    CHECK(*again == large.insns);
}
