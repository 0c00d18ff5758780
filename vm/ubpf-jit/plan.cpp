#include "vm/ubpf-jit/plan.h"

#include <array>

#include "vm/core/engine.h"
#include "vm/core/helpers.h"

namespace bpftime::ubpf {

namespace {

enum Effect : std::uint16_t {
    ReadsDst = 1,
    ReadsSrc = 2,
    WritesDst = 4,
    WritesSrc = 8,
    AccumulatesR0 = 16,  // reads and writes r0 beside its operands
    Jumps = 32,          // to target()
    Ends = 64,           // never continues with the next slot
    Calls = 128,         // r0..r5 do not survive
    Special = 256,       // looked at one by one
};

constexpr std::uint16_t alu_effects(Source source, AluOp op) {
    const bool moves = op >= AluOp::MovSx8 || op == AluOp::Mov;
    const int reads = (moves ? 0 : ReadsDst) | (source == Source::Reg ? ReadsSrc : 0);
    return static_cast<std::uint16_t>(WritesDst | reads);
}
constexpr std::uint16_t operand_effects(Source source) { return source == Source::Reg ? ReadsDst | ReadsSrc : ReadsDst; }
constexpr std::uint16_t atomic_effects(AtomicOp op) {
    switch (op) {
        case AtomicOp::LoadAcquire: return ReadsSrc | WritesDst;
        case AtomicOp::CmpXchg: return ReadsDst | ReadsSrc | AccumulatesR0;
        case AtomicOp::FetchAdd:
        case AtomicOp::FetchOr:
        case AtomicOp::FetchAnd:
        case AtomicOp::FetchXor:
        case AtomicOp::Xchg: return ReadsDst | ReadsSrc | WritesSrc;
        default: return ReadsDst | ReadsSrc;
    }
}
constexpr std::uint16_t control_effects(Shape shape) {
    switch (shape) {
        case Shape::JumpOff: return Jumps | Special;  // goto, may_goto
        case Shape::JumpImm: return Special;          // gotol, local call
        case Shape::CallReg: return ReadsDst | Calls | Special;
        case Shape::Bare: return Ends | Special;
        default: return Calls | Special;
    }
}

constexpr std::array<std::uint16_t, kOpCount> kEffects = {
#define ALU(name, opcode, off, width, source, op) alu_effects(Source::source, AluOp::op),
#define ENDIAN(name, opcode, imm, op) ReadsDst | WritesDst,
#define JUMP(name, opcode, width, source, condition) operand_effects(Source::source) | Jumps,
#define LOAD(name, opcode, width, ext) ReadsSrc | WritesDst,
#define STORE(name, opcode, width, source) operand_effects(Source::source),
#define ATOMIC(name, opcode, imm, width, op) atomic_effects(AtomicOp::op),
#define LDDW(name, src, kind) WritesDst | (LddwKind::kind == LddwKind::CodeAddr ? Special : 0),
#define PACKET(name, opcode, width, source) 0,
#define CONTROL(name, opcode, src, shape) control_effects(Shape::shape),
#include "vm/core/isa.def"
    0,  // LddwHigh
};

// r1..rN of each helper.
const std::array<RegMask, kHelperLimit>& helper_arguments() {
    static const auto kMasks = [] {
        std::array<RegMask, kHelperLimit> masks{};
        for (std::uint32_t id = 1; id < kHelperLimit; ++id)
            masks[id] = static_cast<RegMask>(((1u << helper(id)->arg_count()) - 1) << 1);
        return masks;
    }();
    return kMasks;
}

class Planner {
public:
    Planner(const Program& program, const CostModel& cost, Plan& plan)
        : program_(program), cost_(cost), plan_(plan), arguments_(helper_arguments()) {}

    void run() {
        const std::size_t count = program_.insns.size();
        plan_ = {.slots = std::move(plan_.slots), .subs = std::move(plan_.subs)};
        plan_.slots.assign(count + 1, {});
        plan_.subs.assign(program_.subprograms.size(), {});
        room_ = 0;
        for (std::size_t i = program_.subprograms.size(); i-- > 0;) plan_subprogram(program_.subprograms[i], plan_.subs[i]);
        plan_.capacity = room_ + (plan_.call_reg ? cost_.helper_table : 0);
    }

private:
    // The first walk finds everything at once.
    void plan_subprogram(const Subprogram& range, SubPlan& sub) {
        unsigned live = 0, used = 0, written = 0;
        bool looped = false;
        std::uint32_t room = room_;
        for (std::uint32_t slot = range.end; slot-- > range.begin;) {
            const Insn& insn = program_.insns[slot];
            const Step step = step_of(insn);
            used |= step.reads | step.writes;
            written |= step.writes;
            if (step.effects & Special) room += note(insn, sub);
            if (step.effects & Ends) live = 0;
            if (step.effects & Jumps) {
                SlotPlan& there = plan_.slots[insn.target(slot)];
                const bool back = insn.off < 0;
                there.marks |= back ? kTarget | kLoopHead : kTarget;
                live |= back ? 0 : there.live;
                looped |= back;
            }
            if (plan_.slots[slot + 1].marks & kLoopHead) room += cost_.loop_head;
            room += cost_.of(insn);
            live = (live & ~step.writes) | step.reads;
            SlotPlan& here = plan_.slots[slot];
            here.room = room;
            here.live = static_cast<RegMask>(live);
        }
        room_ = room + cost_.prologue + (plan_.slots[range.begin].marks & kLoopHead ? cost_.loop_head : 0);
        sub.used = static_cast<RegMask>(used);
        sub.written = static_cast<RegMask>(written);
        sub.frame = (sub.used & bit(kFramePointer)) != 0;
        sub.calls |= sub.tail_calls;
        plan_.tail_calls |= sub.tail_calls;
        if (looped) settle(range);
    }

