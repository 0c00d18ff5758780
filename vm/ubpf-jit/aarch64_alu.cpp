// Arithmetic and byte order on AArch64. Division needs no special cases: the machine's rules for zero and for the smallest
// number by -1 are BPF's.
#include <bit>

#include "vm/ubpf-jit/aarch64_lowering.h"

namespace bpftime::ubpf::aarch64 {

std::uint32_t Lowering::alu(std::uint32_t slot, const Insn& i, const OpInfo& row) {
    const AluOp op = row.alu();
    if ((op == AluOp::Mov || op == AluOp::Lsh) && fold_extension(slot, i)) return slot;
    if (op == AluOp::Mov && row.source == Source::Reg && fold_move(slot, i, row.width)) return slot;
    if (row.source == Source::Imm) {
        alu_imm(op, row.width, reg(i.dst), reg(i.dst), i.imm);
    } else {
        alu_reg(op, row.width, reg(i.dst), reg(i.dst), reg(i.src));
    }
    return slot + 1;
}

// ---- Single instructions ------------------------------------------------------------------------------------------------

void Lowering::alu_imm(AluOp op, int w, Reg d, Reg n, std::int64_t imm) {
    const std::uint64_t value = w == 64 ? static_cast<std::uint64_t>(imm) : static_cast<std::uint32_t>(imm);
    switch (op) {
        case AluOp::Mov: return a_.mov_imm(d, value);
        case AluOp::Add: return add_imm(w, d, n, imm);
        case AluOp::Sub: return add_imm(w, d, n, -imm);
        case AluOp::Lsh:
        case AluOp::Rsh:
        case AluOp::Arsh: return shift_imm(op, w, d, n, static_cast<int>(imm & (w - 1)));
        case AluOp::Div:
        case AluOp::SDiv:
        case AluOp::Mod:
        case AluOp::SMod: return divide_imm(op, w, d, n, imm);
        case AluOp::Mul:
            if (std::has_single_bit(value)) return shift_imm(AluOp::Lsh, w, d, n, std::countr_zero(value));
            break;
        case AluOp::Or:
            if (encode_bitmask(w, value)) return a_.orr_imm(w, d, n, value);
            break;
        case AluOp::And:
            if (encode_bitmask(w, value)) return a_.and_imm(w, d, n, value);
            break;
        case AluOp::Xor:
            if (encode_bitmask(w, value)) return a_.eor_imm(w, d, n, value);
            break;
        default: break;
    }
    a_.mov_imm(x9, value);
    alu_reg(op, w, d, n, x9);
}

void Lowering::alu_reg(AluOp op, int w, Reg d, Reg n, Reg m) {
    switch (op) {
        case AluOp::Add: return a_.add(w, d, n, m);
        case AluOp::Sub: return a_.sub(w, d, n, m);
        case AluOp::Mul: return a_.mul(w, d, n, m);
        case AluOp::Or: return a_.orr(w, d, n, m);
        case AluOp::And: return a_.and_(w, d, n, m);
        case AluOp::Xor: return a_.eor(w, d, n, m);
        case AluOp::Lsh: return a_.lslv(w, d, n, m);
        case AluOp::Rsh: return a_.lsrv(w, d, n, m);
        case AluOp::Arsh: return a_.asrv(w, d, n, m);
        case AluOp::Div: return a_.udiv(w, d, n, m);
        case AluOp::SDiv: return a_.sdiv(w, d, n, m);
        case AluOp::Mod: return a_.udiv(w, x10, n, m), a_.msub(w, d, x10, m, n);
        case AluOp::SMod: return a_.sdiv(w, x10, n, m), a_.msub(w, d, x10, m, n);
        case AluOp::Neg: return a_.neg(w, d, n);
        case AluOp::Mov: return truncate(w, d, m);
        case AluOp::AddrSpaceCast: return truncate(64, d, m);
        case AluOp::MovSx8: return a_.sign_extend(w, d, m, 8);
        case AluOp::MovSx16: return a_.sign_extend(w, d, m, 16);
        case AluOp::MovSx32: return a_.sign_extend(64, d, m, 32);
    }
}

// d = n, cut to `w` bits.
void Lowering::truncate(int w, Reg d, Reg n) {
    if (w == 32 || d != n) a_.mov(w, d, n);
}

void Lowering::add_imm(int w, Reg d, Reg n, std::int64_t imm) {
    if (imm == 0) return truncate(w, d, n);
    const auto value = static_cast<std::uint64_t>(imm);
    if (encodable_add(value)) return a_.add_imm(w, d, n, static_cast<std::uint32_t>(value));
    if (encodable_add(-value)) return a_.sub_imm(w, d, n, static_cast<std::uint32_t>(-value));
    a_.mov_imm(x9, value);
    a_.add(w, d, n, x9);
}

void Lowering::divide_imm(AluOp op, int w, Reg d, Reg n, std::int64_t imm) {
    const std::uint64_t value = w == 64 ? static_cast<std::uint64_t>(imm) : static_cast<std::uint32_t>(imm);
    if (value == 0 && (op == AluOp::Mod || op == AluOp::SMod)) return truncate(w, d, n);
    if (value == 0) return a_.movz(w, d, 0);
    if (op == AluOp::Div && std::has_single_bit(value)) return shift_imm(AluOp::Rsh, w, d, n, std::countr_zero(value));
    if (op == AluOp::Mod && value == 1) return a_.movz(w, d, 0);
    if (op == AluOp::Mod && std::has_single_bit(value)) return a_.and_imm(w, d, n, value - 1);
    a_.mov_imm(x9, value);
    alu_reg(op, w, d, n, x9);
}

void Lowering::shift_imm(AluOp op, int w, Reg d, Reg n, int count) {
    if (count == 0) return truncate(w, d, n);
    if (op == AluOp::Lsh) a_.lsl_imm(w, d, n, count);
    if (op == AluOp::Rsh) a_.lsr_imm(w, d, n, count);
    if (op == AluOp::Arsh) a_.asr_imm(w, d, n, count);
}

void Lowering::endian(Reg d, EndianOp op, int w) {
    if (op == EndianOp::ToLe) {
        if (w == 16) a_.zero_extend(d, d, 16);
        if (w == 32) truncate(32, d, d);
    } else if (w == 16) {
        a_.rev16(d, d);
        a_.zero_extend(d, d, 16);
    } else {
        a_.rev(w, d, d);
    }
}

// ---- Fused instructions -------------------------------------------------------------------------------------------------

// Shifting left and right by the same count extracts the low bits; a move into the register may come before.
bool Lowering::fold_extension(std::uint32_t& slot, const Insn& i) {
    const bool moves = (i.op == Op::Mov64Reg || i.op == Op::Mov32Reg) && follows(slot + 1, Op::Lsh64Imm);
    const std::uint32_t left = moves ? slot + 1 : slot;
    if (insn(left).op != Op::Lsh64Imm || !follows(left + 1)) return false;
    const Insn& lsh = insn(left);
    const Insn& rsh = insn(left + 1);
    const bool is_signed = rsh.op == Op::Arsh64Imm;
    if ((!is_signed && rsh.op != Op::Rsh64Imm) || lsh.dst != i.dst || rsh.dst != i.dst || lsh.imm != rsh.imm) return false;
    const int bits = 64 - static_cast<int>(lsh.imm & 63);
    if (bits == 64 || (i.op == Op::Mov32Reg && bits > 32)) return false;
    const Reg d = reg(i.dst), s = reg(moves ? i.src : i.dst);
    is_signed ? a_.sign_extend(64, d, s, bits) : a_.ubfx(64, d, s, 0, bits);
    slot = left + 2;
    return true;
}

// A move and the operation on the moved value that follows it: one instruction of three operands.
bool Lowering::fold_move(std::uint32_t& slot, const Insn& i, int w) {
    if (i.dst == i.src || !follows(slot + 1)) return false;
    const Insn& next = insn(slot + 1);
    const OpInfo& row = info(next.op);
    if (next.dst != i.dst || row.family != Family::Alu || row.width != w) return false;
    const AluOp op = row.alu();
    if (op == AluOp::Mov || op >= AluOp::MovSx8) return false;
    if (row.source == Source::Reg && next.src == i.dst) return false;
    if (row.source == Source::Imm) {
        alu_imm(op, w, reg(i.dst), reg(i.src), next.imm);
    } else {
        alu_reg(op, w, reg(i.dst), reg(i.src), reg(next.src));
    }
    slot += 2;
    return true;
}

}  // namespace bpftime::ubpf::aarch64
