// x86-64 instructions as bytes (Intel SDM volume 2), in Intel operand order: destination first. Writes where it is told;
// the caller guarantees room, at most kMaxLength bytes an instruction.
#pragma once

#include <cstdint>
#include <cstring>

namespace bpftime::x86_64 {

enum class Reg : std::uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, none };
using enum Reg;

enum class Cond : std::uint8_t { O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G };
constexpr Cond invert(Cond c) { return static_cast<Cond>(static_cast<std::uint8_t>(c) ^ 1); }

// base + index * 2^shift + disp. `index` is never rsp.
struct Mem {
    Reg base = none;
    std::int32_t disp = 0;
    Reg index = none;
    std::uint8_t shift = 0;
};

inline constexpr int kMaxLength = 15;

constexpr bool fits8(std::int64_t value) { return value == static_cast<std::int8_t>(value); }
constexpr bool fits32(std::int64_t value) { return value == static_cast<std::int32_t>(value); }

// `w` is the operand width in bits, 32 or 64 unless the name says otherwise; 32-bit results clear the upper half.
class Assembler {
public:
    explicit Assembler(std::uint8_t* out) : begin_(out), at_(out) {}

    std::uint32_t position() const { return static_cast<std::uint32_t>(at_ - begin_); }
    std::uint8_t* begin() const { return begin_; }

    // Moves and constants.
    void mov(int w, Reg d, Reg s) { rr(w, 0x89, s, d); }
    void mov_imm(Reg d, std::uint64_t value) {  // shortest form that leaves flags alone
        if (value <= 0xffffffff) {
            plain(32, 0xb8, d), u32(static_cast<std::uint32_t>(value));
        } else if (fits32(static_cast<std::int64_t>(value))) {
            rr_digit(64, 0xc7, 0, d), u32(static_cast<std::uint32_t>(value));
        } else {
            plain(64, 0xb8, d), u64(value);
        }
    }
    void zero(Reg d) { xor_(32, d, d); }
    void movzx8(Reg d, Reg s) { rr(32, 0x0fb6, d, s, byte_reg(s)); }
    void movzx16(Reg d, Reg s) { rr(32, 0x0fb7, d, s); }
    void movsx8(int w, Reg d, Reg s) { rr(w, 0x0fbe, d, s, byte_reg(s)); }
    void movsx16(int w, Reg d, Reg s) { rr(w, 0x0fbf, d, s); }
    void movsxd(Reg d, Reg s) { rr(64, 0x63, d, s); }
    void cmov(Cond c, int w, Reg d, Reg s) { rr(w, 0x0f40 | static_cast<std::uint8_t>(c), d, s); }
    void set(Cond c, Reg d) { rr(32, 0x0f90 | static_cast<std::uint8_t>(c), Reg{}, d, byte_reg(d)); }  // low byte only
    void lea(int w, Reg d, const Mem& m) { rm(w, 0x8d, n(d), m); }
    // lea d, [rip + rel32]; returns the position of the displacement, which counts from its end.
    std::uint32_t lea_rip(Reg d) { return at_ = put_opcode(at_, rex_bits(64, n(d), 0, 0), false, 0x8d), byte(lo(d) << 3 | 5), rel32(); }

    // Memory. load: zero-extends from 8, 16, 32 or 64 bits; load_signed from 8, 16 or 32 to 64.
    void load(int bits, Reg d, const Mem& m) {
        static constexpr std::uint16_t kOpcodes[] = {0x0fb6, 0x0fb7, 0x8b, 0x8b};
        rm(bits == 64 ? 64 : 32, kOpcodes[log2_bytes(bits)], n(d), m);
    }
    void load_signed(int bits, Reg d, const Mem& m) {
        static constexpr std::uint16_t kOpcodes[] = {0x0fbe, 0x0fbf, 0x63};
        rm(64, kOpcodes[log2_bytes(bits)], n(d), m);
    }
    void store(int bits, const Mem& m, Reg s) {
        if (bits == 16) byte(0x66);
        rm(bits == 64 ? 64 : 32, bits == 8 ? 0x88 : 0x89, n(s), m, bits == 8 && byte_reg(s));
    }
    void store_imm(int bits, const Mem& m, std::int32_t imm) {
        if (bits == 16) byte(0x66);
        rm(bits == 64 ? 64 : 32, bits == 8 ? 0xc6 : 0xc7, 0, m);
        if (bits == 8) byte(static_cast<std::uint8_t>(imm));
        if (bits == 16) u16(static_cast<std::uint16_t>(imm));
        if (bits >= 32) u32(static_cast<std::uint32_t>(imm));
    }

