// AArch64 instructions as words (Arm ARM, A64 base instruction set), operands in assembly order. Writes where it is told; the
// caller guarantees room and operands in range (the encodable*/fits* functions say what that is).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

namespace bpftime::aarch64 {

// 31 is the stack pointer or the zero register, depending on the instruction.
enum class Reg : std::uint8_t {
    x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24,
    x25, x26, x27, x28, x29, x30, sp, zr = sp
};
using enum Reg;

enum class Cond : std::uint8_t { EQ, NE, HS, LO, MI, PL, VS, VC, HI, LS, GE, LT, GT, LE };
constexpr Cond invert(Cond c) { return static_cast<Cond>(static_cast<std::uint8_t>(c) ^ 1); }

// An unsigned 12-bit immediate, optionally shifted left by 12: what add, sub, cmp and cmn take.
constexpr bool encodable_add(std::uint64_t value) { return value < 4096 || ((value & 4095) == 0 && value < (4096u << 12)); }

// The N:immr:imms field (13 bits) of a bitmask immediate: a rotated run of ones, repeated. None for 0, ~0 and all else.
constexpr std::optional<std::uint32_t> encode_bitmask(int w, std::uint64_t value) {
    if (w == 32) value = (value & 0xffffffff) | value << 32;
    if (value == 0 || ~value == 0) return std::nullopt;
    int size = 64;
    while (size > 2 && (value >> (size / 2) ^ value) << (64 - size / 2) == 0) size /= 2;
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - size);
    const std::uint64_t element = value & mask;
    const int ones = std::popcount(element);
    for (int rotation = 0; rotation < size; ++rotation) {  // value = (ones low bits) rotated right by `rotation`
        const std::uint64_t run = (std::uint64_t{1} << ones) - 1;
        const std::uint64_t rotated = (run >> rotation | (rotation == 0 ? 0 : run << (size - rotation))) & mask;
        if (rotated != element) continue;
        const auto n = static_cast<std::uint32_t>(size == 64);
        const auto imms = static_cast<std::uint32_t>((~(size * 2 - 1) & 0x3f) | (ones - 1));
        return n << 12 | static_cast<std::uint32_t>(rotation) << 6 | imms;
    }
    return std::nullopt;
}

constexpr bool fits_signed(std::int64_t value, int bits) { return value >= -(1LL << (bits - 1)) && value < 1LL << (bits - 1); }

// What a branch's displacement field looks like; each counts words from the branch itself.
enum class Field : std::uint8_t { Imm26, Imm19, Imm14, Adr };

// `w` is the operand width in bits, 32 or 64.
class Assembler {
public:
    explicit Assembler(std::uint8_t* out) : begin_(out), at_(out) {}

    std::uint32_t position() const { return static_cast<std::uint32_t>(at_ - begin_); }
    std::uint8_t* begin() const { return begin_; }

    // Moves and constants.
    void mov(int w, Reg d, Reg m) { orr(w, d, zr, m); }
    void mov_sp(Reg d, Reg s) { add_imm(64, d, s, 0); }
    void movz(int w, Reg d, std::uint16_t imm, int shift = 0) { wide(w, 0x52800000, d, imm, shift); }
    void movn(int w, Reg d, std::uint16_t imm, int shift = 0) { wide(w, 0x12800000, d, imm, shift); }
    void movk(int w, Reg d, std::uint16_t imm, int shift = 0) { wide(w, 0x72800000, d, imm, shift); }
    void mov_imm(Reg d, std::uint64_t value) {  // shortest sequence, at most four instructions
        if ((value >> 32) == 0 && encode_bitmask(32, value) && (value & 0xffff) != 0 && (value >> 16) != 0 &&
            (value >> 16) != 0xffff && (value & 0xffff) != 0xffff)
            return logical_imm(32, 0x32000000, d, zr, value);
        if ((value >> 32) == 0) return mov_halves(32, d, value);
        if (encode_bitmask(64, value)) return logical_imm(64, 0x32000000, d, zr, value);
        mov_halves(64, d, value);
    }
    void adr(Reg d, std::int32_t offset) {
        const auto u = static_cast<std::uint32_t>(offset);
        word(0x10000000 | (u & 3) << 29 | (u >> 2 & 0x7ffff) << 5 | n(d));
    }

