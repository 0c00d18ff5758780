// The decoder: every row of isa.def survives a round trip, and each structural rule refuses what breaks it.
#include "test/catch.h"

#include "vm/core/decode.h"
#include "vm/core/program.h"

using namespace bpftime;

namespace {

std::vector<RawInsn> code(std::initializer_list<RawInsn> insns) { return insns; }
constexpr RawInsn kExit{.opcode = 0x95};

std::string decode_error(std::initializer_list<RawInsn> insns) {
    const auto result = decode(std::span<const RawInsn>(code(insns)));
    return result ? "accepted" : to_string(result.error());
}

std::string validate_error(std::initializer_list<RawInsn> insns, std::size_t maps = 0) {
    const auto decoded = decode(std::span<const RawInsn>(code(insns)));
    REQUIRE(decoded);
    const auto result = validate(*decoded, maps);
    return result ? "accepted" : to_string(result.error());
}

// An encoding of the row with every field that it uses filled in.
std::vector<RawInsn> sample(const OpInfo& row) {
    RawInsn raw{.opcode = row.opcode, .registers = 0x21, .off = 4, .imm = 7};
    const auto clear_src = [&] { raw.registers &= 0x0f; };
    switch (row.family) {
        case Family::Alu:
            raw.off = static_cast<std::int16_t>(row.selector);
            if (row.source != Source::Reg) clear_src();
            if (row.source != Source::Imm) raw.imm = row.alu() == AluOp::AddrSpaceCast ? 1 : 0;
            break;
        case Family::Endian: raw = {.opcode = row.opcode, .registers = 1, .imm = row.selector}; break;
        case Family::Jump:
        case Family::Store:
            if (row.source == Source::Imm) clear_src();
            else raw.imm = 0;
            break;
        case Family::Load: raw.imm = 0; break;
        case Family::Atomic: raw.imm = row.selector; break;
        case Family::Lddw:
            raw.registers = static_cast<std::uint8_t>(row.selector << 4 | 1);
            raw.off = 0;
            return {raw, {.imm = row.lddw() == LddwKind::MapValue || row.lddw() == LddwKind::MapValueByIdx ? 9 : 0}};
        case Family::Packet:
            raw.off = 0;
            raw.registers = row.source == Source::Reg ? 0x20 : 0;
            break;
        case Family::Control:
            raw = {.opcode = row.opcode, .registers = static_cast<std::uint8_t>(row.selector << 4)};
            if (row.shape() == Shape::JumpOff) raw.off = 3;
            if (row.shape() == Shape::JumpImm || row.shape() == Shape::CallId || row.shape() == Shape::CallIdOff) raw.imm = 3;
            if (row.shape() == Shape::CallReg) raw.registers = 2;
            break;
        case Family::High: break;
    }
    return {raw};
}

}  // namespace

TEST_CASE("every row of the table decodes to itself and encodes back") {
    for (std::size_t op = 0; op + 1 < kOpCount; ++op) {
        const auto raw = sample(kOpTable[op]);
        const auto decoded = decode(std::span<const RawInsn>(raw));
        INFO(kOpTable[op].name << ": " << (decoded ? "" : to_string(decoded.error())));
        REQUIRE(decoded);
        CHECK(static_cast<std::size_t>((*decoded)[0].op) == op);
        CHECK(encode(*decoded) == raw);
    }
}

TEST_CASE("every byte pattern of a first slot either decodes and encodes back or is refused") {
    std::uint64_t state = 1;
    std::size_t accepted = 0;
    for (int i = 0; i < 300'000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        RawInsn raw{.opcode = static_cast<std::uint8_t>(i), .registers = static_cast<std::uint8_t>(state >> 40)};
        if (state >> 63) raw.off = static_cast<std::int16_t>((state >> 20) % 34);
        if (state >> 62 & 1) raw.imm = static_cast<std::int32_t>((state >> 8) % 0x112);
        const std::vector<RawInsn> both{raw, {.imm = 0}};
        const auto decoded = decode(std::span<const RawInsn>(both.data(), raw.opcode == 0x18 ? 2 : 1));
        if (!decoded) continue;
        ++accepted;
        CHECK(encode(*decoded)[0] == raw);
    }
    CHECK(accepted > 1000);
}

