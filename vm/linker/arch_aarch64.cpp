// AArch64: "ELF for the Arm 64-bit Architecture", section "Relocation", static relocations.
#include <elf.h>

#include <cstring>

#include "vm/linker/target.h"

namespace bpftime::aot {

namespace {

template <class T>
bool store(std::uint8_t* at, T value) {
    std::memcpy(at, &value, sizeof value);
    return true;
}

std::uint64_t page(std::uint64_t address) { return address & ~std::uint64_t{0xfff}; }

bool fits(std::uint64_t value, int bits) {
    const auto number = static_cast<std::int64_t>(value);
    return number >= -(std::int64_t{1} << (bits - 1)) && number < (std::int64_t{1} << (bits - 1));
}

// Replaces `width` bits of the instruction from bit `low` on.
bool insert(const Place& p, std::uint64_t field, int low, int width) {
    std::uint32_t insn;
    std::memcpy(&insn, p.bytes, sizeof insn);
    const std::uint32_t mask = ((1u << width) - 1) << low;
    insn = (insn & ~mask) | ((static_cast<std::uint32_t>(field) << low) & mask);
    return store(p.bytes, insn);
}

// ADR and ADRP keep the two low bits of their immediate at bit 29 and the other nineteen at bit 5.
bool insert_adr(const Place& p, std::uint64_t value) { return insert(p, value, 29, 2) && insert(p, value >> 2, 5, 19); }

std::uint64_t target(const Place& p, std::uint64_t s) { return s + static_cast<std::uint64_t>(p.addend); }

bool absolute64(const Place& p, std::uint64_t s) { return store(p.bytes, target(p, s)); }

bool absolute32(const Place& p, std::uint64_t s) {
    const auto value = static_cast<std::int64_t>(target(p, s));
    return value >= INT32_MIN && value <= std::int64_t{UINT32_MAX} && store(p.bytes, static_cast<std::uint32_t>(value));
}

bool relative64(const Place& p, std::uint64_t s) { return store(p.bytes, target(p, s) - p.address); }

bool relative32(const Place& p, std::uint64_t s) {
    const auto value = target(p, s) - p.address;
    return fits(value, 32) && store(p.bytes, static_cast<std::uint32_t>(value));
}

// A distance in instructions in a field of `Width` bits from bit 5 or, of a branch, bit 0 on.
template <int Width, int Low>
bool branch(const Place& p, std::uint64_t s) {
    const auto value = target(p, s) - p.address;
    return fits(value, Width + 2) && value % 4 == 0 && insert(p, value >> 2, Low, Width);
}

bool adr(const Place& p, std::uint64_t s) {
    const auto value = target(p, s) - p.address;
    return fits(value, 21) && insert_adr(p, value);
}

bool adrp_unchecked(const Place& p, std::uint64_t s) {
    return insert_adr(p, (page(target(p, s)) - page(p.address)) >> 12);
}

bool adrp(const Place& p, std::uint64_t s) {
    return fits(page(target(p, s)) - page(p.address), 33) && adrp_unchecked(p, s);
}

// The low 12 bits, in units of the access of 2^Scale bytes.
template <int Scale>
bool low12(const Place& p, std::uint64_t s) {
    const auto value = target(p, s) & 0xfff;
    return value % (1u << Scale) == 0 && insert(p, value >> Scale, 10, 12);
}

// Slots hold S alone, so an addend cannot be honoured; compilers emit none.
bool got_page(const Place& p, std::uint64_t g) { return p.addend == 0 && adrp(p, g); }
bool got_low12(const Place& p, std::uint64_t g) { return p.addend == 0 && low12<3>(p, g); }
bool got_literal(const Place& p, std::uint64_t g) { return p.addend == 0 && branch<19, 5>(p, g); }

// clang-format off
constexpr RelocationKind kRelocations[] = {
    // A 64-bit, and a 32-bit, address.
    {R_AARCH64_ABS64, "R_AARCH64_ABS64", Via::Symbol, 8, "S + A", "any value", absolute64},
    {R_AARCH64_ABS32, "R_AARCH64_ABS32", Via::Symbol, 4, "S + A", "32 bits", absolute32},
    // Distances from the field.
    {R_AARCH64_PREL64, "R_AARCH64_PREL64", Via::Symbol, 8, "S + A - P", "any value", relative64},
    {R_AARCH64_PREL32, "R_AARCH64_PREL32", Via::Symbol, 4, "S + A - P", "32 signed bits", relative32},
    // bl and b, which may go through a stub.
    {R_AARCH64_CALL26, "R_AARCH64_CALL26", Via::Branch, 4, "S + A - P", "28 signed bits, a multiple of 4", branch<26, 0>},
    {R_AARCH64_JUMP26, "R_AARCH64_JUMP26", Via::Branch, 4, "S + A - P", "28 signed bits, a multiple of 4", branch<26, 0>},
    // b.cond, cbz; tbz; ldr (literal).
    {R_AARCH64_CONDBR19, "R_AARCH64_CONDBR19", Via::Symbol, 4, "S + A - P", "21 signed bits, a multiple of 4", branch<19, 5>},
    {R_AARCH64_TSTBR14, "R_AARCH64_TSTBR14", Via::Symbol, 4, "S + A - P", "16 signed bits, a multiple of 4", branch<14, 5>},
    {R_AARCH64_LD_PREL_LO19, "R_AARCH64_LD_PREL_LO19", Via::Symbol, 4, "S + A - P", "21 signed bits, a multiple of 4", branch<19, 5>},
    // adr; adrp; adrp where the code reaches any distance.
    {R_AARCH64_ADR_PREL_LO21, "R_AARCH64_ADR_PREL_LO21", Via::Symbol, 4, "S + A - P", "21 signed bits", adr},
    {R_AARCH64_ADR_PREL_PG_HI21, "R_AARCH64_ADR_PREL_PG_HI21", Via::Symbol, 4, "Page(S + A) - Page(P)", "33 signed bits", adrp},
    {R_AARCH64_ADR_PREL_PG_HI21_NC, "R_AARCH64_ADR_PREL_PG_HI21_NC", Via::Symbol, 4, "Page(S + A) - Page(P)", "any value", adrp_unchecked},
    // add; loads and stores by size: the offset in the page that adrp found.
    {R_AARCH64_ADD_ABS_LO12_NC, "R_AARCH64_ADD_ABS_LO12_NC", Via::Symbol, 4, "S + A", "any value", low12<0>},
    {R_AARCH64_LDST8_ABS_LO12_NC, "R_AARCH64_LDST8_ABS_LO12_NC", Via::Symbol, 4, "S + A", "any value", low12<0>},
    {R_AARCH64_LDST16_ABS_LO12_NC, "R_AARCH64_LDST16_ABS_LO12_NC", Via::Symbol, 4, "S + A", "a multiple of 2", low12<1>},
    {R_AARCH64_LDST32_ABS_LO12_NC, "R_AARCH64_LDST32_ABS_LO12_NC", Via::Symbol, 4, "S + A", "a multiple of 4", low12<2>},
    {R_AARCH64_LDST64_ABS_LO12_NC, "R_AARCH64_LDST64_ABS_LO12_NC", Via::Symbol, 4, "S + A", "a multiple of 8", low12<3>},
    {R_AARCH64_LDST128_ABS_LO12_NC, "R_AARCH64_LDST128_ABS_LO12_NC", Via::Symbol, 4, "S + A", "a multiple of 16", low12<4>},
    // adrp and ldr of a slot that holds the address.
    {R_AARCH64_ADR_GOT_PAGE, "R_AARCH64_ADR_GOT_PAGE", Via::Got, 4, "Page(G(GDAT(S))) - Page(P)", "33 signed bits, A = 0", got_page},
    {R_AARCH64_LD64_GOT_LO12_NC, "R_AARCH64_LD64_GOT_LO12_NC", Via::Got, 4, "G(GDAT(S))", "a multiple of 8, A = 0", got_low12},
    // ldr (literal) of such a slot, in the tiny code model.
    {R_AARCH64_GOT_LD_PREL19, "R_AARCH64_GOT_LD_PREL19", Via::Got, 4, "G(GDAT(S)) - P", "21 signed bits, a multiple of 4, A = 0", got_literal},
};
// clang-format on

template <std::size_t Words>
void store_code(std::uint8_t* at, const std::uint32_t (&code)[Words]) {
    std::memcpy(at, code, sizeof code);
}

void write_stub(std::uint8_t* at, std::uint64_t to) {
    // clang-format off
    static constexpr std::uint32_t kCode[] = {
        0x58000050,  // 0 ldr x16, 8
        0xd61f0200,  // 4 br x16
    };
    // clang-format on
    store_code(at, kCode);
    store(at + 8, to);
}

void write_lookup(std::uint8_t* at, std::uint64_t function, std::uint64_t table) {
    // clang-format off
    static constexpr std::uint32_t kCode[] = {
        0x58000081,  //  0 ldr x1, 16
        0x580000b0,  //  4 ldr x16, 24
        0xd61f0200,  //  8 br x16
        0xd503201f,  // 12 nop
    };
    // clang-format on
    store_code(at, kCode);
    store(at + 16, table);
    store(at + 24, function);
}

void write_dispatch(std::uint8_t* at, std::uint64_t table, std::uint32_t limit) {
    // clang-format off
    const std::uint32_t code[] = {
        0xf100001f | limit << 10,  //  0 cmp x0, #limit
        0x54000142,                //  4 b.hs 44
        0x58000190,                //  8 ldr x16, 56
        0xf8607a10,                // 12 ldr x16, [x16, x0, lsl #3]
        0xb40000f0,                // 16 cbz x16, 44
        0xaa0103e0,                // 20 mov x0, x1
        0xaa0203e1,                // 24 mov x1, x2
        0xaa0303e2,                // 28 mov x2, x3
        0xaa0403e3,                // 32 mov x3, x4
        0xaa0503e4,                // 36 mov x4, x5
        0xd61f0200,                // 40 br x16
        0x928002a0,                // 44 mov x0, #-EINVAL
        0xd65f03c0,                // 48 ret
        0xd503201f,                // 52 nop
    };
    // clang-format on
    store_code(at, code);
    store(at + 56, table);
}

}  // namespace

constinit const Target kAArch64 = {EM_AARCH64, "aarch64", 4, kRelocations, write_stub, write_lookup, write_dispatch};

}  // namespace bpftime::aot
