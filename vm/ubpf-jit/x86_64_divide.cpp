// Division on x86-64. By a constant: shifts or multiplication. By a register: div and idiv, which take rdx:rax, trap on a zero
// divisor and on the smallest number by -1, and are slow on 64 bits, so these cases are told apart first.
#include <bit>

#include "vm/ubpf-jit/division.h"
#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime::ubpf::x86_64 {

// ---- By a constant ------------------------------------------------------------------------------------------------------

void Lowering::divide_imm(const Insn& i, AluOp op, int w) {
    const bool remainder = op == AluOp::Mod || op == AluOp::SMod;
    if (i.imm == 0) return remainder ? truncate(i.dst, w) : a_.zero(reg(i.dst));
    if (op == AluOp::SDiv || op == AluOp::SMod) return divide_signed_imm(i, remainder, w);
    divide_unsigned_imm(i, remainder, w);
}

void Lowering::divide_unsigned_imm(const Insn& i, bool remainder, int w) {
    const Reg d = reg(i.dst);
    const auto divisor = w == 64 ? static_cast<std::uint64_t>(i.imm) : static_cast<std::uint32_t>(i.imm);
    if (std::has_single_bit(divisor)) {
        if (!remainder) return shift_imm(AluOp::Rsh, w, i.dst, std::countr_zero(divisor));
        if (fits32(static_cast<std::int64_t>(divisor - 1))) return and_imm(i.dst, w, static_cast<std::int32_t>(divisor - 1));
        a_.mov_imm(r11, divisor - 1);  // only 2^63
        return a_.and_(64, d, r11);
    }
    if (known_bits(i.dst) <= 32 && divisor >> 32 == 0) w = 32;
    truncate(i.dst, w);
    quotient(d, r11, divisor, w);
    if (!remainder) return a_.mov(w, d, r11);
    if (fits32(static_cast<std::int64_t>(divisor))) {
        a_.imul_imm(w, r11, r11, static_cast<std::int32_t>(divisor));
    } else {
        a_.mov_imm(r10, divisor);
        a_.imul(w, r11, r10);
    }
    a_.sub(w, d, r11);
}

// q = n / divisor for any other constant. q is r11; r9 and r10 are lost; n, which is zero-extended from w bits, survives.
void Lowering::quotient(Reg n, Reg q, std::uint64_t divisor, int w) {
    const Reciprocal r = reciprocal(divisor, w);
    if (w == 32) {
        a_.mov_imm(q, r.multiplier);
        a_.imul(64, q, n);
        a_.shr_imm(64, q, static_cast<std::uint8_t>(r.add ? 32 : 32 + r.shift));
    } else {
        a_.mov(64, r9, rax);
        a_.mov(64, r10, rdx);
        if (n == rax) {
            a_.mov_imm(rdx, r.multiplier);
            a_.mul(64, rdx);
        } else {
            a_.mov_imm(rax, r.multiplier);
            a_.mul(64, n);
        }
        a_.mov(64, q, rdx);
        a_.mov(64, rdx, r10);
        a_.mov(64, rax, r9);
        if (!r.add && r.shift != 0) a_.shr_imm(64, q, static_cast<std::uint8_t>(r.shift));
    }
    if (!r.add) return;
    a_.mov(w, r10, n);
    a_.sub(w, r10, q);
    a_.shr_imm(w, r10, 1);
    a_.add(w, q, r10);
    if (r.shift != 0) a_.shr_imm(w, q, static_cast<std::uint8_t>(r.shift));
}

void Lowering::divide_signed_imm(const Insn& i, bool remainder, int w) {
    const Reg d = reg(i.dst);
    if (i.imm == 1) return remainder ? a_.zero(d) : truncate(i.dst, w);
    if (i.imm == -1) return remainder ? a_.zero(d) : a_.neg(w, d);
    const auto magnitude = static_cast<std::uint64_t>(i.imm);
    if (i.imm > 0 && std::has_single_bit(magnitude)) {
        // Rounding towards zero: add 2^n - 1 to a negative dividend before shifting.
        const auto n = static_cast<std::uint8_t>(std::countr_zero(magnitude));
        a_.mov(w, r11, d);
        a_.sar_imm(w, r11, static_cast<std::uint8_t>(w - 1));
        a_.shr_imm(w, r11, static_cast<std::uint8_t>(w - n));
        a_.add(w, r11, d);
        if (!remainder) return a_.sar_imm(w, r11, n), a_.mov(w, d, r11);
        a_.and_imm(w, r11, -static_cast<std::int32_t>(magnitude));
        return a_.sub(w, d, r11);
    }
    a_.mov_imm(r11, w == 64 ? static_cast<std::uint64_t>(i.imm) : static_cast<std::uint32_t>(i.imm));
    divide_machine(i, true, remainder, w);
}

// ---- By a register ------------------------------------------------------------------------------------------------------

void Lowering::divide_reg(const Insn& i, AluOp op, int w) {
    const bool is_signed = op == AluOp::SDiv || op == AluOp::SMod;
    const bool remainder = op == AluOp::Mod || op == AluOp::SMod;
    const Reg d = reg(i.dst);
    if (!is_signed && std::max(known_bits(i.dst), known_bits(i.src)) <= 32) w = 32;
    if (remainder) truncate(i.dst, w);
    a_.mov(w, r11, reg(i.src));
    a_.test(w, r11, r11);
    if (!remainder) a_.cmov(Cond::E, w, d, r11);  // by zero: 0
    const std::uint32_t by_zero = a_.jcc_short(Cond::E);
    if (!is_signed) {
        divide_machine(i, false, remainder, w);
        return a_.patch8_here(by_zero);
    }
    a_.cmp_imm(w, r11, -1);
    const std::uint32_t ordinary = a_.jcc_short(Cond::NE);
    if (remainder) {
        a_.zero(d);
    } else {
        a_.neg(w, d);
    }
    const std::uint32_t done = a_.jmp_short();
    a_.patch8_here(ordinary);
    divide_machine(i, true, remainder, w);
    a_.patch8_here(by_zero);
    a_.patch8_here(done);
}

// dst = dst / r11 or dst % r11, where the machine's instruction does not trap. r9 and r10 are lost.
void Lowering::divide_machine(const Insn& i, bool is_signed, bool remainder, int w) {
    const Reg d = reg(i.dst);
    const std::uint32_t next = slot_of(i) + 1;
    const bool keep_rax = d != rax && !dead(next, 0), keep_rdx = d != rdx && !dead(next, 3);
    if (keep_rax) a_.mov(64, r10, rax);
    if (keep_rdx) a_.mov(64, r9, rdx);
    if (d != rax) a_.mov(w, rax, d);
    if (is_signed) {
        a_.sign_extend_rax(w);
        a_.idiv(w, r11);
    } else if (w == 32) {
        a_.zero(rdx);
        a_.div(32, r11);
    } else {  // both below 2^32: the short division is twice as fast
        a_.mov(64, rdx, rax);
        a_.or_(64, rdx, r11);
        a_.shr_imm(64, rdx, 32);
        const std::uint32_t narrow = a_.jcc_short(Cond::E);
        a_.zero(rdx);
        a_.div(64, r11);
        const std::uint32_t done = a_.jmp_short();
        a_.patch8_here(narrow);
        a_.div(32, r11);
        a_.patch8_here(done);
    }
    const Reg result = remainder ? rdx : rax;
    if (d != result) a_.mov(w, d, result);
    if (keep_rax) a_.mov(64, rax, r10);
    if (keep_rdx) a_.mov(64, rdx, r9);
}

}  // namespace bpftime::ubpf::x86_64
