// Arithmetic and byte order on x86-64.
#include <bit>

#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime::ubpf::x86_64 {

namespace {

constexpr bool is_shift(AluOp op) { return op == AluOp::Lsh || op == AluOp::Rsh || op == AluOp::Arsh; }

// Bits that `a op b` can have at most, for operands of at most `a` and `b` bits.
int result_bits(AluOp op, int w, int a, int b, std::uint64_t imm, bool has_imm) {
    switch (op) {
        case AluOp::Add: return std::min(w, std::max(a, b) + 1);
        case AluOp::Mul: return std::min(w, a + b);
        case AluOp::Div: return a;
        case AluOp::Mod: return a;
        case AluOp::Or:
        case AluOp::Xor: return std::max(a, b);
        case AluOp::And: return std::min(a, b);
        case AluOp::Mov: return b;
        case AluOp::Rsh: return has_imm ? std::max(0, a - static_cast<int>(imm & static_cast<unsigned>(w - 1))) : a;
        case AluOp::Lsh: return has_imm ? std::min(w, a + static_cast<int>(imm & static_cast<unsigned>(w - 1))) : w;
        default: return w;
    }
}

}  // namespace

std::uint32_t Lowering::alu(std::uint32_t slot, const Insn& i, const OpInfo& row) {
    const AluOp op = row.alu();
    const int w = row.width;
    if ((op == AluOp::Mov || op == AluOp::Lsh) && fold_extension(slot, i)) return slot;
    if (w == 64 && fold_address(slot)) return slot;
    if (op == AluOp::Mov && row.source == Source::Reg && fold_rotate(slot, i, w)) return slot;
    if (op == AluOp::Mov && (row.source == Source::Reg ? fold_move(slot, i, w) : fold_set(slot, i))) return slot;

    const bool has_imm = row.source == Source::Imm;
    const auto imm = w == 64 ? static_cast<std::uint64_t>(i.imm) : static_cast<std::uint32_t>(i.imm);
    const int a = known_bits(i.dst, w), b = has_imm ? std::bit_width(imm) : known_bits(i.src, w);
    if (has_imm) {
        alu_imm(i, op, w);
    } else {
        alu_reg(i, op, w);
    }
    know_bits(i.dst, result_bits(op, w, a, b, imm, has_imm));
    return slot + 1;
}

void Lowering::alu_imm(const Insn& i, AluOp op, int w) {
    const Reg d = reg(i.dst);
    const auto imm = static_cast<std::int32_t>(i.imm);
    switch (op) {
        case AluOp::Mov: return move_imm(d, w == 64 ? static_cast<std::uint64_t>(i.imm) : static_cast<std::uint32_t>(i.imm));
        case AluOp::Mul: return multiply_imm(d, d, w, imm);
        case AluOp::Lsh:
        case AluOp::Rsh:
        case AluOp::Arsh: return shift_imm(op, w, i.dst, imm & (w - 1));
        case AluOp::Div:
        case AluOp::SDiv:
        case AluOp::Mod:
        case AluOp::SMod: return divide_imm(i, op, w);
        case AluOp::And: return and_imm(i.dst, w, imm);
        default: break;
    }
    if (imm == 0) return truncate(i.dst, w);  // what is left are add, sub, or, xor
    switch (op) {
        case AluOp::Add: imm == 128 ? a_.sub_imm(w, d, -128) : a_.add_imm(w, d, imm); break;
        case AluOp::Sub: imm == 128 ? a_.add_imm(w, d, -128) : a_.sub_imm(w, d, imm); break;
        case AluOp::Or: a_.or_imm(w, d, imm); break;
        case AluOp::Xor:
            if (imm == -1) return a_.not_(w, d);  // leaves flags alone
            a_.xor_imm(w, d, imm);
            break;
        default: return;
    }
    flags_tell(i.dst, w);
}

void Lowering::alu_reg(const Insn& i, AluOp op, int w) {
    const Reg d = reg(i.dst), s = reg(i.src);
    switch (op) {
        case AluOp::Mov: return move_reg(i, w);
        case AluOp::AddrSpaceCast: return move_reg(i, 64);
        case AluOp::MovSx8: return a_.movsx8(w, d, s);
        case AluOp::MovSx16: return a_.movsx16(w, d, s);
        case AluOp::MovSx32: return a_.movsxd(d, s);
        case AluOp::Mul: return a_.imul(w, d, s);
        case AluOp::Lsh:
        case AluOp::Rsh:
        case AluOp::Arsh: return shift_reg(op, w, d, s);
        case AluOp::Div:
        case AluOp::SDiv:
        case AluOp::Mod:
        case AluOp::SMod: return divide_reg(i, op, w);
        case AluOp::Add: a_.add(w, d, s); break;
        case AluOp::Sub: a_.sub(w, d, s); break;
        case AluOp::Or: a_.or_(w, d, s); break;
        case AluOp::And: a_.and_(w, d, s); break;
        case AluOp::Xor: a_.xor_(w, d, s); break;
        case AluOp::Neg: a_.neg(w, d); break;
    }
    flags_tell(i.dst, w);
}

