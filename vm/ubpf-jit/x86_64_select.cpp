// Conditional jumps over one or two instructions that only change one register become conditional moves: compilers lower every
// choice to such a jump, as BPF has nothing else, and its direction is often as good as random.
#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime::ubpf::x86_64 {

namespace {

bool moves_imm(const Insn& i, std::int64_t imm) { return (i.op == Op::Mov64Imm || i.op == Op::Mov32Imm) && i.imm == imm; }

}  // namespace

// X = 1; if condition goto +1; X = 0 (or 0 and 1 the other way round): X = condition.
bool Lowering::fold_set(std::uint32_t& slot, const Insn& i) {
    const bool one_if_taken = moves_imm(i, 1);
    if ((!one_if_taken && !moves_imm(i, 0)) || !follows(slot + 1) || !follows(slot + 2)) return false;
    const Insn& test = insn(slot + 1);
    const OpInfo& row = info(test.op);
    if (row.family != Family::Jump || test.off != 1 || !moves_imm(insn(slot + 2), one_if_taken ? 0 : 1)) return false;
    if (insn(slot + 2).dst != i.dst || test.dst == i.dst || (row.source == Source::Reg && test.src == i.dst)) return false;
    a_.zero(reg(i.dst));
    const Cond condition = compare(test, row);
    a_.set(one_if_taken ? condition : invert(condition), reg(i.dst));
    know_bits(i.dst, 1);
    slot += 3;
    return true;
}

// if condition goto over; X = Y; X op= Z; over: with either of the two left out.
bool Lowering::fold_select(std::uint32_t& slot, const Insn& i, const OpInfo& row) {
    if (i.off != 1 && i.off != 2) return false;
    for (std::uint32_t n = 1; n <= static_cast<std::uint32_t>(i.off); ++n)
        if (!follows(slot + n)) return false;
    const Insn& first = insn(slot + 1);
    const OpInfo& what = info(first.op);
    if (asked_again(i, slot + static_cast<std::uint32_t>(i.off) + 1)) return false;
    if (what.family != Family::Alu) return false;
    const bool moves = what.alu() == AluOp::Mov;
    if (i.off == 2) {
        const Insn& second = insn(slot + 2);
        if (!moves || info(second.op).family != Family::Alu || second.dst != first.dst || !operable(second)) return false;
        if (info(second.op).source == Source::Reg && second.src == first.dst) return false;
    } else if (!moves && !operable(first)) {
        return false;
    }

    const Reg d = reg(first.dst);
    Reg chosen = r11;
    if (!moves) {
        a_.mov(what.width, r11, d);
        operate(first, r11);
    } else if (what.source == Source::Imm) {
        move_imm(r11, what.width == 64 ? static_cast<std::uint64_t>(first.imm) : static_cast<std::uint32_t>(first.imm));
    } else if (i.off == 1 && (what.width == 64 || known_bits(first.src) <= 32)) {
        chosen = reg(first.src);
    } else {
        a_.mov(what.width, r11, reg(first.src));
    }
    if (i.off == 2) operate(insn(slot + 2), r11);
    a_.cmov(invert(compare(i, row)), 64, d, chosen);
    slot += static_cast<std::uint32_t>(i.off) + 1;
    return true;
}

// Whether the same jump comes again within a few instructions: what one of them foresees helps the other, so neither is worth removing.
bool Lowering::asked_again(const Insn& i, std::uint32_t from) const {
    for (std::uint32_t slot = from; slot < from + 3 && slot < insns_.size(); ++slot)
        if (insn(slot).op == i.op && insn(slot).dst == i.dst && insn(slot).src == i.src && insn(slot).imm == i.imm) return true;
    return false;
}

// Whether operate() can do what `i`, an arithmetic instruction, does.
bool Lowering::operable(const Insn& i) {
    const OpInfo& row = info(i.op);
    switch (row.alu()) {
        case AluOp::Add:
        case AluOp::Sub:
        case AluOp::And:
        case AluOp::Or:
        case AluOp::Xor: return true;
        case AluOp::Lsh:
        case AluOp::Rsh:
        case AluOp::Arsh: return row.source == Source::Imm && (i.imm & (row.width - 1)) != 0;
        default: return false;
    }
}

// d op= source of `i`, whatever its dst.
void Lowering::operate(const Insn& i, Reg d) {
    const OpInfo& row = info(i.op);
    const int w = row.width;
    const auto imm = static_cast<std::int32_t>(i.imm);
    const bool has_imm = row.source == Source::Imm;
    // An operand that is the register chosen for: its old value.
    const Reg s = reg(i.src);
    switch (row.alu()) {
        case AluOp::Add: return has_imm ? a_.add_imm(w, d, imm) : a_.add(w, d, s);
        case AluOp::Sub: return has_imm ? a_.sub_imm(w, d, imm) : a_.sub(w, d, s);
        case AluOp::And: return has_imm ? a_.and_imm(w, d, imm) : a_.and_(w, d, s);
        case AluOp::Or: return has_imm ? a_.or_imm(w, d, imm) : a_.or_(w, d, s);
        case AluOp::Xor: return has_imm ? a_.xor_imm(w, d, imm) : a_.xor_(w, d, s);
        case AluOp::Lsh: return a_.shl_imm(w, d, static_cast<std::uint8_t>(imm & (w - 1)));
        case AluOp::Rsh: return a_.shr_imm(w, d, static_cast<std::uint8_t>(imm & (w - 1)));
        case AluOp::Arsh: return a_.sar_imm(w, d, static_cast<std::uint8_t>(imm & (w - 1)));
        default: return;
    }
}

}  // namespace bpftime::ubpf::x86_64
