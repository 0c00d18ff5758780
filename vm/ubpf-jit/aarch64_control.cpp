// Frames, jumps, calls and constants on AArch64.
#include <cerrno>

#include "vm/ubpf-jit/aarch64_lowering.h"

namespace bpftime::ubpf::aarch64 {

namespace {

enum FixupKind : int { Branch26, Branch19, Adr, LongAdr, TableAdr, TableLongAdr };

// Bytes that the shorter displacements reach at least, in either direction.
constexpr std::uint32_t kReach19 = (1 << 20) - 64;

// The longest code of an instruction by itself; a fused one is never longer than its parts.
CostModel::Row cost(const OpInfo& row) {
    const bool has_imm = row.source == Source::Imm;
    switch (row.family) {
        case Family::Alu: return {static_cast<std::uint8_t>(has_imm ? 16 : 8)};
        case Family::Endian: return {8};
        case Family::Jump: return {static_cast<std::uint8_t>(has_imm ? 20 : 12)};
        case Family::Load: return {12};
        case Family::Store: return {20};
        case Family::Atomic: return {48};
        case Family::Lddw: return {16};
        case Family::Control:
            switch (row.shape()) {
                case Shape::CallReg: return {72};
                case Shape::Bare: return {48};
                default: return {24};
            }
        default: return {};
    }
}

constexpr Cond kConditions[] = {Cond::EQ, Cond::HI, Cond::HS, Cond::NE, Cond::NE, Cond::GT,
                                Cond::GE, Cond::LO, Cond::LS, Cond::LT, Cond::LE};  // by Condition

}  // namespace

const CostModel& Lowering::cost_model() {
    static const CostModel kModel = {.insns = CostModel::table(cost),
                                     .tail_call = 72,
                                     .prologue = 128,
                                     .loop_head = 0,
                                     .helper_table = 8 + 8 * kHelperLimit};
    return kModel;
}

// ---- Frames -------------------------------------------------------------------------------------------------------------
// From the top: x29 and x30 if anything is called or r10 is used (x29 points to them), 512 bytes if r10 is used, saved registers,
// may_goto's counter, ctx and size of a program with tail calls (entry only) at sp.

std::uint32_t Lowering::begin_subprogram(const SubPlan& sub, const Subprogram& range) {
    const std::uint32_t at = a_.position();
    sub_ = &sub;
    const bool entry = range.begin == 0;
    const RegMask given = bit(1) | bit(2) | bit(kFramePointer);
    const auto zeroed = static_cast<RegMask>(entry ? slots_[0].live & ~given : 0);
    saved_ = (sub.written | zeroed) & kSaved;
    saves_x23_ = entry && plan_.tail_calls;
    record_ = sub.calls || sub.frame;
    prologue(zeroed);
    return at;
}

void Lowering::prologue(RegMask zeroed) {
    counter_offset_ = saves_x23_ ? 16 : 0;
    save_offset_ = counter_offset_ + (sub_->may_goto ? 8 : 0);
    const int saves = std::popcount(saved_) + (saves_x23_ ? 1 : 0);
    frame_ = (save_offset_ + 8 * saves + 15) / 16 * 16 + (sub_->frame ? kStackSize : 0);
    if (record_) {
        a_.stp_pre(x29, x30, sp, -16);
        a_.mov_sp(x29, sp);
    }
    if (frame_ != 0) a_.sub_imm(64, sp, sp, static_cast<std::uint32_t>(frame_));
    save_registers(false);
    if (saves_x23_) {
        a_.mov_sp(x23, sp);
        a_.stp(x0, x1, sp, 0);
    }
    if (sub_->may_goto) {
        a_.mov_imm(x9, kMayGotoLimit);
        a_.store(64, x9, sp, counter_offset_);
    }
    for (int r = 0; r < kFramePointer; ++r)
        if (zeroed & bit(r)) a_.movz(64, reg(r), 0);
}

void Lowering::save_registers(bool restore) {
    std::array<Reg, 5> list{};
    std::size_t count = 0;
    for (int r = 6; r <= 9; ++r)
        if (saved_ & bit(r)) list[count++] = reg(r);
    if (saves_x23_) list[count++] = x23;
    int at = save_offset_;
    std::size_t n = 0;
    for (; n + 1 < count; n += 2, at += 16) restore ? a_.ldp(list[n], list[n + 1], sp, at) : a_.stp(list[n], list[n + 1], sp, at);
    if (n < count) restore ? a_.load(64, list[n], sp, at) : a_.store(64, list[n], sp, at);
}

// Restores what the prologue saved; x30 is the return address again.
void Lowering::epilogue() {
    save_registers(true);
    if (frame_ != 0) a_.add_imm(64, sp, sp, static_cast<std::uint32_t>(frame_));
    if (record_) a_.ldp_post(x29, x30, sp, 16);
}

// ---- Dispatch -----------------------------------------------------------------------------------------------------------

std::uint32_t Lowering::lower(std::uint32_t slot) {
    const Insn& i = insn(slot);
    const OpInfo& row = info(i.op);
    switch (row.family) {
        case Family::Alu: return alu(slot, i, row);
        case Family::Endian: return endian(reg(i.dst), row.endian(), row.width), slot + 1;
        case Family::Jump: return branch(compare(i, row), slot, i.target(slot)), slot + 1;
        case Family::Load: return load(i, row), slot + 1;
        case Family::Store: return store(i, row), slot + 1;
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
        case Shape::JumpOff: i.op == Op::Ja ? go(slot, i.target(slot)) : may_goto(slot, i.target(slot)); break;
        case Shape::JumpImm:
            if (i.op == Op::Ja32) {
                go(slot, i.target(slot));
            } else {
                fix_later(a_.position(), i.target(slot), Branch26, true);
                a_.bl();
                a_.mov(64, reg(0), x0);
            }
            break;
        case Shape::CallId:
            call_helper(static_cast<std::uint32_t>(i.imm));
            if (i.imm == kTailCallHelper) tail_call();
            break;
        case Shape::CallReg: call_reg(i.dst); break;
        case Shape::Bare:
            a_.mov(64, x0, reg(0));
            epilogue();
            a_.ret();
            break;
        case Shape::CallIdOff: break;  // check_bindings refuses it
    }
    return slot + 1;
}

// ---- Jumps --------------------------------------------------------------------------------------------------------------

// Sets flags for the jump `i` where need be; returns on what it is taken.
Lowering::Test Lowering::compare(const Insn& i, const OpInfo& row) {
    const Condition condition = row.condition();
    const Cond cond = kConditions[static_cast<std::size_t>(condition)];
    if (row.source == Source::Imm) return compare_imm(i, condition, cond, row.width);
    if (condition == Condition::Set) {
        a_.tst(row.width, reg(i.dst), reg(i.src));
    } else {
        a_.cmp(row.width, reg(i.dst), reg(i.src));
    }
    return {.cond = cond};
}

Lowering::Test Lowering::compare_imm(const Insn& i, Condition condition, Cond cond, int w) {
    const Reg d = reg(i.dst);
    const auto imm = static_cast<std::uint64_t>(i.imm);
    if (condition == Condition::Set) {
        if (encode_bitmask(w, imm)) return a_.tst_imm(w, d, imm), Test{.cond = cond};
        a_.mov_imm(x9, imm);
        return a_.tst(w, d, x9), Test{.cond = cond};
    }
    if (imm == 0 && (cond == Cond::EQ || cond == Cond::NE)) return {.cond = cond, .is_register = true, .w = w, .r = d};
    if (encodable_add(imm)) {
        a_.cmp_imm(w, d, static_cast<std::uint32_t>(imm));
    } else if (encodable_add(-imm)) {
        a_.cmn_imm(w, d, static_cast<std::uint32_t>(-imm));
    } else {
        a_.mov_imm(x9, imm);
        a_.cmp(w, d, x9);
    }
    return {.cond = cond};
}

void Lowering::branch_here(const Test& test, std::int64_t offset) {
    if (!test.is_register) return a_.b_cond(test.cond, offset);
    test.cond == Cond::EQ ? a_.cbz(test.w, test.r, offset) : a_.cbnz(test.w, test.r, offset);
}

// Beyond the reach of a conditional branch: the opposite condition skips an unconditional one.
void Lowering::branch(const Test& test, std::uint32_t slot, std::uint32_t target) {
    const bool back = target <= slot;
    const std::uint32_t far = back ? a_.position() - slots_[target].offset : distance(slot + 1, target, 0);
    if (far < kReach19) {
        if (back) return branch_here(test, -std::int64_t{far});
        fix_later(a_.position(), target, Branch19);
        return branch_here(test, 0);
    }
    Test opposite = test;
    opposite.cond = invert(test.cond);
    branch_here(opposite, 8);
    go(slot, target);
}

void Lowering::go(std::uint32_t slot, std::uint32_t target) {
    if (target > slot) fix_later(a_.position(), target, Branch26);
    a_.b(target > slot ? 0 : std::int64_t{slots_[target].offset} - a_.position());
}

void Lowering::may_goto(std::uint32_t slot, std::uint32_t target) {
    a_.load(64, x9, sp, counter_offset_);
    a_.subs_imm(64, x9, x9, 1);
    a_.store(64, x9, sp, counter_offset_);
    branch({.cond = Cond::MI}, slot, target);
}

// ---- Calls and constants ------------------------------------------------------------------------------------------------

void Lowering::call_helper(std::uint32_t id) {
    const auto target = reinterpret_cast<std::uint64_t>(job_.bindings.helpers[id]);
    const auto away = static_cast<std::int64_t>(target - (job_.address + a_.position()));
    if (job_.address != 0 && Assembler::reaches(Field::Imm26, away)) {
        a_.bl(away);
    } else {
        a_.mov_imm(x16, target);
        a_.blr(x16);
    }
    a_.mov(64, reg(0), x0);
}

// The helper whose id is in a register; r0 = -EINVAL when there is none.
void Lowering::call_reg(int number) {
    const auto from = a_.position();
    const bool long_form = plan_.capacity >= kReach19;
    const std::uint32_t missing = from + (long_form ? 48 : 36);
    a_.cmp_imm(64, reg(number), kHelperLimit);
    a_.b_cond(Cond::HS, std::int64_t{missing} - a_.position());
    address_of(x16, 0, true);
    a_.add(64, x16, x16, reg(number), 3);
    a_.load(64, x16, x16, 0);
    a_.cbz(64, x16, std::int64_t{missing} - a_.position());
    a_.blr(x16);
    a_.mov(64, reg(0), x0);
    a_.b(8);
    a_.mov_imm(reg(0), static_cast<std::uint64_t>(-EINVAL));  // missing
}

// Helper 12 has returned the entry to go on with, or 0.
void Lowering::tail_call() {
    const std::uint32_t refused = a_.position();
    a_.cbz(64, x0);
    a_.mov(64, x16, x0);
    a_.ldp(x0, x1, x23, 0);
    epilogue();
    a_.br(x16);
    a_.patch(Field::Imm19, refused, a_.position());
}

void Lowering::lddw(const Insn& i, std::uint32_t slot, LddwKind kind) {
    if (kind == LddwKind::CodeAddr) return address_of(reg(i.dst), i.code_target(slot), false);
    a_.mov_imm(reg(i.dst), constant(i, kind));
}

// d = address of a subprogram or of the helper table.
void Lowering::address_of(Reg d, std::uint32_t target, bool table) {
    const bool long_form = plan_.capacity >= kReach19;
    fix_later(a_.position(), target, table ? (long_form ? TableLongAdr : TableAdr) : (long_form ? LongAdr : Adr), !table);
    a_.adr(d, 0);
    if (!long_form) return;
    a_.movz(32, x9, 0);
    a_.movk(32, x9, 0, 16);
    a_.add_sxtw(d, d, x9);
}

// ---- The end ------------------------------------------------------------------------------------------------------------

Status Lowering::patch(const Fixup& fixup, std::uint32_t target) {
    const std::int64_t off = std::int64_t{target} - fixup.at;
    const bool is_long = fixup.kind == LongAdr || fixup.kind == TableLongAdr;
    if (is_long) {
        a_.set_wide(fixup.at + 4, static_cast<std::uint16_t>(off));
        a_.set_wide(fixup.at + 8, static_cast<std::uint16_t>(off >> 16));
        return {};
    }
    const Field field = fixup.kind == Branch26 ? Field::Imm26 : fixup.kind == Branch19 ? Field::Imm19 : Field::Adr;
    if (!Assembler::reaches(field, off))
        return fail(failure("native code is too large: a branch to slot ", fixup.target, " spans ", off, " bytes")
                        .with_hint("AArch64 branches reach 128 MiB"));
    a_.patch(field, fixup.at, target);
    return {};
}

Status Lowering::finish() {
    std::uint32_t table = 0;
    if (plan_.call_reg) {
        if (a_.position() % 8 != 0) a_.nop();
        table = a_.position();
        for (std::uint32_t id = 0; id < kHelperLimit; ++id)
            a_.u64(reinterpret_cast<std::uint64_t>(job_.bindings.helpers[id]));
    }
    for (const Fixup& fixup : job_.scratch.fixups) {
        const bool is_table = fixup.kind == TableAdr || fixup.kind == TableLongAdr;
        BPFTIME_CHECK(patch(fixup, is_table ? table : resolve(fixup)));
    }
    return {};
}

}  // namespace bpftime::ubpf::aarch64