// ---- Single instructions ------------------------------------------------------------------------------------------------

void Lowering::move_imm(Reg d, std::uint64_t value) {
    if (value == 0) {
        a_.zero(d);
    } else {
        a_.mov_imm(d, value);
    }
}

void Lowering::move_reg(const Insn& i, int w) {
    if (i.dst == i.src) return truncate(i.dst, w);
    a_.mov(known_bits(i.src) <= 32 ? 32 : w, reg(i.dst), reg(i.src));
}

// Clears what lies above `w` bits, if anything does.
void Lowering::truncate(int dst, int w) {
    if (w == 32 && known_bits(dst) > 32) a_.mov(32, reg(dst), reg(dst));
}

void Lowering::and_imm(int dst, int w, std::int32_t imm) {
    const Reg d = reg(dst);
    const bool low_mask = imm >= 0 && ((imm + std::int64_t{1}) & imm) == 0;  // 2^n - 1
    if (imm == -1 || (low_mask && known_bits(dst) <= static_cast<int>(std::bit_width(static_cast<std::uint32_t>(imm))))) return truncate(dst, w);
    if (imm == 0) return a_.zero(d);
    if (imm == 0xff) return a_.movzx8(d, d);
    if (imm == 0xffff) return a_.movzx16(d, d);
    a_.and_imm(imm > 0 ? 32 : w, d, imm);
    flags_tell(dst, imm > 0 ? 32 : w);
}

void Lowering::multiply_imm(Reg d, Reg s, int w, std::int32_t imm) {
    if (imm == 0) return a_.zero(d);
    if (imm == 3 || imm == 5 || imm == 9) {
        const auto shift = static_cast<std::uint8_t>(std::countr_zero(static_cast<unsigned>(imm - 1)));
        return a_.lea(w, d, {.base = s, .index = s, .shift = shift});
    }
    if (imm > 0 && std::has_single_bit(static_cast<unsigned>(imm))) {
        const int count = std::countr_zero(static_cast<unsigned>(imm));
        if (d != s || (w == 32 && count == 0)) a_.mov(w, d, s);
        if (count != 0) a_.shl_imm(w, d, static_cast<std::uint8_t>(count));
        return;
    }
    a_.imul_imm(w, d, s, imm);
}

void Lowering::shift_imm(AluOp op, int w, int dst, int count) {
    const Reg d = reg(dst);
    const auto n = static_cast<std::uint8_t>(count);
    if (n == 0) return truncate(dst, w);
    if (op == AluOp::Lsh) a_.shl_imm(w, d, n);
    if (op == AluOp::Rsh) a_.shr_imm(w, d, n);
    if (op == AluOp::Arsh) a_.sar_imm(w, d, n);
    flags_tell(dst, w);
}

void Lowering::shift_reg(AluOp op, int w, Reg d, Reg count) {
    if (job_.features & kBmi2) {
        if (op == AluOp::Lsh) a_.shlx(w, d, d, count);
        if (op == AluOp::Rsh) a_.shrx(w, d, d, count);
        if (op == AluOp::Arsh) a_.sarx(w, d, d, count);
        return;
    }
    const Reg shifted = d == rcx && count != rcx ? r11 : d;
    if (count != rcx) {
        a_.mov(64, r11, rcx);
        a_.mov(32, rcx, count);
    }
    if (op == AluOp::Lsh) a_.shl_cl(w, shifted);
    if (op == AluOp::Rsh) a_.shr_cl(w, shifted);
    if (op == AluOp::Arsh) a_.sar_cl(w, shifted);
    if (count != rcx) a_.mov(64, rcx, r11);
}

void Lowering::endian(const Insn& i, EndianOp op, int w) {
    const Reg d = reg(i.dst);
    if (op == EndianOp::ToLe) {
        if (w == 16 && known_bits(i.dst) > 16) a_.movzx16(d, d);
        if (w == 32) truncate(i.dst, 32);
    } else if (w == 16) {
        a_.rol16_imm(d, 8);
        if (known_bits(i.dst) > 16) a_.movzx16(d, d);
    } else {
        a_.bswap(w, d);
    }
    know_bits(i.dst, op == EndianOp::ToLe ? known_bits(i.dst, w) : w);
}

// ---- Fused instructions -------------------------------------------------------------------------------------------------

