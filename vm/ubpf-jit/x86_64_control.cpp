// Frames, jumps, calls and constants on x86-64.
#include <algorithm>
#include <cerrno>

#include "vm/ubpf-jit/x86_64_lowering.h"

namespace bpftime::ubpf::x86_64 {

namespace {

enum FixupKind : int { Rel8, Rel32, HelperTable };

constexpr std::uint32_t kLoopAlignment = 16;
constexpr std::uint32_t kFunctionAlignment = 16;

// Bytes of padding that a loop head may need.
constexpr std::uint32_t kPadding = kLoopAlignment - 1;

// The longest code of an instruction by itself; a fused one is never longer than its parts.
CostModel::Row cost(const OpInfo& row) {
    const bool has_imm = row.source == Source::Imm;
    switch (row.family) {
        case Family::Alu:
            switch (row.alu()) {
                case AluOp::Div:
                case AluOp::SDiv:
                case AluOp::Mod:
                case AluOp::SMod: return {80};
                case AluOp::Lsh:
                case AluOp::Rsh:
                case AluOp::Arsh: return {static_cast<std::uint8_t>(has_imm ? 4 : 14)};
                case AluOp::Mov: return {static_cast<std::uint8_t>(has_imm ? 7 : 4)};
                default: return has_imm ? CostModel::Row{5, 3} : CostModel::Row{4};
            }
        case Family::Endian: return {9};
        case Family::Jump: return {static_cast<std::uint8_t>(has_imm ? 14 : 10)};
        case Family::Load: return {5, 0, 3};
        case Family::Store: return {static_cast<std::uint8_t>(!has_imm ? 6 : row.width == 8 ? 6 : row.width == 16 ? 8 : 9), 0, 3};
        case Family::Atomic: return {64};
        case Family::Lddw: return {10};
        case Family::Control:
            switch (row.shape()) {
                case Shape::CallReg: return {48};
                case Shape::CallId: return {12};
                case Shape::Bare: return {32};
                default: return {16};
            }
        default: return {};
    }
}

constexpr Cond kConditions[] = {Cond::E, Cond::A, Cond::AE, Cond::NE, Cond::NE, Cond::G,
                                Cond::GE, Cond::B, Cond::BE, Cond::L, Cond::LE};  // by Condition
constexpr bool is_signed(Condition c) {
    return c == Condition::SGt || c == Condition::SGe || c == Condition::SLt || c == Condition::SLe;
}

}  // namespace

const CostModel& Lowering::cost_model() {
    static const CostModel kModel = {.insns = CostModel::table(cost),
                                     .tail_call = 52,
                                     .prologue = 96,
                                     .loop_head = kPadding,
                                     .helper_table = 8 + 8 * kHelperLimit};
    return kModel;
}

// ---- Frames -------------------------------------------------------------------------------------------------------------
// With r10:     return address | saved rbp <- rbp | 512 bytes | locals | saved registers <- rsp
// Without r10:  return address | saved registers | locals <- rsp
// Locals, from the bottom: ctx and size of a program with tail calls (entry only), may_goto's counter.

std::uint32_t Lowering::begin_subprogram(const SubPlan& sub, const Subprogram& range) {
    a_.align(kFunctionAlignment);
    const std::uint32_t at = a_.position();
    sub_ = &sub;
    entry_ = range.begin == 0;
    const RegMask given = bit(1) | bit(2) | bit(kFramePointer);
    const auto zeroed = static_cast<RegMask>(entry_ ? slots_[0].live & ~given : 0);
    saved_ = (sub.written | zeroed) & kSaved;
    saves_r12_ = entry_ && plan_.tail_calls;
    prologue(zeroed);
    forget();
    for (int r = 0; r < kRegisters; ++r)
        if (zeroed & bit(r)) know_bits(r, 0);
    return at;
}

void Lowering::prologue(RegMask zeroed) {
    locals_ = (saves_r12_ ? 16u : 0u) + (sub_->may_goto ? 8u : 0u);
    const auto pushes = static_cast<std::uint32_t>(std::popcount(saved_)) + (saves_r12_ ? 1u : 0u) + (sub_->frame ? 1u : 0u);
    const bool aligned = (8 + 8 * pushes + locals_) % 16 == 0;  // the BPF stack is a multiple of 16
    if (sub_->calls && !aligned) locals_ += 8;
    if (sub_->frame) {
        a_.push(rbp);
        a_.mov(64, rbp, rsp);
        a_.sub_imm(64, rsp, static_cast<std::int32_t>(kStackSize + locals_));
    }
    for (int r = 6; r <= 9; ++r)
        if (saved_ & bit(r)) a_.push(reg(r));
    if (saves_r12_) a_.push(r12);
    if (!sub_->frame && locals_ == 8 && !sub_->may_goto) {
        a_.push(rax);
    } else if (!sub_->frame && locals_ != 0) {
        a_.sub_imm(64, rsp, static_cast<std::int32_t>(locals_));
    }
    const Reg base = sub_->frame ? rbp : rsp;
    const auto bottom = sub_->frame ? -static_cast<std::int32_t>(kStackSize + locals_) : 0;
    if (saves_r12_) {
        a_.lea(64, r12, {.base = base, .disp = bottom});
        a_.store(64, {.base = r12}, rdi);
        a_.store(64, {.base = r12, .disp = 8}, rsi);
    }
    if (sub_->may_goto) a_.store_imm(64, may_goto_counter(), static_cast<std::int32_t>(kMayGotoLimit));
    for (int r = 0; r < kFramePointer; ++r)
        if (zeroed & bit(r)) a_.zero(reg(r));
}

Mem Lowering::may_goto_counter() const {
    const auto offset = static_cast<std::int32_t>(saves_r12_ ? 16 : 0);
    if (sub_->frame) return {.base = rbp, .disp = offset - static_cast<std::int32_t>(kStackSize + locals_)};
    return {.base = rsp, .disp = offset};
}

// Restores what the prologue saved; the return address is next on the stack.
void Lowering::epilogue() {
    if (!sub_->frame && locals_ == 8 && !sub_->may_goto) {
        a_.pop(rcx);
    } else if (!sub_->frame && locals_ != 0) {
        a_.add_imm(64, rsp, static_cast<std::int32_t>(locals_));
    }
    if (saves_r12_) a_.pop(r12);
    for (int r = 9; r >= 6; --r)
        if (saved_ & bit(r)) a_.pop(reg(r));
    if (sub_->frame) a_.leave();
}

// ---- Dispatch -----------------------------------------------------------------------------------------------------------

void Lowering::label(std::uint8_t marks) {
    if (marks & kLoopHead) a_.align(kLoopAlignment);
    if ((marks & kTarget) == 0) return;
    forget();
    flags_at_ = ~0u;
}

std::uint32_t Lowering::lower(std::uint32_t slot) {
    const Insn& i = insn(slot);
    const OpInfo& row = info(i.op);
    switch (row.family) {
        case Family::Alu: return alu(slot, i, row);
        case Family::Endian: return endian(i, row.endian(), row.width), slot + 1;
        case Family::Jump: return jump(slot, i, row);
        case Family::Load: return load(slot, i, row, mem(i.src, i.off));
        case Family::Store: return store(i, row, mem(i.dst, i.off)), slot + 1;
        case Family::Atomic: return atomic(i, row.atomic(), row.width), slot + 1;
        case Family::Lddw: return lddw(i, slot, row.lddw()), slot + 2;
        case Family::Control: return control(slot, i, row.shape());
        case Family::Packet:
        case Family::High: break;  // check_bindings refuses the one, the other is never reached
    }
    return slot + 1;
}

std::uint32_t Lowering::control(std::uint32_t slot, const Insn& i, Shape shape) {
    switch (shape) {
        case Shape::JumpOff:
            if (i.op == Op::Ja) {
                go(slot, i.target(slot));
            } else {
                a_.dec64(may_goto_counter());
                branch(Cond::S, slot, i.target(slot));
            }
            break;
        case Shape::JumpImm:
            if (i.op == Op::Ja32) {
                go(slot, i.target(slot));
            } else {
                fix_later(a_.call_near(), i.target(slot), Rel32, true);
                forget_scratch();
            }
            break;
        case Shape::CallId:
            call_helper(static_cast<std::uint32_t>(i.imm));
            if (i.imm == kTailCallHelper) tail_call();
            break;
        case Shape::CallReg: call_reg(i.dst); break;
        case Shape::Bare:
            epilogue();
            a_.ret();
            break;
        case Shape::CallIdOff: break;  // check_bindings refuses it
    }
    return slot + 1;
}

// ---- Jumps --------------------------------------------------------------------------------------------------------------

std::uint32_t Lowering::jump(std::uint32_t slot, const Insn& i, const OpInfo& row) {
    if (fold_select(slot, i, row)) return slot;
    const Cond condition = compare(i, row);
    const Op next = insns_[slot + 1].op;
    if (i.target(slot) == slot + 2 && (next == Op::Ja || next == Op::Ja32) && follows(slot + 1)) {  // a jump over a goto
        branch(invert(condition), slot + 1, insn(slot + 1).target(slot + 1));
        return slot + 2;
    }
    branch(condition, slot, i.target(slot));
    return slot + 1;
}

// Sets flags for the jump `i`; returns the condition on which it is taken.
Cond Lowering::compare(const Insn& i, const OpInfo& row) {
    const Condition condition = row.condition();
    const Cond cond = kConditions[static_cast<std::size_t>(condition)];
    // Numbers known to be below 2^31 compare alike in 32 bits, whose encodings are shorter.
    const int known = row.source == Source::Reg ? std::max(known_bits(i.dst), known_bits(i.src)) : known_bits(i.dst);
    const bool narrow = known <= (is_signed(condition) ? 31 : 32) && (row.source == Source::Reg || i.imm >= 0);
    const int w = narrow ? 32 : row.width;
    if (row.source == Source::Imm) return compare_imm(i, condition, cond, w);
    if (condition == Condition::Set) {
        a_.test(w, reg(i.dst), reg(i.src));
    } else {
        a_.cmp(w, reg(i.dst), reg(i.src));
    }
    return cond;
}

Cond Lowering::compare_imm(const Insn& i, Condition condition, Cond cond, int w) {
    const Reg d = reg(i.dst);
    const auto imm = static_cast<std::int32_t>(i.imm);
    if (condition == Condition::Set) {
        if (imm >= 0 && imm < 256) {
            a_.test8_imm(d, static_cast<std::uint8_t>(imm));
        } else {
            a_.test_imm(imm >= 0 ? 32 : w, d, imm);
        }
    } else if (imm != 0) {
        a_.cmp_imm(w, d, imm);
    } else if ((condition != Condition::Eq && condition != Condition::Ne) || !flags_known(i.dst, w)) {
        a_.test(w, d, d);  // the same flags as cmp d, 0
    }
    return cond;
}

void Lowering::branch(Cond condition, std::uint32_t slot, std::uint32_t target) {
    if (target <= slot) {
        const std::int64_t back = std::int64_t{slots_[target].offset} - a_.position();
        if (fits8(back - 2)) return a_.patch8(a_.jcc_short(condition), slots_[target].offset);
        return a_.patch32(a_.jcc_near(condition), slots_[target].offset);
    }
    if (distance(slot + 1, target, kPadding) <= 127) return fix_later(a_.jcc_short(condition), target, Rel8);
    fix_later(a_.jcc_near(condition), target, Rel32);
}

void Lowering::go(std::uint32_t slot, std::uint32_t target) {
    if (target <= slot) {
        const std::int64_t back = std::int64_t{slots_[target].offset} - a_.position();
        if (fits8(back - 2)) return a_.patch8(a_.jmp_short(), slots_[target].offset);
        return a_.patch32(a_.jmp_near(), slots_[target].offset);
    }
    if (target == slot + 1) return;
    if (distance(slot + 1, target, kPadding) <= 127) return fix_later(a_.jmp_short(), target, Rel8);
    fix_later(a_.jmp_near(), target, Rel32);
}

// ---- Calls and constants ------------------------------------------------------------------------------------------------

void Lowering::call_helper(std::uint32_t id) {
    const auto target = reinterpret_cast<std::uint64_t>(job_.bindings.helpers[id]);
    const auto distance_from_here = static_cast<std::int64_t>(target - (job_.address + a_.position() + 5));
    if (job_.address != 0 && fits32(distance_from_here)) {
        const std::uint32_t at = a_.call_near();
        a_.patch32(at, static_cast<std::uint32_t>(target - job_.address));
    } else {
        a_.mov_imm(rax, target);
        a_.call(rax);
    }
    forget_scratch();
}

// The helper whose id is in a register; r0 = -EINVAL when there is none.
void Lowering::call_reg(int number) {
    a_.cmp_imm(64, reg(number), static_cast<std::int32_t>(kHelperLimit));
    const std::uint32_t out_of_range = a_.jcc_short(Cond::AE);
    fix_later(a_.lea_rip(r11), 0, HelperTable);
    a_.load(64, r11, {.base = r11, .index = reg(number), .shift = 3});
    a_.test(64, r11, r11);
    const std::uint32_t not_offered = a_.jcc_short(Cond::E);
    a_.call(r11);
    const std::uint32_t done = a_.jmp_short();
    a_.patch8_here(out_of_range);
    a_.patch8_here(not_offered);
    a_.mov_imm(rax, static_cast<std::uint64_t>(-EINVAL));
    a_.patch8_here(done);
    forget_scratch();
}

// Helper 12 has returned the entry to go on with, or 0.
void Lowering::tail_call() {
    a_.test(64, rax, rax);
    const std::uint32_t refused = a_.jcc_short(Cond::E);
    a_.load(64, rdi, {.base = r12});
    a_.load(64, rsi, {.base = r12, .disp = 8});
    epilogue();
    a_.jmp(rax);
    a_.patch8_here(refused);
}

void Lowering::lddw(const Insn& i, std::uint32_t slot, LddwKind kind) {
    if (kind == LddwKind::CodeAddr) {
        fix_later(a_.lea_rip(reg(i.dst)), i.code_target(slot), Rel32, true);
        know_bits(i.dst, 64);
    } else {
        const std::uint64_t value = constant(i, kind);
        move_imm(reg(i.dst), value);
        know_bits(i.dst, std::bit_width(value));
    }
}

// ---- The end ------------------------------------------------------------------------------------------------------------

Status Lowering::finish() {
    std::uint32_t table = 0;
    if (plan_.call_reg) {
        a_.align(8);
        table = a_.position();
        for (std::uint32_t id = 0; id < kHelperLimit; ++id)
            a_.u64(reinterpret_cast<std::uint64_t>(job_.bindings.helpers[id]));
    }
    for (const Fixup& fixup : job_.scratch.fixups) {
        switch (fixup.kind) {
            case Rel8:
                if (!fits8(std::int64_t{resolve(fixup)} - (fixup.at + 1)))
                    return fail(failure("a short jump to slot ", fixup.target, " does not reach it"));
                a_.patch8(fixup.at, resolve(fixup));
                break;
            case Rel32: a_.patch32(fixup.at, resolve(fixup)); break;
            case HelperTable: a_.patch32(fixup.at, table); break;
        }
    }
    return {};
}

}  // namespace bpftime::ubpf::x86_64