TEST_CASE("the decoder names what it refuses") {
    CHECK(decode_error({}) == "the program has no instructions");
    CHECK(decode_error({{.opcode = 0xff}}) == "instruction 0: unknown opcode 0xff");
    CHECK(decode_error({kExit, {.opcode = 0xb7, .registers = 0x0b}}) == "instruction 1: register r11 does not exist");
    CHECK(decode_error({{.opcode = 0xb7, .registers = 0x0a}}) == "instruction 0: the frame pointer r10 is read-only");
    CHECK(decode_error({{.opcode = 0xdb, .registers = 0xa1, .imm = 1}}) == "instruction 0: the frame pointer r10 is read-only");
    CHECK(decode_error({{.opcode = 0xb7, .off = 3}}) == "instruction 0: opcode 0xb7 has no meaning with off 3");
    CHECK(decode_error({{.opcode = 0x07, .registers = 0x10}}) == "instruction 0: reserved field src of Add64Imm is not zero");
    CHECK(decode_error({{.opcode = 0x18}}) == "instruction 0: lddw lacks its second half");
    CHECK(decode_error({{.opcode = 0x18}, kExit}) == "instruction 1: second half of lddw has fields that are not zero");
    CHECK(decode_error({{.opcode = 0xbf, .registers = 0x21, .off = 1, .imm = 5}}) ==
          "instruction 0: addr_space_cast between unknown address spaces");
    const std::vector<std::uint8_t> odd(12);
    CHECK(to_string(decode(std::span<const std::uint8_t>(odd)).error()) == "the program's length of 12 bytes is not a multiple of 8");
}

TEST_CASE("validation names what does not hold between instructions") {
    CHECK(validate_error({{.opcode = 0x05, .off = 1}, kExit}) == "instruction 0: jump to slot 2 leaves the function (slots 0 to 1)");
    CHECK(validate_error({{.opcode = 0x05, .off = 1}, {.opcode = 0x18}, {}, kExit}) == "instruction 0: jump to slot 2 lands inside an lddw");
    CHECK(validate_error({{.opcode = 0xb7}}) == "instruction 0: control falls off the end of the function");
    CHECK(validate_error({{.opcode = 0x05, .off = -1}}) == "instruction 0: no exit can be reached from here: the program would never end");
    CHECK(validate_error({{.opcode = 0x85, .imm = 999}, kExit}) == "instruction 0: helper 999 is unknown");
    CHECK(validate_error({{.opcode = 0x85, .registers = 0x10, .imm = 7}, kExit}) == "instruction 0: call to slot 8, which is not an instruction");
    CHECK(validate_error({{.opcode = 0x85, .registers = 0x10, .imm = -1}, kExit}) == "instruction 0: recursive call");
    CHECK(validate_error({{.opcode = 0x18, .registers = 0x11, .imm = 2}, {}, kExit}, 2) ==
          "instruction 0: map reference 2 is outside the program's 2 maps");
    CHECK(validate_error({{.opcode = 0x18, .registers = 0x11, .imm = 1}, {}, kExit}, 2) == "accepted");
    CHECK(validate_error({{.opcode = 0x85, .registers = 0x10, .imm = 1}, kExit, {.opcode = 0x05, .off = -3}}) ==
          "instruction 2: jump to slot 0 leaves the function (slots 2 to 2)");
}

TEST_CASE("calls nest eight frames deep and no deeper") {
    const auto chain = [](int frames) {
        std::vector<RawInsn> insns;
        for (int i = 0; i < frames; ++i) {
            if (i + 1 < frames) insns.push_back({.opcode = 0x85, .registers = 0x10, .imm = 1});
            insns.push_back(kExit);
        }
        return validate(decode(std::span<const RawInsn>(insns)).value(), 0);
    };
    REQUIRE(chain(8));
    CHECK(chain(8)->size() == 8);
    REQUIRE_FALSE(chain(9));
    CHECK(chain(9).error().cause == "calls nest 9 frames deep, more than 8");
}

TEST_CASE("a loop with a way out is accepted, a trap behind a branch is not") {
    // r0 = 0; loop: r0 += 1; if r0 < 9 goto loop; exit
    CHECK(validate_error({{.opcode = 0xb7}, {.opcode = 0x07, .imm = 1}, {.opcode = 0xa5, .off = -2, .imm = 9}, kExit}) == "accepted");
    CHECK(validate_error({{.opcode = 0x15, .off = 1}, {.opcode = 0x05, .off = -1}, kExit}) ==
          "instruction 1: no exit can be reached from here: the program would never end");
}

TEST_CASE("a million instructions decode and validate, one more does not") {
    std::vector<RawInsn> insns(kMaxInsns, {.opcode = 0x07, .imm = 1});
    insns.back() = kExit;
    const auto decoded = decode(std::span<const RawInsn>(insns));
    REQUIRE(decoded);
    CHECK(validate(*decoded, 0));
    insns.push_back(kExit);
    CHECK(decode(std::span<const RawInsn>(insns)).error().errnum == E2BIG);
}
