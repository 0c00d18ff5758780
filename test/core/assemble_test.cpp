// What the assembler takes beyond what the disassembler prints, and what it says of mistakes.
#include "test/catch.h"

#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

Insn one(std::string_view text) {
    const auto insns = assemble(text);
    INFO(text << ": " << (insns ? "" : to_string(insns.error())));
    REQUIRE(insns);
    REQUIRE(!insns->empty());
    return insns->front();
}

std::string error_of(std::string_view text) {
    const auto insns = assemble(text);
    return insns ? "assembled" : insns.error().cause;
}

}  // namespace

TEST_CASE("numbers may be decimal, hexadecimal and signed, blanks may go") {
    CHECK(one("r1 = 16") == Insn{.op = Op::Mov64Imm, .dst = 1, .imm = 16});
    CHECK(one("r1=-0X10") == Insn{.op = Op::Mov64Imm, .dst = 1, .imm = -16});
    CHECK(one("w3 s>>= +3") == Insn{.op = Op::Arsh32Imm, .dst = 3, .imm = 3});
    CHECK(one("r1 = 0xffffffff") == Insn{.op = Op::Mov64Imm, .dst = 1, .imm = -1});
    CHECK(one("r1 = 18446744073709551615 ll") == Insn{.op = Op::LddwImm, .dst = 1, .imm = -1});
    CHECK(one("r1 = -0x8000000000000000 ll") == Insn{.op = Op::LddwImm, .dst = 1, .imm = INT64_MIN});
    CHECK(one("  r2=*(u32*)(r1+4)") == Insn{.op = Op::Ldx32, .dst = 2, .src = 1, .off = 4});
    CHECK(one("r2 = *(u32 *)(r1)") == Insn{.op = Op::Ldx32, .dst = 2, .src = 1});
    CHECK(one("w2 = *(u32 *)(r1 + 0x4)") == Insn{.op = Op::Ldx32, .dst = 2, .src = 1, .off = 4});
    CHECK(one("*(u8 *)(r10 - 1) = w2") == Insn{.op = Op::Stx8, .dst = 10, .src = 2, .off = -1});
    CHECK(one("*(u16 *)(r10-512) = -1") == Insn{.op = Op::St16, .dst = 10, .off = -512, .imm = -1});
    CHECK(one("lock *(u32 *)(r1 + 0) += w3") == Insn{.op = Op::AtomicAdd32, .dst = 1, .src = 3});
    CHECK(one("ld_pseudo r1, 2, 5, 8") == Insn{.op = Op::LddwMapValue, .dst = 1, .imm = (8LL << 32) | 5});
    CHECK(one("r1 = addr_space_cast(r2, 1, 0)") == Insn{.op = Op::AddrSpaceCast, .dst = 1, .src = 2, .imm = 0x10000});
}

TEST_CASE("calls tell helpers from subprograms by sign or name") {
    CHECK(one("call 5") == Insn{.op = Op::CallHelper, .imm = 5});
    CHECK(one("call map_lookup_elem") == Insn{.op = Op::CallHelper, .imm = 1});
    CHECK(one("call bpf_ktime_get_ns") == Insn{.op = Op::CallHelper, .imm = 5});
    CHECK(one("call +5") == Insn{.op = Op::CallLocal, .off = 5});
    CHECK(one("call -0x1") == Insn{.op = Op::CallLocal, .off = -1});
    CHECK(one("call loop\nexit\nloop: exit") == Insn{.op = Op::CallLocal, .off = 1});
    CHECK(one("call loop") == Insn{.op = Op::CallHelper, .imm = 181});
    CHECK(one("call kfunc 77") == Insn{.op = Op::CallKfunc, .imm = 77});
    CHECK(one("callx r3") == Insn{.op = Op::CallReg, .dst = 3});
}

TEST_CASE("labels stand for distances, across the two slots of an lddw") {
    const auto insns = assemble(R"(
        # the start
        again: r1 = 1 ll          ; two slots
        if r1 != r2 goto done     // forward
        if w1 s<= -3 goto again
        may_goto done
        gotol again
        goto done
        r2 = &f ll
    done:
        exit
    f:  exit
    )");
    INFO((insns ? "" : to_string(insns.error())));
    REQUIRE(insns);
    CHECK(*insns == std::vector<Insn>{
                        {.op = Op::LddwImm, .dst = 1, .imm = 1},
                        {.op = Op::LddwHigh},
                        {.op = Op::JNe64Reg, .dst = 1, .src = 2, .off = 6},
                        {.op = Op::JSLe32Imm, .dst = 1, .off = -4, .imm = -3},
                        {.op = Op::MayGoto, .off = 4},
                        {.op = Op::Ja32, .off = -6},
                        {.op = Op::Ja, .off = 2},
                        {.op = Op::LddwCodeAddr, .dst = 2, .imm = 2},
                        {.op = Op::LddwHigh},
                        {.op = Op::Exit},
                        {.op = Op::Exit},
                    });
    CHECK((*insns)[7].code_target(7) == 10);
}

TEST_CASE("mistakes are told with their line") {
    CHECK(error_of("exit\nr1 = r12") == "line 2: register r12 does not exist");
    CHECK(error_of("\n\nr1 = w2") == "line 3: 'r1 = w2' is not an instruction: 'w2' does not fit");
    CHECK(error_of("r1 =") == "line 1: 'r1 =' is not complete");
    CHECK(error_of("r1 = 0x100000000") == "line 1: immediate 0x100000000 is out of range");
    CHECK(error_of("r1 = -0x80000001") == "line 1: immediate -0x80000001 is out of range");
    CHECK(error_of("r1 = 0x1ffffffffffffffff ll") ==
          "line 1: '0x1ffffffffffffffff' is not a number of at most 64 bits");
    CHECK(error_of("r1 = 0xzz") == "line 1: '0xzz' is not a number of at most 64 bits");
    CHECK(error_of("r1 = *(u32 *)(r2 + 32768)") == "line 1: displacement 32768 is out of range");
    CHECK(error_of("r1 = be16 r2") == "line 1: register r2 differs from the one before");
    CHECK(error_of("goto nowhere") == "line 1: 'goto nowhere' is not an instruction: 'nowhere' does not fit (no such label)");
    CHECK(error_of("call nothing") == "line 1: 'nothing' is neither a label nor a helper");
    CHECK(error_of("r1 = &f ll") == "line 1: label 'f' is not defined");
    CHECK(error_of("a: exit\na: exit") == "line 2: label 'a' is defined twice");
    CHECK(error_of("goto 5") == "line 1: 'goto 5' is not an instruction: '5' does not fit");
    CHECK(error_of("mov r1, 5") == "line 1: 'mov r1, 5' is not an instruction: 'mov' does not fit");
    CHECK(error_of("r1 = {rd}") != "assembled");
    CHECK(error_of("r1 = 1 2") == "line 1: 'r1 = 1 2' is not an instruction: '2' does not fit");

    std::string far = "goto end\n";
    for (int i = 0; i < 40'000; ++i) far += "r0 = 0\n";
    CHECK(error_of(far + "end: exit") == "line 1: label 'end' is 40000 instructions away; use gotol");
    CHECK(one("gotol" + far.substr(4) + "end: exit") == Insn{.op = Op::Ja32, .off = 40'000});
}