    // Liveness around loops: what a loop head needs was taken for nothing at the jumps back to it, so walk again until no loop
    // head needs more than before. Deep nests that have not settled by then get the safe answer: everything is needed.
    void settle(const Subprogram& range) {
        constexpr int kWalks = 8;
        for (int walk = 0; walk < kWalks; ++walk)
            if (!sharpen(range)) return;
        for (std::uint32_t slot = range.begin; slot < range.end; ++slot) plan_.slots[slot].live = kAnyRegister;
    }

    // One walk; true when a loop head's needs changed.
    bool sharpen(const Subprogram& range) {
        bool changed = false;
        unsigned live = 0;
        for (std::uint32_t slot = range.end; slot-- > range.begin;) {
            SlotPlan& here = plan_.slots[slot];
            const Insn& insn = program_.insns[slot];
            const Step step = step_of(insn);
            if (step.effects & Ends) live = 0;
            if (step.effects & Jumps) live |= plan_.slots[insn.target(slot)].live;
            live = (live & ~step.writes) | step.reads;
            changed |= (here.marks & kLoopHead) != 0 && here.live != live;
            here.live = static_cast<RegMask>(live);
        }
        return changed;
    }

    struct Step {
        unsigned effects, reads, writes;  // in registers of their own: parts of words would be slow to put together again
    };
    [[gnu::always_inline]] Step step_of(const Insn& insn) const {
        Step step{kEffects[static_cast<std::size_t>(insn.op)], 0, 0};
        const unsigned dst = bit(insn.dst), src = bit(insn.src);
        const unsigned e = step.effects;  // by arithmetic, as branches on them would be as good as random
        step.reads = dst * (e & ReadsDst) | src * (e / ReadsSrc & 1) | (e / AccumulatesR0 & 1);
        step.writes = dst * (e / WritesDst & 1) | src * (e / WritesSrc & 1) | (e / AccumulatesR0 & 1);
        if (step.effects & Special) refine(insn, step);
        return step;
    }
    void refine(const Insn& insn, Step& step) const {
        if (step.effects & Calls) step.writes |= kScratch;
        switch (insn.op) {
            case Op::Ja:
            case Op::Ja32: step.effects |= Jumps | Ends; break;
            case Op::Exit: step.reads |= bit(0); break;
            case Op::CallHelper: step.reads |= arguments_[static_cast<std::size_t>(insn.imm)]; break;
            case Op::CallLocal: {
                const auto slot = static_cast<std::uint32_t>(&insn - program_.insns.data());
                const std::uint32_t callee = insn.target(slot);  // one that lies ahead has been planned
                step.reads |= callee > slot ? plan_.slots[callee].live & kArguments : kArguments;
                step.writes |= kScratch;
                break;
            }
            case Op::CallReg: step.reads |= kArguments; break;
            default: break;
        }
    }
    // Remembers what is special about `insn`; returns what it costs more than others of its kind.
    std::uint32_t note(const Insn& insn, SubPlan& sub) {
        switch (insn.op) {
            case Op::MayGoto: sub.may_goto = true; break;
            case Op::CallHelper:
                sub.calls = true;
                if (insn.imm != kTailCallHelper) break;
                sub.tail_calls = true;
                return cost_.tail_call;
            case Op::CallReg: plan_.call_reg = true; [[fallthrough]];
            case Op::CallLocal: sub.calls = true; break;
            default: break;
        }
        return 0;
    }

    const Program& program_;
    const CostModel& cost_;
    Plan& plan_;
    const std::array<RegMask, kHelperLimit>& arguments_;
    std::uint32_t room_ = 0;
};

}  // namespace

void make_plan(const Program& program, const CostModel& cost, Plan& plan) { Planner(program, cost, plan).run(); }

}  // namespace bpftime::ubpf
