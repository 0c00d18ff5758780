// Every function of the AArch64 assembler: the instruction in assembly and its exact bytes (as llvm-mc encodes it).
#include <array>

#include "test/catch.h"
#include "test/ubpf/bytes.h"
#include "vm/ubpf-jit/aarch64_assembler.h"

namespace bpftime::aarch64 {
namespace {

struct Row {
    const char* text;
    void (*emit)(Assembler&);
    const char* bytes;
};

// clang-format off
const Row kRows[] = {
    {"mov x0, x5", [](Assembler& a) { a.mov(64, x0, x5); }, "e0 03 05 aa"},
    {"mov w19, w1", [](Assembler& a) { a.mov(32, x19, x1); }, "f3 03 01 2a"},
    {"mov x29, sp", [](Assembler& a) { a.mov_sp(x29, sp); }, "fd 03 00 91"},
    {"mov x16, #65535", [](Assembler& a) { a.movz(64, x16, 0xffff); }, "f0 ff 9f d2"},
    {"mov w9, #4660", [](Assembler& a) { a.movz(32, x9, 0x1234); }, "89 46 82 52"},
    {"mov x3, #305397760", [](Assembler& a) { a.movz(64, x3, 0x1234, 16); }, "83 46 a2 d2"},
    {"mov x5, #-22", [](Assembler& a) { a.movn(64, x5, 21); }, "a5 02 80 92"},
    {"mov w5, #-1", [](Assembler& a) { a.movn(32, x5, 0); }, "05 00 80 12"},
    {"movk x9, #4660, lsl #48", [](Assembler& a) { a.movk(64, x9, 0x1234, 48); }, "89 46 e2 f2"},
    {"movk w9, #1, lsl #16", [](Assembler& a) { a.movk(32, x9, 1, 16); }, "29 00 a0 72"},
    {"mov w0, #0", [](Assembler& a) { a.mov_imm(x0, 0); }, "00 00 80 52"},
    {"mov w1, #1", [](Assembler& a) { a.mov_imm(x1, 1); }, "21 00 80 52"},
    {"mov x2, #-1", [](Assembler& a) { a.mov_imm(x2, ~std::uint64_t{0}); }, "02 00 80 92"},
    {"mov x5, #-22", [](Assembler& a) { a.mov_imm(x5, static_cast<std::uint64_t>(-22)); }, "a5 02 80 92"},
    {"mov w3, #-1", [](Assembler& a) { a.mov_imm(x3, 0xffffffff); }, "03 00 80 12"},
    {"mov w4, #16711935", [](Assembler& a) { a.mov_imm(x4, 0x00ff00ff); }, "e4 9f 00 32"},
    {"mov x5, #6148914691236517205", [](Assembler& a) { a.mov_imm(x5, 0x5555555555555555); }, "e5 f3 00 b2"},
    {"adr x16, #0", [](Assembler& a) { a.adr(x16, 0); }, "10 00 00 10"},
    {"adr x1, #-1048576", [](Assembler& a) { a.adr(x1, -1048576); }, "01 00 80 10"},
    {"adr x2, #1048575", [](Assembler& a) { a.adr(x2, 1048575); }, "e2 ff 7f 70"},
    {"add x0, x1, x2", [](Assembler& a) { a.add(64, x0, x1, x2); }, "20 00 02 8b"},
    {"add w19, w20, w21", [](Assembler& a) { a.add(32, x19, x20, x21); }, "93 02 15 0b"},
    {"add x16, x16, x3, lsl #3", [](Assembler& a) { a.add(64, x16, x16, x3, 3); }, "10 0e 03 8b"},
    {"sub x0, x0, x4", [](Assembler& a) { a.sub(64, x0, x0, x4); }, "00 00 04 cb"},
    {"sub w5, w5, w5", [](Assembler& a) { a.sub(32, x5, x5, x5); }, "a5 00 05 4b"},
    {"subs x9, x10, x11", [](Assembler& a) { a.subs(64, x9, x10, x11); }, "49 01 0b eb"},
    {"cmp x0, x22", [](Assembler& a) { a.cmp(64, x0, x22); }, "1f 00 16 eb"},
    {"cmp w10, w5", [](Assembler& a) { a.cmp(32, x10, x5); }, "5f 01 05 6b"},
    {"and x1, x2, x3", [](Assembler& a) { a.and_(64, x1, x2, x3); }, "41 00 03 8a"},
    {"orr w1, w2, w3", [](Assembler& a) { a.orr(32, x1, x2, x3); }, "41 00 03 2a"},
    {"eor x19, x19, x0", [](Assembler& a) { a.eor(64, x19, x19, x0); }, "73 02 00 ca"},
    {"mvn x4, x5", [](Assembler& a) { a.mvn(64, x4, x5); }, "e4 03 25 aa"},
    {"tst w0, w1", [](Assembler& a) { a.tst(32, x0, x1); }, "1f 00 01 6a"},
    {"tst x22, x29", [](Assembler& a) { a.tst(64, x22, x29); }, "df 02 1d ea"},
    {"add x1, x1, w9, sxtw", [](Assembler& a) { a.add_sxtw(x1, x1, x9); }, "21 c0 29 8b"},
    {"add x0, x0, #4095", [](Assembler& a) { a.add_imm(64, x0, x0, 4095); }, "00 fc 3f 91"},
    {"add w5, w1, #1, lsl #12", [](Assembler& a) { a.add_imm(32, x5, x1, 4096); }, "25 04 40 11"},
    {"sub sp, sp, #512", [](Assembler& a) { a.sub_imm(64, sp, sp, 512); }, "ff 03 08 d1"},
    {"sub x1, x29, #8", [](Assembler& a) { a.sub_imm(64, x1, x29, 8); }, "a1 23 00 d1"},
    {"subs x9, x9, #1", [](Assembler& a) { a.subs_imm(64, x9, x9, 1); }, "29 05 00 f1"},
    {"cmp w3, #10", [](Assembler& a) { a.cmp_imm(32, x3, 10); }, "7f 28 00 71"},
    {"cmp x3, #212", [](Assembler& a) { a.cmp_imm(64, x3, 212); }, "7f 50 03 f1"},
    {"cmn x3, #1", [](Assembler& a) { a.cmn_imm(64, x3, 1); }, "7f 04 00 b1"},
    {"and x0, x1, #0xff", [](Assembler& a) { a.and_imm(64, x0, x1, 0xff); }, "20 1c 40 92"},
    {"and w0, w1, #0xfffffffe", [](Assembler& a) { a.and_imm(32, x0, x1, 0xfffffffe); }, "20 78 1f 12"},
    {"orr x5, x5, #0x8000000000000000", [](Assembler& a) { a.orr_imm(64, x5, x5, 0x8000000000000000); }, "a5 00 41 b2"},
    {"eor w5, w5, #0xf0f0f0f0", [](Assembler& a) { a.eor_imm(32, x5, x5, 0xf0f0f0f0); }, "a5 cc 04 52"},
    {"and x2, x2, #0xffffffffffffff00", [](Assembler& a) { a.and_imm(64, x2, x2, 0xffffffffffffff00); }, "42 dc 78 92"},
    {"tst x0, #0x3", [](Assembler& a) { a.tst_imm(64, x0, 3); }, "1f 04 40 f2"},
    {"tst w0, #0x80000000", [](Assembler& a) { a.tst_imm(32, x0, 0x80000000); }, "1f 00 01 72"},
    {"neg x0, x1", [](Assembler& a) { a.neg(64, x0, x1); }, "e0 03 01 cb"},
    {"neg w0, w0", [](Assembler& a) { a.neg(32, x0, x0); }, "e0 03 00 4b"},
    {"mul x0, x1, x2", [](Assembler& a) { a.mul(64, x0, x1, x2); }, "20 7c 02 9b"},
    {"mul w5, w5, w19", [](Assembler& a) { a.mul(32, x5, x5, x19); }, "a5 7c 13 1b"},
    {"msub x0, x10, x1, x2", [](Assembler& a) { a.msub(64, x0, x10, x1, x2); }, "40 89 01 9b"},
    {"msub w0, w10, w1, w0", [](Assembler& a) { a.msub(32, x0, x10, x1, x0); }, "40 81 01 1b"},
    {"umull x9, w0, w1", [](Assembler& a) { a.umull(x9, x0, x1); }, "09 7c a1 9b"},
    {"umulh x9, x0, x1", [](Assembler& a) { a.umulh(x9, x0, x1); }, "09 7c c1 9b"},
    {"udiv x10, x0, x1", [](Assembler& a) { a.udiv(64, x10, x0, x1); }, "0a 08 c1 9a"},
    {"udiv w10, w0, w1", [](Assembler& a) { a.udiv(32, x10, x0, x1); }, "0a 08 c1 1a"},
    {"sdiv x10, x0, x1", [](Assembler& a) { a.sdiv(64, x10, x0, x1); }, "0a 0c c1 9a"},
    {"sdiv w10, w0, w1", [](Assembler& a) { a.sdiv(32, x10, x0, x1); }, "0a 0c c1 1a"},
    {"lsl x0, x0, x3", [](Assembler& a) { a.lslv(64, x0, x0, x3); }, "00 20 c3 9a"},
    {"lsr w0, w1, w2", [](Assembler& a) { a.lsrv(32, x0, x1, x2); }, "20 24 c2 1a"},
    {"asr x19, x20, x21", [](Assembler& a) { a.asrv(64, x19, x20, x21); }, "93 2a d5 9a"},
    {"lsl x0, x0, #1", [](Assembler& a) { a.lsl_imm(64, x0, x0, 1); }, "00 f8 7f d3"},
    {"lsl w0, w1, #31", [](Assembler& a) { a.lsl_imm(32, x0, x1, 31); }, "20 00 01 53"},
    {"lsr x0, x0, #63", [](Assembler& a) { a.lsr_imm(64, x0, x0, 63); }, "00 fc 7f d3"},
    {"lsr w5, w5, #8", [](Assembler& a) { a.lsr_imm(32, x5, x5, 8); }, "a5 7c 08 53"},
    {"asr x1, x2, #3", [](Assembler& a) { a.asr_imm(64, x1, x2, 3); }, "41 fc 43 93"},
    {"asr w1, w2, #30", [](Assembler& a) { a.asr_imm(32, x1, x2, 30); }, "41 7c 1e 13"},
    {"ubfx x0, x1, #0, #48", [](Assembler& a) { a.ubfx(64, x0, x1, 0, 48); }, "20 bc 40 d3"},
    {"sxtb w0, w1", [](Assembler& a) { a.sign_extend(32, x0, x1, 8); }, "20 1c 00 13"},
    {"sxth x0, w1", [](Assembler& a) { a.sign_extend(64, x0, x1, 16); }, "20 3c 40 93"},
    {"sxtw x5, w5", [](Assembler& a) { a.sign_extend(64, x5, x5, 32); }, "a5 7c 40 93"},
    {"uxtb w0, w1", [](Assembler& a) { a.zero_extend(x0, x1, 8); }, "20 1c 00 53"},
    {"uxth w19, w19", [](Assembler& a) { a.zero_extend(x19, x19, 16); }, "73 3e 00 53"},
    {"rev16 w0, w1", [](Assembler& a) { a.rev16(x0, x1); }, "20 04 c0 5a"},
    {"rev w0, w0", [](Assembler& a) { a.rev(32, x0, x0); }, "00 08 c0 5a"},
    {"rev x5, x5", [](Assembler& a) { a.rev(64, x5, x5); }, "a5 0c c0 da"},
    {"ldrb w0, [x1]", [](Assembler& a) { a.load(8, x0, x1, 0); }, "20 00 40 39"},
    {"ldrb w0, [x1, #4095]", [](Assembler& a) { a.load(8, x0, x1, 4095); }, "20 fc 7f 39"},
    {"ldurb w0, [x1, #-1]", [](Assembler& a) { a.load(8, x0, x1, -1); }, "20 f0 5f 38"},
    {"ldrh w5, [x29, #2]", [](Assembler& a) { a.load(16, x5, x29, 2); }, "a5 07 40 79"},
    {"ldurh w5, [x0, #1]", [](Assembler& a) { a.load(16, x5, x0, 1); }, "05 10 40 78"},
    {"ldr w19, [x20, #16380]", [](Assembler& a) { a.load(32, x19, x20, 16380); }, "93 fe 7f b9"},
    {"ldr x0, [sp, #8]", [](Assembler& a) { a.load(64, x0, sp, 8); }, "e0 07 40 f9"},
    {"ldur x0, [x29, #-256]", [](Assembler& a) { a.load(64, x0, x29, -256); }, "a0 03 50 f8"},
    {"ldrsb x0, [x1, #3]", [](Assembler& a) { a.load_signed(8, x0, x1, 3); }, "20 0c 80 39"},
    {"ldursh x0, [x1, #-2]", [](Assembler& a) { a.load_signed(16, x0, x1, -2); }, "20 e0 9f 78"},
    {"ldrsw x0, [x1, #4]", [](Assembler& a) { a.load_signed(32, x0, x1, 4); }, "20 04 80 b9"},
    {"strb w5, [x0]", [](Assembler& a) { a.store(8, x5, x0, 0); }, "05 00 00 39"},
    {"sturh w5, [x0, #255]", [](Assembler& a) { a.store(16, x5, x0, 255); }, "05 f0 0f 78"},
    {"str wzr, [x0, #4]", [](Assembler& a) { a.store(32, zr, x0, 4); }, "1f 04 00 b9"},
    {"stur x22, [x29, #-8]", [](Assembler& a) { a.store(64, x22, x29, -8); }, "b6 83 1f f8"},
    {"str x9, [sp, #16]", [](Assembler& a) { a.store(64, x9, sp, 16); }, "e9 0b 00 f9"},
    {"ldr x0, [x1, x9]", [](Assembler& a) { a.load(64, x0, x1, x9); }, "20 68 69 f8"},
    {"ldrb w0, [x1, x2]", [](Assembler& a) { a.load(8, x0, x1, x2); }, "20 68 62 38"},
    {"ldrsh x0, [x1, x2]", [](Assembler& a) { a.load_signed(16, x0, x1, x2); }, "20 68 a2 78"},
    {"strh w0, [x29, x9]", [](Assembler& a) { a.store(16, x0, x29, x9); }, "a0 6b 29 78"},
    {"str w10, [x0, x9]", [](Assembler& a) { a.store(32, x10, x0, x9); }, "0a 68 29 b8"},
    {"stp x29, x30, [sp, #-16]!", [](Assembler& a) { a.stp_pre(x29, x30, sp, -16); }, "fd 7b bf a9"},
    {"stp x19, x20, [sp, #16]", [](Assembler& a) { a.stp(x19, x20, sp, 16); }, "f3 53 01 a9"},
    {"ldp x29, x30, [sp], #16", [](Assembler& a) { a.ldp_post(x29, x30, sp, 16); }, "fd 7b c1 a8"},
    {"ldp x0, x1, [x23]", [](Assembler& a) { a.ldp(x0, x1, x23, 0); }, "e0 06 40 a9"},
    {"ldxr x10, [x0]", [](Assembler& a) { a.ldxr(64, x10, x0); }, "0a 7c 5f c8"},
    {"ldxr w10, [x9]", [](Assembler& a) { a.ldxr(32, x10, x9); }, "2a 7d 5f 88"},
    {"stxr w12, x11, [x0]", [](Assembler& a) { a.stxr(64, x12, x11, x0); }, "0b 7c 0c c8"},
    {"stxr w12, w11, [x9]", [](Assembler& a) { a.stxr(32, x12, x11, x9); }, "2b 7d 0c 88"},
    {"stlxr w12, x11, [x0]", [](Assembler& a) { a.stlxr(64, x12, x11, x0); }, "0b fc 0c c8"},
    {"stlxr w12, w11, [x9]", [](Assembler& a) { a.stlxr(32, x12, x11, x9); }, "2b fd 0c 88"},
    {"ldar x0, [x1]", [](Assembler& a) { a.ldar(64, x0, x1); }, "20 fc df c8"},
    {"ldar w0, [x1]", [](Assembler& a) { a.ldar(32, x0, x1); }, "20 fc df 88"},
    {"ldarh w0, [x1]", [](Assembler& a) { a.ldar(16, x0, x1); }, "20 fc df 48"},
    {"ldarb w0, [x1]", [](Assembler& a) { a.ldar(8, x0, x1); }, "20 fc df 08"},
    {"stlr x0, [x1]", [](Assembler& a) { a.stlr(64, x0, x1); }, "20 fc 9f c8"},
    {"stlr w0, [x1]", [](Assembler& a) { a.stlr(32, x0, x1); }, "20 fc 9f 88"},
    {"stlrh w0, [x1]", [](Assembler& a) { a.stlr(16, x0, x1); }, "20 fc 9f 48"},
    {"stlrb w0, [x1]", [](Assembler& a) { a.stlr(8, x0, x1); }, "20 fc 9f 08"},
    {"dmb ish", [](Assembler& a) { a.dmb_ish(); }, "bf 3b 03 d5"},
    {"b #0", [](Assembler& a) { a.b(); }, "00 00 00 14"},
    {"b #-134217728", [](Assembler& a) { a.b(-134217728); }, "00 00 00 16"},
    {"b #134217724", [](Assembler& a) { a.b(134217724); }, "ff ff ff 15"},
    {"bl #8", [](Assembler& a) { a.bl(8); }, "02 00 00 94"},
    {"b.ne #12", [](Assembler& a) { a.b_cond(Cond::NE, 12); }, "61 00 00 54"},
    {"b.mi #-1048576", [](Assembler& a) { a.b_cond(Cond::MI, -1048576); }, "04 00 80 54"},
    {"b.hs #1048572", [](Assembler& a) { a.b_cond(Cond::HS, 1048572); }, "e2 ff 7f 54"},
    {"cbz x0, #8", [](Assembler& a) { a.cbz(64, x0, 8); }, "40 00 00 b4"},
    {"cbnz w12, #-16", [](Assembler& a) { a.cbnz(32, x12, -16); }, "8c ff ff 35"},
    {"br x16", [](Assembler& a) { a.br(x16); }, "00 02 1f d6"},
    {"blr x16", [](Assembler& a) { a.blr(x16); }, "00 02 3f d6"},
    {"ret", [](Assembler& a) { a.ret(); }, "c0 03 5f d6"},
    {"nop", [](Assembler& a) { a.nop(); }, "1f 20 03 d5"},
};
// clang-format on

template <class Emit>
std::string emitted(Emit emit) {
    std::array<std::uint8_t, 256> out{};
    Assembler a(out.data());
    emit(a);
    return test::to_hex({out.data(), a.position()});
}

TEST_CASE("AArch64: instructions encode as documented") {
    for (const Row& row : kRows) {
        CAPTURE(row.text);
        CHECK(emitted(row.emit) == row.bytes);
    }
}

TEST_CASE("AArch64: constants take the fewest instructions") {
    // movz and movk, movn where ones prevail, one orr where a bitmask does.
    CHECK(emitted([](Assembler& a) { a.mov_imm(x9, 0x12345678); }) == "09 cf 8a 52 89 46 a2 72");
    CHECK(emitted([](Assembler& a) { a.mov_imm(x9, 0x123456789abcdef0); }) ==
          "09 de 9b d2 89 57 b3 f2 09 cf ca f2 89 46 e2 f2");
    CHECK(emitted([](Assembler& a) { a.mov_imm(x0, 0xffffffff12345678); }) == "e0 30 95 92 80 46 a2 f2");
    CHECK(emitted([](Assembler& a) { a.mov_imm(x0, 0x0000123400000000); }) == "80 46 c2 d2");
    CHECK(emitted([](Assembler& a) { a.mov_imm(x0, 0xff00ff00ff00ff00); }) == "e0 9f 08 b2");
}

TEST_CASE("AArch64: branches are patched to their targets") {
    CHECK(emitted([](Assembler& a) {
              a.b();
              a.patch(Field::Imm26, 0, 8);
          }) == "02 00 00 14");
    CHECK(emitted([](Assembler& a) {
              a.nop();
              a.b_cond(Cond::EQ);
              a.patch(Field::Imm19, 4, 0);
          }) == "1f 20 03 d5 e0 ff ff 54");
    CHECK(emitted([](Assembler& a) {
              a.adr(x0, 0);
              a.patch(Field::Adr, 0, 5);
          }) == "20 00 00 30");
    CHECK(emitted([](Assembler& a) {
              a.movz(32, x9, 0);
              a.set_wide(0, 0x1234);
          }) == "89 46 82 52");
}

TEST_CASE("AArch64: each field knows how far it reaches") {
    CHECK(Assembler::reaches(Field::Imm26, (1 << 27) - 4));
    CHECK_FALSE(Assembler::reaches(Field::Imm26, 1 << 27));
    CHECK(Assembler::reaches(Field::Imm26, -(1 << 27)));
    CHECK(Assembler::reaches(Field::Imm19, (1 << 20) - 4));
    CHECK_FALSE(Assembler::reaches(Field::Imm19, 1 << 20));
    CHECK(Assembler::reaches(Field::Imm14, -(1 << 15)));
    CHECK_FALSE(Assembler::reaches(Field::Imm14, 1 << 15));
    CHECK(Assembler::reaches(Field::Adr, (1 << 20) - 1));
    CHECK_FALSE(Assembler::reaches(Field::Adr, 1 << 20));
}

// The value that N:immr:imms stands for (Arm ARM, DecodeBitMasks).
std::uint64_t decode_bitmask(std::uint32_t field) {
    const int n = static_cast<int>(field >> 12 & 1), immr = static_cast<int>(field >> 6 & 63), imms = static_cast<int>(field & 63);
    const int length = std::bit_width(static_cast<unsigned>(n << 6 | (~imms & 63))) - 1;
    const int size = 1 << length, ones = (imms & (size - 1)) + 1, rotation = immr & (size - 1);
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - size);
    const std::uint64_t run = ~std::uint64_t{0} >> (64 - ones);
    std::uint64_t value = ((run >> rotation) | (rotation == 0 ? 0 : run << (size - rotation))) & mask;
    for (int filled = size; filled < 64; filled *= 2) value |= value << filled;
    return value;
}

TEST_CASE("AArch64: every bitmask immediate is found") {
    int count = 0;
    for (std::uint32_t length = 1; length <= 6; ++length) {
        const std::uint32_t size = 1u << length;
        for (std::uint32_t ones = 1; ones < size; ++ones) {
            for (std::uint32_t rotation = 0; rotation < size; ++rotation) {
                const std::uint32_t imms = (~(size * 2 - 1) & 0x3f) | (ones - 1);
                const std::uint32_t field = (size == 64 ? 1u << 12 : 0) | rotation << 6 | imms;
                const std::uint64_t value = decode_bitmask(field);
                const auto found = encode_bitmask(64, value);
                REQUIRE(found.has_value());
                REQUIRE(decode_bitmask(*found) == value);
                ++count;
            }
        }
    }
    CHECK(count == 5334);  // as many as there are
    for (const std::uint64_t value : {0ull, ~0ull, 5ull, 0x1234ull, 0xff00ff00ff00ff01ull}) CHECK_FALSE(encode_bitmask(64, value));
    CHECK_FALSE(encode_bitmask(32, 0xffffffff));
    CHECK(encode_bitmask(32, 0x80000001) == encode_bitmask(32, 0xffffffff80000001));
}

TEST_CASE("AArch64: operands that fit are told from those that do not") {
    CHECK(encodable_add(4095));
    CHECK_FALSE(encodable_add(4097));
    CHECK(encodable_add(0xfff000));
    CHECK_FALSE(encodable_add(0x1000000));
    CHECK_FALSE(encodable_add(~std::uint64_t{0}));
    CHECK(Assembler::fits_scaled(64, 32760));
    CHECK_FALSE(Assembler::fits_scaled(64, 32768));
    CHECK_FALSE(Assembler::fits_scaled(32, 2));
    CHECK_FALSE(Assembler::fits_scaled(8, -1));
    CHECK(Assembler::fits_unscaled(-256));
    CHECK_FALSE(Assembler::fits_unscaled(256));
}

}  // namespace
}  // namespace bpftime::aarch64