    // Arithmetic. *_imm takes what encodable_add or encode_bitmask accept.
    void add(int w, Reg d, Reg a, Reg b, int lsl = 0) { three(w, 0x0b000000, d, a, b, lsl); }
    void sub(int w, Reg d, Reg a, Reg b, int lsl = 0) { three(w, 0x4b000000, d, a, b, lsl); }
    void subs(int w, Reg d, Reg a, Reg b) { three(w, 0x6b000000, d, a, b); }
    void cmp(int w, Reg a, Reg b) { subs(w, zr, a, b); }
    void and_(int w, Reg d, Reg a, Reg b) { three(w, 0x0a000000, d, a, b); }
    void orr(int w, Reg d, Reg a, Reg b) { three(w, 0x2a000000, d, a, b); }
    void eor(int w, Reg d, Reg a, Reg b) { three(w, 0x4a000000, d, a, b); }
    void mvn(int w, Reg d, Reg m) { three(w, 0x2a200000, d, zr, m); }
    void tst(int w, Reg a, Reg b) { three(w, 0x6a000000, zr, a, b); }
    void add_sxtw(Reg d, Reg a, Reg b) { word(0x8b20c000 | n(b) << 16 | n(a) << 5 | n(d)); }
    void add_imm(int w, Reg d, Reg a, std::uint32_t imm) { add_sub_imm(w, 0x11000000, d, a, imm); }
    void sub_imm(int w, Reg d, Reg a, std::uint32_t imm) { add_sub_imm(w, 0x51000000, d, a, imm); }
    void subs_imm(int w, Reg d, Reg a, std::uint32_t imm) { add_sub_imm(w, 0x71000000, d, a, imm); }
    void cmp_imm(int w, Reg a, std::uint32_t imm) { subs_imm(w, zr, a, imm); }
    void cmn_imm(int w, Reg a, std::uint32_t imm) { add_sub_imm(w, 0x31000000, zr, a, imm); }
    void and_imm(int w, Reg d, Reg a, std::uint64_t imm) { logical_imm(w, 0x12000000, d, a, imm); }
    void orr_imm(int w, Reg d, Reg a, std::uint64_t imm) { logical_imm(w, 0x32000000, d, a, imm); }
    void eor_imm(int w, Reg d, Reg a, std::uint64_t imm) { logical_imm(w, 0x52000000, d, a, imm); }
    void tst_imm(int w, Reg a, std::uint64_t imm) { logical_imm(w, 0x72000000, zr, a, imm); }
    void neg(int w, Reg d, Reg m) { sub(w, d, zr, m); }
    void mul(int w, Reg d, Reg a, Reg b) { four(w, 0x1b000000, d, a, b, zr); }
    void msub(int w, Reg d, Reg a, Reg b, Reg from) { four(w, 0x1b008000, d, a, b, from); }  // from - a * b
    void umull(Reg d, Reg a, Reg b) { four(64, 0x1ba00000, d, a, b, zr); }
    void umulh(Reg d, Reg a, Reg b) { four(64, 0x1bc00000, d, a, b, zr); }
    void udiv(int w, Reg d, Reg a, Reg b) { three(w, 0x1ac00800, d, a, b); }  // x / 0 = 0
    void sdiv(int w, Reg d, Reg a, Reg b) { three(w, 0x1ac00c00, d, a, b); }
    void lslv(int w, Reg d, Reg a, Reg b) { three(w, 0x1ac02000, d, a, b); }
    void lsrv(int w, Reg d, Reg a, Reg b) { three(w, 0x1ac02400, d, a, b); }
    void asrv(int w, Reg d, Reg a, Reg b) { three(w, 0x1ac02800, d, a, b); }

    // Shifts by constants, extensions and byte order.
    void lsl_imm(int w, Reg d, Reg s, int count) { bitfield(w, 0x53000000, d, s, (w - count) & (w - 1), w - 1 - count); }
    void lsr_imm(int w, Reg d, Reg s, int count) { bitfield(w, 0x53000000, d, s, count, w - 1); }
    void asr_imm(int w, Reg d, Reg s, int count) { bitfield(w, 0x13000000, d, s, count, w - 1); }
    void ubfx(int w, Reg d, Reg s, int low, int width) { bitfield(w, 0x53000000, d, s, low, low + width - 1); }
    void sign_extend(int w, Reg d, Reg s, int bits) { bitfield(w, 0x13000000, d, s, 0, bits - 1); }
    void zero_extend(Reg d, Reg s, int bits) { bitfield(32, 0x53000000, d, s, 0, bits - 1); }  // 8 or 16
    void rev16(Reg d, Reg s) { word(0x5ac00400 | n(s) << 5 | n(d)); }
    void rev(int w, Reg d, Reg s) { word((w == 64 ? 0xdac00c00 : 0x5ac00800) | n(s) << 5 | n(d)); }