    // Arithmetic.
    void add(int w, Reg d, Reg s) { rr(w, 0x01, s, d); }
    void or_(int w, Reg d, Reg s) { rr(w, 0x09, s, d); }
    void and_(int w, Reg d, Reg s) { rr(w, 0x21, s, d); }
    void sub(int w, Reg d, Reg s) { rr(w, 0x29, s, d); }
    void xor_(int w, Reg d, Reg s) { rr(w, 0x31, s, d); }
    void cmp(int w, Reg d, Reg s) { rr(w, 0x39, s, d); }
    void test(int w, Reg d, Reg s) { rr(w, 0x85, s, d); }
    void add_imm(int w, Reg d, std::int32_t imm) { group1(w, 0, d, imm); }
    void or_imm(int w, Reg d, std::int32_t imm) { group1(w, 1, d, imm); }
    void and_imm(int w, Reg d, std::int32_t imm) { group1(w, 4, d, imm); }
    void sub_imm(int w, Reg d, std::int32_t imm) { group1(w, 5, d, imm); }
    void xor_imm(int w, Reg d, std::int32_t imm) { group1(w, 6, d, imm); }
    void cmp_imm(int w, Reg d, std::int32_t imm) { group1(w, 7, d, imm); }
    void test_imm(int w, Reg d, std::int32_t imm) {
        if (d == rax) {
            plain(w, 0xa9, rax);
        } else {
            rr_digit(w, 0xf7, 0, d);
        }
        u32(static_cast<std::uint32_t>(imm));
    }
    void test8_imm(Reg d, std::uint8_t imm) {  // low byte only
        if (d == rax) {
            byte(0xa8);
        } else {
            rr(32, 0xf6, Reg{}, d, byte_reg(d));
        }
        byte(imm);
    }
    // Arithmetic with a memory source.
    void add(int w, Reg d, const Mem& s) { rm(w, 0x03, n(d), s); }
    void or_(int w, Reg d, const Mem& s) { rm(w, 0x0b, n(d), s); }
    void and_(int w, Reg d, const Mem& s) { rm(w, 0x23, n(d), s); }
    void sub(int w, Reg d, const Mem& s) { rm(w, 0x2b, n(d), s); }
    void xor_(int w, Reg d, const Mem& s) { rm(w, 0x33, n(d), s); }
    void cmp(int w, Reg d, const Mem& s) { rm(w, 0x3b, n(d), s); }
    void imul(int w, Reg d, const Mem& s) { rm(w, 0x0faf, n(d), s); }

    void imul(int w, Reg d, Reg s) { rr(w, 0x0faf, d, s); }
    void imul_imm(int w, Reg d, Reg s, std::int32_t imm) {
        rr(w, fits8(imm) ? 0x6b : 0x69, d, s);
        imm8_or_32(imm);
    }
    void mul(int w, Reg s) { rr_digit(w, 0xf7, 4, s); }    // rdx:rax = rax * s
    void div(int w, Reg s) { rr_digit(w, 0xf7, 6, s); }    // rax, rdx = rdx:rax / s, unsigned
    void idiv(int w, Reg s) { rr_digit(w, 0xf7, 7, s); }
    void sign_extend_rax(int w) { plain(w, 0x99, rax); }  // cdq, cqo
    void not_(int w, Reg d) { rr_digit(w, 0xf7, 2, d); }
    void neg(int w, Reg d) { rr_digit(w, 0xf7, 3, d); }
    void bswap(int w, Reg d) { plain(w, 0x0fc8, d); }
    void rol16_imm(Reg d, std::uint8_t count) { byte(0x66), rr_digit(32, 0xc1, 0, d), byte(count); }
    void dec64(const Mem& m) { rm(64, 0xff, 1, m); }