// Shifting left and right by the same count extends the low 32, 16 or 8 bits; a move into the register may come before.
bool Lowering::fold_extension(std::uint32_t& slot, const Insn& i) {
    const bool moves = (i.op == Op::Mov64Reg || i.op == Op::Mov32Reg) && follows(slot + 1, Op::Lsh64Imm);
    const std::uint32_t left = moves ? slot + 1 : slot;
    if (insn(left).op != Op::Lsh64Imm || !follows(left + 1)) return false;
    const Insn& lsh = insn(left);
    const Insn& rsh = insn(left + 1);
    const bool is_signed = rsh.op == Op::Arsh64Imm;
    if ((!is_signed && rsh.op != Op::Rsh64Imm) || lsh.dst != i.dst || rsh.dst != i.dst || lsh.imm != rsh.imm) return false;
    const Reg d = reg(i.dst), s = reg(moves ? i.src : i.dst);
    const int from = known_bits(moves ? i.src : i.dst);
    switch (lsh.imm) {
        case 32:
            if (is_signed) {
                a_.movsxd(d, s);
            } else if (d != s || from > 32) {
                a_.mov(32, d, s);
            }
            break;
        case 48: is_signed ? a_.movsx16(64, d, s) : a_.movzx16(d, s); break;
        case 56: is_signed ? a_.movsx8(64, d, s) : a_.movzx8(d, s); break;
        default: return false;
    }
    know_bits(i.dst, is_signed ? 64 : std::min(from, 64 - static_cast<int>(lsh.imm)));
    slot = left + 2;
    return true;
}

// T = X; T >>= w - n; X <<= n; X |= T (or with the shifts exchanged): X rotated left by n, if T is not needed any more.
bool Lowering::fold_rotate(std::uint32_t& slot, const Insn& i, int w) {
    if (i.dst == i.src || !follows(slot + 1) || !follows(slot + 2) || !follows(slot + 3)) return false;
    const Insn& first = insn(slot + 1);
    const Insn& second = insn(slot + 2);
    const Insn& merge = insn(slot + 3);
    const Op left = w == 64 ? Op::Lsh64Imm : Op::Lsh32Imm, right = w == 64 ? Op::Rsh64Imm : Op::Rsh32Imm;
    const bool shifts = (first.op == left && second.op == right) || (first.op == right && second.op == left);
    if (!shifts || first.dst != i.dst || second.dst != i.src || first.imm < 1 || first.imm >= w || first.imm + second.imm != w) return false;
    if (merge.op != (w == 64 ? Op::Or64Reg : Op::Or32Reg) || merge.dst != i.src || merge.src != i.dst || !dead(slot + 4, i.dst)) return false;
    a_.rol_imm(w, reg(i.src), static_cast<std::uint8_t>(first.op == left ? first.imm : second.imm));
    know_bits(i.src, w);
    slot += 4;
    return true;
}

// A move and the operation on the moved value that follows it, where one instruction does both.
bool Lowering::fold_move(std::uint32_t& slot, const Insn& i, int w) {
    if (i.dst == i.src || !follows(slot + 1)) return false;
    const Insn& next = insn(slot + 1);
    const OpInfo& row = info(next.op);
    if (next.dst != i.dst || row.family != Family::Alu || row.width != w) return false;
    const Reg d = reg(i.dst), s = reg(i.src);
    const auto imm = static_cast<std::int32_t>(next.imm);
    int bits = w;
    if (row.source == Source::Imm && row.alu() == AluOp::Mul) {
        multiply_imm(d, s, w, imm);
    } else if (next.op == Op::Add32Imm) {
        a_.lea(32, d, {.base = s, .disp = imm});
    } else if (next.op == Op::Add32Reg && next.src != i.dst) {
        a_.lea(32, d, {.base = s, .index = reg(next.src)});
    } else if (row.source == Source::Imm && row.alu() == AluOp::And && imm == 0xff) {
        a_.movzx8(d, s);
        bits = 8;
    } else if (row.source == Source::Imm && row.alu() == AluOp::And && imm == 0xffff) {
        a_.movzx16(d, s);
        bits = 16;
    } else if ((job_.features & kBmi2) && row.source == Source::Reg && is_shift(row.alu()) && next.src != i.dst) {
        if (row.alu() == AluOp::Lsh) a_.shlx(w, d, s, reg(next.src));
        if (row.alu() == AluOp::Rsh) a_.shrx(w, d, s, reg(next.src));
        if (row.alu() == AluOp::Arsh) a_.sarx(w, d, s, reg(next.src));
    } else {
        return false;
    }
    know_bits(i.dst, bits);
    slot += 2;
    return true;
}

}  // namespace bpftime::ubpf::x86_64