    // Memory; `bits` 8, 16, 32 or 64, load_signed 8, 16 or 32 to 64.
    static constexpr bool fits_scaled(int bits, std::int64_t off) {
        return off >= 0 && (off & (bits / 8 - 1)) == 0 && off / (bits / 8) < 4096;
    }
    static constexpr bool fits_unscaled(std::int64_t off) { return fits_signed(off, 9); }
    void load(int bits, Reg d, Reg base, std::int32_t off) { mem(bits, 1, d, base, off); }
    void load_signed(int bits, Reg d, Reg base, std::int32_t off) { mem(bits, 2, d, base, off); }
    void store(int bits, Reg s, Reg base, std::int32_t off) { mem(bits, 0, s, base, off); }
    void load(int bits, Reg d, Reg base, Reg index) { mem_index(bits, 1, d, base, index); }
    void load_signed(int bits, Reg d, Reg base, Reg index) { mem_index(bits, 2, d, base, index); }
    void store(int bits, Reg s, Reg base, Reg index) { mem_index(bits, 0, s, base, index); }
    void stp_pre(Reg a, Reg b, Reg base, int off) { pair(0xa9800000, a, b, base, off); }
    void stp(Reg a, Reg b, Reg base, int off) { pair(0xa9000000, a, b, base, off); }
    void ldp_post(Reg a, Reg b, Reg base, int off) { pair(0xa8c00000, a, b, base, off); }
    void ldp(Reg a, Reg b, Reg base, int off) { pair(0xa9400000, a, b, base, off); }

    // Atomics: exclusive access with the address alone; acquire and release access.
    void ldxr(int bits, Reg d, Reg base) { word(size(bits) << 30 | 0x085f7c00 | n(base) << 5 | n(d)); }
    void stxr(int bits, Reg status, Reg s, Reg base) {
        word(size(bits) << 30 | 0x08007c00 | n(status) << 16 | n(base) << 5 | n(s));
    }
    void stlxr(int bits, Reg status, Reg s, Reg base) {
        word(size(bits) << 30 | 0x0800fc00 | n(status) << 16 | n(base) << 5 | n(s));
    }
    void ldar(int bits, Reg d, Reg base) { word(size(bits) << 30 | 0x08dffc00 | n(base) << 5 | n(d)); }
    void stlr(int bits, Reg s, Reg base) { word(size(bits) << 30 | 0x089ffc00 | n(base) << 5 | n(s)); }
    void dmb_ish() { word(0xd5033bbf); }

    // Control. Displacements are in bytes from the branch; those not yet known are patched.
    void b(std::int64_t off = 0) { word(0x14000000 | field(off, 26)); }
    void bl(std::int64_t off = 0) { word(0x94000000 | field(off, 26)); }
    void b_cond(Cond c, std::int64_t off = 0) { word(0x54000000 | field(off, 19) << 5 | static_cast<std::uint32_t>(c)); }
    void cbz(int w, Reg r, std::int64_t off = 0) { word(sf(w) | 0x34000000 | field(off, 19) << 5 | n(r)); }
    void cbnz(int w, Reg r, std::int64_t off = 0) { word(sf(w) | 0x35000000 | field(off, 19) << 5 | n(r)); }
    void br(Reg r) { word(0xd61f0000 | n(r) << 5); }
    void blr(Reg r) { word(0xd63f0000 | n(r) << 5); }
    void ret() { word(0xd65f03c0); }
    void nop() { word(0xd503201f); }

    static constexpr bool reaches(Field f, std::int64_t off) {
        switch (f) {
            case Field::Imm26: return fits_signed(off, 28);
            case Field::Imm19: return fits_signed(off, 21);
            case Field::Imm14: return fits_signed(off, 16);
            case Field::Adr: return fits_signed(off, 21);
        }
        return false;
    }
    // Sets the displacement of the branch or adr at `at`, which reaches `target`.
    void patch(Field f, std::uint32_t at, std::uint32_t target) {
        const std::int64_t off = static_cast<std::int64_t>(target) - at;
        std::uint32_t bits = 0;
        switch (f) {
            case Field::Imm26: bits = field(off, 26); break;
            case Field::Imm19: bits = field(off, 19) << 5; break;
            case Field::Imm14: bits = field(off, 14) << 5; break;
            case Field::Adr:
                bits = (static_cast<std::uint32_t>(off) & 3) << 29 | (static_cast<std::uint32_t>(off >> 2) & 0x7ffff) << 5;
                break;
        }
        std::uint32_t insn;
        std::memcpy(&insn, begin_ + at, 4);
        insn |= bits;
        std::memcpy(begin_ + at, &insn, 4);
    }

    // Sets the 16-bit immediate, so far 0, of the movz or movk at `at`.
    void set_wide(std::uint32_t at, std::uint16_t imm) {
        std::uint32_t insn;
        std::memcpy(&insn, begin_ + at, 4);
        insn |= std::uint32_t{imm} << 5;
        std::memcpy(begin_ + at, &insn, 4);
    }