    // Shifts: by a constant, by cl, and (BMI2) by any register.
    void rol_imm(int w, Reg d, std::uint8_t count) { shift_imm(w, 0, d, count); }
    void shl_imm(int w, Reg d, std::uint8_t count) { shift_imm(w, 4, d, count); }
    void shr_imm(int w, Reg d, std::uint8_t count) { shift_imm(w, 5, d, count); }
    void sar_imm(int w, Reg d, std::uint8_t count) { shift_imm(w, 7, d, count); }
    void shl_cl(int w, Reg d) { rr_digit(w, 0xd3, 4, d); }
    void shr_cl(int w, Reg d) { rr_digit(w, 0xd3, 5, d); }
    void sar_cl(int w, Reg d) { rr_digit(w, 0xd3, 7, d); }
    void shlx(int w, Reg d, Reg s, Reg count) { vex_shift(w, 1, d, s, count); }
    void sarx(int w, Reg d, Reg s, Reg count) { vex_shift(w, 2, d, s, count); }
    void shrx(int w, Reg d, Reg s, Reg count) { vex_shift(w, 3, d, s, count); }

    // Atomic read-modify-write.
    void lock_add(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x01, n(s), m); }
    void lock_or(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x09, n(s), m); }
    void lock_and(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x21, n(s), m); }
    void lock_xor(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x31, n(s), m); }
    void lock_xadd(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x0fc1, n(s), m); }
    void lock_cmpxchg(int w, const Mem& m, Reg s) { byte(0xf0), rm(w, 0x0fb1, n(s), m); }
    void xchg(int w, const Mem& m, Reg s) { rm(w, 0x87, n(s), m); }

    // Control. Functions that return a position give that of the displacement to patch, which counts from its end.
    std::uint32_t jmp_short() { return byte(0xeb), rel8(); }
    std::uint32_t jmp_near() { return byte(0xe9), rel32(); }
    std::uint32_t jcc_short(Cond c) { return byte(0x70 | static_cast<std::uint8_t>(c)), rel8(); }
    std::uint32_t jcc_near(Cond c) { return byte(0x0f), byte(0x80 | static_cast<std::uint8_t>(c)), rel32(); }
    std::uint32_t call_near() { return byte(0xe8), rel32(); }
    void call(Reg target) { rr_digit(32, 0xff, 2, target); }
    void jmp(Reg target) { rr_digit(32, 0xff, 4, target); }
    void ret() { byte(0xc3); }
    void push(Reg r) { plain(32, 0x50, r); }
    void pop(Reg r) { plain(32, 0x58, r); }
    void ret_and_pop(std::uint16_t bytes) { byte(0xc2), u16(bytes); }
    void push(const Mem& m) { rm(32, 0xff, 6, m); }
    void pushf() { byte(0x9c); }
    void popf() { byte(0x9d); }
    void cld() { byte(0xfc); }
    void leave() { byte(0xc9); }
    void endbr64() { u32(0xfa1e0ff3); }

    void patch8(std::uint32_t at, std::uint32_t target) { begin_[at] = static_cast<std::uint8_t>(target - (at + 1)); }
    void patch32(std::uint32_t at, std::uint32_t target) {
        const std::uint32_t distance = target - (at + 4);
        std::memcpy(begin_ + at, &distance, 4);
    }
    void patch8_here(std::uint32_t at) { patch8(at, position()); }

    // Pads to a multiple of `alignment` with the recommended long nops.
    void align(std::uint32_t alignment) { nops(-position() & (alignment - 1)); }
    void nops(std::uint32_t count) {
        static constexpr std::uint8_t kNop9[] = {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};
        static constexpr std::uint8_t kNops[8][8] = {{0x90},
                                                     {0x66, 0x90},
                                                     {0x0f, 0x1f, 0x00},
                                                     {0x0f, 0x1f, 0x40, 0},
                                                     {0x0f, 0x1f, 0x44, 0, 0},
                                                     {0x66, 0x0f, 0x1f, 0x44, 0, 0},
                                                     {0x0f, 0x1f, 0x80, 0, 0, 0, 0},
                                                     {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}};
        for (; count >= 9; count -= 9) put(kNop9, 9);
        if (count != 0) put(kNops[count - 1], count);
    }
    void u8(std::uint8_t value) { byte(value); }
    void u64(std::uint64_t value) { put(&value, 8); }

private:
    static constexpr std::uint8_t n(Reg r) { return static_cast<std::uint8_t>(r); }
    static constexpr std::uint8_t lo(Reg r) { return n(r) & 7; }
    // spl, bpl, sil and dil need a REX prefix, or they would mean ah, ch, dh and bh.
    static constexpr bool byte_reg(Reg r) { return n(r) >= 4; }
    static constexpr int log2_bytes(int bits) { return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3; }

    void put(const void* bytes, std::size_t count) { std::memcpy(at_, bytes, count), at_ += count; }
    void byte(int value) { *at_++ = static_cast<std::uint8_t>(value); }
    void u16(std::uint16_t value) { put(&value, 2); }
    void u32(std::uint32_t value) { put(&value, 4); }
    std::uint32_t rel8() { return byte(0), position() - 1; }
    std::uint32_t rel32() { return u32(0), position() - 4; }
    void imm8_or_32(std::int32_t imm) {
        if (fits8(imm)) {
            byte(imm);
        } else {
            u32(static_cast<std::uint32_t>(imm));
        }
    }

    // Instructions are put together through a local pointer: a store of bytes could alias at_ itself.
    static constexpr std::uint8_t* put_opcode(std::uint8_t* p, int rex_bits, bool force_rex, int op) {
        *p = static_cast<std::uint8_t>(0x40 | rex_bits);
        p += rex_bits != 0 || force_rex;
        if (op > 0xff) *p++ = static_cast<std::uint8_t>(op >> 8);
        *p++ = static_cast<std::uint8_t>(op);
        return p;
    }
    static constexpr int rex_bits(int w, int reg, int index, int base) {
        return (w == 64 ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
    }
    // An opcode that needs no ModRM byte but may name a register in its low bits.
    void plain(int w, int op, Reg r) { at_ = put_opcode(at_, rex_bits(w, 0, 0, n(r)), false, op | lo(r)); }
    // Register operands: `reg` in ModRM.reg, `rm_reg` in ModRM.rm.
    void rr(int w, int op, Reg reg, Reg rm_reg, bool force_rex = false) {
        std::uint8_t* p = put_opcode(at_, rex_bits(w, n(reg), 0, n(rm_reg)), force_rex, op);
        *p++ = static_cast<std::uint8_t>(0xc0 | lo(reg) << 3 | lo(rm_reg));
        at_ = p;
    }
    void rr_digit(int w, int op, int digit, Reg r) { rr(w, op, static_cast<Reg>(digit), r); }
    void rm(int w, int op, int reg, const Mem& m, bool force_rex = false) {
        const bool indexed = m.index != none;
        std::uint8_t* p = put_opcode(at_, rex_bits(w, reg, indexed ? n(m.index) : 0, n(m.base)), force_rex, op);
        const int mod = m.disp == 0 && lo(m.base) != 5 ? 0 : fits8(m.disp) ? 1 : 2;
        const bool sib = indexed || lo(m.base) == 4;
        *p++ = static_cast<std::uint8_t>(mod << 6 | (reg & 7) << 3 | (sib ? 4 : lo(m.base)));
        if (sib) *p++ = static_cast<std::uint8_t>(m.shift << 6 | (indexed ? lo(m.index) : 4) << 3 | lo(m.base));
        if (mod != 0) {
            std::memcpy(p, &m.disp, 4);
            p += mod == 1 ? 1 : 4;
        }
        at_ = p;
    }
    void group1(int w, int digit, Reg d, std::int32_t imm) {
        if (fits8(imm)) {
            rr_digit(w, 0x83, digit, d), byte(imm);
        } else if (d == rax) {
            plain(w, digit << 3 | 5, rax), u32(static_cast<std::uint32_t>(imm));
        } else {
            rr_digit(w, 0x81, digit, d), u32(static_cast<std::uint32_t>(imm));
        }
    }
    void shift_imm(int w, int digit, Reg d, std::uint8_t count) {
        if (count == 1) return rr_digit(w, 0xd1, digit, d);
        rr_digit(w, 0xc1, digit, d), byte(count);
    }
    // VEX.LZ.pp.0F38.W F7 /r
    void vex_shift(int w, int pp, Reg d, Reg s, Reg count) {
        byte(0xc4), byte((n(d) < 8 ? 0x80 : 0) | 0x40 | (n(s) < 8 ? 0x20 : 0) | 2);
        byte((w == 64 ? 0x80 : 0) | (~n(count) & 15) << 3 | pp), byte(0xf7), byte(0xc0 | lo(d) << 3 | lo(s));
    }

    std::uint8_t* begin_;
    std::uint8_t* at_;
};

}  // namespace bpftime::x86_64