    void u64(std::uint64_t value) { std::memcpy(at_, &value, 8), at_ += 8; }

private:
    static constexpr std::uint32_t n(Reg r) { return static_cast<std::uint32_t>(r); }
    static constexpr std::uint32_t sf(int w) { return w == 64 ? 0x80000000 : 0; }
    static constexpr std::uint32_t size(int bits) { return static_cast<std::uint32_t>(std::countr_zero(static_cast<unsigned>(bits)) - 3); }
    static constexpr std::uint32_t field(std::int64_t off, int bits) {
        return static_cast<std::uint32_t>(off >> 2) & ((1u << bits) - 1);
    }

    void word(std::uint32_t insn) { std::memcpy(at_, &insn, 4), at_ += 4; }
    void three(int w, std::uint32_t op, Reg d, Reg a, Reg b, int lsl = 0) {
        word(sf(w) | op | n(b) << 16 | static_cast<std::uint32_t>(lsl) << 10 | n(a) << 5 | n(d));
    }
    void four(int w, std::uint32_t op, Reg d, Reg a, Reg b, Reg c) {
        word(sf(w) | op | n(b) << 16 | n(c) << 10 | n(a) << 5 | n(d));
    }
    void add_sub_imm(int w, std::uint32_t op, Reg d, Reg a, std::uint32_t imm) {
        const std::uint32_t bits = imm < 4096 ? imm << 10 : 1u << 22 | (imm >> 12) << 10;
        word(sf(w) | op | bits | n(a) << 5 | n(d));
    }
    void logical_imm(int w, std::uint32_t op, Reg d, Reg a, std::uint64_t imm) {
        word(sf(w) | op | *encode_bitmask(w, imm) << 10 | n(a) << 5 | n(d));
    }
    void wide(int w, std::uint32_t op, Reg d, std::uint16_t imm, int shift) {
        word(sf(w) | op | static_cast<std::uint32_t>(shift / 16) << 21 | static_cast<std::uint32_t>(imm) << 5 | n(d));
    }
    // movz or movn, whichever leaves fewer halves, then movk.
    void mov_halves(int w, Reg d, std::uint64_t value) {
        int zeros = 0, ones = 0;
        for (int shift = 0; shift < w; shift += 16) {
            const auto half = static_cast<std::uint16_t>(value >> shift);
            zeros += half == 0, ones += half == 0xffff;
        }
        const std::uint16_t fill = ones > zeros ? 0xffff : 0;
        bool first = true;
        for (int shift = 0; shift < w; shift += 16) {
            const auto half = static_cast<std::uint16_t>(value >> shift);
            if (half == fill) continue;
            if (!first) {
                movk(w, d, half, shift);
            } else if (fill != 0) {
                movn(w, d, static_cast<std::uint16_t>(~half), shift);
            } else {
                movz(w, d, half, shift);
            }
            first = false;
        }
        if (!first) return;
        if (fill != 0) {
            movn(w, d, 0);
        } else {
            movz(w, d, 0);
        }
    }
    void bitfield(int w, std::uint32_t op, Reg d, Reg s, int immr, int imms) {
        word(sf(w) | op | (w == 64 ? 1u << 22 : 0) | static_cast<std::uint32_t>(immr) << 16 |
             static_cast<std::uint32_t>(imms) << 10 | n(s) << 5 | n(d));
    }
    // kind: 0 store, 1 load, 2 load and sign-extend to 64 bits.
    void mem(int bits, std::uint32_t kind, Reg t, Reg base, std::int32_t off) {
        const std::uint32_t op = size(bits) << 30 | 0x38000000 | kind << 22 | n(base) << 5 | n(t);
        if (fits_scaled(bits, off)) {
            word(op | 0x01000000 | static_cast<std::uint32_t>(off / (bits / 8)) << 10);
        } else {
            word(op | (static_cast<std::uint32_t>(off) & 0x1ff) << 12);
        }
    }
    void mem_index(int bits, std::uint32_t kind, Reg t, Reg base, Reg index) {
        word(size(bits) << 30 | 0x38206800 | kind << 22 | n(index) << 16 | n(base) << 5 | n(t));
    }
    void pair(std::uint32_t op, Reg a, Reg b, Reg base, int off) {
        word(op | (static_cast<std::uint32_t>(off / 8) & 0x7f) << 15 | n(b) << 10 | n(base) << 5 | n(a));
    }

    std::uint8_t* begin_;
    std::uint8_t* at_;
};

}  // namespace bpftime::aarch64
